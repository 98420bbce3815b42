"""Pages in a real Chromium: nothing in its console, and nothing asked of another host."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Route

from tests.conftest import Service

OWN_HOST = "127.0.0.1"
PAGES = [
    "/",
    "/?lang=en",
    "/docs",
    "/ogc?f=html",
    "/ogc/collections?f=html",
    "/ogc/collections/schools?f=html",
    "/ogc/collections/schools/items?f=html",
    "/ogc/collections/communes/items/1?f=html",
    "/ogc/collections/schools/queryables?f=html",
    "/ogc/conformance?f=html",
    "/ogc/openapi?f=html",
]
pytestmark = [pytest.mark.db, pytest.mark.slow]


@dataclass
class Visit:
    """What the browser's console said, and the hosts that pages asked."""

    console: list[str] = field(default_factory=list)
    hosts: set[str | None] = field(default_factory=set)


def visit(browser: Browser, pages: list[str]) -> Visit:
    """Opens pages one after another on a screen as wide as a phone; every host but this one is out of reach."""
    found = Visit()

    def pass_on(route: Route) -> None:
        address = urlsplit(route.request.url)
        if address.scheme in ("http", "https"):
            found.hosts.add(address.hostname)
        if address.scheme == "file" or address.hostname == OWN_HOST:
            route.continue_()
        else:
            route.abort()

    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.route("**/*", pass_on)
    page.on("console", lambda message: found.console.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: found.console.append(str(error)))
    for address in pages:
        page.goto(address, wait_until="load")
        page.wait_for_load_state("networkidle")
    context.close()
    return found


class TestPages:
    def test_please_the_browser(self, service: Service, browser: Browser) -> None:
        for page in PAGES:
            assert service.client.get(page).headers["content-type"].startswith("text/html"), page
        assert visit(browser, [f"{service.url}{page}" for page in PAGES]) == Visit([], {OWN_HOST})

    def test_that_complained_or_asked_another_host_would_be_seen(self, browser: Browser, tmp_path: Path) -> None:
        bad = tmp_path / "bad.html"
        bad.write_text('<img src="https://cdn.example/x.png"><script>throw new Error("broken")</script>')
        found = visit(browser, [bad.as_uri()])
        assert found.hosts == {"cdn.example"}
        assert any("broken" in line for line in found.console)
