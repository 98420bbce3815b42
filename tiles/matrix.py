"""The tile matrix sets that the service offers: where their tiles lie and how deep they go."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import morecantile
import pyproj

from layers.definition import Label
from spatial.crs import CRS, CRS84, EPSG_3857, crs_by_code, transformer

MAX_ZOOM: Final = 22
"""The deepest zoom of WebMercatorQuad."""
EARTH_M: Final = 40_075_016.685578488
"""Length of the equator of EPSG:3857, which is the width of WebMercatorQuad at zoom 0."""
TILE_PIXELS: Final = 256
"""Pixels a side of one tile in the documents (OGC 2D Tile Matrix Set 2.0); clients draw vectors larger."""
_SAMPLES: Final = 16
_HIGHEST: Final = 89.9


@dataclass(frozen=True, slots=True)
class MatrixSet:
    """A quadtree of square tiles in one CRS; coordinates are x, y in that CRS.

    Attributes:
        id: ``tileMatrixSetId``.
        west: x of the upper left corner of every zoom.
        north: y of the same corner.
        size: Side of a tile at zoom 0, in units of the CRS.
        columns: Tiles from west to east at zoom 0; every zoom is one tile high at zoom 0.
        offset: Zoom of WebMercatorQuad whose tiles are about as large on the ground as those of zoom 0.
    """

    id: str
    title: Label
    crs: CRS
    west: float
    north: float
    size: float
    columns: int
    offset: int

    @property
    def max_zoom(self) -> int:
        """The deepest zoom with tiles: about the ground resolution of zoom 22 of WebMercatorQuad."""
        return MAX_ZOOM - self.offset

    def bounds(self, *, z: int, x: int, y: int) -> tuple[float, float, float, float]:
        """Least x, least y, greatest x, greatest y of a tile."""
        side = self.size / (1 << z)
        west, north = self.west + x * side, self.north - y * side
        return west, north - side, west + side, north

    def lonlat_bounds(self, bounds: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
        """Bounds in EPSG:4326 (lon, lat) that hold this box of the CRS, its bent edges included."""
        if self.crs.is_geographic:
            return bounds
        west, south, east, north = bounds
        steps = [step / _SAMPLES for step in range(_SAMPLES + 1)]
        xs = [west + (east - west) * i for i in steps for _ in steps]
        ys = [south + (north - south) * j for _ in steps for j in steps]
        lon, lat = transformer(self.crs, CRS84).transform(xs, ys)
        # The edge bends between two samples by less than this share of the box.
        pad_x, pad_y = (max(lon) - min(lon)) / _SAMPLES**2, (max(lat) - min(lat)) / _SAMPLES**2
        return min(lon) - pad_x, min(lat) - pad_y, max(lon) + pad_x, max(lat) + pad_y

    def matrix_range(self, box: tuple[float, float, float, float], *, z: int) -> tuple[int, int, int, int]:
        """Columns and rows (first column, last column, first row, last row) that meet a box of the CRS."""
        side = self.size / (1 << z)
        columns, rows = self.columns << z, 1 << z
        west, south, east, north = box

        def clamp(value: float, count: int) -> int:
            return int(max(0, min(count - 1, value // 1)))

        return (
            clamp((west - self.west) / side, columns),
            clamp((east - self.west) / side, columns),
            clamp((self.north - north) / side, rows),
            clamp((self.north - south) / side, rows),
        )

    def from_lonlat(self, box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
        """Bounds in the CRS that hold a box of EPSG:4326 (lon, lat), its bent edges included."""
        if self.crs.is_geographic:
            return box
        west, south, east, north = box
        # Neither projection reaches the poles.
        south, north = max(-_HIGHEST, south), min(_HIGHEST, north)
        steps = [step / _SAMPLES for step in range(_SAMPLES + 1)]
        lon = [west + (east - west) * i for i in steps for _ in steps]
        lat = [south + (north - south) * j for _ in steps for j in steps]
        x, y = transformer(CRS84, self.crs).transform(lon, lat)
        if self.crs == EPSG_3857:
            return min(x), min(y), max(x), max(y)
        pad_x, pad_y = (max(x) - min(x)) / _SAMPLES**2, (max(y) - min(y)) / _SAMPLES**2
        return min(x) - pad_x, min(y) - pad_y, max(x) + pad_x, max(y) + pad_y


WEB_MERCATOR: Final = MatrixSet(
    id="WebMercatorQuad",
    title=Label("Google Maps và tương thích", "Google Maps Compatible for the World"),
    crs=EPSG_3857,
    west=-EARTH_M / 2,
    north=EARTH_M / 2,
    size=EARTH_M,
    columns=1,
    offset=0,
)
WORLD_CRS84: Final = MatrixSet(
    id="WorldCRS84Quad",
    title=Label("Kinh vĩ độ WGS 84 toàn cầu", "CRS84 for the World"),
    crs=CRS84,
    west=-180.0,
    north=90.0,
    size=180.0,
    columns=2,
    offset=1,
)
# 2^21 m a side from easting 0 and northing 2^19 holds Vietnam with both archipelagos, and every zoom has a
# pixel of a power of two: 8,192 m at zoom 0, 1 m at zoom 13.
VN2000_UTM48: Final = MatrixSet(
    id="VN2000UTM48NQuad",
    title=Label("VN-2000 / UTM múi 48 bắc, cả nước", "VN-2000 / UTM zone 48N, whole country"),
    crs=crs_by_code(3405),
    west=0.0,
    north=2_621_440.0,
    size=2_097_152.0,
    columns=1,
    offset=4,
)
MATRIX_SETS: Final = {matrix.id: matrix for matrix in (WEB_MERCATOR, WORLD_CRS84, VN2000_UTM48)}


@cache
def matrix_document(matrix_id: str) -> dict[str, Any]:
    """The definition of a tile matrix set (OGC 2D Tile Matrix Set 2.0, 6), to its deepest zoom with tiles."""
    matrix = MATRIX_SETS[matrix_id]
    registered = {WEB_MERCATOR.id, WORLD_CRS84.id}
    tms = morecantile.tms.get(matrix_id) if matrix_id in registered else _own(matrix)
    document: dict[str, Any] = tms.model_dump(mode="json", by_alias=True, exclude_none=True)
    document["crs"] = matrix.crs.uri
    document.setdefault("orderedAxes", ["E", "N"])
    document["title"] = f"{matrix.title.vi} · {matrix.title.en}"
    if matrix_id in registered:
        document["uri"] = f"http://www.opengis.net/def/tilematrixset/OGC/1.0/{matrix_id}"
    document["tileMatrices"] = document["tileMatrices"][: matrix.max_zoom + 1]
    return document


def _own(matrix: MatrixSet) -> morecantile.TileMatrixSet:
    extent = [matrix.west, matrix.north - matrix.size, matrix.west + matrix.size, matrix.north]
    made: morecantile.TileMatrixSet = morecantile.TileMatrixSet.custom(
        extent,
        pyproj.CRS.from_epsg(matrix.crs.code),
        tile_width=TILE_PIXELS,
        tile_height=TILE_PIXELS,
        minzoom=0,
        maxzoom=matrix.max_zoom,
        id=matrix.id,
        title=matrix.title.en,
    )
    return made
