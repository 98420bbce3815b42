"""The indicators that come with the program, from their YAML file, refused with file, line, path and remedy."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Final, TypeVar

from layers.definition import Label
from layers.errors import suggestion
from layers.yaml_nodes import Place, read_document
from scenarios.indicators.indicator import Aggregation, Better, Indicator, IndicatorGroup, Period
from scenarios.observations.errors import IndicatorNotFound
from scenarios.outcomes import PlaceKind

_FILE: Final = Path(__file__).parent / "builtin.yaml"
_CODE: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_MOST: Final = 1000
_Word = TypeVar("_Word", bound=StrEnum)


def load_indicators(path: Path) -> dict[str, Indicator]:
    """Reads a file of indicators, by code.

    Raises:
        InvalidDefinition: With the file, the line, the path in the document, and the reason and remedy.
    """
    place = read_document(path)
    members = place.members(required=("indicators",))
    found: dict[str, Indicator] = {}
    for number, entry in enumerate(members["indicators"].items(most=_MOST)):
        indicator = _indicator(entry)
        if indicator.code in found:
            place.refuse_at(
                f"indicators[{number}].code",
                f"“{indicator.code}” đã dùng ở trên; hãy chọn mã khác.",
                f'"{indicator.code}" is used above; choose another code.',
            )
        found[indicator.code] = indicator
    return found


@functools.cache
def built_in_indicators() -> Mapping[str, Indicator]:
    """The indicators that come with the program, by code; read once."""
    return load_indicators(_FILE)


def get_indicator(code: str) -> Indicator:
    """The built-in indicator of this code.

    Raises:
        IndicatorNotFound: There is none; the message suggests a near one.
    """
    known = built_in_indicators()
    found = known.get(code)
    if found is None:
        raise IndicatorNotFound(code, known=known)
    return found


def _indicator(place: Place) -> Indicator:
    members = place.members(
        required=("code", "title", "group", "unit", "place", "period", "aggregation", "better", "source"),
        optional=("layer", "lowest", "highest"),
    )
    code = members["code"].text(longest=60)
    if not _CODE.fullmatch(code):
        members["code"].refuse(
            f"“{code}” không đúng cách viết; hãy viết như documents-late-share.",
            f'"{code}" is not written rightly; write it like documents-late-share.',
        )
    title = members["title"].members(required=("vi", "en"))
    return Indicator(
        code=code,
        title=Label(vi=title["vi"].text(longest=300), en=title["en"].text(longest=300)),
        group=_word(members["group"], IndicatorGroup),
        unit=members["unit"].text(longest=40),
        place=_word(members["place"], PlaceKind),
        period=_word(members["period"], Period),
        aggregation=_word(members["aggregation"], Aggregation),
        better=_word(members["better"], Better),
        source=members["source"].text(longest=200),
        layer=members["layer"].text(longest=63) if "layer" in members else None,
        lowest=members["lowest"].number() if "lowest" in members else None,
        highest=members["highest"].number() if "highest" in members else None,
    )


def _word(place: Place, vocabulary: type[_Word]) -> _Word:
    written, words = place.text(longest=100), tuple(word.value for word in vocabulary)
    if written not in words:
        vi, en = suggestion(written, words)
        place.refuse(
            f"“{written}” không dùng được.{vi} Chọn một trong: {', '.join(words)}.",
            f'"{written}" is not known.{en} Choose one of: {", ".join(words)}.',
        )
    return vocabulary(written)
