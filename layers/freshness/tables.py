"""Freshness and league as CSV for spreadsheets; no cell runs as a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from layers.definition import Label
from layers.field_checks import VIETNAM_TIME
from layers.freshness.league import CRITERIA, Standing
from layers.freshness.reading import Part
from layers.freshness.state import TITLES
from layers.uploads.reports import harmless

PART_HEADER: Final = ("Mã xã", "Xã", "Lớp", "Tên lớp", "Tình trạng", "Cập nhật lúc", "Hạn")
LEAGUE_HEADER: Final = (
    "Hạng", "Mã xã", "Xã", "Điểm", "Đúng hạn (%)", "Chất lượng (%)", "Số kỳ phải cập nhật", "Số kỳ trễ", "Số tệp gửi",
    "Số tệp không nhận", "Số tệp trả lại", "Số dòng", "Số dòng lỗi", "Đúng", "Đủ", "Sạch", "Sống",
    "Thống nhất", "Dùng chung",
)  # fmt: skip
Cell = str | float | int | None


def parts_csv(parts: Sequence[Part], titles: Mapping[str, Label], names: Mapping[str, str]) -> bytes:
    """Every part as CSV (RFC 4180), UTF-8 with BOM."""
    return _csv(
        PART_HEADER,
        (
            (
                part.unit_code,
                names.get(part.unit_code),
                part.layer,
                titles[part.layer].vi,
                TITLES[part.freshness].vi,
                _moment(part.renewed_at),
                _moment(part.due_at),
            )
            for part in parts
        ),
    )


def league_csv(standings: Sequence[Standing]) -> bytes:
    """The league as CSV (RFC 4180), UTF-8 with BOM; numbers with a point."""
    return _csv(
        LEAGUE_HEADER,
        (
            (
                one.rank, one.unit_code, one.name, one.points, one.timeliness, one.quality, one.owed, one.late,
                one.uploads, one.refused, one.sent_back, one.rows, one.wrong_rows,
                *(one.criteria.get(name) for name in CRITERIA),
            )
            for one in standings
        ),
    )  # fmt: skip


def _csv(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    held = io.StringIO(newline="")
    writer = csv.writer(held, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows([harmless(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)
    return held.getvalue().encode("utf-8-sig")


def _moment(at: datetime | None) -> str | None:
    return f"{at.astimezone(VIETNAM_TIME):%Y-%m-%dT%H:%M:%S+07:00}" if at else None
