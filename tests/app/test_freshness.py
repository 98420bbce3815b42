"""Freshness and league over HTTP: what whose right reaches, as JSON and CSV, and refusals."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import psycopg
import pytest

from app.database import Database
from app.resources import Principal
from layers.access import Grant, Scope
from layers.definition import Sensitivity
from layers.rights import Action, Area, Right
from tests.conftest import Service, run_service
from tests.people import WHO, with_people

pytestmark = pytest.mark.db
AT = "2026-12-10T08:00:00+07:00"
RESTRICTED = "schools-restricted"


def person(name: str, *, unit: str | None = None, areas: bool = True) -> Principal:
    right = Right(
        frozenset({Action.READ}),
        classes=frozenset(Sensitivity) if areas else frozenset(),
        areas=frozenset({Area.INDICATORS}) if areas else frozenset(),
    )
    return Principal(name, name, Scope(name, (Grant(right, frozenset({unit}) if unit else None),)), unit)


PEOPLE = {"leader": person("leader"), "clerk": person("clerk", unit="99902"), "guest": person("guest", areas=False)}


@pytest.fixture(scope="module")
def service(
    copy_database: Callable[[str], Database], world_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """The known world, whose communes are to be renewed monthly: two were in December, one never since July."""
    database = copy_database(world_template)
    with psycopg.connect(database.superuser_dsn, autocommit=True) as connection:
        for slug, frequency in (("schools", "monthly"), (RESTRICTED, "monthly"), ("parcels", "regular")):
            connection.execute(
                "UPDATE catalogue.layers SET definition = jsonb_set(definition, '{frequency}', to_jsonb(%s::text)),"
                " definition_version = definition_version + 1 WHERE slug = %s",
                (frequency, slug),
            )
        connection.execute("DELETE FROM catalogue.unit_changes")
        connection.execute("UPDATE features.communes SET name = '=1+1' WHERE code = '99901'")
        for slug, unit, at in (
            ("schools", "99901", "2026-12-02"),
            ("schools", "99902", "2026-11-15"),
            ("schools", "99903", "2026-07-01"),
            (RESTRICTED, "99902", "2026-12-01"),
            (RESTRICTED, "99903", "2026-07-01"),
            ("parcels", "99901", "2020-01-01"),
        ):
            connection.execute(
                "INSERT INTO catalogue.unit_changes VALUES (%s, %s, 1, 5, %s::timestamptz)",
                (slug, unit, f"{at}T00:00:00+07:00"),
            )
    yield from run_service(database, tmp_path_factory.mktemp("state"), adapt=with_people(PEOPLE))


def get(service: Service, path: str, who: str | None = "leader", **params: str) -> httpx.Response:
    return service.client.get(f"/api/{path}", params={"at": AT, **params}, headers={WHO: who} if who else {})


def states(answer: httpx.Response) -> dict[tuple[str, str], str]:
    assert answer.status_code == 200, answer.text
    return {(part["layer"], part["unit_code"]): part["freshness"] for part in answer.json()["parts"]}


class TestFreshness:
    def test_every_part_that_the_reader_may_read(self, service: Service) -> None:
        assert states(get(service, "freshness")) == {
            ("schools", "99901"): "fresh",
            ("schools", "99902"): "due",
            ("schools", "99903"): "overdue",
            (RESTRICTED, "99902"): "fresh",
            (RESTRICTED, "99903"): "overdue",
            ("parcels", "99901"): "unpromised",
        }

    def test_a_clerk_sees_public_layers_and_the_own_part_of_others(self, service: Service) -> None:
        found = states(get(service, "freshness", "clerk"))
        assert {key for key in found if key[0] == RESTRICTED} == {(RESTRICTED, "99902")}
        assert {key for key in found if key[0] == "schools"} == {("schools", f"9990{n}") for n in (1, 2, 3)}
        assert {key[0] for key in states(get(service, "freshness", "guest"))} == {"schools", "parcels"}

    def test_counts_by_unit_code_are_there_for_a_map(self, service: Service) -> None:
        units: dict[str, dict[str, Any]] = {one["unit_code"]: one for one in get(service, "freshness").json()["units"]}
        assert [units[code]["on_time_percent"] for code in sorted(units)] == [100.0, 100.0, 0.0]
        assert (units["99903"]["overdue"], units["99901"]["unpromised"]) == (2, 1)

    def test_filters(self, service: Service) -> None:
        assert set(states(get(service, "freshness", unit="99903", layer="schools"))) == {("schools", "99903")}
        assert set(states(get(service, "freshness", state="due")).values()) == {"due"}

    def test_as_csv(self, service: Service) -> None:
        answer = get(service, "freshness", f="csv", layer="schools")
        rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
        assert [row["Tình trạng"] for row in rows] == ["Đúng hạn", "Đến kỳ", "Quá hạn"]
        assert rows[0]["Xã"] == "'=1+1"
        assert rows[2]["Hạn"] == "2026-09-01T00:00:00+07:00"

    @pytest.mark.parametrize(
        ("who", "params", "status"),
        [
            (None, {}, 401),
            ("guest", {"layer": RESTRICTED}, 404),
            ("leader", {"layer": "no-such"}, 404),
            ("leader", {"unit": "9"}, 400),
            ("leader", {"unit": "٩٩٩٠١"}, 400),
            ("leader", {"state": "stale"}, 400),
            ("leader", {"at": "2026-12-10"}, 400),
            ("leader", {"at": "9999-12-31T23:59:59Z"}, 400),
        ],
    )
    def test_refused_in_words(self, service: Service, who: str | None, params: dict[str, str], status: int) -> None:
        answer = get(service, "freshness", who, **params)
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"


class TestLeague:
    def test_of_november(self, service: Service) -> None:
        document = get(service, "league", month="2026-11").json()
        units = {one["unit_code"]: one for one in document["units"]}
        # Of those renewed before November: the third owed two layers and renewed none; the first two owed nothing yet.
        assert (units["99903"]["owed"], units["99903"]["late"], units["99903"]["points"]) == (2, 2, 0.0)
        assert (units["99901"]["rank"], units["99903"]["rank"], document["ranked"]) == (None, 1, 1)
        assert len(units) == 16

    def test_a_clerk_gets_the_own_row_with_its_rank_among_all(self, service: Service) -> None:
        document = get(service, "league", "clerk", month="2027-02", at="2027-03-10T00:00:00+07:00").json()
        (one,) = document["units"]
        assert (one["unit_code"], one["late"], document["ranked"]) == ("99902", 2, 3)

    def test_is_of_this_month_without_one_named(self, service: Service) -> None:
        assert get(service, "league").json()["month"] == "2026-12"

    def test_as_csv(self, service: Service) -> None:
        answer = get(service, "league", month="2026-11", f="csv")
        rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
        assert (rows[0]["Mã xã"], rows[0]["Số kỳ trễ"]) == ("99903", "2")
        assert 'filename="xep-hang-2026-11.csv"' in answer.headers["content-disposition"]

    @pytest.mark.parametrize(
        ("who", "params", "status"),
        [
            (None, {}, 401),
            ("guest", {}, 403),
            ("leader", {"month": "2026-13"}, 400),
            ("leader", {"month": "0001-01"}, 400),
        ],
    )
    def test_refused_in_words(self, service: Service, who: str | None, params: dict[str, str], status: int) -> None:
        assert get(service, "league", who, **params).status_code == status
