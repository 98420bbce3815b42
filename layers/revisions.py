"""Reads the revisions of a layer and the history of its features."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, bindparam, literal_column, null, select, union_all

from layers.catalogue import Layer
from layers.errors import FeatureNotFound, RevisionNotFound
from layers.reader import current_target
from layers.tables import feature_table, history_table
from spatial.crs import CRS84
from spatial.features import geojson_geometry
from spatial.sql import compile_statement
from spatial.target import Property, json_object

if TYPE_CHECKING:
    from asyncpg import Connection, Record

_LIST = """
SELECT revision, definition_version, kind, author, approver, message, source_name, source_sha256, newest_data_at,
       inserted, updated, deleted, feature_count, reverts_to, published_at
FROM catalogue.revisions WHERE slug = $1 ORDER BY revision DESC LIMIT $2
"""
_AT = "SELECT max(revision) FROM catalogue.revisions WHERE slug = $1 AND published_at <= $2"


async def list_revisions(connection: Connection[Record], layer: Layer, limit: int) -> list[dict[str, object]]:
    """Revisions of a layer, newest first."""
    return [dict(row) for row in await connection.fetch(_LIST, layer.slug, limit)]


async def revision_at(connection: Connection[Record], layer: Layer, moment: datetime) -> int:
    """The revision that stood at an instant.

    Raises:
        RevisionNotFound: The layer had not been published yet.
    """
    revision = await connection.fetchval(_AT, layer.slug, moment)
    if revision is None:
        raise RevisionNotFound(layer.slug, moment.isoformat(), newest=layer.revision or None)
    return int(revision)


async def feature_history(connection: Connection[Record], layer: Layer, fid: int) -> list[dict[str, object]]:
    """Every state of a feature, newest first, valid in ``[from_revision, to_revision)``; geometry in CRS84.

    Raises:
        FeatureNotFound: The layer never had this feature.
    """
    statement = _history_statement(layer)
    rows = await connection.fetch(statement.text, *statement.args({"fid": fid}))
    if not rows:
        raise FeatureNotFound(layer.slug, fid)
    return [
        {
            "from_revision": row["from_revision"],
            "to_revision": row["to_revision"],
            "geometry": json.loads(row["geometry"]),
            "properties": json.loads(row["properties"]),
        }
        for row in rows
    ]


def _history_statement(layer: Layer):  # type: ignore[no-untyped-def]
    target = current_target(layer.definition)
    shown: tuple[Property, ...] = tuple(item for item in target.properties if item.name != target.measure)
    fid = bindparam("fid", type_=BigInteger)
    parts = []
    for table, end in (
        (feature_table(layer.definition), null().cast(BigInteger)),
        (history_table(layer.definition), history_table(layer.definition).c.to_revision),
    ):
        geometry = geojson_geometry(table.c.geom, CRS84) if target.geometry_type else literal_column("'null'")
        columns = [
            table.c.from_revision,
            end.label("to_revision"),
            geometry.label("geometry"),
            json_object(table, shown).label("properties"),
        ]
        parts.append(select(*columns).where(table.c.fid == fid))
    states = union_all(*parts).subquery("states")
    return compile_statement(select(states).order_by(states.c.from_revision.desc()))
