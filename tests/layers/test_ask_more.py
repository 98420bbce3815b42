"""Questions as to tables, pages under publishing, past states, VN-2000, and the indexes that answer them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import geopandas as gpd
import pytest
import shapely
from pyproj import Transformer
from shapely.geometry import mapping

from app.database import Database
from layers.access import Scope
from layers.ask import prepare
from layers.errors import LayerNotFound, RevisionNotFound
from layers.publish import Mode, publish_rows
from spatial.errors import InvalidQuestion
from spatial.question import parse_question
from tests.layers.ask_world import INTERNAL, NOTE, SOUTH, WEST
from tests.layers.asking import Asker, Json, open_asker

pytestmark = pytest.mark.db
ADMIN = Scope.local_admin()
# Coordinate frame rotation with the published signs of EPSG:6960, written here apart from the product's own.
ORACLE = (
    "+proj=pipeline +step +proj=unitconvert +xy_in=deg +xy_out=rad +step +proj=push +v_3"
    " +step +proj=cart +ellps=WGS84 +step +inv +proj=helmert +x=-191.90441429 +y=-39.30318279 +z=-111.45032835"
    " +rx=-0.00928836 +ry=0.01975479 +rz=-0.00427372 +s=0.252906278 +convention=coordinate_frame"
    " +step +inv +proj=cart +ellps=WGS84 +step +proj=pop +v_3"
    " +step +proj=tmerc +lat_0=0 +lon_0={lon} +k={k} +x_0=500000 +y_0=0 +ellps=WGS84"
)
ZONES = {"EPSG:3405": (105, 0.9996), "EPSG:9210": (105.75, 0.9999), "EPSG:5899": (107.75, 0.9999)}
CORNERS = [(107.10, 11.03), (107.12, 11.03), (107.10, 11.05), (107.12, 11.05)]


@pytest.fixture
def own_world(copy_database: Callable[[str], Database], world_template: str) -> Database:
    """A copy of the known world that a test may write to."""
    return copy_database(world_template)


def publish_clinics(database: Database, places: dict[str, tuple[float, float]], mode: Mode) -> None:
    rows = [
        {"code": code, "name": f"Trạm {code}", "kind": "hospital_general", "geometry": shapely.Point(place)}
        for code, place in places.items()
    ]
    owner = database.engine("diaban_owner")
    with owner.begin() as connection:
        publish_rows(
            connection, "clinics", [gpd.GeoDataFrame(rows, geometry="geometry", crs="EPSG:4326")], mode=mode, note=NOTE
        )
    owner.dispose()


class TestATableWithoutGeometry:
    @pytest.mark.parametrize(
        ("question", "parameter"),
        [
            ({"where": [{"point": [106, 10]}]}, "where[0]"),
            ({"where": [{"nearest": {"to": [106, 10]}}]}, "where[0].nearest"),
            ({"where": [{"boundary": {"units": ["99901-01"]}}]}, "where[0].boundary.units"),
            ({"figures": {"level": "hamlet"}}, "figures.level"),
        ],
    )
    def test_has_no_place(self, asker: Asker, question: Json, parameter: str) -> None:
        with pytest.raises(InvalidQuestion, match=r"geometry|hamlet") as caught:
            asker.raw({"layer": "documents", **question}, scope=ADMIN)
        assert str(caught.value.parameter).startswith(parameter)

    def test_is_asked_by_boundary_and_figures(self, asker: Asker) -> None:
        found = asker.ask("documents", {"boundary": {"units": ["99"]}}, scope=ADMIN, figures={"level": "commune"})
        assert (found["numberMatched"], len(found["figures"])) == (0, 16)


class TestWhatAReaderMayNotKnow:
    @pytest.mark.parametrize("layer", ["schools-restricted", INTERNAL])
    def test_does_not_exist_as_layer_or_source(self, asker: Asker, layer: str) -> None:
        with pytest.raises(LayerNotFound):
            asker.ask(layer)
        with pytest.raises(LayerNotFound) as caught:
            asker.ask("schools", {"radius": {"of": {"layer": layer}, "metres": 5}})
        assert caught.value.parameter == "where[0].radius.of.layer"

    def test_is_answered_to_the_operator_as_a_public_layer_is(self, asker: Asker) -> None:
        near = {"radius": {"of": [106.1, 10.1], "metres": 2000}}
        assert asker.fids(INTERNAL, near, scope=ADMIN) == asker.fids("parcels", near)


class TestPages:
    def test_of_every_size_hold_each_feature_once(self, asker: Asker) -> None:
        for condition in ({"boundary": {"units": ["99906"]}}, {"nearest": {"to": [106, 10], "k": 100}}):
            whole = asker.fids("schools", condition)
            for form in ("json", "geojson"):
                assert walk(asker, condition, 33, form) == whole

    def test_go_on_while_others_publish(self, own_world: Database) -> None:
        with open_asker(own_world) as asker:
            condition = {"boundary": {"units": ["99"]}}
            before = asker.fids("clinics", condition)
            first = asker.ask("clinics", condition, features={"limit": 15})
            # New features come after all others, and a deleted one leaves no gap that shifts a page.
            publish_clinics(own_world, {f"N{n}": (WEST + 0.1 + n / 1000, SOUTH + 0.1) for n in range(5)}, Mode.UPSERT)
            seen = [row["fid"] for row in first["features"]]
            cursor = first["next_cursor"]
            while cursor:
                found = asker.ask("clinics", condition, features={"limit": 15, "cursor": cursor})
                assert found["numberMatched"] == 45
                assert found["layer"]["revision"] == 2
                seen += [row["fid"] for row in found["features"]]
                cursor = found["next_cursor"]
            assert seen[:40] == before
            assert len(seen) == len(set(seen)) == 45

    def test_a_cursor_of_another_question_is_refused(self, asker: Asker) -> None:
        cursor = asker.ask("schools", features={"limit": 5})["next_cursor"]
        for layer, condition in (("schools", [{"boundary": {"units": ["99"]}}]), ("clinics", [])):
            with pytest.raises(InvalidQuestion) as caught:
                asker.ask(layer, *condition, features={"cursor": cursor})
            assert caught.value.parameter == "features.cursor"


def walk(asker: Asker, condition: Json, limit: int, form: str) -> list[int]:
    seen: list[int] = []
    cursor = None
    while True:
        page = {"limit": limit, "cursor": cursor}
        found = json.loads(asker.raw({"layer": "schools", "where": [condition], "features": page, "format": form}))
        seen += [row["fid"] if form == "json" else row["id"] for row in found["features"]]
        cursor = found["next_cursor"]
        if cursor is None:
            return seen


class TestThePast:
    def test_is_asked_by_revision_and_by_instant(self, own_world: Database) -> None:
        with open_asker(own_world) as asker:
            near = {"radius": {"of": {"layer": "clinics"}, "metres": 1500}}
            then = asker.ask("schools", near, figures={"level": "commune"}, features={"limit": 10_000})
            engine = own_world.engine("diaban_owner")
            with engine.connect() as connection:
                instant = connection.exec_driver_sql("SELECT clock_timestamp()").scalar_one().isoformat()
            engine.dispose()
            publish_clinics(own_world, {"X": (WEST + 0.39, SOUTH + 0.39)}, Mode.REPLACE)
            now = asker.ask("schools", near)
            assert (now["numberMatched"], now["sources"][0]["revision"]) == (0, 2)
            past = asker.ask("schools", near, at=instant, figures={"level": "commune"}, features={"limit": 10_000})
            assert past["figures"] == then["figures"]
            assert past["features"] == then["features"]
            assert (past["sources"][0]["revision"], past["layer"]["revision"]) == (1, 1)
            assert asker.ask("clinics", revision=1)["numberMatched"] == 40
            assert asker.ask("clinics", {"nearest": {"to": [106, 10], "k": 5}}, revision=1)["layer"]["revision"] == 1
            assert asker.ask("clinics")["numberMatched"] == 1

    def test_before_the_first_revision_there_is_none(self, asker: Asker) -> None:
        with pytest.raises(RevisionNotFound) as caught:
            asker.ask("schools", at="2000-01-01T00:00:00Z")
        assert caught.value.parameter == "at"
        with pytest.raises(RevisionNotFound) as caught:
            asker.ask("schools", revision=7)
        assert caught.value.parameter == "revision"


class TestVN2000:
    @pytest.mark.parametrize("crs", list(ZONES))
    def test_in_and_out_to_a_millimetre_on_all_sides_of_the_trap(self, own_world: Database, crs: str) -> None:
        publish_clinics(own_world, {f"V{n}": place for n, place in enumerate(CORNERS)}, Mode.REPLACE)
        lon, k = ZONES[crs]
        project = Transformer.from_pipeline(ORACLE.format(lon=lon, k=k)).transform
        with open_asker(own_world) as asker:
            found = asker.ask("clinics", crs=crs)["features"]
            for row, place in zip(found, CORNERS, strict=True):
                assert row["geometry"]["coordinates"] == pytest.approx(project(*place), abs=1e-3)
            for number, place in enumerate(CORNERS):
                question = {"nearest": {"to": list(project(*place)), "k": 1}}
                nearest = asker.ask("clinics", question, coordinates_crs=crs)["features"]
                assert (nearest[0]["code"], nearest[0]["distance_m"]) == (f"V{number}", pytest.approx(0, abs=1e-3))
                echoed = asker.ask("clinics", question, coordinates_crs=crs)["question"]["where"][0]["nearest"]["to"]
                assert echoed == pytest.approx(place, abs=1e-8)

    def test_in_latitude_first(self, asker: Asker) -> None:
        lon_first = asker.fids("schools", {"radius": {"of": [106.1, 10.05], "metres": 4000}})
        lat_first = asker.fids(
            "schools", {"radius": {"of": [10.05, 106.1], "metres": 4000}}, coordinates_crs="EPSG:4326"
        )
        assert lon_first == lat_first != []
        row = asker.ask("schools", crs="EPSG:4326", features={"limit": 1})["features"][0]
        assert row["geometry"]["coordinates"][0] < 20


ZONE = mapping(shapely.box(WEST + 0.1, SOUTH + 0.1, WEST + 0.12, SOUTH + 0.12))
LINE = {"type": "LineString", "coordinates": [[WEST + 0.02, SOUTH + 0.03], [WEST + 0.06, SOUTH + 0.05]]}
SHAPES: dict[str, Json] = {
    "point": {"point": [106.1, 10.1]},
    "nearest": {"nearest": {"to": [106.1, 10.1], "k": 5}},
    "radius": {"radius": {"of": [106.1, 10.1], "metres": 300}},
    "radius of a line": {"radius": {"of": LINE, "metres": 50}},
    "radius of features": {"radius": {"of": {"layer": "clinics"}, "metres": 100}},
    "zone": {"zone": {"geometry": ZONE, "parts": True}},
    "zone within": {"zone": {"geometry": ZONE, "relation": "within"}},
    "zone covers": {"zone": {"geometry": ZONE, "relation": "covers"}},
    "zones of a layer": {"zone": {"geometry": {"layer": "flood-areas", "filter": "source_id = 'F1'"}}},
    "route": {"route": {"line": LINE, "corridor_m": 50}},
    "hamlet": {"boundary": {"units": ["99906-01"]}},
}


class TestTheIndex:
    """No seq scan of 22,500 parcels, for the public login and for the one that row policies bind."""

    @pytest.mark.parametrize("kind", list(SHAPES))
    @pytest.mark.parametrize("layer", ["parcels", INTERNAL])
    def test_answers_every_kind(self, asker: Asker, kind: str, layer: str) -> None:
        scope = Scope.public() if layer == "parcels" else ADMIN
        for more in ({"features": {"limit": 10}}, {"figures": {"values": [{"op": "area_m2"}]}, "features": False}):
            question = parse_question({"layer": layer, "where": [SHAPES[kind]], **more})
            login, plans = asker.loop.run_until_complete(explain(asker, scope, question))
            assert login == ("diaban_public" if layer == "parcels" else "diaban_reader")
            table = layer.replace("-", "_")
            for plan in plans:
                scans = [node for node in nodes(plan) if node.get("Relation Name") == table]
                assert scans
                assert [node["Node Type"] for node in scans if node["Node Type"] == "Seq Scan"] == []

    @pytest.mark.parametrize("layer", ["parcels", INTERNAL])
    def test_of_features_in_several_communes_answers_a_commune(self, asker: Asker, layer: str) -> None:
        scope = Scope.public() if layer == "parcels" else ADMIN
        question = parse_question({"layer": layer, "where": [{"boundary": {"units": ["99906"]}}], "figures": {}})
        login, plans = asker.loop.run_until_complete(explain(asker, scope, question))
        assert login == ("diaban_public" if layer == "parcels" else "diaban_reader")
        table = layer.replace("-", "_")
        indexes = {node.get("Index Name") for plan in plans for node in nodes(plan)}
        assert {f"{table}_several", f"{table}_unit"} <= indexes


async def explain(asker: Asker, scope: Scope, question: Any) -> tuple[str, list[Json]]:
    async with asker.gate.read(scope) as connection:
        made = await prepare(connection, asker.catalogue, scope, question, asker.statements)
        plans = []
        for statement in (made.figures, made.page):
            if statement is not None:
                text = await connection.fetchval(
                    f"EXPLAIN (FORMAT JSON) {statement.text}", *statement.args(made.values)
                )
                plans.append(json.loads(text)[0]["Plan"])
        login = await connection.fetchval("SELECT current_user")
    await asyncio.sleep(0)
    return str(login), plans


def nodes(plan: Json) -> list[Json]:
    return [plan, *(node for child in plan.get("Plans", []) for node in nodes(child))]
