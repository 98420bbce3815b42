"""The units that lie under a report's features, simplified in the database to what its map can show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import orjson
from sqlalchemy import ARRAY, ColumnElement, Double, Text, bindparam, func, select

from spatial.sql import Rows
from spatial.target import Target
from web.report_maps.report import Extent, Outline

# A map of a report is about this many dots wide: finer corners are not seen.
STEPS: Final = 1_500
MAX_UNITS: Final = 4_000
LEAST_DEGREES: Final = 0.01
_DIGITS: Final = 6


def widened(extent: Extent) -> Extent:
    """The extent with a margin, never smaller than a neighbourhood."""
    west, south, east, north = extent
    across = max(east - west, LEAST_DEGREES) - (east - west)
    along = max(north - south, LEAST_DEGREES) - (north - south)
    margin = max(east - west, north - south, LEAST_DEGREES) * 0.06
    return (
        west - across / 2 - margin,
        south - along / 2 - margin,
        east + across / 2 + margin,
        north + along / 2 + margin,
    )


def units_statement(target: Target) -> Rows:
    """``code``, ``name`` and GeoJSON of the units that meet a box.

    Corners are snapped to one grid for all units, so that neighbours stay neighbours.
    Parameters: those of :func:`units_values`.
    """
    west, south, east, north = (bindparam(key, type_=Double) for key in ("west", "south", "east", "north"))
    return _units(target, target.geom.op("&&")(func.ST_MakeEnvelope(west, south, east, north, 4326)))


def named_units_statement(target: Target) -> Rows:
    """The same of the units bound as ``codes``; also ``step``, as :func:`units_values` makes it."""
    return _units(target, _is_named(target))


def named_extent_statement(target: Target) -> Rows:
    """``west``, ``south``, ``east`` and ``north`` of the units bound as ``codes`` in degrees; nulls without any."""
    edges = (
        func.min(func.ST_XMin(target.geom)).label("west"),
        func.min(func.ST_YMin(target.geom)).label("south"),
        func.max(func.ST_XMax(target.geom)).label("east"),
        func.max(func.ST_YMax(target.geom)).label("north"),
    )
    return select(*edges).where(_is_named(target))


def unit_names_statement(target: Target) -> Rows:
    """``name`` of the units bound as ``codes``."""
    name = target.column("name").label("name")
    return select(name).where(_is_named(target)).order_by(target.column("fid"))


def _is_named(target: Target) -> ColumnElement[bool]:
    return target.column("code") == func.any(bindparam("codes", type_=ARRAY(Text)))


def _units(target: Target, condition: ColumnElement[bool]) -> Rows:
    drawn = func.ST_AsGeoJSON(func.ST_SnapToGrid(target.geom, bindparam("step", type_=Double)), _DIGITS)
    code, name = target.column("code").label("code"), target.column("name").label("name")
    found = select(target.column("fid"), code, name, drawn.label("shape")).where(condition).subquery("found")
    return select(found.c.code, found.c.name, found.c.shape).order_by(found.c.fid).limit(MAX_UNITS)


def units_values(extent: Extent) -> dict[str, object]:
    """Values of :func:`units_statement` for what the map shows."""
    west, south, east, north = extent
    step = max(east - west, north - south) / STEPS
    return {"west": west, "south": south, "east": east, "north": north, "step": step}


def read_units(rows: Iterable[Mapping[str, Any]]) -> tuple[Outline, ...]:
    """The outlines; a unit too small for the grid has none."""
    found = ((row["code"], row["name"], orjson.loads(row["shape"])) for row in rows if row["shape"])
    return tuple(Outline(code, name or code, shape) for code, name, shape in found if shape.get("coordinates"))
