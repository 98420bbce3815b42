"""Brings rows from a frame into a temporary table shaped like the layer, by COPY."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
import shapely
from sqlalchemy import ARRAY, BigInteger, Column, Connection, Integer, LargeBinary, MetaData, Table, Text
from sqlalchemy.schema import CreateTable
from sqlalchemy.types import TypeEngine

from layers.definition import Definition, Field, FieldType, GeometryType
from layers.personal.staged import hide_personal, require_sealed
from layers.tables import STORAGE_SRID, StoredGeometry, sql_type

# A mark that no cleaned text contains stands for NULL, so that every text, even "\N" or "", survives.
NULL_MARK = "\x01"
PERSONAL = "_personal"
SEALED = {"key_id": "_key_id", "sealed": "_sealed", "terms": "_terms"}
"""Columns of sealed values in ``private`` and in ``stage``, where fields stand beside them: no field begins so."""
_MULTI = {GeometryType.MULTIPOLYGON: "MultiPolygon", GeometryType.MULTILINESTRING: "MultiLineString"}


@lru_cache(maxsize=256)
def stage_table(definition: Definition) -> Table:
    """The temporary table of an upload: system columns that may still be empty, fields, geometry.

    Personal values that the rows bring are one unreadable document in :data:`PERSONAL`; those that are taken over from
    the features' own are in the columns of :data:`SEALED`, as they were.
    """
    columns: list[Column[object]] = [
        Column("row_no", BigInteger, nullable=False),
        Column("fid", BigInteger),
        Column("op", Text),
        Column("province_code", Text),
        Column("unit_code", Text),
        Column("unit_codes", ARRAY(Text)),
        Column("key_ordinal", Integer, nullable=False, server_default="0"),
        *(Column(field.name, sql_type(field.type)) for field in definition.fields if not field.personal),
    ]
    if definition.personal_fields:
        kinds: tuple[TypeEngine[Any], ...] = (BigInteger(), LargeBinary(), ARRAY(Text()))
        columns.append(Column(PERSONAL, LargeBinary))
        columns += [Column(name, kind) for name, kind in zip(SEALED.values(), kinds, strict=True)]
    if definition.geometry is not None:
        columns.append(Column("geom", StoredGeometry.of("GEOMETRY", STORAGE_SRID)))
    return Table("stage", MetaData(), *columns, prefixes=["TEMPORARY"], postgresql_on_commit="DROP")


def stage_rows(connection: Connection, definition: Definition, frames: Iterable[pd.DataFrame]) -> int:
    """Copies frames into the temporary table ``stage`` and returns the number of rows.

    Personal values leave this process unreadable.

    Args:
        connection: Inside a transaction; the table goes with it.
        definition: The layer that the frames are meant for.
        frames: Columns named like the fields, ``geometry`` of shapely objects in EPSG:4326 where the layer
            has a geometry; an index that numbers the rows; ``fid`` where the features are known.

    Raises:
        PersonalKeyError: The frames bring personal values, and there is no key for them.
    """
    if definition.personal_fields:
        require_sealed(connection, definition)
    table = stage_table(definition)
    connection.execute(CreateTable(table))
    count = 0
    for frame in frames:
        if frame.empty:
            continue
        columns, body = _csv_columns(definition, frame, hide_personal(connection, definition, frame))
        _copy(connection, table, columns, body)
        count += len(frame)
    return count


def _copy(connection: Connection, table: Table, columns: list[str], body: str) -> None:
    preparer = connection.dialect.identifier_preparer
    listed = ", ".join(preparer.quote(name) for name in columns)
    statement = f"COPY {preparer.format_table(table)} ({listed}) FROM STDIN (FORMAT csv, NULL '{NULL_MARK}')"
    driver = connection.connection.driver_connection
    with driver.cursor().copy(statement) as copy:  # type: ignore[union-attr]
        copy.write(body)


def _csv_columns(
    definition: Definition, frame: pd.DataFrame, personal: list[str | None] | None
) -> tuple[list[str], str]:
    table: dict[str, object] = {"row_no": np.asarray(frame.index)}
    for extra in ("fid", "key_ordinal"):
        if extra in frame.columns:
            # Where some rows have none, pandas would write the others as 8.0.
            table[extra] = pd.to_numeric(frame[extra]).astype("Int64")
    for extra in ("province_code", "unit_code"):
        if extra in frame.columns:
            table[extra] = frame[extra]
    for field in definition.fields:
        if field.name in frame.columns and not field.personal:
            table[field.name] = _csv_values(field, frame[field.name])
    if personal is not None:
        table[PERSONAL] = np.array(personal, dtype=object)
    if definition.geometry is not None:
        table["geom"] = _hex_wkb(definition.geometry, np.asarray(frame["geometry"], dtype=object))
    out = pd.DataFrame(table, index=frame.index)
    buffer = io.StringIO()
    out.to_csv(buffer, index=False, header=False, na_rep=NULL_MARK, quoting=csv.QUOTE_MINIMAL)
    return list(out.columns), buffer.getvalue()


def _csv_values(field: Field, values: pd.Series[Any]) -> object:
    if field.type is FieldType.INTEGER:
        return pd.to_numeric(values).astype("Int64")
    if field.type is FieldType.NUMBER:
        return pd.to_numeric(values)
    if field.type is FieldType.BOOLEAN:
        return values.map(_boolean).astype(object)
    if field.type is FieldType.TEXT_ARRAY:
        return values.map(_array_literal).astype(object)
    if field.type in (FieldType.DATE, FieldType.DATETIME):
        return values.map(_iso).astype(object)
    return values


def _boolean(value: object) -> str | None:
    return None if pd.isna(value) else ("t" if value else "f")  # type: ignore[call-overload]


def _iso(value: object) -> str | None:
    if isinstance(value, date) and not pd.isna(value):
        return value.isoformat()
    return None if value is None or pd.isna(value) else str(value)  # type: ignore[call-overload]


def _array_literal(value: object) -> str | None:
    if value is None or isinstance(value, float):
        return None
    quoted = ('"' + str(item).replace("\\", "\\\\").replace('"', '\\"') + '"' for item in value)  # type: ignore[attr-defined]
    return "{" + ",".join(quoted) + "}"


def _hex_wkb(kind: GeometryType, geometries: np.ndarray) -> np.ndarray:
    """Hex EWKB of the geometries as the layer's type; single parts become one-part collections."""
    present = ~(shapely.is_missing(geometries) | shapely.is_empty(geometries))
    multi = geometries.copy()
    if kind in _MULTI:
        single = present & (shapely.get_type_id(geometries) < shapely.GeometryType.MULTIPOINT)
        make = shapely.multipolygons if kind is GeometryType.MULTIPOLYGON else shapely.multilinestrings
        if single.any():
            multi[single] = make(geometries[single], indices=np.arange(int(single.sum())))
    out = np.full(len(multi), None, dtype=object)
    if present.any():
        tagged = shapely.set_srid(multi[present], STORAGE_SRID)
        out[present] = shapely.to_wkb(tagged, hex=True, include_srid=True)
    return out
