"""From an observation over HTTP to the alert, its tasks and its replay, with the worker's own steps."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.database import Database
from app.resources import Principal
from app.settings import CHECKOUT, Settings
from app.worker_tasks import periodic_steps
from layers.access import Scope
from tests.conftest import Service, run_service
from tests.people import WHO, with_people

pytestmark = pytest.mark.db
ADMIN = {WHO: "admin"}


@pytest.fixture(scope="module")
def service(make_clone: Callable[[], Database], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    people = {"admin": Principal("admin", "admin", Scope.local_admin())}
    yield from run_service(make_clone(), tmp_path_factory.mktemp("state"), adapt=with_people(people))


def _evaluate(service: Service, state: Path) -> None:
    """What the worker does twice a second."""
    writer = service.database.engine("diaban_writer")
    steps = periodic_steps(service.database, Settings(state_dir=state), writer)
    (evaluating,) = [step for step in steps if step.name == "rules_evaluated"]
    evaluating.run()


def test_an_observation_becomes_an_alert_with_tasks_that_can_be_told_again(service: Service, tmp_path: Path) -> None:
    communes = service.client.get("/ogc/collections/communes/items", params={"limit": 1, "f": "json"}).json()
    unit = communes["features"][0]["properties"]["code"]
    row = {"indicator": "documents-late-share", "place": unit, "at": datetime.now(UTC).isoformat(), "value": 7.5}
    sent = service.client.post("/api/observations", json=[row], headers=ADMIN)
    assert sent.json()["added"] == 1, sent.text
    _evaluate(service, tmp_path)
    asked = {"scenario": "S11", "unit": unit, "limit": 1000}
    told = service.client.get("/api/alerts", params=asked, headers=ADMIN).json()
    # The example data have documents near their time, which the same scenario tells of.
    (alert,) = [one for one in told["alerts"] if one["rule"] == "T16"]
    assert (alert["rule"], alert["value"], alert["threshold"], alert["unit_code"]) == ("T16", 7.5, 5.0, unit)
    tasks = service.client.get("/api/tasks", params={"alert": alert["id"]}, headers=ADMIN).json()["tasks"]
    assert {task["step"] for task in tasks} == {"extract", "remind", "finish", "watch"}
    done = _diaban(service.database, tmp_path, "alerts", "replay", str(alert["id"]), "--json")
    assert done.returncode == 0, done.stderr
    assert [(one["frozen"], one["is_same"]) for one in json.loads(done.stdout)] == [("7.500000000", True)]


def test_a_rule_is_run_over_history_over_http_and_at_the_terminal(service: Service, tmp_path: Path) -> None:
    communes = service.client.get("/ogc/collections/communes/items", params={"limit": 1, "f": "json"}).json()
    unit = communes["features"][0]["properties"]["code"]
    rows = [
        {
            "indicator": "unclean-population-share",
            "place": unit,
            "at": f"2026-0{month}-01T00:00:00+07:00",
            "value": value,
        }
        for month, value in ((3, 4), (4, 7), (5, 9), (6, 2))
    ]
    assert service.client.post("/api/observations", json=rows, headers=ADMIN).json()["added"] == 4
    path, since = "/api/scenarios/S23/rules/T01/backtest", {"since": "2026-01-01T00:00:00Z"}
    found = service.client.get(path, params=since, headers=ADMIN)
    assert found.status_code == 200, found.text
    told = found.json()
    assert (told["moments"], told["fired"], told["by_month"]) == (4, 1, {"2026-04": 1})
    (episode,) = told["episodes"]
    assert (episode["place"]["key"], episode["worst"], episode["hours"]) == (unit, 9.0, 61 * 24.0)
    assert service.client.get(path, params={**since, "threshold": 8}, headers=ADMIN).json()["hours"] == 31 * 24.0
    assert service.client.get(path).status_code == 401
    refused = [
        (service.client.get(f"/api/scenarios/{rule}/backtest", headers=ADMIN), status, kind)
        for rule, status, kind in (
            ("S23/rules/T99", 404, "rule-not-found"),
            ("S30/rules/T40", 409, "rule-not-evaluable"),
            ("S10/rules/T14", 400, "threshold-needed"),
            ("S11/rules/T18", 409, "no-history-of-features"),
        )
    ]
    for answer, status, kind in refused:
        assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{kind}")
    done = _diaban(service.database, tmp_path, "scenarios", "backtest", "S23", "T01", "--since", "2026-01-01", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["fired"] == 1
    shown = _diaban(service.database, tmp_path, "scenarios", "backtest", "S23", "T01", "--since", "2026-01-01")
    assert unit in shown.stdout


def _diaban(database: Database, state: Path, *words: str) -> subprocess.CompletedProcess[str]:
    (state / "external-database-secret").write_text(database.secret.hex())
    environment = os.environ | {"DATABASE_URL": database.superuser_dsn, "DIABAN_STATE_DIR": str(state)}
    command = [sys.executable, "-m", "app.cli", *words]
    return subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, timeout=120)
