"""What speaks for one reading of coordinates: Viet Nam, the unit's territory, the current revision, the neighbours.

The territory finds the zone and the order of axes, never the datum: all communes of the country still hold their
centre 224 m away. Only the layer's earlier state, or a neighbour's, tells that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from layers.geometry_checks import EAST, NORTH, SOUTH, WEST
from layers.intake.samples import Floats, Sample
from spatial.geodesy import inverse_many
from spatial.readings import Reading

MARGIN_DEG: Final = 0.003
"""Boundaries are simplified: about 300 m outside still counts as inside."""

_PAIRS: Final = 300
_SAME_VERTEX_DEG: Final = 1.5e-5


@dataclass(frozen=True, slots=True)
class Known:
    """What the file is held against.

    Attributes:
        territory: The unit, widened by the margin and prepared; None where it is unknown.
        pairs: Features of the file (positions in the geometry) and of the current revision with one key.
        vertices: Vertices of the current revision and of neighbours around, as a tree; None where there are none.
    """

    territory: BaseGeometry | None
    pair_rows: NDArray[np.intp]
    pair_geometry: NDArray[np.object_]
    vertices: shapely.STRtree | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """Figures of one reading; see :class:`layers.intake.model.CRSCandidate`."""

    reading: Reading
    lonlat: Floats
    vietnam_share: float
    inside_share: float | None
    iou: float | None
    offset_m: float | None
    bearing_deg: float | None
    vertex_share: float | None

    @property
    def is_plausible(self) -> bool:
        """Whether most of the file lies in Viet Nam and, where that is known, in its unit."""
        return self.vietnam_share >= 0.5 and (self.inside_share is None or self.inside_share >= 0.5)

    @property
    def score(self) -> float:
        """Higher is better."""
        inside = 4 * self.inside_share if self.inside_share is not None else 0.0
        near = 0.0 if self.offset_m is None else 3 / (1 + self.offset_m / 20)
        simple = 0.02 * (not self.reading.is_on_wgs84) + 0.01 * (not self.reading.is_swapped)
        return self.vietnam_share + inside + near + 2 * (self.vertex_share or 0.0) + simple


def know(
    territory: BaseGeometry | None,
    current: pd.DataFrame | None,
    keys: pd.Series | None,
    nearby: list[BaseGeometry],
) -> Known:
    """Prepares what is known; ``keys`` are the business keys of the file's rows as one text, by position."""
    wide = None
    if territory is not None:
        wide = territory.buffer(MARGIN_DEG)
        shapely.prepare(wide)
    rows, geometry = _pair(current, keys)
    around = list(current["geometry"].dropna()) if current is not None and len(current) else []
    around = (around + nearby)[:20_000]
    vertices = shapely.get_coordinates(np.array(around, dtype=object)) if around else np.empty((0, 2))
    tree = shapely.STRtree(np.asarray(shapely.points(vertices))) if len(vertices) else None
    return Known(wide, rows, geometry, tree)


def _pair(current: pd.DataFrame | None, keys: pd.Series | None) -> tuple[NDArray[np.intp], NDArray[np.object_]]:
    if current is None or keys is None or not len(current):
        return np.empty(0, dtype=np.intp), np.empty(0, dtype=object)
    old = pd.Series(np.asarray(current["geometry"], dtype=object), index=pd.Index(current["key"], dtype=object))
    old = old[~old.index.duplicated(keep=False)]
    numbered = pd.Series(np.arange(len(keys)), index=pd.Index(keys, dtype=object))
    numbered = numbered[~numbered.index.duplicated(keep=False) & numbered.index.notna()]
    both = numbered.index.intersection(old.index)[:_PAIRS]
    return numbered[both].to_numpy(dtype=np.intp), old[both].to_numpy(dtype=object)


def weigh(reading: Reading, sample: Sample, geometry: NDArray[np.object_], known: Known) -> Evidence:
    """Returns the figures of one reading."""
    lonlat = reading.to_lonlat(sample.points)
    inside_box = _in_vietnam(lonlat)
    vietnam = float(inside_box.mean()) if len(lonlat) else 0.0
    inside = iou = offset = bearing = vertex = None
    if known.territory is not None and len(lonlat):
        inside = float(shapely.contains_xy(known.territory, lonlat[:, 0], lonlat[:, 1]).mean()) if vietnam else 0.0
    if vietnam >= 0.5 and (inside is None or inside > 0):
        iou, offset, bearing = _against_pairs(reading, geometry, known)
        vertex = _vertex_share(reading, sample, geometry, known)
    return Evidence(reading, lonlat, vietnam, inside, iou, offset, bearing, vertex)


def _in_vietnam(lonlat: Floats) -> NDArray[np.bool_]:
    with np.errstate(invalid="ignore"):
        x, y = lonlat[:, 0], lonlat[:, 1]
        return (x >= WEST) & (x <= EAST) & (y >= SOUTH) & (y <= NORTH)


def _against_pairs(
    reading: Reading, geometry: NDArray[np.object_], known: Known
) -> tuple[float | None, float | None, float | None]:
    if not len(known.pair_rows):
        return None, None, None
    moved = shapely.transform(shapely.force_2d(geometry[known.pair_rows]), reading.to_lonlat)
    here, there = shapely.centroid(moved), shapely.centroid(known.pair_geometry)
    usable = ~(shapely.is_missing(here) | shapely.is_empty(here) | shapely.is_empty(there))
    if not usable.any():
        return None, None, None
    azimuth, distance = inverse_many(shapely.get_coordinates(there[usable]), shapely.get_coordinates(here[usable]))
    radians = np.radians(azimuth)
    east, north = np.median(np.sin(radians) * distance), np.median(np.cos(radians) * distance)
    bearing = float(np.degrees(np.arctan2(east, north)) % 360)
    return _iou(moved, known.pair_geometry), float(np.median(distance)), bearing


def _iou(moved: NDArray[np.object_], old: NDArray[np.object_]) -> float | None:
    areal = (shapely.get_dimensions(moved) == 2) & (shapely.get_dimensions(old) == 2)
    areal &= shapely.is_valid(moved) & shapely.is_valid(old)
    if not areal.any():
        return None
    common = shapely.area(shapely.intersection(moved[areal], old[areal]))
    union = shapely.area(moved[areal]) + shapely.area(old[areal]) - common
    return float(np.median(common / np.where(union > 0, union, 1)))


def _vertex_share(reading: Reading, sample: Sample, geometry: NDArray[np.object_], known: Known) -> float | None:
    """Share of features whose first vertex is a vertex of the layer already known, within about 1.5 m."""
    if known.vertices is None:
        return None
    rows = sample.rows[:400]
    points, owner = shapely.get_coordinates(geometry[rows], return_index=True)
    _, first = np.unique(owner, return_index=True)
    found = np.asarray(shapely.points(reading.to_lonlat(points[first])))
    hits = known.vertices.query(found, predicate="dwithin", distance=_SAME_VERTEX_DEG)
    return float(len(np.unique(hits[0])) / len(found)) if len(found) else None
