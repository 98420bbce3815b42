"""The statements that answer a question: a page of features with the exact total, and grouped figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import (
    ARRAY,
    CTE,
    BigInteger,
    ColumnElement,
    Double,
    FromClause,
    Integer,
    LargeBinary,
    Numeric,
    Subquery,
    Text,
    and_,
    bindparam,
    column,
    func,
    literal_column,
    null,
    or_,
    select,
    table,
    true,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by

from spatial.conditions import Sources, clauses, near_sources, side_of_place
from spatial.crs import CRS
from spatial.distance import distance_m, side_of
from spatial.features import DEGREE_DIGITS, METRE_DIGITS, geojson_geometry, geometry_in
from spatial.figures import check_field, figures_statement
from spatial.measures import Sql, bound_number
from spatial.nearest import nearest_rows
from spatial.parts import part_measure, part_op
from spatial.question_model import (
    Condition,
    FeaturesPage,
    Figures,
    NearestCondition,
    Op,
    Question,
    RadiusCondition,
    RouteCondition,
    Source,
    ZoneCondition,
)
from spatial.route import chainage_m, offset_m
from spatial.sql import Rows
from spatial.target import Property, Target, concat, json_object

# Shown to a tenth of a millimetre.
_DIGITS: Sql = literal_column("4")
_LAYERS = table(
    "layers", column("slug", Text), column("revision", BigInteger), column("newest_data_at"), schema="catalogue"
)


def state_column() -> Sql:
    """Return JSON text of revision and data date by slug, of the layers bound as ``layers``, in this snapshot."""
    pair = func.json_build_array(_LAYERS.c.revision, _LAYERS.c.newest_data_at)
    wanted = _LAYERS.c.slug == func.any(bindparam("layers", type_=ARRAY(Text)))
    return select(func.json_object_agg(_LAYERS.c.slug, pair).cast(Text)).where(wanted).scalar_subquery()


def figures_of(target: Target, question: Question, figures: Figures, sources: Sources) -> Rows:
    """Build the statement of a question's figures; see :func:`spatial.figures.figures_statement`."""
    where: list[ColumnElement[bool]] = clauses(target, question.where, question.filter, sources)
    nearest = _nearest(target, question, where)
    if nearest is not None:
        where = [target.column("fid").in_(select(nearest.c.fid))]
    return figures_statement(target, question, figures, where, sources, state=state_column())


def count_of(target: Target, question: Question, sources: Sources) -> Rows:
    """Build the statement that counts a question's features: ``matched`` and ``state``."""
    found = _found(target, question, sources)
    return select(func.count().label("matched"), state_column().label("state")).select_from(found)


def _nearest(target: Target, question: Question, where: Sequence[ColumnElement[bool]]) -> CTE | None:
    for index, condition in enumerate(question.where):
        if isinstance(condition, NearestCondition):
            return nearest_rows(target, condition, f"w{index}_", where)
    return None


def _found(target: Target, question: Question, sources: Sources) -> CTE:
    """All features that are asked for: ``fid`` and ``position``, by which they are ordered before their fid."""
    where = clauses(target, question.where, question.filter, sources)
    nearest = _nearest(target, question, where)
    if nearest is not None:
        return nearest
    position: ColumnElement[float] = literal_column("0.0", Double)
    for index, condition in enumerate(question.where):
        if isinstance(condition, RouteCondition):
            position = chainage_m(target, f"w{index}_")
    return (
        select(target.column("fid").label("fid"), position.label("position"))
        .where(*where)
        .cte("found")
        .prefix_with("MATERIALIZED")
    )


def extra_names(target: Target, question: Question) -> tuple[tuple[str, str], ...]:
    """Return name and unit of what every feature of a page is told besides its properties, in order.

    Distances, chainage and offset, the part inside; a name that the layer uses itself gets a number.

    Raises:
        InvalidQuestion: parts are asked of points.
    """
    taken, named = set(target.types), []
    for condition in question.where:
        for wanted, unit in _extras_of_condition(target, condition):
            name, number = wanted, 1
            while name in taken:
                number += 1
                name = f"{wanted}_{number}"
            taken.add(name)
            named.append((name, unit))
    return tuple(named)


def _extras_of_condition(target: Target, condition: Condition) -> tuple[tuple[str, str], ...]:
    match condition:
        case NearestCondition() | RadiusCondition(outside=False):
            return (("distance_m", "m"),)
        case RouteCondition():
            return (("chainage_m", "m"), ("offset_m", "m"))
        case ZoneCondition(parts=True):
            op = part_op(target, condition.path)
            return ((op.value, "m²" if op is Op.PART_AREA_M2 else "m"),)
    return ()


def _extra_values(target: Target, question: Question, position: Sql, sources: Sources) -> list[Sql]:
    """The SQL of the extras, in the order of :func:`extra_names`."""
    found: list[Sql] = []
    for index, condition in enumerate(question.where):
        prefix = f"w{index}_"
        match condition:
            case NearestCondition():
                found.append(position)
            case RouteCondition():
                found += [position, offset_m(target, prefix)]
            case RadiusCondition(outside=False):
                found.append(_radius_distance(target, condition, prefix, sources))
            case ZoneCondition(parts=True):
                found.append(part_measure(target, condition, prefix, sources))
    return found


def _radius_distance(target: Target, condition: RadiusCondition, prefix: str, sources: Sources) -> ColumnElement[float]:
    if not isinstance(condition.of, Source):
        return distance_m(side_of(target), side_of_place(condition.of, prefix))
    source = sources[condition.of.path]
    distance = distance_m(side_of(source.target), side_of(target))
    metres = bound_number(f"{prefix}metres")
    return near_sources(target, source, metres, func.min(distance)).scalar_subquery()


@dataclass(frozen=True, slots=True)
class _Page:
    """The rows of one page.

    Attributes:
        found: All features asked for.
        rows: ``row_no`` from 1, ``position``, the shown properties and extras, and ``geom``.
        size: Features on the page; ``rows`` holds one more where another page follows.
    """

    found: CTE
    rows: Subquery
    shown: tuple[Property, ...]
    size: ColumnElement[int]


def _page(target: Target, question: Question, page: FeaturesPage, sources: Sources) -> _Page:
    """Parameters: ``after_position`` and ``after`` (the last feature of the page before) and ``page`` (size)."""
    found = _found(target, question, sources)
    size = bindparam("page", type_=Integer)
    after_position, after = bound_number("after_position"), bindparam("after", type_=BigInteger)
    follows = or_(found.c.position > after_position, and_(found.c.position == after_position, found.c.fid > after))
    chosen = (
        select(found.c.fid, found.c.position)
        .where(follows)
        .order_by(found.c.position, found.c.fid)
        .limit(size + 1)
        .cte("page")
    )
    fields = shown_properties(target, page)
    extras = extra_names(target, question)
    values = _extra_values(target, question, chosen.c.position, sources)
    row_no = func.row_number().over(order_by=(chosen.c.position, chosen.c.fid)).label("row_no")
    columns: list[Sql] = [row_no, chosen.c.fid, chosen.c.position]
    columns += [target.column(field.name) for field in fields]
    columns += [_rounded(value).label(name) for (name, _), value in zip(extras, values, strict=True)]
    if target.geometry_type:
        columns.append(target.geom)
    rows = select(*columns).select_from(chosen.join(target.rows, target.column("fid") == chosen.c.fid))
    shown = (*fields, *(Property(name, "number") for name, _ in extras))
    return _Page(found, rows.subquery("shown"), shown, size)


def _rounded(value: Sql) -> Sql:
    return func.round(value.cast(Numeric), _DIGITS).cast(Double)


def shown_properties(target: Target, page: FeaturesPage) -> tuple[Property, ...]:
    """Return the properties that a page shows, in the order of the definition.

    Raises:
        InvalidQuestion: a name is unknown or personal.
    """
    if page.properties is None:
        return target.properties
    for index, name in enumerate(page.properties):
        check_field(target, name, f"features.properties[{index}]")
    return tuple(item for item in target.properties if item.name in page.properties)


def geojson_page(target: Target, question: Question, page: FeaturesPage, sources: Sources) -> Rows:
    """Build the statement of a page as bytes: what stands between the brackets of ``"features": [ ]``.

    Columns: ``body``, ``returned``, ``last_position`` and ``last_fid`` (of the last feature on the page), ``more``,
    ``matched`` (exactly) and ``state``.
    """
    parts = _page(target, question, page, sources)
    rows = parts.rows
    text = concat(
        literal_column("""'{"type":"Feature","id":'""", Text),
        rows.c.fid.cast(Text),
        literal_column("""',"geometry":'""", Text),
        _geometry_text(target, rows, page, question.crs),
        literal_column("""',"properties":'""", Text),
        json_object(rows, parts.shown),
        literal_column("'}'", Text),
    )
    within = rows.c.row_no <= parts.size
    body = func.string_agg(text, aggregate_order_by(literal_column("','"), rows.c.row_no)).filter(within)
    return select(
        func.convert_to(func.coalesce(body, literal_column("''")), "UTF8").cast(LargeBinary).label("body"),
        func.count().filter(within).label("returned"),
        func.max(rows.c.position).filter(within).label("last_position"),
        _last_fid(rows, within).label("last_fid"),
        (func.count() > parts.size).label("more"),
        select(func.count()).select_from(parts.found).scalar_subquery().label("matched"),
        state_column().label("state"),
    ).select_from(rows)


def _last_fid(rows: FromClause, within: ColumnElement[bool]) -> Sql:
    fids = func.array_agg(aggregate_order_by(rows.c.fid, rows.c.row_no.desc()), type_=ARRAY(BigInteger))
    return fids.filter(within).self_group()[1]


def _geometry_text(target: Target, rows: FromClause, page: FeaturesPage, crs: CRS) -> ColumnElement[str]:
    if target.geometry_type is None or not page.geometry:
        return literal_column("'null'", Text)
    return geojson_geometry(rows.c.geom, crs)


def table_page(target: Target, question: Question, page: FeaturesPage, sources: Sources, *, wkt: bool) -> Rows:
    """Build the statement of a page as rows in order, one more than the page where another follows.

    Columns: ``matched``, ``state``, ``position``, ``row_no`` (NULL in the only row of an empty page), ``fid``,
    ``p0…`` (the properties and extras) and ``geometry`` (WKT or GeoJSON text, or NULL).
    """
    parts = _page(target, question, page, sources)
    rows = parts.rows
    head = select(func.count().label("matched"), state_column().label("state")).select_from(parts.found)
    first = head.subquery("head")
    columns = [rows.c[item.name].label(f"p{index}") for index, item in enumerate(parts.shown)]
    geometry: Sql = null().cast(Text)
    if target.geometry_type is not None and page.geometry:
        geometry = _wkt(rows.c.geom, question.crs) if wkt else geojson_geometry(rows.c.geom, question.crs)
    return (
        select(
            first.c.matched,
            first.c.state,
            rows.c.position,
            rows.c.row_no,
            rows.c.fid,
            *columns,
            geometry.label("geometry"),
        )
        .select_from(first.outerjoin(rows, true()))
        .order_by(rows.c.row_no)
    )


def _wkt(geom: Sql, crs: CRS) -> Sql:
    digits = DEGREE_DIGITS if crs.is_geographic else METRE_DIGITS
    return func.ST_AsText(geometry_in(geom, crs), literal_column(str(digits)))
