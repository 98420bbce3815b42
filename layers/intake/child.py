"""The part of intake that runs in the confined child: GDAL and other parsers of files of unknown origin.

Rows leave as an Arrow file: text columns as the bytes of the file (one character each) where they can be had, geometry
as WKB in :data:`GEOMETRY_COLUMN`. Nothing here decides anything.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from importlib.abc import MetaPathFinder
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from layers.intake.ragged import read_ragged

GEOMETRY_COLUMN: Final = "\x00geometry"
_BATCH: Final = 65_536
_SPREADSHEET_SCAN: Final = 40
_SHOWN_RAGGED: Final = 2_000


class CapExceeded(Exception):
    """A file holds more than intake takes: ``rows`` or ``vertices``."""

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(what)


def list_parts(datasets: list[dict[str, str]]) -> dict[str, Any]:
    """Returns the layers or sheets of each data set, or what refused to open it."""
    parts: list[dict[str, Any]] = []
    failures: list[str] = []
    for number, dataset in enumerate(datasets):
        try:
            parts += [{"dataset": number, **part} for part in _parts_of(dataset["kind"], dataset["path"])]
        except Exception as error:  # whatever a parser raises over hostile bytes is one fact: it cannot be read
            failures.append(f"{type(error).__name__}: {error}"[:300])
    return {"parts": parts, "failures": failures}


def read_part(
    kind: str, path: str, layer: str | None, out: str, max_rows: int, max_geometry_bytes: int
) -> dict[str, Any]:
    """Writes one layer or sheet to ``out`` as an Arrow file and returns what is known of it.

    The answer has ``crs`` (WKT or None), ``is_raw``, ``rows``, ``texts`` and, where it failed, ``failure``.
    """
    try:
        if kind == "csv":
            return _read_table(path, out, (max_rows, max_geometry_bytes))
        if kind == "xlsx":
            return _write(out, None, *_sheet_batches(path, layer), limits=(max_rows, max_geometry_bytes))
        return _read_features(kind, path, layer, out, (max_rows, max_geometry_bytes))
    except CapExceeded as error:
        return {"failure": f"cap:{error.what}"}
    except Exception as error:  # see list_parts
        return {"failure": f"{type(error).__name__}: {error}"[:300]}


class _NoFrames(MetaPathFinder):
    """Tells importers that packages are not there; a None in ``sys.modules`` deceives what Cython has compiled."""

    names: Final = frozenset({"geopandas", "pandas", "pyproj", "shapely"})

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> None:
        """Refuses the names, and leaves every other one to the finders behind."""
        del path, target
        if fullname in self.names:
            raise ModuleNotFoundError(name=fullname)


def _without_frames() -> None:
    """Keeps pyogrio from importing what it takes along where it finds it: three quarters of the child's start.

    Rows leave as Arrow; nothing here uses frames or transformations.
    """
    if not any(isinstance(finder, _NoFrames) for finder in sys.meta_path):
        sys.meta_path.insert(0, _NoFrames())


def _parts_of(kind: str, path: str) -> Iterator[dict[str, Any]]:
    if kind == "csv":
        yield {"layer": None, "rows": None, "geometry": None}
        return
    if kind == "xlsx":
        from python_calamine import CalamineWorkbook

        with CalamineWorkbook.from_path(path) as book:
            for name in book.sheet_names:
                sheet = book.get_sheet_by_name(name)
                yield {"layer": name, "rows": sheet.total_height, "geometry": None}
        return
    _refuse_entities(kind, path)
    _without_frames()
    import pyogrio

    for name, geometry in pyogrio.list_layers(path):
        facts = pyogrio.read_info(
            path, layer=name, force_feature_count=kind not in ("gml", "kml"), encoding="ISO-8859-1"
        )
        yield {"layer": str(name), "rows": int(facts["features"]), "geometry": geometry}


def _refuse_entities(kind: str, path: str) -> None:
    if kind not in ("kml", "gml"):
        return
    from xml.sax.handler import ContentHandler

    from defusedxml.sax import parse

    with Path(path).open("rb") as file:
        parse(file, ContentHandler(), forbid_dtd=True)


def _read_features(kind: str, path: str, layer: str | None, out: str, limits: tuple[int, int]) -> dict[str, Any]:
    try:
        return _read_arrow(path, layer, out, limits, is_raw=kind in ("shapefile", "dxf", "mapinfo-tab", "mapinfo-mif"))
    except _NotUnicode:
        # A format that promises UTF-8 holds other bytes: all of its text is read as bytes.
        return _read_arrow(path, layer, out, limits, is_raw=True)


class _NotUnicode(Exception):
    """Text that should be UTF-8 is not."""


def _read_arrow(path: str, layer: str | None, out: str, limits: tuple[int, int], *, is_raw: bool) -> dict[str, Any]:
    _without_frames()
    from pyogrio.raw import open_arrow

    shape = Path(path).suffix in (".shp", ".dbf")
    options: dict[str, Any] = {"encoding": "ISO-8859-1"} if shape else {}
    with open_arrow(path, layer=layer, batch_size=_BATCH, use_pyarrow=True, **options) as (meta, reader):
        geometry = meta["geometry_name"] or "wkb_geometry"
        batches = (_named(batch, geometry, is_raw=is_raw) for batch in reader)
        first = next(batches, None)
        empty = pa.schema([(str(name), pa.large_string()) for name in meta["fields"]])
        schema = first.schema if first is not None else empty
        stream = _chain(first, batches)
        answer = _write(out, meta["crs"], schema, stream, limits=limits)
    return answer | {"is_raw": is_raw, "geometry_type": meta["geometry_type"]}


def _chain(first: pa.RecordBatch | None, rest: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    if first is not None:
        yield first
        yield from rest


def _named(batch: pa.RecordBatch, geometry: str, *, is_raw: bool) -> pa.RecordBatch:
    columns: list[pa.Array] = []
    names: list[str] = []
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        if name == geometry:
            names.append(GEOMETRY_COLUMN)
            columns.append(column.cast(pa.large_binary()))
            continue
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            column = _text(column, is_raw=is_raw)
        elif pa.types.is_nested(column.type):
            column = pa.array([_listed(value) for value in column.to_pylist()], pa.large_string())
        names.append(name)
        columns.append(column)
    return pa.RecordBatch.from_arrays(columns, names=_distinct(names))


def _listed(value: object) -> str | None:
    """A list as people write one in a cell; anything deeper as JSON."""
    if value is None:
        return None
    if isinstance(value, list) and not any(isinstance(item, list | dict) for item in value):
        return "; ".join(str(item) for item in value if item is not None)
    return json.dumps(value, ensure_ascii=False, default=str)


def _text(column: pa.Array, *, is_raw: bool) -> pa.Array:
    try:
        column.validate(full=True)
    except pa.ArrowInvalid:
        if not is_raw:
            raise _NotUnicode from None
        raw = column.cast(pa.large_binary(), safe=False)
        texts = [None if value is None else value.decode("latin-1") for value in raw.to_pylist()]
        return pa.array(texts, pa.large_string())
    return column.cast(pa.large_string())


def _distinct(names: list[str]) -> list[str]:
    seen: dict[str, int] = {}
    found = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        found.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return found


def _write(
    out: str, crs: str | None, schema: pa.Schema, batches: Iterator[pa.RecordBatch], *, limits: tuple[int, int]
) -> dict[str, Any]:
    rows = weight = 0
    with pa.OSFile(out, "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
        for batch in batches:
            rows += batch.num_rows
            if GEOMETRY_COLUMN in batch.schema.names:
                weight += pc.sum(pc.binary_length(batch.column(GEOMETRY_COLUMN))).as_py() or 0
            if rows > limits[0]:
                raise CapExceeded("rows")
            if weight > limits[1]:
                raise CapExceeded("vertices")
            writer.write_batch(batch.cast(schema) if batch.schema != schema else batch)
    return {"crs": crs, "rows": rows, "is_raw": False, "geometry_type": None}


def _read_table(path: str, out: str, limits: tuple[int, int]) -> dict[str, Any]:
    """Writes a CSV; one whose rows differ in length is read again, slowly, so that no row is lost."""
    try:
        return _write(out, None, *_csv_batches(path), limits=limits)
    except pa.ArrowInvalid:
        schema, batches, ragged = read_ragged(Path(path))
        return _write(out, None, schema, batches, limits=limits) | {"ragged": ragged[:_SHOWN_RAGGED]}


def _csv_batches(path: str) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    from pyarrow import csv

    from layers.intake.delimited import describe_table

    facts = describe_table(Path(path))
    reader = csv.open_csv(
        path,
        read_options=csv.ReadOptions(
            encoding=facts.codec, column_names=list(facts.columns), skip_rows=facts.header_line, block_size=2**24
        ),
        parse_options=csv.ParseOptions(delimiter=facts.delimiter, newlines_in_values=True),
        convert_options=csv.ConvertOptions(
            column_types={name: pa.large_string() for name in facts.columns}, strings_can_be_null=False
        ),
    )
    return reader.schema, iter(reader)


def _sheet_batches(path: str, sheet: str | None) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    from python_calamine import CalamineWorkbook

    from layers.intake.delimited import cell_text, find_header

    with CalamineWorkbook.from_path(path) as book:
        found = book.get_sheet_by_name(sheet) if sheet else book.get_sheet_by_index(0)
        rows = found.to_python(skip_empty_area=True)
    texts = [[cell_text(value) for value in row] for row in rows]
    at, columns = find_header(texts[:_SPREADSHEET_SCAN])
    body = [row for row in texts[at + 1 :] if any(row)]
    schema = pa.schema([(name, pa.large_string()) for name in columns])
    table = pa.table(
        [pa.array([row[i] if i < len(row) else None for row in body], pa.large_string()) for i in range(len(columns))],
        schema=schema,
    )
    return schema, iter(table.to_batches(_BATCH))
