"""What the database lets a publication change: its unit, and the neighbours into which its features reach a little."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, func, select, text

from layers.access import Grant, Scope, set_writer_scope
from layers.definition import Definition
from layers.delta import closed_table
from layers.rights import Action, Right
from layers.staging import stage_table
from layers.tables import feature_table, has_unit_codes
from layers.uploads.model import Upload

_COMMUNES: Final = text("SELECT code FROM features.communes WHERE parent_code = :code")


def hold_publication(connection: Connection, definition: Definition, upload: Upload) -> None:
    """Holds the transaction to the communes of the upload's unit, on behalf of its sender.

    Lines and polygons that reach a little into a neighbour have been judged with the change (see
    :func:`layers.uploads.limits.set_strangers_aside`), so that those neighbours are allowed as well.

    Args:
        connection: The writer's, in the transaction that has the change staged and marked.
        definition: The layer.
        upload: What is published.
    """
    units = None if upload.unit_code is None else _communes(connection, definition, upload.unit_code)
    right = Right(frozenset({Action.EDIT}), layers=frozenset({definition.slug}))
    set_writer_scope(connection, Scope(upload.sender, (Grant(right, units),)))


def _communes(connection: Connection, definition: Definition, unit_code: str) -> frozenset[str]:
    allowed = {unit_code}
    if len(unit_code) == 2:
        allowed.update(connection.execute(_COMMUNES, {"code": unit_code}).scalars())
    if has_unit_codes(definition):
        stage, features, closed = stage_table(definition), feature_table(definition), closed_table()
        ending = select(func.unnest(features.c.unit_codes)).where(features.c.fid == closed.c.fid)
        allowed.update(connection.execute(select(func.unnest(stage.c.unit_codes)).union(ending)).scalars())
    return frozenset(allowed)
