"""What a rule over features looks at, read from its definition; refused with path and remedy."""

from __future__ import annotations

import dataclasses
from enum import StrEnum
from typing import Any

from layers.definition_reader import load_builtin as load_layers
from layers.errors import suggestion
from layers.yaml_nodes import Place
from scenarios.definition import RuleScope
from scenarios.rules.errors import UnusableTest
from scenarios.rules.feature_checks import check_scope, check_test
from scenarios.rules.feature_shape import FEATURE_TESTS, Counted, FeatureTest, Match, Relation, Scalar

_LISTS = ("values", "finished_states")
_WORDS: dict[str, type[StrEnum]] = {"counted": Counted, "relation": Relation}
_MOST_VALUES = 100
_MOST_METRES = 1_000_000.0
_MOST_HOURS = 87_840


def read_feature_test(place: Place, shape: str, scope: RuleScope) -> FeatureTest:
    """The test of a rule of this shape: its members are those of the class in :mod:`scenarios.rules.feature_shape`.

    Raises:
        InvalidDefinition: A member is missing, unknown or malformed, or names no layer, field or value.
    """
    kind = FEATURE_TESTS[shape]
    fields = dataclasses.fields(kind)
    required = tuple(field.name for field in fields if field.default is dataclasses.MISSING)
    optional = tuple(field.name for field in fields if field.default is not dataclasses.MISSING)
    members = place.members(required=required, optional=optional)
    test = kind(**{name: _read(member, name) for name, member in members.items()})
    try:
        check_test(test, load_layers())
        check_scope(test, scope, load_layers())
    except UnusableTest as refused:
        place.refuse_at(refused.member, refused.vi, refused.en)
    return test


def _read(place: Place, name: str) -> Any:
    if name in ("where", "other_where"):
        return tuple(Match(field, _scalars(values)) for field, values in place.entries().items())
    if name in _LISTS:
        return _scalars(place)
    if name in _WORDS:
        return _word(place, _WORDS[name])
    if name == "metres":
        return _metres(place)
    return place.integer(1, _MOST_HOURS) if name == "window_h" else place.text(longest=100)


def _metres(place: Place) -> float:
    metres = place.number()
    if not 0 < metres <= _MOST_METRES:
        place.refuse("phải là số mét trên 0, tối đa 1.000.000.", "must be metres above 0, at most 1,000,000.")
    return metres


def _scalars(place: Place) -> tuple[Scalar, ...]:
    found = tuple(item.scalar(longest=200) for item in place.items(most=_MOST_VALUES))
    if not found:
        place.refuse("cần ít nhất một giá trị.", "needs at least one value.")
    return found


def _word(place: Place, kind: type[StrEnum]) -> StrEnum:
    written, words = place.text(longest=100), tuple(word.value for word in kind)
    if written not in words:
        vi, en = suggestion(written, words)
        place.refuse(f"không có “{written}”.{vi}", f'there is no "{written}".{en}')
    return kind(written)
