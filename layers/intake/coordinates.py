"""Coordinates in columns: degrees, degrees-minutes-seconds, VN-2000 metres in either order, one cell of both, WKT."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from layers.intake.vietnamese import bare

_WKT: Final = re.compile(r"\s*(SRID=\d+;)?\s*(MULTI)?(POINT|LINESTRING|POLYGON)\s*(Z|M|ZM)?\s*\(", re.IGNORECASE)
_NUMBER: Final = r"[-+]?\d+(?:[.,]\d+)?"
_DMS: Final = re.compile(
    r"""\s*(?P<before>[NSEWBĐDT])?\s*(?P<d>\d{1,3})\s*[°ºđ:\s-]\s*(?P<m>\d{1,2})\s*(?:['’′:\s-]\s*)?
    (?:(?P<s>\d{1,2}(?:[.,]\d+)?)\s*(?:["”″]|'')?)?\s*(?P<after>[NSEWBĐDT])?\s*""",
    re.VERBOSE | re.IGNORECASE,
)
_PAIR: Final = re.compile(rf"\s*\(?\s*({_NUMBER})\s*[,;|\s/]\s*({_NUMBER})\s*\)?\s*")
_POINT_PAIR: Final = re.compile(r"\s*\(?\s*([-+]?\d+\.\d+|[-+]?\d{5,})\s*[,;\s]\s*([-+]?\d+\.\d+|[-+]?\d{5,})\s*\)?\s*")
_JUDGED: Final = 200
_MOST: Final = 0.8
_FIRST: Final = (
    "lon", "long", "lng", "longitude", "kinhdo", "kinhd", "toadokinhdo", "kinhdox", "xlon", "easting", "east", "e",
    "x", "toadox", "tdx", "xcoord", "pointx", "coordx", "xvn2000", "toadoxvn2000", "toadovn2000x", "toadoxm", "vn2000x",
)  # fmt: skip
_SECOND: Final = (
    "lat", "lat", "lat", "latitude", "vido", "vid", "toadovido", "vidoy", "ylat", "northing", "north", "n",
    "y", "toadoy", "tdy", "ycoord", "pointy", "coordy", "yvn2000", "toadoyvn2000", "toadovn2000y", "toadoym", "vn2000y",
)  # fmt: skip
_WKT_NAMES: Final = ("wkt", "geom", "geometry", "thegeom", "hinhhoc", "shape")


@dataclass(frozen=True, slots=True)
class FoundCoordinates:
    """Geometry read from columns.

    Attributes:
        geometry: Shapely objects in the numbers of the file, first number = x; None where a row has none.
        columns: Columns that it was read from.
        unread: Positions of rows that have something there that cannot be read.
    """

    geometry: NDArray[np.object_]
    columns: tuple[str, ...]
    unread: NDArray[np.intp]


def find_coordinates(frame: pd.DataFrame) -> FoundCoordinates | None:
    """Looks for coordinates in the columns of a table; None where there are none."""
    return _find_wkt(frame) or _find_pair(frame) or _find_cell(frame)


def _find_wkt(frame: pd.DataFrame) -> FoundCoordinates | None:
    for name in sorted(frame.columns, key=lambda name: bare(name) not in _WKT_NAMES):
        texts = _texts(frame[name])
        if _share(texts, lambda text: _WKT.match(text) is not None) >= _MOST:
            whole = np.array([None if text is None else text.split(";")[-1] for text in texts], dtype=object)
            geometry = shapely.from_wkt(whole, on_invalid="ignore")
            unread = np.flatnonzero(shapely.is_missing(geometry) & (whole != None))  # noqa: E711 - by element
            return FoundCoordinates(geometry, (str(name),), unread)
    return None


def _find_pair(frame: pd.DataFrame) -> FoundCoordinates | None:
    keys = {bare(str(name)): str(name) for name in reversed(frame.columns)}
    for first, second in zip(_FIRST, _SECOND, strict=True):
        seconds = ("lat", "latitude", "vido") if second == "lat" else (second,)
        x, y = keys.get(first), next((keys[name] for name in seconds if name in keys), None)
        if x is not None and y is not None:
            numbers = np.column_stack([parse_coordinates(frame[x]), parse_coordinates(frame[y])])
            if np.isfinite(numbers).all(axis=1).any():
                return _points(numbers, (x, y), frame[x].notna().to_numpy() | frame[y].notna().to_numpy())
    return None


def _find_cell(frame: pd.DataFrame) -> FoundCoordinates | None:
    for name in frame.columns:
        texts = _texts(frame[name])
        if _share(texts, lambda text: _split_pair(text) is not None) >= _MOST:
            pairs = [None if text is None else _split_pair(text) for text in texts]
            numbers = np.array([pair or (np.nan, np.nan) for pair in pairs])
            present = np.array([text is not None for text in texts])
            return _points(numbers, (str(name),), present)
    return None


def _points(numbers: NDArray[np.float64], columns: tuple[str, ...], present: NDArray[np.bool_]) -> FoundCoordinates:
    whole = np.isfinite(numbers).all(axis=1)
    geometry: NDArray[np.object_] = np.full(len(numbers), None, dtype=object)
    geometry[whole] = shapely.points(numbers[whole])
    return FoundCoordinates(geometry, columns, np.flatnonzero(present & ~whole))


def _texts(series: pd.Series) -> list[str | None]:
    if not (pd.api.types.is_string_dtype(series.dtype) or series.dtype == object):
        return [None] * len(series)
    return [None if pd.isna(value) else str(value) for value in series]


def _share(texts: Sequence[str | None], test: object) -> float:
    judged = [text for text in texts if text][:_JUDGED]
    return sum(bool(test(text)) for text in judged) / len(judged) if judged else 0.0  # type: ignore[operator]


def _split_pair(text: str) -> tuple[float, float] | None:
    found = _POINT_PAIR.fullmatch(text)
    if found:
        a, b = float(found[1]), float(found[2])
        return (a, b) if max(abs(a), abs(b)) > 100 and min(abs(a), abs(b)) > 5 else None
    halves = re.split(r"[,;]\s*|\s{2,}|(?<=[NSBEWĐDT])\s+(?=\d)", text.strip(), maxsplit=1)
    if len(halves) == 2:
        parsed = [_dms(half) for half in halves]
        if parsed[0] is not None and parsed[1] is not None:
            return parsed[0], parsed[1]
    return None


def parse_coordinates(series: pd.Series) -> NDArray[np.float64]:
    """Returns numbers of a column: decimal point or comma, thousands grouped, or degrees-minutes-seconds; NaN else."""
    if pd.api.types.is_numeric_dtype(series.dtype):
        return series.to_numpy(dtype="float64", na_value=np.nan)
    codes, distinct = pd.factorize(series)
    values = np.array([_number(str(text)) for text in distinct] + [np.nan], dtype="float64")
    return values[codes]


def _number(text: str) -> float:
    plain = text.strip().replace("\u00a0", "").rstrip("°m ").strip()
    grouped = re.fullmatch(r"[-+]?\d{1,3}(?:[ .,]\d{3})+(?:[.,]\d{1,2})?", plain)
    try:
        return float(plain)
    except ValueError:
        pass
    if re.fullmatch(r"[-+]?\d+,\d+", plain) and not (grouped and plain.count(",") > 1):
        return float(plain.replace(",", "."))
    if grouped:
        return _grouped(plain)
    return _dms(plain) or np.nan


def _grouped(plain: str) -> float:
    """Reads 1.187.234,56 and 1,187,234.56: the last separator is the decimal one where it differs from the others."""
    marks = re.findall(r"[ .,]", plain)
    if len(set(marks)) > 1 and marks[-1] != " ":
        whole, _, part = plain.rpartition(marks[-1])
        return float(re.sub(r"[ .,]", "", whole) + "." + part)
    return float(re.sub(r"[ .,]", "", plain))


def _dms(text: str) -> float | None:
    found = _DMS.fullmatch(text)
    if found is None:
        try:
            return float(text.strip().rstrip("°NSEWBĐDTnsew ").replace(",", "."))
        except ValueError:
            return None
    minutes, seconds = float(found["m"]), float((found["s"] or "0").replace(",", "."))
    if minutes >= 60 or seconds >= 60:
        return None
    value = float(found["d"]) + minutes / 60 + seconds / 3600
    side = (found["before"] or found["after"] or "").upper()
    return -value if side in ("S", "W") else value
