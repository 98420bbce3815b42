import json

import pytest
import shapely

from spatial.crs import CRS84, EPSG_4326, crs_by_code, transformer
from spatial.errors import InvalidGeometry, InvalidQuestion
from spatial.geometry import parse_geojson, parse_point, parse_radius, parse_wkt

SQUARE = [[105, 21], [106, 21], [106, 22], [105, 22], [105, 21]]


def polygon(*rings: list[list[float]]) -> dict[str, object]:
    return {"type": "Polygon", "coordinates": list(rings)}


def refused(document: object, **limits: int) -> InvalidGeometry:
    with pytest.raises(InvalidGeometry) as caught:
        parse_geojson(document, parameter="zone", **limits)
    assert caught.value.parameter == "zone"
    assert caught.value.vi
    return caught.value


class TestGeoJSON:
    @pytest.mark.parametrize(
        "wkt",
        [
            "POINT (105 21)",
            "MULTIPOINT ((105 21), (106 22))",
            "LINESTRING (105 21, 106 22)",
            "MULTILINESTRING ((105 21, 106 22), (107 21, 107 22))",
            "POLYGON ((105 21, 106 21, 106 22, 105 22, 105 21), (105.4 21.4, 105.6 21.4, 105.6 21.6, 105.4 21.4))",
            "MULTIPOLYGON (((105 21, 106 21, 106 22, 105 21)), ((107 21, 108 21, 108 22, 107 21)))",
            "GEOMETRYCOLLECTION (POINT (105 21), LINESTRING (105 21, 106 22))",
        ],
    )
    def test_every_type_arrives_unchanged_by_both_forms(self, wkt: str) -> None:
        expected = shapely.from_wkt(wkt)
        assert parse_wkt(wkt, parameter="zone").equals(expected)
        assert parse_geojson(json.loads(shapely.to_geojson(expected)), parameter="zone").equals(expected)
        assert parse_geojson(shapely.to_geojson(expected), parameter="zone").equals(expected)

    def test_a_feature_stands_for_its_geometry(self) -> None:
        feature = {"type": "Feature", "properties": {}, "geometry": polygon(SQUARE)}
        assert parse_geojson(feature, parameter="zone").area == 1

    def test_vn2000_metres_become_degrees(self) -> None:
        crs = crs_by_code(5897)
        x, y = transformer(CRS84, crs).transform(105.8, 21.0)
        ring = [[x, y], [x + 100, y], [x + 100, y + 100], [x, y]]
        shape = parse_geojson(polygon(ring), parameter="zone", crs=crs)
        assert shapely.get_coordinates(shape)[0] == pytest.approx((105.8, 21.0), abs=1.5e-8)

    def test_axis_order_of_epsg_4326(self) -> None:
        assert parse_wkt("POINT(21 105)", parameter="zone", crs=EPSG_4326) == shapely.Point(105, 21)


class TestRefusals:
    def test_nan_and_infinity(self) -> None:
        error = refused(polygon([[105, 21], [float("nan"), 21], [106, 22], [105, 21]]))
        assert error.vertex == "coordinates[0][1]"
        assert refused('{"type":"Point","coordinates":[Infinity,1]}').vertex == "coordinates"
        assert refused('{"type":"Point","coordinates":[1e999,1]}')
        assert refused({"type": "Point", "coordinates": [10**400, 1]})

    def test_out_of_range_and_exchanged(self) -> None:
        error = refused(polygon(SQUARE, [[21, 105], [21, 106], [22, 106], [21, 105]]))
        assert error.vertex == "coordinates[1][0]"
        assert "swapped" in error.en

    def test_unclosed_ring(self) -> None:
        error = refused(polygon(SQUARE[:-1]))
        assert error.vertex == "coordinates[0][3]"
        assert "not closed" in error.en

    def test_self_crossing_ring_names_the_place(self) -> None:
        error = refused(polygon([[105, 21], [106, 22], [106, 21], [105, 22], [105, 21]]))
        assert error.location == (105.5, 21.5)
        assert "105.5 21.5" in error.vi

    def test_hole_outside(self) -> None:
        assert "Hole" in refused(polygon(SQUARE, [[1, 1], [2, 1], [2, 2], [1, 1]])).en

    @pytest.mark.parametrize(
        "document",
        [
            None, 1, "", "{", "[]", [], {}, {"type": "Point"}, {"type": "Circle", "coordinates": [1, 2]},
            {"type": "Point", "coordinates": []}, {"type": "Point", "coordinates": [1]},
            {"type": "Point", "coordinates": ["1", "2"]}, {"type": "Point", "coordinates": [True, False]},
            {"type": "Point", "coordinates": [[1, 2]]}, {"type": "LineString", "coordinates": [[1, 2]]},
            {"type": "LineString", "coordinates": [[1, 2], [1, 2]]}, {"type": "Polygon", "coordinates": []},
            {"type": "Polygon", "coordinates": [[]]}, {"type": "Polygon", "coordinates": [[[1, 1], [2, 2], [1, 1]]]},
            {"type": "Polygon", "coordinates": {"0": 1}}, {"type": "GeometryCollection", "geometries": []},
            {"type": "GeometryCollection", "geometries": [None]}, {"type": "GeometryCollection"},
            {"type": "FeatureCollection", "features": []}, {"type": "Feature", "geometry": None},
            {"type": None, "coordinates": [1, 2]},
        ],
    )  # fmt: skip
    def test_broken_structure(self, document: object) -> None:
        refused(document)

    def test_an_unhashable_type(self) -> None:
        refused({"type": {"a": 1}, "coordinates": [1, 2]})
        refused({"type": "GeometryCollection", "geometries": [{"type": ["Point"], "coordinates": [1, 2]}]})

    def test_heights(self) -> None:
        error = refused({"type": "LineString", "coordinates": [[1, 2], [3, 4, 5]]})
        assert error.vertex == "coordinates[1]"
        assert "3D" in error.en

    def test_too_many_vertices_before_anything_is_built(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with monkeypatch.context() as patch:
            patch.setattr("spatial.geometry.shape", lambda _: pytest.fail("a geometry was built"))
            assert "20000" in refused(polygon([[105, 21]] * 1_000_000)).en
        assert "5 vertices" in refused({"type": "MultiPoint", "coordinates": [[1, 2]] * 6}, max_vertices=5).en
        parse_geojson({"type": "MultiPoint", "coordinates": [[1, 2]] * 5}, parameter="zone", max_vertices=5)

    def test_deep_nesting(self) -> None:
        nested: object = [1, 2]
        for _ in range(900):
            nested = [nested]
        refused({"type": "Point", "coordinates": nested})
        refused("[" * 100_000)
        document: dict[str, object] = {"type": "Point", "coordinates": [1, 2]}
        for _ in range(50):
            document = {"type": "GeometryCollection", "geometries": [document]}
        refused(document)

    def test_the_crs_member_is_not_obeyed_silently(self) -> None:
        declared = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::5897"}}
        assert "RFC 7946" in refused({**polygon(SQUARE), "crs": declared}).en
        harmless = {"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}
        assert parse_geojson({**polygon(SQUARE), "crs": harmless}, parameter="zone").area == 1

    def test_vn2000_axes_and_degrees(self) -> None:
        for wkt, words in (("POINT(2325000 587000)", "swapped"), ("POINT(105.8 21)", "degrees")):
            with pytest.raises(InvalidGeometry, match=words):
                parse_wkt(wkt, parameter="zone", crs=crs_by_code(5897))


class TestWKT:
    @pytest.mark.parametrize(
        "text",
        [
            "", "POINT", "POINT EMPTY", "POINT Z (1 2 3)", "POINT(1)", "POINT(1 2 3)", "POINT(1,2)", "POINT(1 2",
            "POINT(1 2))", "POINT(1 2) x", "POINT(a b)", "CIRCLE(1 2)", "SRID=4326;POINT(1 2)", "POLYGON(1 2)",
            "POLYGON(())", "LINESTRING(1 2)", "LINESTRING(1 2,)", "GEOMETRYCOLLECTION()", "POINT(nan 1)",
            "POINT(1e999 1)", "POINT(1 2 3 4 5)", "GEOMETRYCOLLECTION(" * 10 + "POINT(1 2)" + ")" * 10,
            "POINT(1_0 2)", "POINT(1 2x)", "(" * 10_000,
        ],
    )  # fmt: skip
    def test_bad_text_is_refused(self, text: str) -> None:
        with pytest.raises(InvalidGeometry) as caught:
            parse_wkt(text, parameter="zone")
        assert caught.value.parameter == "zone"

    def test_spelling_may_vary(self) -> None:
        assert parse_wkt(" multipoint ( 1 2 , (3 4) ) ", parameter="zone").equals(shapely.MultiPoint([(1, 2), (3, 4)]))


class TestPointAndRadius:
    def test_point_in_axis_order(self) -> None:
        assert parse_point("105.8,21") == shapely.Point(105.8, 21)
        assert parse_point(" 21 , 105.8 ", crs=EPSG_4326) == shapely.Point(105.8, 21)

    def test_exchanged_point_gets_the_right_order(self) -> None:
        with pytest.raises(InvalidGeometry, match=r"105\.8,21") as caught:
            parse_point("21,105.8", parameter="near")
        assert caught.value.parameter == "near"

    @pytest.mark.parametrize("text", ["", "1", "1,2,3", "nan,1", "1e400,1", "a,b", "1;2", "200,10", "0,0," + "0" * 999])
    def test_bad_point(self, text: str) -> None:
        with pytest.raises(InvalidGeometry):
            parse_point(text)

    @pytest.mark.parametrize(("value", "radius_m"), [("500", 500), (0.5, 0.5), ("1e6", 1e6), (" 12.5 ", 12.5)])
    def test_radius(self, value: str | float, radius_m: float) -> None:
        assert parse_radius(value) == radius_m

    @pytest.mark.parametrize(
        "value", ["", "0", "-1", "1000001", "nan", "inf", float("nan"), "1e999", "5km", "1" * 500, True]
    )
    def test_bad_radius(self, value: str | float) -> None:
        with pytest.raises(InvalidQuestion) as caught:
            parse_radius(value, "radius")
        assert caught.value.parameter == "radius"
