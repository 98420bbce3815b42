"""What a file says of its CRS (.prj of ESRI and MapInfo, broken ones too) brought to the true code of VN-2000.

Names and ``to_epsg()`` mislead: PROJ answers 5897 for a datum that it then takes for unknown, which is 224 m off. So
the datum is told by its name, the zone by its parameters, and the CRS is replaced by the one of the code.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import pyproj
from pyproj.exceptions import CRSError

from spatial.crs import CRS84, EPSG_3857, EPSG_4756, crs_by_code, tm3_by_meridian
from spatial.crs_table import DEPRECATED
from spatial.errors import InvalidCRS
from spatial.readings import OLDER, Reading

_LONGEST: Final = 20_000
_CODE: Final = re.compile(r"(EPSG|OGC|ESRI):(\w+)", re.IGNORECASE)
_TM_SCALE, _UTM_SCALE = 0.9999, 0.9996
_SAME_DEGREES: Final = 1e-4
_SAME_SCALE: Final = 2e-6


class Doubt(StrEnum):
    """Why a declaration alone is not enough."""

    NONE = "none"
    ABSENT = "absent"
    UNREADABLE = "unreadable"
    DATUM_BROKEN = "datum-broken"
    DATUM_MISLABELLED = "datum-mislabelled"
    DATUM_UNKNOWN = "datum-unknown"
    DEPRECATED = "deprecated"
    OLDER_DATUM = "older-datum"
    UNKNOWN_ZONE = "unknown-zone"
    NOT_SERVED = "not-served"


@dataclass(frozen=True, slots=True)
class Declared:
    """What a declaration means.

    Attributes:
        text: The name that the file gives, for people.
        readings: What it may mean, most likely first; one where it is clear, none where it says nothing.
        doubt: What is wrong with it.
    """

    text: str
    readings: tuple[Reading, ...]
    doubt: Doubt

    @property
    def is_clear(self) -> bool:
        """Whether it means one thing."""
        return len(self.readings) == 1


def recognise(text: str | None) -> Declared:
    """Returns what the CRS that a file declares (WKT, or ``EPSG:code`` of a container) means."""
    if text is None or not text.strip():
        return Declared("", (), Doubt.ABSENT)
    code = _CODE.fullmatch(text.strip())
    if code is not None:
        return _by_code(code[1].upper(), code[2].upper())
    if len(text) > _LONGEST or "[" not in text:
        return Declared(text[:60], (), Doubt.UNREADABLE)
    try:
        crs = pyproj.CRS.from_wkt(text)
    except CRSError:
        return Declared(text[:60], (), Doubt.UNREADABLE)
    return _by_parameters(crs, _datum_of(text))


def _by_code(authority: str, code: str) -> Declared:
    name = f"{authority}:{code}"
    number = int(code) if code.isdigit() else 0
    if name in ("OGC:CRS84", "EPSG:4326", "EPSG:4979"):
        return Declared(name, (Reading(CRS84),), Doubt.NONE)
    if number in DEPRECATED:
        return Declared(name, (Reading(crs_by_code(DEPRECATED[number])),), Doubt.DEPRECATED)
    if number in OLDER:
        return Declared(name, (Reading(None, number),), Doubt.OLDER_DATUM)
    if number in (32648, 32649):
        return Declared(name, (Reading(crs_by_code(3405 + number - 32648), is_on_wgs84=True),), Doubt.NONE)
    try:
        return Declared(name, (Reading(crs_by_code(number)),), Doubt.NONE)
    except InvalidCRS:
        return Declared(name, (), Doubt.NOT_SERVED)


class _Datum(StrEnum):
    VN2000 = "vn2000"
    WGS84 = "wgs84"
    HANOI = "hanoi"
    INDIAN = "indian"
    UNKNOWN = "unknown"
    OTHER = "other"


def _datum_of(text: str) -> tuple[_Datum, bool]:
    """Returns the datum that a WKT means by the names in it, and whether it is spelt so that PROJ knows it."""
    found = re.search(r'DATUM\s*\[\s*"([^"]*)"', text, re.IGNORECASE) or re.search(
        r'ENSEMBLE\s*\[\s*"([^"]*)"', text, re.I
    )
    datum = _letters(found[1]) if found else ""
    names = _letters(
        " ".join(re.findall(r'(?:GEOGCS|GEOGCRS|BASEGEOGCRS|GEODCRS|BASEGEODCRS)\s*\[\s*"([^"]*)"', text, re.I))
    )
    title = _letters(" ".join(re.findall(r'(?:PROJCS|PROJCRS)\s*\[\s*"([^"]*)"', text, re.IGNORECASE)))
    if re.search(r"vn2000|vietnam2000|vnam2000", datum):
        return _Datum.VN2000, datum in ("dvn2000", "dvietnam2000", "vietnam2000")
    if "hanoi" in datum:
        return _Datum.HANOI, True
    if "indian1960" in datum:
        return _Datum.INDIAN, True
    if re.search(r"wgs(19)?84|worldgeodeticsystem1984", datum):
        return _Datum.WGS84, True
    if re.search(r"vn2000|vietnam2000", names + title):
        return _Datum.VN2000, False
    if not datum or re.search(r"unknown|notspecified|undefined|custom|userdefined|mapinfo", datum):
        return _Datum.UNKNOWN, False
    return _Datum.OTHER, True


def _letters(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.casefold())


def _by_parameters(crs: pyproj.CRS, datum: tuple[_Datum, bool]) -> Declared:
    kind, is_known = datum
    name = str(crs.name)
    if kind in (_Datum.HANOI, _Datum.INDIAN):
        return _older(crs, name, kind)
    source = crs.source_crs if crs.is_bound and crs.source_crs is not None else crs
    if source.is_geographic:
        return _geographic(name, kind, is_known=is_known)
    if _letters(name).startswith(("wgs84pseudomercator", "wgs1984webmercator")) or source.to_epsg() == 3857:
        return Declared(name, (Reading(EPSG_3857),), Doubt.NONE)
    numbers = _parameters(source)
    base = _zone(numbers)
    if base is None:
        return Declared(name, (), Doubt.UNKNOWN_ZONE if numbers else Doubt.NOT_SERVED)
    if numbers["false_easting"] == 0 and numbers["false_northing"] == 500_000:
        return Declared(name, (Reading(base),), Doubt.DEPRECATED)
    return _zoned(name, base, kind, is_known=is_known)


def _zoned(name: str, base: Any, kind: _Datum, *, is_known: bool) -> Declared:
    true, unshifted = Reading(base), Reading(base, is_on_wgs84=True)
    if kind is _Datum.VN2000:
        return Declared(name, (true,), Doubt.NONE if is_known else Doubt.DATUM_BROKEN)
    if kind is _Datum.WGS84:
        if base.scale == _UTM_SCALE:
            return Declared(name, (unshifted,), Doubt.NONE)
        return Declared(name, (true, unshifted), Doubt.DATUM_MISLABELLED)
    if kind is _Datum.UNKNOWN:
        # A scale of 0.9999 is Viet Nam's own; UTM without a datum may be either.
        if base.scale == _TM_SCALE:
            return Declared(name, (true,), Doubt.DATUM_BROKEN)
        return Declared(name, (true, unshifted), Doubt.DATUM_UNKNOWN)
    return Declared(name, (), Doubt.NOT_SERVED)


def _geographic(name: str, kind: _Datum, *, is_known: bool) -> Declared:
    if kind is _Datum.WGS84:
        return Declared(name, (Reading(CRS84),), Doubt.NONE)
    if kind is _Datum.VN2000:
        return Declared(name, (Reading(EPSG_4756),), Doubt.NONE if is_known else Doubt.DATUM_BROKEN)
    if kind is _Datum.UNKNOWN:
        return Declared(name, (Reading(CRS84), Reading(EPSG_4756)), Doubt.DATUM_UNKNOWN)
    return Declared(name, (), Doubt.NOT_SERVED)


def _older(crs: pyproj.CRS, name: str, kind: _Datum) -> Declared:
    geographic, zones = (4147, (2044, 2045, 2093)) if kind is _Datum.HANOI else (4131, (3148, 3149, 3176))
    if crs.is_geographic:
        return Declared(name, (Reading(None, geographic),), Doubt.OLDER_DATUM)
    meridian = _parameters(crs).get("meridian")
    for code in zones:
        other = _parameters(pyproj.CRS.from_epsg(code))
        if meridian is not None and abs(other["meridian"] - meridian) < _SAME_DEGREES:
            return Declared(name, (Reading(None, code),), Doubt.OLDER_DATUM)
    return Declared(name, (), Doubt.NOT_SERVED)


def _parameters(crs: pyproj.CRS) -> dict[str, float]:
    operation = crs.coordinate_operation
    if operation is None or "transverse" not in operation.method_name.casefold().replace("gauss", "transverse"):
        return {}
    found = {_letters(item.name): float(item.value) for item in operation.params}

    def value(*names: str) -> float:
        return next((found[name] for name in names if name in found), 0.0)

    return {
        "meridian": value("longitudeofnaturalorigin", "centralmeridian"),
        "scale": value("scalefactoratnaturalorigin", "scalefactor"),
        "false_easting": value("falseeasting"),
        "false_northing": value("falsenorthing"),
    }


def _zone(numbers: dict[str, float]) -> Any:
    if not numbers or numbers["false_easting"] not in (500_000.0, 0.0):
        return None
    meridian, scale = numbers["meridian"], numbers["scale"]
    if abs(scale - _UTM_SCALE) < _SAME_SCALE:
        code = {105.0: 3405, 111.0: 3406}.get(round(meridian, 4))
        return crs_by_code(code) if code else None
    if abs(scale - _TM_SCALE) < _SAME_SCALE:
        try:
            return tm3_by_meridian(
                round(meridian * 4) / 4 if abs(meridian * 4 - round(meridian * 4)) < 1e-3 else meridian
            )
        except InvalidCRS:
            return None
    return None
