"""The route: chainage along a line and the offset from it."""

from __future__ import annotations

from itertools import pairwise

import shapely
from sqlalchemy import Boolean, ColumnElement, Double, case, func, literal_column, select
from sqlalchemy.types import NullType

from spatial.conditions import BARRIER
from spatial.distance import bound_side, distance_m, side_of
from spatial.measures import (
    bound_geometry,
    dense,
    geometry_value,
    measured_line,
    parallel_ratio,
)
from spatial.question_model import RouteCondition
from spatial.target import Target

# A piece has at least this many edges, and a route at most this many pieces.
_PIECE_EDGES = 16
_MAX_PIECES = 128
_UNSTRETCHED: ColumnElement[float] = literal_column("1.0", Double)


def chainage_m(target: Target, prefix: str) -> ColumnElement[float]:
    """Return how far along the route a feature is met, in metres from its start.

    The M of the line is the geodesic length so far, so interpolating it gives the length of all segments before
    and the share inside the segment. The nearest place is sought in a plane stretched to the latitude of the
    feature; a line or polygon that crosses the route counts where the route first meets it.
    """
    line, geom = bound_geometry(f"{prefix}line"), target.geom
    foot = func.ST_Y(func.ST_ClosestPoint(line, geom), type_=Double)
    own = func.ST_Y(func.ST_ClosestPoint(geom, line), type_=Double)
    middle = select(((foot + own) / 2).label("latitude")).correlate(target.rows).offset(BARRIER).lateral("middle")
    ratio = parallel_ratio(middle.c.latitude)
    flat_line = func.ST_Scale(line, ratio, _UNSTRETCHED, type_=NullType())
    flat = func.ST_Scale(geom, ratio, _UNSTRETCHED, type_=NullType())
    place = flat if target.geometry_type == "Point" else func.ST_ClosestPoint(flat_line, flat)
    nearest = (
        select(func.ST_InterpolatePoint(flat_line, place, type_=Double))
        .select_from(middle)
        .correlate(target.rows)
        .scalar_subquery()
    )
    if target.geometry_type == "Point":
        return nearest
    return case((func.ST_Intersects(geom, line, type_=Boolean()), _first_meeting(target, line)), else_=nearest)


def _first_meeting(target: Target, line: ColumnElement[object]) -> ColumnElement[float]:
    shared = func.ST_Intersection(func.ST_Force2D(line), target.geom)
    points = func.ST_DumpPoints(shared).table_valued("path", "geom", name="met")
    met = func.ST_InterpolatePoint(line, points.c.geom, type_=Double)
    return select(func.min(met)).select_from(points).correlate(target.rows).scalar_subquery()


def offset_m(target: Target, prefix: str) -> ColumnElement[float]:
    """Return the distance in metres from a feature to the route."""
    return distance_m(side_of(target), bound_side(prefix, edges=True, many=True))


def route_values(condition: RouteCondition, prefix: str) -> dict[str, object]:
    """Return the parameters of a route whose line is known.

    Raises:
        InvalidGeometry: the line is too long to be measured.
    """
    line = shapely.LineString(dense(condition.line, parameter=condition.path).coords)  # type: ignore[arg-type]
    return {
        f"{prefix}metres": condition.corridor_m,
        f"{prefix}pieces": _pieces(line),
        f"{prefix}line": measured_line(line),
        f"{prefix}place": geometry_value(line),
        f"{prefix}around": geometry_value(line),
    }


def _pieces(line: shapely.LineString) -> list[str]:
    vertices = shapely.get_coordinates(line)
    step = max(_PIECE_EDGES, -(-len(vertices) // _MAX_PIECES))
    starts = [*range(0, len(vertices) - 1, step), len(vertices) - 1]
    return [geometry_value(shapely.LineString(vertices[start : end + 1])) for start, end in pairwise(starts)]
