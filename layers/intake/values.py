"""Values of columns in the forms that people write, brought to the forms that the checks of fields read.

Each distinct value is looked at once. What cannot be read is left as it is, so that its row is refused with it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np
import pandas as pd

from layers.definition import CodeList, Field, FieldType
from layers.intake.vietnamese import bare, same_name_form

_SEPARATORS: Final = re.compile(r"[;,+/&]")
_GROUPED_VI: Final = re.compile(r"[-+]?\d{1,3}(\.\d{3})+(,\d+)?")
_GROUPED_EN: Final = re.compile(r"[-+]?\d{1,3}(,\d{3})+(\.\d+)?")
_COMMA: Final = re.compile(r"[-+]?\d+,\d+")
_WITH_UNIT: Final = re.compile(
    r"(?P<number>[-+]?[\d.,]+(?:\s\d{3})*)\s*(?P<unit>m2|m²|ha|km2|km²|km|m|đ|đồng|vnd|vnđ|tr|triệu|triệu đồng"
    r"|tỷ|tỷ đồng|%|người|hộ|cái|chiếc|tấn|kg)\.?",
    re.IGNORECASE,
)
_SPACED: Final = re.compile(r"[-+]?\d{1,3}([ \u00a0]\d{3})+([.,]\d+)?")
_TO_BASE: Final[Mapping[str, tuple[str, float]]] = {
    "m2": ("m²", 1), "m²": ("m²", 1), "ha": ("m²", 1e4), "hecta": ("m²", 1e4), "km2": ("m²", 1e6), "km²": ("m²", 1e6),
    "m": ("m", 1), "km": ("m", 1e3), "cm": ("m", 0.01), "mm": ("m", 0.001),
    "đ": ("đồng", 1), "đồng": ("đồng", 1), "dong": ("đồng", 1), "vnd": ("đồng", 1), "vnđ": ("đồng", 1),
    "nghìn đồng": ("đồng", 1e3), "thousand": ("đồng", 1e3),
    "tr": ("đồng", 1e6), "triệu": ("đồng", 1e6), "triệu đồng": ("đồng", 1e6), "trđ": ("đồng", 1e6),
    "million": ("đồng", 1e6),
    "tỷ": ("đồng", 1e9), "tỷ đồng": ("đồng", 1e9), "billion": ("đồng", 1e9),
    "kg": ("kg", 1), "tấn": ("kg", 1e3),
}  # fmt: skip
_IN_TITLE: Final = re.compile(r"[(\[]\s*([^)\]]+?)\s*[)\]]\s*$")
_MONTH: Final = re.compile(r"(?:tháng\s*)?(\d{1,2})\s*(?:[/.-]|\s*năm\s*)\s*(\d{4})", re.IGNORECASE)
_WORDED: Final = re.compile(r"(?:ngày\s*)?(\d{1,2})\s*tháng\s*(\d{1,2})\s*năm\s*(\d{4})", re.IGNORECASE)
_SHORT_YEAR: Final = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{2})")
_COMPACT: Final = re.compile(r"(19|20)(\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])")
_YEAR: Final = re.compile(r"(1[89]\d{2}|20\d{2}|21\d{2})")
_DAY_TIME: Final = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})\s+\d{1,2}:\d{2}(:\d{2})?")
_SERIAL: Final = re.compile(r"[2-6]\d{4}(\.0)?")
_SERIAL_DAY_ZERO: Final = date(1899, 12, 30)


@dataclass(slots=True)
class Tally:
    """How often each kind of change was made, with one value as an example: (from, to)."""

    counts: dict[str, int]
    examples: dict[str, tuple[str, str]]

    def note(self, kind: str, before: str, after: str, times: int) -> None:
        """Counts a change of one distinct value that ``times`` rows have."""
        self.counts[kind] = self.counts.get(kind, 0) + times
        self.examples.setdefault(kind, (before, after))


@dataclass(frozen=True, slots=True)
class ValueContext:
    """What a conversion may know: the day for code lists, known units, and the unit of measure of the column."""

    today: date
    known_units: frozenset[str]
    factor: float = 1.0


def convert(field: Field, series: pd.Series, context: ValueContext) -> tuple[pd.Series, Tally]:
    """Returns the values of a column in forms that the field's check reads, and what was changed."""
    tally = Tally({}, {})
    is_number = pd.api.types.is_numeric_dtype(series.dtype) and not pd.api.types.is_bool_dtype(series.dtype)
    if is_number and field.type in (FieldType.NUMBER, FieldType.INTEGER):
        return _scaled(series, context.factor, tally), tally
    step = _step(field, context)
    if step is None:
        return series, tally
    codes, distinct = pd.factorize(series)
    counts = np.bincount(codes[codes >= 0], minlength=len(distinct))
    parsed = np.empty(len(distinct) + 1, dtype=object)
    parsed[-1] = None
    for at, value in enumerate(distinct):
        parsed[at], kind = step(value)
        if kind:
            tally.note(kind, str(value), _shown(parsed[at]), int(counts[at]))
    return pd.Series(parsed[codes], index=series.index, dtype=object), tally


def _shown(value: object) -> str:
    return "; ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _scaled(series: pd.Series, factor: float, tally: Tally) -> pd.Series:
    if factor == 1.0:
        return series
    tally.note("value.unit", "1", f"{factor:g}", int(series.notna().sum()))
    return (series.astype("float64") * factor).round(6)


_Step = Callable[[object], tuple[object, str | None]]


def _step(field: Field, context: ValueContext) -> _Step | None:
    if field.type in (FieldType.NUMBER, FieldType.INTEGER):
        return lambda value: _number(field, value, context.factor)
    if field.type is FieldType.DATE:
        return _date
    if field.codes is not None:
        lookup = code_lookup(field.codes, context.today)
        if field.type is FieldType.TEXT_ARRAY:
            return lambda value: _compound(str(value), lookup)
        return lambda value: _code(str(value), lookup)
    if field.pattern in ("^[0-9]{5}$", "^[0-9]{2}$"):
        width = 5 if "5" in field.pattern else 2
        return lambda value: _admin_code(value, width, context.known_units)
    return None


def _number(field: Field, value: object, factor: float) -> tuple[object, str | None]:
    text = str(value).strip().replace("\u00a0", " ")
    found = _WITH_UNIT.fullmatch(text)
    kind = None
    if found:
        unit = _TO_BASE.get(found["unit"].casefold())
        own = _TO_BASE.get((field.unit or "").casefold())
        text = found["number"].strip()
        if unit and own and unit[0] == own[0]:
            factor, kind = unit[1] / own[1], "value.unit-text"
        elif found["unit"].casefold() == (field.unit or "").casefold():
            kind = "value.unit-text"
        else:
            return value, None
    plain = plain_number(text)
    if plain is None:
        return value, None
    kind = kind or ("value.decimal" if plain != text else None)
    if factor == 1.0:
        return plain, kind
    return round(float(plain) * factor, 6), kind if kind == "value.unit-text" else "value.unit"


def plain_number(text: str) -> str | None:
    """Returns a number with a decimal point and no groups: 1.234,5 and 12,5 as in Viet Nam, 1,234.5 as in English.

    One dot before three digits is a decimal point, for computers write so; two are groups.
    """
    if _SPACED.fullmatch(text):
        text = text.replace(" ", "")
    if _GROUPED_VI.fullmatch(text) and ("," in text or text.count(".") > 1):
        return text.replace(".", "").replace(",", ".")
    if _GROUPED_EN.fullmatch(text) and ("." in text or text.count(",") > 1):
        return text.replace(",", "")
    if _COMMA.fullmatch(text):
        return text.replace(",", ".")
    try:
        float(text)
    except ValueError:
        return None
    return text


def _date(value: object) -> tuple[object, str | None]:
    if not isinstance(value, str):
        number = str(value).removesuffix(".0")
        return _date_text(number) if number.isdigit() else (value, None)
    return _date_text(value.strip())


def _date_text(text: str) -> tuple[object, str | None]:
    try:
        if found := _WORDED.fullmatch(text):
            return date(int(found[3]), int(found[2]), int(found[1])), "date.written"
        if found := _DAY_TIME.fullmatch(text):
            return date(int(found[3]), int(found[2]), int(found[1])), None
        if found := _COMPACT.fullmatch(text):
            return date(int(found[1] + found[2]), int(found[3]), int(found[4])), "date.written"
        if found := _SHORT_YEAR.fullmatch(text):
            year = int(found[3]) + (2000 if int(found[3]) < 50 else 1900)
            return date(year, int(found[2]), int(found[1])), "date.short-year"
        if found := _MONTH.fullmatch(text):
            return date(int(found[2]), int(found[1]), 1), "date.month-only"
    except ValueError:
        return text, None
    if _YEAR.fullmatch(text):
        return date(int(text), 1, 1), "date.year-only"
    if _SERIAL.fullmatch(text):
        return _SERIAL_DAY_ZERO + timedelta(days=int(float(text))), "date.serial"
    return text, None


@dataclass(frozen=True, slots=True)
class CodeLookup:
    """A code list as it is written: codes in any case, labels with and without tone marks, codes replaced since."""

    codes: Mapping[str, str]
    labels: Mapping[str, str]
    replaced: Mapping[str, str]


def code_lookup(codes: CodeList, today: date) -> CodeLookup:
    """Prepares a code list for reading values of this day."""
    labels: dict[str, str] = {}
    for entry in codes.entries:
        for label in (entry.label.vi, entry.label.en):
            labels.setdefault(same_name_form(label), entry.code)
            labels.setdefault(bare(label), entry.code)
            labels.setdefault(bare(label.removeprefix("Đất ")), entry.code)
    follows = {entry.code: entry.replaced_by for entry in codes.entries if entry.replaced_by}
    replaced = {}
    for entry in codes.entries:
        last, seen = entry.code, set()
        while last in follows and last not in seen:
            seen.add(last)
            last = str(follows[last])
        if last != entry.code and not entry.in_force(today):
            replaced[entry.code] = last
    return CodeLookup({entry.code.casefold(): entry.code for entry in codes.entries}, labels, replaced)


def _code(text: str, lookup: CodeLookup) -> tuple[object, str | None]:
    plain = text.strip().removesuffix(".0")
    code, kind = lookup.codes.get(plain.casefold()), None
    if code is None:
        code = lookup.labels.get(same_name_form(plain)) or lookup.labels.get(bare(plain))
        if code is None:
            return text, None
        kind = "code.from-label"
    elif code != text:
        kind = "code.spelling"
    if code in lookup.replaced:
        return lookup.replaced[code], "code.translated"
    return code, kind


def _compound(text: str, lookup: CodeLookup) -> tuple[object, str | None]:
    whole = _code(text, lookup)
    if whole[0] in lookup.codes.values():
        return (whole[0],), whole[1]
    pieces = [_code(piece, lookup) for piece in _pieces(text)]
    kinds = [kind for _, kind in pieces if kind]
    kind = "code.translated" if "code.translated" in kinds else next(iter(kinds), None)
    return tuple(piece for piece, _ in pieces), kind or ("code.compound" if len(pieces) > 1 else None)


def _pieces(text: str) -> list[str]:
    """The parts of a compound value: of a JSON list, which GeoPackage keeps as text, or between separators."""
    if text.lstrip().startswith("["):
        try:
            listed = json.loads(text)
        except ValueError:
            listed = None
        if isinstance(listed, list):
            return [str(item).strip() for item in listed if item is not None and str(item).strip()]
    return [piece.strip() for piece in _SEPARATORS.split(text) if piece.strip()]


def derived_codes(text: object, lookup: CodeLookup) -> tuple[tuple[str, ...], tuple[str, ...], str | None]:
    """Returns the codes written in a text, what in it is no code, and the kind of change."""
    found, kind = _compound(str(text), lookup)
    pieces = found if isinstance(found, tuple) else (found,)
    known = set(lookup.codes.values())
    codes = tuple(dict.fromkeys(str(piece) for piece in pieces if piece in known))
    return codes, tuple(str(piece) for piece in pieces if piece not in known), kind


def _admin_code(value: object, width: int, known: frozenset[str]) -> tuple[object, str | None]:
    text = str(value).strip().removesuffix(".0")
    if not text.isdigit() or len(text) >= width:
        return text, None
    padded = text.zfill(width)
    if known and padded not in known:
        return text, None
    return padded, "code.zeros"


def unit_factor(field: Field, column: str | None, wished: str | None) -> float | None:
    """Returns by what a column must be multiplied, by the unit that the person or its title names; None where unclear.

    A unit of another kind than the field's (hectares for a length) is not understood.
    """
    own = _TO_BASE.get((field.unit or "").casefold())
    title = _IN_TITLE.search(column or "")
    name = wished or (title[1] if title else None)
    if name is None or own is None:
        return 1.0
    unit = _TO_BASE.get(name.casefold().strip())
    if unit is None:
        return 1.0 if wished is None else None
    return unit[1] / own[1] if unit[0] == own[0] else None
