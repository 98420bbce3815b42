"""Features held against each other and against their territory: the same twice, slivers, overlaps, gaps, outside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from layers.intake.evidence import MARGIN_DEG
from layers.intake.model import Finding, Severity
from spatial.geodesy import approximate_areas_m2

Geometries = NDArray[np.object_]

GEOMETRY: Final = "geometry"
_MOST_FINDINGS: Final = 2_000
_MOST_PAIRS: Final = 400_000
_MOST_COVERAGE: Final = 250_000
_SLIVER_M2: Final = 0.5
_THIN: Final = 0.004
_OVERLAP_M2: Final = 0.5
_GAP_DEG: Final = 3e-6
"""About 30 cm: narrower cracks between parcels are drawing faults, wider ones may be roads or ditches."""


@dataclass(frozen=True, slots=True)
class Numbered:
    """Geometry in EPSG:4326 with the row number of each; none is absent."""

    geometry: Geometries
    rows: NDArray[np.int64]

    def place(self, at: int) -> tuple[float, float]:
        """A point on a feature, to show a finding at."""
        point = shapely.point_on_surface(self.geometry[at])
        return (float(point.x), float(point.y)) if not point.is_empty else (float("nan"), float("nan"))


def find_repeats(features: Numbered) -> Iterator[Finding]:
    """Features with exactly the geometry of an earlier one."""
    codes, _ = pd.factorize(pd.Series(shapely.to_wkb(features.geometry, include_srid=False), dtype=object))
    first = np.full(codes.max() + 1 if len(codes) else 0, -1)
    order = np.arange(len(codes))
    first[codes[::-1]] = order[::-1]
    for at in np.flatnonzero(first[codes] != order)[:_MOST_FINDINGS]:
        lon, lat = features.place(int(at))
        other = int(features.rows[first[codes[at]]])
        yield _warn(
            "geometry.repeated",
            f"Trùng hoàn toàn vị trí, hình dạng với dòng {other}.",
            f"Has exactly the geometry of row {other}.",
            "Hãy bỏ một trong hai dòng, hoặc vẽ lại nếu là hai đối tượng khác nhau.",
            "Drop one of them, or draw them where they are.",
            row=int(features.rows[at]),
            lon=lon,
            lat=lat,
        )


def find_slivers(features: Numbered) -> Iterator[Finding]:
    """Polygons that are hardly there: less than half a square metre, or a thread."""
    areas = approximate_areas_m2(features.geometry)
    perimeter = shapely.length(features.geometry)
    with np.errstate(divide="ignore", invalid="ignore"):
        roundness = 4 * np.pi * shapely.area(features.geometry) / perimeter**2
    thin = (areas < _SLIVER_M2) | ((roundness < _THIN) & (areas < 50))
    for at in np.flatnonzero(thin)[:_MOST_FINDINGS]:
        lon, lat = features.place(int(at))
        yield _warn(
            "geometry.sliver",
            f"Vùng quá nhỏ hoặc quá mảnh ({areas[at]:.2f} m²), thường là vết cắt thừa.",
            f"The polygon is tiny or a thread ({areas[at]:.2f} m2), usually left over from cutting.",
            "Hãy gộp vào thửa bên cạnh nếu không phải đối tượng thật.",
            "Merge it into its neighbour unless it is real.",
            row=int(features.rows[at]),
            lon=lon,
            lat=lat,
        )


def find_overlaps(features: Numbered) -> Iterator[Finding]:
    """Polygons that share area, and cracks between polygons that should touch.

    The check of a coverage is linear and names the polygons whose edges do not match; only those are intersected.
    """
    suspects = _suspects(features.geometry)
    pairs = _pairs(features.geometry, suspects)
    common = shapely.intersection(features.geometry[pairs[0]], features.geometry[pairs[1]])
    areas = approximate_areas_m2(common)
    found = np.flatnonzero(areas > _OVERLAP_M2)
    for number in found[np.argsort(-areas[found], kind="stable")][:_MOST_FINDINGS]:
        a, b = int(pairs[0][number]), int(pairs[1][number])
        point = shapely.point_on_surface(common[number])
        yield _warn(
            "geometry.overlap",
            f"Chồng lên dòng {int(features.rows[a])}: {areas[number]:.1f} m².",
            f"Overlaps row {int(features.rows[a])} by {areas[number]:.1f} m2.",
            "Hãy chỉnh ranh giới chung của hai thửa.",
            "Mend the boundary that they share.",
            row=int(features.rows[b]),
            lon=float(point.x),
            lat=float(point.y),
        )
    if len(found) > _MOST_FINDINGS:
        yield _more("geometry.overlap", len(found) - _MOST_FINDINGS)
    yield from _gaps(features, suspects, {int(at) for number in found for at in pairs[:, number]})


def _suspects(geometry: Geometries) -> NDArray[np.intp]:
    """Positions of polygons whose edges do not match those of their neighbours; tiles of a large file by turns."""
    order = np.argsort(shapely.bounds(geometry)[:, 0], kind="stable")
    found: set[int] = set()
    step = _MOST_COVERAGE
    for start in range(0, len(order), step):
        chunk = order[max(0, start - step // 50) : start + step]
        edges = shapely.coverage_invalid_edges(geometry[chunk], gap_width=_GAP_DEG)
        found.update(int(at) for at in chunk[~shapely.is_empty(edges)])
    return np.array(sorted(found), dtype=np.intp)


def _pairs(geometry: Geometries, suspects: NDArray[np.intp]) -> NDArray[np.intp]:
    if not len(suspects):
        return np.empty((2, 0), dtype=np.intp)
    tree = shapely.STRtree(geometry[suspects])
    a, b = tree.query(geometry[suspects])
    kept = a < b
    pairs: NDArray[np.intp] = np.vstack([suspects[a[kept]], suspects[b[kept]]])[:, :_MOST_PAIRS]
    return pairs


def _gaps(features: Numbered, suspects: NDArray[np.intp], overlapping: set[int]) -> Iterator[Finding]:
    left = [int(at) for at in suspects if int(at) not in overlapping]
    if not left:
        return
    lon, lat = features.place(left[0])
    listing = ", ".join(str(int(features.rows[at])) for at in left[:10])
    yield Finding(
        Severity.WARNING,
        "geometry.gap",
        f"{len(left)} vùng có khe hở hẹp hoặc ranh giới không khớp với vùng bên cạnh (dòng {listing}…).",
        f"{len(left)} polygons have narrow cracks or edges that do not match their neighbours (rows {listing}...).",
        "Hãy bắt dính (snap) ranh giới chung trong phần mềm bản đồ.",
        "Snap shared boundaries in mapping software.",
        field=GEOMETRY,
        lon=lon,
        lat=lat,
        count=len(left),
    )


def find_neighbour_overlaps(features: Numbered, nearby: list[BaseGeometry]) -> Iterator[Finding]:
    """Polygons that share area with features of other units already published."""
    others = np.array([item for item in nearby if item.geom_type in ("Polygon", "MultiPolygon")], dtype=object)
    if not len(others) or not len(features.geometry):
        return
    tree = shapely.STRtree(others)
    a, b = tree.query(features.geometry, predicate="intersects")
    a, b = a[:_MOST_PAIRS], b[:_MOST_PAIRS]
    common = shapely.intersection(features.geometry[a], others[b])
    areas = pd.Series(approximate_areas_m2(common)).groupby(a).sum()
    areas = areas[areas > _OVERLAP_M2].sort_values(ascending=False)
    for at, area in areas.head(_MOST_FINDINGS).items():
        lon, lat = features.place(int(str(at)))
        yield _warn(
            "geometry.neighbour-overlap",
            f"Chồng lên dữ liệu đã có của xã bên cạnh: {area:.1f} m².",
            f"Overlaps data of a neighbouring commune by {area:.1f} m2.",
            "Hãy thống nhất ranh giới với xã bên cạnh.",
            "Agree on the boundary with the neighbouring commune.",
            row=int(features.rows[int(str(at))]),
            lon=lon,
            lat=lat,
        )


@dataclass(frozen=True, slots=True)
class Territory:
    """The unit that a file is of: its polygon in EPSG:4326, its name, and its neighbours by code."""

    polygon: BaseGeometry
    name: str
    neighbours: Mapping[str, BaseGeometry]


def find_outside(features: Numbered, territory: Territory) -> tuple[list[Finding], NDArray[np.intp]]:
    """Features beyond the boundary: findings, and positions of those that lie outside altogether and are refused.

    Boundaries are simplified, so that a margin of some 300 m is not held against a feature.
    """
    wide = territory.polygon.buffer(MARGIN_DEG)
    shapely.prepare(wide)
    inside = shapely.covers(wide, features.geometry)
    touching = ~inside & shapely.intersects(wide, features.geometry)
    outside = np.flatnonzero(~inside & ~touching)
    findings = [_outside(features, int(at), territory) for at in outside]
    findings += [_across(features, int(at), territory) for at in np.flatnonzero(touching)[:_MOST_FINDINGS]]
    return findings, outside


def _outside(features: Numbered, at: int, territory: Territory) -> Finding:
    lon, lat = features.place(at)
    here = shapely.Point(lon, lat)
    holder = next((code for code, polygon in territory.neighbours.items() if polygon.contains(here)), None)
    vi, en = (f" (nằm ở xã mã {holder})", f" (in commune {holder})") if holder else ("", "")
    return Finding(
        Severity.ERROR,
        "geometry.outside-unit",
        f"Nằm ngoài địa giới {territory.name}{vi}.",
        f"Lies outside {territory.name}{en}.",
        "Hãy bỏ dòng này hoặc gửi cho xã quản lý nó; nếu cả tệp lệch, hãy xem lại hệ tọa độ.",
        "Leave the row out or send it to its commune; if the whole file is off, check its coordinate system.",
        row=int(features.rows[at]),
        field=GEOMETRY,
        lon=lon,
        lat=lat,
    )


def _across(features: Numbered, at: int, territory: Territory) -> Finding:
    lon, lat = features.place(at)
    return _warn(
        "geometry.across-boundary",
        f"Vượt ra ngoài địa giới {territory.name} quá 300 m.",
        f"Reaches more than 300 m beyond {territory.name}.",
        "Hãy kiểm tra ranh giới; nếu đúng là đối tượng liên xã thì giữ nguyên.",
        "Check the boundary; keep it if the feature does lie in several communes.",
        row=int(features.rows[at]),
        lon=lon,
        lat=lat,
    )


def _warn(code: str, vi: str, en: str, *remedy: str, row: int, lon: float, lat: float) -> Finding:
    shown = np.isfinite(lon) and np.isfinite(lat)
    place = (lon, lat) if shown else (None, None)
    remedy_vi, remedy_en = remedy
    return Finding(
        Severity.WARNING, code, vi, en, remedy_vi, remedy_en, row=row, field=GEOMETRY, lon=place[0], lat=place[1]
    )


def _more(code: str, count: int) -> Finding:
    return Finding(
        Severity.WARNING,
        code,
        f"… và {count} trường hợp nữa cùng loại.",
        f"... and {count} more of the kind.",
        field=GEOMETRY,
        count=count,
    )
