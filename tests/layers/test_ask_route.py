"""Questions along a route: the corridor, the order of chainage and the offset."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from spatial.errors import InvalidQuestion
from tests.layers.ask_world import SOUTH, WEST
from tests.layers.asking import Asker, Truth
from tests.layers.oracles import length_m, metres_between, metres_to_all, metres_to_shape
from tests.layers.test_ask_places import FEW

pytestmark = pytest.mark.db
MAIN = [(WEST + 0.02, SOUTH + 0.03), (WEST + 0.15, SOUTH + 0.1), (WEST + 0.2, SOUTH + 0.22), (WEST + 0.38, SOUTH + 0.3)]
QL99 = {"layer": "roads", "filter": "route_code = 'QL99'"}


def along(vertices: list[tuple[float, float]], corridor_m: float) -> dict[str, Any]:
    line = {"type": "LineString", "coordinates": [list(place) for place in vertices]}
    return {"route": {"line": line, "corridor_m": corridor_m}}


def chainage(vertices: list[tuple[float, float]], place: shapely.Point) -> float:
    """Length of the line before its place that is nearest: sampled, then sampled again around the best."""
    best, before = (float("inf"), 0.0), 0.0
    for start, end in itertools.pairwise(vertices):
        low, high = 0.0, 1.0
        for _ in range(4):
            shares = np.linspace(low, high, 201)
            feet = np.outer(1 - shares, start) + np.outer(shares, end)
            distances = metres_to_all(place.x, place.y, shapely.points(feet))
            index = int(distances.argmin())
            low, high = shares[max(index - 1, 0)], shares[min(index + 1, 200)]
        best = min(best, (float(distances[index]), before + length_m(shapely.LineString([start, feet[index]]))))
        before += length_m(shapely.LineString([start, end]))
    return best[1]


def tolerance(metres_along: float) -> float:
    """One centimetre, and one for every kilometre."""
    return 0.01 * max(1.0, metres_along / 1000)


class TestPointsAlongALine:
    @pytest.mark.parametrize("corridor", [300, 2_000])
    def test_are_ordered_by_chainage(self, asker: Asker, truth: Truth, corridor: float) -> None:
        line = shapely.LineString(MAIN)
        offsets = {row.fid: metres_to_shape(row.shape.x, row.shape.y, line) for row in truth.rows("schools")
                   if row.shape.distance(line) < 0.03}  # fmt: skip
        kept = {fid: offset for fid, offset in offsets.items() if offset <= corridor}
        found = asker.ask("schools", along(MAIN, corridor), features={"limit": 1000})["features"]
        assert {row["fid"] for row in found} == set(kept)
        chainages = [row["chainage_m"] for row in found]
        assert chainages == sorted(chainages)
        places = {row.fid: row.shape for row in truth.rows("schools")}
        for row in found[:: max(1, len(found) // 15)]:
            expected = chainage(MAIN, places[row["fid"]])
            assert row["chainage_m"] == pytest.approx(expected, abs=tolerance(expected))
            assert row["offset_m"] == pytest.approx(kept[row["fid"]], rel=1e-5, abs=0.01)

    def test_the_other_way_round_counts_from_the_other_end(self, asker: Asker) -> None:
        whole = length_m(shapely.LineString(MAIN))
        there = {row["fid"]: row["chainage_m"] for row in asker.ask("clinics", along(MAIN, 3_000))["features"]}
        back = {row["fid"]: row["chainage_m"] for row in asker.ask("clinics", along(MAIN[::-1], 3_000))["features"]}
        assert there
        assert there.keys() == back.keys()
        for fid, value in there.items():
            assert value + back[fid] == pytest.approx(whole, abs=2 * tolerance(whole))

    @FEW
    @given(st.lists(st.tuples(st.floats(0, 0.3), st.floats(0, 0.3)), min_size=2, max_size=6))
    def test_any_line(self, asker: Asker, truth: Truth, steps: list[tuple[float, float]]) -> None:
        vertices = [(WEST + x, SOUTH + y) for x, y in steps]
        line = shapely.LineString(vertices)
        if line.length < 1e-6:
            return
        expected = {row.fid: metres_to_shape(row.shape.x, row.shape.y, line) for row in truth.rows("clinics")}
        found = asker.ask("clinics", along(vertices, 3_500), features={"limit": 100})["features"]
        assert {row["fid"] for row in found} == {fid for fid, offset in expected.items() if offset <= 3_500}
        assert [row["chainage_m"] for row in found] == sorted(row["chainage_m"] for row in found)
        for row in found:
            assert row["offset_m"] == pytest.approx(expected[row["fid"]], rel=1e-5, abs=0.01)

    def test_a_loop_passes_a_place_twice_and_counts_it_once(self, asker: Asker, truth: Truth) -> None:
        clinic = truth.rows("clinics")[5]
        place = clinic.shape
        loop = [(place.x, place.y), (place.x + 0.02, place.y), (place.x + 0.02, place.y + 0.02), (place.x, place.y)]
        found = asker.ask("clinics", along(loop, 50))["features"]
        assert [row["chainage_m"] for row in found if row["fid"] == clinic.fid] == [pytest.approx(0, abs=0.01)]


class TestLinesAndPolygonsAlongALine:
    @pytest.mark.parametrize("layer", ["roads", "flood-areas"])
    def test_are_held_by_distance_and_met_where_the_route_first_meets_them(
        self, asker: Asker, truth: Truth, layer: str
    ) -> None:
        line = shapely.LineString(MAIN)
        expected = {
            row.fid: metres_between(row.shape, line) for row in truth.rows(layer) if row.shape.distance(line) < 0.03
        }
        kept = {fid: offset for fid, offset in expected.items() if offset <= 500}
        found = asker.ask(layer, along(MAIN, 500), features={"limit": 100})["features"]
        assert {row["fid"] for row in found} == set(kept)
        shapes = {row.fid: row.shape for row in truth.rows(layer)}
        for row in found:
            assert row["offset_m"] == pytest.approx(kept[row["fid"]], rel=1e-5, abs=0.01)
            if kept[row["fid"]] == 0:
                shared = shapely.get_coordinates(shapes[row["fid"]].intersection(line))
                first = min(chainage(MAIN, shapely.Point(place)) for place in shared)
                assert row["chainage_m"] == pytest.approx(first, abs=tolerance(first))


class TestARouteOfALayer:
    def test_is_its_features_joined(self, asker: Asker) -> None:
        drawn = asker.ask("schools", along(MAIN, 1_000), features={"limit": 1000})
        joined = asker.ask("schools", {"route": {"line": QL99, "corridor_m": 1_000}}, features={"limit": 1000})
        assert [(row["fid"], row["chainage_m"]) for row in joined["features"]] == [
            (row["fid"], pytest.approx(row["chainage_m"], abs=0.01)) for row in drawn["features"]
        ]
        assert [source["slug"] for source in joined["sources"]] == ["roads"]

    @pytest.mark.parametrize(
        ("source", "words"),
        [
            ({"layer": "roads", "filter": "route_code = 'none'"}, "No line is found"),
            ({"layer": "roads"}, "do not join into one route"),
            ({"layer": "schools"}, "holds no lines"),
        ],
    )
    def test_that_makes_no_line_is_refused(self, asker: Asker, source: dict[str, Any], words: str) -> None:
        with pytest.raises(InvalidQuestion, match=words) as caught:
            asker.ask("schools", {"route": {"line": source, "corridor_m": 100}})
        assert caught.value.parameter == "where[0].route.line"


class TestPagesOfARoute:
    def test_go_on_in_the_order_of_chainage(self, asker: Asker) -> None:
        whole = asker.fids("schools", along(MAIN, 1_500))
        seen: list[int] = []
        cursor: str | None = None
        while cursor is not None or not seen:
            page = {"limit": 17, "cursor": cursor, "geometry": False}
            found = asker.ask("schools", along(MAIN, 1_500), features=page)
            seen += [row["fid"] for row in found["features"]]
            cursor = found["next_cursor"]
            assert found["numberMatched"] == len(whole)
            if cursor is None:
                break
        assert seen == whole
