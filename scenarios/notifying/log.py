"""The log of messages: what went out, what did not and why; ended ones can be sent again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, text

from layers.access import Scope
from layers.audit import Event, record_event
from layers.grants import account_of
from layers.rights import Action, Area
from scenarios.notifying.channel import ChannelKind
from scenarios.notifying.errors import DeliveryNotFound, DeliveryUnderWay

MOST: Final = 1000
_COLUMNS: Final = (
    "d.id, d.channel_id, c.name, c.kind, d.state, d.attempts, d.due_at, d.reason, d.is_test, d.created_at, d.ended_at,"
    " (SELECT count(*) FROM notifying.parts p WHERE p.delivery_id = d.id) AS part_count"
)
_MINE: Final = (
    "(c.account = :account OR (c.account IS NOT NULL AND :people)"
    " OR (c.account IS NULL AND (CAST(:units AS text[]) IS NULL OR c.unit_code = ANY (CAST(:units AS text[])))))"
)
_LIST: Final = text(
    f"SELECT {_COLUMNS} FROM notifying.deliveries d JOIN notifying.channels c ON c.id = d.channel_id"  # noqa: S608
    f" WHERE {_MINE} AND (CAST(:channel AS uuid) IS NULL OR d.channel_id = :channel)"
    " AND (CAST(:state AS text) IS NULL OR d.state = :state)"
    " AND (CAST(:before AS timestamptz) IS NULL OR d.created_at < :before)"
    " ORDER BY d.created_at DESC, d.id DESC LIMIT :limit"
)
_ONE: Final = text(
    "SELECT d.state, c.kind, c.unit_code, c.removed_at"  # noqa: S608 - constants
    " FROM notifying.deliveries d JOIN notifying.channels c ON c.id = d.channel_id"
    f" WHERE d.id = :id AND {_MINE} FOR UPDATE OF d"
)
_AGAIN: Final = text(
    "UPDATE notifying.deliveries SET state = 'due', attempts = 0, due_at = :at, leased_until = NULL, ended_at = NULL,"
    " reason = '' WHERE id = :id"
)


class DeliveryState(StrEnum):
    """Still to go out, gone, given up, or without anything left to tell."""

    DUE = "due"
    SENT = "sent"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message as the log shows it.

    Attributes:
        name: The channel's.
        due_at: When it is tried next, while it is due.
        reason: Why the last attempt failed; empty where none did.
        part_count: How many things it tells of.
    """

    id: UUID
    channel_id: UUID
    name: str
    kind: ChannelKind
    state: DeliveryState
    attempts: int
    due_at: datetime
    reason: str
    is_test: bool
    created_at: datetime
    ended_at: datetime | None
    part_count: int


@dataclass(frozen=True, slots=True)
class DeliveryFilter:
    """Which messages are wanted; what is not given leaves all.

    Attributes:
        before: Only those made before this moment: the last one's of the page before.
    """

    channel: UUID | None = None
    state: DeliveryState | None = None
    before: datetime | None = None


def list_deliveries(
    connection: Connection, scope: Scope, wanted: DeliveryFilter, *, limit: int = 100
) -> list[Delivery]:
    """Messages of the scope's own channels and of the offices that it administers, newest first."""
    values = {
        **_eyes(scope),
        "channel": wanted.channel,
        "state": wanted.state.value if wanted.state else None,
        "before": wanted.before,
        "limit": min(limit, MOST),
    }
    rows = connection.execute(_LIST, values).mappings()
    return [Delivery(**{**row, "kind": ChannelKind(row["kind"]), "state": DeliveryState(row["state"])}) for row in rows]


def resend_delivery(
    connection: Connection, scope: Scope, delivery_id: UUID, at: datetime, *, source: str | None = None
) -> None:
    """Orders an ended message to be tried anew, with the same id; who may read what is looked at anew, too.

    Raises:
        DeliveryNotFound: There is none, or none that the scope may know of.
        DeliveryUnderWay: It has not ended, or its channel was removed.
    """
    row = connection.execute(_ONE, {**_eyes(scope), "id": delivery_id}).one_or_none()
    if row is None:
        raise DeliveryNotFound(delivery_id)
    if row.state == DeliveryState.DUE or row.removed_at is not None:
        raise DeliveryUnderWay
    connection.execute(_AGAIN, {"id": delivery_id, "at": at})
    detail = {"kind": row.kind, "was": row.state}
    event = Event(
        scope.subject,
        "delivery_resent",
        "delivery",
        str(delivery_id),
        unit_code=row.unit_code,
        source=source,
        detail=detail,
    )
    record_event(connection, event)


def _eyes(scope: Scope) -> dict[str, object]:
    units = scope.units_of(Action.ADMINISTER, Area.ALERTS)
    return {
        "account": account_of(scope),
        "units": None if units is None else sorted(units),
        "people": scope.may(Action.ADMINISTER, Area.PEOPLE),
    }
