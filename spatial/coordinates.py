"""What coordinates a CRS can hold, what mistake an impossible pair looks like, and the way into storage."""

import math
from typing import Final, NamedTuple, TypeVar

import shapely
from shapely.geometry.base import BaseGeometry

from spatial.crs import CRS, CRS84, EPSG_3857, to_xy, transform_geometry

WEB_MERCATOR_LIMIT_M: Final = 20_037_508.342789244
# Within 3,000 km of the central meridian and 72 degrees of the equator no zone meets the antimeridian; a box
# larger than this is cut to it.
_VN2000_LIMITS_M: Final = (-2_500_000.0, -8_000_000.0, 3_500_000.0, 8_000_000.0)
# Eastings in Viet Nam lie in 300-800 km and northings in 900-2,600 km, so an exchanged pair always shows.
_NORTHING_RANGE_M: Final = (850_000.0, 2_700_000.0)
_EASTING_RANGE_M: Final = (200_000.0, 850_000.0)
# A chord of a 500 m edge leaves the true edge by 2 mm; of a VN-2000 edge of a quarter degree, by 0.5 mm.
_EDGE_M: Final = 500.0
_EDGE_DEGREES: Final = 0.25
_MAX_ADDED_VERTICES: Final = 2_000

_G = TypeVar("_G", bound=BaseGeometry)


class Problem(NamedTuple):
    """What is wrong with a pair of coordinates, and the remedy, in both languages."""

    vi: str
    en: str


class Limits(NamedTuple):
    """The range of x and y that a CRS can hold, in its unit."""

    minx: float
    miny: float
    maxx: float
    maxy: float


def limits(crs: CRS) -> Limits:
    """Return the coordinates at which a served CRS ends, x and y, in its unit."""
    if crs.is_geographic:
        return Limits(-180.0, -90.0, 180.0, 90.0)
    if crs == EPSG_3857:
        return Limits(-WEB_MERCATOR_LIMIT_M, -WEB_MERCATOR_LIMIT_M, WEB_MERCATOR_LIMIT_M, WEB_MERCATOR_LIMIT_M)
    return Limits(*_VN2000_LIMITS_M)


def axis_words(crs: CRS) -> Problem:
    """Return the order of the axes of the CRS in words."""
    if not crs.is_geographic:
        return Problem("X đông, Y bắc (mét)", "easting, northing (metres)")
    if crs.axis_inverted:
        return Problem("vĩ độ, kinh độ", "latitude, longitude")
    return Problem("kinh độ, vĩ độ", "longitude, latitude")


def position_problem(x: float, y: float, crs: CRS) -> Problem | None:
    """Return what is wrong with a position given as x, y in a CRS, or None where nothing is."""
    if not (math.isfinite(x) and math.isfinite(y)):
        return Problem(
            "Tọa độ phải là số hữu hạn. Hãy bỏ giá trị NaN hoặc vô cực.",
            "Coordinates must be finite numbers. Remove NaN and infinite values.",
        )
    if crs.is_vn2000 and not crs.is_geographic and (problem := _vn2000_mistake(x, y, crs)):
        return problem
    edge = limits(crs)
    if edge.minx <= x <= edge.maxx and edge.miny <= y <= edge.maxy:
        return None
    return _out_of_range(x, y, crs)


def _vn2000_mistake(x: float, y: float, crs: CRS) -> Problem | None:
    if _within(x, _NORTHING_RANGE_M) and _within(y, _EASTING_RANGE_M):
        return Problem(
            f"Tọa độ {x:.12g},{y:.12g} có vẻ bị đảo trục. Trong {crs.curie} hãy ghi X đông trước, Y bắc sau:"
            f" {y:.12g},{x:.12g}.",
            f"Coordinates {x:.12g},{y:.12g} look swapped. In {crs.curie} write the easting first: {y:.12g},{x:.12g}.",
        )
    if abs(x) <= 180 and abs(y) <= 180:
        return Problem(
            f"Tọa độ {x:.12g},{y:.12g} có vẻ tính bằng độ, còn {crs.curie} tính bằng mét."
            " Hãy bỏ tham số hệ tọa độ hoặc gửi mét.",
            f"Coordinates {x:.12g},{y:.12g} look like degrees, but {crs.curie} is in metres."
            " Leave the CRS parameter out, or send metres.",
        )
    return None


def _within(value: float, bounds: tuple[float, float]) -> bool:
    return bounds[0] <= value <= bounds[1]


def _out_of_range(x: float, y: float, crs: CRS) -> Problem:
    first, second = to_xy(crs, x, y)
    words = axis_words(crs)
    pair, turned = f"{first:.12g},{second:.12g}", f"{second:.12g},{first:.12g}"
    if crs.is_geographic and abs(x) <= 90 < abs(y) <= 180:
        return Problem(
            f"Tọa độ {pair} có vẻ bị đảo: {crs.curie} ghi {words.vi}. Hãy thử {turned}.",
            f"Coordinates {pair} look swapped: {crs.curie} is {words.en}. Try {turned}.",
        )
    if crs.is_geographic:
        return Problem(
            f"Tọa độ {pair} vượt phạm vi ±180°, ±90° của {crs.curie} ({words.vi})."
            " Nếu đó là mét VN-2000, hãy khai hệ tọa độ, ví dụ EPSG:5897.",
            f"Coordinates {pair} are outside ±180, ±90 degrees of {crs.curie} ({words.en})."
            " If they are VN-2000 metres, name the CRS, such as EPSG:5897.",
        )
    return Problem(
        f"Tọa độ {pair} nằm ngoài phạm vi của {crs.curie} ({words.vi}). Hãy kiểm tra hệ tọa độ đã khai.",
        f"Coordinates {pair} are outside the domain of {crs.curie} ({words.en}). Check the declared CRS.",
    )


def to_storage(geometry: _G, crs: CRS) -> _G:
    """Return a geometry of a served CRS (x, y) in EPSG:4326.

    Edges straight in another CRS are densified first, because in storage edges are straight in longitude and
    latitude: 500 m or 0.25 degrees, and longer where that would add more than 2,000 vertices.

    Raises:
        InvalidGeometry: a vertex lies outside the domain of the CRS.
    """
    if crs.srid == CRS84.srid:
        return geometry
    step = max(_EDGE_DEGREES if crs.is_geographic else _EDGE_M, geometry.length / _MAX_ADDED_VERTICES)
    dense: _G = shapely.segmentize(geometry, step)
    return transform_geometry(dense, crs, CRS84)
