"""A warped lattice of quadrilateral blocks whose shared edges exist once, in degrees of EPSG:4326."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from layers.synthetic.partition import BoolArray, IntArray, trace_ring

FloatArray = npt.NDArray[np.float64]

DECIMALS = 8
METRES_PER_DEGREE = 110_600.0


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a lattice lies: centre (degrees), size of a block (metres), turn (radians, counter-clockwise)."""

    longitude: float
    latitude: float
    block_m: float
    turn: float = 0.0

    def place(self, x: FloatArray, y: FloatArray) -> FloatArray:
        """Return lon, lat of points given in blocks from the centre."""
        cosine, sine = np.cos(self.turn), np.sin(self.turn)
        east, north = self.block_m * (x * cosine - y * sine), self.block_m * (x * sine + y * cosine)
        # 111,320 m is one degree of longitude at the equator.
        longitude = self.longitude + east / (111_320.0 * np.cos(np.radians(self.latitude)))
        return np.stack([longitude, self.latitude + north / METRES_PER_DEGREE], axis=-1)


@dataclass(frozen=True, slots=True)
class Town:
    """A point (in blocks from the south-west node) towards which the lattice is drawn together."""

    x: float
    y: float
    pull: float
    reach: float


@dataclass(frozen=True, slots=True)
class Lattice:
    """Blocks numbered row by row from the south-west, with the polylines of their edges.

    `horizontal[row, column]` runs west to east, `vertical[row, column]` south to north; each has `cuts` + 1
    vertices rounded to 1e-8 degrees. Every polygon made here takes whole edges, so neighbours share vertices.
    """

    frame: Frame
    mask: BoolArray
    cuts: int
    horizontal: FloatArray
    vertical: FloatArray

    @property
    def width(self) -> int:
        """Number of blocks in a row."""
        return int(self.mask.shape[1])

    @property
    def blocks(self) -> IntArray:
        """Numbers of the blocks inside the outline, ascending."""
        return np.flatnonzero(self.mask)

    def node(self, number: int) -> FloatArray:
        """Return lon, lat of a node, numbered row by row in a lattice of `width` + 1 nodes a row."""
        row, column = divmod(number, self.width + 1)
        last = column == self.width
        found: FloatArray = self.horizontal[row, column - last, -1 if last else 0]
        return found

    def edge(self, start: int, end: int) -> FloatArray:
        """Return the polyline between two neighbouring nodes, in that direction."""
        row, column = divmod(min(start, end), self.width + 1)
        line: FloatArray
        line = self.horizontal[row, column] if abs(end - start) == 1 else self.vertical[row, column]
        return line if start < end else line[::-1]

    def ring(self, blocks: IntArray) -> FloatArray:
        """Return the closed counter-clockwise ring around simply connected `blocks`."""
        nodes = trace_ring(blocks, self.width)
        if nodes is None:
            raise ValueError("the blocks are not one simply connected area")
        edges = [self.edge(a, b)[:-1] for a, b in zip(nodes, nodes[1:] + nodes[:1], strict=True)]
        return np.concatenate([*edges, edges[0][:1]])

    def path(self, nodes: list[int], step: int = 1) -> FloatArray:
        """Return the polyline along neighbouring `nodes`, keeping every `step`-th vertex and all nodes."""
        edges = [self.edge(a, b)[:-1:step] for a, b in pairwise(nodes)]
        return np.concatenate([*edges, self.node(nodes[-1])[None]])

    def centre(self, block: int) -> FloatArray:
        """Return lon, lat of a point well inside a block."""
        row, column = divmod(block, self.width)
        sides = (self.horizontal[row, column], self.horizontal[row + 1, column])
        mean: FloatArray = np.mean([side[[0, -1]] for side in sides], axis=(0, 1))
        return mean

    def grid(self, block: int) -> FloatArray:
        """Return the (`cuts` + 1)² vertices of a block, [row, column, lon/lat], not rounded inside.

        Transfinite interpolation (Coons patch) of the four edges, which are returned exactly.
        """
        row, column = divmod(block, self.width)
        south, north = self.horizontal[row, column], self.horizontal[row + 1, column]
        west, east = self.vertical[row, column], self.vertical[row, column + 1]
        share = np.linspace(0.0, 1.0, self.cuts + 1)
        u, v = share[None, :, None], share[:, None, None]
        patch: FloatArray = (1 - v) * south + v * north + (1 - u) * west[:, None] + u * east[:, None]
        patch -= (1 - v) * ((1 - u) * south[0] + u * south[-1]) + v * ((1 - u) * north[0] + u * north[-1])
        patch[0], patch[-1], patch[:, 0], patch[:, -1] = south, north, west, east
        return patch


def _polylines(starts: FloatArray, ends: FloatArray, cuts: int, rng: np.random.Generator) -> FloatArray:
    """Return wavy polylines of `cuts` + 1 vertices between two arrays of points."""
    shape = starts.shape[:-1]
    share = np.linspace(0.0, 1.0, cuts + 1)
    along = np.broadcast_to(share, (*shape, cuts + 1)).copy()
    along[..., 1:-1] += rng.uniform(-0.25, 0.25, (*shape, cuts - 1)) / cuts
    aside = 0.015 * rng.uniform(-1, 1, (*shape, 1)) * np.sin(np.pi * share)
    aside = aside + 0.008 * rng.uniform(-1, 1, (*shape, 1)) * np.sin(2 * np.pi * share)
    vector = (ends - starts)[..., None, :]
    normal = np.stack([-vector[..., 1], vector[..., 0]], axis=-1)
    lines = starts[..., None, :] + along[..., None] * vector + aside[..., None] * normal
    lines[..., 0, :], lines[..., -1, :] = starts, ends
    rounded: FloatArray = np.round(lines, DECIMALS)
    return rounded


def _drawn_together(x: FloatArray, y: FloatArray, towns: list[Town]) -> tuple[FloatArray, FloatArray]:
    """Move points towards the towns; one to one as long as each pull is below 1 and towns lie apart."""
    dx, dy = np.zeros_like(x), np.zeros_like(y)
    for town in towns:
        east, north = x - town.x, y - town.y
        weight = town.pull * np.exp(-(east**2 + north**2) / (2 * town.reach**2))
        dx, dy = dx - weight * east, dy - weight * north
    return x + dx, y + dy


def build_lattice(mask: BoolArray, frame: Frame, cuts: int, *, towns: list[Town], seed: int) -> Lattice:
    """Return the lattice of `mask`; nodes depend on `seed`, mask and towns only, never on `cuts`."""
    rows, columns = mask.shape
    rng = np.random.default_rng([seed, 1])
    y, x = np.meshgrid(np.arange(rows + 1.0), np.arange(columns + 1.0), indexing="ij")
    # Up to 0.17 of a block either way every block stays convex.
    x, y = x + rng.uniform(-0.17, 0.17, x.shape), y + rng.uniform(-0.17, 0.17, y.shape)
    x, y = x + 0.9 * np.sin(y / 7.0), y + 0.9 * np.sin(x / 8.0)
    x, y = _drawn_together(x, y, towns)
    nodes = np.round(frame.place(x - columns / 2, y - rows / 2), DECIMALS)
    return Lattice(
        frame=frame,
        mask=mask,
        cuts=cuts,
        horizontal=_polylines(nodes[:, :-1], nodes[:, 1:], cuts, np.random.default_rng([seed, 2])),
        vertical=_polylines(nodes[:-1], nodes[1:], cuts, np.random.default_rng([seed, 3])),
    )
