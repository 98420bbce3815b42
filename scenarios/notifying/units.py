"""Communes and provinces as notifications need them: names, members, outlines; a new installation may have none yet."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Final

from sqlalchemy import Connection, text

Ring = Sequence[tuple[float, float]]
"""A closed ring of longitude and latitude, WGS 84 degrees."""
_ARE_THERE: Final = text(
    "SELECT to_regclass('features.communes') IS NOT NULL AND to_regclass('features.provinces') IS NOT NULL"
)
_COMMUNES: Final = text("SELECT DISTINCT code FROM features.communes WHERE parent_code = :code")
_NAMES: Final = text(
    "SELECT DISTINCT ON (code) code, name FROM ("
    "SELECT code, name, valid_from, fid FROM features.communes UNION ALL"
    " SELECT code, name, valid_from, fid FROM features.provinces) AS units"
    " WHERE code = ANY (:codes) ORDER BY code, valid_from DESC NULLS LAST, fid"
)
# A boundary is drawn to some hundred metres: receivers bear few points, and a warning is no cadastre.
_SHAPE: Final = text(
    "SELECT ST_AsGeoJSON(ST_Multi(ST_SimplifyPreserveTopology(geom, 0.001)), 5) FROM ("
    "SELECT code, geom, valid_from, fid FROM features.communes UNION ALL"
    " SELECT code, geom, valid_from, fid FROM features.provinces) AS units"
    " WHERE code = :code ORDER BY valid_from DESC NULLS LAST, fid LIMIT 1"
)
_PROVINCE_DIGITS: Final = 2


def with_communes(connection: Connection, code: str) -> frozenset[str]:
    """A unit with its communes, if it is a province."""
    if len(code) != _PROVINCE_DIGITS or not _are_there(connection):
        return frozenset({code})
    return frozenset({code, *connection.execute(_COMMUNES, {"code": code}).scalars()})


def unit_names(connection: Connection, codes: Collection[str]) -> dict[str, str]:
    """Names of communes and provinces by code; those that are not known are missing."""
    if not codes or not _are_there(connection):
        return {}
    return {row.code: row.name for row in connection.execute(_NAMES, {"codes": sorted(codes)})}


def outer_rings(connection: Connection, code: str) -> tuple[Ring, ...]:
    """The outer boundaries of a unit to some hundred metres, without holes; empty where it is not known."""
    shape = connection.execute(_SHAPE, {"code": code}).scalar_one_or_none() if _are_there(connection) else None
    if shape is None:
        return ()
    polygons = json.loads(shape)["coordinates"]
    return tuple(tuple((position[0], position[1]) for position in polygon[0]) for polygon in polygons)


def _are_there(connection: Connection) -> bool:
    return bool(connection.execute(_ARE_THERE).scalar_one())
