"""What one revision changed, feature by feature, as its reader may see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import BigInteger, FromClause, bindparam, case, func, literal_column, null, select, union_all
from sqlalchemy.sql import ColumnElement

from layers.catalogue import Layer
from layers.definition import Definition
from layers.errors import RevisionNotFound
from layers.reader import Statements, current_target
from layers.tables import feature_table, history_table
from spatial.crs import CRS84
from spatial.features import geojson_geometry
from spatial.sql import Rows
from spatial.target import json_object

if TYPE_CHECKING:
    from asyncpg import Connection, Record

_REVISION = """
SELECT revision, kind, message, source_name, newest_data_at, reverts_to, published_at
FROM catalogue.revisions WHERE slug = $1 AND revision = $2
"""


@dataclass(frozen=True, slots=True)
class RevisionFacts:
    """What is known of a revision besides its changes; who made it is not among it."""

    revision: int
    kind: str
    message: str
    source_name: str | None
    data_date: date | None
    reverts_to: int | None
    published_at: datetime


@dataclass(frozen=True, slots=True)
class ChangedFeature:
    """One feature that a revision inserted, updated or deleted.

    Attributes:
        kind: ``new``, ``gone``, ``geometry``, ``attributes`` or ``both``.
        geometry: After the change, or before it where the feature is gone; GeoJSON in CRS84.
        before, after: Its properties that the reader may see; empty where there is no such side.
    """

    fid: int
    unit_code: str
    kind: str
    geometry: Mapping[str, Any] | None
    before: Mapping[str, Any]
    after: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class UnitChanges:
    """How many features of a commune a revision inserted, updated and deleted."""

    unit_code: str
    inserted: int
    updated: int
    deleted: int


@dataclass(frozen=True, slots=True)
class Changes:
    """A revision's change: numbers of all of it by commune, features up to a limit."""

    facts: RevisionFacts
    units: tuple[UnitChanges, ...]
    features: tuple[ChangedFeature, ...]

    @property
    def total(self) -> int:
        """Features changed in all."""
        return sum(unit.inserted + unit.updated + unit.deleted for unit in self.units)


async def read_changes_of(
    connection: Connection[Record], layer: Layer, revision: int, statements: Statements, *, limit: int
) -> Changes:
    """Reads a revision's change on a connection that carries the reader's scope.

    Features changed later again are told as this revision left them. Costs a scan of the layer's rows.

    Raises:
        RevisionNotFound: The layer never had this revision.
    """
    row = await connection.fetchrow(_REVISION, layer.slug, revision)
    if row is None:
        raise RevisionNotFound(layer.slug, revision, newest=layer.revision or None)
    definition = layer.definition
    counted = statements.get(layer, "changed units", lambda _: _units_statement(definition))
    listed = statements.get(layer, "changed features", lambda _: _features_statement(definition))
    values = {"revision": revision, "most": limit}
    units = await connection.fetch(counted.text, *counted.args(values))
    features = await connection.fetch(listed.text, *listed.args(values))
    return Changes(
        RevisionFacts(*row.values()),
        tuple(UnitChanges(*unit.values()) for unit in units),
        tuple(_changed(feature) for feature in features),
    )


def _changed(row: Record) -> ChangedFeature:
    before, after = orjson.loads(row["before"] or "{}"), orjson.loads(row["after"] or "{}")
    kind = row["side"]
    if kind == "changed":
        is_moved, differs = row["is_moved"], before != after
        kind = "both" if is_moved and differs else "geometry" if is_moved else "attributes"
    geometry = orjson.loads(row["geometry"]) if row["geometry"] else None
    return ChangedFeature(row["fid"], row["unit_code"], kind, geometry, before, after)


@lru_cache(maxsize=256)
def _sides(definition: Definition) -> tuple[FromClause, FromClause]:
    """Rows that began with the revision bound as ``revision``, and rows that ended with it."""
    features, history = feature_table(definition), history_table(definition)
    revision = bindparam("revision", type_=BigInteger)
    names = [column.name for column in features.c if column.name in history.c]
    parts = [
        select(*(table.c[name] for name in names)).where(table.c.from_revision == revision)
        for table in (features, history)
    ]
    begun = union_all(*parts).subquery("begun")
    ended = select(*(history.c[name] for name in names)).where(history.c.to_revision == revision).subquery("ended")
    return begun, ended


def _units_statement(definition: Definition) -> Rows:
    begun, ended = _sides(definition)
    unit = func.coalesce(begun.c.unit_code, ended.c.unit_code).label("unit_code")
    return (
        select(
            unit,
            func.count().filter(ended.c.fid.is_(None)).label("inserted"),
            func.count().filter(begun.c.fid.is_not(None), ended.c.fid.is_not(None)).label("updated"),
            func.count().filter(begun.c.fid.is_(None)).label("deleted"),
        )
        .select_from(begun.outerjoin(ended, begun.c.fid == ended.c.fid, full=True))
        .group_by(unit)
        .order_by(unit)
    )


def _features_statement(definition: Definition) -> Rows:
    begun, ended = _sides(definition)
    target = current_target(definition)
    shown = tuple(item for item in target.properties if item.name != target.measure)
    geometry: ColumnElement[Any] = null()
    is_moved: ColumnElement[Any] = literal_column("false")
    if target.geometry_type:
        geometry = geojson_geometry(func.coalesce(begun.c.geom, ended.c.geom), CRS84)
        is_moved = func.ST_AsBinary(begun.c.geom).is_distinct_from(func.ST_AsBinary(ended.c.geom))
    fid = func.coalesce(begun.c.fid, ended.c.fid).label("fid")
    side = case((ended.c.fid.is_(None), "new"), (begun.c.fid.is_(None), "gone"), else_="changed")
    return (
        select(
            fid,
            func.coalesce(begun.c.unit_code, ended.c.unit_code).label("unit_code"),
            side.label("side"),
            is_moved.label("is_moved"),
            geometry.label("geometry"),
            case((ended.c.fid.is_not(None), json_object(ended, shown))).label("before"),
            case((begun.c.fid.is_not(None), json_object(begun, shown))).label("after"),
        )
        .select_from(begun.outerjoin(ended, begun.c.fid == ended.c.fid, full=True))
        .order_by(fid)
        .limit(bindparam("most", type_=BigInteger))
    )
