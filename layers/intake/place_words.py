"""What people are told of the place of a file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from layers.intake.evidence import Evidence
from layers.intake.model import Finding, Severity
from spatial.declared_crs import Declared, Doubt

_CHECK: Final = ("Hãy xem vị trí trên bản đồ trước khi gửi duyệt.", "Look at the place on the map before submitting.")
_DOUBTS: Final = {
    Doubt.UNREADABLE: (
        Severity.WARNING,
        "Tệp khai hệ tọa độ nhưng không đọc được lời khai.",
        "The file declares a coordinate system that cannot be read.",
    ),
    Doubt.DATUM_BROKEN: (
        Severity.REPAIR,
        "Tên datum trong tệp .prj bị sai; các thông số là của VN-2000 nên được đọc theo mã EPSG đúng"
        " (không bị lệch 224 m).",
        "The datum in the .prj is misspelt; its parameters are those of VN-2000, so the true EPSG code is used"
        " (no 224 m offset).",
    ),
    Doubt.DATUM_MISLABELLED: (
        Severity.WARNING,
        "Tệp .prj ghi datum WGS 84 nhưng các thông số chiếu là của VN-2000; hai cách đọc lệch nhau khoảng 224 m.",
        "The .prj says WGS 84 with the projection of VN-2000; the two readings are about 224 m apart.",
    ),
    Doubt.DATUM_UNKNOWN: (
        Severity.WARNING,
        "Tệp không nói tọa độ theo datum nào (VN-2000 hay WGS 84, lệch nhau khoảng 224 m).",
        "The file does not say its datum (VN-2000 or WGS 84, about 224 m apart).",
    ),
    Doubt.DEPRECATED: (
        Severity.REPAIR,
        "Tệp khai mã EPSG 6956–6959 đã bị hủy (ghi đảo hằng số dời trục); đã đọc theo mã thay thế 5896–5899.",
        "The file declares a withdrawn code (EPSG 6956-6959); its replacement (5896-5899) is used.",
    ),
    Doubt.OLDER_DATUM: (
        Severity.WARNING,
        "Tệp ở hệ tọa độ cũ (Hà Nội 1972 hoặc Indian 1960); chuyển sang WGS 84 theo phép chuyển đã công bố,"
        " sai số có thể tới vài mét.",
        "The file is on an older datum (Hanoi 1972 or Indian 1960); it is brought to WGS 84 by the published"
        " operation, which may be off by some metres.",
    ),
    Doubt.UNKNOWN_ZONE: (
        Severity.WARNING,
        "Tệp khai phép chiếu với kinh tuyến trục hoặc hệ số không có trong VN-2000.",
        "The file declares a projection whose meridian or scale VN-2000 does not have.",
    ),
    Doubt.NOT_SERVED: (
        Severity.WARNING,
        "Tệp khai một hệ tọa độ mà dịch vụ không dùng.",
        "The file declares a coordinate system that the service does not use.",
    ),
}


def declared_note(declared: Declared) -> Iterator[Finding]:
    """What to tell of a declaration."""
    words = _DOUBTS.get(declared.doubt)
    if words is not None:
        severity, vi, en = words
        yield Finding(severity, f"crs.{declared.doubt}", vi, en, *_CHECK, value=declared.text[:80], field="geometry")


def recovered(found: Evidence) -> Finding:
    """The place was found without, or against, what the file says."""
    figures = []
    if found.inside_share is not None:
        figures.append((f"{found.inside_share:.0%} nằm trong địa bàn", f"{found.inside_share:.0%} inside the unit"))
    if found.offset_m is not None:
        figures.append(
            (f"lệch {found.offset_m:.1f} m so với hiện tại", f"{found.offset_m:.1f} m from the current state")
        )
    if found.vertex_share:
        figures.append((f"{found.vertex_share:.0%} đỉnh trùng", f"{found.vertex_share:.0%} shared vertices"))
    vi = "; ".join(pair[0] for pair in figures)
    en = "; ".join(pair[1] for pair in figures)
    is_swap = found.reading.is_swapped
    return Finding(
        Severity.REPAIR if is_swap else Severity.INFO,
        "crs.swapped" if is_swap else "crs.recovered",
        f"Tọa độ được đọc là {found.reading.title_vi}" + (f" ({vi})." if vi else "."),
        f"The coordinates are read as {found.reading.title_en}" + (f" ({en})." if en else "."),
        *_CHECK,
        value=found.reading.value,
        field="geometry",
    )


def contradiction(found: Evidence, declared: str) -> Finding:
    """The file says one thing of its place, and everything known says another."""
    if found.is_plausible:
        offset_vi, offset_en = offset_reason(found.offset_m or 0.0, found.bearing_deg or 0.0)
        vi = f"Nếu đọc theo {found.reading.title_vi}, dữ liệu {offset_vi}."
        en = f"Read as {found.reading.title_en}, the data are {offset_en}."
    else:
        vi = f"Nếu đọc theo {found.reading.title_vi}, dữ liệu không nằm ở địa bàn đã chọn hoặc không ở Việt Nam."
        en = f"Read as {found.reading.title_en}, the data are not in the unit chosen, or not in Viet Nam."
    return Finding(
        Severity.WARNING,
        "crs.contradiction",
        vi,
        en,
        "Hãy chọn đúng hệ tọa độ hoặc đúng xã.",
        "Choose the right coordinate system or the right commune.",
        value=declared[:80] or found.reading.value,
        field="geometry",
    )


def unplaced() -> Finding:
    """No feature has a usable coordinate."""
    return Finding(
        Severity.ERROR,
        "geometry.none",
        "Không có đối tượng nào có tọa độ dùng được.",
        "No feature has usable coordinates.",
        "Hãy kiểm tra tệp trong phần mềm bản đồ rồi xuất lại.",
        "Check the file in mapping software and export it again.",
        field="geometry",
    )


def offset_reason(offset_m: float, bearing_deg: float) -> tuple[str, str]:
    """Says how far the data lie from the current revision, and what an offset of that kind usually comes from."""
    vi = f"lệch {offset_m:.1f} m về hướng {bearing_deg:.0f}° so với phiên bản hiện tại"
    en = f"{offset_m:.1f} m off the current revision, towards {bearing_deg:.0f} degrees"
    along = bearing_deg % 180
    if 205 <= offset_m <= 245 and abs(along - 119) <= 10:
        return f"{vi} (dấu hiệu thiếu chuyển đổi VN-2000 ↔ WGS 84)", f"{en} (a missing datum shift looks so)"
    if 250 <= offset_m <= 800 and (along <= 15 or along >= 165):
        return f"{vi} (dấu hiệu lẫn múi UTM 6° với múi 3°)", f"{en} (a UTM and TM-3 mix-up looks so)"
    return vi, en
