"""Alerts merged into one another, and photos as evidence, over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import httpx
import psycopg
import pytest

from app.database import Database
from app.resources import Principal
from layers.access import Grant, Scope
from layers.rights import Action, Area, Right
from scenarios.alerts.raising import apply_outcomes
from scenarios.outcomes import Outcome
from tests.app.reports.desk import jpeg
from tests.conftest import Service, run_service
from tests.people import WHO, with_people
from tests.scenarios.alerts.outcomes import COMMUNE, fresh_place, hour, outcome

pytestmark = pytest.mark.db
ELSEWHERE = "16000"


def _person(subject: str, *actions: Action, unit: str = COMMUNE) -> Principal:
    right = Right(frozenset(actions), areas=frozenset({Area.ALERTS}))
    return Principal(subject, subject, Scope(subject, (Grant(right, frozenset({unit})),)))


PEOPLE = {
    "reader": _person("reader", Action.READ),
    "officer": _person("officer", Action.READ, Action.EDIT),
    "leader": _person("leader", Action.READ, Action.EDIT, Action.APPROVE),
    "stranger": _person("stranger", Action.READ, Action.EDIT, Action.APPROVE, unit=ELSEWHERE),
}


@pytest.fixture(scope="module")
def service(
    copy_database: Callable[[str], Database], world_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("state")
    yield from run_service(copy_database(world_template), folder, adapt=with_people(PEOPLE))


def _raise(service: Service, *changed: Outcome) -> list[int]:
    engine = service.database.engine("diaban_writer")
    with engine.begin() as connection:
        raised = apply_outcomes(connection, changed, hour(100))
    engine.dispose()
    return list(raised.opened)


def _two(service: Service) -> tuple[int, int]:
    first, second = _raise(service, outcome(fresh_place(), 1), outcome(fresh_place(), 1))
    return first, second


def _act(service: Service, who: str, alert: int, act: str, version: int = 1, **more: Any) -> httpx.Response:
    body = {"act": act, "version": version, **more}
    return service.client.post(f"/api/alerts/{alert}/steps", json=body, headers={WHO: who})


def _read(service: Service, alert: int, who: str = "reader") -> Any:
    return service.client.get(f"/api/alerts/{alert}", headers={WHO: who}).json()


def _add(service: Service, who: str, about: str, given: int, **more: bytes) -> httpx.Response:
    files = [("photo", ("a.jpg", more.get("content", jpeg()), "image/jpeg"))]
    data = {"about": about, "id": str(given)}
    return service.client.post("/api/photos", data=data, files=files, headers={WHO: who})


class TestMerging:
    def test_closes_the_one_and_tells_both_histories(self, service: Service) -> None:
        one, other = _two(service)
        merged = _act(service, "leader", one, "merge", into=other, comment="Cùng nút giao").json()
        assert (merged["state"], merged["merged_into"], merged["acts"]) == (
            "closed",
            other,
            ["reopen", "rate", "comment"],
        )
        assert merged["steps"][-1]["act"] == "merge"
        stays = _read(service, other)
        assert (stays["state"], stays["merged"], stays["merged_into"]) == ("open", [one], None)
        assert (stays["steps"][-1]["act"], stays["steps"][-1]["comment"]) == ("merged", f"#{one}")
        assert stays["version"] == 2

    def test_drops_the_tasks_that_are_left(self, service: Service) -> None:
        one, other = _two(service)
        _act(service, "leader", one, "merge", into=other)
        tasks = service.client.get("/api/tasks", params={"alert": one}, headers={WHO: "reader"}).json()["tasks"]
        assert {task["state"] for task in tasks} == {"dropped"}

    def test_reopening_undoes_it(self, service: Service) -> None:
        one, other = _two(service)
        _act(service, "leader", one, "merge", into=other)
        again = _act(service, "leader", one, "reopen", 2, comment="Hai việc khác nhau").json()
        assert (again["state"], again["merged_into"]) == ("acknowledged", None)
        assert _read(service, other)["merged"] == []

    def test_needs_the_right_to_close_and_the_other_alert(self, service: Service) -> None:
        one, other = _two(service)
        (far,) = _raise(service, outcome(replace(fresh_place(), unit_code=ELSEWHERE), 1))
        assert _act(service, "officer", one, "merge", into=other).status_code == 403
        assert _act(service, "leader", one, "merge").status_code == 400
        assert _act(service, "leader", one, "merge", into=far).status_code == 404
        assert _act(service, "leader", one, "merge", into=999_999_999).status_code == 404
        assert _act(service, "leader", one, "merge", into="x").status_code == 400
        assert _read(service, one)["version"] == 1

    def test_into_itself_a_closed_one_another_matter_or_in_a_chain_is_a_conflict(self, service: Service) -> None:
        one, other = _two(service)
        (third,) = _raise(service, replace(outcome(fresh_place(), 1), scenario="S05"))
        for into in (one, third):
            answer = _act(service, "leader", one, "merge", into=into)
            assert (answer.status_code, answer.json()["type"]) == (409, "/problems/not-mergeable")
        _act(service, "leader", one, "merge", into=other)
        fourth, _ = _two(service)
        assert _act(service, "leader", fourth, "merge", into=one).status_code == 409
        assert _act(service, "leader", other, "merge", 2, into=fourth).status_code == 409

    def test_two_people_who_merge_each_into_the_other_do_not_wait_for_ever(self, service: Service) -> None:
        for _ in range(5):
            one, other = _two(service)
            with ThreadPoolExecutor(2) as pool:
                first = pool.submit(_act, service, "leader", one, "merge", into=other)
                second = pool.submit(_act, service, "leader", other, "merge", into=one)
                codes = sorted([first.result().status_code, second.result().status_code])
            assert codes == [200, 409]

    def test_the_database_holds_no_open_alert_that_is_merged(self, service: Service) -> None:
        one, other = _two(service)
        with (
            psycopg.connect(service.database.superuser_dsn) as connection,
            pytest.raises(psycopg.errors.CheckViolation),
        ):
            connection.execute("UPDATE alerts.alerts SET merged_into = %s WHERE id = %s", [other, one])


class TestEvidence:
    def test_photos_stand_with_the_alert(self, service: Service) -> None:
        one, _ = _two(service)
        assert _add(service, "reader", "alert", one).status_code == 403
        assert _add(service, "stranger", "alert", one).status_code == 404
        (added,) = _add(service, "officer", "alert", one).json()["photos"]
        (photo,) = _read(service, one)["photos"]
        assert (photo["id"], photo["purpose"], photo["added_by"]) == (added, "result", "officer")
        found = {
            who: service.client.get(f"/api/photos/{added}", headers={WHO: who}).status_code
            for who in ("reader", "stranger")
        }
        assert found == {"reader": 200, "stranger": 404}

    def test_photos_stand_with_the_task_and_whoever_has_it_adds_them(self, service: Service) -> None:
        one, _ = _two(service)
        listed = service.client.get("/api/tasks", params={"alert": one, "state": "open"}, headers={WHO: "leader"})
        task = listed.json()["tasks"][0]
        handed = {"act": "delegate", "version": task["version"], "assignee": "stranger"}
        service.client.post(f"/api/tasks/{task['id']}/steps", json=handed, headers={WHO: "leader"})
        (added,) = _add(service, "stranger", "task", task["id"]).json()["photos"]
        for path in (f"/api/tasks?alert={one}", f"/api/tasks/{task['id']}"):
            found = service.client.get(path, headers={WHO: "leader"}).json()
            shown = found if "id" in found else next(t for t in found["tasks"] if t["id"] == task["id"])
            assert [photo["id"] for photo in shown["photos"]] == [added]
        assert service.client.get(f"/api/photos/{added}", headers={WHO: "stranger"}).status_code == 200

    def test_what_is_no_picture_adds_nothing(self, service: Service) -> None:
        one, _ = _two(service)
        assert _add(service, "officer", "alert", one, content=b"<html>").status_code == 400
        assert _read(service, one)["photos"] == []
