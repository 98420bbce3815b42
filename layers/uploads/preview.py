"""The change row by row, as GeoJSON features with what was before and what would be after."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, RowMapping, func, literal, null, select

from layers.definition import Definition
from layers.delta import closed_table
from layers.staging import stage_table
from layers.tables import feature_table
from layers.uploads.kinship import Kin, Kinship
from spatial.sql import Rows

# Of each kind of change so many are shown one by one; the counts tell of all.
MAX_SHOWN: Final = 10_000
DIGITS: Final = 8
CHANGE_TITLES: Final[Mapping[str, tuple[str, str]]] = {
    "new": ("Thêm mới", "New"),
    "geometry": ("Đổi hình", "Shape changed"),
    "attributes": ("Đổi thuộc tính", "Values changed"),
    "both": ("Đổi hình và thuộc tính", "Shape and values changed"),
    "renamed": ("Đổi khóa, vẫn là đối tượng cũ", "Same feature under a new key"),
    "split": ("Tách ra từ đối tượng cũ", "Split from an older feature"),
    "merged": ("Gộp từ nhiều đối tượng cũ", "Merged from older features"),
    "gone": ("Xóa khỏi lớp", "Deleted"),
    "replaced": ("Xóa vì đã tách hoặc gộp", "Deleted, as split or merged"),
}


def write_changes(connection: Connection, definition: Definition, kin: Sequence[Kin], path: Path) -> int:
    """Writes the marked change as newline-delimited GeoJSON features (EPSG:4326) and returns how many.

    Personal fields are told as changed without their values.
    """
    kinds = _Kinds(kin)
    count = 0
    with path.open("w", encoding="utf-8") as file:
        for document in _documents(connection, definition, kinds):
            file.write(json.dumps({**document, "id": count + 1}, ensure_ascii=False) + "\n")
            count += 1
    return count


class _Kinds:
    """Kinship by row and by old feature."""

    def __init__(self, kin: Sequence[Kin]) -> None:
        self.of_row: dict[int, Kinship] = {}
        self.parents: dict[int, list[int]] = defaultdict(list)
        self.children: dict[int, list[int]] = defaultdict(list)
        for one in kin:
            self.of_row[one.row] = one.kind
            self.parents[one.row].append(one.old_fid)
            self.children[one.old_fid].append(one.row)


def _documents(connection: Connection, definition: Definition, kinds: _Kinds) -> Iterator[dict[str, Any]]:
    for row in connection.execute(_deletes(definition)).mappings():
        kind = "replaced" if row["fid"] in kinds.children else "gone"
        into = kinds.children.get(row["fid"], [])
        yield _document(definition, row, "delete", kind, geometry=row["old_geom"], extra={"into_rows": into})
    for op in ("update", "insert"):
        for row in connection.execute(_written(definition, op)).mappings():
            kinship = kinds.of_row.get(row["row_no"])
            kind = kinship.value if kinship else ("new" if op == "insert" else _what_changed(definition, row))
            extra: dict[str, object] = {"row": row["row_no"], "from_fids": kinds.parents.get(row["row_no"], [])}
            yield _document(definition, row, op, kind, geometry=row["new_geom"], extra=extra)


def _document(
    definition: Definition, row: RowMapping, op: str, kind: str, *, geometry: str | None, extra: Mapping[str, object]
) -> dict[str, Any]:
    side = "old" if op == "delete" else "new"
    vi, en = CHANGE_TITLES[kind]
    before = row["old_geom"] if op == "update" and row["old_geom"] != row["new_geom"] else None
    return {
        "type": "Feature",
        "geometry": json.loads(geometry) if geometry else None,
        "properties": {
            "change": op,
            "kind": kind,
            "title_vi": vi,
            "title_en": en,
            "fid": row["fid"],
            "key": {name: _json(row[f"{side}_{name}"]) for name in definition.key},
            "changed": _changed(definition, row) if op == "update" else {},
            "before": json.loads(before) if before else None,
            **extra,
        },
    }


def _what_changed(definition: Definition, row: RowMapping) -> str:
    is_moved = row["old_geom"] != row["new_geom"]
    return ("both" if _changed(definition, row) else "geometry") if is_moved else "attributes"


def _changed(definition: Definition, row: RowMapping) -> dict[str, list[object]]:
    shown = (field.name for field in definition.public_fields)
    return {
        name: [_json(row[f"old_{name}"]), _json(row[f"new_{name}"])]
        for name in shown
        if row[f"old_{name}"] != row[f"new_{name}"]
    }


def _json(value: object) -> object:
    return value.isoformat() if isinstance(value, date | datetime) else value


def _written(definition: Definition, op: str) -> Rows:
    stage, features = stage_table(definition), feature_table(definition)
    columns: list[ColumnElement[Any]] = [stage.c.row_no, stage.c.fid]
    for field in definition.public_fields:
        columns += [stage.c[field.name].label(f"new_{field.name}"), features.c[field.name].label(f"old_{field.name}")]
    columns += _shapes(definition, stage.c.get("geom"), features.c.get("geom"))
    joined = stage.outerjoin(features, features.c.fid == stage.c.fid)
    return select(*columns).select_from(joined).where(stage.c.op == op).order_by(stage.c.row_no).limit(MAX_SHOWN)


def _deletes(definition: Definition) -> Rows:
    features, closed = feature_table(definition), closed_table()
    columns: list[ColumnElement[Any]] = [features.c.fid]
    columns += [features.c[field.name].label(f"old_{field.name}") for field in definition.public_fields]
    columns += _shapes(definition, None, features.c.get("geom"))
    ending = select(*columns).where(closed.c.fid == features.c.fid, closed.c.op == "delete")
    return ending.order_by(features.c.fid).limit(MAX_SHOWN)


def _shapes(
    definition: Definition, new: ColumnElement[Any] | None, old: ColumnElement[Any] | None
) -> list[ColumnElement[Any]]:
    shapes = {"new_geom": new, "old_geom": old}
    if definition.geometry is None:
        return [null().label(name) for name in shapes]
    return [
        (null() if shape is None else func.ST_AsGeoJSON(shape, literal(DIGITS))).label(name)
        for name, shape in shapes.items()
    ]


def read_changes(
    path: Path, *, limit: int, after: int = 0, change: str | None = None, kind: str | None = None
) -> Iterable[dict[str, Any]]:
    """Reads features of the change in their order.

    Args:
        path: What :func:`write_changes` wrote.
        limit: Most features given.
        after: Id of the last feature already seen.
        change: Only ``insert``, ``update`` or ``delete``.
        kind: Only one of :data:`CHANGE_TITLES`.
    """
    given = 0
    with path.open(encoding="utf-8") as file:
        for line in file:
            if given >= limit:
                return
            feature = json.loads(line)
            properties = feature["properties"]
            if feature["id"] <= after or (change and properties["change"] != change):
                continue
            if kind and properties["kind"] != kind:
                continue
            given += 1
            yield feature
