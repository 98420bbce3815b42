"""The bounding box of a question: parsing in the axis order of its CRS, and its shape in storage."""

import math
import re
from dataclasses import dataclass
from typing import Final

import numpy as np
import shapely
from geographiclib.geodesic import Geodesic
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from spatial.coordinates import axis_words, limits, position_problem, to_storage
from spatial.crs import CRS, CRS84, EPSG_3857, EPSG_4756, to_xy, transformer
from spatial.errors import InvalidBBox, shorten

Envelope = tuple[float, float, float, float]

_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?")
_MAX_TEXT: Final = 400
# A map window zoomed out asks for more than its CRS holds and is cut; beyond this the numbers are a mistake.
_MAX_METRES: Final = 1.0e8
# Within a degree of the antimeridian and five of the poles a VN-2000 box keeps its numbers: a shift of 225 m
# would carry it over the edge of the map.
_SHIFTED_LON: Final = 179.0
_SHIFTED_LAT: Final = 85.0
_SEGMENT_DEGREES: Final = 0.25
# Room for rounding in the envelope of a circle: 0.1 mm.
_MARGIN_DEGREES: Final = 1.0e-9


@dataclass(frozen=True, slots=True)
class BBox:
    """A box in x, y of its CRS; ``minx > maxx`` in a geographic CRS runs across the antimeridian."""

    minx: float
    miny: float
    maxx: float
    maxy: float

    @property
    def crosses_antimeridian(self) -> bool:
        """Whether the box runs eastwards over 180 degrees."""
        return self.minx > self.maxx

    def parts(self) -> tuple[Envelope, ...]:
        """Return one envelope, or two where the box crosses the antimeridian."""
        if not self.crosses_antimeridian:
            return ((self.minx, self.miny, self.maxx, self.maxy),)
        return ((self.minx, self.miny, 180.0, self.maxy), (-180.0, self.miny, self.maxx, self.maxy))


def parse_bbox(text: str, crs: CRS = CRS84, *, parameter: str = "bbox") -> BBox:
    """Return the box of 4 or 6 comma-separated numbers in the axis order of the CRS; heights are ignored.

    OGC API - Features Part 1, 7.15.3. Edges are inclusive.

    Raises:
        InvalidBBox: the text is not such a box; the message says what to write.
    """
    parts = text[: _MAX_TEXT + 1].split(",")
    if len(text) > _MAX_TEXT or len(parts) not in (4, 6):
        raise _syntax(text, crs, parameter)
    if not all(_NUMBER.fullmatch(part.strip()) for part in parts):
        raise _syntax(text, crs, parameter)
    return bbox_from_numbers([float(part) for part in parts], crs, parameter=parameter)


def bbox_from_numbers(numbers: list[float], crs: CRS = CRS84, *, parameter: str = "bbox") -> BBox:
    """Return the box of 4 or 6 numbers in the axis order of the CRS; heights are ignored.

    Raises:
        InvalidBBox: the count is wrong, a number is out of range, or north lies below south.
    """
    if len(numbers) not in (4, 6):
        raise _syntax(",".join(f"{number:g}" for number in numbers), crs, parameter)
    half = len(numbers) // 2
    minx, miny = to_xy(crs, numbers[0], numbers[1])
    maxx, maxy = to_xy(crs, numbers[half], numbers[half + 1])
    for x, y in ((minx, miny), (maxx, maxy)):
        _check_corner(x, y, crs, parameter)
    if not all(map(math.isfinite, numbers)):
        raise InvalidBBox(
            "Độ cao trong khung phải là số hữu hạn. Hãy gửi 4 số nếu không cần độ cao.",
            "Heights in the box must be finite. Send 4 numbers where no height is needed.",
            parameter=parameter,
        )
    _check_order(minx, miny, maxx, maxy, crs, parameter)
    return BBox(minx, miny, maxx, maxy)


def _check_corner(x: float, y: float, crs: CRS, parameter: str) -> None:
    zoomed_out = not crs.is_geographic and max(abs(x), abs(y)) <= _MAX_METRES
    problem = None if zoomed_out else position_problem(x, y, crs)
    if problem is not None:
        raise InvalidBBox(problem.vi, problem.en, parameter=parameter)


def _check_order(minx: float, miny: float, maxx: float, maxy: float, crs: CRS, parameter: str) -> None:
    words = axis_words(crs)
    if miny > maxy:
        raise InvalidBBox(
            f"Cạnh nam {miny:.12g} lớn hơn cạnh bắc {maxy:.12g}. Hãy ghi góc tây nam trước, góc đông bắc sau,"
            f" mỗi góc theo thứ tự {words.vi}.",
            f"South {miny:.12g} is greater than north {maxy:.12g}. Write the south-west corner first, then the"
            f" north-east one, each as {words.en}.",
            parameter=parameter,
        )
    if minx > maxx and not crs.is_geographic:
        raise InvalidBBox(
            f"Cạnh tây {minx:.12g} lớn hơn cạnh đông {maxx:.12g}. Hãy ghi góc tây nam trước, góc đông bắc sau.",
            f"West {minx:.12g} is greater than east {maxx:.12g}. Write the south-west corner first.",
            parameter=parameter,
        )


def _syntax(text: str, crs: CRS, parameter: str) -> InvalidBBox:
    words = axis_words(crs)
    return InvalidBBox(
        f"Khung '{shorten(text)}' không phải là 4 (hoặc 6) số. Hãy ghi góc tây nam rồi góc đông bắc, mỗi góc"
        f" theo thứ tự {words.vi}, cách nhau bằng dấu phẩy.",
        f"Box '{shorten(text)}' is not 4 (or 6) numbers. Write the south-west then the north-east corner, each"
        f" as {words.en}, separated by commas.",
        parameter=parameter,
    )


def to_storage_polygon(bbox: BBox, crs: CRS = CRS84, *, parameter: str = "bbox") -> BaseGeometry:
    """Return the box in EPSG:4326: Polygon, or MultiPolygon across the antimeridian.

    A box without width or height becomes a LineString or a Point, because a flat polygon intersects nothing.
    Boxes of VN-2000 are densified; a projected box is first cut to the domain of its CRS.

    Raises:
        InvalidBBox: the box lies wholly outside the domain of its CRS.
    """
    shapes = [_storage_part(part, crs) for part in _cut(bbox, crs, parameter).parts()]
    return shapes[0] if len(shapes) == 1 else shapely.union_all(shapes)


def storage_envelopes(bbox: BBox, crs: CRS = CRS84, *, parameter: str = "bbox") -> tuple[Envelope, ...]:
    """Return the EPSG:4326 envelopes (minx, miny, maxx, maxy) of the box: two across the antimeridian.

    Raises:
        InvalidBBox: the box lies wholly outside the domain of its CRS.
    """
    shapes = (_storage_part(part, crs) for part in _cut(bbox, crs, parameter).parts())
    return tuple((float(b[0]), float(b[1]), float(b[2]), float(b[3])) for b in (s.bounds for s in shapes))


def _cut(bbox: BBox, crs: CRS, parameter: str) -> BBox:
    if crs.is_geographic:
        return bbox
    edge = limits(crs)
    minx, maxx = max(bbox.minx, edge.minx), min(bbox.maxx, edge.maxx)
    miny, maxy = max(bbox.miny, edge.miny), min(bbox.maxy, edge.maxy)
    if minx > maxx or miny > maxy:
        raise InvalidBBox(
            f"Khung nằm ngoài phạm vi của {crs.curie}. Hãy kiểm tra hệ tọa độ đã khai cho khung.",
            f"The box lies outside the domain of {crs.curie}. Check the CRS declared for the box.",
            parameter=parameter,
        )
    return BBox(minx, miny, maxx, maxy)


def _storage_part(part: Envelope, crs: CRS) -> BaseGeometry:
    shape = _shape(part)
    if crs == EPSG_4756:
        step = max(_SEGMENT_DEGREES, shape.length / 2_000)
        moved: BaseGeometry = shapely.transform(shapely.segmentize(shape, step), _from_vn2000_degrees)
        return moved
    if crs == EPSG_3857:
        # The sides of a Mercator box are meridians and parallels: its corners are enough.
        east_north = transformer(crs, CRS84)
        low, high = east_north.transform(part[0], part[1]), east_north.transform(part[2], part[3])
        return _shape((low[0], low[1], high[0], high[1]))
    return to_storage(shape, crs)


def _shape(part: Envelope) -> BaseGeometry:
    minx, miny, maxx, maxy = part
    if minx == maxx and miny == maxy:
        return shapely.Point(minx, miny)
    if minx == maxx or miny == maxy:
        return shapely.LineString([(minx, miny), (maxx, maxy)])
    return shapely.box(minx, miny, maxx, maxy, ccw=True)


def _from_vn2000_degrees(points: NDArray[np.float64]) -> NDArray[np.float64]:
    lon, lat = points[:, 0], points[:, 1]
    x, y = transformer(EPSG_4756, CRS84).transform(
        np.clip(lon, -_SHIFTED_LON, _SHIFTED_LON), np.clip(lat, -_SHIFTED_LAT, _SHIFTED_LAT)
    )
    return np.column_stack((np.where(np.abs(lon) > _SHIFTED_LON, lon, x), np.where(np.abs(lat) > _SHIFTED_LAT, lat, y)))


def expand_point_degrees(lon: float, lat: float, radius_m: float) -> Envelope:
    """Return an EPSG:4326 envelope certain to hold the geodesic circle of radius_m metres around a point.

    Full width (-180 to 180) where the circle holds a pole or meets the antimeridian.
    """
    ellipsoid = Geodesic.WGS84
    # Along an arc on the auxiliary sphere a geodesic is at least as long as the minor radius times the arc, and
    # its longitude advances no more than on that sphere; so this bound is never too small.
    minor_m = ellipsoid.a * (1 - ellipsoid.f)
    reduced = math.atan((1 - ellipsoid.f) * math.tan(math.radians(lat)))
    arc = radius_m / minor_m
    if abs(reduced) + arc >= math.pi / 2:
        return _polar_envelope(lon, lat, radius_m, reduced=reduced, arc=arc)
    half_width = math.degrees(math.asin(math.sin(arc) / math.cos(reduced))) + _MARGIN_DEGREES
    south = ellipsoid.Direct(lat, lon, 180.0, radius_m)["lat2"] - _MARGIN_DEGREES
    north = ellipsoid.Direct(lat, lon, 0.0, radius_m)["lat2"] + _MARGIN_DEGREES
    if lon - half_width < -180 or lon + half_width > 180:
        return (-180.0, south, 180.0, north)
    return (lon - half_width, south, lon + half_width, north)


def _polar_envelope(lon: float, lat: float, radius_m: float, *, reduced: float, arc: float) -> Envelope:
    south = -90.0 if -reduced + arc >= math.pi / 2 else _reach(lat, lon, 180.0, radius_m) - _MARGIN_DEGREES
    north = 90.0 if reduced + arc >= math.pi / 2 else _reach(lat, lon, 0.0, radius_m) + _MARGIN_DEGREES
    return (-180.0, max(south, -90.0), 180.0, min(north, 90.0))


def _reach(lat: float, lon: float, azimuth: float, distance_m: float) -> float:
    return float(Geodesic.WGS84.Direct(lat, lon, azimuth, distance_m)["lat2"])
