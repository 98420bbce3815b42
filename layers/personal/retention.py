"""How long personal values of a layer are kept: set for each layer, and taken out when the time is over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, text

from layers.audit import Event, record_event
from layers.definition import Definition
from layers.errors import LayerError, LayerNotFound
from layers.personal.people import personal_layers
from layers.personal.people_keys import take_turn

LONGEST_DAYS: Final = 36_500
_SET: Final = text(
    "INSERT INTO personal.retention (layer, days, basis, set_by) VALUES (:layer, :days, :basis, :author)"
    " ON CONFLICT (layer) DO UPDATE SET days = excluded.days, basis = excluded.basis, set_by = excluded.set_by,"
    " set_at = clock_timestamp()"
)
_CLEAR: Final = text("DELETE FROM personal.retention WHERE layer = :layer")
_LIST: Final = text("SELECT layer, days, basis FROM personal.retention ORDER BY layer")
_DESTROY: Final = text(
    "UPDATE personal.keys SET wrapped = NULL, erased_at = :at WHERE id = ANY(:numbers) AND erased_at IS NULL"
)


@dataclass(frozen=True, slots=True)
class Keeping:
    """How long personal values of a layer are kept, and on what basis."""

    layer: str
    days: int
    basis: str


class InvalidKeeping(LayerError):
    """The number of days or the basis cannot be used."""

    def __init__(self) -> None:
        super().__init__(
            f"Thời hạn lưu là 1 đến {LONGEST_DAYS} ngày, kèm căn cứ từ 3 đến 300 ký tự.",
            f"Values are kept for 1 to {LONGEST_DAYS} days, on a basis of 3 to 300 characters.",
        )


def set_keeping(connection: Connection, keeping: Keeping, *, author: str) -> None:
    """Says how long personal values of a layer are kept.

    Raises:
        InvalidKeeping: Days or basis cannot be used.
        LayerNotFound: No layer of this name has personal fields.
    """
    if not 1 <= keeping.days <= LONGEST_DAYS or not 3 <= len(keeping.basis) <= 300:
        raise InvalidKeeping
    known = [definition.slug for definition in personal_layers(connection)]
    if keeping.layer not in known:
        raise LayerNotFound(keeping.layer, known=known)
    given = {"layer": keeping.layer, "days": keeping.days, "basis": keeping.basis, "author": author}
    connection.execute(_SET, given)
    detail = {"days": keeping.days}
    record_event(connection, Event(author, "personal_retention_set", "layer", keeping.layer, detail=detail))


def clear_keeping(connection: Connection, layer: str, *, author: str) -> bool:
    """Keeps a layer's personal values without an end again; returns whether there was one."""
    was = connection.execute(_CLEAR, {"layer": layer}).rowcount > 0
    if was:
        record_event(connection, Event(author, "personal_retention_cleared", "layer", layer))
    return was


def list_keepings(connection: Connection) -> list[Keeping]:
    """What is set, by layer."""
    return [Keeping(row.layer, row.days, row.basis) for row in connection.execute(_LIST)]


def end_keeping(connection: Connection, now: datetime, *, author: str) -> int:
    """Takes out values whose time is over, with the keys that seal nothing else; returns the number of rows.

    Time counts from the publication of the revision that brought the values. A second run finds nothing.

    Args:
        connection: Owner, in a transaction.
        now: The present.
        author: For the audit trail.
    """
    keepings = {keeping.layer: keeping for keeping in list_keepings(connection)}
    if not keepings:
        return 0
    layers = list(personal_layers(connection))
    total, freed = 0, set[int]()
    for definition in layers:
        keeping = keepings.get(definition.slug)
        if keeping is None:
            continue
        numbers = _empty(connection, definition, now - timedelta(days=keeping.days))
        if numbers:
            detail = {"rows": len(numbers), "days": keeping.days}
            event = Event(author, "personal_retention_ended", "layer", definition.slug, detail=detail)
            record_event(connection, event)
        total += len(numbers)
        freed.update(numbers)
    if freed:
        take_turn(connection)
        unused = sorted(freed - _used(connection, layers, sorted(freed)))
        connection.execute(_DESTROY, {"numbers": unused, "at": now})
    return total


def _empty(connection: Connection, definition: Definition, before: datetime) -> Sequence[int]:
    name = connection.dialect.identifier_preparer.quote(definition.table)
    statement = text(
        f"UPDATE private.{name} p SET sealed = NULL, terms = NULL FROM catalogue.revisions r"  # noqa: S608
        " WHERE r.slug = :slug AND r.revision = p.revision AND r.published_at < :before AND p.sealed IS NOT NULL"
        " RETURNING p.key_id"
    )
    return connection.execute(statement, {"slug": definition.slug, "before": before}).scalars().all()


def _used(connection: Connection, layers: Sequence[Definition], numbers: Sequence[int]) -> set[int]:
    used: set[int] = set()
    for definition in layers:
        name = connection.dialect.identifier_preparer.quote(definition.table)
        statement = text(
            f"SELECT DISTINCT key_id FROM private.{name} WHERE key_id = ANY(:numbers) AND sealed IS NOT NULL"  # noqa: S608
        )
        used.update(connection.execute(statement, {"numbers": list(numbers)}).scalars())
    return used
