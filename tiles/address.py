"""Tile addresses in the offered tile matrix sets and the zoom-12 cells that decide a tile's version."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tiles.errors import TileOutsideMatrix
from tiles.matrix import EARTH_M, MAX_ZOOM, WEB_MERCATOR, MatrixSet

__all__ = ["BUFFER", "CELL_ZOOM", "EXTENT", "LAYER_VERSION_BELOW", "MAX_ZOOM", "TileAddress"]

CELL_ZOOM = 12
# Below this zoom a tile reads so much of a layer that its version is the layer's revision.
LAYER_VERSION_BELOW = 6
BUFFER = 64
EXTENT = 4096
# A vector tile is drawn 512 pixels wide (MapLibre), which is what "smaller than a pixel" goes by.
PIXELS = 512
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class TileAddress:
    """A tile: zoom, column from the west, row from the north."""

    z: int
    x: int
    y: int
    matrix: MatrixSet = WEB_MERCATOR

    @classmethod
    def parse(cls, *, z: int, x: int, y: int, matrix: MatrixSet = WEB_MERCATOR) -> TileAddress:
        """Checks the address.

        Raises:
            TileOutsideMatrix: The zoom or the column or row does not exist (OGC API - Tiles, req. 6).
        """
        if not 0 <= z <= matrix.max_zoom or not (0 <= x < matrix.columns << z and 0 <= y < 1 << z):
            raise TileOutsideMatrix(z, x, y, max_zoom=matrix.max_zoom, columns=matrix.columns)
        return cls(z, x, y, matrix)

    @property
    def web_zoom(self) -> int:
        """Zoom of WebMercatorQuad with tiles of about this size: what the zooms of definitions count in."""
        return self.z + self.matrix.offset

    @property
    def bounds(self) -> Box:
        """Least x, least y, greatest x, greatest y in the CRS of the matrix set."""
        return self.matrix.bounds(z=self.z, x=self.x, y=self.y)

    @property
    def buffered(self) -> Box:
        """The bounds with the buffer, in which features still count."""
        west, south, east, north = self.bounds
        margin = (east - west) * BUFFER / EXTENT
        return west - margin, south - margin, east + margin, north + margin

    @property
    def lonlat(self) -> Box:
        """Bounds of the buffered tile in EPSG:4326 (lon, lat)."""
        return self.matrix.lonlat_bounds(self.buffered)

    @property
    def pixel_m2(self) -> float:
        """Ground area of a pixel in the middle of the tile, in m²."""
        _, south, _, north = self.lonlat
        pixel = EARTH_M / (1 << self.web_zoom) / PIXELS
        return float((pixel * math.cos(math.radians((south + north) / 2))) ** 2)

    def cells(self, level: int = CELL_ZOOM) -> tuple[int, int, int, int]:
        """Range of WebMercatorQuad cells (x from, x to, y from, y to; inclusive) that the buffered tile touches."""
        if self.matrix is WEB_MERCATOR:
            west, east = self._cell_range(self.x, level)
            north, south = self._cell_range(self.y, level)
            return west, east, north, south
        return WEB_MERCATOR.matrix_range(WEB_MERCATOR.from_lonlat(self.lonlat), z=level)

    def _cell_range(self, index: int, level: int) -> tuple[int, int]:
        scale = 2.0 ** (level - self.z)
        margin = BUFFER / EXTENT
        last = (1 << level) - 1
        low, high = int((index - margin) * scale // 1), int((index + 1 + margin) * scale // 1)
        return max(0, low), min(last, high)
