"""What the SQL of the shapes over features is made of: layers as statements read them, places, rows of figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    DateTime,
    Double,
    FromClause,
    Integer,
    Numeric,
    Text,
    any_,
    bindparam,
    cast,
    func,
    literal,
    literal_column,
    null,
    select,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql.base import PGDialect

from layers.definition import Definition, FieldType, GeometryType, Sensitivity
from layers.tables import sql_type
from scenarios.definition import RuleScope
from scenarios.outcomes import PlaceKind
from scenarios.rules.feature_shape import (
    Match,
    Scalar,
)
from spatial.sql import Rows

Sql = ColumnElement[Any]
PLACES: Final = 9
MOST_KEYS: Final = 20
"""Keys of so many of the features that make up a figure are kept as evidence."""
_FIRST, _LAST = literal_column("1", Integer), literal_column(str(MOST_KEYS), Integer)
_DIALECT: Final = PGDialect(paramstyle="named")  # type: ignore[no-untyped-call]
ONE: Final = literal_column("1::numeric", Numeric)
STANDING_COLUMNS: Final = (
    "kind", "layer", "key", "unit_code", "lon", "lat", "series_id", "observed_at", "version", "value", "other",
    "other_at", "other_version", "samples", "detail", "figure",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Read:
    """A layer as a statement reads it: its table of features, or its rows as they stood at a revision."""

    definition: Definition
    rows: FromClause

    @property
    def geom(self) -> Sql:
        """The geometry column, EPSG:4326."""
        return self.rows.c.geom

    def aliased(self, name: str) -> Read:
        """The same rows under another name, to be set against one another."""
        return replace(self, rows=self.rows.alias(name))

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
        operator: How figures are held against ``lax``; a cluster is told of by the first event that has enough.
    """

    scope: RuleScope
    layers: Mapping[str, Read]
    several_provinces: bool = False
    operator: str = ">"


@dataclass(frozen=True, slots=True)
class PlaceColumns:
    """A place of a figure: its kind and layer, and the columns that its key, unit and position come from."""

    kind: PlaceKind
    layer: str
    key: Sql
    unit: Sql
    lon: Sql
    lat: Sql


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


def feature_keys(read: Read, frame: Frame) -> dict[str, Sql]:
    """Keys of some of the features that a row is aggregated from, as evidence; none of restricted layers."""
    if read.is_restricted:
        return {}
    key = key_text(read, several_provinces=frame.several_provinces)
    listed = func.array_agg(postgresql.aggregate_order_by(key, key), type_=ARRAY(Text))
    return {"features": func.to_jsonb(listed[_FIRST:_LAST])}


def flat(detail: Mapping[str, Sql]) -> list[Sql]:
    """Names and values one after another, as ``jsonb_build_object`` takes them."""
    return [part for name, value in detail.items() for part in (_text(name), value)]


def holds(read: Read, name: str, values: tuple[Scalar, ...]) -> ColumnElement[bool]:
    """That a field holds one of the values."""
    of = read.definition.field(name).type
    kind = sql_type(of)
    sent = [float(value) for value in values] if of is FieldType.NUMBER else list(values)
    wanted = cast(bindparam(None, sent, type_=ARRAY(kind), unique=True), ARRAY(kind))
    held: ColumnElement[bool] = read.rows.c[name] == any_(wanted)
    return held


def matching(read: Read, where: tuple[Match, ...]) -> list[ColumnElement[bool]]:
    """Conditions that fields hold one of their values each."""
    return [holds(read, match.field, match.values) for match in where]


def feature_place(read: Read, frame: Frame, kind: PlaceKind = PlaceKind.FEATURE) -> PlaceColumns:
    """A feature as the place of a figure."""
    key = key_text(read, several_provinces=frame.several_provinces)
    lon, lat = _point(read)
    return PlaceColumns(kind, read.definition.slug, key, read.rows.c.unit_code, lon, lat)


def _point(read: Read) -> tuple[Sql, Sql]:
    """Where an alert is shown; nowhere for restricted layers, whose positions are for those who may read them."""
    if read.definition.geometry is None or read.is_restricted:
        return null(), null()
    inside = read.geom if read.definition.geometry is GeometryType.POINT else func.ST_PointOnSurface(read.geom)
    return func.ST_X(inside), func.ST_Y(inside)


def identity(read: Read) -> dict[str, Sql]:
    """What tells a feature from all others, and since which revision it has been as it is."""
    return {"fid": read.rows.c.fid, "from_revision": read.rows.c.from_revision}


def figure_row(
    place: PlaceColumns, figure: Sql, observed_at: Sql, detail: Mapping[str, Sql], *, samples: Sql | None = None
) -> Rows:
    """A row of the columns that ``sql/standing.sql`` reads; the rows that it comes from are those of its columns."""
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
        cast(func.jsonb_build_object(*flat(detail)), JSONB).label("detail"),
        figure.label("figure"),
    )


def _text(value: str) -> Sql:
    return cast(literal(value, Text), Text)
