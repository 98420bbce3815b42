"""What people type into the search box: words, a parcel's numbers, or coordinates in any of their notations."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

import shapely

from spatial.crs import CRS, CRS84, EPSG_4326, VN2000_CRS, transform_geometry
from spatial.errors import SpatialError

MAX_LENGTH: Final = 200
MAX_WORDS: Final = 6
_NUMBERED: Final = r"(?:so\s*)?:?\s*([0-9a-z./-]{1,20})"
_SHEET: Final = rf"(?:to|sheet)\s*(?:ban do\s*)?{_NUMBERED}"
_LOT: Final = rf"(?:thua|parcel)\s*{_NUMBERED}"
_PARCEL: Final = re.compile(rf"\b{_SHEET}[\s,;]+{_LOT}")
_PARCEL_REVERSED: Final = re.compile(rf"\b{_LOT}[\s,;]+{_SHEET}")
_NUMBER: Final = r"[+-]?\d+(?:[.,]\d+)?"
_PAIR: Final = re.compile(rf"\s*(?P<first>{_NUMBER})\s*(?:[;\s]\s*|,\s+)(?P<second>{_NUMBER})\s*")
_POINTED_PAIR: Final = re.compile(r"\s*(?P<first>[+-]?\d+(?:\.\d+)?)\s*,\s*(?P<second>[+-]?\d+(?:\.\d+)?)\s*")
_DMS: Final = re.compile(
    r"(\d{1,3})\s*°\s*(?:(\d{1,2})\s*['′’]\s*)?(?:(\d{1,2}(?:[.,]\d+)?)\s*(?:\"|″|”|'')\s*)?([NSEWBĐTnsewbđt])"
)
_SIDES: Final = {"n": 1, "b": 1, "s": -1, "e": 1, "đ": 1, "w": -1, "t": -1}
_NORTHWARD: Final = frozenset("nbs")


@dataclass(frozen=True, slots=True)
class Parcel:
    """Numbers of a map sheet and of a parcel on it."""

    sheet: str
    parcel: str


@dataclass(frozen=True, slots=True)
class Position:
    """A place (EPSG:4326) that a pair of numbers may mean, and in which CRS it was read."""

    lon: float
    lat: float
    crs: CRS


def folded(text: str) -> str:
    """Text without case and Vietnamese marks, as ``catalogue.folded`` gives it in SQL."""
    plain = unicodedata.normalize("NFD", text[:MAX_LENGTH].lower())
    return "".join(sign for sign in plain if not unicodedata.combining(sign)).replace("đ", "d")


def search_words(text: str) -> list[str]:
    """The folded words, the longest first: they choose best."""
    return sorted(dict.fromkeys(folded(text).split()), key=lambda word: (-len(word), word))[:MAX_WORDS]


def parse_parcel(text: str) -> Parcel | None:
    """Sheet and parcel, as in "tờ 12 thửa 34" or "thửa số 34, tờ bản đồ số 12"; None where it is no such text."""
    plain = folded(text)
    if found := _PARCEL.search(plain):
        return Parcel(found[1], found[2])
    if found := _PARCEL_REVERSED.search(plain):
        return Parcel(found[2], found[1])
    return None


def parse_positions(text: str) -> list[Position]:
    """Every place that the text may mean as coordinates; none where it is no pair of numbers.

    Degrees are read as WGS 84 in the order that fits Viet Nam, else latitude first. Metres are read in every
    VN-2000 zone and in both orders; the caller keeps those that fall inside of its territory.
    """
    text = text[:MAX_LENGTH]
    if (found := _degrees(text)) is not None:
        return [found]
    pair = _POINTED_PAIR.fullmatch(text) or _PAIR.fullmatch(text)
    if pair is None:
        return []
    first, second = (float(pair[name].replace(",", ".")) for name in ("first", "second"))
    if abs(first) <= 180 and abs(second) <= 180:
        return _wgs84(first, second)
    return _vn2000(first, second)


def _degrees(text: str) -> Position | None:
    values: dict[bool, float] = {}
    for degrees, minutes, seconds, side in _DMS.findall(text):
        value = float(degrees) + float(minutes or 0) / 60 + float((seconds or "0").replace(",", ".")) / 3600
        values[side.lower() in _NORTHWARD] = value * _SIDES[side.lower()]
    if set(values) != {True, False} or abs(values[True]) > 90 or abs(values[False]) > 180:
        return None
    return Position(values[False], values[True], EPSG_4326)


def _wgs84(first: float, second: float) -> list[Position]:
    # Viet Nam lies between 102 and 118 degrees east, which no latitude reaches.
    if abs(first) > 90:
        return [Position(first, second, CRS84)] if abs(second) <= 90 else []
    return [Position(second, first, EPSG_4326)]


def _vn2000(first: float, second: float) -> list[Position]:
    # Eastings lie below a million metres; northings of the country reach from 0.9 to 2.6 million.
    east, north = sorted((first, second))
    if not (100_000 <= east <= 900_000 and 800_000 <= north <= 2_800_000):
        return []
    found = []
    for crs in VN2000_CRS:
        if crs.is_geographic:
            continue
        try:
            point = transform_geometry(shapely.Point(east, north), crs, CRS84)
        except SpatialError:
            continue
        found.append(Position(point.x, point.y, crs))
    return found
