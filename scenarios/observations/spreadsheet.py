"""Rows of a spreadsheet (XLSX), read in a confined child: a workbook of a few kilobytes can hold gigabytes."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from layers.confined import ChildEnded, Limits, run_confined
from layers.errors import LayerError
from scenarios.work.calendar import VIETNAM_TIME

_LIMITS: Final = Limits(memory_bytes=2 * 2**30, cpu_s=60, wall_s=90, file_bytes=2**20)


class SheetUnreadable(LayerError):
    """The workbook cannot be read within the limits."""


def read_spreadsheet(path: Path, *, most: int) -> tuple[list[str], list[list[Any]]]:
    """The heading and the rows of the first sheet; moments without a zone are Vietnamese time.

    Args:
        path: A workbook in a folder of its own.
        most: At most so many rows.

    Raises:
        SheetUnreadable: It is no workbook, is damaged, or is too large.
    """
    arguments = {"path": str(path), "most": most}
    try:
        told = run_confined(
            "scenarios.observations.spreadsheet:read_in_child", arguments, limits=_LIMITS, folder=path.parent
        )
    except ChildEnded as error:
        raise _unreadable(error.reason) from None
    if "failure" in told:
        raise _unreadable(str(told["failure"]))
    heading, *rows = told["rows"] or [[]]
    return [str(name) for name in heading], rows


def read_in_child(path: str, most: int) -> dict[str, Any]:
    """The child's part; cells as JSON values."""
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        with CalamineWorkbook.from_path(path) as book:
            sheet = book.get_sheet_by_index(0)
            if sheet.total_height > most + 1:
                return {"failure": "rows"}
            rows = sheet.to_python(skip_empty_area=True)
    except (CalamineError, OSError, ValueError) as error:
        return {"failure": f"{type(error).__name__}"}
    return {"rows": [[_cell(value) for value in row] for row in rows if any(value != "" for value in row)]}


def _cell(value: object) -> object:
    if value == "":
        return None
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=VIETNAM_TIME)).isoformat()
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=VIETNAM_TIME).isoformat()
    if isinstance(value, float) and value.is_integer():
        # A workbook holds every number as a float; codes of units are whole.
        return int(value)
    return value if isinstance(value, str | int | float | bool) else str(value)


def _unreadable(reason: str) -> SheetUnreadable:
    if reason in ("rows", "memory", "time"):
        return SheetUnreadable(
            "Bảng tính quá lớn. Hãy chia nhỏ, hoặc gửi CSV.", "The workbook is too large. Split it, or send CSV."
        )
    return SheetUnreadable(
        "Tệp không phải bảng tính XLSX đọc được. Hãy mở bằng Excel, lưu lại thành .xlsx rồi gửi lại.",
        "The file is no XLSX workbook that can be read. Open it in a spreadsheet program, save it anew, send it again.",
    )
