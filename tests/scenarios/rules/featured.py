"""Features of a few small layers, as values and as rows of their tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Connection, Engine, func, insert

from layers.definition import Definition
from layers.definition_reader import load_code_lists, load_definition
from layers.registry import put_layer
from layers.tables import feature_table, has_unit_codes
from scenarios.rules.feature_figures import Item

ITEMS, POINTS, LINES, ZONES = "judged-items", "judged-points", "judged-lines", "judged-zones"
_YAML = """
slug: {slug}
title: {{vi: Việc thử, en: Test items}}
description: {{vi: Thử quy tắc., en: Tests rules.}}
group: sector
{geometry}
key: [code]
{unit}
steward: Sở Thử
frequency: yearly
sensitivity: {sensitivity}
source: Kiểm thử
fields:
  - {{name: code, title: {{vi: Mã, en: Code}}, type: text, required: true, max_length: 20}}
  - {{name: commune_code, title: {{vi: Xã, en: Commune}}, type: text, max_length: 5}}
  - {{name: due_on, title: {{vi: Hạn, en: Due on}}, type: date}}
  - {{name: due_at, title: {{vi: Hạn, en: Due at}}, type: datetime}}
  - {{name: finished_at, title: {{vi: Xong, en: Finished}}, type: datetime}}
  - {{name: state, title: {{vi: Trạng thái, en: State}}, type: text, codes: task-state}}
  - {{name: is_passed, title: {{vi: Đạt, en: Passed}}, type: boolean}}
  - {{name: level, title: {{vi: Mức, en: Level}}, type: integer}}
  - {{name: size, title: {{vi: Cỡ, en: Size}}, type: number}}
  - {{name: owner, title: {{vi: Chủ, en: Owner}}, type: text, personal: true}}
"""


@cache
def layer(slug: str = ITEMS, geometry: str | None = None, sensitivity: str = "internal") -> Definition:
    """One of these layers, read from YAML as an operator's would be."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"{slug}.yaml"
        shape = f"geometry: {geometry}\ngeometry_required: false" if geometry else ""
        unit = "" if geometry else "unit_field: commune_code"
        path.write_text(_YAML.format(slug=slug, geometry=shape, unit=unit, sensitivity=sensitivity), encoding="utf-8")
        return load_definition(path, load_code_lists())


def layers() -> dict[str, Definition]:
    """All of them, one of each kind of geometry, by slug."""
    kinds = {ITEMS: None, POINTS: "Point", LINES: "MultiLineString", ZONES: "MultiPolygon"}
    return {slug: layer(slug, geometry) for slug, geometry in kinds.items()}


def _geometry(definition: Definition, item: Item) -> dict[str, object]:
    if definition.geometry is None:
        return {}
    geom = None if item.geometry is None else func.ST_GeomFromText(item.geometry.wkt, 4326)
    return {"geom": geom, **({"unit_codes": [item.unit_code]} if has_unit_codes(definition) else {})}


def put_layers(owner: Engine, definitions: Sequence[Definition]) -> None:
    """Creates the layers that are not there yet."""
    with owner.begin() as connection:
        for definition in definitions:
            put_layer(connection, definition, author="test")


def store_items(connection: Connection, definition: Definition, items: Sequence[Item]) -> None:
    """Writes features into the layer's table, past publication: the caller takes them back."""
    rows: list[Mapping[str, object]] = [
        {
            "fid": number,
            "province_code": item.province,
            "unit_code": item.unit_code,
            "from_revision": 1,
            "code": item.key,
            **item.values,
            **_geometry(definition, item),
        }
        for number, item in enumerate(items, start=1)
    ]
    for row in rows:
        connection.execute(insert(feature_table(definition)).values(**row))
