"""The pages on which people sign in and look after their account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from layers.definition import Label
from layers.identity.tokens import Token
from scenarios.notifying.channel import Channel
from scenarios.notifying.wording import LEVEL_WORDS
from web.environment import Site, render


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to say above a form: what went wrong, or what was done."""

    label: Label
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class Person:
    """The person whose account page it is."""

    display_name: str
    unit_code: str | None
    roles: tuple[Label, ...]
    must_change_password: bool
    has_second_factor: bool
    needs_second_factor: bool
    shortest_password: int = 12


@dataclass(frozen=True, slots=True)
class Secret:
    """The secret of a second factor that is being added: as text, and as SVG that our own program drew."""

    text: str
    drawing: str


@dataclass(frozen=True, slots=True)
class Shown:
    """What the account page shows besides the person.

    Attributes:
        tokens: Tokens in force.
        token: One made just now, shown once.
        notice: What to say at the top.
        secret: The second factor that is being added.
        recovery_codes: Codes to recover by, shown once.
        channels: Where notifications to the person go; None where nothing sends mail.
    """

    tokens: Sequence[Token]
    token: str | None = None
    notice: Notice | None = None
    secret: Secret | None = None
    recovery_codes: Sequence[str] = ()
    channels: Sequence[Channel] | None = None


def render_signin(
    site: Site, *, following: str, username: str = "", notice: Notice | None = None, other: str = ""
) -> bytes:
    """The page to sign in on.

    Args:
        site: Where the page stands.
        following: Path of the page to go on to.
        username: What was typed before; a password is never filled in.
        notice: What to say above the form.
        other: Name of another service to sign in with; empty for none.
    """
    return render(
        "signin.html",
        site=site,
        path="/signin",
        synthetic=False,
        following=following,
        username=username,
        notice=notice,
        other=other,
    )


def render_account(site: Site, person: Person, shown: Shown) -> bytes:
    """The page of one's own account: password, second factor, tokens and e-mail."""
    return render(
        "account.html",
        site=site,
        path="/account",
        synthetic=False,
        person=person,
        shown=shown,
        notice=shown.notice,
        levels=LEVEL_WORDS,
    )
