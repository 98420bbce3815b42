"""Vector tiles of a layer, made by PostGIS in one prepared statement."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Integer,
    MetaData,
    Table,
    Text,
    and_,
    bindparam,
    func,
    literal_column,
    or_,
    select,
)

from layers.catalogue import Layer
from layers.definition import Definition
from layers.tables import feature_table
from spatial.page import revision_of
from spatial.sql import Rows
from spatial.target import Target
from tiles.address import BUFFER, EXTENT, LAYER_VERSION_BELOW, TileAddress

# A field that the definition gives no first zoom is in the tile from here on.
DETAIL_ZOOM = 14

_CELLS = Table(
    "changed_cells",
    MetaData(),
    Column("slug", Text),
    Column("x", Integer),
    Column("y", Integer),
    Column("revision", BigInteger),
    schema="catalogue",
)


def tile_fields(definition: Definition, z: int) -> tuple[str, ...]:
    """Names of the public fields that a tile of zoom ``z`` carries, in definition order."""
    options, style = definition.tiles, definition.style
    first = dict(options.fields_from) if options else {}
    if style is not None:
        for name in (style.by, style.label_field):
            if name is not None:
                first.setdefault(name, 0)
    return tuple(field.name for field in definition.public_fields if z >= first.get(field.name, DETAIL_ZOOM))


def tile_statement(target: Target, layer: Layer, *, z: int) -> Rows:
    """One tile at zoom ``z``; the parameters ``x``, ``y`` and ``x0, x1, y0, y1`` (cells) choose it.

    Columns: ``body`` (MVT 2.1 bytes), ``version`` (newest revision whose delta touches the buffered tile)
    and ``revision`` of the layer, all of one snapshot. Features are ordered, so equal data give equal bytes.
    """
    table = feature_table(layer.definition)
    options = layer.definition.tiles
    if options is None:
        raise ValueError(f"layer {layer.slug} has no tiles")
    x, y = bindparam("x", type_=Integer), bindparam("y", type_=Integer)
    zoom: ColumnElement[int] = literal_column(str(int(z)))
    tile = func.ST_TileEnvelope(zoom, x, y)
    buffered = func.ST_Expand(tile, literal_column(str(_margin_m(z))))
    clipped = func.ST_AsMVTGeom(table.c.tile_geom, tile, EXTENT, BUFFER, True)
    names = tile_fields(layer.definition, z)
    rows = (
        select(table.c.fid, *(_tile_value(target, name) for name in names), clipped.label("geom"))
        .where(table.c.tile_geom.op("&&")(buffered))
        .order_by(table.c.fid)
        .limit(options.max_features)
        .subquery("rows")
    )
    kept = select(rows).where(rows.c.geom.is_not(None)).subquery("tile")
    body = func.ST_AsMVT(literal_column("tile"), layer.slug, EXTENT, "geom", "fid")
    return select(
        select(body).select_from(kept).scalar_subquery().label("body"),
        _version(layer.slug, z).label("version"),
        revision_of(layer.slug).label("revision"),
    )


def version_statement(layer: Layer, *, z: int) -> Rows:
    """Only ``version`` and ``revision`` of a tile: what tells whether a cached tile still stands."""
    return select(_version(layer.slug, z).label("version"), revision_of(layer.slug).label("revision"))


def tile_parameters(address: TileAddress) -> dict[str, object]:
    """Values of the parameters of :func:`tile_statement` and :func:`version_statement`."""
    x0, x1, y0, y1 = address.cells()
    return {"x": address.x, "y": address.y, "x0": x0, "x1": x1, "y0": y0, "y1": y1}


def _version(slug: str, z: int) -> ColumnElement[int]:
    if z < LAYER_VERSION_BELOW:
        return revision_of(slug)
    cells = _CELLS.c
    near = and_(
        cells.x.between(bindparam("x0", type_=Integer), bindparam("x1", type_=Integer)),
        cells.y.between(bindparam("y0", type_=Integer), bindparam("y1", type_=Integer)),
    )
    newest = select(func.coalesce(func.max(cells.revision), 0))
    return newest.where(cells.slug == slug, or_(near, cells.x == -1)).scalar_subquery()


def _tile_value(target: Target, name: str) -> ColumnElement[Any]:
    """The value as MVT can carry it: dates and lists as text, since ST_AsMVT drops other types."""
    column = target.column(name)
    kind = target.types[name]
    if kind == "text[]":
        return func.array_to_string(column, ";").label(name)
    if kind in ("date", "datetime"):
        return column.cast(Text).label(name)
    return column.label(name)


def _margin_m(z: int) -> float:
    """Width of the tile's buffer in metres of EPSG:3857."""
    return 40_075_016.685578488 / (1 << z) * BUFFER / EXTENT
