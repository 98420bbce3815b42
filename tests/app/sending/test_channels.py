"""Channels and the log over HTTP and at the terminal: who sees and does what, and what the audit trail keeps."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import httpx
import psycopg
import pytest
from sqlalchemy import text

from app.database import Database
from app.resources import Principal
from app.sending.courier import Courier
from app.sending.health import examine_channels
from app.sending.senders import senders_of, webhook_key
from app.sending.webhook import secret_of
from app.settings import Settings
from layers.access import Grant, Scope
from layers.rights import Action, Area, Right
from tests.app.sending.servers import http_server, status
from tests.app.test_audit_coverage import CHANNELS
from tests.conftest import Service, run_service
from tests.layers.conftest import store
from tests.people import WHO, with_people
from tests.scenarios.notifying.conftest import empty

__all__ = ["store"]
pytestmark = pytest.mark.db
HERE, THERE = "16540", "16543"
ADMIN = replace(Scope.local_admin(), subject="admin")
LOCAL = Scope(
    "local", (Grant(Right(frozenset({Action.ADMINISTER}), areas=frozenset({Area.ALERTS})), frozenset({HERE})),)
)


class Caller:
    """Calls as somebody."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def __call__(self, who: str, method: str, path: str, body: object = None) -> httpx.Response:
        return self._client.request(method, path, json=body, headers={WHO: who})


@pytest.fixture(scope="module")
def person() -> str:
    """The id of an account without any right."""
    return str(uuid.uuid4())


@pytest.fixture(scope="module")
def running(store: Database, tmp_path_factory: pytest.TempPathFactory, person: str) -> Iterator[Service]:
    """A service over the small store, whose callers a header names."""
    with psycopg.connect(store.superuser_dsn) as connection:
        connection.execute(
            "INSERT INTO access.accounts (id, username, display_name, created_by) VALUES (%s, %s, 'Cán bộ', 'test')",
            [person, person],
        )
    people = {
        "admin": Principal("admin", "Quản trị", ADMIN),
        "local": Principal("local", "Quản trị xã", LOCAL),
        "person": Principal(person, "Cán bộ", Scope(person)),
    }
    yield from run_service(store, tmp_path_factory.mktemp("state"), adapt=with_people(people))


@pytest.fixture
def served(running: Service) -> Iterator[Service]:
    """The service without channels."""
    empty(running.database)
    yield running
    empty(running.database)


@pytest.fixture
def call(served: Service) -> Caller:
    return Caller(served.client)


def _body(**changes: object) -> dict[str, object]:
    return {"name": "Tổ điều hành", "kind": "webhook", "address": "http://127.0.0.1:9/x", "gap_s": 0, **changes}


def _carry(served: Service) -> None:
    settings = Settings(state_dir=served.state)
    engine = served.database.engine("diaban_writer")
    courier = Courier(engine, senders_of(settings), settings.public_url, lambda: datetime.now(UTC))
    courier.step()
    courier.settle()
    courier.close()
    engine.dispose()


class TestActs:
    def test_each_leaves_one_event_without_the_address(self, served: Service, call: Caller) -> None:
        with psycopg.connect(served.database.superuser_dsn) as connection:
            (newest,) = connection.execute("SELECT coalesce(max(id), 0) FROM audit.events").fetchone() or (0,)
        with http_server(status(410)) as server:
            added = call("admin", "POST", "/api/channels", _body(address=server.url))
            channel = added.json()["id"]
            delivery = call("admin", "POST", f"/api/channels/{channel}/test").json()["delivery"]
            assert call("admin", "POST", f"/api/deliveries/{delivery}/resend").status_code == 409
            _carry(served)
            (failed,) = call("admin", "GET", "/api/deliveries?state=failed").json()["deliveries"]
            assert (failed["id"], failed["reason"], failed["attempts"]) == (delivery, "answered 410", 1)
            server.answers = [status(200)]
            assert call("admin", "POST", f"/api/deliveries/{delivery}/resend").status_code == 204
            _carry(served)
            (sent,) = call("admin", "GET", f"/api/deliveries?channel={channel}").json()["deliveries"]
            assert sent["state"] == "sent"
            assert {request.headers["idempotency-key"] for request in server.received} == {delivery}
            assert call("admin", "DELETE", f"/api/channels/{channel}").status_code == 204
        with psycopg.connect(served.database.superuser_dsn) as connection:
            events = connection.execute(
                "SELECT action, detail::text, source FROM audit.events WHERE id > %s ORDER BY id", [newest]
            ).fetchall()
        assert sorted(event[0] for event in events) == sorted(CHANNELS.values())
        assert not any("127.0.0.1" in event[1] for event in events)
        assert all(event[2].startswith("127.0.0.1:") for event in events)
        assert call("admin", "POST", f"/api/channels/{channel}/test").status_code == 404

    def test_a_webhooks_secret_is_told_once(self, served: Service, call: Caller) -> None:
        added = call("admin", "POST", "/api/channels", _body()).json()
        key = webhook_key(Settings(state_dir=served.state))
        assert added["secret"] == secret_of(key, uuid.UUID(added["id"]))
        (listed,) = call("admin", "GET", "/api/channels").json()["channels"]
        assert "secret" not in listed
        assert call("admin", "POST", "/api/channels", _body()).status_code == 409


class TestRights:
    def test_an_office_is_administered_where_one_may(self, call: Caller, person: str) -> None:
        answers = {
            "everywhere": call("local", "POST", "/api/channels", _body()).status_code,
            "elsewhere": call("local", "POST", "/api/channels", _body(unit_code=THERE)).status_code,
            "here": call("local", "POST", "/api/channels", _body(unit_code=HERE)).status_code,
            "nowhere": call("person", "POST", "/api/channels", _body(unit_code=HERE)).status_code,
        }
        assert answers == {"everywhere": 403, "elsewhere": 403, "here": 201, "nowhere": 403}

    def test_nobody_sees_or_touches_what_is_anothers(self, call: Caller, person: str) -> None:
        own = call("person", "POST", "/api/channels", _body(kind="email", address="toi@example.vn", own=True)).json()
        office = call("admin", "POST", "/api/channels", _body(unit_code=HERE)).json()
        wide = call("admin", "POST", "/api/channels", _body(address="http://127.0.0.1:9/wide")).json()
        assert own["account"] == person
        for channel in (own, office, wide):
            call("admin", "POST", f"/api/channels/{channel['id']}/test")
        seen = {
            who: {channel["id"] for channel in call(who, "GET", "/api/channels").json()["channels"]}
            for who in ("person", "local", "admin")
        }
        assert seen == {
            "person": {own["id"]},
            "local": {office["id"]},
            "admin": {own["id"], office["id"], wide["id"]},
        }
        logs = {
            who: {one["channel_id"] for one in call(who, "GET", "/api/deliveries").json()["deliveries"]} for who in seen
        }
        assert logs == seen
        (theirs,) = call("person", "GET", "/api/deliveries").json()["deliveries"]
        assert call("local", "POST", f"/api/deliveries/{theirs['id']}/resend").status_code == 404
        assert call("local", "DELETE", f"/api/channels/{own['id']}").status_code == 404
        assert call("person", "DELETE", f"/api/channels/{office['id']}").status_code == 404

    def test_a_persons_own_webhook_needs_a_machine_that_is_named(self, call: Caller) -> None:
        answer = call("person", "POST", "/api/channels", _body(own=True))
        assert (answer.status_code, answer.json()["parameter"]) == (400, "address")
        assert call("local", "POST", "/api/channels", _body(own=True)).status_code == 400


class TestBadInput:
    @pytest.mark.parametrize(
        "changes",
        [
            {"kind": "pigeon"},
            {"address": ""},
            {"address": "javascript:alert(1)"},
            {"address": "http://[::1"},
            {"address": "http://x:99999/"},
            {"address": "x" * 501},
            {"name": "\u0000"},
            {"name": "a\nb"},
            {"unit_code": "1654"},
            {"unit_code": "\u0000"},
            {"scenario": "S99"},
            {"kinds": []},
            {"kinds": ["x"]},
            {"quiet_from": "25:00", "quiet_until": "05:00"},
            {"quiet_from": "22:00"},
            {"gap_s": -1},
            {"gap_s": 1e9},
            {"least_level": "grave"},
            {"unknown": 1},
        ],
    )
    def test_is_400_and_named(self, call: Caller, changes: dict[str, object]) -> None:
        answer = call("admin", "POST", "/api/channels", _body(**changes))
        assert answer.status_code == 400, answer.text
        assert answer.headers["content-type"].startswith("application/problem+json")
        assert call("admin", "GET", "/api/channels").json()["channels"] == []

    @pytest.mark.parametrize("query", ["state=x", "before=2026-01-01", "limit=0", "channel=x"])
    def test_of_the_log_too(self, call: Caller, query: str) -> None:
        assert call("admin", "GET", f"/api/deliveries?{query}").status_code == 400


class TestDoctor:
    def test_tells_of_kinds_that_are_not_set_up_and_of_messages_that_do_not_arrive(
        self, served: Service, call: Caller
    ) -> None:
        engine, settings = served.database.superuser_engine(), Settings(state_dir=served.state)

        def well() -> list[bool]:
            return [finding.is_well for finding in examine_channels(engine, settings)]

        found = [well()]
        call("admin", "POST", "/api/channels", _body())
        found.append(well())
        zalo = call("admin", "POST", "/api/channels", _body(kind="zalo", address="f414")).json()["id"]
        found.append(well())
        call("admin", "DELETE", f"/api/channels/{zalo}")
        with engine.begin() as connection:
            connection.execute(
                text(
                    "INSERT INTO notifying.deliveries (channel_id, state, due_at, ended_at)"
                    " SELECT id, 'failed', now(), now() FROM notifying.channels WHERE removed_at IS NULL"
                )
            )
        found.append(well())
        engine.dispose()
        assert found == [[True], [True], [False], [False]]
