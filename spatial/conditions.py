"""Conditions of a question as SQL: the index's envelope first, the exact test second, values bound."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import (
    ARRAY,
    Boolean,
    ColumnElement,
    Text,
    and_,
    bindparam,
    false,
    func,
    literal_column,
    not_,
    null,
    select,
)

from spatial.boundary import boundary_clause
from spatial.cql2 import FilterColumn, compile_filter
from spatial.distance import Side, bound_side, side_of, within_metres
from spatial.errors import InvalidQuestion, SpatialError
from spatial.measures import (
    as_geometry,
    bound_geometry,
    bound_number,
    envelope,
    expanded,
    overlaps,
)
from spatial.question_model import (
    BoundaryCondition,
    Condition,
    Filter,
    NearestCondition,
    PointCondition,
    RadiusCondition,
    Relation,
    RouteCondition,
    Source,
    ZoneCondition,
)
from spatial.sql import Rows
from spatial.target import Target

# Keeps a sub-select as it stands: an envelope computed inside it reaches the index as a plain column, which the
# row policies let through, and an EXISTS is answered by looking features up one at a time.
BARRIER: Final[ColumnElement[int]] = literal_column("0")
ONE: Final[ColumnElement[int]] = literal_column("1")
# Beyond so many vertices the tree that PostGIS keeps of a geography is quicker than a search of the plane.
MANY_VERTICES: Final = 500
_TESTS: Final = {
    Relation.INTERSECTS: "ST_Intersects",
    Relation.WITHIN: "ST_CoveredBy",
    Relation.COVERS: "ST_Covers",
    Relation.DISJOINT: "ST_Intersects",
}


@dataclass(frozen=True, slots=True)
class SourceRows:
    """A source layer as a condition reads it.

    Attributes:
        target: Its rows, under an alias of their own.
        condition: What its filter keeps.
        driving: Whether the statement goes from the source's features to the layer's index, or the other way.
        same_layer: Whether source and layer are one; a feature is then not its own source.
    """

    target: Target
    condition: ColumnElement[bool] | None
    driving: bool
    same_layer: bool

    def kept(self, other_fid: ColumnElement[object]) -> list[ColumnElement[bool]]:
        """Return the filter, and that the source is another feature than ``other_fid``."""
        found = [] if self.condition is None else [self.condition]
        if self.same_layer:
            found.append(self.target.column("fid") != other_fid)
        return found


Sources = Mapping[str, SourceRows]


def filter_columns(target: Target) -> dict[str, FilterColumn]:
    """Return the names that a CQL2 filter may use over a layer, ``fid`` included, personal ones to be refused."""
    columns = {item.name: FilterColumn(item.name, target.column(item.name), item.type) for item in target.properties}
    columns["fid"] = FilterColumn("fid", target.column("fid"), "integer")
    for name in target.personal:
        columns[name] = FilterColumn(name, null(), "text", personal=True)
    return columns


def filter_clause(target: Target, condition: Filter) -> ColumnElement[bool]:
    """Return a CQL2 filter over a layer's rows.

    Raises:
        InvalidFilter: a field is unknown or personal, or compared with another type; ``parameter`` is the path.
    """
    geometry = target.geom if target.geometry_type else None
    try:
        return compile_filter(condition.expression, filter_columns(target), geometry, parameter=condition.path)
    except SpatialError as error:
        error.parameter = condition.path
        raise


def condition_clause(target: Target, condition: Condition, prefix: str, sources: Sources) -> ColumnElement[bool]:
    """Return the SQL of one condition; ``prefix`` keeps its parameters apart from those of the others.

    The nearest features are chosen among all that the other conditions keep, so they have no clause here.

    Raises:
        InvalidQuestion: the layer has no geometry to be asked about.
    """
    if isinstance(condition, BoundaryCondition):
        return boundary_clause(target, condition, prefix)
    check_geometry(target, condition.path)
    if isinstance(condition, PointCondition):
        return _point(target, prefix)
    if isinstance(condition, RadiusCondition):
        return _radius(target, condition, prefix, sources)
    if isinstance(condition, ZoneCondition):
        return _zone(target, condition, prefix, sources)
    if isinstance(condition, RouteCondition):
        return _route(target, prefix)
    raise TypeError("nearest features are chosen by spatial.nearest")


def check_geometry(target: Target, path: str) -> None:
    """Refuse a place to a layer that is only a table.

    Raises:
        InvalidQuestion: the layer has no geometry.
    """
    if target.geometry_type is None:
        raise InvalidQuestion(
            f"Lớp '{target.slug}' là bảng, không có hình học. Hãy hỏi theo boundary hoặc filter.",
            f"Layer '{target.slug}' is a table without geometry. Ask by boundary or filter.",
            parameter=path,
        )


def _point(target: Target, prefix: str) -> ColumnElement[bool]:
    if target.geometry_type == "MultiPolygon":
        place = bound_geometry(f"{prefix}place")
        return and_(overlaps(target.geom, place), func.ST_Intersects(target.geom, place, type_=Boolean()))
    return _near_given(target, bound_side(prefix, edges=False, many=False), prefix)


def _near_given(target: Target, place: Side, prefix: str) -> ColumnElement[bool]:
    return and_(
        overlaps(target.geom, envelope(prefix)),
        within_metres(side_of(target), place, bound_number(f"{prefix}metres")),
    )


def side_of_place(place: BaseGeometry, prefix: str) -> Side:
    """Return a geometry of the question as a side of a distance."""
    edges, many = place_shape(place)
    return bound_side(prefix, edges=edges, many=many)


def place_shape(place: BaseGeometry) -> tuple[bool, bool]:
    """Return what the SQL of a distance depends on: whether a geometry has edges, and very many of them."""
    return place.geom_type not in ("Point", "MultiPoint"), int(shapely.get_num_coordinates(place)) > MANY_VERTICES


def _radius(target: Target, condition: RadiusCondition, prefix: str, sources: Sources) -> ColumnElement[bool]:
    metres = bound_number(f"{prefix}metres")
    if not isinstance(condition.of, Source):
        near = _near_given(target, side_of_place(condition.of, prefix), prefix)
        return not_(near) if condition.outside else near
    source = sources[condition.of.path]
    check_geometry(source.target, condition.of.path)
    if not source.driving:
        found = _exists_near(target, source, metres)
    else:
        reaching = _reaching(source, metres, prefix)
        found = _reached(target, reaching, prefix, metres, source)
    return and_(target.geom.is_not(None), not_(found)) if condition.outside else found


def _exists_near(target: Target, source: SourceRows, metres: ColumnElement[float]) -> ColumnElement[bool]:
    """Whether a source feature is near, by looking into the source's index once for every feature."""
    return near_sources(target, source, metres, ONE).offset(BARRIER).exists()


def near_sources(target: Target, source: SourceRows, metres: ColumnElement[float], shown: ColumnElement[Any]) -> Rows:
    """Select ``shown`` from the source features within so many metres of a feature of the enclosing statement."""
    geom, own = source.target.geom, target.geom
    return (
        select(shown)
        .select_from(source.target.rows)
        .where(
            overlaps(geom, expanded(own, metres)),
            within_metres(side_of(source.target), side_of(target), metres),
            *source.kept(target.column("fid")),
        )
        .correlate(target.rows)
    )


def _reaching(source: SourceRows, metres: ColumnElement[float], prefix: str) -> Rows:
    side = side_of(source.target)
    found = select(
        source.target.column("fid").label("fid"),
        side.geom.label("geom"),
        side.geography.label("around"),
        expanded(side.geom, metres).label("reach"),
    ).offset(BARRIER)
    return found if source.condition is None else found.where(source.condition)


def _reached(
    target: Target,
    reaching: Rows,
    prefix: str,
    metres: ColumnElement[float],
    source: SourceRows | None,
) -> ColumnElement[bool]:
    """Whether a feature is among those that the sources reach, each looking into the layer's index."""
    near = reaching.subquery(f"{prefix}sources")
    rows = target.rows.alias(f"{prefix}near")
    edges = source is None or source.target.geometry_type != "Point"
    place = Side(near.c.geom, near.c.around, near, edges, many=source is not None and edges)
    own = side_of(dataclasses.replace(target, rows=rows))
    joined = and_(overlaps(rows.c.geom, near.c.reach), within_metres(own, place, metres))
    if source is not None and source.same_layer:
        joined = and_(joined, rows.c.fid != near.c.fid)
    return target.column("fid").in_(select(rows.c.fid).select_from(near.join(rows, joined)))


def _route(target: Target, prefix: str) -> ColumnElement[bool]:
    """Within the corridor: the line is cut into pieces, because the envelope of a long line holds a province."""
    metres = bound_number(f"{prefix}metres")
    sent = func.unnest(bindparam(f"{prefix}pieces", type_=ARRAY(Text)))
    pieces = sent.table_valued("shape", name=f"{prefix}pieces").render_derived()
    parsed = select(as_geometry(pieces.c.shape).label("geom")).offset(BARRIER).subquery(f"{prefix}parsed")
    reaching = select(
        parsed.c.geom, func.geography(parsed.c.geom).label("around"), expanded(parsed.c.geom, metres).label("reach")
    ).offset(BARRIER)
    return _reached(target, reaching, prefix, metres, None)


def _zone(target: Target, condition: ZoneCondition, prefix: str, sources: Sources) -> ColumnElement[bool]:
    test = _TESTS[condition.relation]
    found = (
        _by_zones(target, sources[condition.zone.path], prefix, test, condition.zone.path)
        if isinstance(condition.zone, Source)
        else _by_zone(target.geom, bound_geometry(f"{prefix}zone"), test)
    )
    if condition.relation is Relation.DISJOINT:
        return and_(target.geom.is_not(None), not_(found))
    return found


def _by_zone(geom: ColumnElement[object], zone: ColumnElement[object], test: str) -> ColumnElement[bool]:
    exact: ColumnElement[bool] = getattr(func, test)(geom, zone, type_=Boolean())
    return and_(overlaps(geom, zone), exact)


def _by_zones(target: Target, source: SourceRows, prefix: str, test: str, path: str) -> ColumnElement[bool]:
    if source.target.geometry_type != "MultiPolygon":
        raise InvalidQuestion(
            f"Lớp '{source.target.slug}' không có vùng. Hãy dùng lớp vùng, hoặc radius quanh điểm và đường.",
            f"Layer '{source.target.slug}' holds no polygons. Use a layer of polygons, or radius around features.",
            parameter=path,
        )
    zone = source.target.geom
    if not source.driving:
        return (
            select(ONE)
            .select_from(source.target.rows)
            .where(_by_zone(target.geom, zone, test), *source.kept(target.column("fid")))
            .correlate(target.rows)
            .offset(BARRIER)
            .exists()
        )
    zones = select(source.target.column("fid").label("fid"), zone.label("geom")).offset(BARRIER)
    near = (zones if source.condition is None else zones.where(source.condition)).subquery(f"{prefix}sources")
    rows = target.rows.alias(f"{prefix}near")
    joined = _by_zone(rows.c.geom, near.c.geom, test)
    if source.same_layer:
        joined = and_(joined, rows.c.fid != near.c.fid)
    return target.column("fid").in_(select(rows.c.fid).select_from(near.join(rows, joined)))


def clauses(
    target: Target, where: tuple[Condition, ...], condition: Filter | None, sources: Sources
) -> list[ColumnElement[bool]]:
    """Return the conditions and the filter of a question, all of which must hold; nearest is left out."""
    found = [
        condition_clause(target, item, f"w{index}_", sources)
        for index, item in enumerate(where)
        if not isinstance(item, NearestCondition)
    ]
    if condition is not None:
        found.append(filter_clause(target, condition))
    return found or [not_(false())]
