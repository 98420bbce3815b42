"""Geometries of questions: GeoJSON and WKT into EPSG:4326, with the faulty vertex named."""

import itertools
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import shapely
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from spatial.coordinates import axis_words, position_problem, to_storage
from spatial.crs import CRS, CRS84, to_xy
from spatial.errors import InvalidGeometry, InvalidQuestion, shorten
from spatial.wkt import parse_wkt_document

MAX_VERTICES: Final = 20_000
MAX_RADIUS_M: Final = 1_000_000.0

_LEVELS: Final = {
    "Point": 0,
    "MultiPoint": 1,
    "LineString": 1,
    "MultiLineString": 2,
    "Polygon": 2,
    "MultiPolygon": 3,
}
_MAX_COLLECTION_DEPTH: Final = 4
_REASON_PLACE: Final = re.compile(r"^(?P<reason>[^\[]+)\[(?P<x>\S+) (?P<y>\S+)\]$")
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?")
_STORAGE_NAMES: Final = ("CRS84", "4326", "WGS84", "WGS 84")

Position = tuple[float, float]


def parse_geojson(
    document: object, *, parameter: str, crs: CRS = CRS84, max_vertices: int = MAX_VERTICES
) -> BaseGeometry:
    """Return the geometry of a GeoJSON geometry or Feature, or of its JSON text, in EPSG:4326.

    Positions are in the axis order of the CRS: longitude, latitude for CRS84, as RFC 7946 says.

    Raises:
        InvalidGeometry: wrong structure, empty, three-dimensional, unclosed, self-crossing, out of range, not
            finite, or more than ``max_vertices`` vertices (counted before anything is built).
    """
    geometry = _member(_loaded(document, parameter), parameter)
    _count(geometry, parameter, max_vertices)
    built = shape(_checked(geometry, _Context(parameter, crs), path="", depth=0))
    _check_validity(built, parameter)
    try:
        return to_storage(built, crs)
    except InvalidGeometry as error:
        error.parameter = parameter
        raise


def parse_wkt(text: str, *, parameter: str, crs: CRS = CRS84, max_vertices: int = MAX_VERTICES) -> BaseGeometry:
    """Return the geometry of a two-dimensional well-known text in EPSG:4326.

    Positions are in the axis order of the CRS, as in CQL2 text.

    Raises:
        InvalidGeometry: as for :func:`parse_geojson`, or the text is not WKT.
    """
    return parse_geojson(
        parse_wkt_document(text, parameter=parameter),
        parameter=parameter,
        crs=crs,
        max_vertices=max_vertices,
    )


def parse_point(text: str, *, parameter: str = "point", crs: CRS = CRS84) -> shapely.Point:
    """Return the EPSG:4326 point of two comma-separated numbers in the axis order of the CRS.

    Raises:
        InvalidGeometry: not two finite numbers in range; an exchanged pair is told to be one.
    """
    parts = [part.strip() for part in text.split(",")] if len(text) <= 200 else []
    words = axis_words(crs)
    if len(parts) != 2 or not all(_NUMBER.fullmatch(part) for part in parts):
        raise InvalidGeometry(
            f"Điểm '{shorten(text)}' không phải là hai số. Hãy ghi {words.vi}, cách nhau bằng dấu phẩy.",
            f"Point '{shorten(text)}' is not two numbers. Write {words.en}, separated by a comma.",
            parameter=parameter,
        )
    x, y = to_xy(crs, float(parts[0]), float(parts[1]))
    if problem := position_problem(x, y, crs):
        raise InvalidGeometry(problem.vi, problem.en, parameter=parameter)
    return to_storage(shapely.Point(x, y), crs)


def parse_radius(value: str | float, parameter: str = "radius") -> float:
    """Return a radius in metres, more than 0 and at most 1,000 km.

    Raises:
        InvalidQuestion: the value is no such number.
    """
    text = str(value).strip()
    radius_m = float(text) if len(text) <= 40 and _NUMBER.fullmatch(text) else math.nan
    if 0 < radius_m <= MAX_RADIUS_M:
        return radius_m
    raise InvalidQuestion(
        f"Bán kính '{shorten(text)}' không dùng được. Hãy ghi số mét lớn hơn 0 và không quá 1000000.",
        f"Radius '{shorten(text)}' cannot be used. Write metres, more than 0 and at most 1000000.",
        parameter=parameter,
    )


class _Context:
    """What every check of one document needs."""

    def __init__(self, parameter: str, crs: CRS) -> None:
        self.parameter = parameter
        self.crs = crs

    def problem(self, vi: str, en: str, path: str) -> InvalidGeometry:
        place = path or "geometry"
        return InvalidGeometry(f"{place}: {vi}", f"{place}: {en}", parameter=self.parameter, vertex=place)


def _loaded(document: object, parameter: str) -> object:
    if not isinstance(document, str | bytes):
        return document
    try:
        return json.loads(document)
    except (ValueError, RecursionError) as error:
        raise InvalidGeometry(
            "Nội dung không phải là JSON đúng. Hãy gửi một hình học GeoJSON.",
            "The content is not valid JSON. Send a GeoJSON geometry.",
            parameter=parameter,
        ) from error


def _member(document: object, parameter: str) -> Mapping[str, object]:
    if isinstance(document, Mapping) and document.get("type") == "Feature":
        _check_crs_member(document, parameter)
        document = document.get("geometry")
    if isinstance(document, Mapping) and document.get("type") in (*_LEVELS, "GeometryCollection"):
        _check_crs_member(document, parameter)
        return document
    raise InvalidGeometry(
        "Nội dung không phải là hình học GeoJSON. Hãy gửi một hình học hoặc một Feature, ví dụ"
        ' {"type":"Polygon","coordinates":[…]}; FeatureCollection không dùng được.',
        "The content is not a GeoJSON geometry. Send one geometry or one Feature, such as"
        ' {"type":"Polygon","coordinates":[…]}; a FeatureCollection cannot be used.',
        parameter=parameter,
    )


def _check_crs_member(document: Mapping[str, object], parameter: str) -> None:
    declared = document.get("crs")
    if declared is None or any(name in str(declared) for name in _STORAGE_NAMES):
        return
    raise InvalidGeometry(
        "Thành phần 'crs' trong GeoJSON không được dùng nữa (RFC 7946). Hãy khai hệ tọa độ bằng tham số.",
        "The GeoJSON member 'crs' is no longer used (RFC 7946). Name the CRS by parameter.",
        parameter=parameter,
    )


def _count(geometry: Mapping[str, object], parameter: str, max_vertices: int) -> None:
    if sum(1 for _ in itertools.islice(_positions(geometry), max_vertices + 1)) > max_vertices:
        raise InvalidGeometry(
            f"Hình học có hơn {max_vertices} đỉnh. Hãy đơn giản hóa hoặc chia nhỏ.",
            f"The geometry has more than {max_vertices} vertices. Simplify or split it.",
            parameter=parameter,
        )


def _positions(geometry: Mapping[str, object]) -> Iterator[Sequence[object]]:
    """Yields every innermost list, without recursion: depth is the sender's choice."""
    pending: list[object] = [geometry.get("coordinates"), geometry.get("geometries")]
    while pending:
        item = pending.pop()
        if isinstance(item, Mapping):
            pending += [item.get("coordinates"), item.get("geometries")]
        elif isinstance(item, list | tuple):
            children = [child for child in item if isinstance(child, list | tuple | Mapping)]
            pending += children
            if not children:
                yield item


def _checked(geometry: Mapping[str, object], context: _Context, *, path: str, depth: int) -> dict[str, object]:
    kind = geometry.get("type")
    if kind == "GeometryCollection":
        return {"type": kind, "geometries": _checked_members(geometry, context, path=path, depth=depth)}
    if not isinstance(kind, str) or kind not in _LEVELS:
        raise context.problem(
            f"loại hình học '{shorten(str(kind))}' không có. Hãy dùng {', '.join(_LEVELS)}.",
            f"there is no geometry type '{shorten(str(kind))}'. Use {', '.join(_LEVELS)}.",
            path,
        )
    place = f"{path}.coordinates" if path else "coordinates"
    coordinates = _walk(geometry.get("coordinates"), _LEVELS[kind], context, place)
    _check_lengths(kind, coordinates, context, place)
    return {"type": kind, "coordinates": coordinates}


def _checked_members(
    geometry: Mapping[str, object], context: _Context, *, path: str, depth: int
) -> list[dict[str, object]]:
    members = geometry.get("geometries")
    if depth >= _MAX_COLLECTION_DEPTH or not isinstance(members, list | tuple) or not members:
        raise context.problem(
            "nhóm hình học trống hoặc lồng quá sâu. Hãy gửi một nhóm có hình học.",
            "the collection is empty or nested too deeply. Send a flat collection with members.",
            path,
        )
    checked = []
    for index, member in enumerate(members):
        place = f"{path}.geometries[{index}]".lstrip(".")
        if not isinstance(member, Mapping):
            raise context.problem("không phải hình học. Hãy gửi một đối tượng.", "not a geometry object.", place)
        checked.append(_checked(member, context, path=place, depth=depth + 1))
    return checked


def _walk(value: object, level: int, context: _Context, path: str) -> object:
    if level == 0:
        return _position(value, context, path)
    if not isinstance(value, list | tuple) or not value:
        raise context.problem(
            "trống hoặc không phải danh sách. Hãy gửi hình học có tọa độ.",
            "empty or not a list. Send a geometry with coordinates.",
            path,
        )
    return [_walk(item, level - 1, context, f"{path}[{index}]") for index, item in enumerate(value)]


def _position(value: object, context: _Context, path: str) -> Position:
    if not isinstance(value, list | tuple) or len(value) < 2 or not all(map(_is_number, value)):
        raise context.problem("không phải là một cặp số. Hãy ghi [x, y].", "not a pair of numbers. Write [x, y].", path)
    if len(value) > 2:
        raise context.problem(
            "có độ cao (3D). Hãy chỉ gửi hai tọa độ cho mỗi đỉnh.",
            "has a height (3D). Send two coordinates for each vertex.",
            path,
        )
    try:
        x, y = to_xy(context.crs, float(value[0]), float(value[1]))
    except OverflowError:
        x = y = math.inf
    if problem := position_problem(x, y, context.crs):
        raise context.problem(problem.vi, problem.en, path)
    return x, y


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _check_lengths(kind: str, coordinates: object, context: _Context, path: str) -> None:
    for line, place in _lines(kind, coordinates, path):
        if kind in ("LineString", "MultiLineString"):
            if len(line) < 2:
                raise context.problem(
                    "đường cần ít nhất 2 đỉnh. Hãy thêm đỉnh.", "a line needs 2 vertices. Add one.", place
                )
            continue
        if line[0] != line[-1]:
            raise context.problem(
                "vòng chưa khép kín. Hãy lặp lại đỉnh đầu ở cuối vòng.",
                "the ring is not closed. Repeat its first vertex at its end.",
                f"{place}[{len(line) - 1}]",
            )
        if len(line) < 4:
            raise context.problem(
                "vòng cần ít nhất 4 đỉnh (đỉnh cuối trùng đỉnh đầu). Hãy thêm đỉnh.",
                "a ring needs 4 vertices (the last repeats the first). Add vertices.",
                place,
            )


def _lines(kind: str, coordinates: object, path: str) -> Iterator[tuple[list[Position], str]]:
    if not isinstance(coordinates, list) or kind == "MultiPoint":
        return
    if kind == "LineString":
        yield coordinates, path
        return
    for index, item in enumerate(coordinates):
        if kind == "MultiPolygon":
            yield from _lines("Polygon", item, f"{path}[{index}]")
        else:
            yield item, f"{path}[{index}]"


def _check_validity(geometry: BaseGeometry, parameter: str) -> None:
    if geometry.is_valid:
        return
    reason = shapely.is_valid_reason(geometry)
    match = _REASON_PLACE.match(reason)
    location = (float(match["x"]), float(match["y"])) if match else None
    place = f" {location[0]:.10g} {location[1]:.10g}" if location else ""
    raise InvalidGeometry(
        f"Hình học không hợp lệ: {_reason_vi(reason)} tại x y ={place}. Hãy sửa chỗ đó rồi gửi lại.",
        f"The geometry is not valid: {reason.split('[')[0]} at x y ={place}. Repair that place and send it again.",
        parameter=parameter,
        location=location,
    )


def _reason_vi(reason: str) -> str:
    known = {
        "Self-intersection": "ranh giới tự cắt",
        "Ring Self-intersection": "vòng tự chạm",
        "Hole lies outside shell": "lỗ nằm ngoài vòng ngoài",
        "Holes are nested": "lỗ nằm trong lỗ",
        "Interior is disconnected": "phần trong bị tách rời",
        "Nested shells": "vùng nằm trong vùng",
        "Duplicate Rings": "vòng trùng nhau",
        "Too few points in geometry component": "quá ít đỉnh khác nhau",
    }
    return known.get(reason.split("[")[0], reason.split("[")[0])
