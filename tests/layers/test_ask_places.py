"""Questions by point, nearest and radius, held against GeographicLib and shapely over plain rows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.layers.ask_world import SIZE, SOUTH, WEST
from tests.layers.asking import Asker, Truth
from tests.layers.oracles import metres, metres_between, metres_to_all, metres_to_shape

pytestmark = pytest.mark.db
FEW = settings(
    max_examples=12, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
LONGITUDES = st.floats(WEST, WEST + SIZE)
LATITUDES = st.floats(SOUTH, SOUTH + SIZE)


def near(value: float, tolerance: float = 1e-3) -> Any:
    return pytest.approx(value, rel=0, abs=tolerance)


def wide(value: float) -> Any:
    """The tolerance for lines and polygons: the larger of 1 cm and 1e-5."""
    return pytest.approx(value, rel=1e-5, abs=0.01)


class TestAPoint:
    @FEW
    @given(LONGITUDES, LATITUDES)
    def test_finds_the_polygons_that_cover_it(self, asker: Asker, truth: Truth, lon: float, lat: float) -> None:
        place = shapely.Point(lon, lat)
        for layer in ("communes", "parcels", "flood-areas"):
            expected = [row.fid for row in truth.rows(layer) if row.shape.intersects(place)]
            assert asker.fids(layer, {"point": [lon, lat]}) == expected

    def test_on_a_shared_edge_is_in_both(self, asker: Asker) -> None:
        found = asker.ask("communes", {"point": [WEST + SIZE / 4, SOUTH + 0.05]})
        assert [row["code"] for row in found["features"]] == ["99901", "99902"]

    @pytest.mark.parametrize("tolerance", [0.5, 10, 400])
    def test_finds_points_and_lines_within_the_tolerance(self, asker: Asker, truth: Truth, tolerance: float) -> None:
        for layer in ("schools", "roads"):
            first = truth.rows(layer)[7].shape
            lon, lat = first.geoms[0].coords[1] if layer == "roads" else first.coords[0]
            lat += 0.000002
            expected = [row.fid for row in truth.rows(layer) if metres_to_shape(lon, lat, row.shape) <= tolerance]
            assert truth.rows(layer)[7].fid in expected
            assert asker.fids(layer, {"point": [lon, lat], "tolerance_m": tolerance}) == expected

    def test_far_from_everything_finds_nothing(self, asker: Asker) -> None:
        found = asker.ask("schools", {"point": [0, 0]})
        assert (found["numberMatched"], found["features"], found["next_cursor"]) == (0, [], None)


class TestTheNearest:
    @FEW
    @given(LONGITUDES, LATITUDES, st.integers(1, 60))
    def test_points_come_in_order_of_distance(self, asker: Asker, truth: Truth, lon: float, lat: float, k: int) -> None:
        rows = truth.rows("schools")
        distances = metres_to_all(lon, lat, [row.shape for row in rows])
        order = np.argsort(distances, kind="stable")[:k]
        found = asker.ask("schools", {"nearest": {"to": [lon, lat], "k": k}}, features={"limit": 100})
        assert [row["fid"] for row in found["features"]] == [rows[i].fid for i in order]
        assert found["numberMatched"] == k
        assert [row["distance_m"] for row in found["features"]] == near([float(distances[i]) for i in order])
        assert found["features"][0]["distance_m"] == near(metres(lon, lat, rows[order[0]].shape))

    @pytest.mark.parametrize("layer", ["roads", "flood-areas", "communes"])
    def test_lines_and_polygons(self, asker: Asker, truth: Truth, layer: str) -> None:
        lon, lat = WEST + 0.21, SOUTH + 0.17
        expected = sorted((metres_to_shape(lon, lat, row.shape), row.fid) for row in truth.rows(layer))[:5]
        found = asker.ask(layer, {"nearest": {"to": [lon, lat], "k": 5}})["features"]
        assert [row["fid"] for row in found] == [fid for _, fid in expected]
        for row, (distance, _) in zip(found, expected, strict=True):
            assert row["distance_m"] == wide(distance)

    def test_is_chosen_among_what_the_other_conditions_keep(self, asker: Asker, truth: Truth) -> None:
        lon, lat = WEST + 0.05, SOUTH + 0.05
        rows = [row for row in truth.rows("schools") if row["level"] == "TH" and row["unit_code"] == "99906"]
        expected = sorted((metres(lon, lat, row.shape), row.fid) for row in rows)[:3]
        found = asker.fids(
            "schools",
            {"nearest": {"to": [lon, lat], "k": 3}},
            {"boundary": {"units": ["99906"]}},
            filter="level = 'TH'",
        )
        assert found == [fid for _, fid in expected]

    def test_are_fewer_where_fewer_are(self, asker: Asker) -> None:
        assert len(asker.fids("flood-areas", {"nearest": {"to": [106, 10], "k": 1000}})) == 5

    def test_figures_are_of_the_nearest_only(self, asker: Asker, truth: Truth) -> None:
        lon, lat = 106.0, 10.0
        rows = sorted(truth.rows("schools"), key=lambda row: metres(lon, lat, row.shape))[:40]
        values = [{"op": "count"}, {"op": "sum", "field": "classrooms"}]
        found = asker.figures("schools", {"nearest": {"to": [lon, lat], "k": 40}}, figures={"values": values})
        assert found == [{"count": 40, "sum_classrooms": sum(row["classrooms"] for row in rows)}]

    def test_from_across_the_earth(self, asker: Asker, truth: Truth) -> None:
        # Degrees order candidates badly far away, so all features compete by their true distance.
        lon, lat = -73.8, 40.6
        expected = sorted((metres(lon, lat, row.shape), row.fid) for row in truth.rows("clinics"))[:4]
        found = asker.ask("clinics", {"nearest": {"to": [lon, lat], "k": 4}})["features"]
        assert [row["fid"] for row in found] == [fid for _, fid in expected]
        assert found[0]["distance_m"] == near(expected[0][0])


class TestARadiusOfAPlace:
    @FEW
    @given(LONGITUDES, LATITUDES, st.floats(1, 30_000))
    def test_holds_what_is_within_and_the_rest_is_outside(
        self, asker: Asker, truth: Truth, lon: float, lat: float, radius: float
    ) -> None:
        rows = truth.rows("schools")
        inside = metres_to_all(lon, lat, [row.shape for row in rows]) <= radius
        body = {"of": [lon, lat], "metres": radius}
        assert asker.fids("schools", {"radius": body}) == [r.fid for r, own in zip(rows, inside, strict=True) if own]
        assert asker.fids("schools", {"radius": {**body, "outside": True}}) == [
            r.fid for r, own in zip(rows, inside, strict=True) if not own
        ]

    def test_the_limit_itself_is_inside(self, asker: Asker, truth: Truth) -> None:
        row = truth.rows("clinics")[3]
        distance = metres(106.0, 10.0, row.shape)
        assert row.fid in asker.fids("clinics", {"radius": {"of": [106.0, 10.0], "metres": distance + 1e-4}})
        assert row.fid not in asker.fids("clinics", {"radius": {"of": [106.0, 10.0], "metres": distance - 1e-3}})

    @pytest.mark.parametrize("layer", ["roads", "parcels"])
    def test_of_lines_and_polygons(self, asker: Asker, truth: Truth, layer: str) -> None:
        lon, lat, radius = WEST + 0.173, SOUTH + 0.129, 4_000.0 if layer == "roads" else 900.0
        close = [
            row
            for row in truth.rows(layer)
            if row.shape.distance(shapely.Point(lon, lat)) < (0.05 if layer == "roads" else 0.011)
        ]
        expected = {row.fid: metres_to_shape(lon, lat, row.shape) for row in close}
        expected = {fid: distance for fid, distance in expected.items() if distance <= radius}
        found = asker.ask(layer, {"radius": {"of": [lon, lat], "metres": radius}}, features={"limit": 1000})
        assert {row["fid"] for row in found["features"]} == set(expected)
        assert expected
        for row in found["features"]:
            assert row["distance_m"] == wide(expected[row["fid"]])

    @pytest.mark.parametrize(
        "place",
        [
            {"type": "LineString", "coordinates": [[WEST, SOUTH + 0.05], [WEST + SIZE, SOUTH + 0.2]]},
            {"type": "Polygon", "coordinates": [[[106, 10], [106.1, 10], [106.1, 10.08], [106, 10.08], [106, 10]]]},
            {"type": "MultiPoint", "coordinates": [[106.03, 10], [106.2, 10.1]]},
        ],
    )
    def test_around_a_line_a_polygon_and_points(self, asker: Asker, truth: Truth, place: dict[str, Any]) -> None:
        shape = shapely.geometry.shape(place)
        expected = {row.fid: metres_to_shape(row.shape.x, row.shape.y, shape) for row in truth.rows("clinics")}
        found = asker.ask("clinics", {"radius": {"of": place, "metres": 4000}}, features={"limit": 1000})["features"]
        assert {row["fid"] for row in found} == {fid for fid, distance in expected.items() if distance <= 4000}
        assert found
        for row in found:
            assert row["distance_m"] == wide(expected[row["fid"]])

    def test_of_the_whole_country_holds_all(self, asker: Asker) -> None:
        found = asker.ask("schools", {"radius": {"of": [106, 16], "metres": 1_000_000}}, features={"limit": 1})
        assert found["numberMatched"] == 1500

    @pytest.mark.parametrize("lat", [89.9995, -89.9995])
    def test_at_a_pole_and_the_antimeridian_is_answered(self, asker: Asker, lat: float) -> None:
        assert asker.fids("schools", {"radius": {"of": [180, lat], "metres": 500_000}}) == []


class TestARadiusOfFeatures:
    def distances(self, truth: Truth, source: str, keep: str = "") -> dict[int, float]:
        places = [row for row in truth.rows(source) if keep in (row.values.get("name") or keep)]
        found = {}
        for row in truth.rows("schools"):
            found[row.fid] = float(metres_to_all(row.shape.x, row.shape.y, [place.shape for place in places]).min())
        return found

    @pytest.mark.parametrize("radius", [150, 1_000, 4_000])
    def test_holds_what_is_near_any_source_with_its_distance(self, asker: Asker, truth: Truth, radius: float) -> None:
        expected = self.distances(truth, "clinics")
        found = asker.ask(
            "schools",
            {"radius": {"of": {"layer": "clinics"}, "metres": radius}},
            features={"limit": 10_000, "geometry": False},
        )
        assert {row["fid"] for row in found["features"]} == {fid for fid, m in expected.items() if m <= radius}
        for row in found["features"]:
            assert row["distance_m"] == near(expected[row["fid"]])
        assert [source["slug"] for source in found["sources"]] == ["clinics"]

    @pytest.mark.parametrize("radius", [1_000, 3_000])
    def test_the_reverse_holds_what_is_far_from_every_source(self, asker: Asker, truth: Truth, radius: float) -> None:
        expected = [fid for fid, m in self.distances(truth, "clinics").items() if m > radius]
        condition = {"radius": {"of": {"layer": "clinics"}, "metres": radius, "outside": True}}
        assert asker.fids("schools", condition) == expected
        assert expected

    def test_sources_are_filtered(self, asker: Asker, truth: Truth) -> None:
        expected = [fid for fid, m in self.distances(truth, "clinics", "Trạm 1").items() if m <= 2_000]
        source = {"layer": "clinics", "filter": "name LIKE 'Trạm 1%'"}
        assert asker.fids("schools", {"radius": {"of": source, "metres": 2_000}}) == expected
        none = {"layer": "clinics", "filter": "name = 'nowhere'"}
        assert asker.fids("schools", {"radius": {"of": none, "metres": 2_000}}) == []
        assert len(asker.fids("schools", {"radius": {"of": none, "metres": 2_000, "outside": True}})) == 1500

    def test_many_sources_of_few_features(self, asker: Asker, truth: Truth) -> None:
        # More sources than features: the statement goes the other way.
        schools = [row.shape for row in truth.rows("schools")]
        expected = [
            row.fid
            for row in truth.rows("clinics")
            if float(metres_to_all(row.shape.x, row.shape.y, schools).min()) <= 300
        ]
        assert asker.fids("clinics", {"radius": {"of": {"layer": "schools"}, "metres": 300}}) == expected
        assert 0 < len(expected) < 40

    def test_points_near_lines(self, asker: Asker, truth: Truth) -> None:
        roads = shapely.union_all([row.shape for row in truth.rows("roads")])
        expected = {row.fid: metres_to_shape(row.shape.x, row.shape.y, roads) for row in truth.rows("clinics")}
        found = asker.ask("clinics", {"radius": {"of": {"layer": "roads"}, "metres": 1_200}}, features={"limit": 1000})[
            "features"
        ]
        assert {row["fid"] for row in found} == {fid for fid, m in expected.items() if m <= 1_200}
        assert 0 < len(found) < 40
        for row in found:
            assert row["distance_m"] == wide(expected[row["fid"]])

    def test_polygons_near_lines(self, asker: Asker, truth: Truth) -> None:
        roads = [row.shape for row in truth.rows("roads") if row["road_class"] == "QL"]
        expected = {
            row.fid: min(metres_between(row.shape, road) for road in roads) for row in truth.rows("flood-areas")
        }
        limit = sorted(expected.values())[2] + 1
        source = {"layer": "roads", "filter": "road_class = 'QL'"}
        found = asker.ask("flood-areas", {"radius": {"of": source, "metres": limit}})["features"]
        assert {row["fid"] for row in found} == {fid for fid, m in expected.items() if m <= limit}
        for row in found:
            assert row["distance_m"] == wide(expected[row["fid"]])

    def test_a_feature_is_not_its_own_source(self, asker: Asker, truth: Truth) -> None:
        places = [row.shape for row in truth.rows("clinics")]
        alone = []
        for row in truth.rows("clinics"):
            distances = sorted(metres_to_all(row.shape.x, row.shape.y, places))
            if distances[1] > 3_000:
                alone.append(row.fid)
        condition = {"radius": {"of": {"layer": "clinics"}, "metres": 3_000, "outside": True}}
        assert asker.fids("clinics", condition) == alone
        assert alone
        notes = [note["en"] for note in asker.ask("clinics", condition)["notes"]]
        assert "A feature is not its own source." in notes


class TestWhatIsSaid:
    @pytest.mark.parametrize(
        "condition",
        [
            {"point": [106, 10]},
            {"nearest": {"to": [106, 10]}},
            {"radius": {"of": [106, 10], "metres": 100}},
            {"radius": {"of": {"layer": "clinics"}, "metres": 100, "outside": True}},
            {"route": {"line": {"type": "LineString", "coordinates": [[106, 10], [106.1, 10]]}, "corridor_m": 100}},
        ],
    )
    def test_distances_are_said_to_be_straight(self, asker: Asker, condition: dict[str, Any]) -> None:
        notes = asker.ask("schools", condition)["notes"]
        assert any("đường chim bay" in note["vi"] and "straight-line" in note["en"] for note in notes)

    def test_the_question_comes_back_and_asks_the_same(self, asker: Asker) -> None:
        where = [{"radius": {"of": [106, 10], "metres": 5_000}}, {"boundary": {"units": ["99"]}}]
        first = asker.ask("schools", *where, filter="level IN ('TH','MN')", features={"limit": 3})
        echoed = dict(first["question"])
        second = asker.ask(echoed.pop("layer"), *echoed.pop("where"), **echoed)
        assert second == first

    def test_revision_data_date_and_units_are_told(self, asker: Asker, truth: Truth) -> None:
        found = asker.ask("schools", {"nearest": {"to": [106, 10]}})
        row = truth.connection.execute(
            "SELECT revision, newest_data_at FROM catalogue.layers WHERE slug = 'schools'"
        ).fetchone()
        assert row is not None
        assert (found["layer"]["revision"], found["layer"]["data_date"]) == (row[0], row[1].isoformat())
        assert found["units"]["distance_m"] == "m"
        assert found["units"]["pupils"] == "học sinh"
        assert math.isfinite(found["features"][0]["distance_m"])
