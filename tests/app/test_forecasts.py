"""Forecasts over HTTP: from observations to guesses with interval and error, inside the reader's units."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
import pytest

from app.database import Database
from app.resources import Principal
from layers.access import Grant, Scope
from layers.rights import Action, Area, Right
from tests.conftest import Service, run_service
from tests.people import WHO, with_people

pytestmark = pytest.mark.db
PATH = "/api/indicators/dossiers-received/forecast"
AT = "2026-07-10T00:00:00+07:00"


def _person(subject: str, *units: str) -> Principal:
    right = Right(frozenset({Action.READ, Action.EDIT}), areas=frozenset({Area.INDICATORS}))
    return Principal(subject, subject, Scope(subject, (Grant(right, frozenset(units) if units else None),)))


PEOPLE = {"leader": _person("leader"), "guest": Principal("guest", "guest", Scope("guest"))}


@pytest.fixture(scope="module")
def service(make_clone: Callable[[], Database], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    yield from run_service(make_clone(), tmp_path_factory.mktemp("state"), adapt=with_people(PEOPLE))


@pytest.fixture(scope="module")
def communes(service: Service) -> list[str]:
    """Two communes with dossiers of seven months, one missing in the first; a third with two months only."""
    with service.database.engine("diaban_owner").connect() as connection:
        found = connection.exec_driver_sql("SELECT code FROM features.communes ORDER BY code LIMIT 3").scalars()
        codes = [str(code) for code in found]
    PEOPLE["clerk"] = _person("clerk", codes[0])
    sent = {codes[0]: {1: 100, 2: 110, 4: 130, 5: 140, 6: 150, 7: 9}, codes[1]: dict.fromkeys(range(1, 8), 50)}
    sent[codes[2]] = {5: 1, 6: 2}
    rows = [
        {"indicator": "dossiers-received", "place": code, "at": f"2026-{month:02d}-03T00:00:00+07:00", "value": value}
        for code, months in sent.items()
        for month, value in months.items()
    ]
    answer = service.client.post("/api/observations", json=rows, headers={WHO: "leader"})
    assert answer.json()["refused"] == []
    return codes


def _get(service: Service, who: str | None, path: str = PATH, **params: str) -> httpx.Response:
    return service.client.get(path, params=params, headers={WHO: who} if who else {})


def test_the_next_months_with_interval_and_error(service: Service, communes: list[str]) -> None:
    # Values came in today; what is asked is what they say, not what was known in July.
    found = _get(service, "leader", unit=communes[0], periods="4").json()
    assert found["measured_in"] == "hồ sơ"
    history = [(one["period"], one["value"], one["is_filled"]) for one in found["history"]]
    assert history[:4] == [
        ("2026-01", 100, False), ("2026-02", 110, False), ("2026-03", 120, True), ("2026-04", 130, False),
    ]  # fmt: skip
    assert [one["period"] for one in found["forecast"]] == ["2026-08", "2026-09", "2026-10", "2026-11"]
    assert found["method"] == "naive"
    assert {one["value"] for one in found["forecast"]} == {9}
    assert found["accuracy"]["mae"] > 0
    assert [one["method"] for one in found["tried"]] == ["naive"]
    first = found["forecast"][0]
    assert first["low95"] == 0
    assert first["low95"] <= first["low80"] < first["value"] < first["high80"] < first["high95"]


def test_a_province_is_the_sum_of_whole_periods_that_the_reader_may_see(service: Service, communes: list[str]) -> None:
    province = str(service.client.get(f"/api/units/{communes[0]}").json()["unit"]["parent_code"])
    whole = _get(service, "leader", unit=province)
    # Only in May and June had all three a value.
    assert (whole.status_code, whole.json()["type"]) == (409, "/problems/history-too-short")
    clerk = _get(service, "clerk", unit=province).json()
    own = _get(service, "clerk", unit=communes[0]).json()
    assert clerk["history"] == own["history"]


def test_who_asks_and_what_for(service: Service, communes: list[str]) -> None:
    moments = "/api/indicators/water-level/forecast"
    refusals = [
        (_get(service, None, unit=communes[0]), 401, "sign-in-needed"),
        (_get(service, "guest", unit=communes[0]), 403, "not-allowed"),
        (_get(service, "clerk", unit=communes[1]), 404, "unit-not-found"),
        (_get(service, "leader", unit="00001"), 404, "unit-not-found"),
        (_get(service, "leader", unit=communes[2]), 409, "history-too-short"),
        (_get(service, "leader", moments, unit=communes[0]), 409, "not-forecast"),
        (_get(service, "leader", "/api/indicators/nothing/forecast", unit=communes[0]), 404, "indicator-not-found"),
        # Nothing had come in by then.
        (_get(service, "leader", unit=communes[0], at=AT), 409, "history-too-short"),
    ]
    assert [(a.status_code, a.json()["type"].rpartition("/")[2]) for a, *_ in refusals] == [
        (status, kind) for _, status, kind in refusals
    ]
    for wrong in (
        {"unit": "x"},
        {"unit": communes[0], "periods": "25"},
        {"unit": communes[0], "at": "9999-12-31T00:00:00Z"},
    ):
        assert _get(service, "leader", **wrong).status_code in (400, 422), wrong
    assert "dossiers-received" in [
        one["code"] for one in _get(service, "leader", "/api/scenarios/S10/figures").json()["indicators"]
    ]
