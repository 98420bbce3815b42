"""Every act on an upload leaves its event, with the person and the address that it came from."""

from __future__ import annotations

import base64
from typing import Any

import psycopg
import pytest

from tests.app.test_audit_coverage import UPLOADS
from tests.app.uploads.office import Counter, as_geojson, unit_rows
from tests.app.uploads.test_tus import STREAM, TUS

pytestmark = pytest.mark.db
SLUG = "schools"


class Journey:
    """The acts, in an order in which each follows from those before; remembers what was done on which route."""

    def __init__(self, counter: Counter) -> None:
        self.counter = counter
        self.data = as_geojson(unit_rows(counter.service.database, SLUG, counter.staff.unit))
        self.told: dict[tuple[str, str], set[str]] = {}

    def act(self, route: tuple[str, str], who: str, path: str, **more: Any) -> Any:
        before = self._newest()
        answer = self.counter.call(who, route[0], path, **more)
        assert answer.status_code < 300, (route, answer.text)
        self.told[route] = self._events(before, who)
        return answer

    def step(self, who: str, upload_id: str, name: str, method: str = "POST", **body: Any) -> None:
        path = f"/api/uploads/{{upload_id}}/{name}".rstrip("/")
        self.act((method, path), who, path.format(upload_id=upload_id), json=body)

    def file(self) -> str:
        form = {"layer": SLUG, "unit_code": self.counter.staff.unit, "mode": "replace"}
        files = {"file": ("trường.geojson", self.data)}
        upload = self.act(("POST", "/api/uploads"), "clerk", "/api/uploads", data=form, files=files).json()
        self.counter.wait(upload["id"], "checked")
        return str(upload["id"])

    def begin(self) -> str:
        said = {"filename": "a.geojson", "layer": SLUG, "unit_code": self.counter.staff.unit, "mode": "replace"}
        metadata = ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in said.items())
        headers = {**TUS, "Upload-Length": str(len(self.data)), "Upload-Metadata": metadata}
        answer = self.act(("POST", "/api/uploads/tus"), "clerk", "/api/uploads/tus", headers=headers)
        return str(answer.headers["Location"]).removeprefix(self.counter.service.url)

    def _newest(self) -> int:
        return int(self._query("SELECT coalesce(max(id), 0) FROM audit.events", [])[0][0])

    def _events(self, before: int, who: str) -> set[str]:
        rows = self._query("SELECT action, source FROM audit.events WHERE id > %s AND actor = %s", [before, who])
        assert all(source and source.startswith("127.0.0.1:") for _, source in rows), rows
        return {action for action, _ in rows}

    def _query(self, statement: str, values: list[object]) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.counter.service.database.superuser_dsn) as connection:
            return connection.execute(statement.encode(), values).fetchall()


def _send_bytes(journey: Journey, path: str) -> None:
    headers = {**STREAM, "Upload-Offset": "0"}
    journey.act(("PATCH", "/api/uploads/tus/{upload_id}"), "clerk", path, headers=headers, content=journey.data)


def test_every_route_leaves_its_event(counter: Counter) -> None:
    journey = Journey(counter)
    upload_id = journey.file()
    journey.step("clerk", upload_id, "", "PATCH", mode="upsert")
    counter.wait(upload_id, "checked")
    journey.step("clerk", upload_id, "comments", comment="Xin xem giúp.")
    journey.step("clerk", upload_id, "submit")
    journey.step("steward", upload_id, "send-back", comment="Thiếu một trường.")
    journey.step("clerk", upload_id, "submit")
    journey.step("steward", upload_id, "approve", digest=counter.get(upload_id)["digest"])
    journey.step("steward", upload_id, "publish")
    counter.wait(upload_id, "published")
    body = {"layer": SLUG, "unit_code": counter.staff.unit, "revision": 0, "reason": "Sai tên trường"}
    back = journey.act(("POST", "/api/uploads/reverts"), "clerk", "/api/uploads/reverts", json=body).json()
    counter.wait(back["id"], "checked")
    journey.step("clerk", back["id"], "withdraw")
    _send_bytes(journey, journey.begin())
    journey.act(("DELETE", "/api/uploads/tus/{upload_id}"), "clerk", journey.begin(), headers=TUS)
    by_post = {**TUS, "X-HTTP-Method-Override": "DELETE"}
    journey.act(("POST", "/api/uploads/tus/{upload_id}"), "clerk", journey.begin(), headers=by_post)
    assert journey.told == UPLOADS
