"""Observations over HTTP, as JSON and CSV, and what is read of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from app.database import Database
from app.resources import Principal
from layers.access import Grant, Scope
from layers.rights import Action, Area, Right
from tests.conftest import Service, run_service
from tests.people import WHO, with_people

pytestmark = pytest.mark.db
PATH = "/api/observations"


def _person(subject: str, *actions: Action) -> Principal:
    grants = (Grant(Right(frozenset(actions), areas=frozenset({Area.INDICATORS})), None),) if actions else ()
    return Principal(subject, subject, Scope(subject, grants))


PEOPLE = {
    "sender": _person("sender", Action.READ, Action.EDIT),
    "reader": _person("reader", Action.READ),
    "guest": _person("guest"),
}


@pytest.fixture(scope="module")
def service(make_clone: Callable[[], Database], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    yield from run_service(make_clone(), tmp_path_factory.mktemp("state"), adapt=with_people(PEOPLE))


@pytest.fixture(scope="module")
def commune(service: Service) -> str:
    with service.database.engine("diaban_owner").connect() as connection:
        found = connection.exec_driver_sql("SELECT code FROM features.communes ORDER BY code LIMIT 1").scalar_one()
    return str(found)


def _post(service: Service, who: str, **more: Any) -> httpx.Response:
    headers = {WHO: who, **more.pop("headers", {})}
    return service.client.post(more.pop("path", PATH), headers=headers, **more)


def _get(service: Service, path: str, who: str = "reader", **params: str) -> httpx.Response:
    return service.client.get(f"/api/indicators{path}", params=params, headers={WHO: who})


def test_json_goes_in_and_comes_back_with_its_unit(service: Service, commune: str) -> None:
    row = {"indicator": "documents-late-share", "place": commune, "at": "2026-03-02T09:20:00+07:00", "value": 6.5}
    answer = _post(service, "sender", json={"observations": [row, {**row, "place": "00000"}, {"place": commune}]})
    assert answer.status_code == 200, answer.text
    assert (answer.json()["added"], [(r["row"], r["field"]) for r in answer.json()["refused"]]) == (
        1, [(2, "place"), (3, "indicator")],
    )  # fmt: skip
    found = _get(service, "/documents-late-share/values", place=commune, since="2026-01-01T00:00:00Z").json()
    assert found["unit"] == "%"
    assert [(v["value"], v["at"]) for v in found["values"]] == [(6.5, "2026-03-02T02:00:00+00:00")]
    newest = _get(service, "/documents-late-share/newest", at="2026-03-02T04:00:00Z").json()["places"]
    by_place = {place["place"]: place["freshness"] for place in newest}
    assert by_place.pop(commune) == "fresh"
    assert set(by_place.values()) == {"missing"}


def test_csv_goes_in_by_its_heading(service: Service, commune: str) -> None:
    lines = [
        "Place,Indicator,Value,At,Unit",
        f"{commune},digital-signing-share,91.5,2026-03-02T00:00:00+07:00,%",
        f"{commune},digital-signing-share,chín,2026-03-03T00:00:00+07:00,%",
    ]
    text = "\ufeff" + "\n".join(lines)
    answer = _post(service, "sender", content=text.encode(), headers={"Content-Type": "text/csv; charset=utf-8"})
    assert answer.json() == {
        "added": 1, "corrected": 0, "same": 0, "refused": answer.json()["refused"],
    }  # fmt: skip
    assert [(row["row"], row["field"]) for row in answer.json()["refused"]] == [(2, "value")]


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (b"{", "application/json"),
        (b'{"rows": []}', "application/json"),
        (b"[1, 2]", "application/json"),
        (b"place,value\n1,2\n", "text/csv"),
        (b"\xff\xfe\x00", "text/csv"),
        (b"", "text/csv"),
    ],
)
def test_a_body_that_is_no_list_is_a_problem_document(service: Service, body: bytes, media_type: str) -> None:
    answer = _post(service, "sender", content=body, headers={"Content-Type": media_type})
    assert (answer.status_code, answer.json()["parameter"]) == (400, "body")


def test_rights_and_unknown_codes(service: Service) -> None:
    assert service.client.post(PATH, json=[]).status_code == 401
    assert _post(service, "reader", json=[]).status_code == 403
    assert _get(service, "/documents-late-share/values", who="guest").status_code == 403
    missing = _get(service, "/documents-late-shares/values")
    assert (missing.status_code, missing.json()["type"]) == (404, "/problems/indicator-not-found")
    assert "documents-late-share" in missing.json()["detail"]
    assert _get(service, "/documents-late-share/values", since="2026-01-01").status_code in (400, 422)
    codes = [one["code"] for one in _get(service, "").json()["indicators"]]
    assert len(codes) == len(set(codes)) > 20


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "1899-12-31T00:00:00Z"])
def test_a_moment_at_the_ends_of_the_calendar_is_an_answer_in_words(service: Service, commune: str, at: str) -> None:
    code = "documents-late-share"
    asked = [
        *(_get(service, f"/{code}/values", **{name: at}) for name in ("since", "until", "known_at")),
        _get(service, f"/{code}/newest", at=at),
    ]
    assert [answer.status_code for answer in asked] == [400] * 4, [answer.text for answer in asked]
    assert all("1900" in answer.text for answer in asked)
    sent = _post(service, "sender", json=[{"indicator": code, "place": commune, "at": at, "value": 1.0}])
    assert (sent.status_code, [row["field"] for row in sent.json()["refused"]]) == (200, ["at"]), sent.text
