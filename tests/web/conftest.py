"""The built viewer and a real browser, for tests of what people see."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from app.viewer_build import build

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
# Maps are drawn by software, so that no test depends on the machine's graphics.
DRAWING = ("--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist")


@pytest.fixture(scope="session")
def viewer() -> None:
    """The viewer, built from its sources as they are."""
    build()


@pytest.fixture(scope="module")
def browser(viewer: None) -> Iterator[Browser]:
    """A Chromium; the tests that need it skip where the machine has none."""
    if CHROMIUM is None:
        pytest.skip("needs Chromium (apt-get install chromium)")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", *DRAWING])
        yield started
        started.close()
