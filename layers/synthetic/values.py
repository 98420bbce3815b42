"""Made-up values for any field of a definition, always within the field's own constraints."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.random import Generator

from layers.definition import Definition, Field, FieldType
from layers.synthetic import names, patterns
from layers.synthetic.province import REFERENCE_DATE

Column = list[object]

_KEPT: Final = ("name", "title", "state", "kind", "level")

_FUTURE: Final = {"expires", "expiry", "to", "until", "due", "deadline", "term", "end"}
_CLOSING: Final = {
    "finished", "closed", "resolved", "repaired", "completed", "ended", "answered", "handled", "result", "paid",
}  # fmt: skip
_RARE: Final = {"dissolved", "left", "fault", "repaired", "withdrawn", "revoked", "obstacle"}
_FRESH: Final = {"data", "updated", "figures", "observed", "measured", "reported", "received", "synced", "last"}

# Plausible spans of a number by its unit; a field's own minimum and maximum cut them.
_SPANS: Final[dict[str, tuple[float, float]]] = {
    "%": (20, 100), "m": (1, 40), "km": (0.2, 12), "cm": (5, 80), "mm": (50, 800), "m²": (60, 9_000),
    "ha": (0.5, 120), "km²": (0.1, 40), "đồng": (2e7, 4e10), "triệu đồng": (20, 90_000), "tỷ đồng": (1, 900),
    "người": (2, 240), "hộ": (1, 300), "giường": (5, 80), "tầng": (1, 9), "kV": (0.4, 110), "kW": (1, 400),
    "kWh": (10, 300), "W": (50, 250), "kVA": (50, 1_000), "sao": (3, 5), "điểm": (50, 99), "năm": (1, 30),
    "µg/m³": (5, 90), "°C": (22, 38), "m³": (10, 5_000), "m³/ngày": (200, 20_000), "km/h": (20, 80), "làn": (1, 4),
    "đồng/m²": (2e5, 3e7), "tấn": (5, 40), "phút": (5, 60),
}  # fmt: skip


@dataclass(frozen=True)
class Batch:
    """Rows to fill: their number, the number of the first, what is known of them and where they are.

    `places` are written addresses ("Thôn 3, Xã Mẫu An"); `known` holds values by field name, of which those
    that a field's constraints refuse are replaced by made-up ones.
    """

    definition: Definition
    count: int
    rng: Generator
    first: int = 1
    places: list[str] = field(default_factory=list)
    known: dict[str, Column] = field(default_factory=dict)


@lru_cache(maxsize=512)
def valid_codes(of: Field) -> tuple[str, ...]:
    """Return the codes of a field that are in force on the reference date."""
    entries = of.codes.entries if of.codes else ()
    return tuple(entry.code for entry in entries if entry.in_force(REFERENCE_DATE))


def _type_fits(of: Field, value: object) -> bool:
    if of.type is FieldType.TEXT:
        return isinstance(value, str)
    if of.type is FieldType.BOOLEAN:
        return isinstance(value, bool)
    if of.type is FieldType.INTEGER:
        return isinstance(value, int) and not isinstance(value, bool)
    if of.type is FieldType.NUMBER:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if of.type is FieldType.DATETIME:
        return isinstance(value, datetime) and value.tzinfo is not None
    if of.type is FieldType.DATE:
        return isinstance(value, date) and not isinstance(value, datetime)
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def fits(of: Field, value: object) -> bool:
    """Tell whether a value satisfies every constraint of the field, with codes as of the reference date."""
    if value is None:
        return not of.required
    if not _type_fits(of, value):
        return False
    if isinstance(value, int | float) and not isinstance(value, bool):
        low, high = of.minimum, of.maximum
        return (low is None or value >= low) and (high is None or value <= high)
    texts = value if isinstance(value, list) else [value] if isinstance(value, str) else []
    return all(_text_fits(of, text) for text in texts)


def _text_fits(of: Field, text: str) -> bool:
    if of.codes is not None and text not in valid_codes(of):
        return False
    if of.max_length is not None and len(text) > of.max_length:
        return False
    return of.pattern is None or re.fullmatch(of.pattern, text) is not None


def column(of: Field, batch: Batch) -> Column:
    """Return one value per row of the batch; optional fields miss one value in twenty, closing dates more."""
    known = batch.known.get(of.name)
    if known is not None and _all_fit(of, known):
        return known
    made = _MAKERS[of.type](of, batch)
    if known is not None:
        return [value if fits(of, value) else other for value, other in zip(known, made, strict=True)]
    if _always_there(of, batch.definition):
        return made
    missing = batch.rng.random(batch.count) < _missing_share(of)
    return [None if gone else value for gone, value in zip(missing.tolist(), made, strict=True)]


def _all_fit(of: Field, values: Column) -> bool:
    """Tell whether all values fit; each different one is looked at once."""
    if of.type is FieldType.TEXT_ARRAY:
        kinds: set[tuple[object, ...] | None] = {tuple(v) if isinstance(v, list) else None for v in values}
        return all(fits(of, None if kind is None else list(kind)) for kind in kinds)
    # True and 1 are equal, so types are told apart.
    return all(fits(of, value) for _, value in {(type(value), value) for value in values})


def _missing_share(of: Field) -> float:
    words = set(of.name.split("_"))
    if words & _RARE or of.name == "valid_to":
        return 0.9
    return 0.4 if words & _CLOSING else 0.05


def _always_there(of: Field, definition: Definition) -> bool:
    named = (*definition.key, definition.unit_field, definition.data_date_field, *_KEPT)
    return of.required or of.personal or of.name in named


def _coded(of: Field, batch: Batch) -> Column:
    """Return codes, the first of a list more often than the last."""
    codes = valid_codes(of)
    weights = 1 / np.arange(1.0, len(codes) + 1) ** 1.5
    return [codes[n] for n in batch.rng.choice(len(codes), batch.count, p=weights / weights.sum()).tolist()]


def _text(of: Field, batch: Batch) -> Column:
    if of.codes is not None:
        return _coded(of, batch)
    numbers = range(batch.first, batch.first + batch.count)
    if of.pattern is not None:
        return [_patterned(of, number, batch.rng) for number in numbers]
    maker = _text_maker(of, batch)
    return [maker(number)[: of.max_length] for number in numbers]


def period_forms() -> list[str]:
    """Return ways to write the newest period: month, quarter, year, school year."""
    return ["2026-10", "2026-Q3", "2026", "2026-2027"]


def _patterned(of: Field, number: int, rng: Generator) -> str:
    """Return a text for a pattern: a well-known form if one matches, else a sample of the pattern."""
    forms = [*period_forms(), f"99{number:08d}", f"999{number:09d}", f"0000{number:06d}"]
    for form in forms:
        if _text_fits(of, form):
            return form
    return patterns.sample(of.pattern or "", rng)


def _text_maker(of: Field, batch: Batch) -> Callable[[int], str]:
    """Return how to write the text of row number n, from what the field is called."""
    words = set(of.name.split("_"))
    title, at = batch.definition.title.vi, batch.first
    places = batch.places or [names.PROVINCE_NAME]
    rules: list[tuple[bool, Callable[[int], str]]] = [
        (of.personal and bool(words & {"phone", "mobile"}), lambda n: f"0000 {n % 1_000_000:06d}"),
        ("phone" in words, lambda n: f"0000 {n % 1_000_000:06d}"),
        ("email" in words, lambda n: f"nguoi.gia.{n}@vi-du.invalid"),
        (bool(words & {"url", "website", "link", "photo", "image"}), lambda n: f"https://vi-du.invalid/{n}"),
        (of.personal and bool(words & {"id", "number", "certificate"}), lambda n: f"999{n % 10**9:09d}"),
        ("plate" in words, lambda n: f"99X-{n % 100_000:05d}"),
        ("address" in words, lambda n: f"{places[n - at]}, {names.PROVINCE_NAME}"),
        (bool(words & {"note", "reason", "description", "content"}), lambda _: "Dữ liệu mô phỏng, không có thật"),
        (of.personal, names.person),
        (bool(words & {"street", "road"}), lambda n: f"Đường Mẫu {n % 90 + 1}"),
        (of.name == "name" or of.name.endswith("_name"), lambda n: f"{title} mẫu số {n}, {places[n - at]}"),
        (bool(words & {"code", "id", "number", "serial", "symbol"}), lambda n: f"{abbreviation(of.name)}-{n:05d}"),
        (bool(words & {"manager", "by", "agency", "steward"}), lambda _: f"{batch.definition.steward} (mô phỏng)"),
    ]
    for applies, maker in rules:
        if applies:
            return maker
    plain = of.title.vi.split(" (")[0]
    return lambda n: f"{plain} mẫu {n % 9 + 1}"


def abbreviation(name: str) -> str:
    """Return the initials of a slug or field name in capitals: "PP" for "power-point"."""
    return "".join(word[0] for word in re.split("[-_]", name) if word).upper()


def _span(of: Field) -> tuple[float, float]:
    if of.name.endswith("year"):
        low, high = 1995.0, 2026.0
    elif of.unit is None and of.maximum is not None:
        low, high = of.minimum or 0.0, of.maximum
    else:
        low, high = _SPANS.get(of.unit or "", (1.0, 100.0))
    low = low if of.minimum is None else max(low, of.minimum)
    high = high if of.maximum is None else min(high, of.maximum)
    return low, max(low, high)


def _number(of: Field, batch: Batch) -> Column:
    low, high = _span(of)
    if low > 0 and high / low > 500:
        drawn = np.exp(batch.rng.uniform(np.log(low), np.log(high), batch.count))
    else:
        drawn = batch.rng.uniform(low, high, batch.count)
    rounded = np.round(drawn, -6) if of.unit == "đồng" else np.round(drawn, 2)
    return [float(value) for value in np.clip(rounded, low, high)]


def _integer(of: Field, batch: Batch) -> Column:
    low, high = _span(of)
    first = int(np.ceil(low))
    return [int(n) for n in batch.rng.integers(first, max(int(high), first) + 1, batch.count)]


def _boolean(_: Field, batch: Batch) -> Column:
    return [bool(flag) for flag in batch.rng.random(batch.count) < 0.7]


def _day_range(of: Field, definition: Definition) -> tuple[date, int]:
    """Return first day and number of days to draw from, so that what begins lies before what ends."""
    words = set(of.name.split("_"))
    if words & {"birth", "born"}:
        return date(1945, 1, 1), 20_000
    if words & _FUTURE and of.name != definition.data_date_field:
        return REFERENCE_DATE + timedelta(days=30), 900
    if words & _FRESH or of.name == definition.data_date_field:
        return REFERENCE_DATE - timedelta(days=31), 30
    if words & _CLOSING:
        return date(2026, 7, 1), 100
    return date(2022, 1, 1), 1_500


def _date(of: Field, batch: Batch) -> Column:
    first, days = _day_range(of, batch.definition)
    return [first + timedelta(days=n) for n in batch.rng.integers(0, days, batch.count).tolist()]


def _datetime(of: Field, batch: Batch) -> Column:
    words = set(of.name.split("_"))
    # What is due falls after the 24th, what is closed between the 20th and the 26th: some of it is late.
    day, days = (24, 7) if words & _FUTURE else (20, 6) if words & _CLOSING else (1, 19)
    first = datetime(2026, 10, day, tzinfo=UTC)
    most = days * 24 * 60
    return [first + timedelta(minutes=n) for n in batch.rng.integers(0, most, batch.count).tolist()]


def _texts(of: Field, batch: Batch) -> Column:
    firsts, seconds = _text(of, batch), _text(of, batch)
    both = batch.rng.random(batch.count) < 0.4
    return [[a, b] if two and a != b else [a] for a, b, two in zip(firsts, seconds, both.tolist(), strict=True)]


_MAKERS: Final[dict[FieldType, Callable[[Field, Batch], Column]]] = {
    FieldType.TEXT: _text,
    FieldType.INTEGER: _integer,
    FieldType.NUMBER: _number,
    FieldType.BOOLEAN: _boolean,
    FieldType.DATE: _date,
    FieldType.DATETIME: _datetime,
    FieldType.TEXT_ARRAY: _texts,
}
