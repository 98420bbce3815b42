"""Columns matched with the fields of a layer: chosen, remembered, by name, alias, title, cut name, or by values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Final

import pandas as pd
import yaml

from layers.definition import Definition, Field, FieldType
from layers.intake.model import FieldMapping, FieldMatch, MatchReason, Wish, World
from layers.intake.vietnamese import bare

DBF_BYTES: Final = 10
_HIT_RATE: Final = 0.9
_FEWEST_DISTINCT: Final = 3
_JUDGED_VALUES: Final = 2_000
_CONFIDENCE: Final = {
    MatchReason.CHOSEN: 1.0, MatchReason.REMEMBERED: 0.98, MatchReason.NAME: 0.97, MatchReason.ALIAS: 0.95,
    MatchReason.TITLE: 0.95, MatchReason.TRUNCATED: 0.85, MatchReason.VALUES: 0.6, MatchReason.CONSTANT: 1.0,
    MatchReason.DERIVED: 0.9,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Claim:
    """A column's claim to a field; of several the lowest rank wins."""

    rank: tuple[int, int]
    column: str
    field: str
    reason: MatchReason


@lru_cache(maxsize=1)
def common_aliases() -> Mapping[str, tuple[str, ...]]:
    """Names under which files in the wild carry fields that many layers have, by field name."""
    document = yaml.safe_load(files("layers.intake").joinpath("aliases.yaml").read_text(encoding="utf-8"))
    return {str(name): tuple(str(alias) for alias in aliases) for name, aliases in document.items()}


def match_columns(
    columns: Mapping[str, Sequence[str | None]], wish: Wish, world: World, *, taken: Iterable[str] = ()
) -> FieldMapping:
    """Returns which column is read as which field.

    Args:
        columns: Distinct values of each column of the file, as text.
        wish: Choices of the person, which nothing overrules.
        world: The definition, and earlier accepted files of the unit.
        taken: Columns that hold coordinates and are no field.
    """
    definition = world.definition
    free = [name for name in columns if name not in set(taken)]
    claims = sorted(_claims(free, wish, world), key=lambda claim: claim.rank)
    matches = _settle(claims, dropped=_dropped(wish, world, free))
    matches += _by_values(definition, matches, {name: columns[name] for name in free}, wish)
    matches += _constants(definition, matches, wish)
    matches += _derived(definition, matches)
    filled = {match.field for match in matches}
    used = {match.column for match in matches}
    missing = tuple(field.name for field in definition.fields if field.required and field.name not in filled)
    ordered = sorted(matches, key=lambda match: [field.name for field in definition.fields].index(match.field))
    return FieldMapping(tuple(ordered), tuple(name for name in free if name not in used), missing)


def _dropped(wish: Wish, world: World, columns: Sequence[str]) -> set[str]:
    remembered = world.remembered[0].fields if world.remembered else {}
    return {
        name
        for name in columns
        if wish.fields.get(name) == "" or (name not in wish.fields and remembered.get(name) == "")
    }


def _claims(columns: Sequence[str], wish: Wish, world: World) -> Iterator[_Claim]:
    known = {field.name for field in world.definition.fields if not field.hidden}
    for at, column in enumerate(columns):
        chosen = wish.fields.get(column)
        if chosen in known:
            yield _Claim((0, at), column, str(chosen), MatchReason.CHOSEN)
            continue
        for age, earlier in enumerate(world.remembered):
            if earlier.fields.get(column) in known:
                yield _Claim((1, age), column, earlier.fields[column], MatchReason.REMEMBERED)
        for field in world.definition.fields:
            if not field.hidden:
                yield from _name_claims(column, field)


def _name_claims(column: str, field: Field) -> Iterator[_Claim]:
    """Claims by name; aliases of the definition come before common ones, and each list is in order of preference."""
    key = bare(column)
    if not key:
        return
    own = [field.name, *field.aliases]
    common = common_aliases().get(field.name, ())
    titles = [field.title.vi, field.title.en, field.title.vi.split("(")[0].split(",")[0]]
    for reason, level, names in (
        (MatchReason.NAME, 2, own[:1]),
        (MatchReason.ALIAS, 3, own[1:]),
        (MatchReason.TITLE, 4, titles),
        (MatchReason.ALIAS, 5, list(common)),
    ):
        for order, name in enumerate(names):
            if bare(name) == key or (level == 4 and _without_unit(column) == bare(name)):
                yield _Claim((level, order), column, field.name, reason)
    if _is_cut(column):
        for order, name in enumerate([*own, *titles, *common]):
            if _cut_to_dbf(name) == column.casefold() or (len(key) >= 7 and bare(name).startswith(key)):
                yield _Claim((6, order), column, field.name, MatchReason.TRUNCATED)


def _without_unit(column: str) -> str:
    return bare(column.split("(")[0])


def _is_cut(column: str) -> bool:
    """Whether a name is as long as DBF allows: a letter of two or three bytes may not have fitted."""
    return DBF_BYTES - 2 <= len(column.encode("utf-8")) <= DBF_BYTES


def _cut_to_dbf(name: str) -> str:
    return name.encode("utf-8")[:DBF_BYTES].decode("utf-8", "ignore").strip().casefold()


def _settle(claims: Iterable[_Claim], *, dropped: set[str]) -> list[FieldMatch]:
    matches: dict[str, FieldMatch] = {}
    used = set(dropped)
    for claim in claims:
        if claim.column in used or claim.field in matches:
            continue
        used.add(claim.column)
        matches[claim.field] = FieldMatch(claim.column, claim.field, claim.reason, _CONFIDENCE[claim.reason])
    return list(matches.values())


def _by_values(
    definition: Definition, matches: Sequence[FieldMatch], columns: Mapping[str, Sequence[str | None]], wish: Wish
) -> list[FieldMatch]:
    """Columns whose values are codes of one list that no other column fills."""
    filled = {match.field for match in matches}
    used = {match.column for match in matches} | {name for name, target in wish.fields.items() if target == ""}
    found: list[FieldMatch] = []
    for field in definition.fields:
        if field.codes is None or field.name in filled or field.hidden:
            continue
        codes = {code.casefold() for code in field.codes.codes}
        best = max(
            ((_hit_rate(values, codes), name) for name, values in columns.items() if name not in used),
            default=(0.0, ""),
        )
        if best[0] >= _HIT_RATE:
            used.add(best[1])
            confidence = round(_CONFIDENCE[MatchReason.VALUES] * best[0], 3)
            note = f"{best[0]:.0%}"
            found.append(
                FieldMatch(
                    best[1],
                    field.name,
                    MatchReason.VALUES,
                    confidence,
                    f"{note} giá trị thuộc danh mục",
                    f"{note} of the values are codes of the list",
                )
            )
    return found


def _hit_rate(values: Sequence[str | None], codes: set[str]) -> float:
    judged = [value.casefold() for value in values[:_JUDGED_VALUES] if value]
    if len(judged) < _FEWEST_DISTINCT or all(value.isdigit() for value in judged):
        return 0.0
    return sum(value in codes for value in judged) / len(judged)


def _constants(definition: Definition, matches: Sequence[FieldMatch], wish: Wish) -> list[FieldMatch]:
    known = {field.name for field in definition.fields}
    filled = {match.field for match in matches}
    wanted = {name for name, value in wish.constants.items() if value and name in known}
    if wish.unit_code and len(wish.unit_code) == 5 and definition.unit_field:
        wanted.add(definition.unit_field)
    if wish.data_on and definition.data_date_field:
        wanted.add(definition.data_date_field)
    reason = MatchReason.CONSTANT
    return [FieldMatch(None, name, reason, _CONFIDENCE[reason]) for name in sorted(wanted - filled)]


def _derived(definition: Definition, matches: Sequence[FieldMatch]) -> list[FieldMatch]:
    """Fields of codes beside a field of the text that they are written in: ``x_text`` fills ``x_codes``, ``x_main``."""
    filled = {match.field: match for match in matches}
    found = []
    for field in definition.fields:
        base = field.name.rpartition("_")[0]
        source = filled.get(f"{base}_text")
        wanted = field.codes is not None and field.name.endswith(("_codes", "_main")) and field.name not in filled
        if wanted and source is not None and field.type in (FieldType.TEXT, FieldType.TEXT_ARRAY):
            reason = MatchReason.DERIVED
            found.append(FieldMatch(source.column, field.name, reason, _CONFIDENCE[reason]))
    return found


def distinct_texts(series: pd.Series) -> list[str | None]:
    """Returns distinct values of a column as text, at most as many as are judged."""
    unique = pd.unique(series.head(50_000).dropna())[:_JUDGED_VALUES]
    return [str(value) for value in unique]
