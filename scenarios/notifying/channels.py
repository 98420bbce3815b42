"""Channels in the database: added, listed, tried and removed by those who may, each act in the audit trail."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from layers.access import Scope
from layers.audit import Event, record_event
from layers.grants import account_of
from layers.rights import Action, Area, NotAllowed
from scenarios.notifying.channel import (
    COLUMNS,
    KINDS,
    PERSONAL,
    Channel,
    ChannelKind,
    Draft,
    channel_from,
    check_address,
)
from scenarios.notifying.errors import ChannelExists, ChannelNotFound, InvalidChannel
from scenarios.revisions.reading import scenarios_in_force

MOST: Final = 1000
MOST_OWN: Final = 10
LONGEST_GAP: Final = timedelta(days=1)
_UNIT: Final = re.compile(r"[0-9]{2}|[0-9]{5}")
_ADD: Final = text(
    "INSERT INTO notifying.channels (name, kind, address, language, account, unit_code, scenario, least_level, kinds,"
    " quiet_from, quiet_until, gap, created_by) VALUES (:name, :kind, :address, :language, :account, :unit_code,"
    " :scenario, :least_level, :kinds, :quiet_from, :quiet_until, :gap, :author) RETURNING id"
)
_LIST: Final = text(
    f"SELECT {COLUMNS} FROM notifying.channels WHERE removed_at IS NULL"  # noqa: S608 - a constant's names
    " ORDER BY created_at, id LIMIT :most"
)
_ONE: Final = text(
    f"SELECT {COLUMNS} FROM notifying.channels WHERE id = :id AND removed_at IS NULL"  # noqa: S608 - likewise
    " FOR UPDATE"
)
_OWN: Final = text(
    f"SELECT {COLUMNS} FROM notifying.channels WHERE account = :account AND removed_at IS NULL"  # noqa: S608 - likewise
    " ORDER BY created_at, id"
)
_COUNT_OWN: Final = text("SELECT count(*) FROM notifying.channels WHERE account = :account AND removed_at IS NULL")
_REMOVE: Final = text("UPDATE notifying.channels SET removed_by = :author, removed_at = :at WHERE id = :id")
_FORGET: Final = text("DELETE FROM notifying.parts WHERE channel_id = :id AND delivery_id IS NULL")
_STOP: Final = text(
    "UPDATE notifying.deliveries SET state = 'failed', ended_at = :at, leased_until = NULL,"
    " reason = 'the channel was removed' WHERE channel_id = :id AND state = 'due'"
)
_TRY: Final = text(
    "INSERT INTO notifying.deliveries (channel_id, due_at, is_test) VALUES (:id, :at, true) RETURNING id"
)


def add_channel(
    connection: Connection, scope: Scope, draft: Draft, *, hosts: Collection[str] = (), source: str | None = None
) -> Channel:
    """Adds a channel: one's own, or an office's for whoever administers alerts in its unit.

    Args:
        connection: Owner or writer, inside a transaction.
        scope: Whose act it is.
        draft: The channel.
        hosts: Machines that people may send webhooks of their own to; offices may send anywhere where there are none.
        source: Address and port that the request came from.

    Raises:
        NotAllowed: The scope may not.
        InvalidChannel: A value cannot be used.
        ChannelExists: The address already gets the same.
    """
    _require_to_keep(scope, draft)
    _check(connection, draft, hosts)
    try:
        with connection.begin_nested():
            channel_id = connection.execute(_ADD, _values(draft, scope.subject)).scalar_one()
    except IntegrityError as error:
        if getattr(error.orig, "sqlstate", None) == "23505":
            raise ChannelExists from None
        raise
    record_event(connection, _event("channel_added", channel_id, scope, draft, source))
    return get_channel(connection, scope, channel_id)


def list_channels(connection: Connection, scope: Scope) -> list[Channel]:
    """The scope's own channels and those of the offices that it administers, oldest first."""
    rows = connection.execute(_LIST, {"most": MOST}).mappings()
    return [channel for channel in map(channel_from, rows) if may_keep(scope, channel.draft)]


def list_own_channels(connection: Connection, account: UUID) -> list[Channel]:
    """The channels of one account, oldest first."""
    rows = connection.execute(_OWN, {"account": account}).mappings()
    return [channel_from(row) for row in rows]


def get_channel(connection: Connection, scope: Scope, channel_id: UUID) -> Channel:
    """One channel, locked until the transaction ends.

    Raises:
        ChannelNotFound: There is none, or none that the scope may know of.
    """
    row = connection.execute(_ONE, {"id": channel_id}).mappings().one_or_none()
    channel = None if row is None else channel_from(row)
    if channel is None or not may_keep(scope, channel.draft):
        raise ChannelNotFound(channel_id)
    return channel


def remove_channel(
    connection: Connection, scope: Scope, channel_id: UUID, at: datetime, *, source: str | None = None
) -> None:
    """Removes a channel: what waits for it is forgotten, what is being tried is given up; its log stays.

    Raises:
        ChannelNotFound: There is none, or none that the scope may know of.
    """
    channel = get_channel(connection, scope, channel_id)
    connection.execute(_REMOVE, {"id": channel_id, "author": scope.subject, "at": at})
    connection.execute(_FORGET, {"id": channel_id})
    connection.execute(_STOP, {"id": channel_id, "at": at})
    record_event(connection, _event("channel_removed", channel_id, scope, channel.draft, source))


def try_channel(
    connection: Connection, scope: Scope, channel_id: UUID, at: datetime, *, source: str | None = None
) -> UUID:
    """Orders a message that only says that the channel works; returns the delivery's id.

    Raises:
        ChannelNotFound: There is none, or none that the scope may know of.
    """
    channel = get_channel(connection, scope, channel_id)
    delivery_id: UUID = connection.execute(_TRY, {"id": channel_id, "at": at}).scalar_one()
    record_event(connection, _event("channel_tried", channel_id, scope, channel.draft, source))
    return delivery_id


def may_keep(scope: Scope, draft: Draft) -> bool:
    """Whether a channel is the scope's own, one of an office that it administers, or of people whom it looks after."""
    if draft.account is not None:
        return account_of(scope) == draft.account or scope.may(Action.ADMINISTER, Area.PEOPLE)
    return scope.may(Action.ADMINISTER, Area.ALERTS, draft.wanted.unit_code)


def _require_to_keep(scope: Scope, draft: Draft) -> None:
    is_own = draft.account is not None and account_of(scope) == draft.account
    if not is_own and not (draft.account is None and may_keep(scope, draft)):
        raise NotAllowed(Action.ADMINISTER, Area.ALERTS)


def _check(connection: Connection, draft: Draft, hosts: Collection[str]) -> None:
    check_address(draft.kind, draft.address)
    if not draft.name.strip() or len(draft.name) > 100 or not draft.name.isprintable():
        raise InvalidChannel("Tên kênh gồm 1–100 ký tự.", "A channel's name has 1 to 100 characters.", parameter="name")
    if draft.account is not None:
        _check_own(connection, draft)
    if draft.kind is ChannelKind.WEBHOOK and (hosts or draft.account is not None):
        _check_host(draft, hosts)
    _check_wanted(connection, draft)
    _check_pace(draft)


def _check_host(draft: Draft, hosts: Collection[str]) -> None:
    # The service reaches machines that its users do not: people choose among those that the office has named.
    if urlsplit(draft.address).hostname not in hosts:
        raise InvalidChannel(
            "Máy nhận webhook này không có trong DIABAN_WEBHOOK_HOSTS; hãy nhờ người quản trị thêm.",
            "This webhook's machine is not named in DIABAN_WEBHOOK_HOSTS; ask the administrator to add it.",
            parameter="address",
        )


def _check_own(connection: Connection, draft: Draft) -> None:
    if draft.kind not in PERSONAL:
        raise InvalidChannel(
            "Kênh cá nhân chỉ có thư điện tử và webhook.", "One's own channel is e-mail or webhook.", parameter="kind"
        )
    if connection.execute(_COUNT_OWN, {"account": draft.account}).scalar_one() >= MOST_OWN:
        raise InvalidChannel(
            f"Mỗi người có tối đa {MOST_OWN} kênh; hãy gỡ bớt.",
            f"Each person has at most {MOST_OWN} channels; remove one first.",
            parameter="name",
        )


def _check_wanted(connection: Connection, draft: Draft) -> None:
    wanted = draft.wanted
    if wanted.unit_code is not None and not _UNIT.fullmatch(wanted.unit_code):
        raise InvalidChannel(
            "Mã đơn vị gồm 2 chữ số (tỉnh) hoặc 5 chữ số (xã).",
            "A unit code has 2 digits (province) or 5 (commune).",
            parameter="unit_code",
        )
    if wanted.scenario is not None and wanted.scenario not in _scenarios(connection):
        raise InvalidChannel(
            f"Không có kịch bản “{wanted.scenario[:20]}”. Xem /api/scenarios.",
            f'There is no scenario "{wanted.scenario[:20]}". See /api/scenarios.',
            parameter="scenario",
        )
    unknown = sorted((wanted.kinds or frozenset()) - KINDS)
    if unknown or wanted.kinds == frozenset():
        known = ", ".join(sorted(KINDS))
        raise InvalidChannel(f"Loại tin là một trong: {known}.", f"Kinds are some of: {known}.", parameter="kinds")


def _scenarios(connection: Connection) -> Collection[str]:
    return scenarios_in_force(connection, datetime.now(UTC)).scenarios


def _check_pace(draft: Draft) -> None:
    pace = draft.pace
    if (pace.quiet_from is None) != (pace.quiet_until is None):
        raise InvalidChannel(
            "Giờ yên lặng cần cả lúc bắt đầu và lúc kết thúc.",
            "Quiet hours need both a beginning and an end.",
            parameter="quiet_from",
        )
    if not timedelta(0) <= pace.gap <= LONGEST_GAP:
        raise InvalidChannel(
            "Khoảng cách giữa hai tin từ 0 giây đến 1 ngày.",
            "The gap between two messages is 0 seconds to a day.",
            parameter="gap_s",
        )


def _values(draft: Draft, author: str) -> dict[str, Any]:
    return {
        "name": draft.name.strip(),
        "kind": draft.kind.value,
        "address": draft.address,
        "language": draft.language.value,
        "account": draft.account,
        "unit_code": draft.wanted.unit_code,
        "scenario": draft.wanted.scenario,
        "least_level": draft.wanted.least_level.value,
        "kinds": None if draft.wanted.kinds is None else sorted(draft.wanted.kinds),
        "quiet_from": draft.pace.quiet_from,
        "quiet_until": draft.pace.quiet_until,
        "gap": draft.pace.gap,
        "author": author,
    }


def _event(action: str, channel_id: UUID, scope: Scope, draft: Draft, source: str | None) -> Event:
    detail = {"kind": draft.kind.value, "scenario": draft.wanted.scenario, "own": draft.account is not None}
    unit = draft.wanted.unit_code
    return Event(scope.subject, action, "channel", str(channel_id), unit_code=unit, source=source, detail=detail)
