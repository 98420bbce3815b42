"""Geometries on their way into a report: measured, and heavy ones simplified to what its map can show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import shapely
from shapely.geometry import mapping, shape

from web.report_maps.report import Extent, Geometry

# More corners than this make a file that an old laptop draws slowly.
MAX_CORNERS: Final = 250_000
_SEEN_STEPS: Final = 3_000


@dataclass(frozen=True, slots=True)
class Light:
    """Geometries ready to be drawn.

    Attributes:
        geometries: In the order given; None where there is none.
        extent: What they cover; None where there are none at all.
        is_simplified: Whether corners were left out.
    """

    geometries: tuple[Geometry | None, ...]
    extent: Extent | None
    is_simplified: bool


def lighten(geometries: Sequence[Geometry | None]) -> Light:
    """Measures GeoJSON geometries (CRS84) and simplifies them all where together they are heavy."""
    shapes = [shape(dict(geometry)) if geometry else None for geometry in geometries]
    drawn = [item for item in shapes if item is not None and not item.is_empty]
    if not drawn:
        return Light((None,) * len(geometries), None, is_simplified=False)
    west, south, east, north = (float(value) for value in shapely.total_bounds(drawn))
    extent = (west, south, east, north)
    if int(shapely.get_num_coordinates(drawn).sum()) <= MAX_CORNERS:
        return Light(tuple(geometries), extent, is_simplified=False)
    step = max(east - west, north - south) / _SEEN_STEPS
    # Each by itself: a simplified shape keeps its kind and is never empty.
    light = tuple(
        None if item is None else mapping(shapely.simplify(item, step, preserve_topology=True)) for item in shapes
    )
    return Light(light, extent, is_simplified=True)
