"""What is done with one person's values: gathered, restricted, destroyed; each act leaves its event."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import Connection, text

from layers.audit import Detail, Event, record_event
from layers.personal.keys import keyring_of
from layers.personal.opening import open_values
from layers.personal.people import Person, holdings_of, personal_layers
from layers.personal.people_keys import take_turn
from layers.personal.values import person_of

_RESTRICT: Final = text(
    "UPDATE personal.keys SET restricted_at = :at"
    " WHERE person = :person AND erased_at IS NULL AND restricted_at IS NULL"
)
_LIFT: Final = text(
    "UPDATE personal.keys SET restricted_at = NULL WHERE person = :person AND restricted_at IS NOT NULL"
)
_DESTROY: Final = text(
    "UPDATE personal.keys SET wrapped = NULL, erased_at = :at WHERE person = :person AND erased_at IS NULL RETURNING id"
)
Gathered = dict[str, dict[int, dict[str, object]]]
"""Values by layer, fid and field."""


def gather(connection: Connection, person: Person, *, author: str, act: str) -> Gathered:
    """All values of a person as they stand, over all layers, for telling or giving them to that person.

    Args:
        connection: Owner, in a transaction.
        person: Whose.
        author: Who gathers them.
        act: The event's name: ``personal_data_told`` or ``personal_data_given``.

    Raises:
        PersonalKeyError: They cannot be opened.
    """
    ring = keyring_of(connection)
    fids: dict[str, list[int]] = {}
    for holding in holdings_of(connection, person):
        if not holding.erased:
            fids.setdefault(holding.slug, []).append(holding.fid)
    found: Gathered = {}
    for definition in personal_layers(connection):
        if definition.slug not in fids:
            continue
        values = open_values(connection, definition, fids=fids[definition.slug])
        # A feature may have passed to somebody else, whose values are not this person's to see.
        mine = {
            fid: held
            for fid, held in values.items()
            if held and (person_of(ring, definition, held) or ring.person_at(definition.slug, fid)) == person.person
        }
        if mine:
            found[definition.slug] = mine
    _record(connection, act, person, author, layers=sorted(found), features=sum(len(held) for held in found.values()))
    return found


def restrict(connection: Connection, person: Person, *, at: datetime, author: str) -> bool:
    """Shows a person's values to nobody any more, whatever right they have; returns whether anything changed."""
    changed = connection.execute(_RESTRICT, {"person": person.person, "at": at}).rowcount > 0
    if changed:
        _record(connection, "personal_data_restricted", person, author)
    return changed


def lift(connection: Connection, person: Person, *, author: str) -> bool:
    """Ends a restriction; returns whether there was one."""
    changed = connection.execute(_LIFT, {"person": person.person}).rowcount > 0
    if changed:
        _record(connection, "personal_restriction_lifted", person, author)
    return changed


def erase(connection: Connection, person: Person, *, at: datetime, author: str) -> tuple[int, ...]:
    """Destroys a person's keys, so that no value of theirs can be read here, in the history or in any back-up.

    The features stay. What is sealed under the keys is taken out of this database as well; back-ups keep it,
    unreadable. Erasing again does nothing.

    Args:
        connection: Owner, in a transaction; it waits for those who seal at this moment.
        person: Whose.
        at: When.
        author: Who erases.

    Returns:
        Numbers of the keys that were destroyed.
    """
    take_turn(connection)
    numbers = tuple(connection.execute(_DESTROY, {"person": person.person, "at": at}).scalars())
    if not numbers:
        return ()
    emptied = empty_rows(connection, numbers)
    connection.execute(
        text("UPDATE personal.views SET reason = '(đã xóa · erased)' WHERE person = :person"), {"person": person.person}
    )
    _record(connection, "personal_data_erased", person, author, keys=list(numbers), rows=emptied)
    return numbers


def empty_rows(connection: Connection, numbers: tuple[int, ...]) -> int:
    """Takes out what is sealed under keys, in every layer; returns the number of rows."""
    count = 0
    for definition in personal_layers(connection):
        name = connection.dialect.identifier_preparer.quote(definition.table)
        statement = text(
            f"UPDATE private.{name} SET sealed = NULL, terms = NULL"  # noqa: S608
            " WHERE key_id = ANY(:numbers) AND (sealed IS NOT NULL OR terms IS NOT NULL)"
        )
        count += connection.execute(statement, {"numbers": list(numbers)}).rowcount
    return count


def _record(connection: Connection, action: str, person: Person, author: str, **detail: object) -> None:
    given: Detail = detail  # type: ignore[assignment]
    record_event(connection, Event(author, action, "person", person.person.hex(), detail=given))
