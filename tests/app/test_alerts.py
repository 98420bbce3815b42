"""Alerts over HTTP and at the terminal: each sees those of own units, and does what own rights allow."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from app.database import Database
from app.resources import Principal
from app.settings import CHECKOUT
from layers.access import Grant, Scope
from layers.rights import Action, Area, Right
from scenarios.alerts.raising import apply_outcomes
from scenarios.outcomes import Outcome, Standing
from tests.conftest import Service, run_service
from tests.people import WHO, with_people
from tests.scenarios.alerts.outcomes import COMMUNE, fresh_place, hour, outcome
from tests.scenarios.notifying.cap_rules import SPACE, read_valid

pytestmark = pytest.mark.db
ELSEWHERE = "16000"
ACTORS = ["rules", "officer", "leader", "officer", "officer", "leader", "leader"]


def _person(subject: str, *actions: Action, unit: str = COMMUNE) -> Principal:
    grants = (Grant(Right(frozenset(actions), areas=frozenset({Area.ALERTS})), frozenset({unit})),) if actions else ()
    return Principal(subject, subject, Scope(subject, grants))


PEOPLE = {
    "reader": _person("reader", Action.READ),
    "officer": _person("officer", Action.READ, Action.EDIT),
    "leader": _person("leader", Action.READ, Action.EDIT, Action.APPROVE),
    "stranger": _person("stranger", Action.READ, Action.EDIT, Action.APPROVE, unit=ELSEWHERE),
    "guest": _person("guest"),
}


@dataclass(frozen=True)
class Desk:
    """The service as these people use it."""

    service: Service

    def get(self, who: str, path: str = "", **params: Any) -> httpx.Response:
        return self.service.client.get(f"/api/alerts{path}", params=params, headers={WHO: who})

    def act(self, who: str, alert: int, act: str, version: int, **more: Any) -> httpx.Response:
        step = {"act": act, "version": version, **more}
        return self.service.client.post(f"/api/alerts/{alert}/steps", json=step, headers={WHO: who})

    def ids(self, who: str, **params: Any) -> list[int]:
        return [alert["id"] for alert in self.get(who, **params).json()["alerts"]]

    def apply(self, *outcomes: Outcome) -> list[int]:
        engine = self.service.database.engine("diaban_writer")
        with engine.begin() as connection:
            raised = apply_outcomes(connection, outcomes, hour(100))
        engine.dispose()
        return [*raised.opened, *raised.updated]


@pytest.fixture(scope="module")
def desk(make_clone: Callable[[], Database], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    for service in run_service(make_clone(), tmp_path_factory.mktemp("state"), adapt=with_people(PEOPLE)):
        yield Desk(service)


@pytest.fixture
def alert(desk: Desk) -> int:
    """A fresh alert of the commune at version 1."""
    return desk.apply(outcome(fresh_place(), 1))[0]


@pytest.fixture
def far(desk: Desk) -> int:
    """A fresh alert of another commune."""
    return desk.apply(outcome(replace(fresh_place(), unit_code=ELSEWHERE), 1))[0]


class TestReading:
    def test_shows_alerts_of_the_readers_units_only(self, desk: Desk, alert: int, far: int) -> None:
        assert alert in desk.ids("reader")
        assert far not in desk.ids("reader")
        assert far in desk.ids("stranger")
        assert desk.ids("reader", unit=ELSEWHERE) == []

    def test_another_units_alert_is_as_absent_as_one_that_never_was(self, desk: Desk, far: int) -> None:
        hidden, missing = desk.get("reader", f"/{far}"), desk.get("reader", "/999999999")
        assert [hidden.status_code, missing.status_code] == [404, 404]
        assert hidden.json()["type"] == missing.json()["type"] == "/problems/alert-not-found"
        assert hidden.json()["detail"].replace(str(far), "N") == missing.json()["detail"].replace("999999999", "N")

    def test_goes_out_as_a_warning_to_whoever_may_read_it(self, desk: Desk, alert: int) -> None:
        answer = desk.get("reader", f"/{alert}/cap")
        assert answer.headers["content-type"].startswith("application/cap+xml")
        message = read_valid(answer.content)
        assert message.findtext(f"{SPACE}identifier", "").startswith("diaban.127.0.0.1.")
        assert desk.get("stranger", f"/{alert}/cap").status_code == 404
        assert desk.get("guest", "/999999999/cap").status_code == 404

    def test_needs_an_identity_and_a_right_somewhere(self, desk: Desk, alert: int) -> None:
        for path in ("", f"/{alert}"):
            assert desk.service.client.get(f"/api/alerts{path}").status_code == 401
        assert desk.get("guest").status_code == 403
        assert desk.get("guest", f"/{alert}").status_code == 404

    def test_pages_lead_to_every_alert_once_newest_first(self, desk: Desk) -> None:
        made = desk.apply(*(outcome(fresh_place(), 1) for _ in range(7)))
        seen: list[int] = []
        answer = desk.get("reader", limit=3, scenario="S04")
        while answer.json()["next"]:
            seen += [item["id"] for item in answer.json()["alerts"]]
            assert answer.links["next"]["url"] == answer.json()["next"]
            answer = desk.get("reader", **dict(httpx.URL(answer.json()["next"]).params))
        seen += [item["id"] for item in answer.json()["alerts"]]
        assert seen == sorted(set(seen), reverse=True)
        assert set(made) <= set(seen)

    def test_filters_hold_together(self, desk: Desk, alert: int) -> None:
        (other,) = desk.apply(replace(outcome(fresh_place(), 1), scenario="S05"))
        (closed,) = desk.apply(outcome(place := fresh_place(), 1))
        desk.apply(outcome(place, 2, Standing.CLEAR, since=2))
        assert desk.ids("reader", scenario="S05") == [other]
        assert closed in desk.ids("reader", standing="clear", state=["closed", "resolved"])
        assert not {alert, other} & set(desk.ids("reader", standing="clear"))
        assert closed not in desk.ids("reader", state=["open", "acknowledged"])
        assert desk.ids("reader", scenario="S05", state="closed") == []
        assert other in desk.ids("reader", unit=COMMUNE)

    def test_as_geojson_are_points_with_the_same_facts(self, desk: Desk, alert: int) -> None:
        (placeless,) = desk.apply(outcome(replace(fresh_place(), lon=None, lat=None), 1))
        answer = desk.get("reader", f="geojson", limit=2)
        assert answer.headers["content-type"] == "application/geo+json"
        nowhere, point = answer.json()["features"]
        assert (nowhere["id"], nowhere["geometry"]) == (placeless, None)
        assert (point["id"], point["geometry"]) == (alert, {"type": "Point", "coordinates": [105.8, 19.8]})
        assert (point["properties"]["level"], point["properties"]["state"]) == ("warning", "open")
        assert f"before={alert}" in answer.json()["links"][0]["href"]

    def test_one_alert_comes_with_evidence_and_steps(self, desk: Desk) -> None:
        place = fresh_place()
        (alert,) = desk.apply(outcome(place, 1))
        desk.apply(outcome(place, 3, value=30.0))
        found = desk.get("reader", f"/{alert}").json()
        assert [item["evidence"] for item in found["evidence"]] == [{"value": 21.0}, {"value": 30.0}]
        assert [step["act"] for step in found["steps"]] == ["opened", "updated"]
        assert (found["value"], found["threshold"], found["acts"]) == (30.0, 20.0, [])

    def test_an_answer_is_kept_by_no_cache(self, desk: Desk, alert: int) -> None:
        for answer in (desk.get("reader"), desk.get("reader", f"/{alert}")):
            assert answer.headers["cache-control"] == "no-store"

    @pytest.mark.parametrize(
        "query",
        [
            *("limit=0", "limit=1001", "before=0", "before=9223372036854775808", "state=lost", "standing=maybe"),
            *("unit=1654", "unit=%00", "scenario=%00", "scenario=", "f=xml"),
        ],
    )
    def test_bad_parameters_are_named(self, desk: Desk, query: str) -> None:
        answer = desk.service.client.get(f"/api/alerts?{query}", headers={WHO: "reader"})
        assert answer.status_code == 400
        assert answer.json()["parameter"].split(".")[0] == query.split("=")[0]

    @pytest.mark.parametrize("path", ["/0", "/x", "/9223372036854775808"])
    def test_no_number_of_an_alert_is_a_bad_parameter(self, desk: Desk, path: str) -> None:
        assert desk.get("reader", path).status_code == 400


class TestSteps:
    def test_lead_from_open_to_rated(self, desk: Desk, alert: int) -> None:
        assert desk.get("officer", f"/{alert}").json()["acts"] == ["acknowledge", "comment"]
        taken = [
            desk.act("officer", alert, "acknowledge", 1),
            desk.act("leader", alert, "assign", 2, assignee="officer"),
            desk.act("officer", alert, "start", 3),
            desk.act("officer", alert, "resolve", 4, comment="Đã thu gom rác."),
            desk.act("leader", alert, "close", 5),
            desk.act("leader", alert, "rate", 6, rating=4),
        ]
        assert [answer.status_code for answer in taken] == [200] * 6, [answer.text for answer in taken]
        final = taken[-1].json()
        assert final == desk.get("leader", f"/{alert}").json()
        assert (final["state"], final["version"], final["rating"]) == ("closed", 7, 4)
        assert [step["actor"] for step in final["steps"]] == ACTORS

    def test_of_two_people_at_once_the_second_gets_a_conflict(self, desk: Desk, alert: int) -> None:
        with ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(lambda who: desk.act(who, alert, "acknowledge", 1), ("officer", "leader")))
        assert sorted(answer.status_code for answer in answers) == [200, 409]
        (late,) = (answer for answer in answers if answer.status_code == 409)
        assert late.headers["content-type"] == "application/problem+json"
        assert late.json()["type"] == "/problems/alert-changed"
        assert len(desk.get("reader", f"/{alert}").json()["steps"]) == 2

    def test_out_of_order_is_a_conflict(self, desk: Desk, alert: int) -> None:
        answer = desk.act("leader", alert, "close", 1)
        assert (answer.status_code, answer.json()["type"]) == (409, "/problems/act-out-of-order")

    def test_need_the_right_in_the_alerts_unit(self, desk: Desk, alert: int) -> None:
        refused = [
            desk.act("reader", alert, "acknowledge", 1),
            desk.act("officer", alert, "assign", 1, assignee="officer"),
            desk.act("stranger", alert, "acknowledge", 1),
            desk.act("guest", alert, "acknowledge", 1),
            desk.service.client.post(f"/api/alerts/{alert}/steps", json={"act": "acknowledge", "version": 1}),
        ]
        assert [answer.status_code for answer in refused] == [403, 403, 404, 404, 401]
        after = desk.get("reader", f"/{alert}").json()
        assert (after["state"], after["version"], len(after["steps"])) == ("open", 1, 1)

    @pytest.mark.parametrize(
        ("step", "parameter"),
        [
            ({"act": "assign", "version": 1}, "assignee"),
            ({"act": "comment", "version": 1, "comment": "  "}, "comment"),
            ({"act": "comment", "version": 1, "comment": "a\x00"}, "comment"),
            ({"act": "comment", "version": 1, "comment": "a" * 4001}, "comment"),
            ({"act": "assign", "version": 1, "assignee": "ông A\x00"}, "assignee"),
            ({"act": "rate", "version": 1, "rating": 6}, "rating"),
            ({"act": "explode", "version": 1}, "act"),
            ({"act": "comment", "comment": "a"}, "version"),
            ({"act": "acknowledge", "version": 1, "state": "closed"}, "state"),
        ],
    )
    def test_wrong_ones_are_named_and_change_nothing(
        self, desk: Desk, alert: int, step: dict[str, object], parameter: str
    ) -> None:
        answer = desk.service.client.post(f"/api/alerts/{alert}/steps", json=step, headers={WHO: "leader"})
        assert (answer.status_code, answer.json()["parameter"].split(".")[-1]) == (400, parameter)
        assert desk.get("leader", f"/{alert}").json()["version"] == 1

    def test_a_lone_surrogate_is_no_text(self, desk: Desk, alert: int) -> None:
        body = r'{"act": "comment", "version": 1, "comment": "\ud800"}'
        headers = {WHO: "leader", "Content-Type": "application/json"}
        assert desk.service.client.post(f"/api/alerts/{alert}/steps", content=body, headers=headers).status_code == 400

    def test_each_is_an_event_with_the_actor_and_the_address(self, desk: Desk, alert: int) -> None:
        desk.act("officer", alert, "acknowledge", 1)
        with psycopg.connect(desk.service.database.superuser_dsn) as connection:
            (event,) = connection.execute(
                "SELECT actor, outcome, unit_code, source FROM audit.events"
                " WHERE action = 'alert_acknowledge' AND object_id = %s",
                [str(alert)],
            ).fetchall()
        assert event[:3] == ("officer", "done", COMMUNE)
        assert event[3].startswith("127.0.0.1:")


def test_commands_list_and_show(desk: Desk, alert: int, tmp_path: Path) -> None:
    database = desk.service.database
    (tmp_path / "external-database-secret").write_text(database.secret.hex())
    environment = os.environ | {
        "DATABASE_URL": database.superuser_dsn,
        "DIABAN_STATE_DIR": str(tmp_path),
        "COLUMNS": "240",
    }

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "app.cli", "alerts", *words]
        return subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, timeout=120)

    listed = run("list", "--state", "open", "--unit", COMMUNE, "--limit", "1").stdout
    assert str(alert) in listed
    assert "S04/node-rise" in listed
    shown = json.loads(run("show", str(alert), "--json").stdout)
    assert (shown["id"], shown["evidence"][0]["evidence"]) == (alert, {"value": 21.0})
