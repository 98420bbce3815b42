"""Writes features to files in the formats that people take away, batch by batch."""

from __future__ import annotations

import csv
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
import pyproj
from pyogrio.raw import write_arrow

from layers.arrow import GEOMETRY, Table, gdal_crs
from layers.definition import Definition
from spatial.crs import CRS, CRS84
from spatial.target import Property

DBF_NAME: Final = 10
DBF_TEXT_BYTES: Final = 254


class FileFormat(StrEnum):
    """Formats of a download; the value is the extension, but for shp, which comes zipped."""

    GEOPACKAGE = "gpkg"
    GEOPARQUET = "parquet"
    SHAPEFILE = "shp"
    FLATGEOBUF = "fgb"
    CSV = "csv"
    GEOJSON = "geojson"


MEDIA_TYPES: Final[Mapping[FileFormat, str]] = {
    FileFormat.GEOPACKAGE: "application/geopackage+sqlite3",
    FileFormat.GEOPARQUET: "application/vnd.apache.parquet",
    FileFormat.SHAPEFILE: "application/zip",
    FileFormat.FLATGEOBUF: "application/flatgeobuf",
    FileFormat.CSV: "text/csv; charset=utf-8; header=present",
    FileFormat.GEOJSON: "application/geo+json",
}
Batches = Iterator[Sequence[Sequence[Any]]]


def table_of(kind: FileFormat, properties: tuple[Property, ...], geometry_type: str | None) -> Table:
    """The columns of a file of this format."""
    if kind is FileFormat.SHAPEFILE:
        # DBF has dates but no instants: they go as text.
        properties = tuple(Property(p.name, "text") if p.type == "datetime" else p for p in properties)
        return Table(properties, geometry_type, names=short_names(properties))
    return Table(
        properties,
        geometry_type,
        has_dates=kind is not FileFormat.FLATGEOBUF,
        has_lists=kind is FileFormat.GEOPARQUET,
    )


def short_names(properties: Sequence[Property]) -> tuple[str, ...]:
    """Names of at most ten characters, each once, for DBF."""
    found: list[str] = []
    for item in properties:
        name, number = item.name[:DBF_NAME], 1
        while name in (*found, "fid"):
            number += 1
            name = f"{item.name[: DBF_NAME - 1 - len(str(number))]}_{number}"
        found.append(name)
    return tuple(found)


def write_gdal(kind: FileFormat, path: Path, table: Table, batches: Batches, crs: CRS, *, layer: str) -> None:
    """Writes GeoPackage or FlatGeobuf; memory is bounded by a batch."""
    driver = {FileFormat.GEOPACKAGE: "GPKG", FileFormat.FLATGEOBUF: "FlatGeobuf"}[kind]
    _write(path, driver, table, batches, gdal_crs(crs), layer=layer)


def _write(path: Path, driver: str, table: Table, batches: Batches, crs: str, *, layer: str, **options: Any) -> None:
    reader = pa.RecordBatchReader.from_batches(table.schema, (table.batch(rows) for rows in batches))
    geometry = {"geometry_name": GEOMETRY, "geometry_type": table.geometry_type, "crs": crs}
    if table.geometry_type is None:
        geometry = {"geometry_name": None}
    write_arrow(reader, path, driver=driver, layer=layer, **geometry, **options)


def write_geoparquet(path: Path, table: Table, batches: Batches, crs: CRS) -> None:
    """Writes GeoParquet 1.1: WKB, the CRS as PROJJSON, the bounds of the whole."""
    described = pyproj.CRS.from_user_input("OGC:CRS84" if crs == CRS84 else f"EPSG:{crs.code}").to_json_dict()
    column = {"encoding": "WKB", "geometry_types": [str(table.geometry_type)], "crs": described}
    meta = {"version": "1.1.0", "primary_column": GEOMETRY, "columns": {GEOMETRY: column}}
    schema = table.schema
    if table.geometry_type:
        schema = schema.with_metadata({b"geo": json.dumps(meta).encode()})
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for rows in batches:
            writer.write_batch(table.batch(rows).replace_schema_metadata(schema.metadata))


def write_shapefile(path: Path, table: Table, batches: Batches, crs: CRS, *, definition: Definition) -> None:
    """Writes a zipped shapefile: UTF-8 with .cpg, ESRI's own WKT in .prj, and a legend of the short names.

    DBF texts end at 254 bytes, cut between characters; ``fields.csv`` says so.
    """
    folder = path.with_suffix(".parts")
    folder.mkdir(exist_ok=True)
    base = folder / f"{definition.table}.shp"
    cut = ([[_cut(value) for value in row] for row in rows] for rows in batches)
    _write(base, "ESRI Shapefile", table, cut, gdal_crs(crs), layer=definition.table, encoding="UTF-8")
    base.with_suffix(".prj").write_text(_esri_wkt(crs), encoding="ascii")
    base.with_suffix(".cpg").write_text("UTF-8", encoding="ascii")
    _write_legend(folder / "fields.csv", table, definition)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in sorted(folder.iterdir()):
            archive.write(part, part.name)
            part.unlink()
    folder.rmdir()


def _esri_wkt(crs: CRS) -> str:
    """The WKT that ArcGIS writes itself, by which it and QGIS know the CRS; it has no place for TOWGS84."""
    return str(pyproj.CRS.from_epsg(4326 if crs == CRS84 else crs.code).to_wkt("WKT1_ESRI"))


def _cut(value: Any) -> Any:
    if isinstance(value, list):
        value = "; ".join(value)
    if not isinstance(value, str) or len(value.encode()) <= DBF_TEXT_BYTES:
        return value
    return value.encode()[:DBF_TEXT_BYTES].decode("utf-8", "ignore")


def _write_legend(path: Path, table: Table, definition: Definition) -> None:
    fields = {field.name: field for field in definition.public_fields}
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["dbf_name", "name", "title_vi", "title_en", "type", "unit"])
        for short, item in zip(table.names or (), table.properties, strict=True):
            field = fields.get(item.name)
            kind = f"text, ≤ {DBF_TEXT_BYTES} byte" if item.type in ("text", "text[]") else item.type
            titles = (field.title.vi, field.title.en, kind, field.unit or "") if field else ("", "", kind, "")
            writer.writerow([short, item.name, *titles])


def write_text(path: Path, head: bytes, lines: Iterator[str], tail: bytes, *, separator: str) -> None:
    """Writes text made in SQL, line by line."""
    with path.open("wb") as file:
        file.write(head)
        for number, line in enumerate(lines):
            file.write(((separator if number else "") + line).encode("utf-8"))
        file.write(tail)


def watched(rows: Batches, tell: Callable[[int], None]) -> Batches:
    """The same batches, telling after each how many rows have passed."""
    done = 0
    for batch in rows:
        yield batch
        done += len(batch)
        tell(done)
