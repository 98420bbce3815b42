"""The route of a question that names a layer: its features joined into one line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import shapely
from sqlalchemy import LargeBinary, func, literal_column, select

from layers.question_layers import SourceLayer
from spatial.errors import InvalidQuestion
from spatial.sql import compile_statement

if TYPE_CHECKING:
    from asyncpg import Connection, Record

MAX_ROUTE_FEATURES = 5_000
MAX_ROUTE_VERTICES = 100_000


async def route_line(connection: Connection[Record], source: SourceLayer) -> shapely.LineString:
    """Returns the one line that the source's features make, running as its first feature runs.

    Raises:
        InvalidQuestion: the layer has no lines, nothing is found, or the lines do not join into one.
    """
    rows, path = source.rows, source.source.path
    if rows.target.geometry_type != "MultiLineString":
        raise InvalidQuestion(
            f"Lớp '{source.layer.slug}' không có đường. Hãy dùng lớp đường, ví dụ roads.",
            f"Layer '{source.layer.slug}' holds no lines. Use a layer of lines, such as roads.",
            parameter=path,
        )
    statement = (
        select(func.ST_AsBinary(rows.target.geom, type_=LargeBinary).label("wkb"))
        .select_from(rows.target.rows)
        .where(rows.target.geom.is_not(None))
        .order_by(rows.target.column("fid"))
        .limit(literal_column(str(MAX_ROUTE_FEATURES + 1)))
    )
    if rows.condition is not None:
        statement = statement.where(rows.condition)
    compiled = compile_statement(statement)
    records = await connection.fetch(compiled.text, *compiled.args())
    return joined_line([shapely.from_wkb(record["wkb"]) for record in records], path)


def joined_line(shapes: Sequence[shapely.Geometry], path: str) -> shapely.LineString:
    """Joins lines end to end; a line that is repeated counts once.

    Raises:
        InvalidQuestion: there is no line, too much of it, or the lines do not join into one.
    """
    parts = [part for shape in shapes for part in shapely.get_parts(shape) if part.length > 0]
    parts = list({part.normalize().wkb: part for part in reversed(parts)}.values())[::-1]
    if not parts:
        raise InvalidQuestion(
            "Không tìm thấy đường nào cho tuyến. Hãy kiểm tra bộ lọc.",
            "No line is found for the route. Check the filter.",
            parameter=path,
        )
    vertices = sum(len(part.coords) for part in parts)
    if len(shapes) > MAX_ROUTE_FEATURES or vertices > MAX_ROUTE_VERTICES:
        raise InvalidQuestion(
            f"Tuyến có quá nhiều đường ({vertices} đỉnh). Hãy thêm bộ lọc để chọn một tuyến.",
            f"The route has too many lines ({vertices} vertices). Add a filter that picks one route.",
            parameter=path,
        )
    for directed in (True, False):
        merged = shapely.line_merge(shapely.MultiLineString(parts), directed=directed)
        if isinstance(merged, shapely.LineString):
            return _along(merged, parts[0])
    pieces = len(shapely.get_parts(merged))
    raise InvalidQuestion(
        f"Các đường không nối thành một tuyến ({pieces} đoạn rời). Hãy lọc lấy một tuyến liền,"
        " hoặc gửi một LineString.",
        f"The lines do not join into one route ({pieces} loose pieces). Filter one continuous route,"
        " or send a LineString.",
        parameter=path,
    )


def _along(line: shapely.LineString, first: shapely.LineString) -> shapely.LineString:
    """Turns the joined line so that it runs as the first part does."""
    start, end = first.interpolate(0.25, normalized=True), first.interpolate(0.75, normalized=True)
    return line if line.project(start) <= line.project(end) else shapely.reverse(line)
