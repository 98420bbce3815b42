"""Rows of a file whose columns are named like a layer's fields, brought to EPSG:4326."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio

from layers.errors import LayerError
from spatial.crs import CRS, CRS84, crs_by_code, parse_crs, transform_all

SPATIAL_SUFFIXES: Final = (".gpkg", ".geojson", ".json", ".fgb", ".shp", ".zip")


class FileRefused(LayerError):
    """A file cannot be read as rows of a layer."""

    def __init__(self, path: Path, vi: str, en: str) -> None:
        self.path = path
        super().__init__(f"{path.name}: {vi}", f"{path.name}: {en}", parameter="file")


def read_rows(path: Path, *, layer: str | None = None, crs: str | None = None) -> pd.DataFrame:
    """Returns the rows of a file, numbered from 1, geometry in EPSG:4326.

    Args:
        path: GeoPackage, GeoJSON, FlatGeobuf, Shapefile (zipped or not), or CSV in UTF-8 for a table.
        layer: Layer inside the file, where it holds several.
        crs: CRS of the coordinates, where the file says none or a wrong one; VN-2000 goes by EPSG:6960.

    Raises:
        FileRefused: The file is absent, of another kind, unreadable, or does not say its CRS.
        InvalidCRS: The CRS is not one that the service knows.
    """
    suffix = path.suffix.lower()
    if not path.is_file():
        raise FileRefused(path, "không có tệp này.", "there is no such file.")
    if suffix == ".csv":
        frame = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    elif suffix in SPATIAL_SUFFIXES:
        frame = _read_features(path, layer, crs)
    else:
        known = ", ".join((*SPATIAL_SUFFIXES, ".csv"))
        raise FileRefused(path, f"không nhận loại tệp này; dùng: {known}.", f"not a known kind of file; use: {known}.")
    frame.index = pd.RangeIndex(1, len(frame) + 1, name="row")
    return frame


def _read_features(path: Path, layer: str | None, crs: str | None) -> pd.DataFrame:
    try:
        names = [str(name) for name in pyogrio.list_layers(path)[:, 0]]
        if layer is None and len(names) > 1:
            listing = ", ".join(names)
            raise FileRefused(path, f"có nhiều lớp, hãy chọn một: {listing}.", f"holds several layers: {listing}.")
        frame: pd.DataFrame = pyogrio.read_dataframe(path, layer=layer)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
        raise FileRefused(path, f"không đọc được ({error}).", f"cannot be read ({error}).") from None
    if not isinstance(frame, gpd.GeoDataFrame):
        return frame
    source = parse_crs(crs) if crs is not None else _declared_crs(path, frame)
    moved = transform_all(np.asarray(frame.geometry, dtype=object), source, CRS84)
    rest = pd.DataFrame(frame.drop(columns=frame.active_geometry_name))
    placed: pd.DataFrame = gpd.GeoDataFrame(rest, geometry=moved, crs="EPSG:4326")
    return placed


def _declared_crs(path: Path, frame: gpd.GeoDataFrame) -> CRS:
    if frame.crs is None:
        raise FileRefused(
            path,
            "không khai hệ tọa độ; hãy thêm --crs, ví dụ --crs EPSG:9210.",
            "does not say its CRS; add --crs, such as --crs EPSG:9210.",
        )
    if frame.crs.to_authority() == ("OGC", "CRS84"):
        return CRS84
    code = frame.crs.to_epsg()
    if code is None:
        raise FileRefused(
            path,
            f"hệ tọa độ “{frame.crs.name}” không có mã EPSG; hãy chỉ rõ bằng --crs.",
            f'its CRS "{frame.crs.name}" has no EPSG code; say which one with --crs.',
        )
    return crs_by_code(code)
