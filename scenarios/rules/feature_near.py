"""How features lie to each other in SQL: relations between two layers, counts around places, clusters of events."""

from __future__ import annotations

from sqlalchemy import (
    CTE,
    Boolean,
    ColumnElement,
    Double,
    FromClause,
    Numeric,
    Subquery,
    and_,
    bindparam,
    cast,
    collate,
    func,
    literal,
    literal_column,
    null,
    select,
    true,
    tuple_,
)
from sqlalchemy.dialects.postgresql import JSONB

from layers.definition import GeometryType
from scenarios.definition import RuleScope
from scenarios.outcomes import PlaceKind
from scenarios.rules.feature_rows import (
    ONE,
    STANDING_COLUMNS,
    Frame,
    PlaceColumns,
    Read,
    feature_keys,
    feature_place,
    figure_row,
    flat,
    identity,
    matching,
)
from scenarios.rules.feature_shape import (
    Category,
    NewEvent,
    Relation,
    Spatial,
)
from scenarios.rules.feature_times import begun
from spatial.distance import Side, within_metres
from spatial.geodesy import geography_of_edges, geography_of_points
from spatial.measures import expanded, overlaps
from spatial.sql import Rows


def counted_around(read: Read, frame: Frame, test: Category | NewEvent, kept: list[ColumnElement[bool]]) -> Rows:
    """How many of the features are near each node, or meet each zone."""
    places = frame.layers[test.places or ""].aliased("places")
    is_node = frame.scope is RuleScope.NODE
    meets = near(places, read, test.metres or 0.0) if is_node else crossing(places, read)
    found = _related(places, read, frame, [*meets, *kept])
    kind = PlaceKind.NODE if is_node else PlaceKind.FEATURE
    return _told(feature_place(places, frame, kind), places, found)


def _related(own: Read, other: Read, frame: Frame, conditions: list[ColumnElement[bool]]) -> Subquery:
    """For each feature that has any, how many of the other layer's fulfil the conditions."""
    return (
        select(
            own.rows.c.fid.label("fid"),
            func.count().label("count"),
            cast(func.jsonb_build_object(*flat(feature_keys(other, frame))), JSONB).label("detail"),
        )
        .select_from(own.rows.join(other.rows, and_(*conditions)))
        .group_by(own.rows.c.fid)
        .subquery("related")
    )


def _told(place: PlaceColumns, own: Read, found: Subquery) -> Rows:
    row = figure_row(place, cast(found.c["count"], Numeric), null(), identity(own), samples=found.c["count"])
    kept = [column for column in row.selected_columns if column.name != "detail"]
    detail = cast(func.jsonb_build_object(*flat(identity(own))), JSONB).op("||")(found.c.detail)
    listed = [*kept[:-1], detail.label("detail"), kept[-1]]
    return row.with_only_columns(*listed).select_from(own.rows.join(found, found.c.fid == own.rows.c.fid))


def crossing(own: Read, other: Read) -> list[ColumnElement[bool]]:
    """That two features meet; the index first."""
    return [overlaps(other.geom, own.geom), func.ST_Intersects(other.geom, own.geom, type_=Boolean())]


def near(own: Read, other: Read, metres: float) -> list[ColumnElement[bool]]:
    """That two features lie within so many metres; either layer's index serves, whichever is looked up."""
    bound = literal(metres, Double)
    return [
        overlaps(other.geom, expanded(own.geom, bound)),
        overlaps(own.geom, expanded(other.geom, bound)),
        within_metres(_side(other), _side(own), bound),
    ]


def _side(read: Read) -> Side:
    edges = read.definition.geometry is not GeometryType.POINT
    return Side(read.geom, (geography_of_edges if edges else geography_of_points)(read.geom), read.rows, edges, False)


def related_rows(test: Spatial, frame: Frame) -> Rows:
    """Features by how they lie to those of the other layer."""
    own, other = frame.layers[test.layer], frame.layers[test.other].aliased("others")
    meets = _meeting(test, own, other)
    if test.layer == test.other:
        meets.append(own.rows.c.fid != other.rows.c.fid)
    meets += matching(other, test.other_where)
    if test.relation is Relation.OUTSIDE:
        alone = ~select(literal_column("1")).select_from(other.rows).where(*meets).correlate(own.rows).exists()
        row = figure_row(feature_place(own, frame), ONE, null(), identity(own))
        return row.where(own.geom.is_not(None), alone, *matching(own, test.where))
    found = _related(own, other, frame, [*meets, *matching(own, test.where)])
    return _told(feature_place(own, frame), own, found)


def _meeting(test: Spatial, own: Read, other: Read) -> list[ColumnElement[bool]]:
    match test.relation:
        case Relation.WITHIN:
            inside = func.ST_CoveredBy(own.geom, other.geom, type_=Boolean())
            return [overlaps(other.geom, own.geom), inside]
        case Relation.NEAR:
            return near(own, other, test.metres or 0.0)
    return crossing(own, other)


def clusters(test: NewEvent, read: Read, frame: Frame) -> Rows:
    """Events that have enough others around them and of which no earlier one is near."""
    moment, kept = begun(test, read)
    counted = _others_around(test, read, frame)
    count = cast(counted.c["count"], Numeric)
    place = feature_place(read, frame, PlaceKind.CLUSTER)
    row = figure_row(place, count, moment, {}, samples=counted.c["count"])
    named = [column for column in row.selected_columns if column.name != "detail"]
    named += [counted.c.detail.label("detail"), read.geom.label("geom")]
    enough = count.op(frame.operator, is_comparison=True)(cast(bindparam("lax"), Numeric))
    chosen = row.with_only_columns(*named).select_from(read.rows.join(counted, true())).where(*kept, enough)
    return _first_of(chosen.cte("dense"), test.metres or 0.0)


def _others_around(test: NewEvent, read: Read, frame: Frame) -> FromClause:
    others = read.aliased("others")
    reach = literal(test.metres, Double)
    return (
        select(
            func.count().label("count"),
            cast(func.jsonb_build_object(*flat(feature_keys(others, frame))), JSONB).label("detail"),
        )
        .select_from(others.rows)
        .where(
            overlaps(others.geom, expanded(read.geom, reach)),
            within_metres(_side(others), _side(read), reach),
            *begun(test, others)[1],
        )
        .correlate(read.rows)
        .lateral("around")
    )


def _first_of(dense: CTE, metres: float) -> Rows:
    """Those that have no earlier one within so many metres; of one moment, the lesser key is the earlier."""
    earlier = dense.alias("earlier")
    reach = literal(metres, Double)
    orders = [tuple_(rows.c.observed_at, collate(rows.c.key, "C")) for rows in (earlier, dense)]
    sooner: Rows = (
        select(literal_column("1"))
        .select_from(earlier)
        .where(
            orders[0] < orders[1],
            overlaps(earlier.c.geom, expanded(dense.c.geom, reach)),
            within_metres(_point_side(earlier), _point_side(dense), reach),
        )
    )
    return select(*(dense.c[name] for name in STANDING_COLUMNS)).where(~sooner.correlate(dense).exists())


def _point_side(rows: FromClause) -> Side:
    return Side(rows.c.geom, geography_of_points(rows.c.geom), rows, False, False)
