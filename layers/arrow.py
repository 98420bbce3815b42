"""Features as Arrow batches, the way by which GDAL and GeoParquet take them without a Python object per cell."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from io import BytesIO
from typing import Any, Final

import pyarrow as pa
from pyogrio.raw import write_arrow

from layers.definition import FieldType
from spatial.crs import CRS, CRS84
from spatial.target import Property

GEOMETRY: Final = "geometry"
LIST_SEPARATOR: Final = "; "
_TYPES: Final = {
    FieldType.TEXT: pa.string(),
    FieldType.INTEGER: pa.int64(),
    FieldType.NUMBER: pa.float64(),
    FieldType.BOOLEAN: pa.bool_(),
    FieldType.DATE: pa.date32(),
    FieldType.DATETIME: pa.timestamp("us", tz="UTC"),
    FieldType.TEXT_ARRAY: pa.list_(pa.string()),
}


@dataclass(frozen=True, slots=True)
class Table:
    """The columns of features as a file has them.

    Attributes:
        properties: What is shown, in order; ``fid`` comes before and the geometry, as WKB, after.
        has_dates: Whether the format knows dates; else they are ISO text.
        has_lists: Whether it knows lists; else they are joined by ``; ``.
        names: Names of the columns in the file where they differ from those of the properties.
    """

    properties: tuple[Property, ...]
    geometry_type: str | None
    has_dates: bool = True
    has_lists: bool = False
    names: tuple[str, ...] | None = None

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema."""
        shown = self.names or tuple(item.name for item in self.properties)
        fields = [pa.field("fid", pa.int64(), nullable=False)]
        fields += [pa.field(name, self._type(item)) for name, item in zip(shown, self.properties, strict=True)]
        if self.geometry_type:
            wkb = {b"ARROW:extension:name": b"geoarrow.wkb"}
            fields.append(pa.field(GEOMETRY, pa.binary(), metadata=wkb))
        return pa.schema(fields)

    def _type(self, item: Property) -> pa.DataType:
        kind = FieldType(item.type)
        is_text = (kind is FieldType.DATE and not self.has_dates) or (
            kind is FieldType.TEXT_ARRAY and not self.has_lists
        )
        return pa.string() if is_text else _TYPES[kind]

    def batch(self, rows: Sequence[Sequence[Any]]) -> pa.RecordBatch:
        """Rows of (fid, properties in order, WKB) as one batch."""
        schema = self.schema
        columns: Iterable[Sequence[Any]] = zip(*rows, strict=True) if rows else ([] for _ in schema)
        arrays = [
            pa.array(_texts(values) if field.type == pa.string() else values, type=field.type)
            for field, values in zip(schema, columns, strict=True)
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _texts(values: Sequence[Any]) -> list[str | None]:
    return [value if value is None or isinstance(value, str) else _text(value) for value in values]


def _text(value: object) -> str:
    if isinstance(value, list | tuple):
        return LIST_SEPARATOR.join(value)
    return value.isoformat() if isinstance(value, date) else str(value)


def gdal_crs(crs: CRS) -> str:
    """The CRS as GDAL knows it. Coordinates in files are x, y, so that WGS 84 is written by its usual code."""
    return "EPSG:4326" if crs == CRS84 else f"EPSG:{crs.code}"


def flatgeobuf_bytes(table: Table, rows: Sequence[Sequence[Any]], crs: CRS, *, indexed: bool) -> bytes:
    """A FlatGeobuf file of rows; for a worker thread.

    GDAL makes it: ST_AsFlatGeobuf of PostGIS 3.3 gives a value the column of the one before it after every
    NULL, so that readers refuse the file or show values under wrong names.
    """
    batch = table.batch(rows)
    out = BytesIO()
    write_arrow(
        pa.Table.from_batches([batch]),
        out,
        driver="FlatGeobuf",
        layer="features",
        geometry_name=GEOMETRY,
        geometry_type=table.geometry_type,
        crs=gdal_crs(crs),
        layer_options={"SPATIAL_INDEX": "YES" if indexed and rows else "NO"},
    )
    return out.getvalue()
