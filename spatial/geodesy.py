"""Metres and square metres on the WGS 84 ellipsoid, where edges are straight in longitude and latitude.

The Python functions are exact to the precision of GeographicLib and slow; the SQL builders are for statements.
"""

import itertools
import math
from collections.abc import Iterator
from typing import Final

import numpy as np
import shapely
from geographiclib.geodesic import Geodesic
from numpy.typing import NDArray
from pyproj import Geod
from shapely.geometry.base import BaseGeometry
from sqlalchemy import ColumnElement, Double, func, literal_column, true

# A tenth of a kilometre of latitude: between vertices this close the geodesic and the straight edge in degrees
# are less than a millimetre apart.
EDGE_DEGREES: Final = 0.0009
_ELLIPSOID: Final = Geodesic.WGS84
_GEOD: Final = Geod(ellps="WGS84")
_Points = NDArray[np.float64]


def point_distance_m(lon_a: float, lat_a: float, lon_b: float, lat_b: float) -> float:
    """Return the geodesic distance between two points, in metres."""
    return float(_ELLIPSOID.Inverse(lat_a, lon_a, lat_b, lon_b, Geodesic.DISTANCE)["s12"])


def line_length_m(line: shapely.LineString | shapely.MultiLineString) -> float:
    """Return the length of a line in metres, its edges straight in longitude and latitude."""
    parts = line.geoms if isinstance(line, shapely.MultiLineString) else (line,)
    return math.fsum(length for part in parts for length in _steps_m(_dense(part)))


def polygon_area_m2(polygon: shapely.Polygon | shapely.MultiPolygon) -> float:
    """Return the area in square metres, holes taken out, edges straight in longitude and latitude."""
    return math.fsum(
        _ring_area_m2(part.exterior) - math.fsum(_ring_area_m2(hole) for hole in part.interiors)
        for part in (polygon.geoms if isinstance(polygon, shapely.MultiPolygon) else (polygon,))
    )


def chainage_m(line: shapely.LineString, lon: float, lat: float) -> float:
    """Return how far along a line the place nearest to a point lies, in metres from the line's start.

    The sum of the geodesic lengths of the segments before it and the share inside its own segment; of several
    nearest places, the first.
    """
    points = _dense(line)
    steps = list(_steps_m(points))
    index, share = _nearest(points, lon, lat)
    return math.fsum(steps[:index]) + share * steps[index]


def _dense(line: BaseGeometry) -> _Points:
    points: _Points = shapely.get_coordinates(shapely.segmentize(line, EDGE_DEGREES))
    return points


def _steps_m(points: _Points) -> Iterator[float]:
    for (lon_a, lat_a), (lon_b, lat_b) in itertools.pairwise(points):
        yield point_distance_m(lon_a, lat_a, lon_b, lat_b)


def _ring_area_m2(ring: BaseGeometry) -> float:
    polygon = _ELLIPSOID.Polygon()
    for lon, lat in _dense(ring)[:-1]:
        polygon.AddPoint(lat, lon)
    return abs(float(polygon.Compute()[2]))


def _nearest(points: _Points, lon: float, lat: float) -> tuple[int, float]:
    """Returns the segment nearest to a point and the share of it before the foot of the perpendicular."""
    plane = (points - (lon, lat)) * _metres_per_degree(lat)
    start, along = plane[:-1], np.diff(plane, axis=0)
    square = np.einsum("ij,ij->i", along, along)
    towards = -np.einsum("ij,ij->i", start, along)
    share = np.clip(np.divide(towards, square, out=np.zeros_like(square), where=square > 0), 0.0, 1.0)
    foot = start + share[:, None] * along
    index = int(np.argmin(np.einsum("ij,ij->i", foot, foot)))
    return index, float(share[index])


def _metres_per_degree(lat: float) -> tuple[float, float]:
    eccentricity = _ELLIPSOID.f * (2 - _ELLIPSOID.f)
    sine = math.sin(math.radians(lat))
    normal = _ELLIPSOID.a / math.sqrt(1 - eccentricity * sine * sine)
    meridian = normal * (1 - eccentricity) / (1 - eccentricity * sine * sine)
    return math.radians(normal * math.cos(math.radians(lat))), math.radians(meridian)


def inverse_many(a: _Points, b: _Points) -> tuple[_Points, _Points]:
    """Return azimuths in degrees at ``a`` and geodesic distances in metres from points ``a`` to ``b`` (lon, lat)."""
    azimuth, _, distance = _GEOD.inv(a[:, 0], a[:, 1], b[:, 0], b[:, 1])
    return np.asarray(azimuth), np.asarray(distance)


def approximate_areas_m2(geometries: NDArray[np.object_]) -> _Points:
    """Return areas of many small polygons at once, in square metres.

    The plane of degrees is scaled at the middle latitude of each: right to 1e-4 for features under 20 km.
    """
    bounds = shapely.bounds(geometries)
    latitudes = np.nan_to_num((bounds[:, 1] + bounds[:, 3]) / 2)
    eccentricity = _ELLIPSOID.f * (2 - _ELLIPSOID.f)
    sine2 = np.sin(np.radians(latitudes)) ** 2
    normal = _ELLIPSOID.a / np.sqrt(1 - eccentricity * sine2)
    meridian = normal * (1 - eccentricity) / (1 - eccentricity * sine2)
    scale = np.radians(1) ** 2 * normal * np.cos(np.radians(latitudes)) * meridian
    areas: _Points = np.nan_to_num(shapely.area(geometries)) * scale
    return areas


def geography_of_points(geom: ColumnElement[object]) -> ColumnElement[object]:
    """Return a point column as geography."""
    return func.geography(geom)


def geography_of_edges(geom: ColumnElement[object]) -> ColumnElement[object]:
    """Return lines or polygons as geography with edges over 100 m densified.

    Plain geography follows great circles: it is 0.9 m off in the middle of an 11 km edge.
    """
    step = literal_column(repr(EDGE_DEGREES), Double)
    return func.geography(func.ST_Segmentize(geom, step))


def distance_m(geom_a: ColumnElement[object], geom_b: ColumnElement[object]) -> ColumnElement[float]:
    """Return SQL for the distance in metres between geometries of any type in EPSG:4326, on the spheroid."""
    return func.ST_Distance(geography_of_edges(geom_a), geography_of_edges(geom_b), true(), type_=Double)


def points_distance_m(geom_a: ColumnElement[object], geom_b: ColumnElement[object]) -> ColumnElement[float]:
    """Return SQL for the distance in metres between two points in EPSG:4326, on the spheroid."""
    return func.ST_Distance(geography_of_points(geom_a), geography_of_points(geom_b), true(), type_=Double)


def length_m(geom: ColumnElement[object]) -> ColumnElement[float]:
    """Return SQL for the length in metres of lines in EPSG:4326, on the spheroid."""
    return func.ST_Length(geography_of_edges(geom), true(), type_=Double)


def area_m2(geom: ColumnElement[object]) -> ColumnElement[float]:
    """Return SQL for the area in square metres of polygons in EPSG:4326, on the spheroid."""
    return func.ST_Area(geography_of_edges(geom), true(), type_=Double)
