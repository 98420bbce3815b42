"""Rows that are kept out of a layer: why, and the file that tells their owners."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from layers.definition import Definition

PERSONAL_VALUE: Final = "(dữ liệu cá nhân)"
HEADER: Final = ("dòng/row", "trường/field", "giá trị/value", "lý do", "reason", "nguồn/source")
_LONGEST: Final = 200
# Spreadsheets run a cell that begins so, the full-width forms included (OWASP, CSV injection).
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason why one row is refused.

    Attributes:
        row: Number of the row in its source, as the caller numbers rows (features of a file from 1).
        field: Name of the field, ``geometry``, or None where the row as a whole is at fault.
        value: The offending value as text; never a personal one.
        reason_vi: The reason and its remedy in Vietnamese.
        reason_en: The same in English.
        source: File and layer that the row comes from, where there are several.
    """

    row: int
    field: str | None
    value: str
    reason_vi: str
    reason_en: str
    source: str = ""


def shown_value(value: object) -> str:
    """Returns a value as one short line for people."""
    text = " ".join(str(value).split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def count_refused_rows(refused: Iterable[Refusal]) -> int:
    """Returns how many different rows are refused, each counted once however many reasons it has."""
    return len({(refusal.source, refusal.row) for refusal in refused})


def write_rejects(path: Path, definition: Definition, refused: Iterable[Refusal]) -> int:
    """Writes refused rows as CSV for spreadsheets (UTF-8 with BOM) and returns the number of lines.

    The file replaces an older one in one step, and its folder is made where missing. A cell that a
    spreadsheet would run as a formula gets a leading apostrophe. Values of personal fields are masked.
    """
    personal = {field.name for field in definition.personal_fields}
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".part")
    count = 0
    with unfinished.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\r\n")
        writer.writerow(HEADER)
        for refusal in refused:
            value = PERSONAL_VALUE if refusal.field in personal else refusal.value
            texts = (refusal.field or "", value, refusal.reason_vi, refusal.reason_en, refusal.source)
            writer.writerow((refusal.row, *(_harmless(text) for text in texts)))
            count += 1
    os.replace(unfinished, path)
    return count


def _harmless(text: str) -> str:
    line = shown_value(text) if "\n" in text or "\r" in text else text
    return "'" + line if line.lstrip(" ").startswith(_FORMULA_STARTS) else line
