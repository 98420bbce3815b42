"""Tasks over HTTP: each sees those of own units and those handed over, and does what own rights allow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from app.database import Database
from app.resources import Principal
from app.settings import Settings
from app.worker_tasks import periodic_steps
from layers.access import Grant, Scope
from layers.rights import Action, Area, Right
from scenarios.alerts.raising import apply_outcomes
from scenarios.outcomes import Level, Outcome, Standing
from tests.conftest import Service, run_service
from tests.people import WHO, with_people
from tests.scenarios.alerts.outcomes import COMMUNE, fresh_place

pytestmark = pytest.mark.db


def _person(subject: str, *actions: Action, unit: str = COMMUNE) -> Principal:
    grants = (Grant(Right(frozenset(actions), areas=frozenset({Area.ALERTS})), frozenset({unit})),) if actions else ()
    return Principal(subject, subject, Scope(subject, grants))


PEOPLE = {
    "officer": _person("officer", Action.READ, Action.EDIT),
    "leader": _person("leader", Action.READ, Action.EDIT, Action.APPROVE),
    "stranger": _person("stranger", Action.READ, Action.EDIT, Action.APPROVE, unit="16000"),
    "guest": _person("guest"),
}


@pytest.fixture(scope="module")
def service(make_clone: Callable[[], Database], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    yield from run_service(make_clone(), tmp_path_factory.mktemp("state"), adapt=with_people(PEOPLE))


def _ask(service: Service, who: str, path: str = "", **params: str | int | bool) -> httpx.Response:
    return service.client.get(f"/api/tasks{path}", params=params, headers={WHO: who})


def _act(service: Service, who: str, task: int, act: str, version: int, **more: str) -> httpx.Response:
    body = {"act": act, "version": version, **more}
    return service.client.post(f"/api/tasks/{task}/steps", json=body, headers={WHO: who})


def _raise(service: Service, scenario: str, ago: timedelta = timedelta()) -> int:
    at = datetime.now(UTC) - ago
    engine = service.database.engine("diaban_writer")
    with engine.begin() as connection:
        found = Outcome(scenario, "T16", 1, fresh_place(), Standing.HOLDS, Level.WARNING, at, at)
        (alert,) = apply_outcomes(connection, [found], at).opened
    engine.dispose()
    return alert


def test_the_next_step_opens_when_the_one_before_is_done(service: Service) -> None:
    alert = _raise(service, "S12")
    first, *rest = _ask(service, "officer", alert=alert).json()["tasks"]
    assert {task["step"]: task["state"] for task in [first, *rest]} == {
        "watch": "open", "receive": "open", "assign": "waiting", "handle": "waiting", "reply": "waiting",
        "rate": "waiting",
    }  # fmt: skip
    assert {task["step"]: task["acts"] for task in [first, *rest]}["assign"] == ["comment"]
    (receive,) = [task for task in [first, *rest] if task["step"] == "receive"]
    done = _act(service, "officer", receive["id"], "finish", receive["version"], comment="Rác thải").json()
    assert (done["state"], done["steps"][-1]["comment"]) == ("done", "Rác thải")
    states = {task["step"]: task["state"] for task in _ask(service, "officer", alert=alert).json()["tasks"]}
    assert states["assign"] == "open"


def test_another_units_task_is_absent_and_a_version_that_is_over_is_a_conflict(service: Service) -> None:
    alert = _raise(service, "S11")
    (task,) = [t for t in _ask(service, "leader", alert=alert).json()["tasks"] if t["step"] == "extract"]
    assert _ask(service, "stranger", f"/{task['id']}").status_code == 404
    assert _act(service, "stranger", task["id"], "take", task["version"]).status_code == 404
    assert _ask(service, "guest", alert=alert).json() == {"tasks": [], "total": 0}
    assert _ask(service, "leader", f"/{2**62}").json()["type"] == "/problems/task-not-found"
    assert _act(service, "officer", task["id"], "take", task["version"]).status_code == 200
    again = _act(service, "leader", task["id"], "take", task["version"])
    assert (again.status_code, again.json()["type"]) == (409, "/problems/task-changed")
    assert service.client.get("/api/tasks").status_code == 401


def test_the_worker_reports_a_late_task_and_the_counts_say_so(service: Service) -> None:
    before = _ask(service, "leader", "/counts").json()["units"]
    alert = _raise(service, "S04", ago=timedelta(days=9))
    (late,) = _ask(service, "officer", alert=alert, late=True).json()["tasks"]
    assert (late["is_late"], late["rung"]) == (True, "officer")
    settings = Settings(DATABASE_URL=service.database.superuser_dsn)
    for step in periodic_steps(service.database, settings, service.database.engine("diaban_writer")):
        if step.name == "tasks_escalated":
            step.run()
    assert _ask(service, "officer", f"/{late['id']}").json()["rung"] == "office"
    after = _ask(service, "leader", "/counts").json()["units"]
    assert sum(unit["late"] for unit in after) == sum(unit["late"] for unit in before) + 1


@pytest.mark.parametrize(
    "body",
    [
        {"act": "finish"},
        {"act": "fly", "version": 1},
        {"act": "finish", "version": 1, "comment": "a\x00"},
        {"act": "take", "version": 1, "more": 1},
    ],
)
def test_a_malformed_act_is_refused(service: Service, body: dict[str, object]) -> None:
    answer = service.client.post("/api/tasks/1/steps", json=body, headers={WHO: "leader"})
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"].startswith("application/problem+json")
