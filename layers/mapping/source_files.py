"""Features of a source file as rows: titles trimmed, rows numbered from 1 in the order of the file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Final, NoReturn

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio

from layers.mapping.model import Where
from layers.mapping.transforms import folded, tidy
from layers.yaml_nodes import Place

# Content decides, not the name: OGR opens a VRT or a pipeline called .json and reads other files through it.
_MAGIC: Final = {
    ".gpkg": (b"SQLite format 3\x00", "GPKG"),
    ".fgb": (b"fgb", "FlatGeobuf"),
    ".shp": (b"\x00\x00\x27\x0a", "ESRI Shapefile"),
}
_GEOJSON: Final = (".geojson", ".json")
_GEOJSON_TYPES: Final = ("FeatureCollection", "Feature")
_CHUNK: Final = 1 << 20
_MOST_JSON: Final = 512 * 1024 * 1024


def refuse_source(place: Place, name: str, vi: str, en: str) -> NoReturn:
    """Raises the refusal of a source at the line of the mapping file that asks for it."""
    place.refuse(f"{name}: {vi}", f"{name}: {en}")


def read_features(data_dir: Path, name: str, layer: str | None, place: Place) -> gpd.GeoDataFrame:
    """Reads one layer of a file of the data folder in EPSG:4326.

    Raises:
        InvalidDefinition: The file is absent, of another kind than its name says, in another CRS, or has no
            such layer.
    """
    path = data_dir / name
    if not path.is_file():
        refuse_source(place, name, "không có tệp này trong thư mục dữ liệu.", "is not in the data folder; add it.")
    _require_kind(path, name, place)
    if layer is None and len(pyogrio.list_layers(path)) > 1:
        refuse_source(place, name, "có nhiều lớp; hãy ghi rõ from.", "holds several layers; say which one: from.")
    try:
        frame = _opened(path, layer)
    except pyogrio.errors.DataSourceError as error:
        refuse_source(place, name, f"không đọc được ({error}).", f"cannot be read ({error}).")
    except pyogrio.errors.DataLayerError:
        listing = ", ".join(str(known) for known in pyogrio.list_layers(path)[:, 0])
        refuse_source(place, name, f"không có lớp “{layer}”; có: {listing}.", f'has no layer "{layer}" but: {listing}.')
    if not isinstance(frame, gpd.GeoDataFrame):
        refuse_source(place, name, f"lớp “{layer}” không có hình học.", f'layer "{layer}" has no geometry.')
    _require_crs(frame, name, place)
    return frame


@lru_cache(maxsize=4)
def _opened(path: Path, layer: str | None) -> gpd.GeoDataFrame:
    """Reads a layer once for all entries that pick rows of it; nobody writes to the frame."""
    frame = pyogrio.read_dataframe(path, layer=layer)
    if not isinstance(frame, gpd.GeoDataFrame):
        return frame
    titles = [column for column in frame.columns if column != frame.active_geometry_name]
    frame = frame.rename(columns=dict(zip(titles, _trimmed(titles), strict=True)))
    frame.index = pd.RangeIndex(1, len(frame) + 1, name="row")
    return frame


def column_titles(path: Path, layer: str | None) -> list[str]:
    """Returns the trimmed column titles of a layer, in the order of the file."""
    return _trimmed(pyogrio.read_info(path, layer=layer)["fields"])


def select_rows(frame: gpd.GeoDataFrame, where: Where | None, name: str, place: Place) -> gpd.GeoDataFrame:
    """Returns the rows that an entry means; they keep their numbers.

    Raises:
        InvalidDefinition: The column does not exist.
    """
    if where is None:
        return frame
    numbers, distinct = pd.factorize(column_of(frame, where.column, name, place), use_na_sentinel=False)
    meant = [(folded(tidy(value) or "") in where.values) != where.negated for value in distinct]
    return frame[np.array(meant, dtype=bool)[numbers]]


def column_of(frame: gpd.GeoDataFrame, title: str, name: str, place: Place) -> pd.Series:
    """Returns a column by its trimmed title.

    Raises:
        InvalidDefinition: The column does not exist; the message lists those that do.
    """
    wanted = tidy(title) or ""
    if wanted not in frame.columns or wanted == frame.active_geometry_name:
        listing = ", ".join(column for column in frame.columns if column != frame.active_geometry_name)
        refuse_source(
            place, name, f"không có cột “{title}”; các cột: {listing}.", f'has no column "{title}" but: {listing}.'
        )
    column: pd.Series = frame[wanted]
    return column


@lru_cache(maxsize=64)
def sha256_of(path: Path) -> str:
    """Returns the SHA-256 of a file in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _trimmed(titles: Iterable[object]) -> list[str]:
    """Trims titles; one that trimming makes a second time gets a number."""
    trimmed: list[str] = []
    for written in titles:
        title = base = tidy(written) or "column"
        number = 2
        while title in trimmed:
            title, number = f"{base} {number}", number + 1
        trimmed.append(title)
    return trimmed


def _require_kind(path: Path, name: str, place: Place) -> None:
    suffix = path.suffix.lower()
    if suffix in _MAGIC:
        magic, _driver = _MAGIC[suffix]
        with path.open("rb") as stream:
            good = stream.read(len(magic)) == magic
    else:
        good = suffix in _GEOJSON and _is_geojson(path)
    if not good:
        refuse_source(
            place,
            name,
            "nội dung không phải GeoPackage, FlatGeobuf, Shapefile hay GeoJSON như tên tệp.",
            "is not the GeoPackage, FlatGeobuf, Shapefile or GeoJSON that its name says.",
        )


def _is_geojson(path: Path) -> bool:
    if path.stat().st_size > _MOST_JSON:
        return False
    try:
        document = json.loads(path.read_bytes())
    except ValueError:
        return False
    return isinstance(document, dict) and document.get("type") in _GEOJSON_TYPES


def _require_crs(frame: gpd.GeoDataFrame, name: str, place: Place) -> None:
    crs = frame.crs
    if crs is not None and (crs.to_epsg() == 4326 or crs.to_authority() == ("OGC", "CRS84")):
        return
    found = crs.name if crs is not None else "?"
    refuse_source(
        place,
        name,
        f"hệ tọa độ “{found}”; hãy chuyển sang EPSG:4326 trước.",
        f'is in "{found}"; bring it to EPSG:4326 first.',
    )
