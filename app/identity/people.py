"""Whom a session's or a token's secret belongs to, with the rights held now; kept for a few seconds."""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from anyio import CapacityLimiter
from cryptography.fernet import Fernet
from sqlalchemy import Engine

from app.identity.oidc import Provider
from app.resources import Principal
from app.settings import Settings
from layers.access import Scope
from layers.grants import load_scope_async
from layers.identity.breaches import open_breach_list
from layers.identity.rules import PROFILES, STANDARD, AccountRules
from layers.identity.sessions import Holder, find_session, token_hash
from layers.identity.tokens import PREFIX, find_token
from layers.rights import Action

if TYPE_CHECKING:
    from asyncpg import Pool, Record

# A right taken, a token revoked or an account closed counts after this at the latest.
KEPT_S: Final = 2.0
MOST_KEPT: Final = 2000
# A hash takes 64 MB for some 50 ms; whoever would wait for more than a few seconds is asked to come again.
HASHES_AT_ONCE: Final = 4
MOST_WAITING: Final = 64
# Whoever decides for others proves who they are twice.
_WEIGHTY: Final = frozenset({Action.APPROVE, Action.PUBLISH, Action.ADMINISTER})


def second_factor_key_file(settings: Settings) -> Path:
    """Where the key of second factors' secrets lies; processes of one service share it."""
    return settings.second_factor_key or settings.state_dir / "secrets" / "second-factor.key"


def account_rules(settings: Settings) -> AccountRules:
    """The profile that is set, with what is set besides.

    Raises:
        UnreadableBreachList: The list of leaked passwords cannot be used.
    """
    rules = PROFILES[settings.account_profile]
    if settings.breach_list is not None:
        rules = replace(rules, leaked=open_breach_list(settings.breach_list))
    if settings.password_min_length is not None:
        shortest = settings.password_min_length
        rules = replace(rules, min_length=shortest, min_length_protected=shortest)
    if settings.sign_in_failures is not None:
        rules = replace(rules, max_failures=settings.sign_in_failures)
    if settings.sign_in_wait is not None:
        longest = max(settings.sign_in_wait, rules.longest_wait)
        rules = replace(rules, first_wait=settings.sign_in_wait, longest_wait=longest)
    return rules


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody who has proved who they are, and by what."""

    principal: Principal
    holder: Holder
    needs_second_factor: bool = False

    @property
    def is_restricted(self) -> bool:
        """Whether the person must first set a password or add a second factor, and has no rights until then."""
        return self.holder.must_change_password or self.needs_second_factor


@dataclass(slots=True)
class People:
    """Finds people by their secrets.

    Attributes:
        auth: Pool of the login that reads sessions and tokens.
        writer: Pool of the login that reads grants.
        key: What secrets of second factors are encrypted with.
        signing: Engine of the auth login for what takes a thread: password hashes, changes.
        rules: Rules for passwords, failures and sessions.
        hashing: Lets so many passwords be checked at once, so that a flood of them leaves threads, memory and
            connections to everybody else.
        provider: Another service that people may sign in with.
    """

    auth: Pool[Record]
    writer: Pool[Record]
    signing: Engine
    key: Fernet
    rules: AccountRules = STANDARD
    provider: Provider | None = None
    hashing: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(HASHES_AT_ONCE))
    _kept: OrderedDict[bytes, tuple[float, Known]] = field(default_factory=OrderedDict)

    async def find(self, secret: str) -> Known | None:
        """The person whom a session or a token belongs to, None where it is unknown or over."""
        key = token_hash(secret)
        kept = self._kept.get(key)
        if kept is not None and kept[0] > time.monotonic():
            return kept[1]
        known = await self._read(secret)
        self._kept.pop(key, None)
        if known is not None:
            self._kept[key] = (time.monotonic() + KEPT_S, known)
            if len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return known

    def forget(self, secret: str | None = None) -> None:
        """Forgets one secret, or all of them, after a change that must count at once in this process."""
        if secret is None:
            self._kept.clear()
        else:
            self._kept.pop(token_hash(secret), None)

    async def _read(self, secret: str) -> Known | None:
        find = find_token if secret.startswith(PREFIX) else find_session
        async with self.auth.acquire() as connection:
            holder = await find(connection, secret)
        if holder is None:
            return None
        async with self.writer.acquire() as connection:
            loaded = await load_scope_async(connection, holder.id)
        scope = loaded.scope
        weighty = any(grant.right.actions & _WEIGHTY for grant in scope.grants)
        needs_second_factor = weighty and not holder.has_second_factor
        if holder.must_change_password or needs_second_factor:
            # Until then the person is known and may do what everybody may.
            scope = Scope(scope.subject, (), scope.layers)
        elif not holder.may_edit:
            scope = scope.only([Action.READ])
        principal = Principal(str(holder.id), holder.display_name, scope, holder.unit_code, loaded.roles)
        return Known(principal, holder, needs_second_factor)
