"""Signing in over HTTP, by people and by programs, and everything that is refused."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import httpx
import psycopg
import pyotp
import pytest

from app.account_commands import make_first_administrator
from app.database import Database
from app.identity.identify import COOKIE
from app.identity.pages import safe_path
from app.identity.people import KEPT_S
from layers.access import Scope
from layers.grants import Giving, Holder, give
from layers.identity.accounts import add_account, set_account_state
from layers.identity.errors import WeakPassword
from layers.identity.passwords import check_password
from layers.identity.rules import STANDARD
from tests.conftest import Service, run_service

pytestmark = pytest.mark.db
GOOD = "bến đò chiều mưa 7"
# A layer of the built-in ones that the public does not know of.
HIDDEN = "budgets"


@dataclass(frozen=True)
class Office:
    """A service with people in it."""

    service: Service
    database: Database
    browsers: list[httpx.Client] = field(default_factory=list)

    def add(self, username: str, role: str | None = None, units: frozenset[str] | None = None) -> tuple[UUID, str]:
        engine = self.database.engine("diaban_owner")
        with engine.begin() as connection:
            account, password = add_account(connection, username, username.title(), author="test")
            if role:
                giving = Giving(Holder.ACCOUNT, account, role=role, units=units)
                give(connection, giving, Scope.local_admin())
        engine.dispose()
        assert password is not None
        return account, password

    def browser(self) -> httpx.Client:
        """A client with cookies of its own that sends what a browser sends from our pages."""
        made = httpx.Client(base_url=self.service.url, headers={"Origin": self.service.url}, timeout=60)
        self.browsers.append(made)
        return made

    def settled(self, username: str, role: str | None = None) -> httpx.Client:
        """Somebody who has signed in and set a password."""
        _, first = self.add(username, role)
        browser = self.browser()
        assert sign_in(browser, username, first).status_code == 200
        assert browser.post("/api/account/password", json={"old": first, "new": GOOD}).status_code == 204
        return browser

    def protected(self, username: str, role: str | None = None) -> tuple[httpx.Client, pyotp.TOTP, list[str]]:
        """The same with a second factor; returns the authenticator and the codes to recover by too."""
        browser = self.settled(username, role)
        totp = pyotp.TOTP(browser.post("/api/account/second-factor").json()["secret"])
        confirmed = browser.put("/api/account/second-factor", json={"code": totp.now()})
        assert confirmed.status_code == 200
        return browser, totp, confirmed.json()["recovery_codes"]

    def events(self, action: str) -> list[tuple[str, str]]:
        with psycopg.connect(self.database.superuser_dsn) as db:
            return db.execute(
                "SELECT actor, outcome FROM audit.events WHERE action = %s ORDER BY id", [action]
            ).fetchall()


@pytest.fixture(scope="module")
def office(make_clone: Callable[[], Database], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    database = make_clone()
    for service in run_service(database, tmp_path_factory.mktemp("identity")):
        made = Office(service, database)
        yield made
        for browser in made.browsers:
            browser.close()


def sign_in(client: httpx.Client, username: str, password: str) -> httpx.Response:
    return client.post("/api/session", json={"username": username, "password": password})


def token_of(browser: httpx.Client, *, may_edit: bool = False) -> str:
    made = browser.post("/api/account/tokens", json={"name": "QGIS", "days": 30, "may_edit": may_edit})
    assert made.status_code == 201
    return str(made.json()["token"])


class TestSession:
    def test_opens_with_a_one_time_password_that_gives_no_rights_until_changed(self, office: Office) -> None:
        account, first = office.add("Lan.Clerk", "provincial-office")
        with office.browser() as browser:
            opened = sign_in(browser, " lan.clerk ", first)
            assert opened.json()["must_change_password"] is True
            assert opened.json()["subject"] == str(account)
            cookie = opened.headers["set-cookie"].lower()
            assert "httponly" in cookie
            assert "samesite=lax" in cookie
            assert browser.get(f"/api/layers/{HIDDEN}").status_code == 404
            assert browser.post("/api/account/password", json={"old": first, "new": "ngắn"}).status_code == 400
            assert browser.post("/api/account/password", json={"old": "sai", "new": GOOD}).status_code == 401
            assert browser.post("/api/account/password", json={"old": first, "new": GOOD}).status_code == 204
            seen = browser.get(f"/api/layers/{HIDDEN}")
            assert seen.status_code == 200
            assert "private" in seen.headers["cache-control"] or "no-store" in seen.headers["cache-control"]
            assert browser.get("/api/session").json()["roles"] == ["provincial-office"]
            assert browser.delete("/api/session").status_code == 204
            assert browser.get("/api/session").json() == {"signed_in": False}
        assert sign_in(office.service.client, "lan.clerk", first).status_code == 401
        office.service.client.cookies.clear()
        assert (str(account), "done") in office.events("sign_in")
        assert (str(account), "done") in office.events("sign_out")

    def test_an_unknown_name_and_a_wrong_password_are_told_alike(self, office: Office) -> None:
        office.add("minh")
        wrong = sign_in(office.service.client, "minh", "không phải mật khẩu").json()
        unknown = sign_in(office.service.client, "nobody-here", "không phải mật khẩu").json()
        assert wrong["status"] == 401
        for document in (wrong, unknown):
            del document["request_id"]
        assert wrong == unknown

    def test_waits_after_failures_even_with_the_right_password(self, office: Office) -> None:
        account, first = office.add("tam")
        for _ in range(STANDARD.max_failures):
            assert sign_in(office.service.client, "tam", "sai mật khẩu rồi").status_code == 401
        refused = sign_in(office.service.client, "TAM", first)
        assert refused.status_code == 429
        assert "phút" in refused.json()["detail"]
        with psycopg.connect(office.database.superuser_dsn) as db:
            told = db.execute(
                "SELECT detail ->> 'wait_began' FROM audit.events WHERE actor = %s ORDER BY id", [str(account)]
            ).fetchall()
        assert [began for (began,) in told] == [None] * (STANDARD.max_failures - 1) + ["true"]

    def test_ends_at_once_when_the_account_is_closed_and_when_idle(self, office: Office) -> None:
        engine = office.database.engine("diaban_owner")
        browser, idle = office.settled("hoa"), office.settled("idle")
        with engine.begin() as connection:
            set_account_state(connection, "hoa", "disabled", author="test")
            connection.exec_driver_sql(
                "UPDATE access.sessions SET seen_at = now() - interval '31 minutes' WHERE account ="
                " (SELECT id FROM access.accounts WHERE username = 'idle')"
            )
        engine.dispose()
        wait_until_forgotten()
        assert browser.get("/api/session").json() == {"signed_in": False}
        assert idle.get("/api/session").json() == {"signed_in": False}
        assert sign_in(office.service.client, "hoa", GOOD).status_code == 401

    def test_another_websites_page_changes_nothing(self, office: Office) -> None:
        browser = office.settled("binh")
        body = {"name": "x", "days": 1}
        for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}):
            assert browser.post("/api/account/tokens", json=body, headers=headers).status_code == 403
        del browser.headers["Origin"]
        assert browser.post("/api/account/tokens", json=body).status_code == 403
        assert browser.get("/api/account/tokens").json() == {"tokens": []}

    def test_another_websites_page_signs_nobody_in(self, office: Office) -> None:
        _, first = office.add("visitor")
        evil = {"Origin": "https://evil.example"}
        body = {"username": "visitor", "password": first}
        assert office.service.client.post("/api/session", json=body, headers=evil).status_code == 403
        assert office.service.client.post("/signin", data=body, headers=evil).status_code == 403

    def test_an_old_failure_does_not_close_the_account(self, office: Office) -> None:
        _, first = office.add("weekly")
        for _ in range(STANDARD.max_failures - 1):
            sign_in(office.service.client, "weekly", "sai mật khẩu rồi")
        with psycopg.connect(office.database.superuser_dsn) as db:
            db.execute("UPDATE access.failures SET last_at = now() - interval '2 days'")
        assert sign_in(office.service.client, "weekly", "sai mật khẩu rồi").status_code == 401
        with office.browser() as browser:
            assert sign_in(browser, "weekly", first).status_code == 200

    def test_no_secret_stands_in_the_database(self, office: Office) -> None:
        browser = office.settled("kho")
        token = token_of(browser)
        with psycopg.connect(office.database.superuser_dsn) as db:
            for table in ("accounts", "passwords", "sessions", "tokens", "failures"):
                held = str(db.execute(f"SELECT array_agg(t::text) FROM access.{table} t").fetchone())
                assert GOOD not in held
                assert token not in held
                assert browser.cookies[COOKIE] not in held
        with psycopg.connect(office.database.dsn("diaban_writer")) as db, pytest.raises(psycopg.Error):
            db.execute("SELECT * FROM access.passwords")


class TestTokens:
    def test_open_hidden_layers_as_bearer_and_as_the_password_of_basic(self, office: Office) -> None:
        token = token_of(office.settled("qgis-user", "provincial-office"))
        client, url = office.service.client, "/ogc/collections/land-complaints?f=json"
        assert client.get(url).status_code == 404
        assert client.get(url, headers={"Authorization": f"Bearer {token}"}).status_code == 200
        assert client.get(url, auth=("qgis-user", token)).status_code == 200

    def test_gdal_lists_what_the_person_may_see(self, office: Office) -> None:
        token = token_of(office.settled("gdal-user", "provincial-office"))

        def layers(*more: str) -> str:
            command = ["ogrinfo", "-ro", "-q", *more, f"OAPIF:{office.service.url}/ogc"]
            return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout

        assert "(title: " in layers() or "1: " in layers()
        assert "land-complaints" not in layers()
        assert "land-complaints" in layers("--config", "GDAL_HTTP_USERPWD", f"gdal-user:{token}")

    def test_one_that_may_not_edit_only_reads(self, office: Office) -> None:
        browser, _, _ = office.protected("steward", "data-steward")
        reading, editing = token_of(browser), token_of(browser, may_edit=True)
        client, items = office.service.client, "/ogc/collections/schools/items"
        feature = client.get(items, params={"limit": 1, "f": "json"}).json()["features"][0]
        address = f"{items}/{feature['id']}"
        change = {"properties": {"name": "Trường thử"}}
        headers = {"If-Match": "*", "Content-Type": "application/merge-patch+json"}
        refused = client.patch(address, json=change, headers={**headers, "Authorization": f"Bearer {reading}"})
        assert refused.status_code == 403
        done = client.patch(address, json=change, headers={**headers, "Authorization": f"Bearer {editing}"})
        assert done.status_code < 300

    @pytest.mark.parametrize("header", ["Bearer x", "Basic !!!", "Basic eDp5", "Digest x", "Bearer diaban_", "x"])
    def test_a_wrong_one_is_told_rather_than_shown_the_public(self, office: Office, header: str) -> None:
        answer = office.service.client.get("/api/layers", headers={"Authorization": header})
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Basic")

    def test_is_over_once_revoked_and_cannot_make_another(self, office: Office) -> None:
        browser = office.settled("revoker")
        token = token_of(browser)
        bearer = {"Authorization": f"Bearer {token}"}
        client = office.service.client
        made = client.post("/api/account/tokens", json={"name": "x", "days": 1}, headers=bearer)
        assert made.status_code == 401
        # In strange hands a token changes nothing of the account and shows nothing of it.
        guess = {"old": GOOD, "new": "một mật khẩu khác hẳn"}
        assert client.post("/api/account/password", json=guess, headers=bearer).status_code == 401
        assert client.get("/api/account/tokens", headers=bearer).status_code == 401
        (listed,) = browser.get("/api/account/tokens").json()["tokens"]
        assert token not in str(listed)
        assert browser.delete(f"/api/account/tokens/{listed['id']}").status_code == 204
        assert browser.delete(f"/api/account/tokens/{listed['id']}").status_code == 404
        assert client.get("/api/session", headers=bearer).status_code == 401


class TestSecondFactor:
    def test_is_needed_by_those_who_decide_and_gives_their_rights(self, office: Office) -> None:
        browser = office.settled("approver", "approver")
        held = browser.get("/api/session").json()
        assert held["must_add_second_factor"] is True
        assert browser.get(f"/api/layers/{HIDDEN}").status_code == 404
        assert browser.post("/api/account/tokens", json={"name": "x", "days": 1}).status_code == 401
        secret = browser.post("/api/account/second-factor").json()["secret"]
        assert browser.put("/api/account/second-factor", json={"code": "000000"}).status_code == 400
        code = pyotp.TOTP(secret).now()
        assert len(browser.put("/api/account/second-factor", json={"code": code}).json()["recovery_codes"]) == 10
        assert browser.get(f"/api/layers/{HIDDEN}").status_code == 200
        assert browser.post("/api/account/second-factor").status_code == 400

    def test_a_code_counts_once_and_the_password_alone_opens_nothing(self, office: Office) -> None:
        _, totp, recovery = office.protected("twice")
        with office.browser() as browser:
            needed = sign_in(browser, "twice", GOOD)
            assert (needed.status_code, needed.json()["parameter"]) == (401, "code")
            # The code of the enrolment has been used; the next step's is within the slack.
            next_code = totp.at(datetime.now(UTC), counter_offset=1)
            body = {"username": "twice", "password": GOOD, "code": next_code}
            assert browser.post("/api/session", json=body).status_code == 200
            used = browser.post("/api/session", json=body)
            assert (used.status_code, used.json()["parameter"]) == (400, "code")
            body["code"] = recovery[0].upper()
            assert browser.post("/api/session", json=body).status_code == 200
            used = browser.post("/api/session", json=body)
            assert (used.status_code, used.json()["parameter"]) == (400, "code")
            wrong = browser.post("/api/session", json={**body, "password": "sai", "code": recovery[1]})
            assert wrong.json()["type"].endswith("sign-in-refused")

    @pytest.mark.parametrize("code", ["１２３４５６", "²²²²²²", "mã", "", " ", "1234567", "-12345"])
    def test_what_is_no_code_is_refused_and_counted(self, office: Office, code: str) -> None:
        browser = office.settled(f"odd-{len(office.browsers)}")
        browser.post("/api/account/second-factor")
        refused = browser.put("/api/account/second-factor", json={"code": code})
        assert (refused.status_code, refused.json()["parameter"]) == (400, "code")

    def test_its_secret_is_encrypted_with_a_key_outside_the_database(self, office: Office) -> None:
        _, totp, recovery = office.protected("outside")
        with psycopg.connect(office.database.superuser_dsn) as db:
            held = str(db.execute("SELECT array_agg(t::text) FROM access.totp_devices t").fetchone())
            held += str(db.execute("SELECT array_agg(t::text) FROM access.recovery_codes t").fetchone())
        assert totp.secret not in held
        assert totp.secret.encode().hex() not in held
        assert recovery[0] not in held
        key = office.service.state / "secrets" / "second-factor.key"
        assert key.stat().st_mode & 0o077 == 0

    def test_is_added_on_the_page_without_scripts(self, office: Office) -> None:
        browser = office.settled("paged")
        shown = browser.post("/account/second-factor").text
        assert "<svg" in shown
        secret = shown.partition("<p><code>")[2].partition("<")[0]
        refused = browser.post("/account/second-factor/confirm", data={"code": "1"})
        assert refused.status_code == 400
        done = browser.post("/account/second-factor/confirm", data={"code": pyotp.TOTP(secret).now()})
        assert "Mã khôi phục" in done.text


class TestPages:
    def test_sign_in_change_the_password_make_a_token_and_sign_out(self, office: Office) -> None:
        _, first = office.add("trang")
        with office.browser() as browser:
            assert browser.get("/account").headers["location"].endswith("/signin?next=/account")
            form = {"username": "trang", "password": "sai hẳn rồi nhé", "next": "/map"}
            refused = browser.post("/signin", data=form)
            assert refused.status_code == 401
            assert 'value="trang"' in refused.text
            assert "sai hẳn rồi nhé" not in refused.text
            opened = browser.post("/signin", data={**form, "password": first})
            assert (opened.status_code, opened.headers["location"]) == (303, "/account")
            changed = browser.post("/account/password", data={"old": first, "new": GOOD})
            assert "Đã đổi mật khẩu" in changed.text
            made = browser.post("/account/tokens", data={"name": "<script>alert(1)</script>", "days": "10"})
            assert "diaban_" in made.text
            assert "<script>alert" not in made.text
            assert browser.get("/account").text.count("diaban_") == 0
            assert browser.post("/signout").status_code == 303
            assert browser.get("/account").status_code == 303

    @pytest.mark.parametrize(
        "path", ["https://evil.example", "//evil.example", "/\\evil.example", "\\\\evil", "x", "", "/a\nb"]
    )
    def test_goes_on_to_no_other_website(self, path: str) -> None:
        assert safe_path(path) == "/account"

    def test_goes_on_to_its_own_pages(self) -> None:
        assert safe_path("/map?layers=schools") == "/map?layers=schools"


def test_every_act_is_in_the_audit_trail(office: Office) -> None:
    browser = office.settled("auditee")
    account = browser.get("/api/session").json()["subject"]
    token_of(browser)
    (token,) = browser.get("/api/account/tokens").json()["tokens"]
    browser.delete(f"/api/account/tokens/{token['id']}")
    sign_in(office.service.client, "auditee", "không đúng đâu nhé")
    for action, outcome in (
        ("sign_in", "done"),
        ("sign_in", "refused"),
        ("password_changed", "done"),
        ("token_created", "done"),
        ("token_revoked", "done"),
    ):
        assert (account, outcome) in office.events(action), action


class TestPasswords:
    @pytest.mark.parametrize(
        "password", ["short", "aaaaaaaaaaaaaa", "matkhau123456", "Password123456", "lan.clerk-2026", "x" * 129]
    )
    def test_weak_ones_are_refused(self, password: str) -> None:
        with pytest.raises(WeakPassword):
            check_password(password, "lan.clerk")

    def test_a_vietnamese_sentence_is_fine_however_it_is_typed(self) -> None:
        check_password(GOOD, "lan.clerk")


def test_the_first_administrator_is_made_once(make_clone: Callable[[], Database]) -> None:
    database = make_clone()
    password = make_first_administrator(database)
    assert password
    assert make_first_administrator(database) is None


def wait_until_forgotten() -> None:
    """A secret is trusted for a moment in each process; this waits for that long and judges no speed."""
    import time

    time.sleep(KEPT_S + 0.1)


def test_state_folder_holds_no_password(office: Office) -> None:
    files = [path for path in office.service.state.rglob("*") if path.is_file()]
    assert [path for path in files if GOOD.encode() in path.read_bytes()] == []


def test_a_flood_of_sign_ins_leaves_everybody_else_served(
    make_clone: Callable[[], Database], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def flood(url: str) -> tuple[set[int], set[int]]:
        async with httpx.AsyncClient(base_url=url, timeout=120) as client:
            tries = [client.post("/api/session", json={"username": f"n{n}", "password": "sai"}) for n in range(60)]
            others = [client.get("/api/layers") for _ in range(5)]
            answers = await asyncio.gather(*tries, *others)
        return {answer.status_code for answer in answers[:60]}, {answer.status_code for answer in answers[60:]}

    for service in run_service(make_clone(), tmp_path):
        tried, others = asyncio.run(flood(service.url))
        assert others == {200}
        assert 401 in tried
        assert tried <= {401, 429, 503}
        # As if as many waited as may wait.
        monkeypatch.setattr("app.identity.routes.MOST_WAITING", 0)
        busy = sign_in(service.client, "anybody", "sai")
        assert busy.status_code == 503
        assert busy.json()["type"] == "/problems/sign-ins-busy"
        assert service.client.post("/signin", data={"username": "a", "password": "b"}).status_code == 503
        assert service.client.get("/api/layers").status_code == 200
