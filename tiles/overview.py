"""Tiles of features counted by cell: what stands in for a layer that is too dense to draw."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Integer,
    LargeBinary,
    Text,
    and_,
    case,
    exists,
    func,
    literal,
    literal_column,
    or_,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import distinct_on

from layers.catalogue import Layer
from layers.definition import Definition, GeometryType
from layers.tables import feature_table, measure_column
from spatial.sql import Rows
from tiles.address import CELL_ZOOM, EXTENT
from tiles.content import CELL_COUNT, class_field, class_key, has_cells
from tiles.frame import clipped, constant, in_crs, whole
from tiles.matrix import EARTH_M, MatrixSet
from tiles.tables import CELL_SHIFT, CELLS, CHANGED, COARSEST_LEVEL, COMPANIONS, FINEST_LEVEL

# So many zoom-12 cells that changed after the companion are counted from the features while a client waits.
MAX_LIVE_CELLS = 16
_EMPTY: ColumnElement[bytes] = literal_column("''::bytea", LargeBinary)
_NO_CLASS: ColumnElement[str] = literal_column("NULL::text", Text)


def cell_level(web_zoom: int) -> int:
    """The level of the cells in a tile of this zoom: 64 a side, or the finest there is."""
    return max(COARSEST_LEVEL, min(FINEST_LEVEL, web_zoom + CELL_SHIFT))


def inner_point(definition: Definition, columns: Any) -> ColumnElement[Any]:
    """The point (EPSG:3857) that decides in which cell a feature counts."""
    if definition.geometry is GeometryType.MULTIPOLYGON:
        return columns.label_geom  # type: ignore[no-any-return]
    if definition.geometry is GeometryType.POINT:
        return columns.tile_geom  # type: ignore[no-any-return]
    return func.ST_Centroid(func.ST_Envelope(columns.tile_geom))


def cell_of(point: ColumnElement[Any], level: int) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    """Column and row of the WebMercatorQuad cell of a level that holds a point of EPSG:3857."""
    half, side, last = constant(EARTH_M / 2), constant(EARTH_M / (1 << level)), constant((1 << level) - 1)

    def index(distance: ColumnElement[Any]) -> ColumnElement[Any]:
        return func.greatest(constant(0), func.least(last, func.floor(distance / side).cast(Integer)))

    return index(func.ST_X(point) + half), index(half - func.ST_Y(point))


def in_cells(definition: Definition, cells: FromClause) -> ColumnElement[bool]:
    """Whether a feature counts in one of these zoom-12 cells; the index finds those that may."""
    table = feature_table(definition)
    x, y = cell_of(inner_point(definition, table.c), CELL_ZOOM)
    square = func.ST_TileEnvelope(constant(CELL_ZOOM), cells.c.x, cells.c.y)
    return and_(table.c.tile_geom.op("&&")(square), x == cells.c.x, y == cells.c.y)


def finest_counts(definition: Definition) -> Rows:
    """Features by finest cell and class: ``x``, ``y``, ``class``, ``count`` and ``weight`` (m², else a count)."""
    table = feature_table(definition)
    by = class_field(definition)
    measure = measure_column(definition)
    x, y = cell_of(inner_point(definition, table.c), FINEST_LEVEL)
    kind = _class_of(definition, table.c[by.name]) if by is not None else _NO_CLASS
    weight = func.sum(table.c[measure[0]]) if measure else func.count()
    return (
        select(x.label("x"), y.label("y"), kind.label("class"), func.count().label("count"), weight.label("weight"))
        .where(table.c.tile_geom.is_not(None))
        .group_by(literal_column("1"), literal_column("2"), literal_column("3"))
    )


def _class_of(definition: Definition, column: ColumnElement[Any]) -> ColumnElement[str]:
    """A value's class: itself, or where the style has breaks the one that it reaches, as text."""
    breaks = definition.style.breaks if definition.style else ()
    if not breaks:
        return column.cast(Text)
    reached = [
        (column >= constant(entry.at_least), literal(f"{entry.at_least:.17g}", Text)) for entry in reversed(breaks)
    ]
    return case(*reached, else_=_NO_CLASS)


def rolled_up(finest: FromClause, level: int) -> Rows:
    """Counts of a coarser level: ``level``, ``x``, ``y``, ``feature_count`` and ``main_class`` (largest weight)."""
    shift = constant(FINEST_LEVEL - level)
    by_class = (
        select(
            finest.c.x.op(">>")(shift).label("x"),
            finest.c.y.op(">>")(shift).label("y"),
            finest.c["class"],
            func.sum(finest.c["count"]).label("count"),
            func.sum(finest.c.weight).label("weight"),
        )
        .group_by(literal_column("1"), literal_column("2"), finest.c["class"])
        .subquery("by_class")
    )
    x, y = by_class.c.x, by_class.c.y
    total = func.sum(by_class.c["count"]).over(partition_by=[x, y]).cast(BigInteger)
    return (
        select(
            constant(level).label("level"), x, y, total.label("feature_count"), by_class.c["class"].label("main_class")
        )
        .ext(distinct_on(x, y))
        .order_by(x, y, by_class.c.weight.desc(), by_class.c["class"])
    )


def companion_revision(layer: Layer) -> ColumnElement[Any]:
    """The revision that the layer's companions show; NULL without any, or with those of another class field."""
    return (
        select(COMPANIONS.c.revision)
        .where(COMPANIONS.c.slug == layer.slug, COMPANIONS.c.class_field == class_key(layer.definition))
        .scalar_subquery()
    )


def behind(layer: Layer) -> ColumnElement[bool]:
    """The changed cells of this tile that the companions do not show yet."""
    cells = CHANGED.c
    here = and_(
        cells.x.between(whole("cell_x0"), whole("cell_x1")),
        cells.y.between(whole("cell_y0"), whole("cell_y1")),
    )
    return and_(cells.slug == layer.slug, or_(here, cells.x == -1), cells.revision > companion_revision(layer))


def crowded(layer: Layer, web_zoom: int) -> ColumnElement[bool]:
    """Whether the tile holds more features than the definition allows, by the counts of its cells."""
    options = layer.definition.tiles
    limit = options.max_features if options else 0
    held = select(func.coalesce(func.sum(CELLS.c.feature_count), 0)).where(_in_tile(layer, cell_level(web_zoom)))
    return held.scalar_subquery() > constant(limit)


def cells_body(layer: Layer, matrix: MatrixSet, web_zoom: int) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    """The tile's MVT layer of cells, and the revision it shows where that is not the newest, else NULL.

    Cells that changed after the companion was made are counted from the features in the same statement, up to
    :data:`MAX_LIVE_CELLS` of zoom 12. Beyond that the companion is shown as it is, and ``shown`` says so; it is
    0 where there is no companion at all.
    """
    definition, level = layer.definition, cell_level(web_zoom)
    if not has_cells(definition):
        return _EMPTY, literal_column("NULL::bigint")
    dirty = select(CHANGED.c.x, CHANGED.c.y).where(behind(layer)).cte("dirty")
    many = or_(
        select(func.count() > constant(MAX_LIVE_CELLS)).select_from(dirty).scalar_subquery(),
        exists().where(dirty.c.x == constant(-1)),
    )
    shift = constant(level - CELL_ZOOM)
    redone = exists().where(dirty.c.x == CELLS.c.x.op(">>")(shift), dirty.c.y == CELLS.c.y.op(">>")(shift))
    kept = select(CELLS.c.level, CELLS.c.x, CELLS.c.y, CELLS.c.feature_count, CELLS.c.main_class).where(
        _in_tile(layer, level), or_(many, ~redone)
    )
    within = and_(in_cells(definition, dirty), ~many)
    live = rolled_up(finest_counts(definition).where(within).subquery("finest"), level).subquery("live")
    shown = case(
        (companion_revision(layer).is_(None), constant(0)),
        (many, companion_revision(layer)),
        else_=literal_column("NULL::bigint"),
    )
    cells = union_all(kept, select(live).where(_between(live.c.x, live.c.y))).subquery("cells")
    return _cells_mvt(definition, matrix, level, cells), shown


def _cells_mvt(definition: Definition, matrix: MatrixSet, level: int, cells: FromClause) -> ColumnElement[Any]:
    square = func.ST_TileEnvelope(constant(level), cells.c.x, cells.c.y)
    place = func.ST_Centroid(square) if definition.geometry is GeometryType.POINT else square
    by = class_field(definition)
    kind = [cells.c.main_class.label(by.name)] if by is not None else []
    # Level 17 has 2^17 columns, so the number tells every cell of a tile from the others.
    number = cells.c.y.cast(BigInteger) * constant(1 << FINEST_LEVEL) + cells.c.x
    rows = (
        select(
            number.label("cell"),
            cells.c.feature_count.label(CELL_COUNT),
            *kind,
            clipped(matrix, in_crs(matrix, place), buffer=0).label("geom"),
        )
        .order_by(cells.c.y, cells.c.x)
        .subquery("squares")
    )
    kept = select(rows).subquery("overview")
    body = func.ST_AsMVT(literal_column("overview"), definition.slug, EXTENT, "geom", "cell")
    return func.coalesce(select(body).select_from(kept).scalar_subquery(), _EMPTY)


def _in_tile(layer: Layer, level: int) -> ColumnElement[bool]:
    return and_(CELLS.c.slug == layer.slug, CELLS.c.level == constant(level), _between(CELLS.c.x, CELLS.c.y))


def _between(x: ColumnElement[Any], y: ColumnElement[Any]) -> ColumnElement[bool]:
    return and_(x.between(whole("fine_x0"), whole("fine_x1")), y.between(whole("fine_y0"), whole("fine_y1")))
