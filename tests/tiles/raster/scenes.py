"""Raster files made for tests: a tilted plane in VN-2000 whose values tell where each pixel lies."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import rasterio
from pyproj import Transformer
from rasterio.transform import from_origin

# EPSG:6960 with its published signs, written here apart from the product's own; TM-3 at 107°45'.
TO_5899 = Transformer.from_pipeline(
    "+proj=pipeline +step +proj=unitconvert +xy_in=deg +xy_out=rad +step +proj=push +v_3"
    " +step +proj=cart +ellps=WGS84 +step +inv +proj=helmert +x=-191.90441429 +y=-39.30318279 +z=-111.45032835"
    " +rx=-0.00928836 +ry=0.01975479 +rz=-0.00427372 +s=0.252906278 +convention=coordinate_frame"
    " +step +inv +proj=cart +ellps=WGS84 +step +proj=pop +v_3"
    " +step +proj=tmerc +lat_0=0 +lon_0=107.75 +k=0.9999 +x_0=500000 +y_0=0 +ellps=WGS84"
)


def plane(
    path: Path,
    *,
    lon: float = 107.05,
    lat: float = 11.0,
    pixel_m: float = 0.5,
    size: int = 400,
    epsg: int | None = 5899,
    nodata: float | None = -9999.0,
    hole: float | None = -9999.0,
    dtype: str = "float32",
) -> tuple[float, float]:
    """Writes a raster whose value is the distance in metres east plus north of its south-western corner.

    The corner lies at the point rounded to whole metres; ``hole`` is put into the first row.

    Returns:
        Easting and northing of the south-western corner in EPSG:5899.
    """
    east, north = (float(round(value)) for value in TO_5899.transform(lon, lat))
    columns = (np.arange(size) + 0.5) * pixel_m
    rows = (size - np.arange(size) - 0.5) * pixel_m
    values = (rows[:, None] + columns[None, :]).astype(dtype)
    if hole is not None:
        values[0, :] = hole
    profile = {"driver": "GTiff", "width": size, "height": size, "count": 1, "dtype": dtype, "nodata": nodata}
    if epsg is not None:
        profile["crs"] = f"EPSG:{epsg}"
    transform = from_origin(east, north + size * pixel_m, pixel_m, pixel_m)
    with rasterio.open(path, "w", transform=transform, **profile) as out:
        out.write(values, 1)
    return east, north


def photo(path: Path, *, lon: float = 107.05, lat: float = 11.0, size: int = 300) -> None:
    """Writes a picture that is red in the west and blue in the east, 2 m a pixel, in EPSG:5899."""
    east, north = TO_5899.transform(lon, lat)
    bands = np.zeros((3, size, size), dtype=np.uint8)
    bands[0, :, : size // 2] = 255
    bands[2, :, size // 2 :] = 255
    with rasterio.open(
        path, "w", driver="GTiff", width=size, height=size, count=3, dtype="uint8", crs="EPSG:5899",
        transform=from_origin(east, north + size * 2, 2, 2), photometric="rgb",
    ) as out:  # fmt: skip
        out.write(bands)
