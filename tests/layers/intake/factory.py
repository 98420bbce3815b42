"""A seeded commune with parcels, written as a file in any encoding, coordinate system and format."""

from __future__ import annotations

import random
import warnings
import zipfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from layers.definition_reader import load_builtin
from layers.intake.model import Wish, World
from spatial.crs import crs_by_code
from spatial.readings import Reading, parse_reading
from tests.layers.intake.encoders import ENCODERS

TODAY = date(2026, 11, 25)
COMMUNE = "29551"
OLD_COMMUNE = "00004"
_FAMILY = ("Nguyễn", "Trần", "Lê", "Phạm", "Huỳnh", "Võ", "Đặng", "Bùi", "Đỗ", "Hồ", "Ngô", "Dương", "Lý")
_MIDDLE = ("Văn", "Thị", "Hữu", "Đức", "Minh", "Ngọc", "Quốc", "Thanh", "Xuân")
_GIVEN = ("Hòa", "Hoà", "Lộc", "Phượng", "Thắng", "Tuấn", "Dũng", "Hạnh", "Bảo", "Ngọc", "Sơn", "Yến", "Kiệt", "Thủy")
_HAMLET = ("Ấp Thạnh Lợi", "Ấp Mỹ Hưng", "Khóm Đông Bình", "Ấp Phước Định", "Ấp Trường Thọ", "Ấp Hòa Quí")
_LAND = ("ONT+CLN", "LUC", "CLN", "NTS", "BHK", "DGT", "ONT")


@dataclass(frozen=True)
class Commune:
    """The known world: parcels with attributes, geometry in EPSG:4326, and the boundary around them."""

    parcels: gpd.GeoDataFrame
    boundary: shapely.Geometry


def make_commune(
    count: int = 60, *, seed: int = 7, lon: float = 105.97, lat: float = 10.25, zone: int = 9209
) -> Commune:
    """Parcels of about 30 m side by side, cut in the metres of their zone."""
    chance = random.Random(seed)  # noqa: S311 - not for secrets
    reading = Reading(crs_by_code(zone))
    x0, y0 = metres(reading, lon, lat)
    side = int(np.ceil(np.sqrt(count)))
    corners = {
        (i, j): (x0 + 30 * i + chance.uniform(-4, 4), y0 + 30 * j + chance.uniform(-4, 4))
        for i in range(side + 1)
        for j in range(side + 1)
    }
    polygons, rows = [], []
    for number in range(count):
        i, j = number % side, number // side
        polygons.append(shapely.Polygon([corners[i, j], corners[i, j + 1], corners[i + 1, j + 1], corners[i + 1, j]]))
        rows.append(_attributes(number, polygons[-1].area, chance))
    geometry = shapely.transform(np.array(polygons), reading.to_lonlat)
    frame = gpd.GeoDataFrame(pd.DataFrame(rows), geometry=geometry, crs=4326)
    return Commune(frame, shapely.union_all(geometry).buffer(0.02))


def metres(reading: Reading, lon: float, lat: float) -> tuple[float, float]:
    """The numbers that a reading brings to a longitude and latitude, by the inverse of its own step."""
    point = shapely.get_coordinates(from_lonlat(np.array([shapely.Point(lon, lat)], dtype=object), reading))[0]
    return float(point[0]), float(point[1])


def from_lonlat(geometry: np.ndarray, reading: Reading) -> np.ndarray:
    """Geometry in the numbers of a file of this reading, by Newton steps on the reading itself."""
    target = shapely.get_coordinates(geometry)
    if reading.is_geographic:
        guess = target.copy()
    else:
        centre = (reading.crs.central_meridian or 105) if reading.crs else 105
        guess = np.column_stack([500_000 + (target[:, 0] - centre) * 109_000, target[:, 1] * 110_600])
    if reading.is_swapped:
        guess = guess[:, ::-1]
    scale = 1.0 if reading.is_geographic else 1 / 110_000
    for _ in range(12):
        miss = reading.to_lonlat(guess) - target
        step = (miss[:, ::-1] if reading.is_swapped else miss) / scale
        guess = guess - step
    return shapely.set_coordinates(geometry.copy(), guess)


def _attributes(number: int, area: float, chance: random.Random) -> dict[str, Any]:
    return {
        "MAXA": OLD_COMMUNE,
        "SHBANDO": str(1 + number // 25),
        "SHTHUA": str(1 + number % 25),
        "DIENTICH": round(area, 1),
        "KHLOAIDAT": chance.choice(_LAND),
        "TENCHU": " ".join((chance.choice(_FAMILY), chance.choice(_MIDDLE), chance.choice(_GIVEN))),
        "DIACHI": chance.choice(_HAMLET),
    }


def as_file(commune: Commune, value: str) -> gpd.GeoDataFrame:
    """The parcels in the numbers of a reading, such as ``EPSG:9210/swapped``; no CRS is said."""
    frame = commune.parcels.copy()
    moved = from_lonlat(np.asarray(frame.geometry, dtype=object), parse_reading(value))
    return gpd.GeoDataFrame(pd.DataFrame(frame.drop(columns="geometry")), geometry=moved)


def encoded(frame: pd.DataFrame, encoding: str) -> pd.DataFrame:
    """Text columns with each byte of the encoding as one character, for a driver that writes Latin-1."""
    made = frame.copy()
    for name in made.columns:
        if name != "geometry" and not pd.api.types.is_numeric_dtype(made[name].dtype):
            made[name] = [ENCODERS[encoding](str(text)).decode("latin-1") for text in made[name]]
    return made


def write_shapefile(
    frame: gpd.GeoDataFrame, path: Path, *, encoding: str = "UTF-8", prj: str | None = None, cpg: str | None = None
) -> Path:
    """A Shapefile whose DBF holds the bytes of the encoding, with the .prj and .cpg given, or none."""
    with warnings.catch_warnings():
        # No CRS is what is meant.
        warnings.simplefilter("ignore", UserWarning)
        encoded(frame, encoding).to_file(path, driver="ESRI Shapefile", encoding="ISO-8859-1", engine="pyogrio")
    for suffix, text in ((".prj", prj), (".cpg", cpg)):
        path.with_suffix(suffix).unlink(missing_ok=True)
        if text is not None:
            path.with_suffix(suffix).write_text(text, encoding="utf-8")
    return path


def zip_shapefile(path: Path, target: Path, *, inside: str = "", upper: bool = False) -> Path:
    """The files of a Shapefile in one ZIP, in a folder inside, with upper-case names where wanted."""
    parts = sorted(part for part in path.parent.glob(f"{path.stem}.*") if part != target)
    assert parts, f"no Shapefile at {path}"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in parts:
            archive.write(part, inside + (part.name.upper() if upper else part.name))
    return target


def make_world(commune: Commune, **more: Any) -> World:
    """The world of the parcels of a commune, without an earlier state."""
    facts: dict[str, Any] = {
        "boundary": commune.boundary,
        "unit_name": "xã Thử Nghiệm",
        "known_units": frozenset({COMMUNE, OLD_COMMUNE}),
        "province_code": "86",
    }
    return World(load_builtin()["parcels"], TODAY, **(facts | more))


def with_current(commune: Commune, **more: Any) -> World:
    """The world in which the same parcels are already published."""

    def current() -> pd.DataFrame:
        rows = commune.parcels
        return pd.DataFrame(
            {
                "old_commune_code": rows["MAXA"],
                "sheet": rows["SHBANDO"],
                "parcel": rows["SHTHUA"],
                "geometry": np.asarray(rows.geometry, dtype=object),
            }
        )

    return make_world(commune, current=current, **more)


WISH = Wish("parcels", unit_code=COMMUNE)
