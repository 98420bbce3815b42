"""Tables without a schema: the delimiter, code page and header row of CSV, the header row of a sheet."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Final

_DELIMITERS: Final = (",", ";", "\t", "|")
_HEAD: Final = 65_536
_SCAN: Final = 40


@dataclass(frozen=True, slots=True)
class TableFacts:
    """How a CSV is written.

    Attributes:
        codec: ``utf-16`` where the file says so; else Latin-1, which keeps the bytes.
        header_line: Lines to skip, the header included.
        columns: Names in the header, each once.
    """

    codec: str
    delimiter: str
    header_line: int
    columns: tuple[str, ...]


def describe_table(path: Path) -> TableFacts:
    """Returns how a CSV is written, by its first lines."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    codec = "utf-16" if head.startswith((b"\xff\xfe", b"\xfe\xff")) else "latin-1"
    text = head.decode(codec, "replace")
    if text.startswith("ï»¿"):
        text = text[3:]
    # Not splitlines: “ễ” holds the byte 0x85, which read as Latin-1 is a line end to Python.
    lines = re.split(r"\r\n|\n|\r", text)[:_SCAN]
    skipped = 0
    delimiter = None
    if lines and lines[0].lower().startswith("sep=") and len(lines[0]) >= 5:
        delimiter, skipped = lines[0][4], 1
    delimiter = delimiter or max(_DELIMITERS, key=lambda mark: _evenness(lines, mark))
    rows = list(csv.reader(io.StringIO("\n".join(lines[skipped:])), delimiter=delimiter))
    at, columns = find_header([[cell or None for cell in row] for row in rows])
    return TableFacts(codec, delimiter, skipped + at + 1, columns)


def _evenness(lines: Sequence[str], mark: str) -> tuple[int, int]:
    """How many lines agree on the number of fields that a delimiter makes, where it makes more than one."""
    counts = [len(next(csv.reader([line], delimiter=mark), [])) for line in lines if line.strip()]
    wide = [count for count in counts if count > 1]
    most = max(set(wide), key=wide.count) if wide else 0
    return (wide.count(most) if most else 0, most)


def find_header(rows: Sequence[Sequence[str | None]]) -> tuple[int, tuple[str, ...]]:
    """Returns the position of the header among the first rows, and the names of the columns, each once.

    Titles and blank rows stand above a header: it is the first row with text in nearly as many cells as the widest row.
    """
    width = max((sum(cell is not None for cell in row) for row in rows), default=0)
    at = next(
        (
            number
            for number, row in enumerate(rows)
            if sum(_is_name(cell) for cell in row) >= max(1, 0.6 * width) and not any(_is_number(cell) for cell in row)
        ),
        0,
    )
    cells = list(rows[at]) if rows else []
    lengths = Counter(len(row) for row in rows[at + 1 :])
    length = max(len(cells), lengths.most_common(1)[0][0] if lengths else 0)
    cells += [None] * (length - len(cells))
    names: list[str] = []
    for number, cell in enumerate(cells, start=1):
        name = " ".join((cell or f"column {number}").split())
        names.append(name if name not in names else f"{name} ({number})")
    return at, tuple(names)


def _is_name(cell: str | None) -> bool:
    return bool(cell and not _is_number(cell))


def _is_number(cell: str | None) -> bool:
    return bool(cell) and (cell or "").replace(".", "").replace(",", "").replace("-", "").strip().isdigit()


def cell_text(value: object) -> str | None:
    """Returns the content of a cell of a workbook as text; dates as YYYY-MM-DD, whole numbers without a point."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime):
        midnight = (value.hour, value.minute, value.second) == (0, 0, 0)
        return value.date().isoformat() if midnight else value.isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value).strip() if not isinstance(value, timedelta) else str(value)
