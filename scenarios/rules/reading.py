"""What a rule looks at, read from its definition; refused with path and remedy."""

from __future__ import annotations

import dataclasses
from enum import StrEnum
from typing import Any, get_type_hints

from layers.errors import suggestion
from layers.yaml_nodes import Place
from scenarios.indicators.catalogue import built_in_indicators
from scenarios.rules.shape import SERIES_TESTS, SeriesTest

_INDICATORS = ("indicator", "capacity")


def read_test(place: Place, shape: str) -> SeriesTest:
    """The test of a rule of this shape: its members are those of the shape's class in :mod:`scenarios.rules.shape`.

    Raises:
        InvalidDefinition: A member is missing, unknown or malformed, or names no indicator.
    """
    kind = SERIES_TESTS.get(shape)
    if kind is None:
        listed = ", ".join(SERIES_TESTS)
        place.refuse(
            f"quy tắc dạng “{shape}” chưa đọc được test; chỉ các dạng: {listed}.",
            f'a rule of shape "{shape}" takes no test; the shapes that do: {listed}.',
        )
    hints, fields = get_type_hints(kind), dataclasses.fields(kind)
    required = tuple(field.name for field in fields if field.default is dataclasses.MISSING)
    optional = tuple(field.name for field in fields if field.default is not dataclasses.MISSING)
    members = place.members(required=required, optional=optional)
    values: dict[str, Any] = {name: _read(member, name, hints[name]) for name, member in members.items()}
    return kind(**values)


def _read(place: Place, name: str, kind: type[Any]) -> object:
    if name in _INDICATORS:
        return _one_of(place, tuple(built_in_indicators()))
    if issubclass(kind, StrEnum):
        return kind(_one_of(place, tuple(word.value for word in kind)))
    return place.truth() if kind is bool else place.integer(1, 4000)


def _one_of(place: Place, words: tuple[str, ...]) -> str:
    written = place.text(longest=100)
    if written not in words:
        vi, en = suggestion(written, words)
        place.refuse(f"không có “{written}”.{vi}", f'there is no "{written}".{en}')
    return written
