"""The conditions of an items request as SQL, and their values."""

from __future__ import annotations

from collections.abc import Hashable
from datetime import UTC

from sqlalchemy import ColumnElement, Date, DateTime, LargeBinary, and_, any_, bindparam, func, or_

from app.ogc.params import ItemsRequest, temporal_field
from layers.catalogue import Layer
from layers.definition import FieldType
from layers.tables import sql_type
from spatial.cql2 import FilterColumn, compile_filter, parse_filter
from spatial.crs import STORAGE_SRID
from spatial.target import Target

NO_BOUND = "infinity"


def shape_of(asked: ItemsRequest) -> Hashable:
    """What tells the statement of one request from another's, apart from the values that are bound."""
    return (
        asked.bbox is not None,
        asked.interval is not None,
        tuple(sorted(asked.equals)),
        (asked.filter_text, asked.filter_lang, asked.filter_crs.uri) if asked.filter_text else None,
    )


def build_conditions(target: Target, layer: Layer, asked: ItemsRequest) -> list[ColumnElement[bool]]:
    """The conditions of a request over the layer's rows.

    Raises:
        InvalidFilter: The CQL2 filter is malformed, or names a property that may not be asked for.
    """
    found: list[ColumnElement[bool]] = []
    if asked.bbox is not None and target.geometry_type is not None:
        box = func.ST_GeomFromWKB(bindparam("bbox", type_=LargeBinary), STORAGE_SRID)
        # The operator compares boxes rounded to single precision: it finds, the predicate decides.
        found += [target.geom.op("&&")(box), func.ST_Intersects(target.geom, box)]
    if asked.interval is not None:
        found += _interval(target, layer)
    for name in sorted(asked.equals):
        found.append(_equals(target, name))
    if asked.filter_text is not None:
        expression = parse_filter(asked.filter_text, asked.filter_lang, filter_crs=asked.filter_crs)
        geometry = target.geom if target.geometry_type else None
        found.append(compile_filter(expression, filter_columns(target), geometry))
    return found


def filter_columns(target: Target) -> dict[str, FilterColumn]:
    """Columns that a CQL2 filter may name, and the personal ones that it is told it may not."""
    columns = {
        item.name: FilterColumn(item.name, target.column(item.name), item.type, personal=False)
        for item in target.properties
    }
    fid = target.column("fid")
    columns["fid"] = FilterColumn("fid", fid, "integer", personal=False)
    for name in target.personal:
        columns[name] = FilterColumn(name, fid, "text", personal=True)
    return columns


def _equals(target: Target, name: str) -> ColumnElement[bool]:
    kind = target.types[name]
    if kind == "text[]":
        value = bindparam(f"eq_{name}", type_=sql_type(FieldType.TEXT))
        return value == any_(target.column(name))
    return target.column(name) == bindparam(f"eq_{name}", type_=sql_type(FieldType(kind)))


def _interval(target: Target, layer: Layer) -> list[ColumnElement[bool]]:
    """OGC API - Features Part 1, 7.15.4: features without a date match every interval."""
    field = temporal_field(layer)
    if field is None:
        return []
    column = target.column(field.name)
    kind = Date if field.type is FieldType.DATE else DateTime(timezone=True)
    start, end = bindparam("interval_start", type_=kind), bindparam("interval_end", type_=kind)
    within = and_(or_(start.is_(None), column >= start), or_(end.is_(None), column <= end))
    return [or_(column.is_(None), within)]


def condition_values(layer: Layer, asked: ItemsRequest) -> dict[str, object]:
    """Values of the parameters that :func:`build_conditions` names."""
    values: dict[str, object] = {f"eq_{name}": value for name, value in asked.equals.items()}
    if asked.bbox is not None:
        values["bbox"] = asked.bbox
    field = temporal_field(layer)
    if asked.interval is not None and field is not None:
        for name, moment in zip(("interval_start", "interval_end"), asked.interval, strict=True):
            is_day = field.type is FieldType.DATE and moment is not None
            values[name] = moment.astimezone(UTC).date() if is_day and moment else moment
    return values
