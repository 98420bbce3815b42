"""Unique business keys of made-up rows, from the key fields of a definition."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import product
from typing import Final

from numpy.random import Generator

from layers.definition import Definition, Field, FieldType
from layers.synthetic import patterns
from layers.synthetic.province import Province
from layers.synthetic.values import Column, abbreviation, fits, valid_codes

_MOST_TABLE_ROWS = 10_000
_RECORDS = 600
_MONTHS = [(2025, 11), (2025, 12), *((2026, month) for month in range(1, 11))]

# Words for key fields that are free text by definition but hold few values in practice.
_WORDS: Final[dict[str, tuple[str, ...]]] = {
    "item_code": ("THU", "CHI"),
    "category": ("Nam", "Nữ", "0-14 tuổi", "15-59 tuổi", "60 tuổi trở lên"),
    "vaccine": ("-", "Sởi (mô phỏng)", "Bại liệt (mô phỏng)"),
    "indicator_code": ("MP-CS-01", "MP-CS-02", "MP-CS-03", "MP-CS-04", "MP-CS-05", "MP-CS-06"),
}

Axis = list[tuple[object, ...]]


def _periods(of: Field) -> list[object]:
    """Return the periods that the field can hold: months, else quarters, else years."""
    if of.type is FieldType.DATE:
        return [date(year, month, 1) for year, month in _MONTHS]
    if of.type is FieldType.INTEGER:
        candidates: list[list[object]] = [[2022, 2023, 2024, 2025, 2026], [*range(1, 11)]]
    else:
        candidates = [
            [f"{year}-{month:02d}" for year, month in _MONTHS],
            ["2025-Q4", "2026-Q1", "2026-Q2", "2026-Q3"],
            ["2022", "2023", "2024", "2025", "2026"],
        ]
    return next(([*values] for values in candidates if all(fits(of, value) for value in values)), [])


def _is_period(of: Field) -> bool:
    return of.type is not FieldType.TEXT or any(word in of.name for word in ("period", "month", "year", "quarter"))


def _domain(definition: Definition, of: Field, province: Province) -> list[object]:
    """Return all values of a key field that has few of them, or nothing where texts are free."""
    communes: list[object] = [unit.code for unit in province.units.communes]
    if of.codes is not None:
        return [*valid_codes(of)]
    if of.name in (definition.unit_field, "unit_code", "commune_code", "subject"):
        return communes
    if of.name == "hamlet_code":
        return [unit.code for unit in province.units.hamlets]
    if of.name in _WORDS and len(definition.key) > 1:
        return [*_WORDS[of.name]]
    return _periods(of) if _is_period(of) else []


def _unit_axis(province: Province, hamlet: Field) -> Axis:
    """Return (commune, hamlet) pairs, and (commune, "-") for figures of the whole commune if allowed."""
    pairs: Axis = [(unit.parent_code, unit.code) for unit in province.units.hamlets]
    if fits(hamlet, "-"):
        pairs += [(unit.code, "-") for unit in province.units.communes]
    return pairs


def _shortened(axes: list[Axis], periods: Sequence[bool], most: int) -> list[Axis]:
    """Return axes whose product has at most `most` rows: fewer periods first, then fewer of the longest."""
    axes = [list(axis) for axis in axes]
    while _rows(axes) > most:
        spare = [n for n, period in enumerate(periods) if period and len(axes[n]) > 2]
        longest = max(spare or range(len(axes)), key=lambda n: len(axes[n]))
        del axes[longest][0]
    return axes


def _rows(axes: list[Axis]) -> int:
    size = 1
    for axis in axes:
        size *= len(axis)
    return size


def _table_axes(definition: Definition, province: Province) -> tuple[list[str], list[Axis], list[bool]]:
    """Return key field names in the order of the axes, the axes, and which of them are periods."""
    fields = [definition.field(name) for name in definition.key]
    paired = {"commune_code", "hamlet_code"} <= set(definition.key)
    found, axes, periods = [], [], []
    if paired:
        found += ["commune_code", "hamlet_code"]
        axes.append(_unit_axis(province, definition.field("hamlet_code")))
        periods.append(False)
    for of in fields:
        if of.name not in found:
            found.append(of.name)
            axes.append([(value,) for value in _domain(definition, of, province)])
            periods.append(of.codes is None and _is_period(of))
    return found, axes, periods


def table_keys(definition: Definition, province: Province, rng: Generator) -> dict[str, Column]:
    """Return the key columns of a table: every unit × period × code, or 600 numbered records."""
    found, axes, periods = _table_axes(definition, province)
    if not all(axes):
        return feature_keys(definition, province, _RECORDS, rng)
    combined = product(*_shortened(axes, periods, _MOST_TABLE_ROWS))
    rows = [tuple(value for part in parts for value in part) for parts in combined]
    return {name: [row[n] for row in rows] for n, name in enumerate(found)}


def _unique_texts(of: Field, slug: str, count: int, rng: Generator) -> Column:
    """Return different texts for a free key field; numbered, or sampled from its pattern."""
    numbered: Column = [f"MP-{abbreviation(slug)}-{n:05d}" for n in range(1, count + 1)]
    if all(fits(of, text) for text in numbered):
        return numbered
    found: dict[str, None] = {}
    for _ in range(count * 50):
        if len(found) == count:
            break
        found[patterns.sample(of.pattern or f"[0-9]{{{of.max_length or 12}}}", rng)] = None
    if len(found) < count:
        raise ValueError(f"{slug}.{of.name}: its constraints allow fewer than {count} texts")
    return [*found]


def feature_keys(definition: Definition, province: Province, count: int, rng: Generator) -> dict[str, Column]:
    """Return key columns of `count` features: the last free text numbers them, the others vary.

    A key of closed lists only is their product, cut to `count`; it may be shorter.
    """
    domains = {name: _domain(definition, definition.field(name), province) for name in definition.key}
    free = [name for name, domain in domains.items() if not domain]
    if not free:
        rows = list(product(*domains.values()))[:count]
        return {name: [row[n] for row in rows] for n, name in enumerate(domains)}
    columns: dict[str, Column] = {}
    for name, domain in domains.items():
        of = definition.field(name)
        if name == free[-1]:
            columns[name] = _unique_texts(of, definition.slug, count, rng)
        elif domain:
            columns[name] = [domain[n] for n in rng.integers(0, len(domain), count).tolist()]
        else:
            groups = _unique_texts(of, definition.slug, max(count // 12, 1), rng)
            columns[name] = [groups[n * len(groups) // count] for n in range(count)]
    return columns
