"""Rows of observations as people and programs send them: JSON, CSV, a spreadsheet."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterable, Iterator
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from app.problems import BadParameter
from scenarios.observations.observation import Observation, Refused
from scenarios.observations.recording import MOST_AT_ONCE
from scenarios.observations.spreadsheet import SheetUnreadable, read_spreadsheet

_NAMES = ("indicator", "place", "at", "value", "unit", "unit_code", "lon", "lat")


class Form(StrEnum):
    """How rows come, by media type."""

    JSON = "application/json"
    CSV = "text/csv"
    XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

    @classmethod
    def of(cls, content_type: str) -> Form:
        """The form that a Content-Type header names; JSON where it names none of these."""
        media = content_type.partition(";")[0].strip().lower()
        return cls(media) if media in set(cls) else cls.JSON


class ObservationBody(BaseModel):
    """One value at one place; ``at`` is any moment of its period, with a zone."""

    model_config = ConfigDict(extra="forbid")

    indicator: Annotated[str, Field(max_length=60)]
    place: Annotated[str, Field(max_length=100, pattern=r"^[^\x00]*$")]
    at: datetime
    value: float
    unit: Annotated[str | None, Field(max_length=40)] = None
    unit_code: Annotated[str | None, Field(max_length=5)] = None
    lon: float | None = None
    lat: float | None = None


_ROWS = TypeAdapter(list[dict[str, Any]])


def read_rows(body: bytes, form: Form) -> tuple[list[tuple[int, Observation]], list[Refused]]:
    """Rows with their numbers from 1, and those that cannot be read.

    Raises:
        BadParameter: The body as a whole is no list of rows.
    """
    found: list[tuple[int, Observation]] = []
    malformed: list[Refused] = []
    for number, row in enumerate(_rows(body, form), 1):
        if number > MOST_AT_ONCE:
            raise BadParameter("body", f"Tối đa {MOST_AT_ONCE} dòng mỗi lần gửi.", f"At most {MOST_AT_ONCE} rows.")
        try:
            found.append((number, Observation(**ObservationBody.model_validate(row).model_dump())))
        except ValidationError as error:
            malformed.append(_malformed(number, error))
    return found, malformed


def _malformed(number: int, error: ValidationError) -> Refused:
    field = ".".join(str(part) for part in error.errors()[0]["loc"]) or "row"
    return Refused(
        number,
        field[:60],
        f"Giá trị của “{field[:60]}” thiếu hoặc không đọc được. Hãy sửa dòng này rồi gửi lại.",
        f'The value of "{field[:60]}" is missing or cannot be read. Mend the row and send it again.',
    )


def _rows(body: bytes, form: Form) -> Iterable[dict[str, Any]]:
    match form:
        case Form.CSV:
            return _csv_rows(body)
        case Form.XLSX:
            return _sheet_rows(body)
    return _json_rows(body)


def _json_rows(body: bytes) -> list[dict[str, Any]]:
    try:
        document = orjson.loads(body)
        return _ROWS.validate_python(document["observations"] if isinstance(document, dict) else document)
    except (orjson.JSONDecodeError, KeyError, ValidationError):
        raise BadParameter(
            "body",
            'Nội dung phải là JSON {"observations": [{"indicator", "place", "at", "value"}, …]}.',
            'The body must be JSON {"observations": [{"indicator", "place", "at", "value"}, …]}.',
        ) from None


def _csv_rows(body: bytes) -> Iterator[dict[str, Any]]:
    try:
        reader = csv.DictReader(io.StringIO(body.decode("utf-8-sig"), newline=""))
        heading = [name.strip().lower() for name in reader.fieldnames or ()]
    except (UnicodeDecodeError, csv.Error):
        raise BadParameter("body", "Tệp CSV phải là văn bản UTF-8.", "The CSV must be text in UTF-8.") from None
    _require_heading(heading)
    reader.fieldnames = heading
    try:
        for row in reader:
            yield {name: value for name, value in row.items() if name is not None and value not in (None, "")}
    except csv.Error:
        raise BadParameter("body", "Tệp CSV bị hỏng giữa chừng.", "The CSV is damaged half-way.") from None


def _sheet_rows(body: bytes) -> Iterator[dict[str, Any]]:
    with tempfile.TemporaryDirectory(prefix="diaban-sheet-") as folder:
        path = Path(folder) / "rows.xlsx"
        path.write_bytes(body)
        try:
            heading, rows = read_spreadsheet(path, most=MOST_AT_ONCE)
        except SheetUnreadable as error:
            raise BadParameter("body", error.vi, error.en) from None
    names = [name.strip().lower() for name in heading]
    _require_heading(names)
    for row in rows:
        yield {name: value for name, value in zip(names, row, strict=False) if name in _NAMES and value is not None}


def _require_heading(heading: list[str]) -> None:
    missing = [name for name in _NAMES[:4] if name not in heading]
    if missing:
        listed = ", ".join(missing)
        raise BadParameter("body", f"Dòng tiêu đề thiếu: {listed}.", f"The heading lacks: {listed}.")
