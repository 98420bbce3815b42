"""Pages of features as CSV, JSON-FG and rows for files, made in SQL like the GeoJSON of :mod:`spatial.features`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, FromClause, LargeBinary, Numeric, Text, case, func, literal_column, select

from spatial.crs import CRS, CRS84, STORAGE_SRID
from spatial.features import DEGREE_DIGITS, METRE_DIGITS, geojson_geometry, geometry_in
from spatial.page import PAGE_SIZE, View, page_figures, page_rows, text_page
from spatial.sql import Rows
from spatial.target import Property, Target, concat, json_object, json_value

LIST_SEPARATOR: Final = literal_column("'; '", Text)
# A cell that begins so is a formula to a spreadsheet (OWASP ASVS 1.2.10).
_FORMULA: Final = literal_column(r"E'^[=+@\t\r\n＝＋－＠-]'", Text)
_EMPTY: Final = literal_column("''", Text)
_QUOTE: Final = literal_column("""'"'""", Text)
_TWO_QUOTES: Final = literal_column("""'""'""", Text)
_APOSTROPHE: Final = literal_column("''''", Text)
_NULL: Final = literal_column("'null'", Text)
_CLOSE: Final = literal_column("'}'", Text)


def csv_header(target: Target, view: View) -> str:
    """The header line. Geometry columns are in capitals, which no field's name can be.

    ``WKT`` is the name by which GDAL knows a geometry; points have their two coordinates in columns too.
    """
    columns = ["fid", *(item.name for item in view.shown(target))]
    if target.geometry_type == "Point":
        columns += _axes(view.crs)
    if target.geometry_type:
        columns.append("WKT")
    return ",".join(columns)


def _axes(crs: CRS) -> tuple[str, str]:
    if not crs.is_geographic:
        return "X", "Y"
    return ("LAT", "LON") if crs.axis_inverted else ("LON", "LAT")


def csv_statement(target: Target, conditions: Sequence[ColumnElement[bool]], view: View) -> Rows:
    """One page as CSV lines without the header (RFC 4180); see :func:`spatial.page.text_page`.

    Texts that a spreadsheet would run as a formula begin with an apostrophe; lists are joined by ``; ``.
    Coordinates are in the axis order of the CRS.
    """

    def line(rows: FromClause) -> ColumnElement[str]:
        return csv_line(target, rows, view)

    return text_page(target, conditions, view, line, separator=literal_column(r"E'\r\n'", Text))


def csv_line(target: Target, rows: FromClause, view: View) -> ColumnElement[str]:
    """One row as a line of CSV, in the columns of :func:`csv_header`."""
    cells = [rows.c.fid.cast(Text), *(_cell(rows, item) for item in view.shown(target))]
    return func.concat_ws(literal_column("','", Text), *cells, *_geometry_cells(target, rows, view.crs))


def _cell(rows: FromClause, item: Property) -> ColumnElement[str]:
    column: ColumnElement[Any] = rows.c[item.name]
    if item.type == "text":
        return func.coalesce(_quoted(_harmless(column)), _EMPTY)
    if item.type == "text[]":
        return func.coalesce(_quoted(_harmless(func.array_to_string(column, LIST_SEPARATOR))), _EMPTY)
    if item.type == "datetime":
        # to_json writes ISO 8601 within quotes, which are those of the cell too.
        return func.coalesce(func.to_json(column).cast(Text), _EMPTY)
    return func.coalesce(column.cast(Text), _EMPTY)


def _harmless(text: ColumnElement[str]) -> ColumnElement[str]:
    return case((text.op("~")(_FORMULA), concat(_APOSTROPHE, text)), else_=text)


def _quoted(text: ColumnElement[str]) -> ColumnElement[str]:
    return concat(_QUOTE, func.replace(text, _QUOTE, _TWO_QUOTES), _QUOTE)


def _geometry_cells(target: Target, rows: FromClause, crs: CRS) -> list[ColumnElement[str]]:
    if target.geometry_type is None:
        return []
    digits = DEGREE_DIGITS if crs.is_geographic else METRE_DIGITS
    geom = geometry_in(rows.c.geom, crs)
    cells = []
    if target.geometry_type == "Point":
        cells = [
            func.coalesce(func.round(axis(geom).cast(Numeric), digits).cast(Text), _EMPTY)
            for axis in (func.ST_X, func.ST_Y)
        ]
    return [*cells, func.coalesce(_quoted(func.ST_AsText(geom, digits)), _EMPTY)]


def rows_statement(target: Target, conditions: Sequence[ColumnElement[bool]], view: View) -> Rows:
    """One page as rows of (fid, properties in order, WKB): ``body`` is an array of records, NULL without any.

    Coordinates are x, y whatever the CRS, as files want them. The other columns are those of
    :func:`spatial.page.text_page`.
    """
    numbered = page_rows(target, conditions, view).subquery("numbered")
    record = func.row(*row_columns(target, numbered, view))
    return select(
        func.array_agg(record).filter(numbered.c.row_no <= PAGE_SIZE).label("body"),
        *page_figures(target, numbered, conditions, view),
    )


def row_columns(target: Target, rows: FromClause, view: View) -> list[ColumnElement[Any]]:
    """The columns of a row for a file: fid, properties in order, and the geometry as WKB in x, y order."""
    columns: list[ColumnElement[Any]] = [rows.c.fid, *(rows.c[item.name] for item in view.shown(target))]
    if target.geometry_type:
        geom = rows.c.geom if view.crs.srid == STORAGE_SRID else func.ST_Transform(rows.c.geom, view.crs.srid)
        columns.append(func.ST_AsBinary(geom).cast(LargeBinary).label("wkb"))
    return columns


def jsonfg_statement(
    target: Target, conditions: Sequence[ColumnElement[bool]], view: View, instant: Property | None
) -> Rows:
    """One page as JSON-FG features joined by commas; see :func:`spatial.page.text_page`."""

    def text(rows: FromClause) -> ColumnElement[str]:
        return concat(jsonfg_text(target, rows, view, instant), _CLOSE)

    return text_page(target, conditions, view, text)


def jsonfg_text(target: Target, rows: FromClause, view: View, instant: Property | None) -> ColumnElement[str]:
    """JSON-FG text of one row without its closing brace (OGC 21-045r1, 7).

    ``geometry`` is always there in CRS84 for readers that know GeoJSON only; ``place`` is in any other CRS.

    Args:
        target: The layer.
        rows: Where the row stands.
        view: CRS and properties.
        instant: The property that dates a feature's content.
    """
    geometry = geojson_geometry(rows.c.geom, CRS84) if target.geometry_type else _NULL
    has_place = target.geometry_type and view.crs != CRS84
    place = geojson_geometry(rows.c.geom, view.crs) if has_place else _NULL
    return concat(
        literal_column("""'{"type":"Feature","id":'""", Text),
        rows.c.fid.cast(Text),
        literal_column("""',"time":'""", Text),
        _time(rows, instant),
        literal_column("""',"geometry":'""", Text),
        geometry,
        literal_column("""',"place":'""", Text),
        place,
        literal_column("""',"properties":'""", Text),
        json_object(rows, view.shown(target)),
    )


def _time(rows: FromClause, instant: Property | None) -> ColumnElement[str]:
    if instant is None:
        return _NULL
    column: ColumnElement[Any] = rows.c[instant.name]
    key = "date" if instant.type == "date" else "timestamp"
    value = json_value(column, "date") if key == "date" else _utc(column)
    return case((column.is_(None), _NULL), else_=concat(literal_column(f"""'{{"{key}":'""", Text), value, _CLOSE))


def _utc(column: ColumnElement[Any]) -> ColumnElement[str]:
    form = literal_column("""'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'""", Text)
    return concat(_QUOTE, func.to_char(func.timezone(literal_column("'UTC'", Text), column), form), _QUOTE)
