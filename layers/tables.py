"""The SQL tables of a layer, built from its definition."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from typing import Any, Final

from geoalchemy2 import Geometry
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Computed,
    Date,
    DateTime,
    Double,
    Integer,
    LargeBinary,
    MetaData,
    Subquery,
    Table,
    Text,
    and_,
    bindparam,
    func,
    literal,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.sql import CompoundSelect
from sqlalchemy.types import TypeEngine

from layers.definition import Definition, FieldType, GeometryType
from spatial.sql import Rows

STORAGE_SRID = 4326
TILE_SRID = 3857
DENSIFY_DEGREES = 0.0009  # about 100 m: edges are straight in lon/lat, geography would bend them


class StoredGeometry(Geometry):
    """A geometry column whose values pass as they are: statements say themselves how they read and write."""

    cache_ok = True

    def column_expression(self, col: ColumnElement[object]) -> ColumnElement[object]:
        """Leaves a selected column bare, where the parent would wrap it in ST_AsEWKB."""
        return col

    def bind_expression(self, bindvalue: ColumnElement[object]) -> ColumnElement[object]:
        """Leaves a bound value bare, where the parent would wrap it in ST_GeomFromEWKT."""
        return bindvalue

    @classmethod
    def of(cls, kind: str, srid: int) -> StoredGeometry:
        """The type ``geometry(kind, srid)`` without an index of its own making."""
        return cls(kind, srid=srid, spatial_index=False)


_SQL_TYPES: dict[FieldType, TypeEngine[Any]] = {
    FieldType.TEXT: Text(),
    FieldType.INTEGER: BigInteger(),
    FieldType.NUMBER: Double(),
    FieldType.BOOLEAN: Boolean(),
    FieldType.DATE: Date(),
    FieldType.DATETIME: DateTime(timezone=True),
    FieldType.TEXT_ARRAY: ARRAY(Text()),
}

_MEASURES = {
    GeometryType.MULTIPOLYGON: (
        "geom_area_m2",
        f"ST_Area(ST_Segmentize(geom, {DENSIFY_DEGREES})::geography)",
    ),
    GeometryType.MULTILINESTRING: (
        "geom_length_m",
        f"ST_Length(ST_Segmentize(geom, {DENSIFY_DEGREES})::geography)",
    ),
}


def sql_type(kind: FieldType) -> TypeEngine[Any]:
    """The SQL type of a field type; integers are ``bigint``, numbers ``double precision``."""
    return _SQL_TYPES[kind]


def field_columns(definition: Definition) -> list[Column[object]]:
    """Fresh columns of the fields that live in the feature table, in definition order.

    Hidden fields keep their column, so that older revisions stay readable. Personal fields are never here.
    """
    return [Column(field.name, sql_type(field.type)) for field in definition.fields if not field.personal]


def measure_column(definition: Definition) -> tuple[str, str] | None:
    """Name and SQL expression of the generated geodesic measure (m² or m), or None for points and tables."""
    return _MEASURES.get(definition.geometry) if definition.geometry else None


def _measure(definition: Definition, geom: ColumnElement[object]) -> ColumnElement[float]:
    geography = func.geography(func.ST_Segmentize(geom, DENSIFY_DEGREES))
    if definition.geometry is GeometryType.MULTIPOLYGON:
        return func.ST_Area(geography)
    return func.ST_Length(geography)


def _system_columns(definition: Definition) -> list[Column[object]]:
    columns: list[Column[object]] = [
        Column("fid", BigInteger, nullable=False),
        Column("province_code", Text, nullable=False),
        Column("unit_code", Text, nullable=False),
    ]
    if has_unit_codes(definition):
        columns.append(Column("unit_codes", ARRAY(Text), nullable=False))
    columns += [
        Column("key_ordinal", Integer, nullable=False, server_default="0"),
        Column("from_revision", BigInteger, nullable=False),
    ]
    return columns


def has_unit_codes(definition: Definition) -> bool:
    """Whether features of the layer may lie in several communes (lines and polygons)."""
    return definition.geometry in (GeometryType.MULTILINESTRING, GeometryType.MULTIPOLYGON)


def has_label_point(definition: Definition) -> bool:
    """Whether rows store ``label_geom``, a point inside the polygon (EPSG:3857) for its label and for counting."""
    return definition.geometry is GeometryType.MULTIPOLYGON and definition.tiles is not None


def _geometry_columns(definition: Definition) -> list[Column[object]]:
    if definition.geometry is None:
        return []
    return [Column("geom", StoredGeometry.of(str(definition.geometry), STORAGE_SRID))]


@lru_cache(maxsize=1024)
def feature_table(definition: Definition) -> Table:
    """``features.<table>``: the current rows of a layer, geometry in EPSG:4326."""
    columns = _system_columns(definition) + field_columns(definition) + _geometry_columns(definition)
    if definition.geometry is not None and definition.tiles is not None:
        computed = Computed(f"ST_Transform(geom, {TILE_SRID})", persisted=True)
        columns.append(Column("tile_geom", StoredGeometry.of("GEOMETRY", TILE_SRID), computed))
    if has_label_point(definition):
        inside = Computed(f"ST_PointOnSurface(ST_Transform(geom, {TILE_SRID}))", persisted=True)
        columns.append(Column("label_geom", StoredGeometry.of("POINT", TILE_SRID), inside))
    measure = measure_column(definition)
    if measure:
        columns.append(Column(measure[0], Double, Computed(measure[1], persisted=True)))
    return Table(definition.table, MetaData(), *columns, schema="features")


@lru_cache(maxsize=1024)
def history_table(definition: Definition) -> Table:
    """``history.<table>``: closed rows, valid in the half-open interval [from_revision, to_revision)."""
    columns = _system_columns(definition) + field_columns(definition) + _geometry_columns(definition)
    columns.append(Column("to_revision", BigInteger, nullable=False))
    return Table(definition.table, MetaData(), *columns, schema="history")


@lru_cache(maxsize=1024)
def private_table(definition: Definition) -> Table | None:
    """``private.<table>``: personal values, sealed, one row per (fid, revision); None without such fields.

    ``key_id`` names the person's key (:data:`PEOPLE`), ``terms`` holds keyed hashes to be found by. Whoever has no
    values, or had them erased, has no ``sealed``.
    """
    if not definition.personal_fields:
        return None
    columns: list[Column[object]] = [
        Column("fid", BigInteger, primary_key=True, autoincrement=False),
        Column("revision", BigInteger, primary_key=True, autoincrement=False),
        Column("key_id", BigInteger),
        Column("sealed", LargeBinary),
        Column("terms", ARRAY(Text)),
    ]
    return Table(definition.table, MetaData(), *columns, schema="private")


PEOPLE: Final = Table(
    "keys",
    MetaData(),
    Column("id", BigInteger, primary_key=True),
    Column("person", LargeBinary, nullable=False),
    Column("wrapped", LargeBinary),
    Column("erased_at", DateTime(timezone=True)),
    schema="personal",
)
"""``personal.keys``: one key for each person whose values are held; ``wrapped`` is gone where they were erased."""


def latest_private(
    private: Table, revision: int | None = None, *, of: Table | None = None, fids: Collection[int] | None = None
) -> Subquery:
    """Selects each feature's newest private row, or the newest up to a revision.

    Args:
        private: Table of sealed values.
        revision: The newest that counts.
        of: A table of fids; the rows of others are not read, which for few fids of a large layer saves much.
        fids: The same as numbers.
    """
    statement = select(private).ext(distinct_on(private.c.fid)).order_by(private.c.fid, private.c.revision.desc())
    if revision is not None:
        statement = statement.where(private.c.revision <= revision)
    if of is not None:
        statement = statement.where(private.c.fid.in_(select(of.c.fid).where(of.c.fid.is_not(None))))
    if fids is not None:
        statement = statement.where(private.c.fid.in_(sorted(fids)))
    return statement.subquery("latest_private")


def common_columns(definition: Definition) -> tuple[str, ...]:
    """Names of the columns that a feature row and a history row share, in table order."""
    return tuple(column.name for column in history_table(definition).columns if column.name != "to_revision")


def rows_at_revision(definition: Definition, at: int | None = None) -> CompoundSelect[*tuple[Any, ...]]:
    """Selects the rows of a layer as they stood after the revision ``at``, else after that bound as ``revision``.

    Columns are those of :func:`common_columns` and the generated measure; there is no ``tile_geom``.
    """
    revision: ColumnElement[int] = bindparam("revision", type_=BigInteger)
    if at is not None:
        revision = literal(at, BigInteger)
    current, closed = feature_table(definition), history_table(definition)
    names = common_columns(definition)
    measure = measure_column(definition)

    def columns(table: Table) -> Rows:
        listed = [table.c[name] for name in names]
        if not measure:
            return select(*listed)
        value = table.c[measure[0]] if measure[0] in table.c else _measure(definition, table.c.geom)
        return select(*listed, value.label(measure[0]))

    return union_all(
        columns(current).where(current.c.from_revision <= revision),
        columns(closed).where(and_(closed.c.from_revision <= revision, closed.c.to_revision > revision)),
    )
