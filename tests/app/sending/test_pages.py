"""One's own e-mail on the account page: added, listed and removed by form, and by nobody else."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import psycopg
import pytest

from app.database import Database
from layers.identity.accounts import add_account
from tests.conftest import Service, run_service
from tests.layers.conftest import store
from tests.scenarios.notifying.conftest import empty

__all__ = ["store"]
pytestmark = pytest.mark.db
GOOD = "bến đò chiều mưa 7"
MAIL = "canbo+ioc@example.vn"


@pytest.fixture(scope="module")
def served(store: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that has a mail server."""
    empty(store)
    yield from run_service(store, tmp_path_factory.mktemp("state"), smtp_host="127.0.0.1")
    empty(store)


@contextmanager
def _browser(served: Service, *, settled: bool = True) -> Iterator[httpx.Client]:
    engine, name = served.database.engine("diaban_owner"), f"u{uuid.uuid4().hex}"
    with engine.begin() as connection:
        _, first = add_account(connection, name, name, author="test")
    engine.dispose()
    with httpx.Client(base_url=served.url, headers={"Origin": served.url}, timeout=60) as browser:
        assert browser.post("/api/session", json={"username": name, "password": first}).status_code == 200
        if settled:
            changed = browser.post("/api/account/password", json={"old": first, "new": GOOD})
            assert changed.status_code == 204
        yield browser


def _events(served: Service) -> list[str]:
    with psycopg.connect(served.database.superuser_dsn) as connection:
        rows = connection.execute(
            "SELECT action, detail::text FROM audit.events WHERE object_kind = 'channel' ORDER BY id"
        ).fetchall()
    assert not any("@" in row[1] for row in rows)
    return [row[0] for row in rows]


def test_is_added_listed_and_removed(served: Service) -> None:
    before = len(_events(served))
    with _browser(served) as browser:
        assert "Thông báo qua thư" in browser.get("/account").text
        added = browser.post("/account/channels", data={"address": f" {MAIL} ", "least_level": "alarm"})
        assert (added.status_code, added.headers["location"]) == (303, "/account")
        page = browser.get("/account").text
        assert MAIL in page
        assert "<td>Báo động</td>" in page
        twice = browser.post("/account/channels", data={"address": MAIL, "least_level": "notice"})
        assert twice.status_code == 400
        assert "đã có kênh" in twice.text
        (path,) = re.findall(r'action="[^"]*(/account/channels/[^"/]+/remove)"', page)
        with _browser(served) as other:
            assert other.post(path).status_code == 404
        assert browser.post(path).status_code == 303
        assert MAIL not in browser.get("/account").text
    assert _events(served)[before:] == ["channel_added", "channel_removed"]


@pytest.mark.parametrize(
    "address", ["x", "a@b@c", "<script>alert(1)</script>@example.vn", "a@example.vn\r\nBcc: b@c.vn"]
)
def test_what_is_no_address_is_told(served: Service, address: str) -> None:
    with _browser(served) as browser:
        answer = browser.post("/account/channels", data={"address": address})
    assert answer.status_code == 400
    assert "<script>alert" not in answer.text


def test_wants_an_identity_a_password_of_ones_own_and_our_own_page(served: Service) -> None:
    data = {"address": MAIL}
    with httpx.Client(base_url=served.url, headers={"Origin": served.url}) as nobody:
        assert "/signin" in nobody.post("/account/channels", data=data).headers["location"]
        assert "/signin" in nobody.post(f"/account/channels/{uuid.uuid4()}/remove").headers["location"]
    with _browser(served, settled=False) as fresh:
        assert fresh.post("/account/channels", data=data).status_code == 303
        body = {"name": "x", "kind": "email", "address": MAIL, "own": True}
        assert fresh.post("/api/channels", json=body).status_code == 403
        assert fresh.get("/api/channels").json()["channels"] == []
    with _browser(served) as browser:
        refused = browser.post("/account/channels", data=data, headers={"Origin": "https://evil.example"})
        assert refused.status_code == 403
