"""What is told of a file or its rows on the way through intake."""

from __future__ import annotations

from layers.intake.model import Finding, Severity
from layers.intake.shapes import GEOMETRY


def no_rows() -> Finding:
    """The file has no rows."""
    return Finding(
        Severity.ERROR,
        "file.no-rows",
        "Tệp đọc được nhưng không có dòng nào.",
        "The file can be read but has no rows.",
        "Hãy kiểm tra đã xuất đúng lớp và đúng vùng chọn chưa.",
        "Check that the right layer and selection were exported.",
    )


def no_coordinates() -> Finding:
    """Nothing tells where the rows lie."""
    return Finding(
        Severity.ERROR,
        "geometry.no-coordinates",
        "Tệp không có hình, không có cột tọa độ, cũng không có mã hay địa chỉ tìm được vị trí.",
        "The file has no shapes, no coordinate columns, and no code or address that gives a place.",
        "Hãy thêm cột kinh độ và vĩ độ (hoặc X, Y VN-2000), hoặc gửi tệp bản đồ.",
        "Add longitude and latitude (or VN-2000 X, Y), or send a map file.",
        field=GEOMETRY,
    )


def placed_by_text(count: int) -> Finding:
    """Rows were placed by code or address."""
    return Finding(
        Severity.WARNING,
        "geometry.from-text",
        f"{count} dòng không có tọa độ được đặt theo mã hành chính hoặc địa chỉ; vị trí chỉ gần đúng.",
        f"{count} rows without coordinates were placed by admin code or address; their places are approximate.",
        "Hãy bổ sung tọa độ thật khi có.",
        "Add true coordinates when they are known.",
        field=GEOMETRY,
        count=count,
    )


def unread_coordinates(row: int, columns: tuple[str, ...]) -> Finding:
    """Coordinates of a row cannot be read."""
    names = ", ".join(columns)
    return Finding(
        Severity.ERROR,
        "geometry.unread",
        f"Không đọc được tọa độ ở cột {names}.",
        f"The coordinates in {names} cannot be read.",
        "Viết số thập phân (105,8342), độ phút giây (105°50'03\") hoặc mét VN-2000.",
        "Write decimal degrees, degrees-minutes-seconds or VN-2000 metres.",
        row=row,
        field=GEOMETRY,
    )


def ragged_row(row: int) -> Finding:
    """A row of a CSV has more or fewer cells than the header."""
    return Finding(
        Severity.WARNING,
        "csv.ragged",
        "Số ô của dòng khác số cột của tiêu đề; ô thiếu để trống, ô thừa nằm ở cột riêng.",
        "The row has more or fewer cells than the header; missing cells are empty, others have a column of their own.",
        "Hãy kiểm tra dấu phân cách và dấu nháy kép trong dòng này.",
        "Check separators and quotes in this row.",
        row=row,
    )
