"""Statements for pages of features and single features: GeoJSON text is made in SQL and passed through."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Integer,
    LargeBinary,
    Subquery,
    Text,
    bindparam,
    column,
    func,
    literal_column,
    null,
    select,
    table,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by

from spatial.crs import CRS, STORAGE_SRID
from spatial.sorting import SortKey, after_position, order_by, position_text
from spatial.sql import Rows
from spatial.target import Target, concat, json_object

# 0.1 mm on the ground: nine decimals of a degree, four of a metre.
DEGREE_DIGITS = 9
METRE_DIGITS = 4
MAX_COUNT = 10_000
_PAGE = bindparam("page", type_=Integer)
_LAYERS = table("layers", column("slug", Text), column("revision", BigInteger), schema="catalogue")


def geometry_in(geom: ColumnElement[object], crs: CRS) -> ColumnElement[object]:
    """The stored geometry in a served CRS, axes in the order of the CRS's authority.

    OGC API - Features Part 2, 6.2: coordinates follow the axis order of the CRS named by ``crs``.
    """
    served = geom if crs.srid == STORAGE_SRID else func.ST_Transform(geom, crs.srid)
    return func.ST_FlipCoordinates(served) if crs.axis_inverted else served


def geojson_geometry(geom: ColumnElement[object], crs: CRS) -> ColumnElement[str]:
    """GeoJSON text of a stored geometry (EPSG:4326) in ``crs``; ``null`` where there is none."""
    digits = DEGREE_DIGITS if crs.is_geographic else METRE_DIGITS
    return func.coalesce(func.ST_AsGeoJSON(geometry_in(geom, crs), digits, 0), literal_column("'null'"))


def feature_text(target: Target, source: object, crs: CRS, properties: Sequence[str] | None) -> ColumnElement[str]:
    """GeoJSON text of one row without its closing brace, so that a caller may add members."""
    shown = tuple(item for item in target.properties if properties is None or item.name in properties)
    columns = source.c  # type: ignore[attr-defined]
    geometry = geojson_geometry(columns.geom, crs) if target.geometry_type else literal_column("'null'")
    return concat(
        literal_column("""'{"type":"Feature","id":'""", Text),
        columns.fid.cast(Text),
        literal_column("""',"geometry":'""", Text),
        geometry,
        literal_column("""',"properties":'""", Text),
        json_object(source, shown),  # type: ignore[arg-type]
    )


def items_statement(
    target: Target,
    conditions: Sequence[ColumnElement[bool]],
    *,
    crs: CRS,
    properties: Sequence[str] | None = None,
    counted: bool = False,
    sort: Sequence[SortKey] = (),
    resumed: bool = True,
) -> Rows:
    """One page of features as the bytes between the brackets of ``"features": [ ]``.

    Parameters of the statement: ``after`` (fid of the last feature of the page before), ``skip`` (offset),
    ``page`` (size) and those of the conditions. Columns: ``body`` (UTF-8 bytes), ``returned``, ``last_fid``,
    ``more`` (whether features follow), ``revision`` and ``matched``: how many features the conditions hold
    for, counted up to one more than :data:`MAX_COUNT`, or NULL where ``counted`` is false. A sorted page has
    ``last_place`` too: JSON of the sort values and fid of its last feature, from which the next page begins.

    Args:
        target: The layer's rows.
        conditions: All must hold.
        crs: Served CRS of the geometries.
        properties: Names to show; all when None.
        counted: Whether the conditions' matches are counted.
        sort: Keys of the order; by fid alone where there are none.
        resumed: Whether the page begins after a place that the parameters of :mod:`spatial.sorting` name.
    """
    numbered, within = page_rows(target, conditions, sort=sort, resumed=resumed)
    text = concat(feature_text(target, numbered, crs, properties), literal_column("'}'"))
    body = func.string_agg(text, literal_column("','")).filter(within)
    return select(
        func.convert_to(func.coalesce(body, literal_column("''")), "UTF8").cast(LargeBinary).label("body"),
        *page_figures(target, numbered, within, conditions, counted=counted, sort=sort),
    )


def page_rows(
    target: Target,
    conditions: Sequence[ColumnElement[bool]],
    *,
    sort: Sequence[SortKey] = (),
    resumed: bool = True,
) -> tuple[Subquery, ColumnElement[bool]]:
    """The rows of a page and one more, numbered, and whether a row belongs to the page itself."""
    rows = select(target.rows).where(*conditions).order_by(*order_by(target.rows, sort))
    if resumed or not sort:
        rows = rows.where(after_position(target.rows, sort))
    found = rows.offset(bindparam("skip", type_=Integer)).limit(_PAGE + 1).subquery("found")
    numbered = select(found, func.row_number().over().label("row_no")).subquery("numbered")
    return numbered, numbered.c.row_no <= _PAGE


def page_figures(
    target: Target,
    numbered: Subquery,
    within: ColumnElement[bool],
    conditions: Sequence[ColumnElement[bool]],
    *,
    counted: bool,
    sort: Sequence[SortKey] = (),
) -> list[ColumnElement[Any]]:
    """The columns that every page has beside its body, as :func:`items_statement` names them."""
    matched: ColumnElement[Any] = null().cast(BigInteger)
    if counted:
        bounded: Rows = select(literal_column("1")).select_from(target.rows).where(*conditions).limit(MAX_COUNT + 1)
        matched = select(func.count()).select_from(bounded.subquery("bounded")).scalar_subquery()
    figures: list[ColumnElement[Any]] = [
        func.count().filter(within).label("returned"),
        func.max(numbered.c.fid).filter(within).label("last_fid"),
        (func.count() > _PAGE).label("more"),
        revision_of(target.slug).label("revision"),
        matched.label("matched"),
    ]
    if sort:
        ordered = aggregate_order_by(position_text(numbered, sort), numbered.c.row_no.desc())
        places = func.array_agg(ordered, type_=ARRAY(Text)).filter(within)
        first = func.trim_array(places, func.cardinality(places) - 1)
        figures.append(func.array_to_string(first, literal_column("''")).label("last_place"))
    return figures


def feature_statement(target: Target, *, crs: CRS) -> Rows:
    """One feature by ``fid``: ``body`` (UTF-8 bytes, closing brace left out) and the layer's ``revision``."""
    text = feature_text(target, target.rows, crs, None)
    return select(
        func.convert_to(text, "UTF8").cast(LargeBinary).label("body"),
        target.column("from_revision").label("feature_revision"),
        revision_of(target.slug).label("revision"),
    ).where(target.column("fid") == bindparam("fid", type_=BigInteger))


def count_statement(target: Target, conditions: Sequence[ColumnElement[bool]]) -> Rows:
    """How many features the conditions hold for, exactly, and the layer's ``revision``."""
    return (
        select(func.count().label("matched"), revision_of(target.slug).label("revision"))
        .select_from(target.rows)
        .where(*conditions)
    )


def revision_of(slug: str) -> ColumnElement[int]:
    """The layer's current revision, read in the same snapshot as the rest of the statement."""
    return select(_LAYERS.c.revision).where(_LAYERS.c.slug == slug).scalar_subquery()
