"""The report on an upload to send back: CSV, XLSX and GeoJSON of what was found, row by row."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq
import xlsxwriter

from layers.intake.model import Finding, Severity
from layers.uploads.model import STATE_TITLES, Upload
from layers.uploads.rows_file import ROW_COLUMN

SEVERITY_TITLES: Final = {
    Severity.ERROR: ("Lỗi, không nhận dòng", "Error, the row is left out"),
    Severity.WARNING: ("Cảnh báo", "Warning"),
    Severity.REPAIR: ("Đã tự sửa", "Repaired"),
    Severity.INFO: ("Ghi chú", "Note"),
}
HEADER: Final = (
    "Mức",
    "Dòng",
    "Khóa",
    "Trường",
    "Giá trị",
    "Điều tìm thấy",
    "Cách xử lý",
    "Kinh độ",
    "Vĩ độ",
    "Số lượng",
    "Mã",
    "Finding (English)",
    "Remedy (English)",
)
# A sheet of a workbook holds 1,048,576 rows.
MAX_SHEET_ROWS: Final = 1_000_000
# Spreadsheets run a cell that begins so, the full-width forms included (OWASP, CSV injection).
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
_WIDTHS: Final = (14, 8, 18, 18, 24, 60, 50, 12, 12, 9, 22, 50, 40)


def harmless(text: str) -> str:
    """A text that no spreadsheet takes for a formula, on one line."""
    line = " ".join(text.split())
    return "'" + line if line.startswith(_FORMULA_STARTS) else line


def finding_cells(finding: Finding) -> tuple[object, ...]:
    """The cells of one finding, in the order of :data:`HEADER`."""
    return (
        SEVERITY_TITLES[finding.severity][0],
        finding.row,
        harmless(finding.key or ""),
        harmless(finding.field or ""),
        harmless(finding.value),
        harmless(finding.vi),
        harmless(finding.remedy_vi),
        finding.lon,
        finding.lat,
        finding.count,
        finding.code,
        harmless(finding.en),
        harmless(finding.remedy_en),
    )


def write_csv(findings: Iterable[Finding], path: Path) -> None:
    """Writes findings as CSV for spreadsheets (UTF-8 with BOM)."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerow(HEADER)
        for finding in findings:
            writer.writerow(["" if cell is None else cell for cell in finding_cells(finding)])


def write_geojson(findings: Iterable[Finding], path: Path) -> None:
    """Writes the findings that have a place as GeoJSON points (WGS 84)."""
    with path.open("w", encoding="utf-8") as file:
        file.write('{"type":"FeatureCollection","features":[')
        for number, finding in enumerate(_placed(findings)):
            file.write((",\n" if number else "\n") + json.dumps(_feature(finding), ensure_ascii=False))
        file.write("\n]}\n")


def _placed(findings: Iterable[Finding]) -> Iterator[Finding]:
    return (finding for finding in findings if finding.lon is not None and finding.lat is not None)


def _feature(finding: Finding) -> dict[str, Any]:
    vi, en = SEVERITY_TITLES[finding.severity]
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [finding.lon, finding.lat]},
        "properties": {
            "severity": finding.severity.value,
            "severity_vi": vi,
            "severity_en": en,
            "code": finding.code,
            "row": finding.row,
            "key": finding.key,
            "field": finding.field,
            "value": finding.value,
            "vi": finding.vi,
            "en": finding.en,
            "remedy_vi": finding.remedy_vi,
            "remedy_en": finding.remedy_en,
        },
    }


def write_xlsx(upload: Upload, findings: Iterable[Finding], refused: Path, path: Path) -> None:
    """Writes a workbook: a summary, the findings, and the refused rows as they were read, to be mended and sent."""
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(str(path), options) as book:
        bold = book.add_format({"bold": True, "text_wrap": True, "bg_color": "#DDEBF7", "border": 1})
        summary = book.add_worksheet("Tổng hợp")
        summary.set_column(0, 0, 34)
        summary.set_column(1, 1, 60)
        for number, (name, value) in enumerate(summary_lines(upload)):
            summary.write_string(number, 0, name, bold)
            summary.write(number, 1, harmless(value) if isinstance(value, str) else value)
        _table(book, "Phát hiện", HEADER, (finding_cells(one) for one in findings), bold)
        if refused.is_file():
            columns, rows = _refused(refused)
            _table(book, "Dòng bị từ chối", columns, rows, bold)


def _table(book: Any, name: str, header: Iterable[str], rows: Iterable[tuple[object, ...]], bold: Any) -> None:
    sheet = book.add_worksheet(name)
    for place, width in enumerate(_WIDTHS):
        sheet.set_column(place, place, width)
    sheet.freeze_panes(1, 0)
    for place, title in enumerate(header):
        sheet.write_string(0, place, harmless(title), bold)
    for number, cells in enumerate(rows, start=1):
        if number > MAX_SHEET_ROWS:
            sheet.write_string(number, 0, "… xem tiếp trong báo cáo CSV · see the CSV for the rest")
            return
        for place, cell in enumerate(cells):
            if isinstance(cell, str):
                sheet.write_string(number, place, cell)
            elif cell is not None:
                sheet.write_number(number, place, cell)


def _refused(path: Path) -> tuple[list[str], Iterator[tuple[object, ...]]]:
    file = pq.ParquetFile(path)
    columns = [name for name in file.schema_arrow.names if name != ROW_COLUMN]

    def rows() -> Iterator[tuple[object, ...]]:
        with file:
            for batch in file.iter_batches(10_000):
                for row in batch.to_pylist():
                    yield (row[ROW_COLUMN], *(harmless(row[name] or "") for name in columns))

    return ["Dòng", *columns], rows()


def summary_lines(upload: Upload) -> list[tuple[str, object]]:
    """What the report begins with, as names and values."""
    report, change = upload.report or {}, upload.change or {}
    totals, severities = report.get("totals") or {}, report.get("severities") or {}
    lines: list[tuple[str, object]] = [
        ("Tệp", upload.file_name),
        ("SHA-256 của tệp gốc", upload.file_sha256 or ""),
        ("Lớp dữ liệu", upload.layer),
        ("Đơn vị", upload.unit_code or "toàn lớp"),
        ("Trạng thái", STATE_TITLES[upload.state][0]),
        ("Số dòng đọc được", totals.get("read", 0)),
        ("Số dòng đạt", totals.get("good", 0)),
        ("Số dòng bị từ chối", totals.get("refused", 0)),
    ]
    lines += [(SEVERITY_TITLES[Severity(name)][0], count) for name, count in severities.items()]
    if change:
        lines += [
            ("Thêm mới", change["inserted"]),
            ("Sửa", change["updated"]),
            ("Xóa", change["deleted"]),
            ("Giữ nguyên", change["same"]),
            ("Tách thửa", change["split"]),
            ("Gộp thửa", change["merged"]),
            ("Đổi khóa", change["renamed"]),
            ("Không thuộc đơn vị", change["set_aside"]),
        ]
    score = report.get("score") or {}
    for criterion in score.get("criteria", ()):
        value = criterion["value"]
        shown = "không tính được" if value is None else value
        lines.append((f"Điểm {criterion['vi']} ({criterion['formula_vi']})", shown))
    if score.get("total") is not None:
        lines.append(("Điểm chung (trung bình các tiêu chí)", score["total"]))
    return lines
