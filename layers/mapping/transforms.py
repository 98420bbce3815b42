"""The few steps that turn columns of a source into values of a field; what cannot be read stays as it is.

A value that a step cannot read is passed on unchanged, so that the row checks refuse the row and show the
value as its owner wrote it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Final

import pandas as pd

from layers.field_checks import clean_text
from layers.mapping.model import FieldRule, NumberStyle

_DATE_LETTERS: Final = frozenset("dmYyHIMSp")
_DATE_FORM: Final = re.compile(r"[dmYyHIMSp/.: -]+")
_GROUPED: Final = re.compile(r"[+-]?\d{1,3}(\.\d{3})+(,\d+)?")
_COMMA: Final = re.compile(r"[+-]?\d+,\d+")
_PLAIN: Final = re.compile(r"[+-]?\d+(\.\d+)?")
_PLACES: Final = 9


def tidy(value: object) -> str | None:
    """Returns a value as NFC text on one line, blanks trimmed and runs of them made one; None where empty."""
    if value is None or pd.isna(value):  # type: ignore[call-overload]
        return None
    text = clean_text(value)
    return (" ".join(text.split()) or None) if text else None


def folded(text: str) -> str:
    """Returns text in the form in which source texts and codes are compared."""
    return (tidy(text) or "").casefold()


def strptime_form(written: str) -> str | None:
    """Returns the strptime form of a date written in its letters (d/m/Y), or None where it is none."""
    if not _DATE_FORM.fullmatch(written):
        return None
    return "".join(f"%{letter}" if letter in _DATE_LETTERS else letter for letter in written)


def apply_rule(rule: FieldRule, columns: list[pd.Series], index: pd.Index) -> pd.Series:
    """Returns the values of one field.

    Args:
        rule: The steps.
        columns: The columns that the rule names, in its order.
        index: Index of the source's rows.
    """
    if rule.value is not None:
        return pd.Series([rule.value] * len(index), index=index, dtype=object)
    if not rule.makes_text:
        column = columns[0]
        if pd.api.types.is_numeric_dtype(column.dtype) or pd.api.types.is_datetime64_any_dtype(column.dtype):
            return _scaled(rule, column)
        return pd.Series([tidy(value) for value in column], index=index, dtype=object)
    values: list[object] = list(_joined(rule, columns))
    for applies, step in _STEPS:
        if applies(rule):
            values = [step(rule, value) if isinstance(value, str) else value for value in values]
    if rule.otherwise:
        values = [rule.otherwise if value is None else value for value in values]
    return pd.Series(values, index=index, dtype=object)


def _scaled(rule: FieldRule, column: pd.Series) -> pd.Series:
    if rule.times is None or not pd.api.types.is_numeric_dtype(column.dtype):
        return column
    return (column.astype("float64") * rule.times).round(_PLACES)


def _joined(rule: FieldRule, columns: list[pd.Series]) -> list[str | None]:
    texts = [[tidy(value) for value in column] for column in columns]
    return [rule.join.join(part for part in parts if part) or None for parts in zip(*texts, strict=True)]


def _extract(rule: FieldRule, text: str) -> str | None:
    found = rule.extract.search(text) if rule.extract else None
    return found[1] if found else None


def _translate(rule: FieldRule, text: str) -> str | None:
    key = folded(text)
    if key in rule.codes:
        return rule.codes[key] or None
    for piece, code in rule.contains:
        if piece in key:
            return code or None
    return text if rule.otherwise is None else rule.otherwise or None


def _number(rule: FieldRule, text: str) -> object:
    """Reads one number: 1.234,5 and 12,5 in style vi; 1.234 is a thousand there and a decimal in style point."""
    digits = text.replace(" ", "")
    if rule.unit and digits.casefold().endswith(rule.unit.casefold()):
        digits = digits[: -len(rule.unit)]
    if rule.number is NumberStyle.VI and _GROUPED.fullmatch(digits):
        plain = digits.replace(".", "").replace(",", ".")
    elif _COMMA.fullmatch(digits):
        plain = digits.replace(",", ".")
    elif _PLAIN.fullmatch(digits):
        plain = digits
    else:
        return text
    value = float(plain) * (rule.times if rule.times is not None else 1.0)
    return round(value, _PLACES)


def _date(rule: FieldRule, text: str) -> date | str:
    for form in rule.dates:
        try:
            # A date has no zone; only its calendar day is kept.
            return datetime.strptime(text, form).date()  # noqa: DTZ007
        except ValueError:
            continue
    return text


def _prefixed(rule: FieldRule, text: str) -> str:
    return rule.prefix + text


_Step = Callable[[FieldRule, str], object]
_STEPS: Final[tuple[tuple[Callable[[FieldRule], bool], _Step], ...]] = (
    (lambda rule: rule.extract is not None, _extract),
    (lambda rule: bool(rule.codes or rule.contains) or rule.otherwise is not None, _translate),
    (lambda rule: rule.number is not None, _number),
    (lambda rule: bool(rule.dates), _date),
    (lambda rule: bool(rule.prefix), _prefixed),
)
