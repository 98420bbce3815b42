"""Vector tiles of a layer, made by PostGIS in one prepared statement."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    FromClause,
    LargeBinary,
    Text,
    and_,
    case,
    exists,
    func,
    literal_column,
    or_,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import distinct_on

from layers.catalogue import Layer
from layers.definition import Definition, GeometryType
from layers.tables import feature_table, measure_column
from spatial.page import revision_of
from spatial.sql import Rows
from spatial.target import Target
from tiles.address import EXTENT, LAYER_VERSION_BELOW, PIXELS
from tiles.content import (
    DENSE_ZOOM,
    LAST_SHAPE_ZOOM,
    has_cells,
    has_shapes,
    label_field,
    label_layer,
    tile_fields,
)
from tiles.frame import clipped, constant, drawn, in_crs, near_box, number, pixel_of, pixel_square, whole
from tiles.importance import importance
from tiles.matrix import MatrixSet
from tiles.overview import behind, cells_body, companion_revision, crowded
from tiles.tables import CHANGED, SHAPES, shape_level

# A polygon smaller than so many pixels a side gets no label.
LABEL_PIXELS = 12
_EMPTY: ColumnElement[bytes] = literal_column("''::bytea", LargeBinary)


def tile_statement(target: Target, layer: Layer, *, matrix: MatrixSet, z: int) -> Rows:
    """One tile at zoom ``z`` of a matrix set; the values of :func:`tiles.frame.tile_parameters` choose it.

    Columns, all of one snapshot: ``body`` (MVT 2.1 bytes), ``version`` (newest revision whose delta touches the
    buffered tile), ``revision`` of the layer, and ``shown``: the revision that the body shows where companions
    are so far behind that it is not ``version``, else NULL. Features come in a fixed order, the important first,
    so equal data give equal bytes and a cap leaves out the least.
    """
    web_zoom = z + matrix.offset
    definition = layer.definition
    options = definition.tiles
    if options is None:
        raise ValueError(f"layer {layer.slug} has no tiles")
    if web_zoom < options.min_zoom:
        body, shown = cells_body(layer, matrix, web_zoom)
    else:
        body, shown = _features_body(target, layer, matrix, web_zoom)
    return select(
        body.label("body"),
        _version(layer.slug, z=web_zoom).label("version"),
        revision_of(layer.slug).label("revision"),
        shown.label("shown"),
    )


def version_statement(layer: Layer, *, web_zoom: int) -> Rows:
    """Only ``version`` and ``revision`` of a tile: what tells whether a cached tile still stands."""
    return select(_version(layer.slug, z=web_zoom).label("version"), revision_of(layer.slug).label("revision"))


def _features_body(
    target: Target, layer: Layer, matrix: MatrixSet, web_zoom: int
) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    """The body and ``shown``. A CASE runs only the branch that it takes."""
    definition = layer.definition
    base = _from_table(target, layer, matrix, web_zoom)
    current: ColumnElement[Any] = literal_column("NULL::bigint")
    if has_shapes(definition) and web_zoom <= LAST_SHAPE_ZOOM:
        stale = or_(companion_revision(layer).is_(None), exists().where(behind(layer)))
        return case((stale, base), else_=_from_shapes(target, layer, matrix, web_zoom)), current
    if has_cells(definition) and web_zoom <= DENSE_ZOOM:
        cells, shown = cells_body(layer, matrix, web_zoom)
        is_crowded = crowded(layer, web_zoom)
        return case((is_crowded, cells), else_=base), case((is_crowded, shown), else_=current)
    return base, current


def _from_table(target: Target, layer: Layer, matrix: MatrixSet, web_zoom: int) -> ColumnElement[Any]:
    table = feature_table(layer.definition)
    near = table.c.tile_geom.op("&&")(near_box())
    columns = [*_values(target, web_zoom, layer.definition), drawn(matrix, table.c).label("shape")]
    hit = _most_important(layer.definition, table, columns).where(near)
    return _drawn_layers(layer, matrix, web_zoom, hit.cte("hit"), merge=web_zoom <= DENSE_ZOOM)


def _from_shapes(target: Target, layer: Layer, matrix: MatrixSet, web_zoom: int) -> ColumnElement[Any]:
    table = feature_table(layer.definition)
    near = and_(
        SHAPES.c.slug == layer.slug,
        SHAPES.c.level == constant(shape_level(web_zoom)),
        SHAPES.c.geom.op("&&")(near_box()),
        SHAPES.c.fid == table.c.fid,
    )
    columns = [*_values(target, web_zoom, layer.definition), in_crs(matrix, SHAPES.c.geom).label("shape")]
    hit = _most_important(layer.definition, table, columns).where(near)
    return _drawn_layers(layer, matrix, web_zoom, hit.cte("shape_hit"), merge=False)


def _most_important(definition: Definition, table: Any, columns: list[ColumnElement[Any]]) -> Rows:
    options, measure = definition.tiles, measure_column(definition)
    limit = options.max_features if options else 0
    extra = [table.c[measure[0]].label("size")] if measure else []
    if label_layer(definition):
        extra.append(table.c.label_geom)
    return select(table.c.fid, *columns, *extra).order_by(*importance(definition, table.c)).limit(constant(limit))


def _drawn_layers(layer: Layer, matrix: MatrixSet, web_zoom: int, hit: CTE, *, merge: bool) -> ColumnElement[Any]:
    definition = layer.definition
    names = tile_fields(definition, web_zoom)
    polygons = definition.geometry is GeometryType.MULTIPOLYGON
    rows = select(hit.c.fid, *(hit.c[name] for name in names), clipped(matrix, hit.c.shape).label("geom"))
    source: FromClause
    if polygons and merge and label_layer(definition):
        large = rows.where(hit.c.size >= number("pixel_m2"))
        source = union_all(large, select(_merged(hit, matrix, names))).subquery("rows")
    else:
        source = rows.subquery("rows")
    body = _mvt(source, layer.slug)
    name, label = label_layer(definition), label_field(definition)
    if name is None or label is None:
        return body
    # The tile's own square holds a label point, half-open, so that no two tiles show one label.
    column, row = pixel_of(matrix, hit.c.label_geom)
    last = constant(PIXELS - 1)
    points = select(
        hit.c.fid,
        hit.c[label.name],
        clipped(matrix, in_crs(matrix, hit.c.label_geom), buffer=0).label("geom"),
    ).where(
        hit.c.size >= number("pixel_m2") * constant(LABEL_PIXELS**2),
        hit.c[label.name].is_not(None),
        column.between(constant(0), last),
        row.between(constant(0), last),
    )
    if label.name not in names:
        return body
    return body.op("||")(_mvt(points.subquery("labels"), name))


def _merged(hit: CTE, matrix: MatrixSet, names: tuple[str, ...]) -> FromClause:
    """Polygons smaller than a pixel: for each pixel the largest whose inner point lies in it, as that pixel."""
    column, row = pixel_of(matrix, hit.c.label_geom)
    small = (
        select(hit.c.fid, *(hit.c[name] for name in names), hit.c.size, column.label("px"), row.label("py"))
        .where(hit.c.size < number("pixel_m2"))
        .subquery("small")
    )
    last = constant(PIXELS - 1)
    chosen = (
        select(small.c.fid, *(small.c[name] for name in names), pixel_square(small.c.px, small.c.py).label("geom"))
        .ext(distinct_on(small.c.py, small.c.px))
        .where(small.c.px.between(constant(0), last), small.c.py.between(constant(0), last))
        .order_by(small.c.py, small.c.px, small.c.size.desc(), small.c.fid)
    )
    return chosen.subquery("merged")


def _mvt(rows: FromClause, name: str) -> ColumnElement[Any]:
    """A layer of the tile; empty bytes where it has no feature.

    ST_AsMVT leaves rows without geometry out by itself. A condition would be pushed below the sub-select, where
    every geometry is cut a second time: it doubled the time of a full tile.
    """
    kept = select(rows).subquery("tile")
    body = func.ST_AsMVT(literal_column("tile"), name, EXTENT, "geom", "fid")
    return func.coalesce(select(body).select_from(kept).scalar_subquery(), _EMPTY)


def _version(slug: str, *, z: int) -> ColumnElement[int]:
    if z < LAYER_VERSION_BELOW:
        return revision_of(slug)
    cells = CHANGED.c
    near = and_(
        cells.x.between(whole("cell_x0"), whole("cell_x1")),
        cells.y.between(whole("cell_y0"), whole("cell_y1")),
    )
    newest = select(func.coalesce(func.max(cells.revision), 0))
    return newest.where(cells.slug == slug, or_(near, cells.x == -1)).scalar_subquery()


def _values(target: Target, web_zoom: int, definition: Definition) -> list[ColumnElement[Any]]:
    return [_tile_value(target, name) for name in tile_fields(definition, web_zoom)]


def _tile_value(target: Target, name: str) -> ColumnElement[Any]:
    """The value as MVT can carry it: dates and lists as text, since ST_AsMVT drops other types."""
    column = target.column(name)
    kind = target.types[name]
    if kind == "text[]":
        return func.array_to_string(column, ";").label(name)
    if kind in ("date", "datetime"):
        return column.cast(Text).label(name)
    return column.label(name)
