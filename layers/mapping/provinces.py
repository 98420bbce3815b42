"""The province mergers of 2025 as facts: former provinces and the units that succeeded them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import pandas as pd

from layers.yaml_nodes import Place as Node
from layers.yaml_nodes import read_document

MERGERS: Final = Path(__file__).parent.parent / "mappings" / "provinces-2025.yaml"
_LEVEL: Final = "province"


@dataclass(frozen=True, slots=True)
class FormerProvince:
    """A province no longer in force and the one that its territory is in since ``ended_on``."""

    code: str
    name: str
    new_code: str
    ended_on: date
    source: str


def former_provinces(path: Path = MERGERS) -> tuple[FormerProvince, ...]:
    """Returns the former provinces of a file of mergers, in its order.

    Raises:
        InvalidDefinition: With the file, the line and the reason.
    """
    return tuple(
        province
        for merger in read_document(path).members(required=("in_force_since", "mergers"))["mergers"].items(most=100)
        for province in _merged(merger)
    )


def former_unit_rows(path: Path = MERGERS) -> pd.DataFrame:
    """Returns the former provinces as rows of the layer ``former-units``, without geometry, from row 1."""
    since = read_document(path).members(required=("in_force_since", "mergers"))["in_force_since"].day()
    rows = [
        {
            "level": _LEVEL,
            "code": province.code,
            "name": province.name,
            "valid_from": since,
            "valid_to": province.ended_on,
            "legal_basis": province.source,
            "province_code": province.new_code,
        }
        for province in former_provinces(path)
    ]
    return pd.DataFrame(rows, index=pd.RangeIndex(1, len(rows) + 1, name="row"))


def successions(path: Path = MERGERS) -> list[tuple[str, str, str, str, date, str]]:
    """Returns lines (old level, old code, new level, new code, effective on, source) for the catalogue."""
    return [
        (_LEVEL, province.code, _LEVEL, province.new_code, province.ended_on, province.source)
        for province in former_provinces(path)
    ]


def _merged(node: Node) -> list[FormerProvince]:
    members = node.members(required=("to", "effective_on", "source", "from"))
    new_code = members["to"].text(longest=2)
    ended_on, source = members["effective_on"].day(), members["source"].text(longest=300)
    former = members["from"].entries()
    return [FormerProvince(code, name.text(), new_code, ended_on, source) for code, name in former.items()]
