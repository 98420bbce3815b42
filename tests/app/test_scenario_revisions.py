"""Revisions of scenarios over HTTP: a department proposes, tries, another approves, and everything follows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import psycopg
import pytest

from app.database import Database
from app.resources import Principal
from layers.access import Grant, Scope
from layers.rights import Action, Area, Right
from tests.app.test_audit_coverage import DECISIONS
from tests.conftest import Service, run_service
from tests.people import WHO, with_people

pytestmark = pytest.mark.db
S11 = "/api/scenarios/S11"


def _person(subject: str, *actions: Action) -> Principal:
    areas = frozenset({Area.SCENARIOS, Area.INDICATORS})
    grants = (Grant(Right(frozenset(actions), areas=areas), None),) if actions else ()
    return Principal(subject, subject, Scope(subject, grants))


PEOPLE = {
    "lead": _person("lead", Action.READ, Action.EDIT),
    "chair": _person("chair", Action.READ, Action.APPROVE),
    "guest": _person("guest"),
}


@pytest.fixture(scope="module")
def service(make_clone: Callable[[], Database], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    yield from run_service(make_clone(), tmp_path_factory.mktemp("state"), adapt=with_people(PEOPLE))


def _post(service: Service, who: str, path: str, body: Any) -> httpx.Response:
    return service.client.post(path, json=body, headers={WHO: who})


def _get(service: Service, path: str, who: str = "lead", **params: Any) -> httpx.Response:
    return service.client.get(path, params=params, headers={WHO: who})


def _propose(service: Service, number: float, base: int) -> httpx.Response:
    rules = {"T16": {"threshold": {"operator": ">", "number": number}, "speech": {"min_duration_h": 2}}}
    return _post(service, "lead", f"{S11}/revisions", {"reason": "QĐ 12/2026", "base": base, "rules": rules})


def test_a_threshold_goes_from_a_form_into_force(service: Service) -> None:
    base = service.client.get(S11).json()["version"]
    proposed = _propose(service, 8, base)
    assert proposed.status_code == 201, proposed.text
    version = proposed.json()["version"]
    changed = {one["path"]: one["after"] for one in proposed.json()["differences"]}
    assert changed == {
        "rules[T16].threshold.number": 8,
        "rules[T16].threshold.status": "decided",
        "rules[T16].speech.min_duration_h": 2,
    }
    assert proposed.json()["acts"] == ["withdraw"]
    tried = _get(service, f"{S11}/rules/T16/backtest", version=version).json()
    assert (tried["threshold"], _get(service, f"{S11}/rules/T16/backtest").json()["threshold"]) == (8, 5)
    assert service.client.get(S11).json()["version"] == base
    listed = _get(service, f"{S11}/revisions", "chair").json()["revisions"][0]
    assert (listed["version"], listed["acts"]) == (version, ["approve", "refuse"])
    done = _post(service, "chair", f"{S11}/revisions/{version}/approve", {"comment": "đồng ý"})
    assert done.status_code == 200, done.text
    held = service.client.get(S11).json()
    assert (held["version"], held["rules"][0]["threshold"]["number"]) == (version, 8)
    assert "QĐ" not in _get(service, f"{S11}/document").text
    assert "number: 8" in _get(service, f"{S11}/document").text


def test_each_decision_leaves_its_event(service: Service) -> None:
    base = service.client.get(S11).json()["version"]
    with psycopg.connect(service.database.superuser_dsn) as connection:
        (before,) = connection.execute("SELECT coalesce(max(id), 0) FROM audit.events").fetchone() or (0,)
        versions = [_propose(service, number, base).json()["version"] for number in (11, 12, 13)]
        acts = (("chair", "refuse", {"comment": "chưa rõ"}), ("lead", "withdraw", {}), ("chair", "approve", {}))
        for version, (who, act, body) in zip(versions, acts, strict=True):
            answer = _post(service, who, f"{S11}/revisions/{version}/{act}", body)
            assert answer.status_code == 200, answer.text
        rows = connection.execute(
            "SELECT DISTINCT action, outcome FROM audit.events WHERE id > %s", [before]
        ).fetchall()
    assert set(rows) == {(action, "done") for action in DECISIONS.values()}


@pytest.mark.parametrize(
    ("who", "path", "body", "status", "words"),
    [
        ("guest", f"{S11}/revisions", {"reason": "abc", "base": 1, "rules": {}}, 403, ""),
        ("chair", f"{S11}/revisions", {"reason": "abc", "base": 1, "rules": {}}, 403, ""),
        ("lead", f"{S11}/revisions", {"reason": "abc", "base": 99, "rules": {}}, 409, "99"),
        ("lead", f"{S11}/revisions", {"reason": "abc", "base": 1}, 400, "rules"),
        ("lead", f"{S11}/revisions", {"reason": "abc", "base": 1, "document": "code: ["}, 400, "YAML"),
        ("lead", f"{S11}/revisions", {"reason": "abc", "base": 1, "document": "code: S12\ntitle: x"}, 400, ""),
        ("lead", f"{S11}/revisions", {"reason": "abc", "base": 1, "rules": {"T16": {"threshold": {}}}}, 400, ""),
        ("lead", f"{S11}/revisions", {"reason": "a\x00bc", "base": 1, "rules": {}}, 400, ""),
        ("lead", "/api/scenarios/S99/revisions", {"reason": "abc", "base": 1, "rules": {}}, 404, "S99"),
        ("lead", "/api/scenarios/%27/revisions", {"reason": "abc", "base": 1, "rules": {}}, 400, ""),
        ("chair", f"{S11}/revisions/999/approve", {}, 404, "999"),
        ("chair", f"{S11}/revisions/2/refuse", {"comment": ""}, 400, ""),
        ("lead", f"{S11}/revisions/2/approve", {}, 403, ""),
    ],
)
def test_what_is_wrong_is_told_and_changes_nothing(
    service: Service, who: str, path: str, body: Any, status: int, words: str
) -> None:
    before = service.client.get(S11).json()
    answer = _post(service, who, path, body)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert words in answer.text
    assert service.client.get(S11).json() == before


def test_reading_needs_the_right(service: Service) -> None:
    for path in (f"{S11}/revisions", f"{S11}/document"):
        assert service.client.get(path).status_code == 401
        assert _get(service, path, "guest").status_code == 403
    assert _get(service, "/api/scenarios/S99/document").status_code == 404
