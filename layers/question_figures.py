"""Figures of an answer as a table: units named, those with nothing filled with zeros."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import product
from typing import TYPE_CHECKING

from layers.answer import Column, Table
from layers.question_layers import AskedLayers
from layers.question_notes import UNIT_COLUMNS, field_column, value_column
from layers.question_units import AskedUnits, unit_names, units_to_show
from layers.reader import current_target
from layers.small_counts import kept_back
from spatial.errors import InvalidQuestion
from spatial.figures import MAX_GROUPS
from spatial.question_model import Figures, Level, Op, Value

if TYPE_CHECKING:
    from asyncpg import Connection, Record

_ADDED_UP = frozenset({Op.COUNT, Op.SUM, Op.AREA_M2, Op.LENGTH_M, Op.PART_AREA_M2, Op.PART_LENGTH_M})
Group = tuple[object, ...]


async def figure_table(
    connection: Connection[Record],
    asked: AskedLayers,
    figures: Figures,
    units: AskedUnits,
    records: Sequence[Mapping[str, object]],
) -> Table:
    """Returns the figures of all groups, in the order of unit and field values.

    Raises:
        InvalidQuestion: there are more than 100,000 groups.
    """
    width = len(figures.by) + (figures.level is not None)
    groups: dict[Group, Group] = {
        tuple(record[f"g{index}"] for index in range(width)): tuple(
            _plain(record[f"v{index}"]) for index in range(len(figures.values))
        )
        for record in records
    }
    _check_number(len(records))
    if asked.least_told:
        counts = {
            tuple(record[f"g{index}"] for index in range(width)): int(str(record["matched"])) for record in records
        }
        groups |= dict.fromkeys(kept_back(counts, asked.least_told), (None,) * len(figures.values))
    definition = asked.layer.definition
    columns = [field_column(definition, name) for name in figures.by]
    if figures.level is None:
        ordered = [(*group, *groups[group]) for group in sorted(groups, key=_order)]
    else:
        shown = await units_to_show(connection, figures.level, units, asked.layer.slug)
        _fill(groups, figures, list(shown), _zeros(figures, groups, asked))
        names = await _names(connection, figures.level, shown, groups)
        ordered = [(group[0], names.get(group[0]), *group[1:], *groups[group]) for group in sorted(groups, key=_order)]
        code, name, code_title, name_title = UNIT_COLUMNS[figures.level]
        columns = [Column(code, code_title, ""), Column(name, name_title, ""), *columns]
    columns += [value_column(definition, value) for value in figures.values]
    return Table(_distinct(columns), tuple(ordered))


def _check_number(groups: int) -> None:
    if groups > MAX_GROUPS:
        raise InvalidQuestion(
            f"Có hơn {MAX_GROUPS} nhóm. Hãy bỏ bớt trường trong 'by' hoặc thu hẹp địa giới.",
            f"There are more than {MAX_GROUPS} groups. Take fields out of 'by' or narrow the boundary.",
            parameter="figures.by",
        )


def _fill(groups: dict[Group, Group], figures: Figures, codes: Sequence[str], zeros: Group) -> None:
    """Gives every unit a row for each combination of field values that occurs anywhere in the answer."""
    combinations = {group[1:] for group in groups} or {(None,) * len(figures.by)}
    _check_number(len(codes) * len(combinations))
    for code, rest in product(codes, combinations):
        groups.setdefault((code, *rest), zeros)


def _zeros(figures: Figures, groups: Mapping[Group, Group], asked: AskedLayers) -> Group:
    types = current_target(asked.layer.definition).types

    def zero(index: int, value: Value) -> object:
        if value.op is Op.SHARE:
            # A share of nothing at all is undefined.
            return 0.0 if any(row[index] is not None for row in groups.values()) else None
        if value.op not in _ADDED_UP:
            return None
        whole = value.op is Op.COUNT or types.get(value.field or "") == "integer"
        return 0 if whole else 0.0

    return tuple(zero(index, value) for index, value in enumerate(figures.values))


async def _names(
    connection: Connection[Record], level: Level, shown: Mapping[str, str], groups: Mapping[Group, Group]
) -> dict[object, str]:
    unnamed = sorted({str(group[0]) for group in groups if group[0] is not None} - shown.keys())
    more = await unit_names(connection, level, unnamed) if unnamed else {}
    return {code: name for known in (shown, more) for code, name in known.items()}


def _plain(value: object) -> object:
    if not isinstance(value, Decimal):
        return value
    return int(value) if value == value.to_integral_value() else float(value)


def _order(group: Group) -> tuple[tuple[bool, object], ...]:
    """Sorts by every part in turn, what is absent last."""
    return tuple((part is None, "" if part is None else part) for part in group)


def _distinct(columns: Sequence[Column]) -> tuple[Column, ...]:
    """Gives a figure that is named like a field a number, because rows are read by name."""
    taken: set[str] = set()
    found = []
    for column in columns:
        name, number = column.name, 1
        while name in taken:
            number += 1
            name = f"{column.name}_{number}"
        taken.add(name)
        found.append(Column(name, column.title, column.unit))
    return tuple(found)
