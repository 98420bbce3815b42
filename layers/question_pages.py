"""Pages of an answer's features: their statement, the cursor that continues them, and how they are read."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import math
from collections.abc import Mapping, Sequence

from layers.answer import Column, Page
from layers.definition import Label
from layers.question_layers import AskedLayers, statement_of
from layers.question_notes import field_column
from layers.reader import Statements, current_target
from spatial.answers import extra_names, geojson_page, shown_properties, table_page
from spatial.errors import InvalidQuestion
from spatial.question_echo import whole_document
from spatial.question_model import FeaturesPage, Format, Question
from spatial.sql import Statement

_FIRST = (-math.inf, 0)
_DIGEST_LENGTH = 16


def page_statement(statements: Statements, asked: AskedLayers, question: Question, page: FeaturesPage) -> Statement:
    """Returns the statement of a page in the question's format."""
    kind = ("page", page.properties, page.geometry, question.crs.curie, question.format)
    if question.format is Format.GEOJSON:
        return statement_of(
            statements, asked, question, kind, lambda target: geojson_page(target, question, page, asked.rows)
        )
    wkt = question.format is Format.CSV
    return statement_of(
        statements, asked, question, kind, lambda target: table_page(target, question, page, asked.rows, wkt=wkt)
    )


def page_values(question: Question) -> dict[str, object]:
    """Returns the parameters of a page's statement.

    Raises:
        InvalidQuestion: the cursor is not one that this question's answer gave.
    """
    page = question.features
    if page is None:
        return {}
    position, fid = _FIRST if page.cursor is None else _read_cursor(page.cursor, question)
    return {"page": page.limit, "after_position": position, "after": fid}


def _write_cursor(question: Question, position: float, fid: int) -> str:
    text = json.dumps([position.hex(), fid, _digest(question)])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read_cursor(cursor: str, question: Question) -> tuple[float, int]:
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        position, fid, digest = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        place = float.fromhex(position)
    except (ValueError, TypeError, binascii.Error, OverflowError, RecursionError):
        raise _strange_cursor() from None
    if digest != _digest(question) or not isinstance(fid, int) or not 0 <= fid < 2**63 or math.isnan(place):
        raise _strange_cursor()
    return place, fid


def _strange_cursor() -> InvalidQuestion:
    return InvalidQuestion(
        "Dấu trang không thuộc câu hỏi này. Hãy hỏi lại từ trang đầu, giữ nguyên câu hỏi khi sang trang.",
        "The cursor is not of this question. Ask from the first page, and keep the question while paging.",
        parameter="features.cursor",
    )


def _digest(question: Question) -> str:
    """What pages of one answer have in common: the layer and the conditions."""
    document = whole_document(question)
    asked = {name: document.get(name) for name in ("layer", "where", "filter", "filter_lang", "revision", "at")}
    text = json.dumps(asked, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST_LENGTH]


def read_page(
    asked: AskedLayers, question: Question, page: FeaturesPage, records: Sequence[Mapping[str, object]]
) -> Page:
    """Returns the page that a statement's records hold."""
    columns = _columns(asked, question, page)
    if question.format is Format.GEOJSON:
        return _geojson(question, columns, records[0])
    kept = [record for record in records if record["row_no"] is not None]
    shown = kept[: page.limit]
    cursor = None
    if len(kept) > page.limit:
        last = shown[-1]
        cursor = _write_cursor(question, float(str(last["position"])), int(str(last["fid"])))
    fields = len(columns) - 1 - int(page.geometry)
    rows = tuple(
        (
            record["fid"],
            *(record[f"p{index}"] for index in range(fields)),
            *((record["geometry"],) if page.geometry else ()),
        )
        for record in shown
    )
    return Page(columns, None, rows, len(rows), cursor)


def _geojson(question: Question, columns: tuple[Column, ...], record: Mapping[str, object]) -> Page:
    cursor = None
    if record["more"]:
        cursor = _write_cursor(question, float(str(record["last_position"])), int(str(record["last_fid"])))
    body = record["body"]
    if not isinstance(body, bytes):
        raise TypeError("the statement of a page gives bytes")
    return Page(columns, body, (), int(str(record["returned"])), cursor)


def _columns(asked: AskedLayers, question: Question, page: FeaturesPage) -> tuple[Column, ...]:
    definition = asked.layer.definition
    target = current_target(definition)
    columns = [field_column(definition, "fid")]
    columns += [field_column(definition, item.name) for item in shown_properties(target, page)]
    for name, unit in extra_names(target, question):
        column = field_column(definition, name)
        columns.append(Column(name, column.title, unit))
    if page.geometry:
        columns.append(Column("geometry", Label("Hình học", "Geometry"), ""))
    return tuple(columns)
