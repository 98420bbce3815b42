import numpy as np
import psycopg
import pytest
import shapely
from pyproj import Transformer

from spatial.crs import (
    CRS,
    CRS84,
    EPSG_3857,
    EPSG_4326,
    EPSG_4756,
    SERVED_CRS,
    VN2000_CRS,
    crs_by_code,
    flip_axes,
    parse_crs,
    private_srid_rows,
    sql_srid,
    tm3_by_meridian,
    to_xy,
    transform_geometry,
    transformer,
)
from spatial.errors import InvalidCRS, InvalidGeometry

# On both sides of the limits 104.24-107.11 E, 9.35-11.04 N inside which PROJ prefers EPSG:5194.
POINTS = [
    (lon, lat)
    for lon in (102.2, 104.239, 104.241, 105.8, 107.109, 107.111, 109.4)
    for lat in (8.6, 9.349, 9.351, 11.039, 11.041, 16.05, 21.03, 23.3)
]
METRES_PER_DEGREE = 111_320


def oracle(crs: CRS, lon: float, lat: float) -> tuple[float, float]:
    """The operation as EPSG's own record in PROJ's database has it, then the projection alone."""
    shift = Transformer.from_pipeline("urn:ogc:def:coordinateOperation:EPSG::6960")
    vn_lat, vn_lon = shift.transform(lat, lon, direction="INVERSE")
    if crs.is_geographic:
        return vn_lon, vn_lat
    x, y = Transformer.from_crs(4756, crs.code, always_xy=True).transform(vn_lon, vn_lat)
    return x, y


def oracle_back(crs: CRS, x: float, y: float) -> tuple[float, float]:
    shift = Transformer.from_pipeline("urn:ogc:def:coordinateOperation:EPSG::6960")
    if not crs.is_geographic:
        x, y = Transformer.from_crs(crs.code, 4756, always_xy=True).transform(x, y)
    lat, lon = shift.transform(y, x)
    return lon, lat


class TestTable:
    def test_holds_exactly_the_served_codes(self) -> None:
        assert {crs.code for crs in SERVED_CRS} == {
            84, 4326, 3857, 4756, 3405, 3406, *range(5896, 5900), *range(9205, 9219),
        }  # fmt: skip

    def test_axes_agree_with_the_epsg_database(self) -> None:
        for crs in SERVED_CRS[1:]:
            first = Transformer.from_crs(4326, crs.code).target_crs
            assert first is not None
            assert crs.axis_inverted == (first.axis_info[0].direction == "north"), crs.code

    def test_meridians_agree_with_the_epsg_database(self) -> None:
        for crs in VN2000_CRS[1:]:
            operation = Transformer.from_crs(4326, crs.code).target_crs.coordinate_operation  # type: ignore[union-attr]
            values = {parameter.name: parameter.value for parameter in operation.params}  # type: ignore[union-attr]
            assert values["Longitude of natural origin"] == crs.central_meridian
            assert values["Scale factor at natural origin"] == crs.scale

    def test_private_srids_are_900000_and_the_code(self) -> None:
        assert sql_srid(EPSG_4756) == 904756
        assert sql_srid(crs_by_code(9218)) == 909218
        assert sql_srid(CRS84) == sql_srid(EPSG_4326) == 4326
        assert sql_srid(EPSG_3857) == 3857

    def test_meridian_of_a_zone(self) -> None:
        assert tm3_by_meridian(105.75).code == 9210
        with pytest.raises(InvalidCRS, match=r"105\.75"):
            tm3_by_meridian(105.6)


class TestNames:
    @pytest.mark.parametrize(
        "text",
        [
            "http://www.opengis.net/def/crs/EPSG/0/5897",
            "https://www.opengis.net/def/crs/EPSG/9.8.2/5897",
            "[EPSG:5897]",
            "EPSG:5897",
            "epsg:5897",
            "urn:ogc:def:crs:EPSG::5897",
            "urn:ogc:def:crs:EPSG:9.8.2:5897",
        ],
    )
    def test_every_form_of_one_crs(self, text: str) -> None:
        assert parse_crs(text).code == 5897

    @pytest.mark.parametrize(
        "text",
        [
            None,
            "http://www.opengis.net/def/crs/OGC/1.3/CRS84",
            "http://www.opengis.net/def/crs/OGC/0/CRS84",
            "urn:ogc:def:crs:OGC:1.3:CRS84",
            "[OGC:CRS84]",
        ],
    )
    def test_crs84_is_the_default(self, text: str | None) -> None:
        assert parse_crs(text) is CRS84

    def test_every_uri_names_its_own_crs(self) -> None:
        for crs in SERVED_CRS:
            assert parse_crs(crs.uri) is crs
            assert parse_crs(crs.curie) is crs

    @pytest.mark.parametrize(("code", "replacement"), [(6956, 5896), (6957, 5897), (6958, 5898), (6959, 5899)])
    def test_deprecated_codes_name_their_replacement(self, code: int, replacement: int) -> None:
        with pytest.raises(InvalidCRS) as caught:
            parse_crs(f"EPSG:{code}", parameter="bbox-crs")
        assert f"EPSG:{replacement}" in caught.value.vi
        assert f"EPSG:{replacement}" in caught.value.en
        assert caught.value.parameter == "bbox-crs"

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "5897",
            "EPSG:2044",
            "EPSG:99999999",
            "http://www.opengis.net/def/crs/0/unsupported",
            "http://evil.example/def/crs/EPSG/0/5897",
            "+proj=longlat",
            "[EPSG:5897",
            "EPSG:5897\n--",
            "EPSG:٥٨٩٧",
            "x" * 100_000,
        ],
    )
    def test_anything_else_is_refused(self, text: str) -> None:
        with pytest.raises(InvalidCRS) as caught:
            parse_crs(text)
        assert len(caught.value.en) < 1_000


class TestVN2000:
    @pytest.mark.parametrize("crs", VN2000_CRS, ids=lambda crs: crs.curie)
    def test_both_ways_equal_operation_6960_to_a_thousandth_of_a_millimetre(self, crs: CRS) -> None:
        scale = METRES_PER_DEGREE if crs.is_geographic else 1
        for lon, lat in POINTS:
            expected = oracle(crs, lon, lat)
            found = transformer(CRS84, crs).transform(lon, lat)
            assert np.abs(np.subtract(found, expected)).max() * scale < 1e-6
            back = transformer(crs, CRS84).transform(*expected)
            assert np.abs(np.subtract(back, oracle_back(crs, *expected))).max() * METRES_PER_DEGREE < 1e-6
            assert np.abs(np.subtract(back, (lon, lat))).max() * METRES_PER_DEGREE < 0.0015

    def test_a_detour_over_another_zone_returns_to_the_same_place(self) -> None:
        for lon, lat in POINTS:
            x, y = transformer(CRS84, crs_by_code(5897)).transform(lon, lat)
            detour = transformer(crs_by_code(3406), CRS84).transform(
                *transformer(crs_by_code(5897), crs_by_code(3406)).transform(x, y)
            )
            direct = transformer(crs_by_code(5897), CRS84).transform(x, y)
            assert np.abs(np.subtract(detour, direct)).max() * METRES_PER_DEGREE < 1e-6

    def test_the_datum_shift_is_there(self) -> None:
        lon, lat = transformer(CRS84, EPSG_4756).transform(105.85, 21.03)
        assert 222 < np.hypot((lon - 105.85) * 103_900, (lat - 21.03) * 110_700) < 226

    def test_mercator_passes_6960_too(self) -> None:
        x, y = transformer(CRS84, EPSG_3857).transform(106.5, 10.5)
        through = transformer(EPSG_3857, crs_by_code(9210)).transform(x, y)
        assert through == pytest.approx(oracle(crs_by_code(9210), 106.5, 10.5), abs=1e-6)


class TestGeometries:
    def test_moves_every_vertex_of_a_multipolygon_with_a_hole(self) -> None:
        outer, hole = shapely.box(105, 21, 106, 22), shapely.box(105.4, 21.4, 105.6, 21.6)
        shape = shapely.MultiPolygon([outer - hole, shapely.box(107, 11, 107.2, 11.2)])
        moved = transform_geometry(shape, CRS84, crs_by_code(5897))
        assert shapely.get_num_coordinates(moved) == shapely.get_num_coordinates(shape)
        assert moved.is_valid
        back = transform_geometry(moved, crs_by_code(5897), CRS84)
        assert shapely.equals_exact(back, shape, tolerance=2e-8)

    def test_same_storage_is_left_alone(self) -> None:
        point = shapely.Point(105, 21)
        assert transform_geometry(point, EPSG_4326, CRS84) is point

    def test_empty_stays_empty(self) -> None:
        assert transform_geometry(shapely.Polygon(), CRS84, EPSG_3857).is_empty

    def test_outside_the_domain_is_told(self) -> None:
        with pytest.raises(InvalidGeometry, match="EPSG:5897"):
            transform_geometry(shapely.Point(1e30, 1e30), crs_by_code(5897), CRS84)

    def test_axes_are_flipped_only_on_request(self) -> None:
        assert flip_axes(shapely.Point(105, 21)) == shapely.Point(21, 105)
        assert to_xy(EPSG_4326, 21, 105) == (105, 21)
        assert to_xy(CRS84, 105, 21) == (105, 21)
        assert to_xy(crs_by_code(3405), 500_000, 2_300_000) == (500_000, 2_300_000)


class TestPrivateRows:
    def test_never_use_an_authority_that_proj_knows(self) -> None:
        for srid, authority, number, _, proj in private_srid_rows():
            assert authority != "EPSG"
            assert number == srid
            assert "+towgs84=-191.90441429,-39.30318279,-111.45032835,0.00928836,-0.01975479,0.00427372" in proj

    @pytest.mark.db
    def test_st_transform_equals_operation_6960(self, db: psycopg.Connection[tuple[object, ...]]) -> None:
        with db.transaction(force_rollback=True):
            db.execute("DELETE FROM spatial_ref_sys WHERE srid BETWEEN 900000 AND 909999")
            with db.cursor() as cursor:
                cursor.executemany("INSERT INTO spatial_ref_sys VALUES (%s, %s, %s, %s, %s)", private_srid_rows())
            for crs in VN2000_CRS:
                scale = METRES_PER_DEGREE if crs.is_geographic else 1
                for lon, lat in POINTS:
                    there = oracle(crs, lon, lat)
                    found = self.transformed(db, (lon, lat), 4326, crs.srid)
                    assert np.abs(np.subtract(found, there)).max() * scale < 0.001
                    back = self.transformed(db, there, crs.srid, 4326)
                    expected = oracle_back(crs, *there)
                    assert np.abs(np.subtract(back, expected)).max() * METRES_PER_DEGREE < 0.001

    @staticmethod
    def transformed(
        db: psycopg.Connection[tuple[object, ...]], point: tuple[float, float], source: int, target: int
    ) -> tuple[float, float]:
        row = db.execute(
            "SELECT ST_X(g), ST_Y(g) FROM ST_Transform(ST_SetSRID(ST_MakePoint(%s, %s), %s::int), %s::int) g",
            (*point, source, target),
        ).fetchone()
        assert row is not None
        return float(str(row[0])), float(str(row[1]))
