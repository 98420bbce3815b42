"""The rows that edits are made of: current states found by fid or key, and the states that edits want."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry
from sqlalchemy import ColumnElement, Connection, RowMapping, func, select

from layers.definition import Definition
from layers.errors import FeatureNotFound, FieldNotFound
from layers.tables import feature_table, has_unit_codes


@dataclass(frozen=True, slots=True)
class CurrentFeature:
    """A feature as it stands now, without personal fields; geometry in EPSG:4326.

    Attributes:
        from_revision: The revision that this state dates from.
        province_code: Part of the feature's identity among those of the same key.
        unit_codes: All communes that the feature lies in.
    """

    fid: int
    from_revision: int
    province_code: str
    unit_code: str
    key_ordinal: int
    properties: Mapping[str, object]
    geometry: BaseGeometry | None
    unit_codes: tuple[str, ...]


def find_features(
    connection: Connection, definition: Definition, wanted: Sequence[int | Mapping[str, object]]
) -> list[CurrentFeature | None]:
    """Returns the features named by fid or by key, in the order asked; None for one that is not there."""
    fids = [feature if isinstance(feature, int) else _fid_of_key(connection, definition, feature) for feature in wanted]
    known = {found.fid: found for found in _read(connection, definition, {fid for fid in fids if fid is not None})}
    return [known.get(fid) if fid is not None else None for fid in fids]


def _fid_of_key(connection: Connection, definition: Definition, key: Mapping[str, object]) -> int | None:
    """The fid of the feature with this key; ``province_code`` may be named too, as keys repeat between provinces."""
    table = feature_table(definition)
    allowed = {*definition.key, "province_code", "key_ordinal"}
    for name in (*definition.key, *key):
        if name not in allowed or (name in definition.key and name not in key):
            raise FieldNotFound(definition.slug, name, known=definition.key)
    same = [table.c[name] == value for name, value in key.items()]
    found = connection.execute(select(table.c.fid).where(*same).order_by(table.c.fid).limit(2)).scalars().all()
    if len(found) > 1:
        shown = ", ".join(f"{name}={value}" for name, value in key.items())
        raise FeatureNotFound(definition.slug, f"{shown} (province_code?)")
    return int(found[0]) if found else None


def _read(connection: Connection, definition: Definition, fids: set[int]) -> Iterable[CurrentFeature]:
    table = feature_table(definition)
    if not fids:
        return []
    columns: list[ColumnElement[object]] = [
        table.c[name] for name in ("fid", "from_revision", "province_code", "unit_code", "key_ordinal")
    ]
    columns += [table.c[field.name] for field in definition.fields if not field.personal]
    if has_unit_codes(definition):
        columns.append(table.c.unit_codes)
    if definition.geometry is not None:
        columns.append(func.ST_AsBinary(table.c.geom).label("geom"))
    source = select(*columns).where(table.c.fid.in_(sorted(fids)))
    return [_current(definition, row) for row in connection.execute(source).mappings()]


def _current(definition: Definition, row: RowMapping) -> CurrentFeature:
    wkb = row.get("geom")
    return CurrentFeature(
        fid=row["fid"],
        from_revision=row["from_revision"],
        province_code=row["province_code"],
        unit_code=row["unit_code"],
        key_ordinal=row["key_ordinal"],
        properties={field.name: row[field.name] for field in definition.fields if not field.personal},
        geometry=shapely.from_wkb(wkb) if wkb is not None else None,
        unit_codes=tuple(row.get("unit_codes") or (row["unit_code"],)),
    )


def edited_row(
    definition: Definition,
    found: CurrentFeature | None,
    properties: Mapping[str, object],
    geometry: BaseGeometry | None,
    *,
    keeps_rest: bool,
) -> dict[str, object]:
    """The state that an edit wants: values named by it, and of the others those that stay.

    Hidden fields stay always. Personal ones are in the row where they are named; the others are kept later on.

    Raises:
        FieldNotFound: The layer shows no field of this name.
    """
    shown = [field.name for field in definition.fields if not field.hidden]
    for name in properties:
        if name not in shown:
            raise FieldNotFound(definition.slug, name, known=(field.name for field in definition.public_fields))
    row: dict[str, object] = {"geometry": geometry}
    if found is not None:
        stays = [f.name for f in definition.fields if not f.personal and (keeps_rest or f.hidden)]
        row |= {name: found.properties[name] for name in stays}
        row |= {"fid": found.fid, "key_ordinal": found.key_ordinal}
        if geometry is None and definition.unit_field is None:
            row |= {"province_code": found.province_code, "unit_code": found.unit_code}
    return row | dict(properties)


def rows_frame(definition: Definition, rows: Mapping[int, Mapping[str, object]]) -> pd.DataFrame:
    """The rows as a frame of objects, indexed by the number of their edit; absent values are None."""
    index = pd.Index(list(rows), name="row", dtype="int64")
    names = [field.name for field in definition.fields]
    extra = [name for name in ("province_code", "unit_code") if any(name in row for row in rows.values())]
    columns: dict[str, object] = {name: _objects([row.get(name) for row in rows.values()]) for name in (*names, *extra)}
    columns["fid"] = pd.Series([row.get("fid") for row in rows.values()], index=index, dtype="Int64")
    columns["key_ordinal"] = pd.Series([row.get("key_ordinal", 0) for row in rows.values()], index=index, dtype="Int64")
    if definition.geometry is not None:
        columns["geometry"] = _objects([row["geometry"] for row in rows.values()])
    return pd.DataFrame(columns, index=index)


def _objects(values: Sequence[object]) -> NDArray[np.object_]:
    """An array of one object for each value; lists become tuples, so that values can be told apart."""
    array = np.full(len(values), None, dtype=object)
    for place, value in enumerate(values):
        array[place] = tuple(value) if isinstance(value, list) else value
    return array
