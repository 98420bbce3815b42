"""Questions by zone: drawn, and the polygons of another layer, held against shapely over plain rows."""

from __future__ import annotations

from typing import Any

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import mapping

from tests.layers.ask_world import SIZE, SOUTH, WEST
from tests.layers.asking import Asker, Truth
from tests.layers.oracles import area_m2, length_m
from tests.layers.test_ask_places import FEW

pytestmark = pytest.mark.db
RELATIONS = {
    "intersects": shapely.intersects,
    "within": shapely.covered_by,
    "covers": shapely.covers,
    "disjoint": shapely.disjoint,
}
# A polygon with a hole, and a second part apart from it.
ZONE = shapely.MultiPolygon(
    [
        shapely.Polygon(
            shapely.Point(WEST + 0.15, SOUTH + 0.14).buffer(0.06, quad_segs=16).exterior,
            [shapely.box(WEST + 0.14, SOUTH + 0.13, WEST + 0.17, SOUTH + 0.15).exterior],
        ),
        shapely.box(WEST + 0.301, SOUTH + 0.201, WEST + 0.352, SOUTH + 0.253),
    ]
)
SHARES = st.floats(0, 1)


def drawn(shape: shapely.Geometry, relation: str = "intersects", **more: object) -> dict[str, Any]:
    return {"zone": {"geometry": mapping(shape), "relation": relation, **more}}


def of_layer(relation: str, layer: str = "flood-areas", **more: object) -> dict[str, Any]:
    return {"zone": {"geometry": {"layer": layer}, "relation": relation, **more}}


class TestADrawnZone:
    @pytest.mark.parametrize("layer", ["schools", "roads", "parcels"])
    @pytest.mark.parametrize("relation", ["intersects", "within", "disjoint"])
    def test_holds_what_shapely_says(self, asker: Asker, truth: Truth, layer: str, relation: str) -> None:
        holds = RELATIONS[relation](truth.shapes(layer), ZONE)
        expected = [row.fid for row, own in zip(truth.rows(layer), holds, strict=True) if own]
        assert expected
        found = asker.ask(layer, drawn(ZONE, relation), features={"limit": 10_000, "properties": [], "geometry": False})
        assert found["numberMatched"] == len(expected)
        assert [row["fid"] for row in found["features"]] == expected[:10_000]

    def test_covered_by_a_feature(self, asker: Asker, truth: Truth) -> None:
        small = shapely.box(WEST + 0.11, SOUTH + 0.11, WEST + 0.12, SOUTH + 0.12)
        expected = [row.fid for row in truth.rows("communes") if row.shape.covers(small)]
        assert len(expected) == 1
        assert asker.fids("communes", drawn(small, "covers")) == expected

    def test_edges_count_as_inside(self, asker: Asker) -> None:
        quarter = shapely.box(WEST, SOUTH, WEST + SIZE / 4, SOUTH + SIZE / 4)
        assert len(asker.fids("communes", drawn(quarter, "within"))) == 1
        assert len(asker.fids("communes", drawn(quarter, "covers"))) == 1
        assert len(asker.fids("communes", drawn(quarter))) == 4

    @FEW
    @given(SHARES, SHARES, SHARES, SHARES)
    def test_boxes_anywhere(self, asker: Asker, truth: Truth, x: float, y: float, w: float, h: float) -> None:
        zone = shapely.box(WEST + x * SIZE, SOUTH + y * SIZE, WEST + x * SIZE + 1e-6 + w, SOUTH + y * SIZE + 1e-6 + h)
        holds = shapely.intersects(truth.shapes("schools"), zone)
        assert asker.fids("schools", drawn(zone)) == [
            row.fid for row, own in zip(truth.rows("schools"), holds, strict=True) if own
        ]

    def test_with_the_most_vertices_allowed(self, asker: Asker, truth: Truth) -> None:
        zone = shapely.Point(WEST + 0.2, SOUTH + 0.2).buffer(0.1, quad_segs=4_999)
        assert shapely.get_num_coordinates(zone) > 19_990
        holds = shapely.intersects(truth.shapes("schools"), zone)
        assert asker.ask("schools", drawn(zone))["numberMatched"] == int(holds.sum())

    def test_that_holds_nothing(self, asker: Asker) -> None:
        nowhere = shapely.box(0, 0, 1, 1)
        found = asker.ask("parcels", drawn(nowhere, parts=True), figures={"values": [{"op": "part_area_m2"}]})
        assert (found["numberMatched"], found["figures"]) == (0, [{"part_area_m2": 0.0}])


class TestPartsInside:
    def test_areas_of_polygons(self, asker: Asker, truth: Truth) -> None:
        found = asker.ask("communes", drawn(ZONE, parts=True), features={"limit": 100})["features"]
        expected = {row.fid: area_m2(row.shape.intersection(ZONE)) for row in truth.rows("communes")}
        assert {row["fid"] for row in found} == {r.fid for r in truth.rows("communes") if r.shape.intersects(ZONE)}
        for row in found:
            assert row["part_area_m2"] == pytest.approx(expected[row["fid"]], rel=1e-6, abs=0.01)

    def test_areas_add_up_to_the_zone(self, asker: Asker) -> None:
        figures = {"values": [{"op": "part_area_m2"}, {"op": "count"}]}
        found = asker.figures("communes", drawn(ZONE, parts=True), figures=figures)
        assert found[0]["part_area_m2"] == pytest.approx(area_m2(ZONE), rel=1e-6)

    def test_of_parcels_the_covered_ones_whole(self, asker: Asker, truth: Truth) -> None:
        zone = shapely.box(WEST + 0.1011, SOUTH + 0.1012, WEST + 0.1403, SOUTH + 0.1294)
        rows = [row for row in truth.rows("parcels") if row.shape.intersects(zone)]
        expected = sum(area_m2(row.shape.intersection(zone)) for row in rows)
        found = asker.figures("parcels", drawn(zone, parts=True), figures={"values": [{"op": "part_area_m2"}]})
        assert found[0]["part_area_m2"] == pytest.approx(expected, rel=1e-6)

    def test_lengths_of_lines(self, asker: Asker, truth: Truth) -> None:
        found = asker.ask("roads", drawn(ZONE, parts=True), features={"limit": 100})["features"]
        expected = {row.fid: row.shape.intersection(ZONE) for row in truth.rows("roads")}
        assert {row["fid"] for row in found} == {fid for fid, shape in expected.items() if not shape.is_empty}
        for row in found:
            assert row["part_length_m"] == pytest.approx(length_m(expected[row["fid"]]), rel=1e-6, abs=0.001)

    def test_that_only_touch_have_no_area(self, asker: Asker) -> None:
        quarter = shapely.box(WEST, SOUTH, WEST + SIZE / 4, SOUTH + SIZE / 4)
        found = asker.ask("communes", drawn(quarter, parts=True))["features"]
        assert sorted(row["part_area_m2"] > 0 for row in found) == [False, False, False, True]

    def test_of_another_layer_are_measured_in_the_union(self, asker: Asker, truth: Truth) -> None:
        union = shapely.union_all(truth.shapes("flood-areas"))
        found = asker.ask("communes", of_layer("intersects", parts=True), features={"limit": 100})
        expected = {row.fid: area_m2(row.shape.intersection(union)) for row in truth.rows("communes")}
        assert {row["fid"] for row in found["features"]} == {fid for fid, area in expected.items() if area > 0}
        for row in found["features"]:
            assert row["part_area_m2"] == pytest.approx(expected[row["fid"]], rel=1e-6, abs=0.01)
        assert any("union" in note["en"] for note in found["notes"])


class TestPolygonsOfAnotherLayer:
    @pytest.mark.parametrize("layer", ["schools", "roads", "parcels", "communes"])
    @pytest.mark.parametrize("relation", list(RELATIONS))
    def test_any_of_them_holds_it(self, asker: Asker, truth: Truth, layer: str, relation: str) -> None:
        zones = truth.rows("flood-areas")
        test = RELATIONS[relation]
        shapes = truth.shapes(layer)
        holds = [test(shapes, zone.shape) for zone in zones]
        joined = [all(own) if relation == "disjoint" else any(own) for own in zip(*holds, strict=True)]
        expected = [row.fid for row, own in zip(truth.rows(layer), joined, strict=True) if own]
        page = {"limit": 10_000, "properties": [], "geometry": False}
        found = asker.ask(layer, of_layer(relation), features=page)
        assert found["numberMatched"] == len(expected)
        assert [row["fid"] for row in found["features"]] == expected[:10_000]

    def test_many_zones_and_few_features(self, asker: Asker, truth: Truth) -> None:
        # More zones than features by far: the statement asks for every feature whether a zone is near.
        shapes = truth.shapes("parcels")
        expected = [row.fid for row in truth.rows("clinics") if shapely.intersects(shapes, row.shape).any()]
        assert asker.fids("clinics", of_layer("intersects", "parcels")) == expected
        assert asker.fids("clinics", of_layer("disjoint", "parcels")) == [
            row.fid for row in truth.rows("clinics") if row.fid not in set(expected)
        ]

    def test_of_the_same_layer_a_feature_is_not_its_own_zone(self, asker: Asker, truth: Truth) -> None:
        rows = truth.rows("flood-areas")
        expected = [a.fid for a in rows if any(a.shape.intersects(b.shape) for b in rows if b.fid != a.fid)]
        assert asker.fids("flood-areas", of_layer("intersects")) == expected

    def test_a_saved_zone_is_a_feature_picked_by_its_id(self, asker: Asker, truth: Truth) -> None:
        zone = truth.rows("flood-areas")[2]
        condition = {"zone": {"geometry": {"layer": "flood-areas", "filter": f"fid = {zone.fid}"}}}
        expected = [row.fid for row in truth.rows("schools") if row.shape.intersects(zone.shape)]
        assert asker.fids("schools", condition) == expected


class TestWithOtherConditions:
    def test_every_condition_and_the_filter_must_hold(self, asker: Asker, truth: Truth) -> None:
        from tests.layers.oracles import metres

        floods = truth.rows("flood-areas")
        expected = [
            row.fid
            for row in truth.rows("schools")
            if row.shape.intersects(ZONE)
            and not any(row.shape.intersects(flood.shape) for flood in floods)
            and metres(106.05, 10.04, row.shape) <= 9_000
            and row["unit_code"] in ("99905", "99906", "99907")
            and row["level"] == "TH"
            and (row["pupils"] or 0) >= 500
        ]
        found = asker.fids(
            "schools",
            drawn(ZONE),
            of_layer("disjoint"),
            {"radius": {"of": [106.05, 10.04], "metres": 9_000}},
            {"boundary": {"units": ["99905", "99906", "99907"]}},
            filter={
                "op": "and",
                "args": [
                    {"op": "=", "args": [{"property": "level"}, "TH"]},
                    {"op": ">=", "args": [{"property": "pupils"}, 500]},
                ],
            },
        )
        assert found == expected
        assert expected
