"""Recursive bisection of a set of lattice blocks into simply connected parts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

_TRIES = 400


class PartitionFailed(ValueError):
    """A set of blocks cannot be cut into simply connected parts of the shares asked for."""

    def __init__(self, blocks: int) -> None:
        super().__init__(f"no cut of {blocks} blocks leaves two simply connected parts; use another seed")
        self.blocks = blocks


def _boundary_edges(blocks: IntArray, width: int) -> tuple[IntArray, IntArray]:
    """Return starts and ends of the directed edges (blocks on the left) that bound `blocks`."""
    row, column = np.divmod(blocks, width)
    south_west = row * (width + 1) + column
    south_east, north_west = south_west + 1, south_west + width + 1
    north_east = north_west + 1
    starts = np.concatenate([south_west, south_east, north_east, north_west])
    ends = np.concatenate([south_east, north_east, north_west, south_west])
    factor = int(ends.max()) + 1
    outer = ~np.isin(starts * factor + ends, ends * factor + starts)
    return starts[outer], ends[outer]


def trace_ring(blocks: IntArray, width: int) -> list[int] | None:
    """Return the lattice nodes around `blocks`, counter-clockwise and open, or None.

    None means that the blocks are not one simply connected area: they fall apart, enclose a hole, or touch
    themselves in a node. Nodes are numbered row by row in a lattice of `width` + 1 nodes a row.
    """
    starts, ends = _boundary_edges(blocks, width)
    following = dict(zip(starts.tolist(), ends.tolist(), strict=True))
    if len(following) != len(starts):
        return None
    first = min(following)
    ring = [first]
    while (node := following[ring[-1]]) != first:
        ring.append(node)
    return ring if len(ring) == len(following) else None


def _bisect(blocks: IntArray, share: float, width: int, rng: np.random.Generator) -> tuple[IntArray, IntArray]:
    """Cut `blocks` by a slightly curved line so that the first part holds `share` of them."""
    row, column = np.divmod(blocks, width)
    y, x = row - row.mean(), column - column.mean()
    axis = 0.5 * np.arctan2(2 * (x * y).mean(), (x * x).mean() - (y * y).mean())
    size = min(max(round(len(blocks) * share), 1), len(blocks) - 1)
    for attempt in range(_TRIES):
        spread = 0.15 + 3.0 * attempt / _TRIES
        angle = axis + rng.normal(0.0, spread) + np.pi * rng.integers(2)
        across = -x * np.sin(angle) + y * np.cos(angle)
        bend = rng.normal(0.0, 0.15) / max(float(np.abs(across).max()), 1.0)
        order = np.argsort(x * np.cos(angle) + y * np.sin(angle) + bend * across * across, kind="stable")
        first, second = np.sort(blocks[order[:size]]), np.sort(blocks[order[size:]])
        if trace_ring(first, width) is not None and trace_ring(second, width) is not None:
            return first, second
    raise PartitionFailed(len(blocks))


def split(blocks: IntArray, shares: Sequence[float], width: int, rng: np.random.Generator) -> list[IntArray]:
    """Cut `blocks` into one simply connected part per share, in the order of the shares.

    Raises:
        PartitionFailed: no cut was found; a region of too few blocks for its parts.
    """
    if len(shares) == 1:
        return [blocks]
    half = len(shares) // 2
    first, second = _bisect(blocks, sum(shares[:half]) / sum(shares), width, rng)
    return split(first, shares[:half], width, rng) + split(second, shares[half:], width, rng)


def _component(mask: BoolArray) -> BoolArray:
    """Return the largest edge-connected component of `mask`."""
    labels = np.where(mask, np.arange(1, mask.size + 1).reshape(mask.shape), 0)
    while True:
        padded = np.pad(labels, 1)
        neighbours = np.stack([labels, padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]])
        grown = np.where(mask, neighbours.max(axis=0), 0)
        if np.array_equal(grown, labels):
            break
        labels = grown
    names, counts = np.unique(labels[labels > 0], return_counts=True)
    largest: BoolArray = labels == names[counts.argmax()]
    return largest


def _without_pinches(mask: BoolArray) -> BoolArray:
    """Remove blocks until no two of them touch in a node only."""
    kept = mask.copy()
    while True:
        a, b, c, d = kept[:-1, :-1], kept[:-1, 1:], kept[1:, :-1], kept[1:, 1:]
        down = np.argwhere(a & d & ~b & ~c)
        up = np.argwhere(b & c & ~a & ~d)
        if not len(down) and not len(up):
            return kept
        for row, column in down:
            kept[row, column] = False
        for row, column in up:
            kept[row, column + 1] = False


def solid(mask: BoolArray) -> BoolArray:
    """Return the largest part of `mask` that is simply connected: holes filled, pinches opened."""
    kept = _component(mask)
    outside = _component(np.pad(~kept, 1, constant_values=True))[1:-1, 1:-1]
    return _component(_without_pinches(~outside))
