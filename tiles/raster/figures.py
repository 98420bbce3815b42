"""Figures of raster values: at a point through time, and over a zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
import rasterio
import shapely
from numpy.typing import NDArray
from rasterio import crs as rasterio_crs
from rasterio.features import geometry_mask
from rasterio.io import DatasetReader
from rasterio.warp import transform
from rasterio.windows import Window, from_bounds
from shapely import MultiPolygon, Polygon
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from spatial.geodesy import polygon_area_m2
from tiles.raster.model import Scene

# Larger zones are read from the overviews, and the answer says so.
MAX_PIXELS: Final = 25_000_000
_DENSIFY_DEGREES: Final = 0.001
_WGS84: Final = rasterio_crs.CRS.from_epsg(4326)


@dataclass(frozen=True, slots=True)
class ValueThen:
    """The value at a place on a day; None where the scene has none there."""

    dated_on: date
    value: float | None


@dataclass(frozen=True, slots=True)
class ZoneFigures:
    """Figures over the pixels whose centres lie in a zone, weighted by the area of the pixels.

    Attributes:
        pixel_count: Pixels with a value.
        area_m2: Geodesic area of the zone that has values.
        covered_share: Share of the zone that has values.
        is_exact: False where a larger zone was read from overviews.
    """

    pixel_count: int
    area_m2: float
    covered_share: float
    minimum: float | None
    maximum: float | None
    mean: float | None
    median: float | None
    deviation: float | None
    is_exact: bool


def value_at(scenes: list[Scene], store: Path, lon: float, lat: float) -> float | None:
    """The value of the first scene that has one at a point of EPSG:4326; blocks on files."""
    for scene in scenes:
        west, south, east, north = scene.bounds
        if not (west <= lon <= east and south <= lat <= north):
            continue
        with rasterio.open(scene.path(store)) as source:
            xs, ys = transform(_WGS84, source.crs, [lon], [lat])
            value = next(source.sample([(xs[0], ys[0])], indexes=1, masked=True))[0]
            inside = _holds(source, xs[0], ys[0])
        if inside and value is not np.ma.masked and np.isfinite(value):
            return float(value)
    return None


def _holds(source: DatasetReader, x: float, y: float) -> bool:
    row, column = source.index(x, y)
    return bool(0 <= row < source.height and 0 <= column < source.width)


def values_through_time(scenes: list[Scene], store: Path, lon: float, lat: float) -> list[ValueThen]:
    """The value at a point on every day that has scenes, oldest first."""
    days = sorted({scene.dated_on for scene in scenes})
    return [
        ValueThen(day, value_at([scene for scene in scenes if scene.dated_on == day], store, lon, lat)) for day in days
    ]


def zone_figures(scenes: list[Scene], store: Path, zone: Polygon | MultiPolygon) -> ZoneFigures:
    """Figures over a zone (EPSG:4326) of the scenes of one day, which do not overlap; blocks on files."""
    parts = [part for scene in scenes if (part := _read_zone(scene.path(store), zone)) is not None]
    values = np.concatenate([part.values for part in parts]) if parts else np.empty(0)
    weights = np.concatenate([part.weights for part in parts]) if parts else np.empty(0)
    covered = float(sum(part.covered for part in parts))
    zone_m2 = polygon_area_m2(zone)
    share = min(covered, 1.0)
    exact = all(part.is_exact for part in parts)
    if values.size == 0:
        return ZoneFigures(0, 0.0, 0.0, None, None, None, None, None, exact)
    mean = float(np.average(values, weights=weights))
    return ZoneFigures(
        pixel_count=int(values.size),
        area_m2=zone_m2 * share,
        covered_share=share,
        minimum=float(values.min()),
        maximum=float(values.max()),
        mean=mean,
        median=_weighted_median(values, weights),
        deviation=float(np.sqrt(np.average((values - mean) ** 2, weights=weights))),
        is_exact=exact,
    )


@dataclass(frozen=True, slots=True)
class _Part:
    """Values of one scene inside a zone; ``covered`` is the zone's share that they stand for."""

    values: NDArray[np.float64]
    weights: NDArray[np.float64]
    covered: float
    is_exact: bool


def _read_zone(path: Path, zone: BaseGeometry) -> _Part | None:
    with rasterio.open(path) as source:
        shape = _in_crs(zone, source.crs)
        window = _window(source, shape)
        if window is None:
            return None
        scale = max(1.0, np.sqrt(window.width * window.height / MAX_PIXELS))
        height, width = max(1, round(window.height / scale)), max(1, round(window.width / scale))
        values: Any = source.read(1, window=window, out_shape=(height, width), masked=True)
        affine = source.window_transform(window)
        affine = affine @ affine.scale(window.width / width, window.height / height)
        inside = geometry_mask([mapping(shape)], (height, width), affine, invert=True)
        weights = _weights(source, affine, height, width)
        pixel = abs(affine.determinant)
    present = inside & ~np.ma.getmaskarray(values) & np.isfinite(np.ma.getdata(values))
    covered = float(present.sum()) * pixel / shape.area if shape.area else 0.0
    return _Part(np.ma.getdata(values)[present].astype(np.float64), weights[present], covered, scale == 1.0)


def _in_crs(zone: BaseGeometry, crs: rasterio_crs.CRS) -> BaseGeometry:
    def move(points: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack(transform(_WGS84, crs, points[:, 0], points[:, 1])[:2])

    moved: BaseGeometry = shapely.transform(shapely.segmentize(zone, _DENSIFY_DEGREES), move)
    return moved


def _window(source: DatasetReader, shape: BaseGeometry) -> Window | None:
    asked = from_bounds(*shape.bounds, transform=source.transform)
    left, top = max(0, int(np.floor(asked.col_off))), max(0, int(np.floor(asked.row_off)))
    right = min(source.width, int(np.ceil(asked.col_off + asked.width)))
    bottom = min(source.height, int(np.ceil(asked.row_off + asked.height)))
    if right <= left or bottom <= top:
        return None
    return Window(left, top, right - left, bottom - top)


def _weights(source: DatasetReader, affine: Any, height: int, width: int) -> NDArray[np.float64]:
    """Relative areas of the pixels: they shrink with the cosine of the latitude where the CRS is in degrees."""
    if not source.crs.is_geographic:
        return np.ones((height, width))
    latitudes = affine.f + (np.arange(height) + 0.5) * affine.e
    return np.repeat(np.cos(np.radians(latitudes))[:, None], width, axis=1)


def _weighted_median(values: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(total, total[-1] / 2)])
