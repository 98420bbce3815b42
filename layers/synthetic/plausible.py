"""Values by layer and field where a free draw within the constraints would look foolish on a map."""

from __future__ import annotations

from typing import Final

from numpy.random import Generator

from layers.synthetic.values import Column

# Equally likely values; repeat one to make it more frequent.
_CHOICES: Final[dict[str, dict[str, tuple[object, ...]]]] = {
    "street-lights": {
        "height_m": (7.0, 8.0, 9.0, 10.0, 11.0),
        "power_w": (80.0, 100.0, 120.0, 150.0),
        "lamp_kind": ("LED", "LED", "LED", "Natri cao áp"),
        "state": ("online", "online", "online", "online", "online", "online", "offline", "faulty"),
    },
    "trees": {"species": ("Sao đen", "Dầu rái", "Bằng lăng", "Phượng vĩ", "Xà cừ"), "height_m": (5.0, 8.0, 12.0, 16.0)},
    "forest-land": {
        "land_use_code": ("RSX", "RSX", "RPH"),
        "forest_kind": ("RSX", "RSX", "RPH"),
        "species": ("Keo lai", "Tràm", "Bạch đàn", "Cao su"),
        "origin": ("planted", "planted", "natural"),
    },
    "agricultural-land": {
        "land_use_code": ("LUC", "LUC", "LUK", "CLN", "HNK", "NTS"),
        "crop": ("Lúa", "Cao su", "Điều", "Tiêu", "Rau màu"),
    },
    "land-use-status": {"land_use_code": ("LUC", "CLN", "HNK", "ONT", "ODT", "RSX", "NTS", "TMD", "SKC")},
    "land-prices": {
        "land_use_code": ("ONT", "ODT", "CLN", "LUC", "TMD"),
        "position": ("Vị trí 1", "Vị trí 2", "Vị trí 3", "Vị trí 4"),
        "price_vnd_per_m2": (180_000.0, 450_000.0, 1_200_000.0, 3_500_000.0, 9_000_000.0),
    },
    "roads": {"technical_grade": ("III", "IV", "V", "VI"), "axle_load_t": (10.0, 10.0, 13.0), "is_one_way": (False,)},
    "railways": {"tracks": (1,), "width_m": (5.0,), "speed_limit_kmh": (60, 80, 100), "is_electrified": (False,)},
    "electricity-point": {"height_m": (8.5, 10.5, 12.0, 14.0), "voltage_kv": (0.4, 22.0)},
    "electricity-line": {"voltage_kv": (0.4, 22.0, 22.0, 110.0), "circuits": (1, 1, 2), "corridor_m": (2.0, 4.0)},
    "environment-sensors": {
        "medium": ("air", "air", "surface_water"),
        "parameters": (["PM2.5", "PM10", "AQI"], ["AQI"]),
    },
    "indicator-values": {"value_unit": ("%",)},
}

# By road class: width of the bed and of the surface (m), lanes, speed limit (km/h), managing level.
_ROADS: Final[dict[str, tuple[float, float, int, int, str]]] = {
    "QL": (12.0, 11.0, 2, 80, "central"),
    "DT": (9.0, 7.0, 2, 60, "province"),
    "DX": (5.0, 3.5, 1, 40, "commune"),
    "DDT": (10.5, 7.5, 2, 50, "commune"),
}
_PLANNED_USE: Final[dict[str, tuple[str, str]]] = {
    "DAT_O_NHOMNHAO": ("ODT", "Đất nhóm nhà ở"),
    "DAT_O_LANGXOM": ("ONT", "Đất làng xóm"),
    "DAT_HTXH_TRUONGHOC": ("DGD", "Đất trường học"),
    "DAT_HTXH_YTE": ("DYT", "Đất y tế"),
    "DAT_HTXH_CAYXANHCC": ("DKV", "Đất cây xanh công cộng"),
    "DAT_DICHVU": ("TMD", "Đất dịch vụ"),
    "DAT_SX_CONGNGHIEP": ("SKC", "Đất sản xuất công nghiệp"),
    "DAT_COQUAN": ("TSC", "Đất cơ quan"),
}


def _roads(known: dict[str, Column]) -> dict[str, Column]:
    rows = [_ROADS[str(kind)] for kind in known["road_class"]]
    return {
        "width_m": [row[0] for row in rows],
        "surface_width_m": [row[1] for row in rows],
        "right_of_way_m": [row[0] * 2 for row in rows],
        "lanes": [row[2] for row in rows],
        "speed_limit_kmh": [row[3] for row in rows],
        "managing_level": [row[4] for row in rows],
    }


def _plans(count: int, rng: Generator) -> dict[str, Column]:
    codes = list(_PLANNED_USE)
    chosen = [codes[n] for n in rng.integers(0, len(codes), count).tolist()]
    floors = [int(n) for n in rng.integers(1, 12, count)]
    density = [float(n) for n in rng.integers(5, 80, count)]
    return {
        "construction_code": [*chosen],
        "construction_code_text": [f"QH_{code}" for code in chosen],
        "land_use_code": [_PLANNED_USE[code][0] for code in chosen],
        "land_use_text": [_PLANNED_USE[code][1] for code in chosen],
        "state": ["approved"] * count,
        "floors_max": [*floors],
        "height_max_m": [round(3.6 * n + 2, 1) for n in floors],
        "building_density_percent": [*density],
        "floor_area_ratio": [round(n * share / 100, 2) for n, share in zip(floors, density, strict=True)],
        "setback_m": [float(n) for n in rng.integers(0, 7, count)],
    }


def plausible(slug: str, known: dict[str, Column], count: int, rng: Generator) -> dict[str, Column]:
    """Return further known values of `count` rows of a layer; empty for layers that need none."""
    found: dict[str, Column] = {}
    for name, values in _CHOICES.get(slug, {}).items():
        found[name] = [values[n] for n in rng.integers(0, len(values), count).tolist()]
    if slug == "roads":
        found |= _roads(known)
    if slug == "plans":
        found |= _plans(count, rng)
    return found
