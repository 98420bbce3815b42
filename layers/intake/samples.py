"""Points that stand for the features of a file while one asks where it lies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SAMPLE: Final = 2_000
_FINITE: Final = 1e15


@dataclass(frozen=True, slots=True)
class Sample:
    """Centres of at most :data:`SAMPLE` features, in the numbers of the file.

    Attributes:
        rows: Positions of the features.
        points: Centre of the box of each.
    """

    rows: NDArray[np.intp]
    points: Floats

    @property
    def middle(self) -> tuple[float, float]:
        """Median of both numbers, which single mistakes do not move."""
        return float(np.median(self.points[:, 0])), float(np.median(self.points[:, 1]))


def take_sample(geometry: NDArray[np.object_]) -> Sample:
    """Takes features evenly; those without finite coordinates, at (0, 0) or beyond any earth are left out."""
    present = np.flatnonzero(~(shapely.is_missing(geometry) | shapely.is_empty(geometry)))
    rows = present[:: max(1, len(present) // SAMPLE)][: SAMPLE + 1]
    with np.errstate(over="ignore", invalid="ignore"):
        bounds = shapely.bounds(geometry[rows])
        points = np.column_stack(((bounds[:, 0] + bounds[:, 2]) / 2, (bounds[:, 1] + bounds[:, 3]) / 2))
    usable = np.isfinite(points).all(axis=1) & (np.abs(points) < _FINITE).all(axis=1) & (points != 0).any(axis=1)
    return Sample(rows[usable], points[usable])
