"""Cutting one lattice block into an exact number of parcels that share their vertices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from numpy.random import Generator

from layers.synthetic.lattice import DECIMALS, FloatArray
from layers.synthetic.partition import BoolArray, IntArray

GeometryArray = npt.NDArray[np.object_]

# WGS 84 (EPSG:7030): semi-major axis in metres and square of the first eccentricity.
_AXIS_M = 6_378_137.0
_ECCENTRICITY = 0.006694379990141317


@dataclass(frozen=True, slots=True)
class Rings:
    """Closed rings laid end to end: vertices (lon, lat) and the number of vertices of each ring."""

    vertices: FloatArray
    lengths: IntArray

    @staticmethod
    def joined(parts: list[Rings]) -> Rings:
        """Return the rings of all `parts` in order."""
        return Rings(
            np.concatenate([part.vertices for part in parts]),
            np.concatenate([part.lengths for part in parts]),
        )

    def multipolygons(self) -> GeometryArray:
        """Return one MultiPolygon per ring."""
        ends = np.concatenate([[0], np.cumsum(self.lengths)])
        each = np.arange(len(self.lengths) + 1)
        found: GeometryArray = shapely.from_ragged_array(
            shapely.GeometryType.MULTIPOLYGON, self.vertices, (ends, each, each)
        )
        return found

    def areas_m2(self) -> FloatArray:
        """Return areas on the ellipsoid by the scales at each ring's mean latitude.

        Within 1e-5 of the geodesic area for rings under 1 km across, at a hundredth of the cost.
        """
        starts = np.concatenate([[0], np.cumsum(self.lengths)[:-1]])
        local = self.vertices - np.repeat(self.vertices[starts], self.lengths, axis=0)
        x, y = local[:, 0], local[:, 1]
        cross = np.append(x[:-1] * y[1:] - x[1:] * y[:-1], 0.0)
        latitude = np.radians(np.add.reduceat(self.vertices[:, 1], starts) / self.lengths)
        bend = 1 - _ECCENTRICITY * np.sin(latitude) ** 2
        metres = _AXIS_M**2 * (1 - _ECCENTRICITY) * np.cos(latitude) / bend**2
        areas: FloatArray = 0.5 * np.add.reduceat(cross, starts) * metres * np.radians(1.0) ** 2
        return areas


def _breaks(cuts: int, parts: int, rows: int, rng: Generator) -> IntArray:
    """Return, for each of `rows`, `parts` - 1 different inner positions of 1..`cuts` - 1, ascending."""
    even = np.arange(1, parts) * cuts // parts
    play = (cuts // parts + 1) // 2
    found: IntArray = even + rng.integers(0, play, (rows, parts - 1))
    return found


def _strip_cuts(count: int, strips: int, cuts: int, rng: Generator) -> BoolArray:
    """Return [strip, column] where a strip is cut, so that all strips hold `count` parcels together."""
    found = np.zeros((strips, cuts + 1), dtype=np.bool_)
    found[:, 0] = found[:, -1] = True
    fewer, extra = divmod(count, strips)
    order = rng.permutation(strips)
    for chosen, parts in ((order[:extra], fewer + 1), (order[extra:], fewer)):
        if parts > 1 and len(chosen):
            found[chosen[:, None], _breaks(cuts, parts, len(chosen), rng)] = True
    return found


def _jittered(grid: FloatArray, rng: Generator) -> FloatArray:
    """Move the inner vertices a little along both directions of the grid; the edges stay."""
    inner = grid.copy()
    u, v = rng.uniform(-0.1, 0.1, (2, *grid[1:-1, 1:-1].shape[:2], 1))
    inner[1:-1, 1:-1] += u * (grid[1:-1, 2:] - grid[1:-1, :-2]) + v * (grid[2:, 1:-1] - grid[:-2, 1:-1])
    return inner


def _ranges(starts: IntArray, lengths: IntArray, steps: IntArray) -> IntArray:
    """Return start, start + step, … (length values) for each entry, laid end to end."""
    firsts = np.cumsum(lengths) - lengths
    within = np.arange(int(lengths.sum())) - np.repeat(firsts, lengths)
    found: IntArray = np.repeat(starts, lengths) + within * np.repeat(steps, lengths)
    return found


def cut_block(grid: FloatArray, count: int, *, slimness: float, rng: Generator) -> Rings:
    """Cut a block into exactly `count` parcels: strips of unequal depth, each cut across.

    `slimness` is the wished width of a parcel over its depth. Lines between strips keep only the vertices
    that a parcel on either side needs; the edges of the block keep all, because the neighbours' cuts and
    the boundaries of units use them.

    Raises:
        ValueError: more parcels than the block has cells.
    """
    cuts = len(grid) - 1
    if count > cuts * cuts:
        raise ValueError(f"a block of {cuts * cuts} cells cannot hold {count} parcels")
    turned = bool(rng.integers(2))
    grid = _jittered(grid.transpose(1, 0, 2) if turned else grid, rng)
    strips = int(np.clip(round((slimness * count) ** 0.5), -(-count // cuts), min(cuts, count)))
    lines = np.concatenate([[0], _breaks(cuts, strips, 1, rng)[0], [cuts]])
    cut = _strip_cuts(count, strips, cuts, rng)
    kept = np.ones((strips + 1, cuts + 1), dtype=np.bool_)
    kept[1:-1] = cut[:-1] | cut[1:]
    rings = _rings(grid, lines, cut, kept)
    return Rings(rings.vertices[::-1], rings.lengths[::-1]) if turned else rings


def _rings(grid: FloatArray, lines: IntArray, cut: BoolArray, kept: BoolArray) -> Rings:
    """Return the ring of every parcel: along its lower line, up, back along its upper line, down."""
    cuts = len(grid) - 1
    vertices = np.round(np.concatenate([grid[lines][kept], grid[:, -1], grid[:, 0]]), DECIMALS)
    position = np.cumsum(kept.ravel()).reshape(kept.shape) - 1
    right, left = int(kept.sum()), int(kept.sum()) + cuts + 1
    strip, column = np.nonzero(cut)
    begins = column < cuts
    end = column[np.flatnonzero(begins) + 1]
    strip, start = strip[begins], column[begins]
    low, high = lines[strip], lines[strip + 1]
    first, last = position[strip, start], position[strip, end]
    above_first, above_last = position[strip + 1, start], position[strip + 1, end]
    rise = high - low - 1
    starts = np.stack([first, right + low + 1, above_last, left + high - 1, first], axis=1)
    lengths = np.stack(
        [
            last - first + 1,
            np.where(end == cuts, rise, 0),
            above_last - above_first + 1,
            np.where(start == 0, rise, 0),
            np.ones_like(first),
        ],
        axis=1,
    )
    steps = np.broadcast_to(np.array([1, 1, -1, -1, 1]), starts.shape)
    order = _ranges(starts.ravel(), lengths.ravel(), steps.ravel())
    return Rings(vertices[order], lengths.sum(axis=1))
