"""The part of the tile matrix set in which a layer has tiles."""

from __future__ import annotations

import math
from dataclasses import dataclass

from app.ogc.config import outward
from layers.catalogue import Layer
from tiles.address import BUFFER, EXTENT, MAX_ZOOM

# WebMercatorQuad ends here, where the map becomes a square.
MAX_LATITUDE = math.degrees(math.atan(math.sinh(math.pi)))


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


def limits_at(layer: Layer, z: int) -> TileLimits:
    """The limits at one zoom; buffered tiles next to the extent count, because features reach into them."""
    west, south, east, north = outward(layer.extent)
    count = 1 << z
    margin = BUFFER / EXTENT

    def column(lon: float) -> float:
        return (lon + 180) / 360 * count

    def row(lat: float) -> float:
        angle = math.radians(max(-MAX_LATITUDE, min(MAX_LATITUDE, lat)))
        return (1 - math.asinh(math.tan(angle)) / math.pi) / 2 * count

    def clamp(value: float) -> int:
        return max(0, min(count - 1, math.floor(value)))

    return TileLimits(
        z=z,
        min_row=clamp(row(north) - margin),
        max_row=clamp(row(south) + margin),
        min_col=clamp(column(west) - margin),
        max_col=clamp(column(east) + margin),
    )


def tile_limits(layer: Layer) -> list[TileLimits]:
    """The limits of every tile matrix of the layer's zooms; none for a layer without tiles."""
    options = layer.definition.tiles
    if options is None:
        return []
    return [limits_at(layer, z) for z in range(options.min_zoom, MAX_ZOOM + 1)]


def is_inside(layer: Layer, *, z: int, x: int, y: int) -> bool:
    """Whether a tile lies in the published limits (OGC API - Tiles, req. 6: 404 outside of them)."""
    options = layer.definition.tiles
    return options is not None and options.min_zoom <= z <= MAX_ZOOM and limits_at(layer, z).contains(x=x, y=y)
