"""Sealed values opened: of features as they stand, or as they stood after a revision."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, Select, select

from layers.definition import Definition
from layers.personal.keys import keyring_of
from layers.personal.sealing import held_values
from layers.personal.staged import require_sealed
from layers.personal.values import restored
from layers.tables import PEOPLE, latest_private, private_table


def open_values(
    connection: Connection,
    definition: Definition,
    *,
    fids: Collection[int] | None = None,
    revision: int | None = None,
) -> dict[int, dict[str, object]]:
    """Personal values by fid and by field, as far as the connection's login may open them.

    Args:
        connection: Owner, writer, or the opening login with its scope set.
        definition: The layer.
        fids: Features; None for all, which for a large layer is much.
        revision: As they stood after it; None as they stand.

    Raises:
        PersonalKeyError: There is no key, or what is sealed is broken.
    """
    private = private_table(definition)
    if private is None:
        return {}
    require_sealed(connection, definition)
    fields = {field.name: field for field in definition.personal_fields}
    ring = keyring_of(connection)
    found = {}
    for row in connection.execute(_held(definition, fids, revision)):
        held = held_values(ring, definition, row)
        found[int(row.fid)] = {name: restored(fields[name], held[name]) for name in fields if name in held}
    return found


def _held(definition: Definition, fids: Collection[int] | None, revision: int | None) -> Select[Any]:
    private = private_table(definition)
    if private is None:
        raise ValueError(definition.slug)
    kept = latest_private(private, revision, fids=fids)
    joined = kept.join(PEOPLE, PEOPLE.c.id == kept.c.key_id, isouter=True)
    return select(kept.c.fid, kept.c.sealed, PEOPLE.c.person, PEOPLE.c.wrapped).select_from(joined).order_by(kept.c.fid)
