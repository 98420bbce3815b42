"""Tile addresses in WebMercatorQuad and the zoom-12 cells that decide a tile's version."""

from __future__ import annotations

from dataclasses import dataclass

from tiles.errors import TileOutsideMatrix

MAX_ZOOM = 22
CELL_ZOOM = 12
# Below this zoom a tile reads so much of a layer that its version is the layer's revision.
LAYER_VERSION_BELOW = 6
BUFFER = 64
EXTENT = 4096


@dataclass(frozen=True, slots=True)
class TileAddress:
    """A tile of WebMercatorQuad: zoom, column from the west, row from the north."""

    z: int
    x: int
    y: int

    @classmethod
    def parse(cls, *, z: int, x: int, y: int) -> TileAddress:
        """Checks the address.

        Raises:
            TileOutsideMatrix: The zoom or the column or row does not exist (OGC API - Tiles, req. 6).
        """
        if not 0 <= z <= MAX_ZOOM or not (0 <= x < 1 << z and 0 <= y < 1 << z):
            raise TileOutsideMatrix(z, x, y, max_zoom=MAX_ZOOM)
        return cls(z, x, y)

    def cells(self) -> tuple[int, int, int, int]:
        """Range of zoom-12 cells (x from, x to, y from, y to; inclusive) that the buffered tile touches."""
        west, east = self._cell_range(self.x)
        north, south = self._cell_range(self.y)
        return west, east, north, south

    def _cell_range(self, index: int) -> tuple[int, int]:
        scale = 2.0 ** (CELL_ZOOM - self.z)
        margin = BUFFER / EXTENT
        last = (1 << CELL_ZOOM) - 1
        low, high = int((index - margin) * scale // 1), int((index + 1 + margin) * scale // 1)
        return max(0, low), min(last, high)
