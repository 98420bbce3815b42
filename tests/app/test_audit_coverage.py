"""Every route that changes something leaves exactly one event; a route that nobody thought of fails here."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import psycopg
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from app.database import Database
from app.main import create_app
from app.resources import Principal, get_principal, get_scope, require_principal
from app.settings import Settings
from layers.access import Scope
from scenarios.alerts.raising import apply_outcomes
from tests.conftest import Service, run_service
from tests.scenarios.alerts.outcomes import fresh_place, hour, outcome

pytestmark = pytest.mark.db
SCHOOL = "/ogc/collections/schools/items"
# Routes that only answer, though a question comes in a body.
QUESTIONS = {
    ("POST", "/api/query"),
    ("POST", "/api/report-maps/question"),
    ("POST", "/api/rasters/{slug}/figures"),
    ("POST", "/api/layers/check"),
    ("POST", "/api/layers/{slug}/style/preview"),
    ("POST", "/report/state"),
}
# Opening personal values needs somebody with a right that no operator has: tests/app/test_personal.py does.
PERSONAL: dict[tuple[str, str], str] = {
    ("POST", "/api/layers/{slug}/features/{fid}/personal"): "personal_data_viewed",
}
# Signing in and what an account's holder does needs a session: tests/app/identity looks at their events.
ACCOUNT = {
    ("POST", "/api/session"),
    ("DELETE", "/api/session"),
    ("POST", "/api/account/password"),
    ("POST", "/api/account/tokens"),
    ("POST", "/api/account/second-factor"),
    ("PUT", "/api/account/second-factor"),
    ("POST", "/account/second-factor"),
    ("POST", "/account/second-factor/confirm"),
    ("DELETE", "/api/account/tokens/{token_id}"),
    ("POST", "/signin"),
    ("POST", "/signout"),
    ("POST", "/account/password"),
    ("POST", "/account/tokens"),
    ("POST", "/account/tokens/{token_id}/revoke"),
    # tests/app/sending/test_pages.py looks at these.
    ("POST", "/account/channels"),
    ("POST", "/account/channels/{channel_id}/remove"),
}
# What the sender of a file and those who decide on it do needs several people and a worker beside the service:
# tests/app/uploads/test_audit.py does each, and compares the events with these.
UPLOADS: dict[tuple[str, str], set[str]] = {
    ("POST", "/api/uploads"): {"upload_receiving", "upload_received"},
    ("PATCH", "/api/uploads/{upload_id}"): {"upload_received"},
    ("POST", "/api/uploads/{upload_id}/comments"): {"upload_commented"},
    ("POST", "/api/uploads/{upload_id}/submit"): {"upload_submitted"},
    ("POST", "/api/uploads/{upload_id}/send-back"): {"upload_sent_back"},
    ("POST", "/api/uploads/{upload_id}/approve"): {"upload_approved"},
    ("POST", "/api/uploads/{upload_id}/publish"): {"upload_publishing"},
    ("POST", "/api/uploads/{upload_id}/withdraw"): {"upload_withdrawn"},
    ("POST", "/api/uploads/reverts"): {"upload_received"},
    ("POST", "/api/uploads/tus"): {"upload_receiving"},
    ("PATCH", "/api/uploads/tus/{upload_id}"): {"upload_received"},
    ("DELETE", "/api/uploads/tus/{upload_id}"): {"upload_withdrawn"},
    ("POST", "/api/uploads/tus/{upload_id}"): {"upload_withdrawn"},
}
# What administrators do to accounts and rights needs several accounts: tests/app/test_people.py compares the events.
PEOPLE: dict[tuple[str, str], str] = {
    ("POST", "/api/people"): "account_created",
    ("POST", "/api/people/{account_id}/disable"): "account_disabled",
    ("POST", "/api/people/{account_id}/enable"): "account_active",
    ("POST", "/api/people/{account_id}/password"): "password_reset",
    ("DELETE", "/api/people/{account_id}/second-factor"): "second_factor_removed",
    ("POST", "/api/grants"): "right_given",
    ("DELETE", "/api/grants/{grant_id}"): "right_taken",
}
# Who sent a report, what a sender thinks of the answer and photos need more: tests/app/reports looks at their events.
REPORTS: dict[tuple[str, str], str] = {
    ("POST", "/api/reports/{number}/rating"): "report_rated",
    ("POST", "/api/reports/{number}/reporter"): "reporter_opened",
    ("POST", "/api/photos"): "photos_added",
    ("POST", "/report"): "report_received",
    ("POST", "/report/rating"): "report_rated",
}
# Proposing and deciding on scenarios needs two people: tests/app/test_scenario_revisions.py compares the events.
DECISIONS: dict[tuple[str, str], str] = {
    ("POST", "/api/scenarios/{code}/revisions"): "scenario_proposed",
    ("POST", "/api/scenarios/{code}/revisions/{version}/approve"): "scenario_approved",
    ("POST", "/api/scenarios/{code}/revisions/{version}/refuse"): "scenario_refused",
    ("POST", "/api/scenarios/{code}/revisions/{version}/withdraw"): "scenario_withdrawn",
}
# Where notifications go: tests/app/sending/test_channels.py compares the events.
CHANNELS: dict[tuple[str, str], str] = {
    ("POST", "/api/channels"): "channel_added",
    ("DELETE", "/api/channels/{channel_id}"): "channel_removed",
    ("POST", "/api/channels/{channel_id}/test"): "channel_tried",
    ("POST", "/api/deliveries/{delivery_id}/resend"): "delivery_resent",
}
# What a reader has read is nobody else's matter.
OWN = {("POST", "/api/notices/read")}
Act = Callable[[httpx.Client], httpx.Response]


def _export(client: httpx.Client) -> httpx.Response:
    return client.post("/api/exports", json={"layer": "schools", "format": "csv"})


def _ask(client: httpx.Client) -> httpx.Response:
    inputs = {"layer": "schools", "figures": {"values": [{"op": "count"}]}, "format": "json"}
    return client.post("/ogc/processes/ask_map/execution", json={"inputs": inputs}, headers={"Prefer": "respond-async"})


def _dismiss(client: httpx.Client) -> httpx.Response:
    (waiting, *_) = client.get("/ogc/jobs", params={"status": "accepted"}).json()["jobs"]
    return client.delete(f"/ogc/jobs/{waiting['jobID']}")


def _first(client: httpx.Client) -> dict[str, object]:
    found: dict[str, object] = client.get(SCHOOL, params={"limit": 1, "f": "json"}).json()["features"][0]
    return found


def _create(client: httpx.Client) -> httpx.Response:
    feature = _first(client)
    properties = {**feature["properties"], "code": "NEW-1"}  # type: ignore[dict-item]
    return client.post(SCHOOL, json={"type": "Feature", "geometry": feature["geometry"], "properties": properties})


def _acknowledge(client: httpx.Client) -> httpx.Response:
    """Wants the one alert that the service was given."""
    (alert,) = client.get("/api/alerts").json()["alerts"]
    step = {"act": "acknowledge", "version": alert["version"]}
    return client.post(f"/api/alerts/{alert['id']}/steps", json=step)


def _take_task(client: httpx.Client) -> httpx.Response:
    """Wants the task of that alert."""
    (task,) = client.get("/api/tasks", params={"state": "open"}).json()["tasks"]
    return client.post(f"/api/tasks/{task['id']}/steps", json={"act": "take", "version": task["version"]})


def _report(client: httpx.Client) -> httpx.Response:
    communes = client.get("/ogc/collections/communes/items", params={"limit": 1, "f": "json"}).json()
    unit = communes["features"][0]["properties"]["code"]
    return client.post("/api/reports", json={"kind": "waste", "text": "Rác đổ trộm", "unit_code": unit})


def _route_report(client: httpx.Client) -> httpx.Response:
    """Wants the report that was sent."""
    (report,) = client.get("/api/reports").json()["reports"]
    step = {"act": "route", "version": report["version"]}
    return client.post(f"/api/reports/{report['number']}/steps", json=step)


def _restyle(client: httpx.Client) -> httpx.Response:
    layer = client.get("/api/layers/schools").json()
    style = {**layer["definition"]["style"], "color": "#123456"}
    return client.put("/api/layers/schools/style", json=style, headers={"If-Match": f'"{layer["definition_version"]}"'})


def _retry(client: httpx.Client) -> httpx.Response:
    """Wants a job that has failed."""
    (failed, *_) = client.get("/api/jobs", params={"status": "failed"}).json()["jobs"]
    return client.post(f"/api/jobs/{failed['id']}/retry")


def _send(path: str) -> Act:
    def act(client: httpx.Client) -> httpx.Response:
        communes = client.get("/ogc/collections/communes/items", params={"limit": 1, "f": "json"}).json()
        unit = communes["features"][0]["properties"]["code"]
        row = {"indicator": "documents-late-share", "place": unit, "at": "2026-03-02T09:00:00+07:00", "value": 6.5}
        return client.post(path, json={"observations": [row]})

    return act


def _sense(client: httpx.Client) -> httpx.Response:
    communes = client.get("/ogc/collections/communes/items", params={"limit": 1, "f": "json"}).json()
    stream = f"documents-late-share/{communes['features'][0]['properties']['code']}"
    entity = {"result": 7.5, "phenomenonTime": "2026-03-03T02:00:00Z", "Datastream": {"@iot.id": stream}}
    return client.post("/api/sensorthings/v1.1/Observations", json=entity)


def _change(method: str) -> Act:
    def act(client: httpx.Client) -> httpx.Response:
        feature = _first(client)
        address = f"{SCHOOL}/{feature['id']}"
        body: dict[str, object] | None = None
        if method == "PATCH":
            body = {"properties": {"name": "Trường đổi tên"}}
        elif method == "PUT":
            properties = {**feature["properties"], "name": "Trường thay"}  # type: ignore[dict-item]
            body = {"type": "Feature", "geometry": feature["geometry"], "properties": properties}
        return client.request(method, address, json=body, headers={"If-Match": "*"})

    return act


ACTS: dict[tuple[str, str], tuple[Act, str]] = {
    ("POST", "/api/exports"): (_export, "export_requested"),
    ("POST", "/ogc/processes/{process_id}/execution"): (_ask, "ask_requested"),
    ("DELETE", "/ogc/jobs/{job_id}"): (_dismiss, "job_dismissed"),
    ("POST", "/ogc/collections/{collection_id}/items"): (_create, "layer_edited"),
    ("PUT", "/ogc/collections/{collection_id}/items/{feature_id}"): (_change("PUT"), "layer_edited"),
    ("PATCH", "/ogc/collections/{collection_id}/items/{feature_id}"): (_change("PATCH"), "layer_edited"),
    ("DELETE", "/ogc/collections/{collection_id}/items/{feature_id}"): (_change("DELETE"), "layer_edited"),
    ("PUT", "/api/layers/{slug}/style"): (_restyle, "style_changed"),
    ("POST", "/api/jobs/{job_id}/retry"): (_retry, "job_retried"),
    ("POST", "/api/alerts/{alert_id}/steps"): (_acknowledge, "alert_acknowledge"),
    ("POST", "/api/observations"): (_send("/api/observations"), "observations_recorded"),
    ("POST", "/api/sensorthings/v1.1/Observations"): (_sense, "observations_recorded"),
    ("POST", "/api/targets"): (_send("/api/targets"), "targets_recorded"),
    ("POST", "/api/tasks/{task_id}/steps"): (_take_task, "task_take"),
    ("POST", "/api/reports"): (_report, "report_received"),
    ("POST", "/api/reports/{number}/steps"): (_route_report, "report_route"),
}


def api_routes(routes: Iterable[object]) -> Iterator[APIRoute]:
    """Routes of the application and of the routers that it includes."""
    for route in routes:
        if isinstance(route, APIRoute):
            yield route
        included = getattr(route, "original_router", None)
        if included is not None:
            yield from api_routes(included.routes)


def _changing_routes(app: FastAPI) -> set[tuple[str, str]]:
    methods = {"POST", "PUT", "PATCH", "DELETE"}
    return {(method, route.path) for route in api_routes(app.routes) for method in (route.methods or set()) & methods}


def test_every_changing_route_is_in_the_table() -> None:
    told = set(ACTS) | set(UPLOADS) | set(PEOPLE) | set(REPORTS) | set(DECISIONS) | set(CHANNELS)
    told |= set(PERSONAL)
    assert _changing_routes(create_app(Settings())) - QUESTIONS - ACCOUNT - OWN == told


@pytest.fixture
def editing(database: Database, tmp_path: Path) -> Iterator[Service]:
    """A service in which everybody is an editor."""

    def adapt(app: FastAPI) -> None:
        tester = Principal("tester", "Người thử", replace(Scope.local_admin(), subject="tester"))
        app.dependency_overrides[require_principal] = lambda: tester
        app.dependency_overrides[get_principal] = lambda: tester
        app.dependency_overrides[get_scope] = lambda: tester.scope

    yield from run_service(database, tmp_path, adapt=adapt)


def _events(database: Database, since: int) -> list[tuple[str, str, str | None]]:
    with psycopg.connect(database.superuser_dsn) as connection:
        rows = connection.execute(
            "SELECT action, outcome, source FROM audit.events WHERE id > %s ORDER BY id", [since]
        ).fetchall()
    return [(row[0], row[1], row[2]) for row in rows]


def _newest(database: Database) -> int:
    with psycopg.connect(database.superuser_dsn) as connection:
        row = connection.execute("SELECT coalesce(max(id), 0) FROM audit.events").fetchone()
    assert row is not None
    return int(row[0])


def _raise_alert(database: Database) -> None:
    engine = database.engine("diaban_writer")
    with engine.begin() as connection:
        apply_outcomes(connection, [outcome(fresh_place(), 1)], hour(1))
    engine.dispose()


def _fail_job(database: Database) -> None:
    with psycopg.connect(database.superuser_dsn) as connection:
        connection.execute(
            "INSERT INTO jobs.jobs (id, kind, status, request, scope) VALUES"
            " (gen_random_uuid(), 'export', 'failed', '{}', '{}')"
        )


def test_each_leaves_one_event_with_address_and_port(editing: Service) -> None:
    _raise_alert(editing.database)
    _fail_job(editing.database)
    found = {}
    for route, (act, _) in ACTS.items():
        before = _newest(editing.database)
        answer = act(editing.client)
        assert answer.status_code < 300, (route, answer.text)
        found[route] = [(action, outcome) for action, outcome, _ in _events(editing.database, before)]
        sources = [source for _, _, source in _events(editing.database, before)]
        assert all(source and source.startswith("127.0.0.1:") for source in sources), (route, sources)
    assert found == {route: [(action, "done")] for route, (_, action) in ACTS.items()}


def test_what_is_refused_changes_nothing_and_leaves_no_event_of_success(editing: Service) -> None:
    before = _newest(editing.database)
    refused = editing.client.post(SCHOOL, json={"type": "Feature", "geometry": None, "properties": {}})
    assert refused.status_code == 400
    assert _events(editing.database, before) == []


class TestReading:
    """``GET /api/audit``."""

    @pytest.fixture
    def reading(self, database: Database, tmp_path: Path) -> Iterator[Service]:
        """A service whose reader is the operator, or nobody special by ``?as=guest``."""

        def adapt(app: FastAPI) -> None:
            operator = Principal("local-admin", "Quản trị", Scope.local_admin())
            app.dependency_overrides[require_principal] = lambda: operator
            app.dependency_overrides[get_principal] = lambda: operator

        yield from run_service(database, tmp_path, adapt=adapt)

    def test_pages_lead_to_every_event_once(self, reading: Service) -> None:
        seen: list[int] = []
        url: str | None = "/api/audit?limit=70"
        while url:
            page = reading.client.get(url).json()
            seen += [event["id"] for event in page["events"]]
            url = page["next"]
        assert seen == sorted(set(seen), reverse=True)
        assert len(seen) == _newest(reading.database)

    def test_filters_hold_together(self, reading: Service) -> None:
        found = reading.client.get("/api/audit", params={"action": "layer_published", "object_id": "schools"}).json()
        assert {(event["action"], event["object_id"]) for event in found["events"]} == {("layer_published", "schools")}
        assert reading.client.get("/api/audit", params={"since": "2099-01-01T00:00:00Z"}).json()["events"] == []

    def test_csv_is_an_export_with_an_event_and_no_formulas(self, reading: Service) -> None:
        with psycopg.connect(reading.database.superuser_dsn) as connection:
            connection.execute(
                "SELECT audit.record_event('=1+1', 'signed_in', 'account', 'x', 'done', NULL, NULL, '{}')"
            )
        answer = reading.client.get("/api/audit", params={"f": "csv", "limit": 2})
        assert answer.headers["content-type"].startswith("text/csv")
        assert "'=1+1" in answer.text
        newest = reading.client.get("/api/audit", params={"limit": 1}).json()["events"][0]
        assert (newest["action"], newest["detail"]) == ("audit_exported", {"events": 2})

    @pytest.mark.parametrize(
        "query", ["limit=0", "limit=1001", "since=2026-01-01", "outcome=maybe", "before=x", "f=xml"]
    )
    def test_bad_parameters_are_named(self, reading: Service, query: str) -> None:
        answer = reading.client.get(f"/api/audit?{query}")
        assert answer.status_code == 400
        assert answer.json()["parameter"] == query.split("=")[0]

    def test_nobody_reads_without_an_identity(self, service: Service) -> None:
        assert service.client.get("/api/audit").status_code == 401


def test_a_refusal_for_want_of_a_right_is_an_event(database: Database, tmp_path: Path) -> None:
    def adapt(app: FastAPI) -> None:
        guest = Principal("account-7", "Khách", Scope.public())
        app.dependency_overrides[require_principal] = lambda: guest
        app.dependency_overrides[get_principal] = lambda: guest

    for service in run_service(database, tmp_path, adapt=adapt):
        before = _newest(database)
        answer = service.client.get("/api/audit", headers={"X-Forwarded-For": "203.0.113.9"})
        assert answer.status_code == 403
        found = _events(database, before)
        assert [(action, outcome) for action, outcome, _ in found] == [("access_refused", "refused")]
        # Nobody is believed who says to speak for another address.
        assert str(found[0][2]).startswith("127.0.0.1:")
        with psycopg.connect(database.superuser_dsn) as connection:
            row = connection.execute(
                "SELECT object_id, detail::text FROM audit.events ORDER BY id DESC LIMIT 1"
            ).fetchone()
        assert row is not None
        assert row[0] == "@audit"
        assert json.loads(row[1]) == {"action": "read", "method": "GET", "route": "/api/audit"}
