"""SQL pieces of spatial conditions: bound geometries, envelopes that are wide enough, metres."""

from __future__ import annotations

from typing import Any, Final

import shapely
from pyproj import Geod
from shapely.geometry.base import BaseGeometry
from sqlalchemy import Boolean, ColumnElement, Double, bindparam, case, cast, func, literal_column
from sqlalchemy.types import NullType, UserDefinedType

from spatial.crs import STORAGE_SRID
from spatial.errors import InvalidGeometry
from spatial.geodesy import EDGE_DEGREES

# Shortest degree of a meridian (at the equator) and of a parallel's equator, in metres, on WGS 84.
LATITUDE_DEGREE_M: Final = 110_574.0
LONGITUDE_DEGREE_M: Final = 111_319.0
# Nearer to a pole than this a circle of metres may reach every meridian.
POLAR_DEGREES: Final = 89.0
MAX_DENSE_VERTICES: Final = 100_000
_ECCENTRICITY: Final = 0.0066943799901413165
_ELLIPSOID: Final = Geod(ellps="WGS84")


Sql = ColumnElement[Any]


class _Typed(UserDefinedType[object]):
    """A PostGIS type whose parameters the database parses once, at binding, and not for every row."""

    cache_ok = True

    def __init__(self, name: str) -> None:
        self.name = name

    def get_col_spec(self, **_: object) -> str:
        return self.name


_GEOMETRY: Final = _Typed("geometry")
_GEOGRAPHY: Final = _Typed("geography")


def bound_geometry(name: str) -> ColumnElement[object]:
    """Return a geometry parameter; its value is the text of :func:`geometry_value`."""
    return cast(bindparam(name, type_=_GEOMETRY), _GEOMETRY)


def bound_geography(name: str) -> ColumnElement[object]:
    """Return a geography parameter; its value is the text of :func:`geometry_value`."""
    return cast(bindparam(name, type_=_GEOGRAPHY), _GEOGRAPHY)


def as_geometry(text: Sql) -> Sql:
    """Return a column of the texts of :func:`geometry_value` as geometries."""
    return cast(text, _GEOMETRY)


def bound_number(name: str) -> ColumnElement[float]:
    """Return a parameter in double precision."""
    return bindparam(name, type_=Double)


def geometry_value(geometry: BaseGeometry) -> str:
    """Return a geometry in EPSG:4326 as the text that PostGIS reads (hexadecimal EWKB)."""
    return str(shapely.to_wkb(shapely.set_srid(geometry, STORAGE_SRID), hex=True, include_srid=True))


def dense(geometry: BaseGeometry, *, parameter: str) -> BaseGeometry:
    """Return the geometry with edges of at most 100 m, so that geography follows its straight edges.

    Raises:
        InvalidGeometry: the edges are so long that more than 100,000 vertices would be needed.
    """
    if geometry.geom_type in ("Point", "MultiPoint"):
        return geometry
    if shapely.get_num_coordinates(geometry) + geometry.length / EDGE_DEGREES > MAX_DENSE_VERTICES:
        raise InvalidGeometry(
            "Hình học quá dài để đo theo mét (trên khoảng 10.000 km cạnh). Hãy chia nhỏ.",
            "The geometry is too long to measure in metres (about 10,000 km of edges). Split it.",
            parameter=parameter,
        )
    return shapely.segmentize(geometry, EDGE_DEGREES)


def measured_line(line: shapely.LineString) -> str:
    """Return a dense line as EWKT whose M is the geodesic distance from its start, in metres."""
    lons, lats = (list(axis) for axis in line.coords.xy)
    along, total = [0.0], 0.0
    for step in _ELLIPSOID.line_lengths(lons, lats):
        total += float(step)
        along.append(total)
    vertices = ",".join(f"{x!r} {y!r} {m!r}" for x, y, m in zip(lons, lats, along, strict=True))
    return f"SRID={STORAGE_SRID};LINESTRING M ({vertices})"


def overlaps(geom: ColumnElement[object], other: ColumnElement[object]) -> ColumnElement[bool]:
    """Return ``geom && other``: the index's question, and leakproof, so that row policies keep the index."""
    return geom.op("&&", return_type=Boolean())(other)


def envelope(prefix: str) -> ColumnElement[object]:
    """Return an envelope of the parameters ``west``, ``south``, ``east`` and ``north`` after a prefix."""
    corners = (bound_number(f"{prefix}{side}") for side in ("west", "south", "east", "north"))
    return func.ST_MakeEnvelope(*corners, STORAGE_SRID_SQL, type_=NullType())


def expanded(geom: ColumnElement[object], metres: ColumnElement[float]) -> ColumnElement[object]:
    """Return an envelope certain to hold all that lies within so many metres of a geometry in EPSG:4326.

    It is not carried across the antimeridian.
    """
    north = metres / LATITUDE_DEGREE_M
    furthest = func.greatest(func.abs(func.ST_YMin(geom)), func.abs(func.ST_YMax(geom)), type_=Double) + north
    east = metres / (LONGITUDE_DEGREE_M * func.cos(func.radians(furthest)))
    width = case((furthest < POLAR_DEGREES, east), else_=literal_column("360.0", Double))
    return func.ST_Expand(geom, width, north, type_=NullType())


def parallel_ratio(latitude: ColumnElement[float]) -> ColumnElement[float]:
    """Return metres in a degree of longitude over metres in a degree of latitude, at a latitude."""
    sine = func.sin(func.radians(latitude), type_=Double)
    curvature = (1 - _ECCENTRICITY * sine * sine) / (1 - _ECCENTRICITY)
    return func.cos(func.radians(latitude), type_=Double) * curvature


STORAGE_SRID_SQL: Final[ColumnElement[int]] = literal_column(str(STORAGE_SRID))
