"""Geometry of rows: type, coordinates inside Viet Nam, valid rings; says what looks to have gone wrong."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from layers.definition import Definition, GeometryType
from layers.field_checks import Finding, Reason

Geometries = NDArray[np.object_]
BoolArray = NDArray[np.bool_]

WEST, SOUTH, EAST, NORTH = 102.0, 6.0, 118.0, 24.0
"""Box of Viet Nam with its islands (degrees, EPSG:4326); data of the service lie inside it."""

GEOMETRY: Final = "geometry"
_ALLOWED: Final = {
    GeometryType.POINT: (shapely.GeometryType.POINT,),
    GeometryType.MULTILINESTRING: (shapely.GeometryType.LINESTRING, shapely.GeometryType.MULTILINESTRING),
    GeometryType.MULTIPOLYGON: (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON),
}
_FAULTS: Final = {
    "self-intersection": "đường biên tự cắt",
    "ring self-intersection": "đường biên tự chạm",
    "hole lies outside shell": "lỗ nằm ngoài đường biên",
    "holes are nested": "lỗ nằm trong lỗ",
    "nested shells": "vùng nằm trong vùng",
    "nested holes": "lỗ nằm trong lỗ",
    "duplicate rings": "đường biên lặp lại",
    "interior is disconnected": "phần trong bị cắt rời",
    "too few points in geometry component": "quá ít điểm khác nhau",
    "invalid coordinate": "tọa độ không hợp lệ",
}
_PLACE: Final = re.compile(r"(?P<fault>[^\[]*)\[(?P<x>\S+) (?P<y>[^\s\]]+)")
# 1e6 is the first multiple that a longitude of 102° with a lost decimal point can reach with five places.
_MOST_PLACES: Final = 17


def check_geometries(definition: Definition, geometries: Geometries) -> tuple[Geometries, list[Finding]]:
    """Returns the geometries without heights, None where absent or refused, and what was found.

    Args:
        definition: The layer; it has a geometry.
        geometries: Shapely objects in EPSG:4326, x = longitude.
    """
    clean = _flat(definition, geometries)
    absent = shapely.is_missing(clean) | shapely.is_empty(clean)
    clean[absent] = None
    found = list(_absent(absent)) if definition.geometry_required else []
    kept = ~absent
    for check in (_wrong_type(definition), _not_finite):
        bad = check(clean, kept)
        found.extend(bad)
        kept[[finding.position for finding in bad]] = False
    placed, invalid = _misplaced(clean, kept), _invalid(clean, kept)
    found += [*placed, *invalid]
    kept[[finding.position for finding in (*placed, *invalid)]] = False
    clean[~kept] = None
    return clean, found


def _flat(definition: Definition, geometries: Geometries) -> Geometries:
    """Drops heights and measures, and opens multipoints of one point where points are wanted."""
    flat: Geometries = np.array(shapely.force_2d(geometries), dtype=object, copy=True).reshape(-1)
    if definition.geometry is GeometryType.POINT:
        single = (shapely.get_type_id(flat) == shapely.GeometryType.MULTIPOINT) & (
            shapely.get_num_geometries(flat) == 1
        )
        flat[single] = shapely.get_geometry(flat[single], 0)
    return flat


def _absent(absent: BoolArray) -> Iterator[Finding]:
    reason = Reason(
        "không có hình học; hãy vẽ vị trí của đối tượng.",
        "has no geometry; draw where the feature lies.",
    )
    return (Finding(int(at), GEOMETRY, "", reason) for at in np.flatnonzero(absent))


def _wrong_type(definition: Definition) -> Callable[[Geometries, BoolArray], list[Finding]]:
    def check(geometries: Geometries, kept: BoolArray) -> list[Finding]:
        allowed = _ALLOWED[definition.geometry] if definition.geometry else ()
        wrong = kept & ~np.isin(shapely.get_type_id(geometries), [int(kind) for kind in allowed])
        words = " / ".join(kind.name.title() for kind in allowed)
        reason = Reason(
            f"sai kiểu hình học; lớp này chỉ nhận {words}.",
            f"is of the wrong geometry type; the layer takes {words} only.",
        )
        return [Finding(int(at), GEOMETRY, geometries[at].geom_type, reason) for at in np.flatnonzero(wrong)]

    return check


def _not_finite(geometries: Geometries, kept: BoolArray) -> list[Finding]:
    coordinates, owner = shapely.get_coordinates(geometries, return_index=True)
    broken = np.unique(owner[~np.isfinite(coordinates).all(axis=1)])
    reason = Reason(
        "tọa độ NaN hoặc vô cực; hãy nhập lại tọa độ.",
        "has NaN or infinite coordinates; enter them again.",
    )
    return [Finding(int(at), GEOMETRY, "NaN/inf", reason) for at in broken if kept[at]]


def _misplaced(geometries: Geometries, kept: BoolArray) -> list[Finding]:
    bounds = shapely.bounds(geometries)
    with np.errstate(invalid="ignore"):
        inside = (bounds[:, 0] >= WEST) & (bounds[:, 1] >= SOUTH) & (bounds[:, 2] <= EAST) & (bounds[:, 3] <= NORTH)
    found = []
    for at in np.flatnonzero(kept & ~inside):
        points = shapely.get_coordinates(geometries[at])
        x, y = next((float(x), float(y)) for x, y in points if not _in_vietnam(x, y))
        found.append(Finding(int(at), GEOMETRY, f"{x:.15g} {y:.15g}", explain_place(x, y)))
    return found


def _invalid(geometries: Geometries, kept: BoolArray) -> list[Finding]:
    broken = kept.copy()
    broken[kept] = ~shapely.is_valid(geometries[kept])
    return [Finding(int(at), GEOMETRY, *_fault(geometries[at])) for at in np.flatnonzero(broken)]


def _fault(geometry: shapely.Geometry) -> tuple[str, Reason]:
    text = str(shapely.is_valid_reason(geometry))
    parts = _PLACE.match(text)
    fault = (parts["fault"] if parts else text).strip()
    place = f"{float(parts['x']):.7f} {float(parts['y']):.7f}" if parts else ""
    words = _FAULTS.get(fault.lower(), fault)
    return place, Reason(
        f"hình học không hợp lệ: {words} tại ({place}); hãy vẽ lại đường biên ở đó.",
        f"is not a valid geometry: {fault} at ({place}); draw the boundary there again.",
    )


def explain_place(x: float, y: float) -> Reason:
    """Says of a point outside Viet Nam what most likely went wrong with its coordinates (x, y as given)."""
    for applies, vi, en in _MISTAKES:
        if applies(x, y):
            return Reason(f"{vi}; hãy sửa tọa độ.", f"{en}; correct the coordinates.")
    return Reason(
        f"nằm ngoài Việt Nam ({WEST:g}–{EAST:g}°Đ, {SOUTH:g}–{NORTH:g}°B); hãy kiểm tra tọa độ và hệ tọa độ.",
        f"lies outside Viet Nam ({WEST:g}-{EAST:g}E, {SOUTH:g}-{NORTH:g}N); check coordinates and CRS.",
    )


def _in_vietnam(x: float, y: float) -> bool:
    return WEST <= x <= EAST and SOUTH <= y <= NORTH


def _is_metres(x: float, y: float) -> bool:
    return 200_000 <= x <= 900_000 and 600_000 <= y <= 2_700_000


def _is_shifted(value: float, least: float, most: float) -> bool:
    """Tells whether the digits read as a coordinate within the range once a decimal point is put in."""
    if value <= most:
        return least <= value
    return any(least <= value / 10**places <= most for places in range(1, _MOST_PLACES))


def _lost_point(x: float, y: float) -> bool:
    return max(x, y) >= 1_000 and _is_shifted(x, WEST, EAST) and _is_shifted(y, SOUTH, NORTH)


_MISTAKES: Final[tuple[tuple[Callable[[float, float], bool], str, str], ...]] = (
    (lambda x, y: x == 0 and y == 0, "tọa độ (0, 0), tức chưa nhập vị trí", "is at (0, 0): no place was entered"),
    (lambda x, y: _in_vietnam(y, x), "có vẻ kinh độ và vĩ độ bị đổi chỗ", "longitude and latitude look swapped"),
    (
        _is_metres,
        "có vẻ là tọa độ VN-2000 tính bằng mét, chưa chuyển sang kinh độ, vĩ độ",
        "looks like VN-2000 metres that were not turned into degrees",
    ),
    (_lost_point, "có vẻ mất dấu thập phân", "looks to have lost its decimal point"),
    (
        lambda x, y: math.isclose(x, y),
        "kinh độ và vĩ độ trùng nhau, có vẻ chép nhầm",
        "longitude equals latitude, copied by mistake it seems",
    ),
    (
        lambda x, y: 2 <= x < 18 and SOUTH <= y <= NORTH and not WEST <= x * 10 <= EAST,
        "có vẻ mất chữ số “10” hoặc “11” ở đầu kinh độ",
        'the longitude looks to have lost its leading "10" or "11"',
    ),
    (
        lambda x, y: WEST <= x * 10 <= EAST and SOUTH <= y <= NORTH,
        "có vẻ đặt sai dấu thập phân của kinh độ",
        "the decimal point of the longitude looks misplaced",
    ),
)
