"""The checked rows of an upload as a file: written once, read again to compare and publish, never re-guessed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from sqlalchemy import Connection, select

from layers.definition import Definition, FieldType
from layers.delta import closed_table
from layers.staging import stage_table
from layers.uploads.kinship import Kin, Kinship

BATCH: Final = 20_000
ROW_COLUMN: Final = "__row__"
_EXTRA: Final = ("fid", "key_ordinal", "province_code", "unit_code")
_TYPES: Final = {
    FieldType.TEXT: pa.string(),
    FieldType.INTEGER: pa.int64(),
    FieldType.NUMBER: pa.float64(),
    FieldType.BOOLEAN: pa.bool_(),
    FieldType.DATE: pa.date32(),
    FieldType.DATETIME: pa.timestamp("us", tz="UTC"),
    FieldType.TEXT_ARRAY: pa.list_(pa.string()),
}


def write_rows(definition: Definition, rows: pd.DataFrame, path: Path) -> None:
    """Writes checked rows as Parquet: fields by name and type, geometry as WKB in EPSG:4326, the row's number."""
    schema = _schema(definition, rows.columns)
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for start in range(0, max(len(rows), 1), BATCH):
            part = rows.iloc[start : start + BATCH]
            writer.write_table(pa.Table.from_arrays(_arrays(part, schema), schema=schema))


def _schema(definition: Definition, columns: Collection[str]) -> pa.Schema:
    fields = [pa.field(ROW_COLUMN, pa.int64())]
    fields += [pa.field(field.name, _TYPES[field.type]) for field in definition.fields if field.name in columns]
    extra = {"fid": pa.int64(), "key_ordinal": pa.int64(), "province_code": pa.string(), "unit_code": pa.string()}
    taken = {field.name for field in fields}
    fields += [pa.field(name, extra[name]) for name in _EXTRA if name in columns and name not in taken]
    if definition.geometry is not None:
        fields.append(pa.field("geometry", pa.binary()))
    return pa.schema(fields)


def _arrays(part: pd.DataFrame, schema: pa.Schema) -> list[pa.Array]:
    arrays = []
    for field in schema:
        if field.name == ROW_COLUMN:
            arrays.append(pa.array(np.asarray(part.index, dtype="int64")))
        elif field.name == "geometry":
            arrays.append(pa.array(_wkb(part), type=pa.binary()))
        elif pa.types.is_list(field.type):
            values = [None if _is_missing(value) else list(value) for value in part[field.name]]
            arrays.append(pa.array(values, type=field.type))
        else:
            arrays.append(pa.Array.from_pandas(part[field.name], type=field.type))
    return arrays


def _is_missing(value: object) -> bool:
    return value is None or isinstance(value, float) or value is pd.NA


def _wkb(part: pd.DataFrame) -> list[bytes | None]:
    if "geometry" not in part.columns:
        return [None] * len(part)
    shapes = np.full(len(part), None, dtype=object)
    present = part["geometry"].notna().to_numpy()
    shapes[present] = part["geometry"].to_numpy(dtype=object)[present]
    written: list[bytes | None] = shapely.to_wkb(shapes).tolist()
    return written


def read_rows_file(path: Path) -> Iterator[pd.DataFrame]:
    """Reads checked rows in batches, as :func:`layers.staging.stage_rows` takes them."""
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(BATCH):
            yield _frame(batch)


def said_fields(definition: Definition, path: Path) -> frozenset[str]:
    """Names of the fields that a rows file has a column for."""
    names = set(pq.read_schema(path).names)
    return frozenset(field.name for field in definition.fields if field.name in names)


def _frame(batch: pa.RecordBatch) -> pd.DataFrame:
    columns: dict[str, object] = {}
    for name, array in zip(batch.schema.names, batch.columns, strict=True):
        if name == "geometry":
            columns[name] = shapely.from_wkb(np.array(array.to_pylist(), dtype=object))
        elif name != ROW_COLUMN:
            is_plain = pa.types.is_int64(array.type) or pa.types.is_boolean(array.type)
            columns[name] = _nullable(array) if is_plain else _objects(array)
    index = pd.Index(np.asarray(batch.column(ROW_COLUMN)), name="row")
    return pd.DataFrame(columns, index=index)


def _nullable(array: pa.Array) -> object:
    kind = "boolean" if pa.types.is_boolean(array.type) else "Int64"
    return pd.array(array.to_pylist(), dtype=kind)


def _objects(array: pa.Array) -> np.ndarray:
    if pa.types.is_floating(array.type):
        return np.asarray(array.to_numpy(zero_copy_only=False))
    values = np.full(len(array), None, dtype=object)
    values[:] = array.to_pylist() if not pa.types.is_list(array.type) else [None] * len(array)
    if pa.types.is_list(array.type):
        for place, value in enumerate(array.to_pylist()):
            values[place] = None if value is None else tuple(value)
    return values


def file_digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True, slots=True)
class KnownDelta:
    """A comparison made before, in fids: which rows change what, and what is deleted.

    Attributes:
        rows: Row number to (fid or None, key ordinal).
        deleted: Fids of features that end.
        kin: Renamed, split and merged features.
    """

    rows: dict[int, tuple[int | None, int]]
    deleted: tuple[int, ...]
    kin: tuple[Kin, ...]


def write_delta(connection: Connection, definition: Definition, kin: Sequence[Kin], path: Path) -> int:
    """Keeps the marked change in a file and returns the number of rows that change something."""
    stage, closed = stage_table(definition), closed_table()
    marked = select(stage.c.row_no, stage.c.fid, stage.c.key_ordinal).where(stage.c.op != "same")
    rows = [tuple(row) for row in connection.execute(marked.order_by(stage.c.row_no))]
    gone = select(closed.c.fid).where(closed.c.op == "delete").order_by(closed.c.fid)
    deleted = list(connection.execute(gone).scalars())
    schema = pa.schema([("row", pa.int64()), ("fid", pa.int64()), ("key_ordinal", pa.int64())])
    listed = [*rows, *((None, fid, 0) for fid in deleted)]
    columns = [list(column) for column in zip(*listed, strict=True)] if listed else [[], [], []]
    table = pa.Table.from_arrays(
        [pa.array(column, type=field.type) for column, field in zip(columns, schema, strict=True)], schema=schema
    )
    pq.write_table(table.replace_schema_metadata({"kin": json.dumps([asdict(one) for one in kin])}), path)
    return len(rows)


def read_delta(path: Path) -> KnownDelta:
    """Reads what :func:`write_delta` wrote."""
    table = pq.read_table(path)
    numbers, fids, ordinals = (table.column(name).to_pylist() for name in ("row", "fid", "key_ordinal"))
    listed = list(zip(numbers, fids, ordinals, strict=True))
    documents = json.loads((table.schema.metadata or {}).get(b"kin", b"[]"))
    kin = tuple(Kin(**{**document, "kind": Kinship(document["kind"])}) for document in documents)
    return KnownDelta(
        {row: (fid, ordinal) for row, fid, ordinal in listed if row is not None},
        tuple(fid for row, fid, _ in listed if row is None),
        kin,
    )


def copy_changing(source: Path, delta: KnownDelta, target: Path) -> None:
    """Copies the rows that change something, so that publishing reads no others."""
    wanted = pa.array(sorted(delta.rows), type=pa.int64())
    with pq.ParquetFile(source) as file, pq.ParquetWriter(target, file.schema_arrow, compression="zstd") as writer:
        for batch in file.iter_batches(BATCH):
            kept = batch.filter(pa.compute.is_in(batch.column(ROW_COLUMN), wanted))
            writer.write_batch(kept)


def changing_rows(path: Path, delta: KnownDelta) -> Iterator[pd.DataFrame]:
    """The rows of a file that change something, each with the fid and ordinal that the comparison gave it."""
    for frame in read_rows_file(path):
        kept = frame[frame.index.isin(delta.rows)].copy()
        if kept.empty:
            continue
        known = [delta.rows[int(row)] for row in kept.index]
        kept["fid"] = pd.array([fid for fid, _ in known], dtype="Int64")
        kept["key_ordinal"] = pd.array([ordinal for _, ordinal in known], dtype="Int64")
        yield kept
