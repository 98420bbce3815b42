"""Checks that both encodings make of a literal before it enters the tree."""

import math
import unicodedata
from datetime import date, datetime

from spatial.bbox import bbox_from_numbers, to_storage_polygon
from spatial.cql2.expression import GeometryLiteral, Literal, Position
from spatial.crs import CRS
from spatial.datetime_interval import parse_date, parse_timestamp
from spatial.errors import InvalidFilter, shorten

_INT8_MAX = 2**63 - 1
_LONGEST_INTEGER = 400


def text_literal(value: str, position: Position) -> Literal:
    """Return the text in Unicode NFC, as stored values are.

    Raises:
        InvalidFilter: the text holds NUL or half of a surrogate pair, which no stored text can.
    """
    if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise InvalidFilter(
            "Chuỗi chứa ký tự NUL hoặc mã Unicode dở dang. Hãy bỏ ký tự đó",
            "The text holds NUL or an unpaired surrogate. Remove that character",
            position=position,
        )
    return Literal(unicodedata.normalize("NFC", value), position)


def number_literal(value: int | float, position: Position) -> Literal:
    """Return the number; an integer beyond 64 bits becomes a float.

    Raises:
        InvalidFilter: the number is beyond double precision.
    """
    if isinstance(value, int) and abs(value) <= _INT8_MAX:
        return Literal(value, position)
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise number_too_large(position)
    return Literal(number, position)


def number_too_large(position: Position) -> InvalidFilter:
    """Return the error for a number beyond double precision."""
    return InvalidFilter(
        "Số quá lớn hoặc không phải số hữu hạn. Hãy dùng số nhỏ hơn 1e308",
        "The number is too large or not finite. Use one below 1e308",
        position=position,
    )


def number_of(text: str) -> int | float:
    """Return the number of an unsigned numeral: an integer where it has only digits."""
    return int(text) if text.isdigit() and len(text) < _LONGEST_INTEGER else float(text)


def bbox_literal(numbers: object, filter_crs: CRS, position: Position) -> GeometryLiteral:
    """Return the box of 4 or 6 numbers in the axis order of the CRS, as a geometry.

    Raises:
        InvalidFilter: something in it is no number.
        InvalidBBox: the numbers are no box.
    """
    if not isinstance(numbers, list | tuple) or not all(type(item) in (int, float) for item in numbers):
        raise InvalidFilter(
            "BBOX chỉ gồm số. Hãy ghi như BBOX(105,21,106,22)",
            "BBOX holds numbers only. Write it like BBOX(105,21,106,22)",
            position=position,
        )
    values = [float(number_literal(item, position).value) for item in numbers]  # type: ignore[arg-type]
    box = bbox_from_numbers(values, filter_crs, parameter="filter")
    return GeometryLiteral(to_storage_polygon(box, filter_crs, parameter="filter"), position)


def date_literal(text: str, position: Position) -> Literal:
    """Return the date of ``YYYY-MM-DD``.

    Raises:
        InvalidFilter: it is no date.
    """
    day = parse_date(text)
    if day is None:
        raise _invalid(text, "DATE('2025-07-01')", position)
    return Literal(day, position)


def timestamp_literal(text: str, position: Position) -> Literal:
    """Return the RFC 3339 date-time in UTC.

    Raises:
        InvalidFilter: it is no date-time, or has no time zone.
    """
    instant = parse_timestamp(text)
    if instant is None:
        raise _invalid(text, "TIMESTAMP('2025-07-01T00:00:00Z')", position)
    return Literal(instant, position)


def instant_literal(text: str, position: Position) -> Literal | None:
    """Return the date or date-time that ends an interval; None for the open end ``..``.

    Raises:
        InvalidFilter: it is neither.
    """
    if text == "..":
        return None
    value: date | datetime | None = parse_date(text) or parse_timestamp(text)
    if value is None:
        raise _invalid(text, "INTERVAL('2025-07-01','..')", position)
    return Literal(value, position)


def _invalid(text: str, example: str, position: Position) -> InvalidFilter:
    return InvalidFilter(
        f"Thời gian '{shorten(text)}' không đúng. Hãy ghi như {example}",
        f"Time '{shorten(text)}' is not valid. Write it like {example}",
        position=position,
    )
