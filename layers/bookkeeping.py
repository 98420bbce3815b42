"""What a publication leaves in the catalogue: revision, counts per unit, changed cells, extent, dates."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Date,
    Double,
    Integer,
    MetaData,
    Table,
    Text,
    cast,
    func,
    insert,
    literal,
    null,
    select,
    text,
    union_all,
)
from sqlalchemy.schema import CreateTable

from layers.definition import Definition
from layers.delta import Delta, closed_table
from layers.staging import stage_table
from layers.tables import feature_table, history_table
from spatial.sql import Rows

# A feature whose bounds cover more zoom-12 cells than this marks the whole layer as changed.
MAX_CELLS = 4096

_COUNTS = """
INSERT INTO catalogue.feature_counts AS counts (slug, province_code, unit_code, feature_count)
SELECT :slug, province_code, unit_code, sum(change) FROM touched GROUP BY 2, 3 HAVING sum(change) <> 0
ON CONFLICT (slug, province_code, unit_code)
DO UPDATE SET feature_count = counts.feature_count + excluded.feature_count
"""
_CELLS = """
WITH bounds AS (
    SELECT DISTINCT catalogue.cell_x(west) AS x0, catalogue.cell_x(east) AS x1,
                    catalogue.cell_y(north) AS y0, catalogue.cell_y(south) AS y1
    FROM touched WHERE west IS NOT NULL
), cells AS (
    SELECT x, y FROM bounds, generate_series(x0, x1) AS x, generate_series(y0, y1) AS y
    WHERE (x1 - x0 + 1) * (y1 - y0 + 1) <= :max_cells
    UNION
    SELECT -1, -1 FROM bounds WHERE (x1 - x0 + 1) * (y1 - y0 + 1) > :max_cells
)
INSERT INTO catalogue.changed_cells (slug, x, y, revision)
SELECT :slug, x, y, :revision FROM cells
ON CONFLICT (slug, x, y) DO UPDATE SET revision = excluded.revision
"""
_UNITS = """
INSERT INTO catalogue.unit_changes (slug, unit_code, revision, changed)
SELECT :slug, unit_code, :revision, count(*) FROM touched GROUP BY unit_code
"""
_EXTENT = "SELECT min(west), min(south), max(east), max(north) FROM touched WHERE change = 1 AND west IS NOT NULL"
_BORDER = """
SELECT EXISTS (SELECT 1 FROM touched WHERE change = -1
               AND (west <= :x0 OR south <= :y0 OR east >= :x1 OR north >= :y1))
"""
_REVISION = """
INSERT INTO catalogue.revisions (slug, revision, definition_version, kind, author, approver, message, source_name,
    source_sha256, newest_data_at, inserted, updated, deleted, feature_count, reverts_to)
VALUES (:slug, :revision, :definition_version, :kind, :author, :approver, :message, :source_name,
    :source_sha256, :newest_data_at, :inserted, :updated, :deleted, :feature_count, :reverts_to)
"""
_LAYER = """
UPDATE catalogue.layers SET revision = :revision, feature_count = :feature_count, extent = :extent,
    newest_data_at = greatest(:newest_data_at, newest_data_at), published_at = clock_timestamp()
WHERE slug = :slug
"""


def record_revision(
    connection: Connection,
    definition: Definition,
    *,
    revision: int,
    delta: Delta,
    values: Mapping[str, object],
) -> int:
    """Writes the revision and brings counts, cells and extent up to date; returns the feature count.

    Costs time in the size of the delta, except that the extent is read anew when a feature on its
    border ends.
    """
    slug = definition.slug
    _touch(connection, definition, revision)
    connection.execute(text(_COUNTS), {"slug": slug})
    connection.execute(text(_UNITS), {"slug": slug, "revision": revision})
    connection.execute(
        text("DELETE FROM catalogue.feature_counts WHERE slug = :slug AND feature_count = 0"), {"slug": slug}
    )
    extent = None
    if definition.geometry is not None:
        parameters = {"slug": slug, "revision": revision, "max_cells": MAX_CELLS}
        connection.execute(text(_CELLS), parameters)
        extent = _extent(connection, definition)
    before = connection.execute(
        text("SELECT feature_count FROM catalogue.layers WHERE slug = :slug"), {"slug": slug}
    ).scalar_one()
    count = int(before) + delta.inserted - delta.deleted
    data_date = values["data_date"] or _newest(connection, definition)
    shared = {
        "slug": slug,
        "revision": revision,
        "feature_count": count,
        "newest_data_at": data_date,
        "extent": extent,
    }
    numbers = {"inserted": delta.inserted, "updated": delta.updated, "deleted": delta.deleted}
    connection.execute(text(_REVISION), {**values, **shared, **numbers})
    connection.execute(text(_LAYER), shared)
    connection.execute(text("DROP TABLE touched, closed"))
    return count


_TOUCHED = Table(
    "touched",
    MetaData(),
    Column("change", Integer, nullable=False),
    Column("province_code", Text, nullable=False),
    Column("unit_code", Text, nullable=False),
    *(Column(name, Double) for name in ("west", "south", "east", "north")),
    prefixes=["TEMPORARY"],
    postgresql_on_commit="DROP",
)


def _touch(connection: Connection, definition: Definition, revision: int) -> None:
    """Lists unit and bounds of every row that this revision began (+1) or ended (-1)."""
    features, history = feature_table(definition), history_table(definition)
    stage, closed = stage_table(definition), closed_table()
    began = _touching(features, 1, definition).where(stage.c.fid == features.c.fid, stage.c.op != "same")
    ended = _touching(history, -1, definition).where(history.c.fid == closed.c.fid, history.c.to_revision == revision)
    connection.execute(CreateTable(_TOUCHED))
    connection.execute(insert(_TOUCHED).from_select(_TOUCHED.c.keys(), union_all(began, ended)))


def _touching(table: Table, change: int, definition: Definition) -> Rows:
    bounds: list[ColumnElement[object]] = [null().cast(Double)] * 4
    if definition.geometry is not None:
        geom = table.c.geom
        bounds = [func.ST_XMin(geom), func.ST_YMin(geom), func.ST_XMax(geom), func.ST_YMax(geom)]
    labelled = (bound.label(name) for bound, name in zip(bounds, ("x0", "y0", "x1", "y1"), strict=True))
    return select(literal(change, Integer), table.c.province_code, table.c.unit_code, *labelled)


def _extent(connection: Connection, definition: Definition) -> list[float] | None:
    """Bounds of the current rows: grown by the new ones, read anew when one on the border has ended."""
    old = connection.execute(
        text("SELECT extent FROM catalogue.layers WHERE slug = :slug"), {"slug": definition.slug}
    ).scalar_one()
    if old is not None and not _border_left(connection, old):
        new = connection.execute(text(_EXTENT)).one()
        if new[0] is None:
            return list(old)
        return [min(old[0], new[0]), min(old[1], new[1]), max(old[2], new[2]), max(old[3], new[3])]
    geom = feature_table(definition).c.geom
    low = func.min(func.ST_XMin(geom)), func.min(func.ST_YMin(geom))
    high = func.max(func.ST_XMax(geom)), func.max(func.ST_YMax(geom))
    row = connection.execute(select(*low, *high)).one()
    return None if row[0] is None else list(row)


def _border_left(connection: Connection, extent: list[float]) -> bool:
    corners = dict(zip(("x0", "y0", "x1", "y1"), extent, strict=True))
    return bool(connection.execute(text(_BORDER), corners).scalar_one())


def _newest(connection: Connection, definition: Definition) -> date:
    """Date of the newest content in the delta; the day of publication where the layer dates nothing."""
    name = definition.data_date_field
    today = func.current_date()
    if name is None:
        day: date = connection.execute(select(today)).scalar_one()
        return day
    stage = stage_table(definition)
    newest = func.max(cast(stage.c[name], Date)).filter(stage.c.op != "same")
    found: date = connection.execute(select(func.coalesce(func.least(newest, today), today))).scalar_one()
    return found
