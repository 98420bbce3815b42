"""Pages in a real Chromium: nothing in its console, and nothing asked of another host."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.conftest import Service

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
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
pytestmark = [
    pytest.mark.db,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (apt-get install chromium)"),
]


@dataclass(frozen=True)
class Visit:
    """What the browser's console said, and the hosts that pages (not the browser itself) asked."""

    console: list[str]
    hosts: set[str | None]


def visit(folder: Path, pages: list[str]) -> Visit:
    """Shows pages in frames as wide as a phone; every host but this one is out of reach."""
    sheet, net = folder / "frames.html", folder / "net.json"
    sheet.write_text("".join(f'<iframe src="{page}" width="390" height="844"></iframe>' for page in pages))
    finished = subprocess.run(
        [
            *(str(CHROMIUM), "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run"),
            *("--disable-background-networking", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"),
            *("--enable-logging=stderr", f"--user-data-dir={folder}/profile", f"--log-net-log={net}"),
            *("--virtual-time-budget=8000", "--dump-dom", sheet.as_uri()),
        ],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert finished.stdout.count("<iframe") == len(pages), finished.stderr[-1000:]
    asked = [event.get("params", {}) for event in json.loads(net.read_text())["events"]]
    return Visit(
        console=[line for line in finished.stderr.splitlines() if ":CONSOLE" in line],
        hosts={
            urlsplit(given["url"]).hostname
            for given in asked
            if given.get("initiator", "not an origin") != "not an origin" and not given["url"].startswith("file:")
        },
    )


class TestPages:
    def test_please_the_browser(self, service: Service, tmp_path: Path) -> None:
        for page in PAGES:
            assert service.client.get(page).headers["content-type"].startswith("text/html"), page
        assert visit(tmp_path, [f"{service.url}{page}" for page in PAGES]) == Visit([], {"127.0.0.1"})

    def test_that_complained_or_asked_another_host_would_be_seen(self, tmp_path: Path) -> None:
        bad = tmp_path / "bad.html"
        bad.write_text('<img src="https://cdn.example/x.png"><script>throw new Error("broken")</script>')
        found = visit(tmp_path, [bad.as_uri()])
        assert found.hosts == {"cdn.example"}
        assert "broken" in found.console[0]
