"""Where a report lies, in which commune, and which office is proposed to handle it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Final

import yaml
from sqlalchemy import Connection, text

from scenarios.reports.errors import PlaceMissing, PlaceOutside

_AT: Final = text(
    "SELECT code FROM features.communes, ST_SetSRID(ST_MakePoint(:lon, :lat), 4326) AS here"
    " WHERE geom && here AND ST_Intersects(geom, here) ORDER BY code LIMIT 1"
)
_ALL: Final = text(
    "SELECT code, name FROM (SELECT DISTINCT ON (code) code, name FROM features.communes"
    " ORDER BY code, valid_from DESC NULLS LAST, fid) AS newest ORDER BY name, code"
)
_KNOWN: Final = text("SELECT code FROM features.communes WHERE code = :code ORDER BY code LIMIT 1")


@dataclass(frozen=True, slots=True)
class ReportPlace:
    """Where something is: a point (EPSG:4326), a commune, or both; of both the point counts."""

    lon: float | None = None
    lat: float | None = None
    unit_code: str | None = None
    text: str = ""

    @property
    def has_point(self) -> bool:
        """Whether both coordinates are given."""
        return self.lon is not None and self.lat is not None


def find_commune(connection: Connection, place: ReportPlace) -> str:
    """Code of the commune that a place lies in.

    Raises:
        PlaceMissing: Neither a whole point nor a commune is given.
        PlaceOutside: It lies in none, or there is no such commune.
    """
    if place.has_point:
        code = connection.execute(_AT, {"lon": _finite(place.lon), "lat": _finite(place.lat)}).scalar_one_or_none()
        if code is None:
            raise PlaceOutside("lon")
        return str(code)
    if place.unit_code is None:
        raise PlaceMissing
    code = connection.execute(_KNOWN, {"code": place.unit_code}).scalar_one_or_none()
    if code is None:
        raise PlaceOutside("unit_code")
    return str(code)


def list_communes(connection: Connection) -> list[tuple[str, str]]:
    """Code and name of every commune, by name."""
    return [(str(row.code), str(row.name or row.code)) for row in connection.execute(_ALL)]


def proposed_office(kind: str) -> str:
    """The office that is proposed for a kind of report."""
    offices = _offices()
    return offices.get(kind, offices["intake"])


def _finite(degrees: float | None) -> float:
    if degrees is None or not math.isfinite(degrees):
        raise PlaceOutside("lon")
    return degrees


@lru_cache(maxsize=1)
def _offices() -> dict[str, str]:
    document: dict[str, str] = yaml.safe_load(files(__package__).joinpath("offices.yaml").read_text(encoding="utf-8"))
    return document
