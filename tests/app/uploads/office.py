"""A service with people who are told by a header, a worker beside it, and files of its layers."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import geopandas as gpd
import httpx
import shapely
from fastapi import FastAPI
from sqlalchemy import text
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as ASGIScope

from app.database import Database
from app.resources import Principal
from app.settings import Settings
from app.worker import run_worker
from layers.access import Scope
from layers.definition import Definition
from layers.definition_reader import load_builtin
from layers.rights import Action
from tests.conftest import Service
from tests.layers.uploads.office import person

WAIT_S = 120
MISSION = ("parcels", "land-use-planning", "accommodation", "schools", "clinics", "ocop-producers")


@dataclass(frozen=True)
class Staff:
    """Who works at the service, by name in the header ``X-Person``."""

    unit: str
    other: str

    def people(self) -> dict[str, Scope]:
        return {
            "clerk": person("clerk", (Action.EDIT, self.unit)),
            "neighbour": person("neighbour", (Action.EDIT, self.other)),
            "steward": person("steward", (Action.APPROVE, None), (Action.PUBLISH, None)),
            "province": person("province", *((action, None) for action in Action)),
            "stranger": person("stranger"),
        }


class ByHeader:
    """Takes people at their word, in tests only."""

    def __init__(self, app: ASGIApp, people: dict[str, Scope]) -> None:
        self.app, self.people = app, people

    async def __call__(self, scope: ASGIScope, receive: Receive, send: Send) -> None:
        name = dict(scope.get("headers", [])).get(b"x-person", b"").decode()
        if name in self.people:
            found = self.people[name]
            scope["principal"] = Principal(found.subject, found.subject, found)
        await self.app(scope, receive, send)


def by_header(staff: Staff) -> Any:
    def adapt(app: FastAPI) -> None:
        app.add_middleware(ByHeader, people=staff.people())

    return adapt


def staff_of(database: Database) -> Staff:
    """Staff of the two communes with the most parcels."""
    with database.engine("diaban_owner").connect() as connection:
        units = connection.execute(
            text(
                "SELECT unit_code FROM catalogue.feature_counts WHERE slug = 'parcels' ORDER BY feature_count DESC,"
                " unit_code LIMIT 2"
            )
        ).scalars()
        return Staff(*units)


@contextmanager
def working(database: Database, settings: Settings) -> Iterator[None]:
    """A worker in a thread of this process."""
    loop, stop = asyncio.new_event_loop(), asyncio.Event()
    thread = threading.Thread(target=lambda: loop.run_until_complete(run_worker(database, settings, stop)))
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(30)
        loop.close()


@dataclass(frozen=True)
class Counter:
    """What people do at the service, in a word each."""

    service: Service
    staff: Staff

    def call(self, who: str, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {"X-Person": who, **more.pop("headers", {})}
        return self.service.client.request(method, path, headers=headers, **more)

    def send(
        self, layer: str, data: bytes, *, who: str = "clerk", name: str = "dữ liệu.geojson", **said: str
    ) -> dict[str, Any]:
        form = {"layer": layer, "unit_code": self.staff.unit, "mode": "replace", **said}
        answer = self.call(who, "POST", "/api/uploads", data=form, files={"file": (name, data)})
        assert answer.status_code == 202, answer.text
        return answer.json()  # type: ignore[no-any-return]

    def get(self, upload_id: str, who: str = "province") -> dict[str, Any]:
        answer = self.call(who, "GET", f"/api/uploads/{upload_id}")
        assert answer.status_code == 200, answer.text
        return answer.json()  # type: ignore[no-any-return]

    def wait(self, upload_id: str, *states: str) -> dict[str, Any]:
        deadline = time.monotonic() + WAIT_S
        while True:
            document = self.get(upload_id)
            if document["state"]["id"] in states:
                return document
            assert time.monotonic() < deadline, document
            time.sleep(0.1)

    def checked(self, layer: str, data: bytes, **said: str) -> dict[str, Any]:
        document = self.wait(self.send(layer, data, **said)["id"], "checked", "refused")
        assert document["state"]["id"] == "checked", document["problem"]
        assert document["report"]["is_ready"], document["report"]
        return document

    def step(self, who: str, upload_id: str, step: str, **body: object) -> dict[str, Any]:
        answer = self.call(who, "POST", f"/api/uploads/{upload_id}/{step}", json=body)
        assert answer.status_code in (200, 202), answer.text
        return answer.json()  # type: ignore[no-any-return]

    def carried(self, upload_id: str) -> dict[str, Any]:
        self.step("clerk", upload_id, "submit", confirm_deletions=True)
        self.step("steward", upload_id, "approve", digest=self.get(upload_id)["digest"])
        self.step("steward", upload_id, "publish")
        return self.wait(upload_id, "published", "submitted")


def unit_rows(database: Database, slug: str, unit: str, *, limit: int = 2000) -> gpd.GeoDataFrame:
    """A unit's features of a layer, as a clerk would have them in a file."""
    definition = definition_of(slug)
    names = ", ".join(f'"{field.name}"' for field in definition.public_fields)
    with database.engine("diaban_owner").connect() as connection:
        return gpd.read_postgis(
            text(
                f"SELECT {names}, geom AS geometry FROM features.{definition.table} WHERE unit_code = :unit"
                " ORDER BY fid LIMIT :limit"
            ),
            connection,
            geom_col="geometry",
            params={"unit": unit, "limit": limit},
        )


def definition_of(slug: str) -> Definition:
    return load_builtin()[slug]


def as_geojson(frame: gpd.GeoDataFrame) -> bytes:
    texts = {
        name: frame[name].map(lambda value: None if value is None or value != value else str(value))
        for name in frame.columns
        if name != "geometry" and frame[name].map(lambda value: isinstance(value, date)).any()
    }
    return frame.assign(**texts).to_json(drop_id=True).encode()


def nudged(shape: shapely.Geometry, metres: float = 30.0) -> shapely.Geometry:
    return shapely.affinity.translate(shape, metres / 111_000, 0)


def settings_of(state: Path, **more: Any) -> Settings:
    return Settings(state_dir=state, **more)
