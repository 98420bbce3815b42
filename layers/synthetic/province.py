"""The synthetic province: a made-up outline cut into admin units and land parcels, the same for one seed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import geopandas as gpd
import numpy as np

from layers.synthetic.landscape import cuts_for, grounds, quotas
from layers.synthetic.lattice import Frame, Lattice, Town, build_lattice
from layers.synthetic.parcels import CHUNK_ROWS, BlockPlan, parcel_frames
from layers.synthetic.partition import BoolArray, IntArray, solid
from layers.synthetic.units import (
    FORMER_SINCE,
    FORMER_UNTIL,
    MERGED_ON,
    Unit,
    Units,
    make_units,
    owner_of_block,
    unit_frame,
)

REFERENCE_DATE = date(2026, 11, 1)

_BLOCKS_PER_COMMUNE = 160
# The province lies across 11.04°N and 107.11°E, beyond which PROJ would choose another VN-2000 operation.
_FRAME = Frame(longitude=107.19, latitude=11.07, block_m=760.0, turn=0.28)


@dataclass(frozen=True, eq=False)
class Province:
    """A synthetic province: its lattice, its units and the plan by which its blocks are cut into parcels.

    All geometry is EPSG:4326, rounded to 1e-8 degrees; units and parcels share vertices exactly.
    """

    seed: int
    lattice: Lattice
    units: Units
    ground: IntArray
    quota: IntArray

    @property
    def parcel_count(self) -> int:
        """Number of parcels that `parcels` yields."""
        return int(self.quota.sum())

    @cached_property
    def province(self) -> gpd.GeoDataFrame:
        """The one row of the province."""
        return self._in_force((self.units.province,))

    @cached_property
    def communes(self) -> gpd.GeoDataFrame:
        """Communes and wards in force since the merger of 2025-07-01."""
        return self._in_force(self.units.communes)

    @cached_property
    def hamlets(self) -> gpd.GeoDataFrame:
        """Hamlets (thôn) and quarters (khu phố), nested in the communes."""
        return self._in_force(self.units.hamlets)

    def _in_force(self, units: tuple[Unit, ...]) -> gpd.GeoDataFrame:
        return unit_frame(self.lattice, units, valid_from=MERGED_ON, valid_to=None)

    def parcels(self, chunk_rows: int = CHUNK_ROWS) -> Iterator[gpd.GeoDataFrame]:
        """Yield all parcels in chunks; memory holds one chunk. Columns: see `parcel_frames`."""
        return parcel_frames(self.lattice, self._block_plans(), seed=self.seed, chunk_rows=chunk_rows)

    def _block_plans(self) -> list[BlockPlan]:
        size = self.lattice.mask.size
        commune = owner_of_block(self.units.communes, size)
        former = owner_of_block(self.units.former_communes, size)
        hamlet = owner_of_block(self.units.hamlets, size)
        blocks = self.lattice.blocks
        sheets = np.zeros(len(self.units.former_communes), dtype=np.int64)
        plans = []
        for block, count in zip(blocks.tolist(), self.quota.tolist(), strict=True):
            sheets[former[block]] += 1
            plans.append(
                BlockPlan(
                    block=block,
                    count=count,
                    ground=int(self.ground[block]),
                    commune_code=self.units.communes[commune[block]].code,
                    old_commune_code=self.units.former_communes[former[block]].code,
                    hamlet_code=self.units.hamlets[hamlet[block]].code,
                    sheet=int(sheets[former[block]]),
                )
            )
        return plans


def _outline(communes: int, rng: np.random.Generator) -> BoolArray:
    """Return the mask of a lobed, star-shaped outline of about 160 blocks per commune."""
    radius = (_BLOCKS_PER_COMMUNE * communes / np.pi) ** 0.5
    size = int(2.7 * radius)
    rows, columns = np.indices((size, size)) + 0.5 - size / 2
    angle = np.arctan2(rows, columns)
    phase = rng.uniform(0, 2 * np.pi, 3)
    lobes = 0.12 * np.sin(2 * angle + phase[0]) + 0.08 * np.sin(3 * angle + phase[1])
    lobes = lobes + 0.05 * np.sin(5 * angle + phase[2])
    return solid(np.hypot(rows, columns) < radius * (1 + lobes))


def make_province(seed: int = 2026, parcels: int = 300_000, communes: int = 16) -> Province:
    """Return the province of a seed; units are the same for any number of parcels.

    Boundaries of units gain vertices with the number of parcels, whose corners lie on them. There are at
    least 160 parcels per commune, whatever `parcels` says.

    Raises:
        ValueError: fewer than 12 or more than 90 communes.
    """
    if not 12 <= communes <= 90:
        raise ValueError("a synthetic province has 12 to 90 communes")
    rng = np.random.default_rng([seed, 0])
    mask = _outline(communes, rng)
    blocks, width = np.flatnonzero(mask), mask.shape[1]
    units = make_units(blocks, width, communes=communes, rng=rng)
    wards = [unit.seat for unit in units.communes if unit.unit_type == "phường"]
    seats = [unit.seat for unit in units.communes if unit.unit_type != "phường"]
    villages = [unit.seat for unit in units.hamlets]
    ground = grounds(mask.shape, wards=wards, seats=seats, villages=villages, rng=rng)
    quota = quotas(ground[blocks], parcels, rng)
    towns = [_town(seat, width, pull=0.45, reach=2.2) for seat in wards]
    towns += [_town(seat, width, pull=0.35, reach=1.3) for seat in seats]
    lattice = build_lattice(mask, _FRAME, cuts_for(quota), towns=towns, seed=seed)
    return Province(seed=seed, lattice=lattice, units=units, ground=ground, quota=quota)


def _town(block: int, width: int, *, pull: float, reach: float) -> Town:
    row, column = divmod(block, width)
    return Town(column + 0.5, row + 0.5, pull, reach)


def former_units(province: Province) -> gpd.GeoDataFrame:
    """Return former districts and former communes, which ended on 2025-06-30, with their areas.

    Columns as `unit_frame`: `level` is district or commune; the parent of a former commune is its district.
    """
    units = province.units.former_districts + province.units.former_communes
    return unit_frame(province.lattice, units, valid_from=FORMER_SINCE, valid_to=FORMER_UNTIL)


def successions(province: Province) -> list[tuple[str, str, str, str, date]]:
    """Return (old level, old code, new level, new code, effective on) across the merger of 2025-07-01.

    Former communes only: districts were abolished without a successor.
    """
    owner = owner_of_block(province.units.communes, province.lattice.mask.size)
    return [
        ("commune", old.code, "commune", province.units.communes[owner[old.seat]].code, MERGED_ON)
        for old in province.units.former_communes
    ]


def make_many_parcels(
    n: int = 5_000_000, *, seed: int = 2026, chunk_rows: int = CHUNK_ROWS
) -> Iterator[gpd.GeoDataFrame]:
    """Yield `n` parcels of the province of a seed in chunks, for measuring."""
    return make_province(seed, n).parcels(chunk_rows)
