"""The ``sortby`` parameter, and cursors that say where the next page begins."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from datetime import date, datetime
from typing import Final

import orjson

from app.problems import BadParameter
from layers.catalogue import Layer
from layers.definition import FieldType
from layers.reader import SYSTEM_PROPERTIES
from layers.tables import measure_column
from spatial.sorting import MAX_SORT_KEYS, SORTABLE_TYPES, SortKey

# A key of the order may be a long text; a URL of this length still passes every proxy.
MAX_CURSOR: Final = 6000
MAX_FID: Final = 2**63 - 1
_SIGNS: Final = {"-": True, "+": False, " ": False}  # in a query string a bare plus arrives as a blank
_CURSOR: Final = re.compile(r"[0-9a-z]{1,13}")
_SORTED_CURSOR: Final = re.compile(r"[0-9A-Za-z_-]{1,6000}")
_BASE36: Final = "0123456789abcdefghijklmnopqrstuvwxyz"


def sortable_types(layer: Layer) -> dict[str, str]:
    """Types of the properties that features may be sorted by; lists have no order."""
    types = {field.name: field.type.value for field in layer.definition.public_fields}
    types |= {item.name: item.type for item in SYSTEM_PROPERTIES} | {"fid": FieldType.INTEGER.value}
    measure = measure_column(layer.definition)
    if measure:
        types[measure[0]] = FieldType.NUMBER.value
    return {name: kind for name, kind in types.items() if kind in SORTABLE_TYPES}


def parse_sortby(text: str | None, layer: Layer) -> tuple[SortKey, ...]:
    """The keys of ``sortby=-name,+code`` (OGC API - Features Part 8, sortby; Records Part 1, 7.4.2).

    Raises:
        BadParameter: A property is unknown, cannot be sorted by, or is named twice; or there are too many.
    """
    if not text:
        return ()
    types = sortable_types(layer)
    keys = []
    for part in text.split(","):
        descending = _SIGNS.get(part[:1])
        name = part if descending is None else part[1:]
        if name not in types:
            listed = ", ".join(types)
            raise BadParameter(
                "sortby",
                f"Không sắp xếp được theo “{name[:60]}”. Hãy dùng: {listed}.",
                f'Features cannot be sorted by "{name[:60]}". Use: {listed}.',
            )
        keys.append(SortKey(name, types[name], descending=bool(descending)))
    if len({key.name for key in keys}) < len(keys) or len(keys) > MAX_SORT_KEYS:
        raise BadParameter(
            "sortby",
            f"“sortby” nêu mỗi thuộc tính một lần, nhiều nhất {MAX_SORT_KEYS} thuộc tính.",
            f'"sortby" names each property once, and at most {MAX_SORT_KEYS} of them.',
        )
    return tuple(keys)


def make_cursor(fid: int) -> str:
    """Text of a page cursor: the fid in base 36, safe in a URL."""
    digits = ""
    while fid:
        fid, digit = divmod(fid, 36)
        digits = _BASE36[digit] + digits
    return digits or "0"


def parse_cursor(text: str | None) -> int:
    """The fid that a cursor names; -1 where there is none.

    Raises:
        BadParameter: The text is no cursor of this service.
    """
    if text is None:
        return -1
    if not _CURSOR.fullmatch(text) or int(text, 36) > MAX_FID:
        raise _bad_cursor()
    return int(text, 36)


def make_sorted_cursor(keys: Sequence[SortKey], place: str) -> str:
    """Text of a cursor in an order: the order itself, and the JSON of a feature's values and fid."""
    document = orjson.dumps([_order(keys), *orjson.loads(place)])
    return base64.urlsafe_b64encode(document).rstrip(b"=").decode()


def parse_sorted_cursor(text: str | None, keys: Sequence[SortKey]) -> tuple[object, ...] | None:
    """The values of the keys and the fid that a cursor names; None where there is none.

    Raises:
        BadParameter: The text is no cursor of this service in this order.
    """
    if text is None:
        return None
    if not _SORTED_CURSOR.fullmatch(text):
        raise _bad_cursor()
    try:
        document = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, orjson.JSONDecodeError):
        raise _bad_cursor() from None
    if not isinstance(document, list) or len(document) != len(keys) + 2 or document[0] != _order(keys):
        raise _bad_cursor()
    kinds = [*(key.type for key in keys), FieldType.INTEGER.value]
    values = tuple(_value(value, kind) for value, kind in zip(document[1:], kinds, strict=True))
    if values[-1] is None:
        raise _bad_cursor()
    return values


def _order(keys: Sequence[SortKey]) -> str:
    return ",".join(key.text for key in keys)


def _value(value: object, kind: str) -> object:
    """A value of a cursor as its column's type."""
    if value is None:
        return None
    match kind, value:
        case "boolean", bool():
            return value
        case "integer", int() if not isinstance(value, bool) and abs(value) <= MAX_FID:
            return value
        case "number", int() | float() if not isinstance(value, bool):
            return float(value)
        case "text", str() if "\x00" not in value:
            return value
        case "date" | "datetime", str():
            return _moment(value, kind)
    raise _bad_cursor()


def _moment(text: str, kind: str) -> date | datetime:
    try:
        if kind == "date":
            return date.fromisoformat(text)
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise _bad_cursor() from None
    if moment.tzinfo is None:
        raise _bad_cursor()
    return moment


def _bad_cursor() -> BadParameter:
    return BadParameter(
        "cursor",
        "“cursor” không hợp lệ; hãy lấy nguyên văn từ liên kết “next” của trang trước.",
        '"cursor" is malformed; take it as it is from the "next" link of the page before.',
    )
