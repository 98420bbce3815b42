"""Statements for pages of features and single features: GeoJSON text is made in SQL and passed through."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import BigInteger, ColumnElement, FromClause, LargeBinary, Text, bindparam, func, literal_column, select

from spatial.crs import CRS, STORAGE_SRID
from spatial.page import View, revision_of, text_page
from spatial.sql import Rows
from spatial.target import Target, concat, json_object

# 0.1 mm on the ground: nine decimals of a degree, four of a metre.
DEGREE_DIGITS = 9
METRE_DIGITS = 4


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


def items_statement(target: Target, conditions: Sequence[ColumnElement[bool]], view: View) -> Rows:
    """One page of features as the bytes between the brackets of ``"features": [ ]``.

    Parameters and columns of the statement are those of :func:`spatial.page.text_page`.

    Args:
        target: The layer's rows.
        conditions: All must hold.
        view: CRS, properties and order.
    """

    def text(rows: FromClause) -> ColumnElement[str]:
        return concat(feature_text(target, rows, view.crs, view.properties), literal_column("'}'"))

    return text_page(target, conditions, view, text)


def feature_statement(target: Target, text: ColumnElement[str]) -> Rows:
    """One feature by ``fid``: ``body`` (UTF-8 bytes of ``text``), its revision and the layer's ``revision``."""
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
