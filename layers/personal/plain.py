"""Personal values that an older version left unsealed: moved to where they belong, some thousands at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, text

from layers.definition import Definition
from layers.definition_json import from_json
from layers.personal.keys import keyring_of
from layers.personal.people_keys import PeopleKeys, take_turn
from layers.personal.sealing import seal_rows
from layers.personal.values import plain_values

BATCH: Final = 5_000
_TABLES: Final = text("SELECT tablename FROM pg_tables WHERE schemaname = 'plain' ORDER BY tablename")
_DEFINITIONS: Final = text("SELECT definition FROM catalogue.layers WHERE replace(slug, '-', '_') = :name")
_REGISTERED: Final = text("SELECT EXISTS (SELECT 1 FROM personal.master)")
# Taking rows out and sealing them is one transaction, so that a run cut short goes on where it stopped.
_TAKE: Final = (
    "DELETE FROM plain.{0} WHERE (fid, revision) IN"
    " (SELECT fid, revision FROM plain.{0} ORDER BY fid, revision LIMIT :most) RETURNING *"
)


def begin_key(connection: Connection) -> None:
    """Makes the key of a database that has none, so that it is there before the first value is."""
    if not connection.execute(_REGISTERED).scalar_one():
        keyring_of(connection)


def tables_unsealed(connection: Connection) -> list[str]:
    """Tables with values that an older version left unsealed."""
    return list(connection.execute(_TABLES).scalars())


def seal_all(connection: Connection, *, tell: Callable[[str, int], None] = lambda _name, _count: None) -> int:
    """Seals what lies unsealed, committing as it goes; returns the number of rows.

    Args:
        connection: Owner or superuser, between transactions.
        tell: Hears of each table's rows so far.

    Raises:
        PersonalKeyError: The key cannot be used; what was sealed so far stays.
    """
    total = 0
    for name in tables_unsealed(connection):
        definition = _definition(connection, name)
        count = 0
        while definition is not None and (done := _seal_some(connection, definition, name)):
            count += done
            tell(name, count)
        connection.exec_driver_sql(f"DROP TABLE plain.{_quoted(connection, name)}")
        connection.commit()
        total += count
    return total


def _definition(connection: Connection, name: str) -> Definition | None:
    """The definition of the layer that a table belongs to; None where the layer is gone with all that it held."""
    document: Mapping[str, Any] | None = connection.execute(_DEFINITIONS, {"name": name}).scalar_one_or_none()
    return None if document is None else from_json(document)


def _seal_some(connection: Connection, definition: Definition, name: str) -> int:
    take_turn(connection)
    keys = PeopleKeys(connection, keyring_of(connection))
    statement = text(_TAKE.format(_quoted(connection, name)))
    rows = connection.execute(statement, {"most": BATCH}).mappings().all()
    by_revision: dict[int, list[RowMapping]] = {}
    for row in rows:
        by_revision.setdefault(row["revision"], []).append(row)
    for revision, taken in by_revision.items():
        seal_rows(keys, definition, revision, _values(definition, taken))
    connection.commit()
    return len(rows)


def _values(definition: Definition, rows: Sequence[RowMapping]) -> list[tuple[int, dict[str, object]]]:
    return [(row["fid"], plain_values(definition, dict(row))) for row in rows]


def _quoted(connection: Connection, name: str) -> str:
    return connection.dialect.identifier_preparer.quote(name)
