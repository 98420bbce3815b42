"""Personal values leave by one door only: in no other answer, file, log line or audit event is any of them found."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from urllib.parse import quote

import httpx
import psycopg
import pytest

from app.database import Database
from app.exports.run import Exporter
from app.resources import Principal
from layers.access import Grant, Scope
from layers.definition import Sensitivity
from layers.edit import UpdateFeature, edit_features
from layers.publish import ChangeNote
from layers.rights import Action, Area, Attributes, Right
from tests.conftest import Service, run_service
from tests.layers.ask_world import INTERNAL, SIZE, SOUTH, WEST
from tests.people import WHO, with_people

pytestmark = pytest.mark.db
MARK = "Nguyễn Thị Dấu Riêng"
NUMBER = "079099001234"
VALUES = {"owner_name": MARK, "owner_id_number": NUMBER, "owner_address": "12 Ngõ Kín Bưng"}
ALL = ",".join(str(edge) for edge in (WEST, SOUTH, WEST + SIZE, SOUTH + SIZE))
ITEMS = f"/ogc/collections/{INTERNAL}/items"
# Somebody with every right there is: what even they are not shown, nobody is.
RIGHT = Right(
    frozenset(Action),
    frozenset({INTERNAL}),
    frozenset(Sensitivity),
    frozenset(Area),
    attributes=Attributes.PERSONAL,
)
EVERYTHING = Principal("everything", "everything", Scope("everything", (Grant(RIGHT, None),)))
GETS = (
    *(f"{ITEMS}/1?f={form}" for form in ("json", "html", "jsonfg")),
    *(f"{ITEMS}?f={form}&limit=10" for form in ("json", "html", "jsonfg", "csv", "fgb")),
    f"{ITEMS}?f=json&bbox={ALL}&limit=5",
    f"{ITEMS}?f=json&properties=owner_name",
    f"{ITEMS}?f=json&sortby=owner_name",
    f"{ITEMS}?f=json&owner_name={quote(MARK)}",
    f"{ITEMS}?f=json&filter=owner_name%3D%27{quote(MARK)}%27",
    f"{ITEMS}?f=json&revision=1",
    *(f"/ogc/collections/{INTERNAL}{part}?f=json" for part in ("", "/queryables", "/schema", "/sortables")),
    f"/api/layers/{INTERNAL}",
    f"/api/layers/{INTERNAL}/revisions",
    f"/api/layers/{INTERNAL}/features/1/history",
    f"/api/layers/{INTERNAL}/features/1/personal",
    f"/api/search?q={quote(MARK)}",
    f"/tiles/{INTERNAL}.json",
    f"/tiles/{INTERNAL}/14/13011/7732.pbf",
    f"/tiles/{INTERNAL}/8/203/120.pbf",
    "/api/audit/events?limit=100",
    "/metrics",
    "/api/personal/counts",
)
QUESTIONS: tuple[dict[str, object], ...] = (
    {"features": {"limit": 20}, "format": "json"},
    {"features": {"limit": 20}, "format": "geojson"},
    {"features": {"limit": 20}, "format": "csv"},
    {"features": {"limit": 5, "properties": ["owner_name"]}, "format": "json"},
    {"figures": {"by": ["owner_name"], "values": [{"op": "count"}]}, "format": "json"},
    {"where": [{"filter": f"owner_name = '{MARK}'"}], "features": {"limit": 5}, "format": "json"},
)


@pytest.fixture(scope="module")
def service(
    copy_database: Callable[[str], Database], world_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    database = copy_database(world_template)
    engine = database.engine("diaban_owner")
    with engine.begin() as connection:
        edits = [UpdateFeature(fid, VALUES) for fid in range(1, 30)]
        edit_features(connection, INTERNAL, edits, note=ChangeNote("test"))
    engine.dispose()
    folder = tmp_path_factory.mktemp("state")
    yield from run_service(database, folder, adapt=with_people({"everything": EVERYTHING}))


def _holds(content: bytes) -> list[str]:
    """Which values are in there, in any of the ways that formats write them."""
    found = []
    for value in VALUES.values():
        forms = {value.encode(), json.dumps(value)[1:-1].encode(), quote(value).encode(), value.encode("utf-16-le")}
        found += [value for form in forms if form in content]
    return found


def _without_question(answer: httpx.Response, path: str) -> bytes:
    """An answer may repeat what was asked, as links and errors do: what the asker typed tells the asker nothing."""
    asked = [MARK.encode(), quote(MARK).encode()] if quote(MARK) in path else []
    content = answer.content
    for form in asked:
        content = content.replace(form, b"")
    return content


@pytest.mark.parametrize("path", GETS)
def test_no_answer_holds_them(service: Service, path: str) -> None:
    answer = service.client.get(path, headers={WHO: "everything"})
    assert answer.status_code < 500
    assert _holds(_without_question(answer, path)) == []


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: str(sorted(question)))
def test_no_question_finds_them(service: Service, question: dict[str, object]) -> None:
    answer = service.client.post("/api/query", json={"layer": INTERNAL, **question}, headers={WHO: "everything"})
    assert answer.status_code < 500
    content = answer.content if "where" not in question else answer.content.replace(MARK.encode(), b"")
    assert _holds(content) == []


@pytest.mark.parametrize("form", ["csv", "geojson", "gpkg", "fgb", "parquet", "shp"])
def test_no_file_holds_them(service: Service, form: str) -> None:
    body = {"layer": INTERNAL, "format": form}
    asked = service.client.post("/api/exports", json=body, headers={WHO: "everything"})
    exporter = Exporter(service.database, service.state / "exports", timedelta(hours=1))
    exporter.run(asked.json()["id"])
    file = service.client.get(f"/api/exports/{asked.json()['id']}/file", headers={WHO: "everything"})
    assert file.status_code == 200
    assert len(file.content) > 1000
    assert _holds(file.content) == []


def test_a_refused_change_does_not_repeat_them(service: Service) -> None:
    for properties in ({"owner_name": MARK * 100}, {"owner_id_number": NUMBER * 5}, {"owner_nam": MARK}):
        body = {"type": "Feature", "geometry": None, "properties": properties}
        answer = service.client.patch(f"{ITEMS}/1", json=body, headers={WHO: "everything", "If-Match": "*"})
        assert 400 <= answer.status_code < 500
        assert _holds(answer.content) == []


def test_opening_them_writes_them_into_no_log_and_no_trail(service: Service, capfd: pytest.CaptureFixture[str]) -> None:
    path, why = f"/api/layers/{INTERNAL}/features/2/personal", {"purpose": "inspection", "reason": f"Kiểm tra {MARK}"}
    answer = service.client.post(path, json=why, headers={WHO: "everything"})
    assert answer.json()["values"]["owner_name"] == MARK
    for wrong in ({**why, "purpose": MARK}, {**why, "reason": ""}, MARK):
        service.client.post(path, json=wrong, headers={WHO: "everything"})
    with psycopg.connect(service.database.superuser_dsn) as connection:
        row = connection.execute("SELECT string_agg(e::text, ' ') FROM audit.events e").fetchone()
    assert row is not None
    assert _holds(str(row[0]).encode()) == []
    logged = capfd.readouterr()
    assert _holds((logged.out + logged.err).encode()) == []
