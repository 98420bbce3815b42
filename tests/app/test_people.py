"""Accounts and rights over HTTP: what administrators do, what they may not, and what it leaves in the trail."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest

from app.database import Database
from app.resources import Principal
from layers.access import Grant, Scope
from layers.administrators import LastAdministrator
from layers.grants import Giving, Holder, built_in_roles, give, take
from layers.identity.accounts import add_account, set_account_state
from layers.identity.idle import close_idle_accounts
from tests.app.test_audit_coverage import PEOPLE
from tests.conftest import Service, run_service
from tests.people import WHO, with_people

pytestmark = pytest.mark.db
HERE, THERE = "25747", "25750"
CHIEF, MAYOR, GUEST = "chief", "mayor", "guest"
GOOD = "bến đò chiều mưa 7"


def administrator(subject: UUID, units: frozenset[str] | None) -> Principal:
    (role,) = (role for role in built_in_roles() if role.slug == "administrator")
    grants = tuple(Grant(right, None if right.everywhere else units) for right in role.rights)
    return Principal(str(subject), "Quản trị", Scope(str(subject), grants))


PEOPLE_HERE = {
    CHIEF: administrator(UUID(int=1), None),
    MAYOR: administrator(UUID(int=2), frozenset({HERE})),
    GUEST: Principal("account-7", "Khách", Scope("account-7")),
}


@dataclass(frozen=True)
class Desk:
    service: Service
    database: Database

    def ask(self, method: str, path: str, who: str | None = CHIEF, **more: object) -> httpx.Response:
        headers = {WHO: who} if who else {}
        return self.service.client.request(method, path, headers=headers, **more)  # type: ignore[arg-type]

    def make(self, username: str, unit: str | None = None, who: str = CHIEF, **more: str) -> tuple[str, str]:
        made = self.ask("POST", "/api/people", who, json={"username": username, "unit_code": unit, **more})
        assert made.status_code == 201, made.text
        return made.json()["id"], made.json()["one_time_password"]

    def grant(self, holder: str, who: str = CHIEF, **body: object) -> httpx.Response:
        return self.ask("POST", "/api/grants", who, json={"holder": holder, **body})

    def newest(self) -> int:
        with psycopg.connect(self.database.superuser_dsn) as connection:
            row = connection.execute("SELECT coalesce(max(id), 0) FROM audit.events").fetchone()
        assert row is not None
        return int(row[0])

    def events(self, since: int) -> list[tuple[str, str, str, str]]:
        with psycopg.connect(self.database.superuser_dsn) as connection:
            return connection.execute(
                "SELECT action, outcome, actor, source FROM audit.events WHERE id > %s ORDER BY id", [since]
            ).fetchall()


@pytest.fixture(scope="module")
def desk(make_clone: Callable[[], Database], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    database = make_clone()
    for service in run_service(database, tmp_path_factory.mktemp("people"), adapt=with_people(PEOPLE_HERE)):
        yield Desk(service, database)


def test_each_change_leaves_one_event_with_actor_and_source(desk: Desk) -> None:
    since = desk.newest()
    account, _ = desk.make("events.one", HERE)
    given = desk.grant(account, role="commune-clerk", units=[HERE]).json()["id"]
    for path in ("disable", "enable", "password"):
        assert desk.ask("POST", f"/api/people/{account}/{path}").status_code in (200, 204)
    assert desk.ask("DELETE", f"/api/people/{account}/second-factor").status_code == 204
    assert desk.ask("DELETE", f"/api/grants/{given}").status_code == 204
    found = desk.events(since)
    assert sorted(action for action, *_ in found) == sorted(PEOPLE.values())
    assert {outcome for _, outcome, _, _ in found} == {"done"}
    assert {actor for _, _, actor, _ in found} == {str(UUID(int=1))}
    assert all(source.startswith("127.0.0.1:") for *_, source in found)


def test_closing_ends_session_and_token_at_once_and_for_good(desk: Desk) -> None:
    account, first = desk.make("closing", HERE)
    service = desk.service
    with httpx.Client(base_url=service.url, headers={"Origin": service.url}, timeout=60) as browser:
        opened = browser.post("/api/session", json={"username": "closing", "password": first})
        assert opened.json()["must_change_password"] is True
        assert browser.post("/api/account/password", json={"old": first, "new": GOOD}).status_code == 204
        token = browser.post("/api/account/tokens", json={"name": "QGIS"}).json()["token"]
        bearer = {"Authorization": f"Bearer {token}"}
        assert httpx.get(f"{service.url}/api/session", headers=bearer).json()["signed_in"] is True
        person = desk.ask("GET", f"/api/people/{account}").json()
        assert person["token_count"] == 1
        assert person["last_used_at"] is not None
        assert desk.ask("POST", f"/api/people/{account}/disable").status_code == 204
        assert browser.get("/api/session").json() == {"signed_in": False}
        assert httpx.get(f"{service.url}/api/session", headers=bearer).status_code == 401
        assert browser.post("/api/session", json={"username": "closing", "password": GOOD}).status_code == 401
        assert desk.ask("POST", f"/api/people/{account}/enable").status_code == 204
        assert httpx.get(f"{service.url}/api/session", headers=bearer).status_code == 401, "a token stays revoked"
        assert browser.post("/api/session", json={"username": "closing", "password": GOOD}).status_code == 200


class TestTheListed:
    def test_are_those_of_ones_communes(self, desk: Desk) -> None:
        here, _ = desk.make("listed.here", HERE)
        there, _ = desk.make("listed.there", THERE)
        names = {person["username"] for person in desk.ask("GET", "/api/people", MAYOR).json()["people"]}
        assert "listed.here" in names
        assert "listed.there" not in names
        assert desk.ask("GET", f"/api/people/{here}", MAYOR).status_code == 200
        for method, path in (("GET", ""), ("POST", "/disable"), ("POST", "/password"), ("DELETE", "/second-factor")):
            assert desk.ask(method, f"/api/people/{there}{path}", MAYOR).status_code == 404

    def test_come_in_pages_that_lead_to_each_once(self, desk: Desk) -> None:
        desk.make("paged.a")
        desk.make("paged.b")
        seen, after = [], ""
        while after is not None:
            page = desk.ask("GET", "/api/people", params={"limit": 2, "after": after}).json()
            seen += [person["username"] for person in page["people"]]
            after = page["next_after"]
        assert seen == sorted(set(seen))
        assert {"paged.a", "paged.b"} <= set(seen)

    def test_hold_grants_that_the_list_shows(self, desk: Desk) -> None:
        account, _ = desk.make("holds", HERE)
        given = desk.grant(account, role="commune-clerk", units=[HERE], reason="QĐ 12", ends_on="2031-01-01").json()
        (shown,) = desk.ask("GET", f"/api/people/{account}").json()["grants"]
        assert (shown["id"], shown["role"], shown["units"], shown["ends_on"]) == (
            given["id"], "commune-clerk", [HERE], "2031-01-01",
        )  # fmt: skip
        (listed,) = desk.ask("GET", "/api/grants", MAYOR, params={"holder": account}).json()["grants"]
        assert (listed["reason"], listed["given_by"]) == ("QĐ 12", str(UUID(int=1)))
        desk.grant(account, role="auditor", everywhere=True)
        assert len(desk.ask("GET", "/api/grants", MAYOR, params={"holder": account}).json()["grants"]) == 1

    def test_are_reviewed_the_longest_unused_first_with_remarks(self, desk: Desk) -> None:
        account, _ = desk.make("review.old", HERE)
        with psycopg.connect(desk.database.superuser_dsn) as connection:
            connection.execute(
                "UPDATE access.accounts SET active_since = now() - interval '99 days' WHERE id = %s", [account]
            )
        first = desk.ask("GET", "/api/people/review", MAYOR).json()["people"][0]
        assert first["id"] == account
        assert first["idle_days"] == 99
        assert first["remarks"] == ["never_used", "idle", "no_second_factor", "no_grants"]


class TestLimits:
    def test_nobody_without_the_right_learns_anything(self, desk: Desk) -> None:
        account, _ = desk.make("limits.target", HERE)
        for who, status in ((None, 401), (GUEST, 403)):
            for path in ("/api/people", "/api/people/review", f"/api/people/{account}", "/api/grants"):
                assert desk.ask("GET", path, who).status_code == status, path
            assert desk.ask("POST", "/api/people", who, json={"username": "sly"}).status_code == status
            assert desk.ask("POST", f"/api/people/{uuid4()}/disable", who).status_code == status
            assert desk.ask("DELETE", f"/api/grants/{uuid4()}", who).status_code == status
            sent = {"holder": str(uuid4()), "role": "auditor", "everywhere": True}
            assert desk.ask("POST", "/api/grants", who, json=sent).status_code == status

    def test_a_commune_gives_in_the_commune_and_no_more_than_it_has(self, desk: Desk) -> None:
        account, _ = desk.make("limits.clerk", HERE, MAYOR)
        assert desk.grant(account, MAYOR, role="commune-clerk", units=[HERE]).status_code == 201
        since = desk.newest()
        right = {"actions": ["edit"], "areas": ["@definitions"], "everywhere": True}
        for body in (
            {"role": "commune-clerk", "units": [HERE, THERE]},
            {"role": "commune-clerk", "everywhere": True},
            {"right": right, "units": [HERE]},
            {"role": "data-steward", "units": [HERE]},
        ):
            assert desk.grant(account, MAYOR, **body).status_code == 403, body
        assert [(action, outcome) for action, outcome, *_ in desk.events(since)] == [("access_refused", "refused")] * 4
        assert desk.ask("POST", "/api/people", MAYOR, json={"username": "x.y", "unit_code": THERE}).status_code == 403
        assert desk.ask("POST", "/api/people", MAYOR, json={"username": "x.y"}).status_code == 403

    def test_a_commune_does_not_take_over_a_leader_who_lives_there(self, desk: Desk) -> None:
        leader, _ = desk.make("limits.leader", HERE)
        assert desk.grant(leader, role="chairman", everywhere=True).status_code == 201
        for method, path in (("POST", "password"), ("POST", "disable"), ("DELETE", "second-factor")):
            assert desk.ask(method, f"/api/people/{leader}/{path}", MAYOR).status_code == 403
            assert desk.ask(method, f"/api/people/{leader}/{path}").status_code in (200, 204)

    def test_nobody_gives_to_themselves_and_the_try_is_on_record(self, desk: Desk) -> None:
        with psycopg.connect(desk.database.superuser_dsn) as connection:
            connection.execute(
                "INSERT INTO access.accounts (id, username, display_name, created_by) VALUES (%s, 'chief', 'C', 't')",
                [UUID(int=1)],
            )
        since = desk.newest()
        assert desk.grant(str(UUID(int=1)), role="police", everywhere=True).status_code == 403
        assert [(action, outcome) for action, outcome, *_ in desk.events(since)] == [("right_given", "refused")]
        assert desk.ask("POST", f"/api/people/{UUID(int=1)}/disable").status_code == 403

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"role": "auditor"},
            {"role": "auditor", "units": [HERE], "everywhere": True},
            {"role": "emperor", "everywhere": True},
            {"role": "auditor", "units": []},
            {"role": "auditor", "units": ["hà nội"]},
            {"role": "auditor", "units": [HERE], "ends_on": "2026-01-01"},
            {"role": "auditor", "units": [HERE], "given_by": "me"},
            {"role": "auditor", "units": [HERE], "reason": "\x00"},
            {"right": {"actions": ["fly"], "layers": ["schools"]}, "everywhere": True},
            {"right": {"actions": ["read"], "layers": ["\x00"]}, "everywhere": True},
            {"right": {"actions": ["read"], "layers": ["\ud800"]}, "everywhere": True},
        ],
    )
    def test_nonsense_is_refused_with_a_sentence(self, desk: Desk, body: dict[str, object]) -> None:
        account = str(uuid4())
        answer = desk.ask("POST", "/api/grants", content=_json({"holder": account, **body}))
        # What is wrong with the wish is said before whether the holder is known.
        assert answer.status_code in (400, 404), answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["detail"]

    def test_an_unknown_holder_or_grant_is_404_and_a_taken_name_409(self, desk: Desk) -> None:
        assert desk.grant(str(uuid4()), role="auditor", everywhere=True).status_code == 404
        assert desk.ask("DELETE", f"/api/grants/{uuid4()}").status_code == 404
        desk.make("taken.name")
        assert desk.ask("POST", "/api/people", json={"username": "TAKEN.name"}).status_code == 409
        assert desk.ask("POST", "/api/people", json={"username": "có dấu"}).status_code == 400
        assert desk.ask("POST", "/api/people", json={"username": "a.b", "roles": ["police"]}).status_code == 400


def _json(document: object) -> bytes:
    return json.dumps(document).encode()


class TestTheLastAdministrator:
    @pytest.fixture
    def two(self, database: Database) -> tuple[Database, list[tuple[str, UUID]]]:
        engine = database.engine("diaban_owner")
        made = []
        with engine.begin() as connection:
            for name in ("first", "second"):
                account, _ = add_account(connection, name, name, author="test")
                made.append((name, give(connection, Giving(Holder.ACCOUNT, account, "administrator"), ADMIN)))
        engine.dispose()
        return database, made

    def test_stays_when_two_remove_each_other_at_once(self, two: tuple[Database, list[tuple[str, UUID]]]) -> None:
        database, ((first, _), (_, grant)) = two
        auth, writer = database.engine("diaban_auth"), database.engine("diaban_writer")

        def close() -> bool:
            with auth.begin() as connection:
                set_account_state(connection, first, "disabled", author="second")
            return True

        def withdraw() -> bool:
            with writer.begin() as connection:
                take(connection, grant, ADMIN)
            return True

        with ThreadPoolExecutor(2) as pool:
            results = [pool.submit(close), pool.submit(withdraw)]
            errors = [result.exception() for result in results]
        auth.dispose()
        writer.dispose()
        assert sorted(type(error) for error in errors if error) == [LastAdministrator]

    def test_is_not_closed_for_idleness_as_others_are(self, two: tuple[Database, list[tuple[str, UUID]]]) -> None:
        database, _ = two
        owner, auth = database.engine("diaban_owner"), database.engine("diaban_auth")
        later = datetime.now(UTC) + timedelta(days=46)
        with owner.begin() as connection:
            add_account(connection, "idle", "", author="test")
            add_account(connection, "program", "", author="test", kind="service")
        with auth.begin() as connection:
            assert close_idle_accounts(connection, timedelta(days=47), later) == 0
            assert close_idle_accounts(connection, timedelta(days=45), later) == 2
            rows = connection.exec_driver_sql("SELECT username, state FROM access.accounts ORDER BY 1")
            states = dict(row[:2] for row in rows.all())
            assert (states["idle"], states["program"]) == ("disabled", "active")
            assert sorted((states["first"], states["second"])) == ["active", "disabled"]
        owner.dispose()
        auth.dispose()


ADMIN = Scope.local_admin()
