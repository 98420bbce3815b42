"""Grouped figures: counts, sums, measures and shares, by fields and by admin level."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import (
    ARRAY,
    Boolean,
    ColumnElement,
    Double,
    Text,
    and_,
    any_,
    bindparam,
    case,
    column,
    func,
    literal_column,
    or_,
    select,
    table,
)

from spatial.conditions import ONE, Sources
from spatial.document import did_you_mean
from spatial.errors import InvalidQuestion, shorten
from spatial.measures import Sql, overlaps
from spatial.parts import part_measure, part_op
from spatial.question_model import BoundaryCondition, Figures, Level, Op, Question, Value, ZoneCondition
from spatial.sql import Rows
from spatial.target import Target

MAX_GROUPS: Final = 100_000
_NUMBERS: Final = frozenset({"integer", "number"})
_ORDERED: Final = _NUMBERS | {"date", "datetime"}
_MEASURES: Final = {Op.AREA_M2: "geom_area_m2", Op.LENGTH_M: "geom_length_m"}
_PARTS: Final = frozenset({Op.PART_AREA_M2, Op.PART_LENGTH_M})
_COMMUNES: Final = table("communes", column("unit_code", Text), column("parent_code", Text), schema="features")
_HAMLETS: Final = table("hamlets", column("code", Text), column("unit_code", Text), column("geom"), schema="features")


def check_figures(target: Target, question: Question) -> None:
    """Refuse figures that the layer cannot give.

    Raises:
        InvalidQuestion: a field is unknown, personal or of another type, or the layer has no such measure.
    """
    figures = question.figures
    if figures is None:
        return
    for index, name in enumerate(figures.by):
        check_field(target, name, f"figures.by[{index}]")
    if figures.level is Level.HAMLET and target.geometry_type is None:
        raise InvalidQuestion(
            f"Lớp '{target.slug}' không có hình học nên không chia được theo thôn. Hãy dùng commune.",
            f"Layer '{target.slug}' has no geometry and cannot be grouped by hamlet. Use commune.",
            parameter="figures.level",
        )
    for value in figures.values:
        _check_value(target, question, value)


def check_field(target: Target, name: str, path: str) -> str:
    """Return the type of a field that may be shown.

    Raises:
        InvalidQuestion: no such field, or it holds personal data.
    """
    kind = target.types.get(name)
    if kind is not None:
        return kind
    names = ", ".join(target.types)
    if name in target.personal:
        raise InvalidQuestion(
            f"Trường '{name}' là dữ liệu cá nhân, không được hiển thị hay tổng hợp. Hãy dùng: {names}.",
            f"Field '{name}' holds personal data and is neither shown nor aggregated. Use: {names}.",
            parameter=path,
        )
    shown = shorten(name)
    vi, en = did_you_mean(shown, target.types)
    raise InvalidQuestion(
        f"Lớp '{target.slug}' không có trường '{shown}'.{vi} Các trường: {names}.",
        f"Layer '{target.slug}' has no field '{shown}'.{en} Its fields: {names}.",
        parameter=path,
    )


def _check_value(target: Target, question: Question, value: Value) -> None:
    measured = value.measured
    if value.field is not None:
        kind = check_field(target, value.field, f"{value.path}.field")
        allowed = _ORDERED if measured in (Op.MIN, Op.MAX) else _NUMBERS
        if kind not in allowed:
            fit = [item.name for item in target.properties if item.type in allowed]
            raise InvalidQuestion(
                f"'{measured}' cần trường kiểu {', '.join(sorted(allowed))}; '{value.field}' là {kind}."
                f" Hãy dùng: {', '.join(fit)}.",
                f"'{measured}' takes a field of type {', '.join(sorted(allowed))}; '{value.field}' is {kind}."
                f" Use: {', '.join(fit)}.",
                parameter=f"{value.path}.field",
            )
    elif measured in _MEASURES and target.measure != _MEASURES[measured]:
        raise InvalidQuestion(
            f"Lớp '{target.slug}' không có số đo '{measured}': diện tích cần lớp vùng, chiều dài cần lớp đường.",
            f"Layer '{target.slug}' has no '{measured}': area needs polygons, length needs lines.",
            parameter=f"{value.path}.op",
        )
    elif measured in _PARTS and part_op(target, _parted(question)[1].path) is not measured:
        raise InvalidQuestion(
            f"Lớp '{target.slug}' đo bằng {part_op(target, '')}. Hãy sửa 'op'.",
            f"Layer '{target.slug}' is measured by {part_op(target, '')}. Correct 'op'.",
            parameter=f"{value.path}.op",
        )


def _parted(question: Question) -> tuple[int, ZoneCondition]:
    return next((n, item) for n, item in enumerate(question.where) if isinstance(item, ZoneCondition) and item.parts)


def figures_statement(
    target: Target,
    question: Question,
    figures: Figures,
    where: Sequence[ColumnElement[bool]],
    sources: Sources,
    *,
    state: Sql,
) -> Rows:
    """Groups the features that all of ``where`` holds for.

    Columns: ``g0…`` (the unit's code where a level is asked, then the fields), ``v0…``, ``matched`` (features in
    the group) and ``state``. At most :data:`MAX_GROUPS` + 1 rows, in the order of the groups. Parameters besides
    those of the conditions: ``asked_provinces``, ``asked_communes``,
    ``asked_inner``, ``asked_hamlets`` (arrays of texts).
    """
    groups = [target.column(name) for name in figures.by]
    if figures.level is not None:
        groups.insert(0, _unit(target, question, figures.level))
    values = [_value(target, question, value, sources) for value in figures.values]
    columns: list[Sql] = [
        *(group.label(f"g{index}") for index, group in enumerate(groups)),
        *(value.label(f"v{index}") for index, value in enumerate(values)),
        func.count().label("matched"),
        state.label("state"),
    ]
    places: list[Sql] = [literal_column(str(index + 1)) for index in range(len(groups))]
    statement = select(*columns).select_from(target.rows).where(*where)
    if places:
        statement = statement.group_by(*places).order_by(*places)
    return statement.limit(literal_column(str(MAX_GROUPS + 1)))


def _value(target: Target, question: Question, value: Value, sources: Sources) -> Sql:
    figure = _figure(target, question, value, sources)
    if value.op is not Op.SHARE:
        return figure
    whole = func.sum(figure.cast(Double)).over()
    return figure.cast(Double) / func.nullif(whole, literal_column("0"))


def _figure(target: Target, question: Question, value: Value, sources: Sources) -> Sql:
    measured = value.measured
    if measured is Op.COUNT:
        return func.count()
    if measured in _PARTS:
        index, zone = _parted(question)
        return _sum(part_measure(target, zone, f"w{index}_", sources))
    name = value.field or _MEASURES[measured]
    own = target.column(name)
    if measured in (Op.AREA_M2, Op.LENGTH_M):
        return _sum(own)
    if measured is Op.SUM:
        # Sums of bigint stay exact as numeric.
        zero: Sql = literal_column("0") if target.types[name] == "integer" else literal_column("0.0", Double)
        return func.coalesce(func.sum(own), zero)
    if measured is Op.MEAN:
        return func.avg(own).cast(Double)
    if measured is Op.MEDIAN:
        return func.percentile_cont(literal_column("0.5")).within_group(own.cast(Double))
    return func.min(own) if measured is Op.MIN else func.max(own)


def _sum(measure: Sql) -> Sql:
    return func.coalesce(func.sum(measure), literal_column("0.0", Double))


def _unit(target: Target, question: Question, level: Level) -> Sql:
    """The code of the one unit that a feature is counted under.

    That is the stored unit, of the largest share. Where a boundary was asked and the stored unit lies outside, a
    line or polygon counts under the first of its communes inside, so that the groups stay within the boundary.
    """
    asked = [item for item in question.where if isinstance(item, BoundaryCondition) and not item.outside]
    if level is Level.HAMLET:
        return _hamlet(target, asked=bool(asked))
    own, province = target.column("unit_code"), target.column("province_code")
    if not (asked and target.spans_units):
        return own if level is Level.COMMUNE else province
    inside = or_(_is_any(own, "asked_communes"), _is_any(province, "asked_provinces"))
    codes = func.unnest(target.column("unit_codes"))
    listed = codes.table_valued("code", with_ordinality="place", name="listed").render_derived()
    first = (
        select(listed.c.code)
        .where(_is_any(listed.c.code, "asked_communes"))
        .order_by(listed.c.place)
        .limit(ONE)
        .correlate(target.rows)
        .scalar_subquery()
    )
    if level is Level.COMMUNE:
        return case((inside, own), else_=func.coalesce(first, own))
    parent = select(_COMMUNES.c.parent_code).where(_COMMUNES.c.unit_code == first).limit(ONE)
    return case((inside, province), else_=func.coalesce(parent.correlate(target.rows).scalar_subquery(), province))


def _hamlet(target: Target, *, asked: bool) -> Sql:
    zone = _HAMLETS.c.geom
    meets = and_(overlaps(zone, target.geom), func.ST_Intersects(zone, target.geom, type_=Boolean()))
    if asked:
        within = or_(_is_any(_HAMLETS.c.code, "asked_hamlets"), _is_any(_HAMLETS.c.unit_code, "asked_inner"))
        meets = and_(meets, within)
    share: ColumnElement[float] = literal_column("1.0", Double)
    if target.geometry_type != "Point":
        shared = func.ST_Intersection(zone, target.geom)
        size = func.ST_Area(shared) if target.geometry_type == "MultiPolygon" else func.ST_Length(shared)
        whole = literal_column("'Infinity'::double precision", Double)
        share = case((func.ST_CoveredBy(target.geom, zone, type_=Boolean()), whole), else_=size)
    shares = select(_HAMLETS.c.code, share.label("share")).where(meets).correlate(target.rows).lateral("shares")
    return (
        select(shares.c.code)
        .where(shares.c.share > 0)
        .order_by(shares.c.share.desc(), shares.c.code)
        .limit(ONE)
        .correlate(target.rows)
        .scalar_subquery()
    )


def _is_any(own: Sql, name: str) -> ColumnElement[bool]:
    return own == any_(bindparam(name, type_=ARRAY(Text)))
