"""The fields that a filter may name, and typed pieces of SQL made of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final

import shapely
from sqlalchemy import (
    TIMESTAMP,
    BigInteger,
    Boolean,
    ColumnElement,
    Date,
    Double,
    LargeBinary,
    Text,
    bindparam,
    func,
)
from sqlalchemy.types import TypeEngine

from spatial.cql2.expression import GeometryLiteral, Literal, Position, Property
from spatial.crs import STORAGE_SRID
from spatial.errors import FieldUnknown, InvalidFilter, PersonalFieldUsed

# SQLAlchemy's expressions and types are invariant in what they yield, which the type of a filter's value is not.
Sql = ColumnElement[Any]
SqlType = TypeEngine[Any]

GEOMETRY_NAMES: Final = ("geometry", "geom")


class ValueType(StrEnum):
    """What an expression yields."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "datetime"
    TEXT_ARRAY = "text[]"
    GEOMETRY = "geometry"


NUMERIC: Final = frozenset({ValueType.INTEGER, ValueType.NUMBER})
TIMES: Final = frozenset({ValueType.DATE, ValueType.DATETIME})
TYPE_NAMES_VI: Final = {
    ValueType.TEXT: "chuỗi",
    ValueType.INTEGER: "số",
    ValueType.NUMBER: "số",
    ValueType.BOOLEAN: "đúng/sai",
    ValueType.DATE: "ngày",
    ValueType.DATETIME: "thời điểm",
    ValueType.TEXT_ARRAY: "danh sách chuỗi",
    ValueType.GEOMETRY: "hình học",
}


@dataclass(frozen=True, slots=True)
class FilterColumn:
    """A field that filters may meet, and the column that holds it.

    Attributes:
        type: text, integer, number, boolean, date, datetime or text[].
        personal: the field holds personal data; it may be known of, but not filtered on.
    """

    name: str
    column: Sql
    type: str
    personal: bool = False


@dataclass(frozen=True, slots=True)
class Typed:
    """SQL together with what it yields, and the words of the filter that it stands for."""

    sql: Sql
    type: ValueType
    position: Position
    name: str


class Scope:
    """The names that one filter may use."""

    def __init__(self, fields: Mapping[str, FilterColumn], geometry: Sql | None, parameter: str) -> None:
        self.fields = fields
        self.geometry = geometry
        self.parameter = parameter

    def property(self, node: Property) -> Typed:
        """Return the column of a name.

        Raises:
            FieldUnknown: the layer has no such field.
            PersonalFieldUsed: the field holds personal data.
        """
        found = self.fields.get(node.name)
        if found is None and node.name in GEOMETRY_NAMES and self.geometry is not None:
            return Typed(self.geometry, ValueType.GEOMETRY, node.position, node.name)
        if found is None:
            raise FieldUnknown(node.name, self.allowed(), parameter=self.parameter, position=node.position)
        if found.personal:
            raise PersonalFieldUsed(node.name, self.allowed(), parameter=self.parameter, position=node.position)
        return Typed(found.column, ValueType(found.type), node.position, node.name)

    def allowed(self) -> tuple[str, ...]:
        """Return the names that may be used."""
        names = tuple(field.name for field in self.fields.values() if not field.personal)
        return names if self.geometry is None else (*names, GEOMETRY_NAMES[0])


def bound(value: object, sql_type: SqlType) -> Sql:
    """Return a bound parameter with its own name, so that equal filters share one statement text."""
    return bindparam("filter", value, type_=sql_type, unique=True)


def literal(node: Literal) -> Typed:
    """Return a literal as a bound parameter of its type."""
    kind, sql_type = _literal_type(node.value)
    return Typed(bound(node.value, sql_type), kind, node.position, _shown(node.value))


def geometry_literal(node: GeometryLiteral) -> Typed:
    """Return a geometry literal as bound EWKB in the storage CRS."""
    located = shapely.set_srid(node.geometry, STORAGE_SRID)
    sql: Sql = func.ST_GeomFromEWKB(bound(shapely.to_wkb(located, include_srid=True), LargeBinary()))
    return Typed(sql, ValueType.GEOMETRY, node.position, node.geometry.geom_type)


def _literal_type(value: object) -> tuple[ValueType, SqlType]:
    # The order matters: bool is an int and datetime is a date.
    known: tuple[tuple[type, ValueType, SqlType], ...] = (
        (bool, ValueType.BOOLEAN, Boolean()),
        (int, ValueType.INTEGER, BigInteger()),
        (float, ValueType.NUMBER, Double()),
        (datetime, ValueType.DATETIME, TIMESTAMP(timezone=True)),
        (date, ValueType.DATE, Date()),
    )
    for python_type, kind, sql_type in known:
        if isinstance(value, python_type):
            return kind, sql_type
    return ValueType.TEXT, Text()


def _shown(value: object) -> str:
    return f"'{value[:40]}'" if isinstance(value, str) else str(value)


def mismatch(found: Typed, wanted: frozenset[ValueType], remedy_vi: str, remedy_en: str) -> InvalidFilter:
    """Return the error for an expression of another type than the operator takes."""
    names = " / ".join(sorted(wanted))
    names_vi = " / ".join(dict.fromkeys(TYPE_NAMES_VI[kind] for kind in sorted(wanted)))
    return InvalidFilter(
        f"{found.name} là {TYPE_NAMES_VI[found.type]}, ở đây cần {names_vi}. {remedy_vi}",
        f"{found.name} is {found.type}, but {names} is needed here. {remedy_en}",
        position=found.position,
    )
