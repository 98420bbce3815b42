from datetime import UTC, datetime

import numpy as np
import pytest
import shapely
from geographiclib.geodesic import Geodesic
from hypothesis import given
from hypothesis import strategies as st

from spatial.bbox import (
    BBox,
    bbox_from_numbers,
    expand_point_degrees,
    parse_bbox,
    storage_envelopes,
    to_storage_polygon,
)
from spatial.crs import CRS84, EPSG_3857, EPSG_4326, EPSG_4756, crs_by_code, transformer
from spatial.datetime_interval import parse_datetime_interval
from spatial.errors import InvalidBBox, InvalidDatetime


class TestNumbers:
    def test_four_numbers(self) -> None:
        assert parse_bbox("105.5,20.5,106,21.5") == BBox(105.5, 20.5, 106, 21.5)

    def test_six_numbers_ignore_the_height(self) -> None:
        assert parse_bbox("105,20,-10,106,21,9000") == BBox(105, 20, 106, 21)

    def test_blanks_signs_and_exponents(self) -> None:
        assert parse_bbox(" -1.0e1, +.5 ,-0, 1. ") == BBox(-10, 0.5, 0, 1)

    def test_latitude_first_in_epsg_4326(self) -> None:
        assert parse_bbox("20,105,21,106", EPSG_4326) == BBox(105, 20, 106, 21)
        assert parse_bbox("20,105,0,21,106,1", EPSG_4756) == BBox(105, 20, 106, 21)

    def test_easting_first_in_vn2000(self) -> None:
        assert parse_bbox("500000,2300000,510000,2310000", crs_by_code(5897)).minx == 500_000

    @pytest.mark.parametrize(
        "text",
        [
            "", ",,,", "1,2,3", "1,2,3,4,5", "1,2,3,4,5,6,7", "a,b,c,d", "nan,0,1,1", "inf,0,1,1", "0,0,1e308,1",
            "0,0,1e999,1", "-181,0,1,1", "0,-91,1,1", "0,0,1,90.0001", "0,1,1,0", "1_0,0,1,1", "0x1,0,1,1",
            "٠,0,1,1", "0 0,0,1,1", "1;2;3;4", "0,0,1,1," + "1" * 1000, "0,0,nan,1,1,1", "0,0,1e400,1,1,2",
        ],
    )  # fmt: skip
    def test_everything_else_is_refused_with_a_remedy(self, text: str) -> None:
        with pytest.raises(InvalidBBox) as caught:
            parse_bbox(text, parameter="bbox")
        assert caught.value.parameter == "bbox"
        assert len(caught.value.vi) < 600

    @pytest.mark.parametrize("text", ["nan,0,1,1", "0,0,1e308,1", "0,0,1e999,1", "2,0,1,1", "0,2,1,1", "1e9,0,2e9,1"])
    def test_metres_are_checked_too(self, text: str) -> None:
        for crs in (EPSG_3857, crs_by_code(9210)):
            with pytest.raises(InvalidBBox):
                parse_bbox(text, crs)

    def test_an_exchanged_pair_is_recognised(self) -> None:
        with pytest.raises(InvalidBBox, match="swapped"):
            parse_bbox("10.5,106,10.6,106.1")
        with pytest.raises(InvalidBBox, match="latitude, longitude"):
            parse_bbox("106,10.5,106.1,10.6", EPSG_4326)

    def test_metres_without_a_crs_are_recognised(self) -> None:
        with pytest.raises(InvalidBBox, match="name the CRS"):
            parse_bbox("500000,2300000,510000,2310000")

    def test_numbers_of_the_wrong_count(self) -> None:
        with pytest.raises(InvalidBBox):
            bbox_from_numbers([1.0, 2.0, 3.0])


class TestStorage:
    def test_a_plain_box(self) -> None:
        assert to_storage_polygon(BBox(105, 20, 106, 21)).equals(shapely.box(105, 20, 106, 21))

    def test_two_boxes_across_the_antimeridian(self) -> None:
        box = parse_bbox("177,65,-177,70")
        shape = to_storage_polygon(box)
        assert box.crosses_antimeridian
        assert shape.geom_type == "MultiPolygon"
        assert shape.equals(shapely.union(shapely.box(177, 65, 180, 70), shapely.box(-180, 65, -177, 70)))
        assert storage_envelopes(box) == ((177, 65, 180, 70), (-180, 65, -177, 70))

    def test_a_box_without_size_still_intersects(self) -> None:
        assert to_storage_polygon(BBox(105, 20, 105, 20)).intersects(shapely.Point(105, 20))
        assert to_storage_polygon(BBox(105, 20, 105, 21)).intersects(shapely.box(104, 20.4, 106, 20.5))
        assert to_storage_polygon(BBox(105, 20, 106, 20)).geom_type == "LineString"

    def test_vn2000_edges_follow_the_projection(self) -> None:
        crs = crs_by_code(9210)
        box = BBox(400_000, 1_100_000, 700_000, 1_300_000)
        shape = to_storage_polygon(box, crs)
        assert shape.is_valid
        to_vn = transformer(CRS84, crs)
        for x, y, inside in ((550_000, 1_100_000.05, True), (550_000, 1_099_999.95, False),
                             (699_999.95, 1_200_000, True), (700_000.05, 1_200_000, False)):  # fmt: skip
            lon, lat = transformer(crs, CRS84).transform(x, y)
            assert shape.contains(shapely.Point(lon, lat)) is inside
        assert to_vn.transform(*shape.exterior.coords[0])[1] > 1_000_000

    def test_mercator_corners(self) -> None:
        low = transformer(CRS84, EPSG_3857).transform(105, 20)
        high = transformer(CRS84, EPSG_3857).transform(106, 21)
        shape = to_storage_polygon(BBox(*low, *high), EPSG_3857)
        assert shape.bounds == pytest.approx((105, 20, 106, 21), abs=1e-12)
        assert shapely.get_num_coordinates(shape) == 5

    def test_a_window_zoomed_out_is_cut_to_its_domain(self) -> None:
        west, south, east, north = storage_envelopes(parse_bbox("-4e7,-4e7,4e7,4e7", EPSG_3857), EPSG_3857)[0]
        assert (west, east) == pytest.approx((-180, 180))
        assert (south, north) == pytest.approx((-85.0511, 85.0511), abs=1e-3)
        for code in (5896, 3406):
            shape = to_storage_polygon(parse_bbox("-1e7,-1e7,1e7,1e7", crs_by_code(code)), crs_by_code(code))
            assert shape.is_valid
            assert shape.contains(shapely.box(95, 0, 120, 30))

    def test_a_window_beside_its_domain_is_refused(self) -> None:
        with pytest.raises(InvalidBBox, match="outside the domain"):
            to_storage_polygon(BBox(5e7, 0, 6e7, 1), EPSG_3857)

    def test_vn2000_degrees_are_shifted(self) -> None:
        shape = to_storage_polygon(BBox(105, 20, 106, 21), EPSG_4756)
        for corner in ((105, 20), (106, 20), (106, 21), (105, 21)):
            moved = shapely.Point(transformer(EPSG_4756, CRS84).transform(*corner))
            assert shape.exterior.distance(moved) < 1e-12

    def test_the_whole_world_in_vn2000_degrees(self) -> None:
        shape = to_storage_polygon(parse_bbox("-90,-180,90,180", EPSG_4756), EPSG_4756)
        assert shape.bounds == (-180, -90, 180, 90)
        assert shape.is_valid


class TestCircleEnvelope:
    @given(
        lon=st.floats(-180, 180), lat=st.floats(-90, 90), radius_m=st.floats(0.001, 1_000_000),
        azimuth=st.floats(-180, 180),
    )  # fmt: skip
    def test_holds_every_point_of_the_circle(self, lon: float, lat: float, radius_m: float, azimuth: float) -> None:
        minx, miny, maxx, maxy = expand_point_degrees(lon, lat, radius_m)
        reached = Geodesic.WGS84.Direct(lat, lon, azimuth, radius_m)
        assert miny <= reached["lat2"] <= maxy
        assert minx <= reached["lon2"] <= maxx

    def test_is_not_much_larger_than_the_circle(self) -> None:
        minx, miny, maxx, maxy = expand_point_degrees(106, 10.5, 1_000)
        ring = [Geodesic.WGS84.Direct(10.5, 106, azimuth, 1_000) for azimuth in np.linspace(0, 360, 361)]
        assert maxx - max(point["lon2"] for point in ring) < 1e-4
        assert min(point["lon2"] for point in ring) - minx < 1e-4
        assert maxy - miny < 0.0181

    def test_poles_and_antimeridian_take_the_full_width(self) -> None:
        assert expand_point_degrees(10, 89.999, 1_000)[0::2] == (-180, 180)
        assert expand_point_degrees(10, 89.999, 1_000)[3] == 90
        assert expand_point_degrees(179.9999, 0, 1_000)[0::2] == (-180, 180)
        assert expand_point_degrees(0, -90, 10) == (-180, -90, 180, pytest.approx(-89.9999, abs=1e-4))


class TestDatetime:
    def test_instants_and_intervals(self) -> None:
        first, last = datetime(2025, 7, 1, tzinfo=UTC), datetime(2025, 7, 31, 23, 59, 59, tzinfo=UTC)
        assert parse_datetime_interval("2025-07-01T00:00:00Z") == (first, first)
        assert parse_datetime_interval("2025-07-01T07:00:00+07:00") == (first, first)
        assert parse_datetime_interval("2025-07-01T00:00:00Z/2025-07-31T23:59:59Z") == (first, last)
        for text in ("2025-07-01T00:00:00Z/..", "2025-07-01t00:00:00z/"):
            assert parse_datetime_interval(text) == (first, None)
        for text in ("../2025-07-31T23:59:59Z", "/2025-07-31T23:59:59Z"):
            assert parse_datetime_interval(text) == (None, last)

    def test_a_date_is_its_whole_day(self) -> None:
        start, end = parse_datetime_interval("2025-07-01")
        assert start == datetime(2025, 7, 1, tzinfo=UTC)
        assert end == datetime(2025, 7, 1, 23, 59, 59, 999999, tzinfo=UTC)

    def test_fractions_and_leap_seconds(self) -> None:
        assert parse_datetime_interval("2025-01-01T00:00:00.1234567Z")[0] == datetime(
            2025, 1, 1, microsecond=123456, tzinfo=UTC
        )
        assert parse_datetime_interval("2016-12-31T23:59:60Z")[0] == datetime(2017, 1, 1, tzinfo=UTC)

    @pytest.mark.parametrize(
        "text",
        [
            "", "..", "../..", "/", "now", "2025", "2025-07", "2025-13-01", "2025-02-30T00:00:00Z",
            "2025-07-01T00:00:00", "2025-07-01 00:00:00Z", "2025-07-01T24:00:00Z", "0000-01-01T00:00:00Z",
            "0001-01-01T00:00:00+14:00", "2025-07-01T00:00:00Z/2025-06-01T00:00:00Z", "a/b", "2025-07-01/../..",
            "2025-07-01T00:00:00+99:00", "2025-07-01T00:00:61Z", "٢٠٢٥-07-01", "x" * 1000,
        ],
    )  # fmt: skip
    def test_bad_syntax_is_refused(self, text: str) -> None:
        with pytest.raises(InvalidDatetime) as caught:
            parse_datetime_interval(text, parameter="datetime")
        assert caught.value.parameter == "datetime"
