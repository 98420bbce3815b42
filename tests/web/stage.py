"""A service with people who sign in by password, and alerts for them to work on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyotp
from playwright.sync_api import Browser, Page

from app.database import Database
from layers.access import Scope
from layers.grants import Giving, Holder, give
from layers.identity.accounts import add_account
from scenarios.alerts.raising import apply_outcomes
from scenarios.outcomes import Level, Outcome, Place, PlaceKind, Standing
from tests.conftest import Service, run_service

PASSWORD = "bến đò chiều mưa 7"  # noqa: S105 - of people who live as long as a test
DESKTOP, WALL, PHONE = (1440, 900), (3840, 2160), (390, 844)


@dataclass
class Stage:
    """The service as people in a browser use it."""

    service: Service
    browser: Browser
    cookies: dict[str, list[dict[str, object]]] = field(default_factory=dict)

    def add_person(self, username: str, role: str, units: frozenset[str] | None = None) -> None:
        """An account that holds a role in some communes, or in every one, and has set its password."""
        engine = self.service.database.engine("diaban_owner")
        with engine.begin() as connection:
            account, first = add_account(connection, username, username.title(), author="test")
            give(connection, Giving(Holder.ACCOUNT, account, role=role, units=units), Scope.local_admin())
        engine.dispose()
        assert first is not None
        self._sign_in(username, first)

    @contextmanager
    def page(self, username: str | None = None, size: tuple[int, int] = DESKTOP) -> Iterator[Page]:
        """A browser of one person's own, signed in."""
        context = self.browser.new_context(
            base_url=self.service.url,
            locale="vi-VN",
            timezone_id="Asia/Ho_Chi_Minh",
            viewport={"width": size[0], "height": size[1]},
            has_touch=size == PHONE,
        )
        if username is not None:
            context.add_cookies(self.cookies[username])  # type: ignore[arg-type]
        page = context.new_page()
        troubles = _troubles_of(page)
        try:
            yield page
        finally:
            context.close()
        assert troubles == [], "the page met errors that nobody handled"

    def _sign_in(self, username: str, first: str) -> None:
        """Signs in, sets a password and a second factor, without which nobody decides for others."""
        context = self.browser.new_context(base_url=self.service.url, extra_http_headers={"Origin": self.service.url})
        ask = context.request
        assert ask.post("/api/session", data={"username": username, "password": first}).ok
        assert ask.post("/api/account/password", data={"old": first, "new": PASSWORD}).ok
        secret = ask.post("/api/account/second-factor").json()["secret"]
        assert ask.put("/api/account/second-factor", data={"code": pyotp.TOTP(secret).now()}).ok
        self.cookies[username] = context.cookies()  # type: ignore[assignment]
        context.close()

    def raise_alert(self, key: str, *, scenario: str = "S04", level: Level = Level.WARNING, value: float = 26.0) -> int:
        """Lets a rule find that its condition holds at a place near a school; returns the alert."""
        school = self.service.client.get("/ogc/collections/schools/items/3").json()
        lon, lat = school["geometry"]["coordinates"]
        shift = (sum(key.encode()) % 40 - 20) / 250
        unit = str(self.service.client.get(f"/api/units?at={lon},{lat}").json()["units"][1]["code"])
        place = Place(PlaceKind.NODE, key, unit, "junctions", lon + shift, lat + shift / 2)
        now = datetime.now(UTC)
        found = Outcome(
            scenario, "T05", 1, place, Standing.HOLDS, level, now, now - timedelta(hours=3), value, 20.0, FACTS
        )
        return self.apply(found)

    def apply(self, outcome: Outcome) -> int:
        """Applies what a rule found, as an evaluation does."""
        engine = self.service.database.engine("diaban_writer")
        with engine.begin() as connection:
            raised = apply_outcomes(connection, [outcome], outcome.at)
        engine.dispose()
        return [*raised.opened, *raised.updated][0]


def _troubles_of(page: Page) -> list[str]:
    """Errors of a page's script as they come. A request that fails is the test's to judge: many are made to fail."""
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on(
        "console",
        lambda message: (
            troubles.append(message.text)
            if message.type == "error" and not message.text.startswith("Failed to load resource")
            else None
        ),
    )
    return troubles


def run_stage(browser: Browser, database: Database, folder: Path, people: Mapping[str, str]) -> Iterator[Stage]:
    """A stage until the fixture ends, with people who hold the role that stands beside their name."""
    for service in run_service(database, folder):
        stage = Stage(service, browser)
        for username, role in people.items():
            stage.add_person(username, role)
        yield stage


FACTS = {
    "indicator": "violations",
    "query": {"layer": "traffic-incidents", "radius_m": 300},
    "parts": {"this_month": 126, "monthly_mean": 100},
    "layers": [{"slug": "traffic-incidents", "revision": 3}],
}
