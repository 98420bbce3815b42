"""Admin units of the synthetic province: nested sets of lattice blocks with codes issued to nobody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import geopandas as gpd
import numpy as np
import shapely
from numpy.random import Generator

from layers.synthetic import names
from layers.synthetic.lattice import Lattice
from layers.synthetic.partition import IntArray, split

MERGED_ON: Final = date(2025, 7, 1)
FORMER_UNTIL = MERGED_ON
FORMER_SINCE: Final = date(2004, 7, 8)


@dataclass(frozen=True, slots=True)
class Unit:
    """One admin unit: its codes and names, and the lattice blocks it consists of.

    `seat` is the block of its centre; `level` is province, commune, hamlet or district.
    """

    level: str
    code: str
    name: str
    unit_type: str
    parent_code: str | None
    blocks: IntArray
    seat: int

    @property
    def name_en(self) -> str:
        """Name in plain letters with the English word for the kind of unit."""
        return english_name(self.name)


@dataclass(frozen=True, slots=True)
class Units:
    """All units of the province; former communes and districts end on 2025-06-30."""

    province: Unit
    communes: tuple[Unit, ...]
    hamlets: tuple[Unit, ...]
    former_districts: tuple[Unit, ...]
    former_communes: tuple[Unit, ...]


_ENGLISH: Final = {
    "Xã": "Commune",
    "Phường": "Ward",
    "Thị trấn": "Township",
    "Huyện": "District",
    "Thị xã": "Town",
    "Thôn": "Hamlet",
    "Khu phố": "Quarter",
}


def english_name(name: str) -> str:
    """Return "Mau An Commune" for "Xã Mẫu An"."""
    for word, english in sorted(_ENGLISH.items(), key=lambda pair: -len(pair[0])):
        if name.startswith(word + " "):
            proper = names.without_marks(name[len(word) + 1 :])
            return f"{english} {proper}" if proper.isdigit() else f"{proper} {english}"
    return names.PROVINCE_NAME_EN if name == names.PROVINCE_NAME else names.without_marks(name)


def middle_block(blocks: IntArray, width: int) -> int:
    """Return the block nearest to the middle of `blocks`."""
    row, column = np.divmod(blocks, width)
    return int(blocks[np.argmin((row - row.mean()) ** 2 + (column - column.mean()) ** 2)])


def _shares(count: int, rng: Generator) -> list[float]:
    return [float(share) for share in rng.uniform(0.8, 1.25, count)]


@dataclass(frozen=True, slots=True)
class _Plan:
    """Blocks of one commune and of the former communes inside it."""

    district: int
    blocks: IntArray
    formers: list[IntArray]


def _plans(blocks: IntArray, communes: int, width: int, rng: Generator) -> list[_Plan]:
    """Cut the province into former districts, these into communes, these into 2–3 former communes."""
    districts = 4 if communes >= 14 else 3
    counts = [len(part) for part in np.array_split(np.arange(communes), districts)]
    plans: list[_Plan] = []
    areas = split(blocks, counts, width, rng)
    for number, (area, count) in enumerate(zip(areas, counts, strict=True)):
        for part in split(area, _shares(count, rng), width, rng):
            formers = 2 + len(plans) % 2
            plans.append(_Plan(number, part, split(part, _shares(formers, rng), width, rng)))
    return plans


def _hamlet_blocks(plan: _Plan, width: int, rng: Generator) -> list[IntArray]:
    """Cut every former commune of a commune into hamlets: 6 to 12 in the commune."""
    total = int(rng.integers(6, 13))
    per_former = [len(part) for part in np.array_split(np.arange(total), len(plan.formers))]
    found: list[IntArray] = []
    for former, count in zip(plan.formers, per_former, strict=True):
        found += split(former, _shares(count, rng), width, rng)
    return found


def _wards(plans: list[_Plan], width: int) -> set[int]:
    """Return a quarter of the communes, those nearest to the middle of the first district."""
    seats = [divmod(middle_block(plan.blocks, width), width) for plan in plans]
    inside = [seat for seat, plan in zip(seats, plans, strict=True) if plan.district == 0]
    row, column = np.mean(inside, axis=0)
    order = sorted(range(len(plans)), key=lambda n: (seats[n][0] - row) ** 2 + (seats[n][1] - column) ** 2)
    return set(order[: max(len(plans) // 4, 1)])


def _unit(level: str, code: str, kind: str, name: str, parent: str, blocks: IntArray, width: int) -> Unit:
    title = f"{kind[0].upper()}{kind[1:]} {name}"
    return Unit(level, code, title, kind, parent, blocks, middle_block(blocks, width))


def make_units(blocks: IntArray, width: int, *, communes: int, rng: Generator) -> Units:
    """Return the units of a province of `blocks`, nested without gaps or overlaps.

    Raises:
        PartitionFailed: the blocks are too few for so many communes.
    """
    plans = _plans(blocks, communes, width, rng)
    wards = _wards(plans, width)
    present: list[Unit] = []
    hamlets: list[Unit] = []
    formers: list[Unit] = []
    plain_names, former_names = names.unit_names(communes), names.unit_names(3 * communes, skip=communes)
    for number, plan in enumerate(plans):
        code, ward = f"{99901 + number}", number in wards
        kind, hamlet_kind = ("phường", "khu phố") if ward else ("xã", "thôn")
        present.append(_unit("commune", code, kind, plain_names[number], names.PROVINCE_CODE, plan.blocks, width))
        for turn, part in enumerate(_hamlet_blocks(plan, width, rng), start=1):
            hamlets.append(_unit("hamlet", f"{code}-{turn:02d}", hamlet_kind, str(turn), code, part, width))
        for part in plan.formers:
            old, district = f"{99801 + len(formers)}", f"{991 + plan.district}"
            formers.append(_unit("commune", old, kind, former_names[len(formers)], district, part, width))
    province = Unit(
        "province", names.PROVINCE_CODE, names.PROVINCE_NAME, "tỉnh", None, blocks, middle_block(blocks, width)
    )
    districts = _former_districts(plans, width)
    return Units(province, tuple(present), tuple(hamlets), tuple(districts), tuple(formers))


def _former_districts(plans: list[_Plan], width: int) -> list[Unit]:
    count = 1 + max(plan.district for plan in plans)
    found = []
    for number, title in enumerate(names.district_names(count)):
        blocks = np.sort(np.concatenate([plan.blocks for plan in plans if plan.district == number]))
        kind = "thị xã" if title.startswith("Thị xã") else "huyện"
        seat = middle_block(blocks, width)
        found.append(Unit("district", f"{991 + number}", title, kind, names.PROVINCE_CODE, blocks, seat))
    return found


def unit_frame(lattice: Lattice, units: Sequence[Unit], *, valid_from: date, valid_to: date | None) -> gpd.GeoDataFrame:
    """Return units as MultiPolygons in EPSG:4326 with their codes, names and dates.

    Columns: level, code, name, name_en, unit_type, parent_code, valid_from, valid_to, geometry. Exterior
    rings run counter-clockwise (RFC 7946, 3.1.6).
    """
    shapes = [shapely.MultiPolygon([shapely.Polygon(lattice.ring(unit.blocks))]) for unit in units]
    columns = ("level", "code", "name", "name_en", "unit_type", "parent_code")
    data = {column: [getattr(unit, column) for unit in units] for column in columns}
    dates = {"valid_from": [valid_from] * len(units), "valid_to": [valid_to] * len(units)}
    return gpd.GeoDataFrame({**data, **dates}, geometry=shapes, crs="EPSG:4326")


def owner_of_block(units: Sequence[Unit], size: int) -> IntArray:
    """Return for every block of a lattice of `size` blocks the index of the unit holding it, or -1."""
    owner = np.full(size, -1, dtype=np.int64)
    for number, unit in enumerate(units):
        owner[unit.blocks] = number
    return owner
