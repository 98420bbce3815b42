"""Signing in through a real OpenID provider, and every answer that is not the one that was asked for."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, parse_qsl, urlencode, urljoin, urlsplit

import httpx
import psycopg
import pyotp
import pytest

from app.database import Database
from app.identity.oidc import AnswerRefused, Journey, opened_journey
from layers.identity.accounts import add_account, set_account_state
from layers.identity.second_factor import open_key
from tests.conftest import Service, free_port, run_service

FOLDER = os.environ.get("DIABAN_TEST_OIDC", "")
SCRIPT = Path(__file__).with_name("oidc_provider.mjs")
GOOD = "bến đò chiều mưa 7"


@dataclass(frozen=True)
class Meeting:
    """The service and the provider."""

    service: Service
    database: Database

    def add(self, username: str, *, elsewhere: bool = True) -> tuple[str, str | None]:
        engine = self.database.engine("diaban_auth")
        with engine.begin() as connection:
            account, password = add_account(connection, username, username, author="test", elsewhere=elsewhere)
        engine.dispose()
        return str(account), password

    def browser(self) -> httpx.Client:
        return httpx.Client(timeout=60)

    def back(self, browser: httpx.Client, username: str, *, following: str = "/map", amr: str = "") -> str:
        """Goes to the provider, signs in there, and returns the address that it sends the browser back to."""
        there = browser.get(f"{self.service.url}/signin/oidc", params={"next": following})
        assert there.status_code == 303, there.text
        asked = parse_qs(urlsplit(there.headers["location"]).query)
        assert asked["code_challenge_method"] == ["S256"]
        assert asked["nonce"][0] != asked["state"][0]
        url = there.headers["location"]
        while not url.startswith(self.service.url):
            if "/interaction/" in url:
                url += f"?{urlencode({'as': username, **({'amr': amr} if amr else {})})}"
            answer = browser.get(url)
            assert answer.status_code in (302, 303), answer.text
            url = urljoin(url, answer.headers["location"])
        return url

    def session(self, browser: httpx.Client) -> dict[str, object]:
        found: dict[str, object] = browser.get(f"{self.service.url}/api/session").json()
        return found

    def events(self, subject: str) -> list[tuple[str, str, str]]:
        with psycopg.connect(self.database.superuser_dsn) as db:
            return db.execute(
                "SELECT action, outcome, detail ->> 'issuer' FROM audit.events WHERE actor = %s AND action = 'sign_in'"
                " ORDER BY id",
                [subject],
            ).fetchall()


@pytest.fixture(scope="module")
def meeting(make_clone: Callable[[], Database], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Meeting]:
    node = shutil.which("node")
    if node is None or not (Path(FOLDER) / "node_modules" / "oidc-provider").is_dir():
        pytest.skip("DIABAN_TEST_OIDC names no folder in which npm has installed oidc-provider, or there is no node")
    port, database = free_port(), make_clone()
    given = {
        "oidc_issuer": f"http://127.0.0.1:{port}",
        "oidc_client_id": "diaban",
        "oidc_client_secret": "secret-of-the-test",
        "oidc_name": "SSO của tỉnh",
    }
    for service in run_service(database, tmp_path_factory.mktemp("oidc"), **given):
        command = [node, str(SCRIPT), FOLDER, str(port), f"{service.url}/signin/oidc/callback"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as provider:
            assert provider.stdout is not None
            try:
                assert any("listening" in line for line in provider.stdout)
                yield Meeting(service, database)
            finally:
                provider.terminate()


@pytest.mark.db
class TestAPersonWhomTheProviderConfirms:
    def test_is_signed_in_where_they_wanted_to_go_and_without_any_right(self, meeting: Meeting) -> None:
        account, _ = meeting.add("lan")
        assert "SSO của tỉnh" in meeting.service.client.get("/signin").text
        with meeting.browser() as browser:
            answer = browser.get(meeting.back(browser, "lan"))
            assert (answer.status_code, answer.headers["location"]) == (303, f"{meeting.service.url}/map")
            session = meeting.session(browser)
            assert (session["subject"], session["roles"], session["may"]) == (account, [], [])
            assert session["must_change_password"] is False
        assert meeting.events(account)[0][:2] == ("sign_in", "done")
        assert meeting.events(account)[0][2].startswith("http://127.0.0.1:")

    def test_without_an_open_account_is_refused_and_on_record(self, meeting: Meeting) -> None:
        account, _ = meeting.add("closed")
        engine = meeting.database.engine("diaban_auth")
        with engine.begin() as connection:
            set_account_state(connection, "closed", "disabled", author="test")
        engine.dispose()
        for username, subject in (("closed", account), ("stranger", "unknown")):
            with meeting.browser() as browser:
                answer = browser.get(meeting.back(browser, username))
                assert answer.status_code == 401
                assert "quản trị" in answer.text
                assert meeting.session(browser) == {"signed_in": False}
            assert meeting.events(subject)[-1][:2] == ("sign_in", "refused")

    def test_with_a_second_factor_must_have_proved_it_there(self, meeting: Meeting) -> None:
        _, first = meeting.add("twice", elsewhere=False)
        url, origin = meeting.service.url, {"Origin": meeting.service.url}
        with httpx.Client(base_url=url, headers=origin, timeout=60) as own:
            own.post("/api/session", json={"username": "twice", "password": first})
            own.post("/api/account/password", json={"old": first, "new": GOOD})
            totp = pyotp.TOTP(own.post("/api/account/second-factor").json()["secret"])
            assert own.put("/api/account/second-factor", json={"code": totp.now()}).status_code == 200
        with meeting.browser() as browser:
            assert browser.get(meeting.back(browser, "twice")).status_code == 401
        with meeting.browser() as browser:
            assert browser.get(meeting.back(browser, "twice", amr="pwd")).status_code == 401
        with meeting.browser() as browser:
            assert browser.get(meeting.back(browser, "twice", amr="otp")).status_code == 303
            assert meeting.session(browser)["signed_in"] is True

    def test_never_goes_on_to_another_host(self, meeting: Meeting) -> None:
        meeting.add("onward")
        with meeting.browser() as browser:
            answer = browser.get(meeting.back(browser, "onward", following="//evil.example/x"))
            assert answer.headers["location"] == f"{meeting.service.url}/account"


@pytest.mark.db
class TestAnAnswerIsRefused:
    def test_when_it_is_another_browsers(self, meeting: Meeting) -> None:
        meeting.add("victim")
        with meeting.browser() as attacker, meeting.browser() as victim:
            url = meeting.back(attacker, "victim")
            assert victim.get(url).status_code == 400
            meeting.back(victim, "victim")
            assert victim.get(url).status_code == 400, "the state of another journey"
            assert meeting.session(victim) == {"signed_in": False}

    def test_the_second_time(self, meeting: Meeting) -> None:
        meeting.add("again")
        with meeting.browser() as browser:
            url = meeting.back(browser, "again")
            kept = browser.cookies["diaban_oidc"]
            assert browser.get(url).status_code == 303
            assert "diaban_oidc" not in browser.cookies
            assert browser.get(url).status_code == 400
        cookie = {"Cookie": f"diaban_oidc={kept}"}
        assert httpx.get(url, headers=cookie).status_code == 400, "the provider takes a code once"

    @pytest.mark.parametrize("changes", [
        {"code": "made-up"}, {"state": "made-up"}, {"iss": "https://evil.example"}, {"code": None}, {"state": None},
    ])  # fmt: skip
    def test_when_a_part_of_it_is_wrong(self, meeting: Meeting, changes: dict[str, str | None]) -> None:
        with meeting.browser() as browser:
            url = urlsplit(meeting.back(browser, "anybody"))
            values = {**dict(parse_qsl(url.query)), **changes}
            query = urlencode({name: value for name, value in values.items() if value is not None})
            answer = browser.get(url._replace(query=query).geturl())
            assert answer.status_code == 400
            assert meeting.session(browser) == {"signed_in": False}

    def test_when_the_token_is_of_another_journey(self, meeting: Meeting) -> None:
        """A code that was put in from elsewhere fails by its verifier, and a token by its nonce."""
        with meeting.browser() as one, meeting.browser() as other:
            stolen = dict(parse_qsl(urlsplit(meeting.back(one, "anybody")).query))
            url = urlsplit(meeting.back(other, "anybody"))
            values = {**dict(parse_qsl(url.query)), "code": stolen["code"]}
            assert other.get(url._replace(query=urlencode(values)).geturl()).status_code == 400


def test_a_journey_opens_with_its_own_key_only(tmp_path: Path) -> None:
    key, other = open_key(tmp_path / "a"), open_key(tmp_path / "b")
    journey = Journey("s", "n", "v", "/map")
    assert opened_journey(journey.sealed(key), key) == journey
    for sealed in (journey.sealed(other), "", "x", key.encrypt(b'{"for": "else"}').decode()):
        with pytest.raises(AnswerRefused):
            opened_journey(sealed, key)


@pytest.mark.db
def test_a_provider_that_is_away_is_told_and_passwords_go_on(
    make_clone: Callable[[], Database], tmp_path: Path
) -> None:
    given = {"oidc_issuer": f"http://127.0.0.1:{free_port()}", "oidc_client_id": "diaban"}
    for service in run_service(make_clone(), tmp_path, **given):
        answer = service.client.get("/signin/oidc")
        assert answer.status_code == 503
        assert "mật khẩu" in answer.text
        assert service.client.get("/signin/oidc/callback").status_code == 400


@pytest.mark.db
def test_where_none_is_set_there_is_no_way_there(service: Service) -> None:
    assert service.client.get("/signin/oidc").status_code == 404
    assert "/signin/oidc" not in service.client.get("/signin").text
