import math

import psycopg
import pytest
import shapely
import shapely.ops
from geographiclib.geodesic import Geodesic
from sqlalchemy import ColumnElement, func, literal_column
from sqlalchemy.dialects import postgresql

from spatial.geodesy import (
    area_m2,
    chainage_m,
    distance_m,
    length_m,
    line_length_m,
    point_distance_m,
    points_distance_m,
    polygon_area_m2,
)


class TestPython:
    def test_point_distance_of_the_published_example(self) -> None:
        # Karney 2013, JFK to LHR as in the manual of GeodSolve.
        assert point_distance_m(-73.8, 40.6, -0.5, 51.6) == pytest.approx(5_551_759.400, abs=0.001)

    def test_line_keeps_to_the_parallel(self) -> None:
        # A parallel circle: the length has a closed form, which a geodesic along it would fall short of.
        eccentricity = Geodesic.WGS84.f * (2 - Geodesic.WGS84.f)
        sine = math.sin(math.radians(21))
        radius = Geodesic.WGS84.a / math.sqrt(1 - eccentricity * sine**2) * math.cos(math.radians(21))
        line = shapely.LineString([(105, 21), (106, 21)])
        assert line_length_m(line) == pytest.approx(radius * math.radians(1), abs=1e-5)
        assert line_length_m(shapely.MultiLineString([line, line])) == pytest.approx(2 * line_length_m(line))

    def test_area_between_parallels_has_a_closed_form(self) -> None:
        shape = shapely.box(105, 20, 106, 21)
        assert polygon_area_m2(shape) == pytest.approx(zone_area_m2(20, 21) / 360, rel=1e-9)

    def test_holes_and_parts(self) -> None:
        outer, hole = shapely.box(105, 20, 105.1, 20.1), shapely.box(105.04, 20.04, 105.06, 20.06)
        far = shapely.box(107, 11, 107.1, 11.1)
        whole = shapely.MultiPolygon([outer - hole, far])
        expected = polygon_area_m2(outer) - polygon_area_m2(hole) + polygon_area_m2(far)
        assert polygon_area_m2(whole) == pytest.approx(expected, rel=1e-12)

    def test_orientation_does_not_matter(self) -> None:
        shape = shapely.box(105, 20, 105.1, 20.1, ccw=True)
        assert polygon_area_m2(shape.reverse()) == pytest.approx(polygon_area_m2(shape))


class TestChainage:
    LINE = shapely.LineString([(105.8, 21.0), (105.85, 21.02), (105.9, 21.0), (105.9, 20.95)])

    @pytest.mark.parametrize("share", [0.0, 0.13, 0.5, 0.77, 1.0])
    def test_of_a_point_on_the_line(self, share: float) -> None:
        point = self.LINE.interpolate(share, normalized=True)
        expected = 0.0
        before = shapely.ops.substring(self.LINE, 0, share, normalized=True) if share else None
        if before is not None:
            expected = line_length_m(before)
        found = chainage_m(self.LINE, point.x, point.y)
        assert found == pytest.approx(expected, abs=0.01 * max(1.0, expected / 1000))

    def test_beside_and_beyond_the_line(self) -> None:
        assert chainage_m(self.LINE, 105.7, 20.9) == 0
        assert chainage_m(self.LINE, 105.9, 20.9) == pytest.approx(line_length_m(self.LINE))
        north = chainage_m(self.LINE, 105.901, 20.975)
        assert north == pytest.approx(chainage_m(self.LINE, 105.9, 20.975), abs=0.01)

    def test_repeated_vertices(self) -> None:
        line = shapely.LineString([(105, 21), (105, 21), (105, 21.001)])
        assert chainage_m(line, 105, 21.0005) == pytest.approx(point_distance_m(105, 21, 105, 21.0005), abs=0.001)


@pytest.mark.db
class TestSQL:
    def value(self, db: psycopg.Connection[tuple[object, ...]], expression: ColumnElement[float]) -> float:
        text = str(expression.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True}))
        row = db.execute(f"SELECT {text}").fetchone()
        assert row is not None
        return float(str(row[0]))

    @staticmethod
    def sql(shape: shapely.Geometry) -> ColumnElement[object]:
        return func.ST_GeomFromText(literal_column(f"'{shape.wkt}'"), literal_column("4326"))

    @pytest.mark.parametrize(
        "pair", [(105.8, 21.0, 105.80001, 21.0), (105.8, 21, 106.7, 10.8), (179.99, 0, -179.99, 0.1), (0, 90, 30, 89)]
    )
    def test_points_to_a_millimetre(
        self, db: psycopg.Connection[tuple[object, ...]], pair: tuple[float, float, float, float]
    ) -> None:
        first, second = shapely.Point(pair[:2]), shapely.Point(pair[2:])
        expected = point_distance_m(*pair)
        assert self.value(db, points_distance_m(self.sql(first), self.sql(second))) == pytest.approx(expected, abs=1e-3)
        assert self.value(db, distance_m(self.sql(first), self.sql(second))) == pytest.approx(expected, abs=1e-3)

    def test_area_and_length_to_a_millionth(self, db: psycopg.Connection[tuple[object, ...]]) -> None:
        shape = shapely.box(105, 20.5, 105.1, 20.6) - shapely.box(105.04, 20.54, 105.06, 20.56)
        assert self.value(db, area_m2(self.sql(shape))) == pytest.approx(polygon_area_m2(shape), rel=1e-6)
        line = shapely.LineString([(105, 21), (105.3, 21), (105.3, 21.2)])
        assert self.value(db, length_m(self.sql(line))) == pytest.approx(line_length_m(line), rel=1e-6)

    @pytest.mark.parametrize("lat", [8.5, 16.0, 23.0])
    def test_distance_to_a_long_edge(self, db: psycopg.Connection[tuple[object, ...]], lat: float) -> None:
        line = shapely.LineString([(105, lat), (105.1, lat + 0.02)])
        for point in (shapely.Point(105.05, lat + 0.0101), shapely.Point(105.03, lat - 0.1), shapely.Point(105.2, lat)):
            expected = nearest_distance_m(line, point)
            found = self.value(db, distance_m(self.sql(point), self.sql(line)))
            assert found == pytest.approx(expected, abs=max(0.01, expected * 1e-5))

    def test_distance_inside_a_polygon_is_nothing(self, db: psycopg.Connection[tuple[object, ...]]) -> None:
        shape, point = shapely.box(105, 20, 105.1, 20.1), shapely.Point(105.05, 20.00001)
        assert self.value(db, distance_m(self.sql(shape), self.sql(point))) == 0


def nearest_distance_m(line: shapely.LineString, point: shapely.Point) -> float:
    """Golden-section search over the straight edge in degrees."""
    low, high, golden = 0.0, 1.0, (math.sqrt(5) - 1) / 2

    def at(share: float) -> float:
        place = line.interpolate(share, normalized=True)
        return point_distance_m(point.x, point.y, place.x, place.y)

    while high - low > 1e-10:
        left, right = high - golden * (high - low), low + golden * (high - low)
        if at(left) < at(right):
            high = right
        else:
            low = left
    return at((low + high) / 2)


def zone_area_m2(south: float, north: float) -> float:
    """Area of the whole zone between two parallels of the ellipsoid."""
    flattening = Geodesic.WGS84.f
    eccentricity = math.sqrt(flattening * (2 - flattening))
    minor = Geodesic.WGS84.a * (1 - flattening)

    def part(lat: float) -> float:
        sine = math.sin(math.radians(lat))
        inner = sine / (1 - (eccentricity * sine) ** 2)
        return inner + math.atanh(eccentricity * sine) / eccentricity

    return math.pi * minor**2 * (part(north) - part(south))
