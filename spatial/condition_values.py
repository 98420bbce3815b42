"""Values and shapes of conditions: what is bound to a compiled statement, and what its text depends on."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping

from shapely.geometry.base import BaseGeometry

from spatial.bbox import Envelope, expand_point_degrees
from spatial.boundary import BoundaryUnits, boundary_values, has_hamlets
from spatial.conditions import place_shape
from spatial.measures import LATITUDE_DEGREE_M, LONGITUDE_DEGREE_M, POLAR_DEGREES, dense, geometry_value
from spatial.question_model import (
    BoundaryCondition,
    Condition,
    NearestCondition,
    PointCondition,
    RadiusCondition,
    RouteCondition,
    Source,
    ZoneCondition,
)
from spatial.route import route_values


def condition_values(condition: Condition, prefix: str, units: Mapping[str, BoundaryUnits]) -> dict[str, object]:
    """Return the parameters of one condition; those of a source's filter are bound in its SQL already.

    Args:
        condition: The condition, a route's line already found.
        prefix: As given to the SQL.
        units: Units of every boundary condition, by its path.

    Raises:
        InvalidGeometry: a geometry is too long to be measured.
    """
    match condition:
        case PointCondition():
            return _around(condition.point, condition.tolerance_m, prefix, condition.path)
        case NearestCondition():
            place_text = geometry_value(condition.to)
            return {f"{prefix}place": place_text, f"{prefix}around": place_text, f"{prefix}k": condition.k}
        case RadiusCondition(of=Source()):
            return {f"{prefix}metres": condition.metres}
        case RadiusCondition(of=BaseGeometry() as around):
            return _around(around, condition.metres, prefix, condition.path)
        case ZoneCondition(zone=BaseGeometry() as zone):
            return {f"{prefix}zone": geometry_value(zone)}
        case RouteCondition():
            return route_values(condition, prefix)
        case BoundaryCondition():
            return boundary_values(condition, units[condition.path], prefix)
    return {}


def condition_shape(condition: Condition, sources: Mapping[str, Hashable]) -> Hashable:
    """Return what the text of a condition's SQL depends on: its kind and options, not its values.

    Args:
        condition: The condition.
        sources: What the SQL of every source depends on, by its path.
    """
    match condition:
        case RadiusCondition():
            of = sources[condition.of.path] if isinstance(condition.of, Source) else None
            kind = None if isinstance(condition.of, Source) else place_shape(condition.of)
            return ("radius", of, kind, condition.outside)
        case ZoneCondition():
            zone = sources[condition.zone.path] if isinstance(condition.zone, Source) else None
            return ("zone", zone, condition.relation, condition.parts)
        case BoundaryCondition():
            return ("boundary", has_hamlets(condition), condition.outside)
    return type(condition).__name__


def _around(geometry: BaseGeometry, metres: float, prefix: str, path: str) -> dict[str, object]:
    west, south, east, north = _reach(geometry, metres)
    return {
        f"{prefix}place": geometry_value(geometry),
        f"{prefix}around": geometry_value(dense(geometry, parameter=path)),
        f"{prefix}metres": metres,
        f"{prefix}west": west,
        f"{prefix}south": south,
        f"{prefix}east": east,
        f"{prefix}north": north,
    }


def _reach(geometry: BaseGeometry, metres: float) -> Envelope:
    west, south, east, north = geometry.bounds
    if geometry.geom_type == "Point":
        return expand_point_degrees(west, south, metres)
    height = metres / LATITUDE_DEGREE_M
    furthest = max(abs(south), abs(north)) + height
    width = 360.0
    if furthest < POLAR_DEGREES:
        width = metres / (LONGITUDE_DEGREE_M * math.cos(math.radians(furthest)))
    return (max(west - width, -180.0), max(south - height, -90.0), min(east + width, 180.0), min(north + height, 90.0))
