"""The square that a tile statement draws into, as SQL expressions over the tile's parameters."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Double, Integer, bindparam, func, literal_column

from layers.tables import STORAGE_SRID, TILE_SRID
from tiles.address import BUFFER, EXTENT, PIXELS, TileAddress
from tiles.matrix import WEB_MERCATOR, MatrixSet

Expression = ColumnElement[Any]
_SIDES = ("west", "south", "east", "north")
_NEAR = ("near_west", "near_south", "near_east", "near_north")
_CELLS = ("cell_x0", "cell_x1", "cell_y0", "cell_y1")
_FINE = ("fine_x0", "fine_x1", "fine_y0", "fine_y1")
PIXEL_UNITS = EXTENT // PIXELS


def number(name: str) -> Expression:
    """A parameter that holds a double."""
    return bindparam(name, type_=Double)


def whole(name: str) -> Expression:
    """A parameter that holds an integer."""
    return bindparam(name, type_=Integer)


def constant(value: float) -> Expression:
    """A number in the text of the statement, where the planner sees it."""
    return literal_column(repr(value))


def tile_parameters(address: TileAddress, level: int) -> dict[str, object]:
    """Values of the parameters of every tile statement.

    Args:
        address: The tile.
        level: The level of cells that the statement reads.
    """
    matrix = address.matrix
    near = address.buffered if matrix is WEB_MERCATOR else WEB_MERCATOR.from_lonlat(address.lonlat)
    values: dict[str, object] = {"pixel_m2": address.pixel_m2}
    values |= zip(_SIDES, address.bounds, strict=True)
    values |= zip(_NEAR, near, strict=True)
    values |= zip(_CELLS, address.cells(), strict=True)
    values |= zip(_FINE, fine_cells(address, level), strict=True)
    return values


def fine_cells(address: TileAddress, level: int) -> tuple[int, int, int, int]:
    """Cells of a level (x from, x to, y from, y to) that the tile shows; in WebMercatorQuad exactly its own.

    Elsewhere cells straddle the edges of tiles and are clipped there, as features are.
    """
    if address.matrix is not WEB_MERCATOR:
        return address.cells(level)
    side = 1 << max(0, level - address.z)
    if level < address.z:
        x, y = address.x >> (address.z - level), address.y >> (address.z - level)
    else:
        x, y = address.x * side, address.y * side
    return x, x + side - 1, y, y + side - 1


def tile_box(matrix: MatrixSet) -> Expression:
    """The tile's square in the CRS of its matrix set."""
    return func.ST_MakeEnvelope(*(number(name) for name in _SIDES), constant(matrix.crs.srid))


def near_box() -> Expression:
    """A box of EPSG:3857 around the buffered tile: what indexes are asked for."""
    return func.ST_MakeEnvelope(*(number(name) for name in _NEAR), constant(TILE_SRID))


def clipped(matrix: MatrixSet, geom: Expression, *, buffer: int = BUFFER) -> Expression:
    """A geometry of the matrix set's CRS in the tile's own coordinates; NULL where nothing is left."""
    return func.ST_AsMVTGeom(geom, tile_box(matrix), EXTENT, buffer, True)


def in_crs(matrix: MatrixSet, mercator: Expression) -> Expression:
    """A geometry of EPSG:3857 in the matrix set's CRS."""
    return mercator if matrix.crs.srid == TILE_SRID else func.ST_Transform(mercator, constant(matrix.crs.srid))


def drawn(matrix: MatrixSet, columns: Any) -> Expression:
    """The stored geometry in the matrix set's CRS, from whichever column costs least."""
    if matrix.crs.srid == TILE_SRID:
        return columns.tile_geom  # type: ignore[no-any-return]
    if matrix.crs.srid == STORAGE_SRID:
        return columns.geom  # type: ignore[no-any-return]
    return func.ST_Transform(columns.geom, constant(matrix.crs.srid))


def pixel_of(matrix: MatrixSet, point: Expression) -> tuple[Expression, Expression]:
    """Column and row of the pixel of the tile that holds a point of EPSG:3857; outside 0…511 for other tiles."""
    place = in_crs(matrix, point)
    side = (number("east") - number("west")) / constant(float(PIXELS))
    column = func.floor((func.ST_X(place) - number("west")) / side)
    row = func.floor((number("north") - func.ST_Y(place)) / side)
    return column, row


def pixel_square(column: Expression, row: Expression) -> Expression:
    """The pixel as a polygon in tile coordinates, wound as MVT 2.1 wants outer rings."""
    unit = constant(PIXEL_UNITS)
    # ST_AsMVT takes the ring as it comes; ST_MakeEnvelope winds it the other way round.
    return func.ST_Reverse(
        func.ST_MakeEnvelope(column * unit, row * unit, (column + constant(1)) * unit, (row + constant(1)) * unit)
    )
