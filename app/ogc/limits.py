"""The part of a tile matrix set in which a layer has tiles."""

from __future__ import annotations

from dataclasses import dataclass

from app.ogc.config import outward
from layers.catalogue import Layer
from tiles.address import BUFFER, EXTENT, TileAddress
from tiles.content import first_zoom
from tiles.matrix import WEB_MERCATOR, MatrixSet


@dataclass(frozen=True, slots=True)
class TileLimits:
    """Rows and columns of one tile matrix that may hold features; bounds are inclusive."""

    z: int
    min_row: int
    max_row: int
    min_col: int
    max_col: int

    def contains(self, *, x: int, y: int) -> bool:
        """Whether the tile at this column and row is inside."""
        return self.min_col <= x <= self.max_col and self.min_row <= y <= self.max_row

    def as_json(self) -> dict[str, object]:
        """The member of ``tileMatrixSetLimits`` (OGC 2D Tile Matrix Set 2.0, 7.1)."""
        return {
            "tileMatrix": str(self.z),
            "minTileRow": self.min_row,
            "maxTileRow": self.max_row,
            "minTileCol": self.min_col,
            "maxTileCol": self.max_col,
        }


def limits_at(layer: Layer, z: int, matrix: MatrixSet = WEB_MERCATOR) -> TileLimits:
    """The limits at one zoom; buffered tiles next to the extent count, because features reach into them."""
    west, south, east, north = outward(layer.extent)
    box = matrix.from_lonlat((west, south, east, north))
    margin = matrix.size / (1 << z) * BUFFER / EXTENT
    min_col, max_col, min_row, max_row = matrix.matrix_range(
        (box[0] - margin, box[1] - margin, box[2] + margin, box[3] + margin), z=z
    )
    return TileLimits(z=z, min_row=min_row, max_row=max_row, min_col=min_col, max_col=max_col)


def tile_limits(layer: Layer, matrix: MatrixSet = WEB_MERCATOR) -> list[TileLimits]:
    """The limits of every tile matrix of the layer's zooms; none for a layer without tiles."""
    if layer.definition.tiles is None:
        return []
    first = max(0, first_zoom(layer.definition) - matrix.offset)
    return [limits_at(layer, z, matrix) for z in range(first, matrix.max_zoom + 1)]


def is_inside(layer: Layer, tile: TileAddress) -> bool:
    """Whether a tile lies in the published limits (OGC API - Tiles, req. 6: 404 outside of them)."""
    if layer.definition.tiles is None or tile.web_zoom < first_zoom(layer.definition):
        return False
    return limits_at(layer, tile.z, tile.matrix).contains(x=tile.x, y=tile.y)
