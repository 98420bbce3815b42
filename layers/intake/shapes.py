"""Geometry of a file made fit for its layer: dropped heights, opened and closed shapes, repaired rings, all told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from layers.definition import Definition, GeometryType
from layers.geometry_checks import explain_place
from layers.intake.model import Finding, Severity
from spatial.geodesy import approximate_areas_m2
from spatial.readings import Reading

Geometries = NDArray[np.object_]
Bools = NDArray[np.bool_]

GEOMETRY: Final = "geometry"
_ABSURD: Final = 1e9
_MOST_VERTICES: Final = 500_000
_MOST_RINGS: Final = 20_000
_CHANGE_SHARE: Final = 0.05
_CHANGE_M2: Final = 1.0
_POLYGONS = (int(shapely.GeometryType.POLYGON), int(shapely.GeometryType.MULTIPOLYGON))
_LINES = (int(shapely.GeometryType.LINESTRING), int(shapely.GeometryType.MULTILINESTRING))


@dataclass(slots=True)
class Shaped:
    """Geometry in degrees, what was found, and what was changed.

    Attributes:
        geometry: EPSG:4326; None where absent or refused.
        refused: Rows that a finding keeps out.
        repaired: Rows whose geometry was changed.
    """

    geometry: Geometries
    refused: Bools
    repaired: Bools
    findings: list[Finding] = field(default_factory=list)


def shape(definition: Definition, raw: Geometries, reading: Reading, rows: NDArray[np.int64]) -> Shaped:
    """Brings geometry to degrees and to the type of the layer.

    Args:
        definition: The layer; it has a geometry.
        raw: Shapely objects in the numbers of the file.
        reading: How the numbers are meant.
        rows: Row number of each.
    """
    found = Shaped(raw.copy(), np.zeros(len(raw), bool), np.zeros(len(raw), bool))
    _flatten(found)
    _refuse_absurd(found, rows, reading)
    _transform(found, reading)
    _refuse_misplaced(found, rows, raw, reading)
    _refuse_heavy(found, rows)
    if definition.geometry is GeometryType.MULTIPOLYGON:
        _close_lines(found)
    _take_apart(definition, found)
    _repair(definition, found, rows)
    return found


def _flatten(found: Shaped) -> None:
    tall = shapely.has_z(found.geometry) | shapely.has_m(found.geometry)
    if tall.any():
        found.geometry = np.asarray(shapely.force_2d(found.geometry), dtype=object).reshape(-1)
        found.findings.append(
            Finding(
                Severity.INFO,
                "geometry.heights",
                "Độ cao (Z) hoặc giá trị đo (M) của tọa độ đã được bỏ; bản đồ chỉ dùng hai chiều.",
                "Heights (Z) or measures (M) were dropped; the map is in two dimensions.",
                field=GEOMETRY,
                count=int(tall.sum()),
            )
        )


def _refuse(found: Shaped, at: int, row: int, code: str, words: tuple[str, str, str, str], **more: object) -> None:
    found.refused[at] = True
    found.geometry[at] = None
    vi, en, remedy_vi, remedy_en = words
    found.findings.append(
        Finding(Severity.ERROR, code, vi, en, remedy_vi, remedy_en, row=row, field=GEOMETRY, **more)  # type: ignore[arg-type]
    )


def _refuse_absurd(found: Shaped, rows: NDArray[np.int64], reading: Reading) -> None:
    """(0, 0), infinite and enormous numbers, told in the numbers of the file, before any projection blurs them."""
    with np.errstate(invalid="ignore", over="ignore"):
        bounds = shapely.bounds(found.geometry)
        present = ~(shapely.is_missing(found.geometry) | shapely.is_empty(found.geometry))
        broken = present & ~np.isfinite(bounds).all(axis=1)
        broken |= present & _has_infinite(found.geometry)
        zero = present & (bounds == 0).all(axis=1)
        huge = present & ~broken & (np.abs(bounds).max(axis=1) > _ABSURD) & (not reading.places)
    remedy = ("Hãy nhập lại vị trí.", "Enter the place again.")
    for at in np.flatnonzero(broken):
        words = ("Tọa độ NaN hoặc vô cực.", "NaN or infinite coordinates.", *remedy)
        _refuse(found, int(at), int(rows[at]), "geometry.not-finite", words, value="NaN/inf")
    for at in np.flatnonzero(zero):
        words = ("Tọa độ (0, 0): chưa nhập vị trí.", "At (0, 0): no place was entered.", *remedy)
        _refuse(found, int(at), int(rows[at]), "geometry.zero", words, value="0 0")
    for at in np.flatnonzero(huge):
        x, y = _widest(found.geometry[at])
        reason = explain_place(x, y)
        words = (f"Tọa độ lớn vô lý: {reason.vi}", f"Absurd coordinates: {reason.en}", *remedy)
        _refuse(found, int(at), int(rows[at]), "geometry.absurd", words, value=f"{x:.15g} {y:.15g}")


def _has_infinite(geometry: Geometries) -> Bools:
    coordinates, owner = shapely.get_coordinates(geometry, return_index=True)
    bad = np.zeros(len(geometry), bool)
    bad[owner[~np.isfinite(coordinates).all(axis=1)]] = True
    return bad


def _widest(geometry: shapely.Geometry) -> tuple[float, float]:
    points = shapely.get_coordinates(geometry)
    x, y = points[np.abs(points).max(axis=1).argmax()]
    return float(x), float(y)


def _transform(found: Shaped, reading: Reading) -> None:
    if reading.value != "OGC:CRS84":
        found.geometry = np.asarray(shapely.transform(found.geometry, reading.to_lonlat), dtype=object).reshape(-1)


def _refuse_misplaced(found: Shaped, rows: NDArray[np.int64], raw: Geometries, reading: Reading) -> None:
    """Rows outside Viet Nam, explained by the numbers of the file where those are metres."""
    with np.errstate(invalid="ignore"):
        bounds = shapely.bounds(found.geometry)
        present = ~(shapely.is_missing(found.geometry) | shapely.is_empty(found.geometry))
        inside = (bounds[:, 0] >= 102) & (bounds[:, 1] >= 6) & (bounds[:, 2] <= 118) & (bounds[:, 3] <= 24)
    for at in np.flatnonzero(present & ~inside):
        own = shapely.get_coordinates(raw[at])[0]
        x, y = (float(own[0]), float(own[1])) if reading.is_geographic else _outlier(found.geometry[at])
        code, vi, en = _why_misplaced(x, y, own, reading)
        words = (vi, en, "Hãy sửa tọa độ của dòng này.", "Correct the coordinates of this row.")
        _refuse(found, int(at), int(rows[at]), code, words, value=f"{own[0]:.15g} {own[1]:.15g}")


def _outlier(geometry: shapely.Geometry) -> tuple[float, float]:
    x, y = shapely.get_coordinates(geometry)[0]
    return float(x), float(y)


def _why_misplaced(x: float, y: float, own: NDArray[np.float64], reading: Reading) -> tuple[str, str, str]:
    if not reading.is_geographic:
        turned = reading.to_lonlat(own[::-1].reshape(1, 2))[0]
        if 102 <= turned[0] <= 118 and 6 <= turned[1] <= 24:
            return "geometry.swapped", "X và Y có vẻ bị đổi chỗ.", "X and Y look exchanged."
        if 102 <= own[0] <= 118 and 6 <= own[1] <= 24:
            return "geometry.degrees", "Tọa độ là độ, không phải mét như cả tệp.", "Degrees in a file of metres."
    elif 6 <= x <= 24 and 102 <= y <= 118:
        return "geometry.swapped", "Kinh độ và vĩ độ có vẻ bị đổi chỗ.", "Longitude and latitude look swapped."
    reason = explain_place(x, y)
    code = "geometry.lost-point" if "dấu thập phân" in reason.vi else "geometry.outside-vietnam"
    return code, reason.vi[:1].upper() + reason.vi[1:], reason.en[:1].upper() + reason.en[1:]


def _refuse_heavy(found: Shaped, rows: NDArray[np.int64]) -> None:
    """Features too heavy to be repaired or drawn; a check of their rings alone could take hours."""
    with np.errstate(invalid="ignore"):
        heavy = (shapely.get_num_coordinates(found.geometry) > _MOST_VERTICES) | (_rings(found.geometry) > _MOST_RINGS)
    for at in np.flatnonzero(heavy):
        words = (
            "Đối tượng có quá nhiều đỉnh hoặc quá nhiều vòng.",
            "The feature has too many vertices or rings.",
            "Hãy chia nhỏ hoặc đơn giản hóa đối tượng.",
            "Split or simplify it.",
        )
        _refuse(found, int(at), int(rows[at]), "geometry.heavy", words)


def _rings(geometry: Geometries) -> NDArray[np.int64]:
    parts, owner = shapely.get_parts(geometry, return_index=True)
    holes = shapely.get_num_interior_rings(parts)
    return np.bincount(owner, weights=np.maximum(holes, 0) + 1, minlength=len(geometry)).astype(np.int64)


def _close_lines(found: Shaped) -> None:
    """Closed lines are the outlines of polygons, as CAD draws them."""
    kinds = shapely.get_type_id(found.geometry)
    single = (kinds == _LINES[1]) & (shapely.get_num_geometries(found.geometry) == 1)
    found.geometry[single] = shapely.get_geometry(found.geometry[single], 0)
    closed = (shapely.get_type_id(found.geometry) == _LINES[0]) & shapely.is_closed(found.geometry)
    closed &= shapely.get_num_coordinates(found.geometry) >= 4
    if closed.any():
        found.geometry[closed] = shapely.polygons(shapely.linearrings(_coordinates_of(found.geometry[closed])))
        found.repaired |= closed
        found.findings.append(
            Finding(
                Severity.REPAIR,
                "geometry.closed-line",
                "Đường khép kín được đổi thành vùng.",
                "Closed lines were made polygons.",
                field=GEOMETRY,
                count=int(closed.sum()),
            )
        )


def _coordinates_of(lines: Geometries) -> list[NDArray[np.float64]]:
    points, owner = shapely.get_coordinates(lines, return_index=True)
    return np.split(points, np.flatnonzero(np.diff(owner)) + 1)


def _take_apart(definition: Definition, found: Shaped) -> None:
    """Collections lose the parts that their layer does not take."""
    collections = shapely.get_type_id(found.geometry) == int(shapely.GeometryType.GEOMETRYCOLLECTION)
    for at in np.flatnonzero(collections & ~shapely.is_empty(found.geometry)):
        found.geometry[at] = _only(definition, found.geometry[at])
        found.repaired[at] = True
    if collections.any():
        found.findings.append(
            Finding(
                Severity.REPAIR,
                "geometry.collection",
                "Hình hỗn hợp: chỉ giữ các phần đúng kiểu của lớp.",
                "Mixed collections: only parts of the layer's type were kept.",
                field=GEOMETRY,
                count=int(collections.sum()),
            )
        )


def _only(definition: Definition, geometry: shapely.Geometry) -> shapely.Geometry | None:
    """Returns the parts of a geometry that are of the layer's type, as one."""
    kinds = {GeometryType.MULTIPOLYGON: _POLYGONS, GeometryType.MULTILINESTRING: _LINES, GeometryType.POINT: (0, 4)}
    wanted = kinds[definition.geometry] if definition.geometry else ()
    parts = [part for part in shapely.get_parts(geometry) if shapely.get_type_id(part) in wanted]
    parts = [piece for part in parts for piece in shapely.get_parts(part)]
    if not parts:
        return None
    if len(parts) == 1:
        only: shapely.Geometry = parts[0]
        return only
    if definition.geometry is GeometryType.MULTIPOLYGON:
        return shapely.MultiPolygon(parts)
    return shapely.MultiLineString(parts) if definition.geometry is GeometryType.MULTILINESTRING else parts[0]


def _repair(definition: Definition, found: Shaped, rows: NDArray[np.int64]) -> None:
    """Makes invalid polygons valid; one whose area changes much is refused, for nobody can tell which is meant."""
    if definition.geometry is not GeometryType.MULTIPOLYGON:
        return
    areal = np.isin(shapely.get_type_id(found.geometry), _POLYGONS)
    invalid = areal & ~shapely.is_valid(found.geometry)
    positions = np.flatnonzero(invalid)
    if not len(positions):
        return
    before = found.geometry[positions]
    reasons = shapely.is_valid_reason(before)
    after = shapely.make_valid(before, method="structure", keep_collapsed=False)
    after = np.array([_only(definition, geometry) for geometry in after], dtype=object)
    old, new = approximate_areas_m2(before), approximate_areas_m2(after)
    for number, at in enumerate(positions):
        _tell_repair(found, int(at), int(rows[at]), str(reasons[number]), after[number], (old[number], new[number]))


def _tell_repair(
    found: Shaped, at: int, row: int, reason: str, after: shapely.Geometry | None, areas: tuple[float, float]
) -> None:
    fault, lon, lat = _fault(reason)
    old, new = areas
    change = abs(new - old)
    if after is None or (change > _CHANGE_SHARE * max(old, new) and change > _CHANGE_M2):
        words = (
            f"Đường biên {fault[0]}; sửa tự động sẽ đổi diện tích từ {old:.1f} thành {new:.1f} m² nên không sửa.",
            f"The boundary has a {fault[1]}; repairing it would change the area from {old:.1f} to {new:.1f} m2.",
            "Hãy vẽ lại đường biên ở đó.",
            "Draw the boundary there again.",
        )
        _refuse(found, at, row, "geometry.unrepairable", words, lon=lon, lat=lat)
        return
    found.geometry[at] = after
    found.repaired[at] = True
    found.findings.append(
        Finding(
            Severity.REPAIR,
            "geometry.repaired",
            f"Đường biên {fault[0]}; đã sửa, diện tích {old:.1f} → {new:.1f} m² (thay đổi {change:.2f} m²).",
            f"The boundary has a {fault[1]}; repaired, area {old:.1f} to {new:.1f} m2 (change {change:.2f} m2).",
            "Hãy xem lại hình trên bản đồ.",
            "Look at the shape on the map.",
            row=row,
            field=GEOMETRY,
            lon=lon,
            lat=lat,
        )
    )


_FAULTS: Final = {
    "self-intersection": ("tự cắt", "self-intersection"),
    "ring self-intersection": ("tự chạm", "ring self-intersection"),
    "hole lies outside shell": ("có lỗ nằm ngoài", "hole outside its shell"),
    "holes are nested": ("có lỗ nằm trong lỗ", "nested hole"),
    "nested shells": ("có vùng nằm trong vùng", "nested shell"),
    "interior is disconnected": ("làm phần trong bị cắt rời", "disconnected interior"),
    "too few points in geometry component": ("có quá ít điểm", "ring of too few points"),
}


def _fault(reason: str) -> tuple[tuple[str, str], float | None, float | None]:
    name, _, place = reason.partition("[")
    words = _FAULTS.get(name.strip().lower(), ("không hợp lệ", name.strip().lower() or "fault"))
    numbers = place.rstrip("]").split()
    try:
        return words, float(numbers[0]), float(numbers[1])
    except (IndexError, ValueError):
        return words, None, None


def unreadable_geometry(broken: NDArray[np.intp], rows: NDArray[np.int64]) -> Iterator[Finding]:
    """Yields findings for geometry that no program here can read: curves and damaged bytes."""
    for at in broken:
        yield Finding(
            Severity.ERROR,
            "geometry.unreadable",
            "Hình không đọc được (đường cong hoặc dữ liệu hỏng).",
            "The geometry cannot be read (a curve, or damaged).",
            "Hãy chuyển đường cong thành đoạn thẳng (Linearize/Densify) rồi xuất lại.",
            "Turn curves into straight segments and export again.",
            row=int(rows[at]),
            field=GEOMETRY,
        )
