"""Reads the conditions and filters of a question's document."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final

from shapely import LineString, Point
from shapely.geometry.base import BaseGeometry

from spatial.cql2 import FilterLanguage, parse_filter
from spatial.crs import CRS
from spatial.document import Node
from spatial.errors import SpatialError
from spatial.geometry import MAX_RADIUS_M, parse_geojson
from spatial.question_model import (
    BoundaryCondition,
    Filter,
    NearestCondition,
    PointCondition,
    RadiusCondition,
    Relation,
    RouteCondition,
    Source,
    ZoneCondition,
)

DEFAULT_TOLERANCE_M: Final = 10.0
MAX_TOLERANCE_M: Final = 1_000.0
MAX_NEAREST: Final = 1_000
DEFAULT_NEAREST: Final = 5
MAX_UNITS: Final = 1_000
MAX_CORRIDOR_M: Final = 50_000.0
_UNIT_CODE: Final = re.compile(r"[0-9]{2}|[0-9]{5}|[0-9]{5}-[0-9]{2,3}")
_LANGUAGES: Final[tuple[FilterLanguage, ...]] = ("cql2-text", "cql2-json")


def read_filter(node: Node, crs: CRS) -> Filter | None:
    """Return the ``filter`` member of an object, in text or JSON; None where there is none.

    Raises:
        SpatialError: the filter cannot be parsed; ``parameter`` is its path.
    """
    if not node.has("filter"):
        return None
    own = node.at("filter")
    language: FilterLanguage = "cql2-text" if isinstance(own.value, str) else "cql2-json"
    if node.has("filter_lang"):
        named = node.at("filter_lang")
        if named.value not in _LANGUAGES:
            raise named.refuse("Hãy dùng cql2-text hoặc cql2-json.", "Use cql2-text or cql2-json.")
        language = "cql2-json" if named.value == "cql2-json" else "cql2-text"
    try:
        expression = parse_filter(own.value, language, filter_crs=crs)
    except SpatialError as error:
        error.parameter = own.path
        raise
    written = json.dumps(own.value, sort_keys=True, ensure_ascii=False)
    return Filter(expression, f"{language} {crs.curie} {written}", own.value, own.path)


def read_point(parent: Node, node: Node, crs: CRS) -> PointCondition:
    """Read ``{"point": [x, y], "tolerance_m": 10}``."""
    tolerance = DEFAULT_TOLERANCE_M
    if parent.has("tolerance_m"):
        tolerance = parent.at("tolerance_m").metres(0, MAX_TOLERANCE_M)
    return PointCondition(node.path, _position(node, crs), tolerance)


def read_nearest(_: Node, node: Node, crs: CRS) -> NearestCondition:
    """Read ``{"nearest": {"to": [x, y], "k": 5}}``."""
    node.members("to", "k")
    k = node.at("k").integer(1, MAX_NEAREST) if node.has("k") else DEFAULT_NEAREST
    return NearestCondition(node.path, _position(node.at("to"), crs), k)


def read_radius(_: Node, node: Node, crs: CRS) -> RadiusCondition:
    """Read ``{"radius": {"of": [x, y] | geometry | source, "metres": 3000, "outside": false}}``."""
    node.members("of", "metres", "outside", "straight_line")
    if node.has("straight_line") and not node.at("straight_line").boolean():
        raise node.at("straight_line").refuse(
            "Chỉ đo được khoảng cách đường chim bay. Hãy bỏ mục này hoặc ghi true.",
            "Only straight-line distances are measured. Remove this member or write true.",
        )
    metres = node.at("metres").metres(0, MAX_RADIUS_M)
    outside = node.at("outside").boolean() if node.has("outside") else False
    return RadiusCondition(node.path, _place(node.at("of"), crs), metres, outside)


def read_zone(_: Node, node: Node, crs: CRS) -> ZoneCondition:
    """Read ``{"zone": {"geometry": geometry | source, "relation": "intersects", "parts": false}}``."""
    node.members("geometry", "relation", "parts")
    zone = _source_or_geometry(node.at("geometry"), crs)
    if not isinstance(zone, Source) and zone.geom_type not in ("Polygon", "MultiPolygon"):
        raise node.at("geometry").refuse(
            "Vùng phải là Polygon hoặc MultiPolygon. Quanh điểm hoặc đường hãy dùng radius hoặc route.",
            "A zone is a Polygon or MultiPolygon. Around points or lines use radius or route.",
        )
    relation = node.at("relation").choice(Relation) if node.has("relation") else Relation.INTERSECTS
    parts = node.at("parts").boolean() if node.has("parts") else False
    if parts and relation is Relation.DISJOINT:
        raise node.at("parts").refuse(
            "Đối tượng nằm ngoài vùng không có phần bên trong. Hãy bỏ 'parts'.",
            "A feature outside the zone has no part inside. Remove 'parts'.",
        )
    return ZoneCondition(node.path, zone, relation, parts)


def read_route(_: Node, node: Node, crs: CRS) -> RouteCondition:
    """Read ``{"route": {"line": LineString | source, "corridor_m": 50}}``."""
    node.members("line", "corridor_m")
    line = _source_or_geometry(node.at("line"), crs)
    corridor_m = node.at("corridor_m").metres(0, MAX_CORRIDOR_M)
    if isinstance(line, Source):
        return RouteCondition(node.path, line, corridor_m)
    if not isinstance(line, LineString) or line.length == 0:
        raise node.at("line").refuse(
            "Tuyến phải là một LineString có chiều dài, đi từ đầu đến cuối tuyến.",
            "A route is one LineString with a length, from its start to its end.",
        )
    return RouteCondition(node.path, line, corridor_m)


def read_boundary(_: Node, node: Node, _crs: CRS) -> BoundaryCondition:
    """Read ``{"boundary": {"units": ["86", "29551"], "outside": false}}``."""
    node.members("units", "outside")
    codes: dict[str, None] = {}
    for item in node.at("units").items(at_least=1, at_most=MAX_UNITS):
        if not isinstance(item.value, str) or not _UNIT_CODE.fullmatch(item.value):
            raise item.refuse(
                "Mã đơn vị hành chính là chuỗi: tỉnh 2 chữ số, xã 5 chữ số, thôn <mã xã>-<2–3 chữ số>."
                " Giữ nguyên số 0 ở đầu và đặt trong dấu nháy.",
                "An admin unit code is a text: province 2 digits, commune 5 digits, hamlet <commune>-<2-3 digits>."
                " Keep leading zeros and quote it.",
            )
        codes[item.value] = None
    outside = node.at("outside").boolean() if node.has("outside") else False
    return BoundaryCondition(node.path, tuple(codes), outside)


def _position(node: Node, crs: CRS) -> Point:
    if not isinstance(node.value, list | tuple):
        raise node.refuse("Hãy ghi điểm là [x, y], ví dụ [105.97, 10.25].", "Write a point as [x, y].")
    place = parse_geojson({"type": "Point", "coordinates": list(node.value)}, parameter=node.path, crs=crs)
    return Point(place.coords[0])


def _place(node: Node, crs: CRS) -> BaseGeometry | Source:
    if isinstance(node.value, list | tuple):
        return _position(node, crs)
    return _source_or_geometry(node, crs)


def _source_or_geometry(node: Node, crs: CRS) -> BaseGeometry | Source:
    if isinstance(node.value, Mapping) and "layer" in node.value:
        node.members("layer", "filter", "filter_lang")
        return Source(node.at("layer").text(at_most=100), read_filter(node, crs), node.path)
    geometry = parse_geojson(node.value, parameter=node.path, crs=crs)
    if geometry.geom_type == "GeometryCollection":
        raise node.refuse(
            "Không dùng được GeometryCollection. Hãy gửi một điểm, đường hoặc vùng.",
            "A GeometryCollection cannot be used. Send one point, line or polygon.",
        )
    return geometry
