"""Figures as CSV and XLSX for spreadsheets; no cell runs as a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

import xlsxwriter

from layers.uploads.reports import harmless
from scenarios.figures.figure import IndicatorFigures, UnitFigure
from scenarios.figures.periods import period_name
from scenarios.indicators.indicator import Indicator
from scenarios.observations.reading import Freshness
from scenarios.work.calendar import VIETNAM_TIME

FRESHNESS_TITLES: Final = {
    Freshness.FRESH: "Mới",
    Freshness.LATE: "Chậm",
    Freshness.STALE: "Quá cũ",
    Freshness.MISSING: "Thiếu",
}
LEVEL_TITLES: Final = {"commune": "Xã, phường", "province": "Tỉnh"}
HEADER: Final = (
    "Mã chỉ tiêu", "Chỉ tiêu", "Đơn vị tính", "Mã đơn vị", "Đơn vị", "Cấp", "Kỳ số liệu", "Số liệu", "Kế hoạch",
    "% kế hoạch", "Cùng kỳ năm trước", "Chênh so với cùng kỳ", "% so với cùng kỳ", "Trung bình các đơn vị cùng cấp",
    "Chênh so với trung bình", "Kỳ đối chiếu", "Chênh so với kỳ đối chiếu", "Hạng", "Trong số", "Tình trạng",
    "Số nơi có số liệu", "Số nơi", "Nhận lúc", "Lần sửa", "Cách gửi", "Căn cứ",
)  # fmt: skip
Cell = str | float | int | None


def figure_rows(figures: Sequence[IndicatorFigures]) -> Iterator[tuple[Cell, ...]]:
    """One row for each indicator and unit, in the order of :data:`HEADER`; texts are harmless to spreadsheets."""
    for one in figures:
        for unit in one.units:
            cells = _cells(one.indicator, unit)
            yield tuple(harmless(cell) if isinstance(cell, str) else cell for cell in cells)


def _cells(indicator: Indicator, unit: UnitFigure) -> tuple[Cell, ...]:
    return (
        indicator.code,
        indicator.title.vi,
        indicator.unit,
        unit.code,
        unit.name,
        LEVEL_TITLES[unit.level],
        period_name(indicator.period, unit.at) if unit.at else None,
        unit.value,
        unit.target,
        unit.plan_percent,
        unit.same_period,
        unit.same_period_gap,
        unit.same_period_percent,
        unit.mean,
        unit.mean_gap,
        unit.against,
        unit.against_gap,
        unit.rank,
        unit.ranked,
        FRESHNESS_TITLES[unit.freshness],
        unit.observed,
        unit.places,
        _moment(unit.received_at),
        unit.version,
        unit.channel,
        indicator.source,
    )


def _moment(at: datetime | None) -> str | None:
    return f"{at.astimezone(VIETNAM_TIME):%Y-%m-%dT%H:%M:%S+07:00}" if at else None


def figures_csv(figures: Sequence[IndicatorFigures]) -> bytes:
    """The figures as CSV (RFC 4180) in UTF-8 with BOM; numbers with a point."""
    held = io.StringIO(newline="")
    writer = csv.writer(held, lineterminator="\r\n")
    writer.writerow(HEADER)
    writer.writerows(["" if cell is None else cell for cell in row] for row in figure_rows(figures))
    return held.getvalue().encode("utf-8-sig")


def figures_xlsx(figures: Sequence[IndicatorFigures], about: Sequence[tuple[str, str]]) -> bytes:
    """The figures as a workbook: what they are about, then one table that can be filtered.

    Args:
        figures: The indicators.
        about: Names and values of the first sheet.
    """
    held = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(held, options) as book:
        bold = book.add_format({"bold": True, "text_wrap": True, "bg_color": "#DDEBF7", "border": 1})
        summary = book.add_worksheet("Tổng hợp")
        summary.set_column(0, 0, 24)
        summary.set_column(1, 1, 80)
        for number, (name, value) in enumerate(about):
            summary.write_string(number, 0, harmless(name), bold)
            summary.write_string(number, 1, harmless(value))
        _write_table(book.add_worksheet("Số liệu"), list(figure_rows(figures)), bold)
    return held.getvalue()


def _write_table(sheet: Any, rows: Sequence[tuple[Cell, ...]], bold: Any) -> None:
    sheet.set_column(0, len(HEADER) - 1, 15)
    sheet.freeze_panes(1, 5)
    sheet.autofilter(0, 0, len(rows), len(HEADER) - 1)
    for place, title in enumerate(HEADER):
        sheet.write_string(0, place, title, bold)
    for number, row in enumerate(rows, start=1):
        for place, cell in enumerate(row):
            if isinstance(cell, str):
                sheet.write_string(number, place, cell)
            elif cell is not None:
                sheet.write_number(number, place, cell)
