"""Part 4: features changed over HTTP by an editor, and by nobody else."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest
from fastapi import FastAPI

from app.database import Database
from app.resources import Principal, get_principal, get_scope
from layers.access import Scope
from tests.conftest import Service, run_service

pytestmark = [pytest.mark.db, pytest.mark.ogc]
ITEMS = "/ogc/collections/schools/items"
PATCH = {"Content-Type": "application/merge-patch+json"}
GEOJSON = {"Content-Type": "application/geo+json"}


@pytest.fixture
def editing(database: Database, tmp_path: Path) -> Iterator[Service]:
    """A service whose every reader may edit."""

    scope = dataclasses.replace(Scope.local_admin(), subject="tester")

    def adapt(app: FastAPI) -> None:
        app.dependency_overrides[get_principal] = lambda: Principal("tester", "Người thử", scope)
        app.dependency_overrides[get_scope] = lambda: scope

    yield from run_service(database, tmp_path, adapt=adapt)


def read(service: Service, fid: int) -> httpx.Response:
    return service.client.get(f"{ITEMS}/{fid}", headers={"Accept": "application/geo+json"})


def first(service: Service) -> int:
    return service.client.get(ITEMS, params={"limit": 1}).json()["features"][0]["id"]


class TestEditor:
    def test_creates_changes_replaces_and_deletes_each_as_a_revision(self, editing: Service) -> None:
        model = read(editing, first(editing)).json()
        wanted = {**model, "properties": {**model["properties"], "code": "MOI-1", "name": "Trường Mới"}}
        created = editing.client.post(ITEMS, json=wanted, headers=GEOJSON)
        assert created.status_code == 201, created.text
        stored = editing.client.get(created.headers["location"], headers={"Accept": "application/geo+json"})
        assert stored.headers["etag"] == created.headers["etag"]
        fid = stored.json()["id"]
        assert fid != model["id"]
        assert stored.json()["properties"] == wanted["properties"]
        assert stored.json()["geometry"] == model["geometry"]

        match = {"If-Match": stored.headers["etag"]}
        patched = editing.client.patch(
            f"{ITEMS}/{fid}", json={"properties": {"name": "Đổi tên", "pupils": None}}, headers={**PATCH, **match}
        )
        assert patched.status_code == 204, patched.text
        after = read(editing, fid)
        assert after.headers["etag"] == patched.headers["etag"] != stored.headers["etag"]
        assert after.json()["properties"] == {**wanted["properties"], "name": "Đổi tên", "pupils": None}

        lean = {key: wanted["properties"][key] for key in ("code", "name", "level")}
        body = {"type": "Feature", "geometry": wanted["geometry"], "properties": lean}
        replaced = editing.client.put(
            f"{ITEMS}/{fid}", json=body, headers={**GEOJSON, "If-Match": after.headers["etag"]}
        )
        assert replaced.status_code == 204, replaced.text
        now = read(editing, fid)
        given = {name: value for name, value in now.json()["properties"].items() if value is not None}
        assert given.items() >= lean.items()
        assert set(given) == {*lean, "unit_code", "province_code"}

        gone = editing.client.delete(f"{ITEMS}/{fid}", headers={"If-Match": now.headers["etag"]})
        assert gone.status_code == 204, gone.text
        assert read(editing, fid).status_code == 404
        with psycopg.connect(editing.database.superuser_dsn) as db:
            kept = db.execute(
                "SELECT kind, author, inserted, updated, deleted FROM catalogue.revisions"
                " WHERE slug = 'schools' AND author = 'tester' ORDER BY revision"
            ).fetchall()
        assert kept == [("edit", "tester", *counts) for counts in ((1, 0, 0), (0, 1, 0), (0, 1, 0), (0, 0, 1))]

    def test_is_told_when_somebody_was_faster(self, editing: Service) -> None:
        fid = first(editing)
        seen = read(editing, fid).headers["etag"]
        change = {"properties": {"name": "Một"}}
        url = f"{ITEMS}/{fid}"
        assert editing.client.patch(url, json=change, headers=PATCH).status_code == 428
        assert editing.client.patch(url, json=change, headers={**PATCH, "If-Match": seen}).status_code == 204
        body = read(editing, fid).json()
        for tag in (seen, '"x"', 'W/"schools-1-1"', seen.replace("schools", "roads")):
            match = {"If-Match": tag}
            assert editing.client.patch(url, json=change, headers={**PATCH, **match}).status_code == 412, tag
            assert editing.client.put(url, json=body, headers={**GEOJSON, **match}).status_code == 412
            assert editing.client.delete(url, headers=match).status_code == 412
        assert read(editing, fid).json()["properties"]["name"] == "Một"
        anything = {**PATCH, "If-Match": "*"}
        assert editing.client.patch(url, json={"properties": {"name": "Hai"}}, headers=anything).status_code == 204

    def test_draws_in_vn2000(self, editing: Service) -> None:
        fid = first(editing)
        there = editing.client.get(f"{ITEMS}/{fid}", params={"crs": "EPSG:9215"}).json()["geometry"]
        east, north = there["coordinates"]
        before = read(editing, fid)
        uri = "<http://www.opengis.net/def/crs/EPSG/0/9215>"
        moved = {"geometry": {"type": "Point", "coordinates": [east + 10, north]}}
        headers = {**PATCH, "If-Match": before.headers["etag"], "Content-Crs": uri}
        assert editing.client.patch(f"{ITEMS}/{fid}", json=moved, headers=headers).status_code == 204
        now = editing.client.get(f"{ITEMS}/{fid}", params={"crs": "EPSG:9215"}).json()["geometry"]["coordinates"]
        assert now == pytest.approx([east + 10, north], abs=0.002)

    def test_learns_the_methods_from_options(self, editing: Service) -> None:
        assert "POST" in editing.client.options(ITEMS).headers["allow"]
        allowed = editing.client.options(f"{ITEMS}/1").headers["allow"].split(", ")
        assert {"PUT", "PATCH", "DELETE"} <= set(allowed)

    def test_is_refused_what_the_definition_refuses(self, editing: Service) -> None:
        fid = first(editing)
        match = {**PATCH, "If-Match": read(editing, fid).headers["etag"]}
        for patch in (
            {"properties": {"nosuch": 1}}, {"properties": {"level": "no such level"}}, {"properties": {"name": None}},
            {"properties": {"pupils": "many"}}, {"properties": []}, {"extra": 1},
            {"geometry": {"type": "Point", "coordinates": [500, 0]}},
            {"geometry": {"type": "LineString", "coordinates": [[107, 11], [107.1, 11]]}},
        ):  # fmt: skip
            response = editing.client.patch(f"{ITEMS}/{fid}", json=patch, headers=match)
            assert response.status_code == 400, (patch, response.text)
            assert response.headers["content-type"] == "application/problem+json"
        assert editing.client.post(ITEMS, content=b"{", headers=GEOJSON).status_code == 400
        assert editing.client.post(ITEMS, content=b"x", headers={"Content-Type": "text/plain"}).status_code == 400
        personal = editing.client.post(
            "/ogc/collections/parcels/items",
            json={"type": "Feature", "geometry": None, "properties": {"owner_name": "x"}},
            headers=GEOJSON,
        )
        assert personal.status_code == 400
        assert "owner_name" in personal.json()["detail"]


class TestEverybody:
    def test_may_not_edit(self, service: Service) -> None:
        url = f"{ITEMS}/{first(service)}"
        feature = {"type": "Feature", "geometry": None, "properties": {}}
        for method, where in (("POST", ITEMS), ("PUT", url), ("PATCH", url), ("DELETE", url)):
            response = service.client.request(method, where, json=feature)
            assert response.status_code == 401, method
            assert response.headers["content-type"] == "application/problem+json"
        for where in (ITEMS, url):
            assert service.client.options(where).headers["allow"] == "GET, HEAD, OPTIONS"
