"""Pictures of every page for the documentation: ``make screenshots`` writes them to ``docs/images``."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser

from app.database import Database
from app.settings import CHECKOUT
from scenarios.outcomes import Level
from tests.web.stage import DESKTOP, PHONE, WALL, Stage, run_stage

FOLDER = CHECKOUT / "docs" / "images"
SIZES = {"desktop": DESKTOP, "wall": WALL, "phone": PHONE}
PAGES = {
    "map": "/map?l=schools,clinics",
    "board": "/board?s=S04",
}


@pytest.fixture(scope="module")
def stage(
    browser: Browser, make_clone: Callable[[], Database], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    for made in run_stage(browser, make_clone(), tmp_path_factory.mktemp("state"), {"leader": "commune-leader"}):
        for number, level in enumerate((Level.ALARM, Level.WARNING, Level.WARNING, Level.NOTICE)):
            made.raise_alert(f"nut-{number + 1:02}", level=level, value=21.0 + 4 * number)
        yield made


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", PAGES)
def test_picture(stage: Stage, name: str, size: str) -> None:
    address = PAGES[name]
    if size == "wall" and name == "board":
        address += "&wall=1"
    with stage.page("leader", SIZES[size]) as page:
        page.goto(address)
        page.wait_for_load_state("networkidle")
        page.wait_for_timeout(1500)
        page.screenshot(path=FOLDER / f"{name}-{size}.png")
