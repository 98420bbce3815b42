"""Journeys of an officer who searches, asks and measures on the map, in a real browser."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.conftest import Service
from tests.web.test_viewer_map import DESKTOP, PHONE, open_page, settle

pytestmark = [pytest.mark.db, pytest.mark.slow]
CENTRE = [107.15, 11.05]


@pytest.fixture
def complaints() -> list[str]:
    return []


@pytest.fixture
def page(browser: Browser, service: Service, complaints: list[str]) -> Iterator[Page]:
    yield from open_page(browser, service, complaints, DESKTOP)


@pytest.fixture
def phone(browser: Browser, service: Service, complaints: list[str]) -> Iterator[Page]:
    yield from open_page(browser, service, complaints, PHONE)


def link(**form: object) -> str:
    return f"/map?l=schools&c=11.05,107.15,12&p=questions&q={quote(json.dumps(form))}"


def matched(service: Service, **question: object) -> int:
    answer = service.client.post("/api/query", json={"layer": "schools", "figures": {}, "features": False, **question})
    assert answer.status_code == 200, answer.text
    return int(answer.json()["numberMatched"])


class TestSearch:
    def test_a_commune_without_its_marks(self, page: Page, complaints: list[str]) -> None:
        page.goto("/map")
        settle(page)
        page.keyboard.press("/")
        page.keyboard.type("phuong mau an")
        expect(page.get_by_role("option", name="Phường Mẫu An").first).to_be_visible()
        page.keyboard.press("Enter")
        expect(page.get_by_role("region", name="Thông tin")).to_contain_text("Phường Mẫu An")
        assert complaints == []

    def test_coordinates_open_their_place(self, page: Page) -> None:
        page.goto("/map")
        settle(page)
        page.get_by_role("combobox", name="Tìm địa danh").fill("11,05; 107,15")
        page.get_by_role("option").first.click()
        expect(page.get_by_text("Vị trí đã chọn")).to_be_visible()


class TestQuestions:
    def test_a_radius_around_a_tap(self, page: Page, service: Service, complaints: list[str]) -> None:
        page.goto("/map?l=schools&c=11.05,107.15,12")
        settle(page)
        page.get_by_role("button", name="Hỏi", exact=True).click()
        page.get_by_label("Ở đâu").select_option("radius")
        page.get_by_role("button", name="Lấy tâm bản đồ").click()
        page.get_by_role("spinbutton").fill("3000")
        page.get_by_role("spinbutton").press("Tab")
        page.locator("form").get_by_role("button", name="Hỏi", exact=True).click()
        count = matched(service, where=[{"radius": {"of": CENTRE, "metres": 3000}}])
        assert count > 0
        expect(page.get_by_role("heading", name=f"Trường học: {count} đối tượng")).to_be_visible()
        page.reload()
        expect(page.get_by_role("heading", name=f"Trường học: {count} đối tượng")).to_be_visible()
        page.get_by_label("Lấy những gì nằm ngoài").check()
        page.locator("form").get_by_role("button", name="Hỏi", exact=True).click()
        rest = matched(service) - count
        expect(page.get_by_role("heading", name=f"Trường học: {rest} đối tượng")).to_be_visible()
        page.go_back()
        expect(page.get_by_role("heading", name=f"Trường học: {count} đối tượng")).to_be_visible()
        assert complaints == []

    def test_down_from_commune_to_hamlet_to_feature_and_back(self, page: Page, complaints: list[str]) -> None:
        page.goto(link(layer="schools", where="all", level="commune"))
        figures = page.get_by_role("region", name="Số liệu tổng hợp")
        figures.get_by_role("button", name="Phường Mẫu An").click()
        expect(figures.get_by_role("columnheader", name="Thôn")).to_be_visible()
        features = page.get_by_role("region", name="Danh sách đối tượng")
        features.locator("tbody button").first.click()
        expect(page.get_by_role("region", name="Thông tin")).to_be_visible()
        page.go_back()
        page.go_back()
        expect(figures.get_by_role("columnheader", name="Xã")).to_be_visible()
        assert complaints == []

    def test_a_filter_and_a_file(self, page: Page, service: Service) -> None:
        page.goto(link(layer="schools", where="all", level="commune"))
        page.get_by_label("Trường để lọc").select_option("pupils")
        page.get_by_label("Phép so sánh").select_option(">")
        page.get_by_label("Giá trị").fill("300")
        page.locator("form").get_by_role("button", name="Hỏi", exact=True).click()
        count = matched(service, filter="pupils > 300")
        expect(page.get_by_role("heading", name=f"Trường học: {count} đối tượng")).to_be_visible()
        with page.expect_download() as waiting:
            page.get_by_role("button", name="CSV").click()
        rows = waiting.value.path().read_text(encoding="utf-8-sig").splitlines()
        assert len(rows) == count + 1

    def test_script_in_a_link_is_text(self, page: Page) -> None:
        bad = "<img src=x onerror=document.title='run'>"
        page.goto(link(layer="schools", where="unit", unit=bad, filter={"field": bad, "comparison": "=", "value": bad}))
        expect(page.get_by_role("alert").first).to_be_visible()
        assert page.title() != "run"

    def test_every_row_of_a_long_answer_can_be_reached(self, page: Page, service: Service) -> None:
        page.goto(link(layer="parcels", where="all", level="commune"))
        rows = page.get_by_role("region", name="Danh sách đối tượng")
        expect(rows.locator("tbody button").first).to_be_visible()
        total = matched(service, layer="parcels")
        for _ in range(60):
            if page.get_by_role("button", name="Tải tiếp").count() == 0:
                break
            page.get_by_role("button", name="Tải tiếp").click()
            expect(page.get_by_role("button", name="Tải tiếp", disabled=True)).to_have_count(0)
        rows.evaluate("box => box.scrollTo(0, box.scrollHeight)")
        expect(rows.locator(f"tr[aria-rowindex='{total + 1}']")).to_be_visible()
        assert rows.locator("tbody tr").count() < 100


class TestMeasure:
    def test_a_length_and_an_area(self, page: Page, complaints: list[str]) -> None:
        page.goto("/map?c=11.05,107.15,12&p=tools")
        settle(page)
        canvas = page.locator("canvas.maplibregl-canvas")
        for place in ((700, 300), (900, 300), (900, 450)):
            canvas.click(position={"x": place[0], "y": place[1]})
            page.wait_for_timeout(350)
        expect(page.locator("dl")).to_contain_text("km")
        page.get_by_role("button", name="Diện tích").click()
        for place in ((700, 300), (900, 300), (900, 450)):
            canvas.click(position={"x": place[0], "y": place[1]})
            page.wait_for_timeout(350)
        expect(page.locator("dl")).to_contain_text("km²")
        assert complaints == []


class TestPhone:
    def test_the_answer_fits(self, phone: Page) -> None:
        phone.goto(link(layer="schools", where="all", level="commune"))
        expect(phone.get_by_role("region", name="Kết quả")).to_be_visible()
        assert phone.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
