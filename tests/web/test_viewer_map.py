"""Journeys of a leader on the map, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.conftest import Service

pytestmark = [pytest.mark.db, pytest.mark.slow]
DESKTOP, WALL, PHONE = (1440, 900), (3840, 2160), (390, 844)


@pytest.fixture
def complaints() -> list[str]:
    return []


@pytest.fixture
def page(browser: Browser, service: Service, complaints: list[str]) -> Iterator[Page]:
    yield from open_page(browser, service, complaints, DESKTOP)


@pytest.fixture
def phone(browser: Browser, service: Service, complaints: list[str]) -> Iterator[Page]:
    yield from open_page(browser, service, complaints, PHONE)


def open_page(browser: Browser, service: Service, complaints: list[str], size: tuple[int, int]) -> Iterator[Page]:
    context = browser.new_context(
        base_url=service.url,
        locale="vi-VN",
        timezone_id="Asia/Ho_Chi_Minh",
        viewport={"width": size[0], "height": size[1]},
        has_touch=size == PHONE,
    )
    page = context.new_page()
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()


def settle(page: Page) -> None:
    """Waits until the map stands and its tiles are there."""
    page.locator("canvas.maplibregl-canvas").wait_for()
    page.wait_for_load_state("networkidle")


class TestLayers:
    def test_one_tap_shows_a_layer_and_the_address_keeps_it(self, page: Page, complaints: list[str]) -> None:
        page.goto("/map")
        settle(page)
        page.get_by_role("searchbox", name="Tìm lớp theo tên").fill("truong hoc")
        page.get_by_role("checkbox", name="Trường học").check()
        expect(page.get_by_text("Tiểu học", exact=True)).to_be_visible()
        page.wait_for_url("**/map?l=schools*")
        page.reload()
        expect(page.get_by_role("button", name="Tắt Trường học")).to_be_visible()
        assert complaints == []

    def test_order_and_opacity_by_keyboard(self, page: Page) -> None:
        page.goto("/map?l=schools,clinics")
        settle(page)
        page.get_by_role("slider", name="Độ đậm của Trường học").press("Alt+ArrowDown")
        page.wait_for_url("**l=clinics,schools**")
        page.get_by_role("slider", name="Độ đậm của Trường học").press("ArrowLeft")
        page.wait_for_url("**l=clinics,schools:95**")


class TestIdentify:
    def test_a_link_to_a_feature_opens_its_card(self, page: Page, complaints: list[str]) -> None:
        page.goto("/map?l=schools&f=schools.3")
        card = page.get_by_role("region", name="Thông tin")
        expect(card.get_by_role("heading", name="Trường Tiểu học")).to_be_visible()
        expect(card.get_by_text("Công lập")).to_be_visible()
        card.get_by_text("Xem lịch sử thay đổi").click()
        expect(card.get_by_text("Phiên bản 1 → hiện nay")).to_be_visible()
        page.keyboard.press("Escape")
        expect(card).to_be_hidden()
        assert complaints == []

    def test_a_tap_on_a_school_opens_its_card(self, page: Page, service: Service) -> None:
        school = service.client.get("/ogc/collections/schools/items/3").json()
        lng, lat = school["geometry"]["coordinates"]
        page.goto(f"/map?l=schools&c={lat},{lng},15")
        settle(page)
        page.wait_for_timeout(500)
        page.locator("canvas.maplibregl-canvas").click()
        expect(page.get_by_role("heading", name=school["properties"]["name"])).to_be_visible()

    def test_a_tap_on_nothing_tells_the_place(self, page: Page) -> None:
        page.goto("/map?c=11.08,107.18,12")
        settle(page)
        page.locator("canvas.maplibregl-canvas").click()
        expect(page.get_by_text("Vị trí đã chọn")).to_be_visible()
        expect(page.get_by_text("Tỉnh Mô Phỏng")).to_be_visible()


class TestSizes:
    def test_a_phone_has_the_map_and_one_sheet(self, phone: Page, complaints: list[str]) -> None:
        phone.goto("/map?l=schools&f=schools.3")
        settle(phone)
        assert phone.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
        expect(phone.get_by_role("region", name="Thông tin")).to_be_visible()
        assert complaints == []

    def test_english_on_request(self, page: Page) -> None:
        page.goto("/map?lang=en")
        settle(page)
        expect(page.get_by_role("heading", name="Layers")).to_be_visible()
        assert page.evaluate("document.documentElement.lang") == "en"


class TestNoWebGL:
    def test_a_table_and_a_sentence_stand_in(self, page: Page) -> None:
        page.add_init_script(
            "const real = HTMLCanvasElement.prototype.getContext;"
            "HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {"
            "  return kind.startsWith('webgl') ? null : real.call(this, kind, ...rest); };"
        )
        page.goto("/map")
        expect(page.get_by_text("Máy này không vẽ được bản đồ")).to_be_visible()
        page.get_by_label("Lớp cần xem").select_option("schools")
        expect(page.get_by_role("cell", name="Trường Tiểu học").first).to_be_visible()
