"""The shapes over features as SQL: one statement gives one figure per place, all places at once.

Tables and columns come from validated definitions and are quoted by SQLAlchemy; every value is bound. Figures are
``numeric`` with nine decimals, so that the meaning in plain Python (:mod:`scenarios.rules.feature_figures`) gets the
same digits. Columns are those that ``sql/standing.sql`` reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Date,
    DateTime,
    Double,
    FromClause,
    Integer,
    Interval,
    Numeric,
    Text,
    any_,
    bindparam,
    cast,
    extract,
    false,
    func,
    literal,
    literal_column,
    null,
    select,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.sql.elements import Grouping

from layers.definition import Definition, FieldType, GeometryType, Sensitivity
from layers.tables import sql_type
from scenarios.definition import RuleScope
from scenarios.outcomes import PlaceKind
from scenarios.rules.feature_shape import Category, Counted, Deadline, FeatureTest, Match, Scalar
from spatial.sql import Rows

Sql = ColumnElement[Any]
PLACES: Final = 9
MOST_KEYS: Final = 20
"""Keys of so many of the features that make up a figure are kept as evidence."""
_FIRST, _LAST = literal_column("1", Integer), literal_column(str(MOST_KEYS), Integer)
_CARRIED: Final = 40
_DIALECT: Final = PGDialect(paramstyle="named")  # type: ignore[no-untyped-call]
_AT: Final = cast(bindparam("at"), DateTime(timezone=True))


@dataclass(frozen=True, slots=True)
class Read:
    """A layer as a statement reads it: its table of features, or its rows as they stood at a revision."""

    definition: Definition
    rows: FromClause

    @property
    def geom(self) -> Sql:
        """The geometry column, EPSG:4326."""
        return self.rows.c.geom

    @property
    def is_restricted(self) -> bool:
        """Whether positions and keys stay with those who may read the layer."""
        return self.definition.sensitivity is Sensitivity.RESTRICTED


@dataclass(frozen=True, slots=True)
class Frame:
    """What a statement is built for.

    Attributes:
        scope: The places that are judged one by one.
        layers: The layers that the test names, by slug.
        several_provinces: Whether keys are told with their province, because several have features here.
    """

    scope: RuleScope
    layers: Mapping[str, Read]
    several_provinces: bool = False


@dataclass(frozen=True, slots=True)
class _Place:
    kind: PlaceKind
    layer: str
    key: Sql
    unit: Sql
    lon: Sql
    lat: Sql


def figures_select(test: FeatureTest, frame: Frame) -> Rows:
    """The figures of a test: one row for each place that has one."""
    if isinstance(test, Deadline):
        return _deadline(test, frame)
    return _category(test, frame)


def passing(figures: Rows, operator: str) -> Rows:
    """Those of the figures that pass the laxer of limit and hysteresis, bound as ``lax``: no others can be told of."""
    seen = figures.subquery("seen_figures")
    bound = cast(bindparam("lax"), Numeric)
    return select(seen).where(seen.c.figure.op(operator, is_comparison=True)(bound))


def as_text(statement: Rows) -> tuple[str, dict[str, object]]:
    """SQL with ``:name`` parameters, to be put into a longer text, and the values that are bound already."""
    compiled = statement.compile(dialect=_DIALECT)
    return str(compiled), {name: value for name, value in compiled.params.items() if value is not None}


def key_text(read: Read, *, several_provinces: bool) -> Sql:
    """A feature's business key as people write it, its parts joined by ``/``."""
    columns = read.rows.c
    parts = [cast(columns[name], Text) for name in read.definition.key]
    key: Sql = parts[0] if len(parts) == 1 else func.concat_ws("/", *parts, type_=Text)
    if read.definition.key_ordinals:
        ordinal = cast(columns.key_ordinal, Text)
        key = key + func.coalesce("#" + func.nullif(ordinal, "0"), "")
    return columns.province_code + _text(" ") + key if several_provinces else key


def _deadline(test: Deadline, frame: Frame) -> Rows:
    read = frame.layers[test.layer]
    moment = _moment(read, test.due or test.since or "", ends=test.due is not None)
    figure = _hours(test, moment) if test.counted is Counted.HOURS else _worked_days(test, moment)
    kept = [moment.is_not(None), *_unfinished(test, read), *matching(read, test.where)]
    told = "due_at" if test.due else "since_at"
    return _row(_feature_place(read, frame), figure, moment, {told: moment, **_identity(read)}).where(*kept)


def _moment(read: Read, name: str, *, ends: bool) -> Sql:
    """The moment of a date or time; a date is the end of its day in Vietnam where ``ends``, else its beginning."""
    value: Sql = read.rows.c[name]
    if read.definition.field(name).type is not FieldType.DATE:
        return value
    day = value + literal_column("1", Integer) if ends else value
    return func.timezone("Asia/Ho_Chi_Minh", cast(day, DateTime()), type_=DateTime(timezone=True))


def _hours(test: Deadline, moment: Sql) -> Sql:
    span = moment - _AT if test.due else _AT - moment
    seconds: Sql = extract("epoch", cast(span, Interval))
    return func.round(func.round(seconds, _CARRIED) / 3600, PLACES)


def _worked_days(test: Deadline, moment: Sql) -> Sql:
    """Worked days between today and the day of the moment, by the running count that is bound for each day."""
    last = cast(func.timezone("Asia/Ho_Chi_Minh", moment - _ONE_MICROSECOND if test.due else moment), Date)
    left = _count_to(last) - _count_to(cast(bindparam("today"), Date))
    return cast(left if test.due else -left, Numeric)


_ONE_MICROSECOND: Final = literal_column("interval '1 microsecond'", Interval)


def _count_to(day: Sql) -> Sql:
    counts: Sql = Grouping(cast(bindparam("worked_counts"), ARRAY(Integer)))
    place = day - cast(bindparam("first_day"), Date) + literal_column("1", Integer)
    within = func.least(func.greatest(place, 1), func.cardinality(counts))
    return func.coalesce(counts[cast(within, Integer)], 0)


def _unfinished(test: Deadline, read: Read) -> list[ColumnElement[bool]]:
    kept: list[ColumnElement[bool]] = []
    if test.finished:
        kept.append(read.rows.c[test.finished].is_(None))
    if test.state:
        kept.append(func.coalesce(_holds(read, test.state, test.finished_states), false()).is_(false()))
    return kept


def _category(test: Category, frame: Frame) -> Rows:
    read = frame.layers[test.layer]
    kept = [_holds(read, test.field, test.values), *matching(read, test.where)]
    if frame.scope is RuleScope.ITEM:
        detail = {"value": func.to_jsonb(read.rows.c[test.field]), **_identity(read)}
        return _row(_feature_place(read, frame), literal_column("1::numeric", Numeric), null(), detail).where(*kept)
    return _counted(read, frame, kept)


def _counted(read: Read, frame: Frame, kept: list[ColumnElement[bool]]) -> Rows:
    code: Sql = read.rows.c.unit_code if frame.scope is RuleScope.COMMUNE else read.rows.c.province_code
    place = _Place(PlaceKind.UNIT, "", code, code, null(), null())
    count = cast(func.count(), Numeric)
    return _row(place, count, null(), _keys(read, frame), samples=func.count()).where(*kept).group_by(code)


def _keys(read: Read, frame: Frame) -> dict[str, Sql]:
    if read.is_restricted:
        return {}
    key = key_text(read, several_provinces=frame.several_provinces)
    listed = func.array_agg(postgresql.aggregate_order_by(key, key), type_=ARRAY(Text))
    return {"features": func.to_jsonb(listed[_FIRST:_LAST])}


def _holds(read: Read, name: str, values: tuple[Scalar, ...]) -> ColumnElement[bool]:
    of = read.definition.field(name).type
    kind = sql_type(of)
    sent = [float(value) for value in values] if of is FieldType.NUMBER else list(values)
    wanted = cast(bindparam(None, sent, type_=ARRAY(kind), unique=True), ARRAY(kind))
    held: ColumnElement[bool] = read.rows.c[name] == any_(wanted)
    return held


def matching(read: Read, where: tuple[Match, ...]) -> list[ColumnElement[bool]]:
    """Conditions that fields hold one of their values each."""
    return [_holds(read, match.field, match.values) for match in where]


def _feature_place(read: Read, frame: Frame, kind: PlaceKind = PlaceKind.FEATURE) -> _Place:
    key = key_text(read, several_provinces=frame.several_provinces)
    lon, lat = _point(read)
    return _Place(kind, read.definition.slug, key, read.rows.c.unit_code, lon, lat)


def _point(read: Read) -> tuple[Sql, Sql]:
    """Where an alert is shown; nowhere for restricted layers, whose positions are for those who may read them."""
    if read.definition.geometry is None or read.is_restricted:
        return null(), null()
    inside = read.geom if read.definition.geometry is GeometryType.POINT else func.ST_PointOnSurface(read.geom)
    return func.ST_X(inside), func.ST_Y(inside)


def _identity(read: Read) -> dict[str, Sql]:
    return {"fid": read.rows.c.fid, "from_revision": read.rows.c.from_revision}


def _row(
    place: _Place, figure: Sql, observed_at: Sql, detail: Mapping[str, Sql], *, samples: Sql | None = None
) -> Rows:
    facts = [part for name, value in detail.items() for part in (_text(name), value)]
    return select(
        _text(place.kind.value).label("kind"),
        _text(place.layer).label("layer"),
        place.key.label("key"),
        place.unit.label("unit_code"),
        cast(place.lon, Double).label("lon"),
        cast(place.lat, Double).label("lat"),
        cast(null(), BigInteger).label("series_id"),
        cast(observed_at, DateTime(timezone=True)).label("observed_at"),
        cast(null(), Integer).label("version"),
        cast(null(), Numeric).label("value"),
        cast(null(), Numeric).label("other"),
        cast(null(), DateTime(timezone=True)).label("other_at"),
        cast(null(), Integer).label("other_version"),
        cast(null() if samples is None else samples, BigInteger).label("samples"),
        cast(func.jsonb_build_object(*facts), JSONB).label("detail"),
        figure.label("figure"),
    )


def _text(value: str) -> Sql:
    return cast(literal(value, Text), Text)
