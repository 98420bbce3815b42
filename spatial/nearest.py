"""The nearest features: candidates from the index in the plane of degrees, the order by geodesic distance."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import CTE, ColumnElement, Double, Integer, bindparam, func, literal_column, select

from spatial.conditions import check_geometry
from spatial.distance import bound_side, distance_m, side_of
from spatial.measures import bound_geometry, expanded, overlaps
from spatial.question_model import NearestCondition
from spatial.target import Target

# A millimetre of room, so that the farthest candidate is surely within its own distance.
_ROOM_M: ColumnElement[float] = literal_column("0.001", Double)


def nearest_rows(target: Target, condition: NearestCondition, prefix: str, where: Sequence[ColumnElement[bool]]) -> CTE:
    """Return ``fid`` and ``position`` (geodesic metres) of the nearest features that the other conditions keep.

    Any k features bound the answer: the k nearest lie no farther than the farthest of them. The index gives k
    good ones in the order of degrees, and all features within that bound are then ordered by their distance.

    Raises:
        InvalidQuestion: the layer has no geometry.
    """
    check_geometry(target, condition.path)
    place, wanted = bound_geometry(f"{prefix}place"), bindparam(f"{prefix}k", type_=Integer)
    distance = distance_m(side_of(target), bound_side(prefix, edges=False, many=False))
    kept = (*where, target.geom.is_not(None))
    candidates = (
        select(distance.label("metres")).where(*kept).order_by(target.geom.op("<->")(place)).limit(wanted)
    ).subquery(f"{prefix}candidates")
    bound = select((func.max(candidates.c.metres) + _ROOM_M).label("metres")).subquery(f"{prefix}bound")
    reach = select(expanded(place, bound.c.metres)).select_from(bound).scalar_subquery()
    return (
        select(target.column("fid").label("fid"), distance.label("position"))
        .where(*kept, overlaps(target.geom, reach))
        .order_by(distance, target.column("fid"))
        .limit(wanted)
        .cte("found")
    )
