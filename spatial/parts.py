"""The part of a feature inside a zone, measured in square metres or metres."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Boolean, ColumnElement, Double, and_, case, func, literal_column, select

from spatial.conditions import Sources
from spatial.errors import InvalidQuestion
from spatial.geodesy import area_m2, length_m
from spatial.measures import bound_geometry, overlaps
from spatial.question_model import Op, Source, ZoneCondition
from spatial.target import Target

_ZERO: Final[ColumnElement[float]] = literal_column("0.0", Double)
_LINES: Final[ColumnElement[int]] = literal_column("2")
_POLYGONS: Final[ColumnElement[int]] = literal_column("3")


def part_op(target: Target, path: str) -> Op:
    """Return what the part of a layer's features is measured by.

    Raises:
        InvalidQuestion: the layer has points, which have no parts.
    """
    if target.geometry_type == "MultiPolygon":
        return Op.PART_AREA_M2
    if target.geometry_type == "MultiLineString":
        return Op.PART_LENGTH_M
    raise InvalidQuestion(
        f"Lớp '{target.slug}' không có đường hay vùng nên không đo được phần nằm trong. Hãy bỏ 'parts'.",
        f"Layer '{target.slug}' has no lines or polygons, so no part inside is measured. Remove 'parts'.",
        parameter=f"{path}.parts",
    )


def part_measure(target: Target, condition: ZoneCondition, prefix: str, sources: Sources) -> ColumnElement[float]:
    """Return the measure of the part inside: m² of polygons, m of lines; of several zones, of their union."""
    polygons = part_op(target, condition.path) is Op.PART_AREA_M2
    if isinstance(condition.zone, Source):
        return _inside_zones(target, condition.zone, sources, polygons=polygons)
    zone = bound_geometry(f"{prefix}zone")
    whole: ColumnElement[float] = target.column(str(target.measure))  # type: ignore[assignment]
    covered = func.ST_CoveredBy(target.geom, zone, type_=Boolean())
    return case((covered, whole), else_=func.coalesce(_measure(target.geom, zone, polygons=polygons), _ZERO))


def _measure(geom: ColumnElement[object], zone: ColumnElement[object], *, polygons: bool) -> ColumnElement[float]:
    shared = func.ST_Intersection(geom, zone)
    if polygons:
        return area_m2(func.ST_CollectionExtract(shared, _POLYGONS))
    return length_m(func.ST_CollectionExtract(shared, _LINES))


def _inside_zones(target: Target, zone: Source, sources: Sources, *, polygons: bool) -> ColumnElement[float]:
    source = sources[zone.path]
    shape = source.target.geom
    meeting = and_(
        overlaps(shape, target.geom),
        func.ST_Intersects(shape, target.geom, type_=Boolean()),
        *source.kept(target.column("fid")),
    )
    measured = (
        select(_measure(target.geom, func.ST_Union(shape), polygons=polygons))
        .select_from(source.target.rows)
        .where(meeting)
        .correlate(target.rows)
        .scalar_subquery()
    )
    return func.coalesce(measured, _ZERO)
