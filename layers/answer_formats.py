"""Writes answers as GeoJSON, CSV or JSON rows."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime

import orjson

from layers.answer import Answer, Column, LayerState
from layers.definition import Label
from spatial.crs import CRS84
from spatial.question_echo import question_document
from spatial.question_model import Format

MEDIA_TYPES: Mapping[Format, str] = {
    Format.GEOJSON: "application/geo+json",
    Format.CSV: "text/csv; charset=utf-8",
    Format.JSON: "application/json",
}
# A cell that begins so is a formula to a spreadsheet (OWASP ASVS 1.2.10).
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_BOM = "\ufeff"


def write_answer(answer: Answer) -> bytes:
    """Return the answer in the format that its question asks for."""
    if answer.question.format is Format.GEOJSON:
        return geojson_bytes(answer)
    if answer.question.format is Format.CSV:
        return csv_bytes(answer)
    return json_bytes(answer)


def geojson_bytes(answer: Answer) -> bytes:
    """Return a FeatureCollection (RFC 7946) whose foreign members tell the question and the state of the data."""
    head = {"type": "FeatureCollection", **answer_members(answer)}
    if answer.crs != CRS84:
        head["coordRefSys"] = answer.crs.uri
    body = answer.page.body if answer.page is not None and answer.page.body is not None else b""
    return _dumps(head)[:-1] + b',"features":[' + body + b"]}"


def json_bytes(answer: Answer) -> bytes:
    """Return an object with the same members; features are rows by name, their geometries GeoJSON objects."""
    document = answer_members(answer)
    page = answer.page
    if page is not None:
        names = [column.name for column in page.columns]
        document["features"] = [_row(names, row) for row in page.rows]
    return _dumps(document)


def csv_bytes(answer: Answer) -> bytes:
    """Return one table (RFC 4180, UTF-8 with a mark for spreadsheets): the figures, else the features.

    Texts that a spreadsheet would run as a formula begin with an apostrophe. Geometries are WKT.
    """
    columns: Sequence[Column] = ()
    rows: Sequence[Sequence[object]] = ()
    if answer.figures is not None:
        columns, rows = answer.figures.columns, answer.figures.rows
    elif answer.page is not None:
        columns, rows = answer.page.columns, answer.page.rows
    else:
        columns, rows = (Column("total_matched", Label("Tổng số", "Total"), "1"),), ((answer.total_matched,),)
    out = io.StringIO()
    out.write(_BOM)
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([column.name for column in columns])
    writer.writerows(_cells(row) for row in rows)
    return out.getvalue().encode("utf-8", "replace")


def answer_members(answer: Answer) -> dict[str, object]:
    """Return what every answer tells besides its features: question, state of the data, totals, figures, notes."""
    members: dict[str, object] = {
        "question": _fragment(question_document(answer.question)),
        "layer": _state(answer.layer),
        "sources": [_state(source) for source in answer.sources],
        "numberMatched": answer.total_matched,
        "units": dict(answer.units),
        "notes": [{"vi": note.vi, "en": note.en} for note in answer.notes],
    }
    if answer.page is not None:
        members["numberReturned"] = answer.page.returned
        members["next_cursor"] = answer.page.next_cursor
    if answer.figures is not None:
        names = [column.name for column in answer.figures.columns]
        members["columns"] = [
            {"name": column.name, "title": {"vi": column.title.vi, "en": column.title.en}, "unit": column.unit}
            for column in answer.figures.columns
        ]
        members["figures"] = [dict(zip(names, row, strict=True)) for row in answer.figures.rows]
    return members


def _state(layer: LayerState) -> dict[str, object]:
    return {
        "slug": layer.slug,
        "title": {"vi": layer.title.vi, "en": layer.title.en},
        "revision": layer.revision,
        "data_date": layer.data_date,
        "synthetic": layer.synthetic,
    }


def _row(names: Sequence[str], row: Sequence[object]) -> dict[str, object]:
    found = dict(zip(names, row, strict=True))
    geometry = found.get("geometry")
    if names[-1] == "geometry" and isinstance(geometry, str):
        found["geometry"] = orjson.Fragment(geometry)
    return found


def _fragment(document: Mapping[str, object]) -> orjson.Fragment:
    """A filter may hold whole numbers beyond 64 bits, which orjson does not write."""
    return orjson.Fragment(json.dumps(document, ensure_ascii=False))


def _dumps(document: object) -> bytes:
    return orjson.dumps(document, option=orjson.OPT_UTC_Z)


def _cells(row: Sequence[object]) -> Iterator[object]:
    for value in row:
        if isinstance(value, str):
            yield _safe(value)
        elif isinstance(value, bool):
            yield "true" if value else "false"
        elif isinstance(value, list | tuple):
            yield _safe("; ".join(str(item) for item in value))
        elif isinstance(value, datetime | date):
            yield value.isoformat()
        else:
            yield value


def _safe(text: str) -> str:
    """Keeps a spreadsheet from running a text; a NUL, which no CSV reader takes, cannot be in the database."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
