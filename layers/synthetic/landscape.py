"""What the blocks of a lattice are used for, and how many parcels each of them holds."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

import numpy as np
from numpy.random import Generator

from layers.synthetic.lattice import FloatArray
from layers.synthetic.partition import IntArray


class Ground(IntEnum):
    """Prevailing use of a block."""

    TOWN = 0
    VILLAGE = 1
    RICE = 2
    ORCHARD = 3
    FOREST = 4
    INDUSTRY = 5


# Parcels in a block of each ground, relative to rice fields.
_DENSITY: Final = np.array([4.5, 2.2, 1.0, 0.7, 0.2, 0.3])

SLIMNESS: Final = {
    Ground.TOWN: 0.3,
    Ground.VILLAGE: 0.45,
    Ground.RICE: 0.4,
    Ground.ORCHARD: 0.7,
    Ground.FOREST: 1.0,
    Ground.INDUSTRY: 0.9,
}

# Land-use signs of Circular 08/2024/TT-BTNMT with shares; a plus sign joins the purposes of one parcel.
LAND_USES: Final[dict[Ground, dict[str, float]]] = {
    Ground.TOWN: {"ODT": 0.66, "ODT+CLN": 0.12, "TMD": 0.08, "SKC": 0.03, "CLN": 0.05, "DGD": 0.02, "TSC": 0.04},
    Ground.VILLAGE: {"ONT": 0.36, "ONT+CLN": 0.3, "CLN": 0.18, "HNK": 0.1, "NTS": 0.03, "TMD": 0.03},
    Ground.RICE: {"LUC": 0.74, "LUK": 0.12, "HNK": 0.08, "NTS": 0.04, "DTL": 0.02},
    Ground.ORCHARD: {"CLN": 0.76, "HNK": 0.14, "NTS": 0.05, "ONT+CLN": 0.05},
    Ground.FOREST: {"RSX": 0.7, "RPH": 0.22, "RDD": 0.04, "CLN": 0.04},
    Ground.INDUSTRY: {"SKK": 0.55, "SKC": 0.25, "TMD": 0.12, "DGT": 0.08},
}


def _distance(shape: tuple[int, int], block: int) -> FloatArray:
    row, column = divmod(block, shape[1])
    rows, columns = np.indices(shape)
    found: FloatArray = np.hypot(rows - row, columns - column)
    return found


def grounds(
    shape: tuple[int, int], *, wards: list[int], seats: list[int], villages: list[int], rng: Generator
) -> IntArray:
    """Return the ground of every block of a lattice: towns around the seats, forest where land is high.

    `wards` are the seats of wards, `seats` those of other communes, `villages` the middles of hamlets.
    """
    rows, columns = np.indices(shape)
    phase = rng.uniform(0, 2 * np.pi, 4)
    height = np.sin(rows / 6.0 + phase[0]) + np.sin(columns / 7.0 + phase[1])
    height = height + 0.7 * np.sin((rows + columns) / 5.0 + phase[2]) + rng.normal(0, 0.35, shape)
    found = np.full(shape, int(Ground.RICE), dtype=np.int64)
    found[height > 0.35] = Ground.ORCHARD
    found[height > 1.15] = Ground.FOREST
    for block in rng.choice(seats, min(3, len(seats)), replace=False) if seats else ():
        row, column = divmod(int(block), shape[1])
        found[max(row - 4, 0) : row - 1, max(column - 2, 0) : column + 2] = Ground.INDUSTRY
    for block in villages:
        found[_distance(shape, block) < 1.2] = Ground.VILLAGE
    for block in seats:
        found[_distance(shape, block) < 1.1] = Ground.TOWN
    for block in wards:
        found[_distance(shape, block) < 2.9] = Ground.TOWN
    return found.ravel()


def quotas(ground: IntArray, total: int, rng: Generator) -> IntArray:
    """Return parcels per block: at least one each, `total` together (or as many as there are blocks)."""
    weights = _DENSITY[ground] * rng.uniform(0.75, 1.3, len(ground))
    spare = max(total - len(ground), 0)
    exact = weights * (spare / weights.sum())
    whole = np.floor(exact).astype(np.int64)
    largest = np.argsort(whole - exact, kind="stable")[: spare - int(whole.sum())]
    whole[largest] += 1
    found: IntArray = whole + 1
    return found


def cuts_for(quota: IntArray) -> int:
    """Return into how many pieces to divide every block edge so that the fullest block can be cut well."""
    return max(2, int(np.ceil((float(quota.max()) / 0.28) ** 0.5)))
