"""Questions over HTTP: formats, refusals in both languages, and a client that goes away."""

from __future__ import annotations

import csv
import io
import json
import socket
import time
from collections.abc import Iterator
from typing import Any, ClassVar
from urllib.parse import urlsplit

import httpx
import jsonschema
import psycopg
import pytest

from app.database import Database
from tests.conftest import Service, run_service

pytestmark = [pytest.mark.db, pytest.mark.ogc]
SQUARE = [[106, 10], [106.1, 10], [106.1, 10.1], [106, 10.1], [106, 10]]
PLACE = {"of": [106.1, 10.1], "metres": 3000}


@pytest.fixture(scope="module")
def asked(world: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service over the known world."""
    yield from run_service(world, tmp_path_factory.mktemp("state"))


def post(service: Service, question: object, **headers: str) -> httpx.Response:
    return service.client.post("/api/query", json=question, headers=headers)


def zone(geometry: object, **more: object) -> dict[str, Any]:
    return {"layer": "schools", "where": [{"zone": {"geometry": geometry, **more}}]}


def polygon(*rings: object) -> dict[str, Any]:
    return zone({"type": "Polygon", "coordinates": list(rings)})


def radius(**body: object) -> dict[str, Any]:
    return {"layer": "schools", "where": [{"radius": {**PLACE, **body}}]}


def filtered(text: object, layer: str = "schools") -> dict[str, Any]:
    return {"layer": layer, "filter": text}


def valued(*values: object, layer: str = "schools") -> dict[str, Any]:
    return {"layer": layer, "figures": {"values": list(values)}}


BAD: list[tuple[dict[str, Any], int, str, str]] = [
    ({}, 400, "layer", "Write 'layer'"),
    ({"layer": "school"}, 404, "layer", "school"),
    ({"layer": "schools-restricted"}, 404, "layer", "schools-restricted"),
    ({"layer": "schools", "wher": []}, 400, "wher", "Did you mean 'where'"),
    ({"layer": "schools", "where": {}}, 400, "where", "list"),
    ({"layer": "schools", "where": [{}]}, 400, "where[0]", "exactly one kind"),
    ({"layer": "schools", "where": [{"circle": {}}]}, 400, "where[0].circle", "Use: point, nearest"),
    ({"layer": "schools", "where": [{"point": [106, 10]}] * 21}, 400, "where", "0 to 20"),
    (radius(metres=0), 400, "where[0].radius.metres", "more than 0"),
    (radius(metres=-5), 400, "where[0].radius.metres", "more than 0"),
    (radius(metres=1e12), 400, "where[0].radius.metres", "at most 1000000"),
    (radius(metres="3000"), 400, "where[0].radius.metres", "Metres"),
    (radius(metres=True), 400, "where[0].radius.metres", "Metres"),
    (radius(metres=10**400), 400, "where[0].radius.metres", "at most"),
    (radius(miles=3), 400, "where[0].radius.miles", "Use: of, metres"),
    (radius(straight_line=False), 400, "where[0].radius.straight_line", "straight-line"),
    (radius(of=[10.1, 106.1]), 400, "where[0].radius.of", "look swapped"),
    (radius(of=[1106, 10]), 400, "where[0].radius.of", "outside"),
    (radius(of=[10**400, 10]), 400, "where[0].radius.of", "finite"),
    (radius(of=[106.1]), 400, "where[0].radius.of", "pair"),
    (radius(of=[106.1, 10.1, 5]), 400, "where[0].radius.of", "3D"),
    (radius(of=None), 400, "where[0].radius.of", "GeoJSON"),
    (radius(of={"layer": "clinic"}), 404, "where[0].radius.of.layer", "clinic"),
    (radius(of={"layer": "clinics", "filter": "beds >"}), 400, "where[0].radius.of.filter", "write a field name"),
    ({"layer": "schools", "where": [{"nearest": {"to": [106, 10], "k": 0}}]}, 400, "where[0].nearest.k", "1 to 1000"),
    ({"layer": "schools", "where": [{"nearest": {"to": [106, 10]}}] * 2}, 400, "where[1].nearest", "Only one"),
    (polygon([[106, 10], [106.1, 10.1], [106.1, 10], [106, 10.1], [106, 10]]), 400, "where[0].zone.geometry", "Self"),
    (polygon([]), 400, "where[0].zone.geometry", "empty"),
    (polygon(), 400, "where[0].zone.geometry", "empty"),
    (polygon(SQUARE[:-1]), 400, "where[0].zone.geometry", "not closed"),
    (polygon([[*place, 3.0] for place in SQUARE]), 400, "where[0].zone.geometry", "3D"),
    (zone({"type": "Point", "coordinates": [106, 10]}), 400, "where[0].zone.geometry", "A zone is a Polygon"),
    (zone({"type": "Circle"}), 400, "where[0].zone.geometry", "GeoJSON"),
    (zone({"type": "GeometryCollection", "geometries": []}), 400, "where[0].zone.geometry", "collection"),
    (zone("POLYGON EMPTY"), 400, "where[0].zone.geometry", "GeoJSON"),
    (zone({"layer": "roads"}), 400, "where[0].zone.geometry", "no polygons"),
    (zone({"layer": "communes"}, relation="crosses"), 400, "where[0].zone.relation", "Use one of"),
    (zone({"layer": "communes"}, parts=True), 400, "where[0].zone.parts", "no lines or polygons"),
    (zone({"layer": "communes"}, parts=True, relation="disjoint"), 400, "where[0].zone.parts", "no part inside"),
    ({"layer": "schools", "where": [{"route": {"line": {"type": "Point", "coordinates": [106, 10]}, "corridor_m": 5}}]},
     400, "where[0].route.line", "LineString"),
    ({"layer": "schools", "where": [{"boundary": {"units": [99901]}}]}, 400, "where[0].boundary.units[0]", "quote it"),
    ({"layer": "schools", "where": [{"boundary": {"units": []}}]}, 400, "where[0].boundary.units", "1 to 1000"),
    (filtered("level ="), 400, "filter", "write a field name"),
    (filtered("level = 'TH' AND"), 400, "filter", "write a field name"),
    (filtered("nothing = 1"), 400, "filter", "nothing"),
    (filtered("principal = 'Nguyễn Văn A'"), 400, "filter", "personal"),
    (filtered("owner_name = 'Trần Thị B'", "parcels"), 400, "filter", "personal"),
    (filtered("pupils = 'many'"), 400, "filter", ""),
    (filtered({"op": "~", "args": []}), 400, "filter", ""),
    (filtered({"op": "=", "args": [{"property": "principal"}, "x"]}), 400, "filter", "personal"),
    (filtered(7), 400, "filter", ""),
    ({**filtered("level = 'TH'"), "filter_lang": "ecql"}, 400, "filter_lang", "cql2-text"),
    ({"layer": "schools", "crs": "EPSG:27700"}, 400, "crs", "EPSG"),
    ({"layer": "schools", "crs": 4326}, 400, "crs", "text"),
    ({"layer": "schools", "coordinates_crs": "EPSG:6957"}, 400, "coordinates_crs", "EPSG:5897"),
    ({**radius(of=[10.1, 106.1]), "coordinates_crs": "EPSG:5897"}, 400, "where[0].radius.of", "degrees"),
    (valued({"op": "total"}), 400, "figures.values[0].op", "Use one of"),
    (valued({"op": "sum"}), 400, "figures.values[0].field", "field"),
    (valued({"op": "sum", "field": "name"}), 400, "figures.values[0].field", "'name' is text"),
    (valued({"op": "sum", "field": "pupil"}), 400, "figures.values[0].field", "Did you mean 'pupils'"),
    (valued({"op": "max", "field": "principal"}), 400, "figures.values[0].field", "personal"),
    (valued({"op": "area_m2"}), 400, "figures.values[0].op", "polygons"),
    (valued({"op": "part_area_m2"}), 400, "figures.values[0].op", "parts"),
    (valued({"op": "share", "of": "mean", "field": "pupils"}), 400, "figures.values[0].of", "share"),
    (valued({"op": "count"}, {"op": "count"}), 400, "figures.values[1]", "repeated"),
    ({"layer": "schools", "figures": {"by": ["principal"]}}, 400, "figures.by[0]", "personal"),
    ({"layer": "schools", "figures": {"by": ["levle"]}}, 400, "figures.by[0]", "Did you mean"),
    ({"layer": "schools", "figures": {"level": "district"}}, 400, "figures.level", "Use one of"),
    ({"layer": "schools", "features": {"limit": 0}}, 400, "features.limit", "1 to 10000"),
    ({"layer": "schools", "features": {"limit": 10_001}}, 400, "features.limit", "1 to 10000"),
    ({"layer": "schools", "features": {"cursor": "x"}}, 400, "features.cursor", "first page"),
    ({"layer": "schools", "features": {"properties": ["phone"]}}, 400, "features.properties[0]", "personal"),
    ({"layer": "schools", "format": "shp"}, 400, "format", "geojson, csv, json"),
    ({"layer": "schools", "revision": 99}, 404, "revision", "99"),
    ({"layer": "schools", "revision": 1, "at": "2025-07-01T00:00:00Z"}, 400, "at", "Remove one"),
    ({"layer": "schools", "at": "2025-07-01"}, 400, "at", "RFC 3339"),
    ({"layer": "schools", "at": "0001-01-01T00:00:00Z"}, 404, "at", ""),
    ({"layer": "schools", "format": "csv", "figures": {}, "features": True}, 400, "format", "CSV"),
]  # fmt: skip


class TestABadQuestion:
    @pytest.mark.parametrize(("question", "status", "parameter", "words"), BAD)
    def test_is_refused_with_its_place_and_a_remedy(
        self, asked: Service, question: dict[str, Any], status: int, parameter: str, words: str
    ) -> None:
        english = post(asked, question, **{"Accept-Language": "en"})
        vietnamese = post(asked, question, **{"Accept-Language": "vi-VN,vi;q=0.9,en;q=0.5"})
        for answer, language in ((english, "en"), (vietnamese, "vi")):
            assert answer.status_code == status, answer.text
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.headers["content-language"] == language
            assert answer.json()["parameter"] == parameter
            assert answer.json()["status"] == status
        assert words in english.json()["detail"]
        assert vietnamese.json()["detail"] != english.json()["detail"]

    @pytest.mark.parametrize(
        ("body", "words"),
        [
            (b"", "empty"),
            (b"{", "malformed at line:column 1:2"),
            (b'{"layer": "schools",}', "malformed"),
            (b'{"layer": NaN}', "NaN"),
            (b'{"layer": "schools", "where": [{"radius": {"of": [1, 2], "metres": Infinity}}]}', "Infinity"),
            (b'{"layer": "a", "layer": "b"}', "twice"),
            (b"[]", "object"),
            (b"null", "object"),
            (b'"schools"', "object"),
            (b'{"layer": "\xff"}', "UTF-8"),
            (b'{"layer": "schools", "filter": "name = \'\\ud800\'"}', "UTF-8"),
            (b'{"layer": "schools", "where": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "deep"),
            (b'{"layer": "schools", "revision": ' + b"9" * 5_000 + b"}", "digits"),
        ],
    )
    def test_of_other_than_json_is_refused(self, asked: Service, body: bytes, words: str) -> None:
        headers = {"Content-Type": "application/json", "Accept-Language": "en"}
        answer = asked.client.post("/api/query", content=body, headers=headers)
        assert answer.status_code == 400, answer.text
        assert words in answer.json()["detail"]
        assert answer.json()["parameter"]

    @pytest.mark.parametrize("depth", [70, 300])
    def test_nested_deeply_is_refused_everywhere(self, asked: Service, depth: int) -> None:
        deep: Any = {"property": "level"}
        for _ in range(depth):
            deep = {"op": "not", "args": [deep]}
        nest: Any = 1
        for _ in range(depth):
            nest = [nest]
        shape = {"type": "Polygon", "coordinates": nest}
        elsewhere = [
            {"layer": nest},
            {"layer": "schools", "where": nest},
            {"layer": "schools", "figures": {"by": nest}},
        ]
        for question in (filtered(deep), zone(shape), *elsewhere):
            answer = post(asked, question)
            assert answer.status_code == 400, answer.text
            assert answer.json()["parameter"]

    @pytest.mark.parametrize("media", ["text/plain", "application/xml", "multipart/form-data; boundary=x", "nonsense"])
    def test_of_another_media_type_is_refused(self, asked: Service, media: str) -> None:
        headers = {"Content-Type": media, "Accept-Language": "en"}
        answer = asked.client.post("/api/query", content=b'{"layer": "schools"}', headers=headers)
        assert answer.status_code == 415
        assert answer.json()["parameter"] == "Content-Type"
        assert "application/json" in answer.json()["detail"]

    def test_with_a_million_vertices_is_refused(self, asked: Service) -> None:
        ring = [[106 + index / 1e7, 10.0] for index in range(350_000)]
        answer = post(asked, polygon(ring), **{"Accept-Language": "en"})
        assert answer.status_code == 400
        assert "more than 20000 vertices" in answer.json()["detail"]
        ring = [[106.000001, 10.0]] * 1_000_000
        answer = post(asked, polygon(ring), **{"Accept-Language": "en"})
        assert (answer.status_code, answer.json()["type"]) == (413, "/problems/body-too-large")
        assert "Simplify" in answer.json()["detail"]

    @pytest.mark.parametrize(
        "question",
        [
            filtered("name = 'a\0b'"),
            filtered({"op": "=", "args": [{"property": "name"}, "a\0b"]}),
            filtered({"op": "=", "args": [{"property": "pupils"}, 10**30]}),
            filtered({"op": "=", "args": [{"property": "fid"}, 2**63]}),
            filtered({"op": ">", "args": [{"property": "pupils"}, 1e308]}),
            filtered("pupils * 1e308 > 1e308"),
            filtered("name LIKE '%\\'"),
            filtered("CASEI(name) = 'x'"),
            filtered({"op": "in", "args": [{"property": "level"}, []]}),
            {"layer": "schools", "features": {"properties": []}},
            {"layer": "schools", "features": {"cursor": "é"}},
            {"layer": "sch\0ools"},
            {"layer": "schools", "where": [{"radius": {"of": [180, 90], "metres": 1e6, "outside": True}}]},
            {"layer": "roads", "where": [{"radius": {"of": [180, 90], "metres": 1e6}}]},
            {"layer": "roads", "where": [{"radius": {"of": [-180, -90], "metres": 1e6, "outside": True}}]},
            {"layer": "parcels", "where": [{"nearest": {"to": [0, 90], "k": 3}}]},
            {"layer": "parcels", "where": [{"nearest": {"to": [-74, -89.99], "k": 3}}]},
            {"layer": "roads", "where": [{"route": {"corridor_m": 50_000, "line": {
                "type": "LineString", "coordinates": [[-179, -80], [179, 80]]}}}]},
        ],
    )  # fmt: skip
    def test_at_the_edge_of_what_a_database_holds_is_never_an_internal_error(
        self, asked: Service, question: dict[str, Any]
    ) -> None:
        answer = post(asked, question)
        assert answer.status_code in (200, 400, 404), answer.text
        if answer.status_code != 200:
            assert answer.json()["parameter"]

    @pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
    def test_other_methods_are_refused(self, asked: Service, method: str) -> None:
        answer = asked.client.request(method, "/api/query")
        assert answer.status_code == 405
        assert answer.headers["content-type"] == "application/problem+json"


class TestFormats:
    QUESTION: ClassVar = {"layer": "schools", "where": [{"radius": PLACE}], "features": {"limit": 20}}

    def test_geojson_is_a_feature_collection(self, asked: Service) -> None:
        answer = post(asked, {**self.QUESTION, "format": "geojson"})
        assert answer.headers["content-type"] == "application/geo+json"
        found = answer.json()
        assert found["type"] == "FeatureCollection"
        assert found["numberReturned"] == len(found["features"]) == 20
        assert found["question"]["where"][0]["radius"]["straight_line"] is True
        for feature in found["features"]:
            assert feature["geometry"]["type"] == "Point"
            assert feature["properties"]["distance_m"] <= 3000
        assert "principal" not in found["features"][0]["properties"]
        assert "coordRefSys" not in found

    def test_all_three_tell_the_same(self, asked: Service) -> None:
        geo = post(asked, {**self.QUESTION, "format": "geojson"}).json()
        rows = post(asked, {**self.QUESTION, "format": "json"}).json()
        table = post(asked, {**self.QUESTION, "format": "csv"})
        assert table.headers["content-type"] == "text/csv; charset=utf-8"
        lines = list(csv.DictReader(io.StringIO(table.content.decode("utf-8-sig"))))
        assert len(lines) == len(rows["features"]) == len(geo["features"])
        for line, row, feature in zip(lines, rows["features"], geo["features"], strict=True):
            assert {"fid": row["fid"], **feature["properties"], "geometry": feature["geometry"]} == row
            assert (line["fid"], float(line["distance_m"])) == (str(row["fid"]), row["distance_m"])
            assert line["geometry"].startswith("POINT(")
        assert {key: geo[key] for key in ("numberMatched", "layer", "units", "next_cursor")} == {
            key: rows[key] for key in ("numberMatched", "layer", "units", "next_cursor")
        }

    def test_csv_runs_no_formula(self, asked: Service) -> None:
        question = {"layer": "schools", "filter": "code = 'S0'", "format": "csv"}
        lines = list(csv.DictReader(io.StringIO(post(asked, question).content.decode("utf-8-sig"))))
        assert [line["name"] for line in lines] == ["'=1+1"]

    def test_csv_of_figures_is_their_table(self, asked: Service) -> None:
        question = {"layer": "schools", "figures": {"level": "commune"}, "features": False, "format": "csv"}
        lines = list(csv.DictReader(io.StringIO(post(asked, question).content.decode("utf-8-sig"))))
        assert [line["unit_code"] for line in lines] == [f"999{n:02d}" for n in range(1, 17)]
        assert sum(int(line["count"]) for line in lines) == 1500
        assert lines[15]["count"] == "0"

    def test_json_of_nothing_is_whole(self, asked: Service) -> None:
        found = post(asked, {"layer": "schools", "filter": "code = 'none'", "format": "json"}).json()
        assert (found["numberMatched"], found["features"], found["next_cursor"]) == (0, [], None)


class TestTheDescription:
    def test_in_openapi_has_a_schema_and_examples_that_fit_it(self, service: Service) -> None:
        document = service.client.get("/openapi.json").json()
        body = document["paths"]["/api/query"]["post"]["requestBody"]["content"]["application/json"]
        validator = jsonschema.Draft202012Validator(body["schema"])
        assert len(body["examples"]) >= 7
        for name, example in body["examples"].items():
            assert list(validator.iter_errors(example["value"])) == [], name
        kinds = {kind for item in body["examples"].values() for where in item["value"]["where"] for kind in where}
        assert kinds == {"point", "nearest", "radius", "zone", "route", "boundary"}
        assert list(validator.iter_errors({"layer": "schools", "where": [{"radius": {"of": [1, 2]}}]}))

    def test_examples_are_answered_and_find_something(self, service: Service) -> None:
        document = service.client.get("/openapi.json").json()
        body = document["paths"]["/api/query"]["post"]["requestBody"]["content"]["application/json"]
        for name, example in body["examples"].items():
            answer = post(service, example["value"])
            assert answer.status_code == 200, (name, answer.text)
            if example["value"].get("format") == "csv":
                assert answer.text.count("\n") > 1, name
            else:
                assert answer.json()["numberMatched"] > 0, name

    def test_stands_on_the_page_for_people(self, service: Service) -> None:
        page = service.client.get("/docs").text
        assert "/api/query" in page
        assert "corridor_m" in page


class TestAClientThatHasGone:
    def test_leaves_no_statement_behind(self, asked: Service, world: Database) -> None:
        dsn = world.superuser_dsn
        with psycopg.connect(dsn, autocommit=True) as connection, psycopg.connect(dsn) as holder:
            # The table is held, so that the question waits for as long as the client may.
            holder.execute("LOCK TABLE features.schools IN ACCESS EXCLUSIVE MODE")
            client = send_question(asked.url, {"layer": "schools", "where": [{"radius": PLACE}]})
            assert wait_until(lambda: waiting(connection) == 1), "the statement never began"
            client.close()
            left = time.monotonic()
            assert wait_until(lambda: waiting(connection) == 0), "the statement outlived its client"
            print(f"the statement was gone {time.monotonic() - left:.2f} s after its client")  # noqa: T201
            holder.rollback()
        assert post(asked, {"layer": "schools", "where": [{"radius": PLACE}]}).status_code == 200


def send_question(url: str, question: dict[str, Any]) -> socket.socket:
    parts = urlsplit(url)
    body = json.dumps(question).encode()
    client = socket.create_connection((parts.hostname, parts.port), timeout=10)
    head = f"POST /api/query HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/json\r\n"
    client.sendall(head.encode() + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
    return client


def waiting(connection: psycopg.Connection[Any]) -> int:
    row = connection.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active'"
        " AND application_name = 'diaban diaban_public' AND wait_event_type = 'Lock'"
    ).fetchone()
    assert row is not None
    return int(row[0])


def wait_until(holds: Any, seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.02)
    return False
