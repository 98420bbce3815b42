"""The printed sheet and the rules of accessible pages, in a real browser."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from app.viewer_build import SOURCES
from tests.conftest import Service
from tests.web.test_viewer_map import DESKTOP, PHONE, open_page, settle

pytestmark = [pytest.mark.db, pytest.mark.slow]
AXE = SOURCES / "node_modules" / "axe-core" / "axe.min.js"
ASKED = "/map?l=schools,communes:60&c=11.05,107.15,12&p=questions&q=" + json.dumps(
    {"layer": "schools", "where": "radius", "drawn": [[107.15, 11.05]], "metres": 5000, "level": "commune"}
)


@pytest.fixture
def page(browser: Browser, service: Service) -> Iterator[Page]:
    yield from open_page(browser, service, [], DESKTOP)


@pytest.fixture
def phone(browser: Browser, service: Service) -> Iterator[Page]:
    yield from open_page(browser, service, [], PHONE)


def violations(page: Page) -> list[str]:
    """What axe finds against WCAG 2.2 AA, with the places."""
    # The page's policy forbids inline scripts; what the test itself evaluates is outside of it.
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate(
        "axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']})"
        ".then((r) => r.violations.map((v) => v.id + ': ' + v.nodes.map((n) => n.html.slice(0, 160)).join(' | ')))"
    )
    assert isinstance(found, list)
    return found


class TestAccessible:
    @pytest.mark.parametrize(
        "address", ["/map", "/map?l=schools&f=schools.3", ASKED, "/map?p=tools", f"{ASKED}&theme=dark"]
    )
    def test_axe_finds_nothing(self, page: Page, address: str) -> None:
        page.goto(address)
        settle(page)
        assert violations(page) == []

    def test_axe_finds_nothing_on_a_phone(self, phone: Page) -> None:
        phone.goto("/map?l=schools&f=schools.3")
        settle(phone)
        assert violations(phone) == []


class TestPrint:
    @pytest.mark.parametrize(("paper", "points"), [("a4", (842, 595)), ("a3", (1191, 842))])
    def test_a_sheet_of_the_chosen_size(self, page: Page, paper: str, points: tuple[int, int]) -> None:
        page.goto("/map?l=schools&c=11.05,107.15,12")
        settle(page)
        page.get_by_role("button", name="In bản đồ").click()
        page.get_by_label("Tiêu đề").fill("Trường học <b>quanh</b> Mẫu An")
        page.get_by_label("Khổ giấy").select_option(paper)
        sheet = page.get_by_role("article").last
        expect(sheet.get_by_role("img", name="Trường học <b>quanh</b> Mẫu An")).to_be_visible()
        for words in ("Tỷ lệ khoảng 1:", "Số liệu đến", "Nguồn:", "Tiểu học", "mô phỏng"):
            expect(sheet).to_contain_text(words)
        drawn = page.evaluate(
            "async () => { const i = document.querySelector('dialog img'); await i.decode();"
            " const c = new OffscreenCanvas(i.naturalWidth, i.naturalHeight), x = c.getContext('2d');"
            " x.drawImage(i, 0, 0); const d = x.getImageData(0, 0, c.width, c.height).data;"
            " return new Set(new Uint32Array(d.buffer)).size; }"
        )
        assert drawn > 10
        pdf = page.pdf(prefer_css_page_size=True, print_background=True)
        sizes = re.findall(rb"/MediaBox\s*\[\s*0 0 ([\d.]+) ([\d.]+)", pdf)
        assert [(round(float(w)), round(float(h))) for w, h in sizes] == [points]
