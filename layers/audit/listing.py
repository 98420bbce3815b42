"""Events as people look them up: filtered, newest first, page by page."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection, text

if TYPE_CHECKING:
    from asyncpg import Connection as AsyncConnection
    from asyncpg import Record

MOST: Final = 1000
# A filter that is not given is null and holds for every event.
_LIST: Final = """
SELECT e.id, c.seq, e.at, e.actor, e.action, e.object_kind, e.object_id, e.outcome, e.unit_code, e.source,
       CAST(e.detail AS text) AS detail, encode(c.hash, 'hex') AS hash
FROM audit.events e LEFT JOIN audit.chain c ON c.event_id = e.id
WHERE ($1::text IS NULL OR e.actor = $1) AND ($2::text IS NULL OR e.action = $2)
  AND ($3::text IS NULL OR e.object_kind = $3) AND ($4::text IS NULL OR e.object_id = $4)
  AND ($5::text IS NULL OR e.outcome = $5) AND ($6::text IS NULL OR e.unit_code = $6)
  AND ($7::timestamptz IS NULL OR e.at >= $7) AND ($8::timestamptz IS NULL OR e.at < $8)
  AND ($9::bigint IS NULL OR e.id < $9)
ORDER BY e.id DESC LIMIT $10
"""


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events; None holds for all. Times are half-open; ``before`` is the id of the last event of a page."""

    actor: str | None = None
    action: str | None = None
    object_kind: str | None = None
    object_id: str | None = None
    outcome: str | None = None
    unit_code: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: int | None = None

    @property
    def values(self) -> tuple[object, ...]:
        """In the order of the statement's parameters."""
        return tuple(getattr(self, item.name) for item in fields(self))


@dataclass(frozen=True, slots=True)
class ListedEvent:
    """An event as it is shown; number and hash are missing for the moment before it is sealed."""

    id: int
    seq: int | None
    at: datetime
    actor: str
    action: str
    object_kind: str
    object_id: str
    outcome: str
    unit_code: str | None
    source: str | None
    detail: dict[str, Any]
    hash: str | None


def list_events(connection: Connection, wanted: EventFilter, *, limit: int) -> list[ListedEvent]:
    """Events that match, newest first."""
    numbered = {f"p{number}": value for number, value in enumerate((*wanted.values, min(limit, MOST)), start=1)}
    return [_event(row) for row in connection.execute(text(_NAMED), numbered).mappings()]


async def list_events_async(
    connection: AsyncConnection[Record], wanted: EventFilter, *, limit: int
) -> list[ListedEvent]:
    """The same on an asyncpg connection."""
    return [_event(row) for row in await connection.fetch(_LIST, *wanted.values, min(limit, MOST))]


def _event(row: Any) -> ListedEvent:
    return ListedEvent(**{**dict(row), "detail": json.loads(row["detail"])})


def _named(statement: str) -> str:
    """The statement for SQLAlchemy, which names parameters and casts by CAST."""
    for number in range(10, 0, -1):
        for kind in ("text", "timestamptz", "bigint"):
            statement = statement.replace(f"${number}::{kind}", f"CAST(:p{number} AS {kind})")
        statement = statement.replace(f"${number}", f":p{number}")
    return statement


_NAMED: Final = _named(_LIST)
