"""A channel as a value: where messages go, what it is told of, and when."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from layers.rights import Action, Area
from scenarios.notifying.errors import InvalidChannel
from scenarios.notifying.news import News
from scenarios.outcomes import Level

LEVELS: Final = tuple(Level)
BY_NAME_ONLY: Final = frozenset({"task_given"})
"""Kinds that a channel is told of only where it names them: every alert brings tasks."""
_EMAIL: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])")
_PLAIN: Final = re.compile(r"[^\x00-\x20\x7f]{1,500}")
_PHONE: Final = re.compile(r"\+?[0-9]{8,15}")


class ChannelKind(StrEnum):
    """By what means a message goes out."""

    EMAIL = "email"
    WEBHOOK = "webhook"
    ZALO = "zalo"
    SMS = "sms"
    LOUDSPEAKER = "loudspeaker"


PERSONAL: Final = frozenset({ChannelKind.EMAIL, ChannelKind.WEBHOOK})
"""Kinds that people may choose for themselves."""


class Language(StrEnum):
    """The language that a channel is written to in."""

    VI = "vi"
    EN = "en"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a channel is told of; None leaves all.

    Attributes:
        unit_code: Of this commune, or of this province and its communes.
        least_level: Only from this level; what has no level counts as the lowest.
        kinds: Only these kinds of news; None leaves all but :data:`BY_NAME_ONLY`.
    """

    unit_code: str | None = None
    scenario: str | None = None
    least_level: Level = Level.NOTICE
    kinds: frozenset[str] | None = None

    def includes(self, news: News) -> bool:
        """Whether the news is wanted, units left aside."""
        level = LEVELS.index(news.level) if news.level else 0
        return (
            (self.scenario is None or news.scenario == self.scenario)
            and level >= LEVELS.index(self.least_level)
            and (news.kind in self.kinds if self.kinds is not None else news.kind not in BY_NAME_ONLY)
        )


@dataclass(frozen=True, slots=True)
class Pace:
    """When messages may go.

    Attributes:
        quiet_from: Beginning of the hours, in Vietnam, in which only the highest level gets through.
        quiet_until: Their end, which may lie on the next day.
        gap: One message in so long.
    """

    quiet_from: time | None = None
    quiet_until: time | None = None
    gap: timedelta = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Draft:
    """A channel as it is asked for.

    Attributes:
        account: Whose it is; None for an office's.
    """

    name: str
    kind: ChannelKind
    address: str
    language: Language = Language.VI
    account: UUID | None = None
    wanted: Wanted = Wanted()
    pace: Pace = Pace()


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel in use."""

    id: UUID
    draft: Draft
    created_by: str
    created_at: datetime


COLUMNS: Final = (
    "id, name, kind, address, language, account, unit_code, scenario, least_level, kinds, quiet_from, quiet_until, gap,"
    " created_by, created_at"
)


def channel_from(row: Any) -> Channel:
    """The channel of a mapping of :data:`COLUMNS`."""
    kinds = None if row["kinds"] is None else frozenset(row["kinds"])
    draft = Draft(
        row["name"],
        ChannelKind(row["kind"]),
        row["address"],
        Language(row["language"]),
        row["account"],
        Wanted(row["unit_code"], row["scenario"], Level(row["least_level"]), kinds),
        Pace(row["quiet_from"], row["quiet_until"], row["gap"]),
    )
    return Channel(row["id"], draft, row["created_by"], row["created_at"])


def check_address(kind: ChannelKind, address: str) -> None:
    """Makes sure that an address can be one of its kind.

    Raises:
        InvalidChannel: It cannot.
    """
    vi, en = _ADDRESSES[kind]
    if not _PLAIN.fullmatch(address) or not _FITS[kind](address):
        raise InvalidChannel(vi, en, parameter="address")


def _is_web(address: str) -> bool:
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return False
    plain = parts.username is None and parts.password is None and not parts.fragment
    return parts.scheme in ("http", "https") and bool(parts.hostname) and port != 0 and plain


_FITS: Final[Mapping[ChannelKind, Callable[[str], bool]]] = {
    ChannelKind.EMAIL: lambda address: _EMAIL.fullmatch(address) is not None,
    ChannelKind.WEBHOOK: _is_web,
    ChannelKind.ZALO: lambda address: re.fullmatch(r"[A-Za-z0-9_-]{1,100}", address) is not None,
    ChannelKind.SMS: lambda address: _PHONE.fullmatch(address) is not None,
    ChannelKind.LOUDSPEAKER: lambda address: re.fullmatch(r"[A-Za-z0-9._-]{1,100}", address) is not None,
}
_ADDRESSES: Final = {
    ChannelKind.EMAIL: (
        "Hãy ghi một địa chỉ thư như canbo@tinh.gov.vn.",
        "Give an e-mail address: me@example.vn.",
    ),
    ChannelKind.WEBHOOK: (
        "Hãy ghi địa chỉ http:// hoặc https:// đầy đủ, không kèm mật khẩu.",
        "Give a whole http:// or https:// address without a password in it.",
    ),
    ChannelKind.ZALO: ("Hãy ghi mã nhóm Zalo (chữ, số, - _).", "Give the id of the Zalo group (letters, digits, - _)."),
    ChannelKind.SMS: ("Hãy ghi số điện thoại 8–15 chữ số.", "Give a telephone number of 8 to 15 digits."),
    ChannelKind.LOUDSPEAKER: (
        "Hãy ghi mã cụm loa (chữ, số, . - _).",
        "Give the id of the loudspeakers (letters, digits, . - _).",
    ),
}
OFFICE_ACTIONS: Final = frozenset({Action.READ, Action.EDIT, Action.APPROVE})
"""An office is told of what those are told who read, work on and decide about alerts and field reports."""
OFFICE_AREAS: Final = frozenset({Area.ALERTS, Area.FIELD_REPORTS})
KINDS: Final = frozenset(
    {
        *("alert_opened", "alert_raised", "alert_back", "task_given", "task_handed_over", "task_late"),
        *(
            "upload_submitted",
            "upload_approved",
            "upload_changed",
            "upload_checked",
            "upload_published",
            "upload_refused",
        ),
        *("upload_returned", "upload_sent_back", "report_received", "report_handed_over", "report_late"),
        *("scenario_proposed", "scenario_approved", "scenario_refused", "scenario_withdrawn"),
        *("data_due", "data_overdue"),
    }
)
"""Every kind of news that there is."""
