"""Schools, clinics, OCOP products and plans: layers whose rows must make sense together."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

import numpy as np
from numpy.random import Generator

from layers.synthetic.cutting import Rings
from layers.synthetic.landscape import Ground
from layers.synthetic.lattice import DECIMALS
from layers.synthetic.partition import IntArray
from layers.synthetic.places import Gazetteer, Places, areas, points_near_hamlets
from layers.synthetic.province import REFERENCE_DATE
from layers.synthetic.values import Column

_SCHOOLS: Final = (("MN", "Trường Mầm non"), ("TH", "Trường Tiểu học"), ("THCS", "Trường Trung học cơ sở"))
_CLINICS: Final = {
    "station_branch": ("Điểm trạm y tế", 1),
    "pharmacy": ("Nhà thuốc", 2),
    "drug_store": ("Quầy thuốc", 1),
    "private_practice": ("Phòng khám tư nhân", 1),
    "dental": ("Phòng khám răng hàm mặt", 1),
}
_LEVELS: Final = {"hospital_general": "province", "commune_station": "commune", "station_branch": "commune"}
_PRODUCTS: Final = {
    "1": ("Gạo", "Bánh tráng", "Mật ong", "Nước mắm"),
    "2": ("Trà", "Cà phê", "Rượu gạo"),
    "3": ("Tinh dầu", "Cao dược liệu"),
    "4": ("Chiếu cói", "Đồ gỗ", "Gốm"),
    "5": ("Mai cảnh", "Phong lan"),
    "6": ("Làng du lịch", "Vườn sinh thái"),
}
_LOWEST_POINTS: Final = {3: 50, 4: 70, 5: 90}


def _hamlets_by_commune(gazetteer: Gazetteer) -> list[list[int]]:
    count = len(gazetteer.province.units.communes)
    return [np.flatnonzero(gazetteer.commune_of_hamlet == commune).tolist() for commune in range(count)]


def _with_known(places: Places, known: dict[str, Column]) -> Places:
    return Places(places.geometry, places.hamlet, places.commune, {**places.known, **known})


def schools(gazetteer: Gazetteer, rng: Generator) -> Places:
    """Return kindergartens, primary and lower secondary schools of every commune, and upper secondary ones."""
    hamlets: list[int] = []
    levels: list[str] = []
    titles: list[str] = []
    for commune, inside in enumerate(_hamlets_by_commune(gazetteer)):
        name = gazetteer.province.units.communes[commune].name.split(" ", 1)[1]
        wanted = [(*_SCHOOLS[0], int(rng.integers(2, 4))), (*_SCHOOLS[1], 2), (*_SCHOOLS[2], 1)]
        wanted += [("THPT", "Trường Trung học phổ thông", commune % 2)]
        for level, title, count in wanted:
            for number in range(1, count + 1):
                hamlets.append(int(rng.choice(inside)))
                levels.append(level)
                titles.append(f"{title} {name}" + (f" {number}" if count > 1 else ""))
    per_class = {"MN": 25, "TH": 32, "THCS": 38, "THPT": 42}
    classes = rng.integers(6, 30, len(levels)).tolist()
    pupils = [int(n * per_class[level] * rng.uniform(0.8, 1.05)) for n, level in zip(classes, levels, strict=True)]
    met = (rng.random(len(levels)) < 0.65).tolist()
    known: dict[str, Column] = {
        "name": [*titles],
        "level": [*levels],
        "levels": [[level] for level in levels],
        "classes": classes,
        "classrooms": [n + int(rng.integers(-2, 5)) for n in classes],
        "classrooms_permanent": [max(n - int(rng.integers(0, 5)), 0) for n in classes],
        "pupils": [*pupils],
        "pupils_female": [int(n * rng.uniform(0.45, 0.54)) for n in pupils],
        "pupils_ethnic_minority": [int(n * rng.uniform(0, 0.12)) for n in pupils],
        "pupils_dropped_out": [int(n * rng.uniform(0, 0.015)) for n in pupils],
        "pupils_graduated": [n // 5 for n in pupils],
        "teachers": [int(n * 1.6) + 2 for n in classes],
        "managers": [2 + n // 12 for n in classes],
        "staff": [3 + n // 5 for n in classes],
        "standard_met": met,
        "standard_level": [("1" if rng.random() < 0.7 else "2") if yes else None for yes in met],
        "standard_on": [date(2024, 5, 20) if yes else None for yes in met],
        "facilities_met": [yes or bool(rng.random() < 0.3) for yes in met],
        "school_year": ["2026-2027"] * len(levels),
    }
    return _with_known(points_near_hamlets(gazetteer, np.array(hamlets), rng), known)


def clinics(gazetteer: Gazetteer, rng: Generator) -> Places:
    """Return a station in every commune, branches, practices and pharmacies, and a few hospitals."""
    hamlets: list[int] = []
    kinds: list[str] = []
    titles: list[str] = []
    for commune, inside in enumerate(_hamlets_by_commune(gazetteer)):
        unit = gazetteer.province.units.communes[commune]
        rows = [("commune_station", f"Trạm Y tế {unit.name}")]
        if commune % 5 == 0:
            rows.append(("hospital_general", f"Bệnh viện Đa khoa {unit.name.split(' ', 1)[1]}"))
        if commune % 4 == 1:
            rows.append(("health_centre", f"Trung tâm Y tế {unit.name.split(' ', 1)[1]}"))
        for kind, (title, most) in _CLINICS.items():
            count = most + int(unit.unit_type == "phường")
            rows += [(kind, f"{title} Giả {commune + 1:02d}.{n}") for n in range(1, count + 1)]
        for kind, title in rows:
            hamlets.append(int(rng.choice(inside)))
            kinds.append(kind)
            titles.append(title)
    public = [kind in ("commune_station", "station_branch", "hospital_general", "health_centre") for kind in kinds]
    most_beds = {"hospital_general": 400, "health_centre": 120, "commune_station": 10}
    beds = [int(most_beds.get(kind, 0) * rng.uniform(0.5, 1)) for kind in kinds]
    inpatients = [int(n * rng.uniform(0.4, 1.15)) for n in beds]
    known: dict[str, Column] = {
        "name": [*titles],
        "kind": [*kinds],
        "bhxh_code": [f"99{n:03d}" if yes else None for n, yes in enumerate(public, start=1)],
        "ownership": ["public" if yes else "private" for yes in public],
        "beds_planned": [*beds],
        "beds_actual": [int(n * 1.1) for n in beds],
        "beds_recovery": [n // 20 for n in beds],
        "beds_emergency": [n // 25 for n in beds],
        "inpatients": [*inpatients],
        "occupancy_percent": [
            round(100 * n / bed, 1) if bed else None for n, bed in zip(inpatients, beds, strict=True)
        ],
        "administrative_level": [_LEVELS.get(kind) for kind in kinds],
        "pharmacists": [1 + n // 40 for n in beds],
        "visits": [int(rng.integers(100, 400)) + 12 * n for n in beds],
        "doctors": [max(n // 6, 1) for n in beds],
        "nurses": [max(n // 3, 1) for n in beds],
        "is_24h": [n > 0 for n in beds],
    }
    return _with_known(points_near_hamlets(gazetteer, np.array(hamlets), rng), known)


def ocop_producers(gazetteer: Gazetteer, rng: Generator) -> Places:
    """Return 3 to 8 products in every commune; certificates last 36 months, some have expired."""
    hamlets: list[int] = []
    for inside in _hamlets_by_commune(gazetteer):
        hamlets += rng.choice(inside, int(rng.integers(3, 9))).tolist()
    count = len(hamlets)
    groups = [str(n) for n in rng.choice(np.arange(1, 7), count, p=[0.5, 0.15, 0.1, 0.12, 0.05, 0.08])]
    stars = rng.choice([3, 4, 5], count, p=[0.62, 0.33, 0.05]).tolist()
    issued = [REFERENCE_DATE - timedelta(days=n) for n in rng.integers(40, 1_250, count).tolist()]
    goods = [_PRODUCTS[group][int(rng.integers(len(_PRODUCTS[group])))] for group in groups]
    units = gazetteer.province.units
    villages = [units.communes[int(gazetteer.commune_of_hamlet[h])].name.split(" ", 1)[1] for h in hamlets]
    known: dict[str, Column] = {
        "product_name": [f"{good} {village}" for good, village in zip(goods, villages, strict=True)],
        "producer_name": [f"Chủ thể OCOP mẫu {n:03d}" for n in range(1, count + 1)],
        "ocop_group": [*groups],
        "stars": stars,
        "points": [round(_LOWEST_POINTS[star] + float(rng.uniform(0, 9.5)), 1) for star in stars],
        "certificate_number": [f"{n:03d}/QĐ-MP" for n in range(1, count + 1)],
        "recognised_by": ["Trung ương (mô phỏng)" if s == 5 else "UBND Tỉnh Mô Phỏng" for s in stars],
        "issued_on": [*issued],
        "expires_on": [day.replace(year=day.year + 3, day=min(day.day, 28)) for day in issued],
        "period": ["2026-10"] * count,
        "output_unit": ["kg" if group in "123" else "sản phẩm" for group in groups],
    }
    return _with_known(points_near_hamlets(gazetteer, np.array(hamlets), rng), known)


def _planned_blocks(gazetteer: Gazetteer) -> list[IntArray]:
    """Return, for each plan, the town and industry blocks of one commune and those around its middle."""
    province = gazetteer.province
    width = province.lattice.width
    found = []
    for unit in province.units.communes:
        row, column = np.divmod(unit.blocks, width)
        middle = divmod(unit.seat, width)
        near = np.hypot(row - middle[0], column - middle[1]) < 1.6
        built = np.isin(province.ground[unit.blocks], [Ground.TOWN, Ground.INDUSTRY])
        found.append(unit.blocks[near | built][:6])
    return found


def plans(gazetteer: Gazetteer, rng: Generator) -> Places:
    """Return the lots of one zone plan per commune: four lots a block, without gaps or overlaps."""
    lattice = gazetteer.province.lattice
    middle = lattice.cuts // 2
    rings, codes, names, zones, decided = [], [], [], [], []
    for number, blocks in enumerate(_planned_blocks(gazetteer)):
        day = date(2023, 3, 15) + timedelta(days=int(rng.integers(0, 1_100)))
        spans = ((0, middle), (middle, lattice.cuts))
        lots = [(block, low, high) for block in blocks.tolist() for low in spans for high in spans]
        for lot, (block, (south, north), (west, east)) in enumerate(lots, start=1):
            grid = lattice.grid(block)
            corners = [(south, west), (south, east), (north, east), (north, west), (south, west)]
            rings.append(np.round([grid[corner] for corner in corners], DECIMALS))
            codes.append(f"MP-QH-{number + 1:02d}")
            names.append(f"Quy hoạch phân khu {gazetteer.province.units.communes[number].name} (mô phỏng)")
            zones.append(f"O-{lot:02d}")
            decided.append(day)
    shapes = Rings(np.concatenate(rings), np.full(len(rings), 5)).multipolygons()
    known: dict[str, Column] = {
        "plan_code": [*codes],
        "plan_name": [*names],
        "zone_code": [*zones],
        "plan_level": ["QHPK"] * len(codes),
        "phase": ["QH"] * len(codes),
        "decision_number": [f"{code[-2:]}/QĐ-MP" for code in codes],
        "decision_on": [*decided],
        "valid_from": [*decided],
        "valid_to": [None] * len(codes),
        "scale": [2000] * len(codes),
        "horizon_year": [2035] * len(codes),
    }
    return _with_known(areas(gazetteer, shapes), known)


def plan_progress(gazetteer: Gazetteer, rng: Generator) -> Places:
    """Return the parts, one block each, of the plans that `plans` returns."""
    lattice = gazetteer.province.lattice
    rings, codes, names, parts = [], [], [], []
    for number, blocks in enumerate(_planned_blocks(gazetteer)):
        for part, block in enumerate(blocks.tolist(), start=1):
            rings.append(lattice.ring(np.array([block])))
            codes.append(f"MP-QH-{number + 1:02d}")
            names.append(f"Quy hoạch phân khu {gazetteer.province.units.communes[number].name} (mô phỏng)")
            parts.append(f"P-{part:02d}")
    shapes = Rings(np.concatenate(rings), np.array([len(ring) for ring in rings])).multipolygons()
    planned = np.round(rng.uniform(30, 100, len(parts)), 1)
    known: dict[str, Column] = {
        "plan_code": [*codes],
        "plan_name": [*names],
        "part_code": [*parts],
        "part_name": [f"Phần {part[2:]} của đồ án" for part in parts],
        "progress_planned_percent": planned.tolist(),
        "progress_percent": np.round(planned * rng.uniform(0.6, 1, len(parts)), 1).tolist(),
    }
    return _with_known(areas(gazetteer, shapes), known)
