"""The audit trail: one event per act, written in the transaction of the act, so that both happen or neither."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, text

if TYPE_CHECKING:
    from asyncpg import Connection as AsyncConnection
    from asyncpg import Record

Detail = Mapping[str, str | int | float | bool | list[str] | list[int] | None]

_RECORD: Final = text(
    "SELECT audit.record_event(:actor, :action, :object_kind, :object_id, :outcome, :unit_code, :source,"
    " CAST(:detail AS jsonb))"
)
_RECORD_ASYNC: Final = "SELECT audit.record_event($1, $2, $3, $4, $5, $6, $7, $8::text::jsonb)"


class Outcome(StrEnum):
    """Whether the act was done or refused."""

    DONE = "done"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Event:
    """One act, in ids: names, values and anything personal stay out.

    Attributes:
        actor: Who acted, as ``Scope.subject``.
        action: What was done, a snake_case verb phrase (``upload_submitted``).
        object_kind: Kind of thing acted upon (``layer``, ``upload``, ``account``, ``alert`` …).
        object_id: Its id.
        outcome: Done or refused.
        unit_code: Commune that the act concerns, if one.
        source: Address and port that the act came from, for acts over HTTP.
        detail: Further ids and numbers.
    """

    actor: str
    action: str
    object_kind: str
    object_id: str
    outcome: Outcome = Outcome.DONE
    unit_code: str | None = None
    source: str | None = None
    detail: Detail = field(default_factory=dict)

    @property
    def _values(self) -> tuple[str | None, ...]:
        detail = json.dumps(self.detail, ensure_ascii=False, sort_keys=True)
        ids = (self.actor, self.action, self.object_kind, self.object_id)
        return (*ids, self.outcome.value, self.unit_code, self.source, detail)


_NAMES: Final = ("actor", "action", "object_kind", "object_id", "outcome", "unit_code", "source", "detail")


def record_event(connection: Connection, event: Event) -> int:
    """Writes an event inside the caller's transaction and returns its number.

    Args:
        connection: Owner or writer, in the transaction of the act.
        event: What happens.
    """
    return int(connection.execute(_RECORD, dict(zip(_NAMES, event._values, strict=True))).scalar_one())


async def record_event_async(connection: AsyncConnection[Record], event: Event) -> int:
    """The same on an asyncpg connection; a lone event needs no transaction of its own."""
    return int(await connection.fetchval(_RECORD_ASYNC, *event._values))
