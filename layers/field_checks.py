"""Values of one field: brought to the field's type, and checked at least as strictly as its table does."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from layers.definition import Field, FieldType
from layers.errors import suggestion

IntArray = NDArray[np.intp]
VIETNAM_TIME: Final = timezone(timedelta(hours=7))
FIRST_YEAR: Final = 1800
LAST_YEAR: Final = 2199
_INT64: Final = 2**63
# Controls other than tab and newline, direction marks that disguise text, halves of surrogate pairs, soft
# hyphens (TCVN3's "ư" read wrongly), and the mark of a lost character: none belongs in a register.
_FORBIDDEN: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffd-\uffff]"
)
_WHOLE: Final = re.compile(r"[+-]?\d{1,19}(\.0+)?")
_DECIMAL: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?")
_ISO_DAY: Final = re.compile(r"(\d{4})-(\d{2})-(\d{2})([T ]00:00(:00(\.0+)?)?)?")
_VIETNAMESE_DAY: Final = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})")
_TRUTHS: Final = {
    **dict.fromkeys(("true", "t", "1", "1.0", "yes", "y", "có", "đúng", "x", "đạt"), True),
    **dict.fromkeys(("false", "f", "0", "0.0", "no", "n", "không", "sai", "chưa", "chưa đạt"), False),
}


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a value is refused and what to do, in both languages; never holds the value itself."""

    vi: str
    en: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One value of a frame that breaks one rule; ``position`` counts rows of the frame from 0."""

    position: int
    field: str | None
    value: object
    reason: Reason


def clean_text(value: object) -> str | None:
    """Returns a value as trimmed NFC text, or None where nothing is left; whole floats lose their “.0”."""
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, float | np.floating) and float(value).is_integer():
        value = int(value)
    text = value if isinstance(value, str) else str(value)
    if not text.isascii():
        text = unicodedata.normalize("NFC", text.replace("\ufeff", "").replace("\u200b", ""))
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.strip() or None


def check_field(field: Field, values: pd.Series) -> tuple[pd.Series, list[Finding]]:
    """Returns the values in the field's type with null where refused, and what was found.

    Each different value is judged once, so cost follows the number of different values.
    """
    if field.type in (FieldType.INTEGER, FieldType.NUMBER) and _is_numeric(values):
        return _check_numbers(field, values)
    judge = _Judge(field)
    codes, distinct = _distinct(values)
    verdicts = [judge(value) for value in distinct]
    parsed = np.empty(len(distinct) + 1, dtype=object)
    parsed[:-1] = [verdict[0] for verdict in verdicts]
    found = [
        Finding(position, field.name, distinct[codes[position]], reason)
        for position in _positions(codes, [bool(reasons) for _, reasons in verdicts])
        for reason in verdicts[codes[position]][1]
    ]
    result = pd.Series(parsed[codes], index=values.index, dtype=object)
    return _typed(field, result), [*found, *_missing(field, result, found)]


def missing_everywhere(field: Field, count: int) -> list[Finding]:
    """Returns a finding for each row of a frame that lacks a required field altogether."""
    return [Finding(position, field.name, "", _absent(field)) for position in range(count)]


def _typed(field: Field, values: pd.Series) -> pd.Series:
    if field.type is FieldType.INTEGER:
        return values.astype("Int64")
    if field.type is FieldType.NUMBER:
        return values.astype("float64")
    return values


def _positions(codes: IntArray, refused: list[bool]) -> Iterator[int]:
    if not any(refused):
        return iter(())
    mask = np.array([*refused, False])
    return (int(position) for position in np.flatnonzero(mask[codes]))


def _missing(field: Field, values: pd.Series, found: Iterable[Finding]) -> list[Finding]:
    if not field.required:
        return []
    refused = {finding.position for finding in found}
    empty = np.flatnonzero(values.isna().to_numpy())
    reason = _absent(field)
    return [Finding(int(at), field.name, "", reason) for at in empty if int(at) not in refused]


def _absent(field: Field) -> Reason:
    return Reason(
        f"thiếu “{field.title.vi}”; trường này bắt buộc, hãy điền.",
        f'"{field.title.en}" is missing; the field is required, fill it in.',
    )


def _is_numeric(values: pd.Series) -> bool:
    if values.dtype == object:
        return pd.api.types.infer_dtype(values, skipna=True) == "floating"
    return pd.api.types.is_numeric_dtype(values.dtype) and not pd.api.types.is_bool_dtype(values.dtype)


def _check_numbers(field: Field, values: pd.Series) -> tuple[pd.Series, list[Finding]]:
    """Checks a column of numbers at once; NaN is an absent value, infinity a refused one."""
    if values.dtype == object:
        values = values.astype("float64")
    numbers = values.to_numpy(dtype="float64", na_value=math.nan)
    rules: list[tuple[NDArray[np.bool_], Reason]] = [(np.isinf(numbers), _not_a_number(field))]
    if field.type is FieldType.INTEGER:
        finite = np.isfinite(numbers)
        broken = finite & ((numbers != np.floor(numbers)) | (np.abs(numbers) >= _INT64))
        rules.append((broken, _not_whole(field)))
    if field.minimum is not None:
        rules.append(((numbers < field.minimum) & np.isfinite(numbers), _too_small(field)))
    if field.maximum is not None:
        rules.append(((numbers > field.maximum) & np.isfinite(numbers), _too_large(field)))
    found = [
        Finding(int(at), field.name, values.iloc[int(at)], reason)
        for mask, reason in rules
        for at in np.flatnonzero(mask)
    ]
    whole = values.astype("Int64") if pd.api.types.is_integer_dtype(values.dtype) else values
    kept = whole.mask(np.logical_or.reduce([mask for mask, _ in rules]))
    return _typed(field, kept), [*found, *_missing(field, kept, found)]


def _distinct(values: pd.Series) -> tuple[IntArray, NDArray[np.object_]]:
    """Returns the different values, absent ones left out, and which of them each row has (-1: absent)."""
    objects = values.to_numpy(dtype=object)
    try:
        return pd.factorize(objects)
    except TypeError:
        hashable = np.empty(len(objects), dtype=object)
        hashable[:] = [tuple(value) if isinstance(value, list | set | np.ndarray) else value for value in objects]
        return pd.factorize(hashable)


class _Judge:
    """The rules of one field, made ready once for many values."""

    def __init__(self, field: Field) -> None:
        self._field = field
        self._codes = frozenset(field.codes.codes) if field.codes else None
        # ASCII classes are the narrowest reading that PostgreSQL may give \w and \d under any locale.
        self._pattern = re.compile(field.pattern, re.ASCII) if field.pattern is not None else None
        self._read: Callable[[object], tuple[object, tuple[Reason, ...]]] = {
            FieldType.TEXT: self._text,
            FieldType.TEXT_ARRAY: self._array,
            FieldType.INTEGER: self._integer,
            FieldType.NUMBER: self._number,
            FieldType.BOOLEAN: self._boolean,
            FieldType.DATE: self._date,
            FieldType.DATETIME: self._datetime,
        }[field.type]

    def __call__(self, value: object) -> tuple[object, tuple[Reason, ...]]:
        """Returns the value in the field's type and no reason, or None and the reasons against it."""
        parsed, reasons = self._read(value)
        return (None, reasons) if reasons else (parsed, ())

    def _text(self, value: object) -> tuple[object, tuple[Reason, ...]]:
        if isinstance(value, tuple | bytes):
            return None, (_not_text(self._field),)
        text = clean_text(value)
        return (None, ()) if text is None else (text, tuple(self._text_problems(text)))

    def _text_problems(self, text: str) -> Iterator[Reason]:
        field = self._field
        if _FORBIDDEN.search(text):
            yield Reason(
                f"“{field.title.vi}” có ký tự điều khiển hoặc ký tự hỏng (sai bảng mã); hãy gõ lại.",
                f'"{field.title.en}" holds control or broken characters (wrong encoding); type it again.',
            )
        if field.max_length is not None and len(text) > field.max_length:
            yield Reason(
                f"“{field.title.vi}” dài quá {field.max_length} ký tự; hãy rút ngắn.",
                f'"{field.title.en}" is longer than {field.max_length} characters; shorten it.',
            )
        if self._codes is not None and text not in self._codes:
            yield self._unknown_code(text)
        if self._pattern is not None and not self._pattern.search(text):
            yield self._bad_form(text)

    def _unknown_code(self, text: str) -> Reason:
        codes = self._field.codes.codes if self._field.codes else ()
        vi, en = ("", "") if self._field.personal else suggestion(text, codes)
        listing = ", ".join(codes[:12]) + (" …" if len(codes) > 12 else "")
        return Reason(
            f"“{self._field.title.vi}” không có trong danh mục mã.{vi} Dùng một trong: {listing}.",
            f'"{self._field.title.en}" is not in its code list.{en} Use one of: {listing}.',
        )

    def _bad_form(self, text: str) -> Reason:
        pattern, longest = self._field.pattern, self._field.max_length
        padded = text.isdigit() and longest is not None and len(text) < longest
        lost = padded and self._pattern is not None and self._pattern.search(text.zfill(longest or 0)) is not None
        vi = " Có thể đã mất số 0 ở đầu." if lost else ""
        en = " Leading zeros may have been lost." if lost else ""
        return Reason(
            f"“{self._field.title.vi}” không đúng mẫu {pattern}.{vi} Hãy sửa lại.",
            f'"{self._field.title.en}" does not have the form {pattern}.{en} Correct it.',
        )

    def _array(self, value: object) -> tuple[object, tuple[Reason, ...]]:
        separators = r"[;,+]" if self._codes is not None else ";"
        parts = value if isinstance(value, tuple) else re.split(separators, str(value))
        texts = [clean_text(part) for part in parts if not pd.isna(part)]
        kept = tuple(dict.fromkeys(text for text in texts if text))
        reasons = dict.fromkeys(reason for text in kept for reason in self._text_problems(text))
        return (list(kept) if kept else None), tuple(reasons)

    def _integer(self, value: object) -> tuple[object, tuple[Reason, ...]]:
        text = clean_text(value)
        if text is None:
            return None, ()
        number = int(text.split(".")[0]) if _WHOLE.fullmatch(text) else None
        if number is None or not -_INT64 <= number < _INT64:
            return None, (_not_whole(self._field),)
        return number, self._range_problems(number)

    def _number(self, value: object) -> tuple[object, tuple[Reason, ...]]:
        text = clean_text(value)
        if text is None:
            return None, ()
        number = float(text) if _DECIMAL.fullmatch(text) else math.nan
        if not math.isfinite(number):
            return None, (_not_a_number(self._field),)
        return number, self._range_problems(number)

    def _range_problems(self, number: float) -> tuple[Reason, ...]:
        field = self._field
        if field.minimum is not None and number < field.minimum:
            return (_too_small(field),)
        if field.maximum is not None and number > field.maximum:
            return (_too_large(field),)
        return ()

    def _boolean(self, value: object) -> tuple[object, tuple[Reason, ...]]:
        text = clean_text(value)
        if text is None:
            return None, ()
        truth = _TRUTHS.get(text.lower())
        if truth is not None:
            return truth, ()
        title = self._field.title
        return None, (Reason(f"“{title.vi}” phải là có hoặc không.", f'"{title.en}" must be true or false.'),)

    def _date(self, value: object) -> tuple[object, tuple[Reason, ...]]:
        if isinstance(value, datetime):
            moment = value.astimezone(VIETNAM_TIME) if value.tzinfo else value
            return self._plausible(moment.date())
        if isinstance(value, date):
            return self._plausible(value)
        text = clean_text(value)
        return (None, ()) if text is None else self._plausible(_day_of(text))

    def _datetime(self, value: object) -> tuple[object, tuple[Reason, ...]]:
        if isinstance(value, pd.Timestamp):
            value = value.to_pydatetime(warn=False)
        if isinstance(value, date) and not isinstance(value, datetime):
            value = datetime(value.year, value.month, value.day, tzinfo=VIETNAM_TIME)
        if not isinstance(value, datetime):
            text = clean_text(value)
            if text is None:
                return None, ()
            value = _moment_of(text)
        if value is not None and value.tzinfo is None:
            value = value.replace(tzinfo=VIETNAM_TIME)
        return self._plausible(value)

    def _plausible(self, day: date | None) -> tuple[object, tuple[Reason, ...]]:
        if day is not None and FIRST_YEAR <= day.year <= LAST_YEAR:
            return day, ()
        title = self._field.title
        return None, (
            Reason(
                f"“{title.vi}” phải là ngày có thật từ năm {FIRST_YEAR} đến {LAST_YEAR}, viết YYYY-MM-DD hoặc d/m/Y.",
                f'"{title.en}" must be a real date between {FIRST_YEAR} and {LAST_YEAR}: YYYY-MM-DD or d/m/Y.',
            ),
        )


def _day_of(text: str) -> date | None:
    iso, local = _ISO_DAY.fullmatch(text), _VIETNAMESE_DAY.fullmatch(text)
    try:
        if iso:
            return date(int(iso[1]), int(iso[2]), int(iso[3]))
        return date(int(local[3]), int(local[2]), int(local[1])) if local else None
    except ValueError:
        return None


def _moment_of(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        day = _day_of(text)
        return datetime(day.year, day.month, day.day, tzinfo=VIETNAM_TIME) if day else None


def _not_text(field: Field) -> Reason:
    return Reason(f"“{field.title.vi}” phải là chữ.", f'"{field.title.en}" must be text.')


def _not_whole(field: Field) -> Reason:
    return Reason(
        f"“{field.title.vi}” phải là số nguyên, không kèm chữ.",
        f'"{field.title.en}" must be a whole number without letters.',
    )


def _not_a_number(field: Field) -> Reason:
    return Reason(
        f"“{field.title.vi}” phải là một số hữu hạn, không kèm chữ.",
        f'"{field.title.en}" must be one finite number without letters.',
    )


def _too_small(field: Field) -> Reason:
    return Reason(
        f"“{field.title.vi}” nhỏ hơn mức thấp nhất {field.minimum:.15g}; hãy kiểm tra đơn vị và số.",
        f'"{field.title.en}" is below the least value {field.minimum:.15g}; check unit and figure.',
    )


def _too_large(field: Field) -> Reason:
    return Reason(
        f"“{field.title.vi}” lớn hơn mức cao nhất {field.maximum:.15g}; hãy kiểm tra đơn vị và số.",
        f'"{field.title.en}" is above the greatest value {field.maximum:.15g}; check unit and figure.',
    )
