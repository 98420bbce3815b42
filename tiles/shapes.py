"""Simplified copies of features for small scales: boundaries without cracks, the most important lines."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import Connection, FromClause, delete, exists, func, insert, literal, literal_column, select, text

from layers.definition import Definition, GeometryType
from layers.tables import feature_table
from tiles.address import CELL_ZOOM, PIXELS
from tiles.frame import constant
from tiles.importance import importance
from tiles.matrix import EARTH_M
from tiles.overview import cell_of, in_cells, inner_point
from tiles.tables import SHAPE_LEVELS, SHAPES

# Simplifying a coverage reads all of it; layers with more polygons than this have their vertices snapped instead.
MAX_COVERAGE = 20_000
# How many lines of one zoom-12 cell a level keeps.
LINES_PER_CELL = {3: 1, 5: 2, 7: 8, 9: 64}
_WRITE = """
INSERT INTO tiles.shapes (slug, level, fid, x, y, geom)
SELECT :slug, :level, fid, 0, 0, ST_GeomFromWKB(wkb, 3857)
FROM unnest(CAST(:fids AS bigint[]), CAST(:wkbs AS bytea[])) AS made(fid, wkb)
"""
_NAMES = ["slug", "level", "fid", "x", "y", "geom"]


def make_shapes(connection: Connection, definition: Definition, dirty: FromClause | None) -> None:
    """Remakes the shapes of a layer.

    Args:
        connection: Owner or writer, inside a transaction.
        definition: A layer of lines or polygons.
        dirty: The zoom-12 cells that changed; None remakes everything. Polygons are always simplified together,
            because the shared edges of a neighbour change with them.
    """
    if definition.geometry is GeometryType.MULTILINESTRING:
        _make_lines(connection, definition, dirty)
        return
    connection.execute(delete(SHAPES).where(SHAPES.c.slug == definition.slug))
    table = feature_table(definition)
    count = connection.execute(select(func.count()).select_from(table)).scalar_one()
    if count > MAX_COVERAGE:
        _snap_polygons(connection, definition)
        return
    rows = connection.execute(
        select(table.c.fid, func.ST_AsBinary(table.c.tile_geom)).where(table.c.tile_geom.is_not(None))
    ).all()
    fids = [int(row[0]) for row in rows]
    shapes = shapely.from_wkb([bytes(row[1]) for row in rows])
    for level in SHAPE_LEVELS:
        simplified = simplify_coverage(shapes, pixel_m(level))
        values = {"slug": definition.slug, "level": level, "fids": fids, "wkbs": list(shapely.to_wkb(simplified))}
        connection.execute(text(_WRITE), values)


def pixel_m(level: int) -> float:
    """Side of a pixel in metres of EPSG:3857 at a zoom of WebMercatorQuad."""
    return EARTH_M / (1 << level) / PIXELS


def simplify_coverage(shapes: NDArray[Any], tolerance: float) -> NDArray[Any]:
    """Simplifies polygons so that edges that two of them share stay shared, and none vanishes.

    Where the polygons overlap or the result is not valid, a polygon is simplified by itself.

    Args:
        shapes: Polygons of one layer, in a projected CRS.
        tolerance: Length under which detail goes, in the units of the CRS.
    """
    if len(shapes) == 0:
        return shapes
    simplified = shapely.coverage_simplify(shapes, tolerance)
    ill = ~shapely.is_valid(simplified) | shapely.is_empty(simplified)
    if ill.any():
        simplified[ill] = shapely.simplify(shapes[ill], tolerance, preserve_topology=True)
    return np.asarray(simplified)


def _snap_polygons(connection: Connection, definition: Definition) -> None:
    """Moves every vertex to a grid: the same vertex of two neighbours goes to the same place."""
    table = feature_table(definition)
    for level in SHAPE_LEVELS:
        snapped = func.ST_SnapToGrid(table.c.tile_geom, constant(pixel_m(level) / 2))
        rows = select(
            literal(definition.slug),
            constant(level),
            table.c.fid,
            constant(0),
            constant(0),
            func.coalesce(snapped, table.c.tile_geom),
        ).where(table.c.tile_geom.is_not(None))
        connection.execute(insert(SHAPES).from_select(_NAMES, rows))


def _make_lines(connection: Connection, definition: Definition, dirty: FromClause | None) -> None:
    table = feature_table(definition)
    old = delete(SHAPES).where(SHAPES.c.slug == definition.slug)
    if dirty is not None:
        old = old.where(exists().where(dirty.c.x == SHAPES.c.x, dirty.c.y == SHAPES.c.y))
    connection.execute(old)
    x, y = cell_of(inner_point(definition, table.c), CELL_ZOOM)
    rank = func.row_number().over(partition_by=[x, y], order_by=importance(definition, table.c))
    ranked = select(table.c.fid, table.c.tile_geom, x.label("x"), y.label("y"), rank.label("rank")).where(
        table.c.tile_geom.is_not(None)
    )
    if dirty is not None:
        ranked = ranked.where(in_cells(definition, dirty))
    lines = ranked.subquery("ranked")
    for level in SHAPE_LEVELS:
        simplified = func.ST_Simplify(lines.c.tile_geom, constant(pixel_m(level)), literal_column("true"))
        rows = select(literal(definition.slug), constant(level), lines.c.fid, lines.c.x, lines.c.y, simplified).where(
            lines.c.rank <= constant(LINES_PER_CELL[level])
        )
        connection.execute(insert(SHAPES).from_select(_NAMES, rows))
