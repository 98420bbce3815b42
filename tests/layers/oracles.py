"""Measures made without PostGIS and without the product: GeographicLib, PROJ and shapely."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import shapely
from geographiclib.geodesic import Geodesic
from pyproj import Geod, Transformer

WGS84 = Geodesic.WGS84
GEOD = Geod(ellps="WGS84")
# Edges are straight in longitude and latitude: at this step a geodesic between vertices is the same to 0.1 mm.
STEP = 0.0005


def metres(lon: float, lat: float, place: shapely.Point) -> float:
    """Geodesic distance of two points by GeographicLib."""
    return float(WGS84.Inverse(lat, lon, place.y, place.x, Geodesic.DISTANCE)["s12"])


def metres_to_all(lon: float, lat: float, places: Iterable[shapely.Point]) -> np.ndarray:
    """Geodesic distances by PROJ's port of GeographicLib."""
    return _metres_to_places(lon, lat, shapely.get_coordinates(list(places)))


def metres_to_shape(lon: float, lat: float, shape: shapely.Geometry) -> float:
    """Distance from a point to a shape of any kind: the nearest vertex of its dense edges, then between vertices."""
    if shape.geom_type == "Point":
        return metres(lon, lat, shape)
    if shape.intersects(shapely.Point(lon, lat)):
        return 0.0
    if shape.geom_type == "MultiPoint":
        return float(metres_to_all(lon, lat, shape.geoms).min())
    found = [(_metres_to_places(lon, lat, path), path) for path in _paths(shape)]
    best = sorted(found, key=lambda pair: float(pair[0].min()))[:2]
    return min(_metres_between_vertices(lon, lat, path, int(distances.argmin())) for distances, path in best)


def _paths(shape: shapely.Geometry) -> list[np.ndarray]:
    edges = shape.boundary if "Polygon" in shape.geom_type else shape
    parts = [part for part in shapely.get_parts(shapely.get_parts(edges)) if part.length > 0]
    return [shapely.get_coordinates(shapely.segmentize(part, STEP)) for part in parts]


def _metres_between_vertices(lon: float, lat: float, path: np.ndarray, index: int) -> float:
    around = shapely.LineString(path[max(index - 1, 0) : index + 2])
    fine = shapely.get_coordinates(shapely.segmentize(around, around.length / 500 or 1.0))
    return float(_metres_to_places(lon, lat, fine).min())


def _metres_to_places(lon: float, lat: float, xy: np.ndarray) -> np.ndarray:
    return np.asarray(GEOD.inv(np.full(len(xy), lon), np.full(len(xy), lat), xy[:, 0], xy[:, 1])[2])


def metres_between(first: shapely.Geometry, second: shapely.Geometry) -> float:
    """Distance between two shapes: nearest places in a plane, then the azimuthal plane centred on one of them."""
    if first.intersects(second):
        return 0.0
    near = shapely.shortest_line(first, second)
    found = [metres_to_shape(*near.coords[0], second), metres_to_shape(*near.coords[1], first)]
    lon, lat = near.interpolate(0.5, normalized=True).coords[0]
    found.append(float(shapely.distance(_flat(first, lon, lat), _flat(second, lon, lat))))
    return float(min(found))


def _flat(shape: shapely.Geometry, lon: float, lat: float) -> shapely.Geometry:
    plane = Transformer.from_crs(
        "+proj=longlat +ellps=WGS84", f"+proj=aeqd +lat_0={lat} +lon_0={lon} +ellps=WGS84", always_xy=True
    )
    return shapely.transform(shapely.segmentize(shape, STEP), lambda xy: np.column_stack(plane.transform(*xy.T)))


def length_m(line: shapely.Geometry) -> float:
    """Geodesic length of lines whose edges are straight in degrees."""
    return math.fsum(GEOD.line_length(*path.T) for path in _paths(line))


def area_m2(shape: shapely.Geometry) -> float:
    """Geodesic area of polygons whose edges are straight in degrees, by GeographicLib's polygons."""
    parts = [part for part in shapely.get_parts(shape) if part.geom_type == "Polygon"]
    return math.fsum(_area(part.exterior) - math.fsum(_area(hole) for hole in part.interiors) for part in parts)


def _area(ring: shapely.LinearRing) -> float:
    polygon = WGS84.Polygon()
    for lon, lat in shapely.get_coordinates(shapely.segmentize(ring, STEP))[:-1]:
        polygon.AddPoint(lat, lon)
    return abs(float(polygon.Compute()[2]))
