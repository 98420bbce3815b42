"""Figures of a scenario over HTTP: as JSON, CSV and XLSX, inside the reader's units."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from python_calamine import CalamineWorkbook

from app.database import Database
from app.resources import Principal
from layers.access import Grant, Scope
from layers.rights import Action, Area, Right
from tests.conftest import Service, run_service
from tests.people import WHO, with_people

pytestmark = pytest.mark.db
PATH = "/api/scenarios/S20/figures"


def _person(subject: str, *units: str) -> Principal:
    right = Right(frozenset({Action.READ, Action.EDIT}), areas=frozenset({Area.INDICATORS}))
    return Principal(subject, subject, Scope(subject, (Grant(right, frozenset(units) if units else None),)))


PEOPLE = {"leader": _person("leader"), "guest": Principal("guest", "guest", Scope("guest"))}


@pytest.fixture(scope="module")
def service(make_clone: Callable[[], Database], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    yield from run_service(make_clone(), tmp_path_factory.mktemp("state"), adapt=with_people(PEOPLE))


@pytest.fixture(scope="module")
def communes(service: Service) -> list[str]:
    """Codes of the communes; the first has a hostile name, and each has a revenue of 10, 20, … against a plan of 25."""
    with service.database.superuser_engine().begin() as connection:
        codes = [
            str(code)
            for code in connection.exec_driver_sql("SELECT code FROM features.communes ORDER BY code").scalars()
        ]
        connection.exec_driver_sql(
            "UPDATE features.communes SET name = '=cmd|''/c calc''!A1' WHERE code = %s", (codes[0],)
        )
    PEOPLE["clerk"] = _person("clerk", codes[1])
    rows = [{"indicator": "budget-revenue", "place": code, "at": "2026-03-05T00:00:00+07:00"} for code in codes]
    told = [{**row, "value": 10.0 * number} for number, row in enumerate(rows, 1)]
    planned = [{**row, "value": 25.0} for row in rows]
    earlier = [{**row, "at": "2025-03-05T00:00:00+07:00", "value": 5.0} for row in rows[:2]]
    headers = {WHO: "leader"}
    for path, sent in (("/api/observations", [*told, *earlier]), ("/api/targets", planned)):
        answer = service.client.post(path, json=sent, headers=headers)
        assert (answer.status_code, answer.json()["refused"]) == (200, [])
    return codes


def _get(service: Service, who: str | None = "leader", path: str = PATH, **params: str) -> httpx.Response:
    return service.client.get(path, params=params, headers={WHO: who} if who else {})


def _indicator(answer: httpx.Response, code: str = "budget-revenue") -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    found: dict[str, dict[str, Any]] = {one["code"]: one for one in answer.json()["indicators"]}
    return found[code]


def test_every_commune_with_plan_same_period_and_classes(service: Service, communes: list[str]) -> None:
    one = _indicator(_get(service, period="2026-03", against="2025-03"))
    units = {unit["code"]: unit for unit in one["units"]}
    first, last = units[communes[0]], units[communes[-1]]
    assert [units[code]["value"] for code in communes] == [10.0 * number for number in range(1, len(communes) + 1)]
    assert (first["target"], first["plan_percent"], first["meets_plan"]) == (25, 40, False)
    assert (first["same_period"], first["same_period_percent"], first["against"], first["against_gap"]) == (
        5,
        100,
        5,
        5,
    )
    assert (last["rank"], first["rank"], last["ranked"]) == (1, len(communes), len(communes))
    assert one["behind_plan"] == 2
    for measure, legend in one["classes"].items():
        counts = [0] * len(legend["classes"])
        for unit in one["units"]:
            if measure in unit["classes"]:
                counts[unit["classes"][measure]] += 1
        assert counts == [held["count"] for held in legend["classes"]]
        assert sum(counts) + legend["missing"] == len(one["units"])
    assert first["classes"]["plan"] == 0
    assert one["rules"] == ["T11"]
    assert one["periods"] == ["2025-03", "2026-03"]


def test_one_indicator_without_its_trend(service: Service, communes: list[str]) -> None:
    answer = _get(service, period="2026-03", indicator="budget-revenue", trend="0")
    assert [one["code"] for one in answer.json()["indicators"]] == ["budget-revenue"]
    assert {len(unit["trend"]) for unit in _indicator(answer)["units"]} == {0}


def test_a_clerk_gets_the_own_commune_in_every_form(service: Service, communes: list[str]) -> None:
    one = _indicator(_get(service, "clerk", period="2026-03"))
    assert [unit["code"] for unit in one["units"]] == [communes[1]]
    table = _get(service, "clerk", period="2026-03", f="csv").text
    assert communes[1] in table
    assert not [code for code in communes if code != communes[1] and code in table]


def test_csv_and_xlsx_hold_the_same_and_run_nothing(service: Service, communes: list[str]) -> None:
    answer = _get(service, period="2026-03", f="csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="so-lieu-S20-2026-03.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    (hostile,) = [row for row in rows if row["Mã đơn vị"] == communes[0] and row["Mã chỉ tiêu"] == "budget-revenue"]
    assert (hostile["Đơn vị"], hostile["Số liệu"], hostile["% kế hoạch"]) == ("'=cmd|'/c calc'!A1", "10.0", "40.0")
    book = CalamineWorkbook.from_filelike(io.BytesIO(_get(service, period="2026-03", f="xlsx").content))
    assert book.get_sheet_by_name("Tổng hợp").to_python()[0] == [
        "Kịch bản",
        "S20 · Quản lý chi tiêu Ngân sách xã/phường",
    ]
    sheet = book.get_sheet_by_name("Số liệu").to_python()
    assert len(sheet) - 1 == len(rows)
    assert hostile["Đơn vị"] in {row[4] for row in sheet}


def test_who_asks_and_what_for(service: Service, communes: list[str]) -> None:
    refusals = [
        (_get(service, None), 401, "sign-in-needed"),
        (_get(service, "guest"), 403, "not-allowed"),
        (_get(service, path="/api/scenarios/S99/figures"), 404, "scenario-not-found"),
        (_get(service, period="2026-13"), 400, "invalid-period"),
        (_get(service, against="hôm qua"), 400, "invalid-period"),
        (_get(service, indicator="budget-revenues"), 404, "indicator-not-of-scenario"),
    ]
    assert [(a.status_code, a.json()["type"].rpartition("/")[2]) for a, *_ in refusals] == [
        (status, kind) for _, status, kind in refusals
    ]
    assert "budget-revenue" in refusals[-1][0].json()["detail"]
    for wrong in ({"at": "9999-12-31T23:59:59Z"}, {"trend": "61"}, {"f": "pdf"}, {"period": "x" * 41}):
        assert _get(service, **wrong).status_code in (400, 422), wrong


def test_a_scenario_without_indicators_says_so_by_an_empty_list(service: Service) -> None:
    assert _get(service, path="/api/scenarios/S01/figures").json()["indicators"] == []
