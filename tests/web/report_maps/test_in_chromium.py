"""A report map opened from a stick: no network, no script but its own, hostile names as texts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import Browser, Page, Request, expect

from app.database import Database
from tests.conftest import Service, run_service
from tests.web.report_maps.samples import HOSTILE

pytestmark = [pytest.mark.db, pytest.mark.slow]
NEAR = '{"layer": "schools", "where": [{"boundary": {"units": ["99901"]}}]}'


@dataclass
class Opened:
    """A report in a browser without a network, and everything that it asked for or ran into."""

    page: Page
    asked: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def hostile(
    viewer: None,
    copy_database: Callable[[str], Database],
    world_template: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Service]:
    """The known world, where every school and commune carries a script in its name."""
    database = copy_database(world_template)
    with psycopg.connect(database.superuser_dsn, autocommit=True) as connection:
        connection.execute("UPDATE features.schools SET name = %s || code", [HOSTILE])
        connection.execute("UPDATE features.communes SET name = %s || code", [HOSTILE])
    yield from run_service(database, tmp_path_factory.mktemp("state"), office="Trung tâm IOC")


@pytest.fixture
def opened(browser: Browser, hostile: Service, tmp_path: Path) -> Iterator[Opened]:
    answer = hostile.client.get("/api/report-maps/question", params={"question": NEAR, "title": "Trường học"})
    assert answer.status_code == 200, answer.text
    file = tmp_path / "báo cáo.html"
    file.write_bytes(answer.content)
    context = browser.new_context(offline=True, viewport={"width": 1280, "height": 900}, locale="vi-VN")
    found = Opened(context.new_page())

    def note(request: Request) -> None:
        if not request.url.startswith(("file:", "data:")) or "images/" in request.url:
            found.asked.append(request.url)

    found.page.on("request", note)
    found.page.on("console", lambda message: found.troubles.append(message.text))
    found.page.on("pageerror", lambda error: found.troubles.append(str(error)))
    found.page.on("dialog", lambda dialog: (found.troubles.append("dialog"), dialog.dismiss()))
    found.page.goto(file.as_uri())
    yield found
    context.close()


def shapes_drawn(page: Page) -> int:
    return int(page.evaluate("geo_json_shapes.getLayers().length"))


def test_draws_every_feature_and_asks_nobody(opened: Opened, hostile: Service) -> None:
    asked = hostile.client.post("/api/query", json={"layer": "schools", "features": False, "where": [
        {"boundary": {"units": ["99901"]}}]})  # fmt: skip
    expect(opened.page.locator(".leaflet-control-scale-line")).to_contain_text("km")
    assert shapes_drawn(opened.page) == asked.json()["numberMatched"] > 20
    assert (opened.asked, opened.troubles) == ([], [])


def test_popup_shows_a_script_as_text(opened: Opened) -> None:
    opened.page.evaluate("() => { geo_json_shapes.getLayers()[0].openPopup(); }")
    popup = opened.page.locator(".leaflet-popup-content")
    expect(popup).to_contain_text("<script>alert(1)</script>")
    expect(popup.locator("img, script")).to_have_count(0)
    opened.page.evaluate("() => { geo_json_units.getLayers()[0].openTooltip(); }")
    expect(opened.page.locator(".leaflet-tooltip")).to_contain_text("<script>alert(1)</script>")
    assert (opened.asked, opened.troubles) == ([], [])


def test_scripts_of_others_do_not_run(opened: Opened) -> None:
    smuggled = '<img src="data:,x" onerror="window.ran=1">'
    opened.page.evaluate("markup => document.body.insertAdjacentHTML('beforeend', markup)", smuggled)
    opened.page.wait_for_timeout(200)
    assert opened.page.evaluate("window.ran") is None
    assert any("Content Security Policy" in trouble for trouble in opened.troubles)


def test_tells_who_when_what_and_whence(opened: Opened) -> None:
    page = opened.page
    expect(page.get_by_role("heading", name="Trường học", exact=True)).to_be_visible()
    for text in ("Trung tâm IOC", "Lập lúc", "Chú giải", "số liệu đến ngày 01/07/2025", "Dữ liệu mô phỏng, không phải"):
        expect(page.get_by_text(text).first).to_be_visible()
    expect(page.locator("table").first.get_by_role("row")).to_have_count(2)


def test_fits_a_phone(opened: Opened) -> None:
    opened.page.set_viewport_size({"width": 390, "height": 844})
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= 390


def test_has_no_failure_of_accessibility(opened: Opened) -> None:
    axe = Path(__file__).parents[3] / "web" / "viewer" / "node_modules" / "axe-core" / "axe.min.js"
    # The page's own policy lets no other script in, so the checker comes with the debugger.
    opened.page.evaluate("source => { (0, eval)(source); }", axe.read_text(encoding="utf-8"))
    found = opened.page.evaluate("axe.run().then(r => r.violations.map(v => v.id))")
    assert found == []


def test_button_of_an_answer_gives_both_files(browser: Browser, hostile: Service) -> None:
    context = browser.new_context(base_url=hostile.url, locale="vi-VN", viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.goto('/map?l=schools&p=questions&q={"layer":"schools","where":"unit","unit":"99901"}')
    for name, start in (("Báo cáo", b"<!DOCTYPE html>"), ("Ảnh", b"\x89PNG")):
        with page.expect_download() as waited:
            page.get_by_role("button", name=name, exact=True).click()
        content = Path(waited.value.path()).read_bytes()
        assert content.lstrip().startswith(start)
    context.close()
