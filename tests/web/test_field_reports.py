"""Field reports in a real browser: sent from a phone, worked on at the desk; alerts merged and shown with photos."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, FilePayload, Locator, Page, expect

from app.database import Database
from tests.app.reports.desk import NAME, PHONE, jpeg
from tests.conftest import run_service
from tests.web.stage import PHONE as PHONE_SIZE
from tests.web.stage import Stage
from tests.web.test_viewer_map import settle
from tests.web.test_viewer_print import violations

pytestmark = [pytest.mark.db, pytest.mark.slow]
PICTURE: FilePayload = {"name": "anh.jpg", "mimeType": "image/jpeg", "buffer": jpeg(800, 600, gps=True)}
# The machine may be busy: an act answers when it can.
WAIT_MS = 60_000
HOSTILE = "<img src=x onerror=alert(1)> Rác trước cổng"


@dataclass(frozen=True)
class Town:
    """The stage, and a place in the commune whose people work there."""

    stage: Stage
    unit: str
    lon: float
    lat: float

    def send(self, text: str) -> str:
        """Number of a report that came with a name and a telephone number."""
        body = {"kind": "waste", "text": text, "lon": self.lon, "lat": self.lat, "name": NAME, "phone": PHONE}
        answer = self.stage.service.client.post("/api/reports", json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["number"])


@pytest.fixture(scope="module")
def town(
    browser: Browser, make_clone: Callable[[], Database], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Town]:
    for service in run_service(
        make_clone(), tmp_path_factory.mktemp("state"), public_reports=True, reports_per_hour=100
    ):
        school = service.client.get("/ogc/collections/schools/items/3").json()
        lon, lat = school["geometry"]["coordinates"]
        unit = str(service.client.get(f"/api/units?at={lon},{lat}").json()["units"][1]["code"])
        stage = Stage(service, browser)
        stage.add_person("leader", "commune-leader", frozenset({unit}))
        stage.add_person("clerk", "commune-clerk", frozenset({unit}))
        yield Town(stage, unit, lon, lat)


def _choose(page: Page, act: str, comment: str = "") -> None:
    page.get_by_role("button", name=act, exact=True).click()
    if comment:
        page.locator("textarea").fill(comment)


def _send(page: Page, act: str) -> None:
    page.get_by_role("button", name=f"Gửi: {act}").click()
    # The form goes once the service has answered; until then its button only says that it is being sent.
    expect(page.get_by_role("button", name="Thôi", exact=True)).to_be_hidden(timeout=WAIT_MS)


class TestPhone:
    def test_a_report_with_place_and_photo_is_sent_and_looked_up(self, town: Town) -> None:
        with town.stage.page(size=PHONE_SIZE) as page:
            page.context.grant_permissions(["geolocation"])
            page.context.set_geolocation({"longitude": town.lon, "latitude": town.lat, "accuracy": 12})
            page.goto("/report")
            assert violations(page) == []
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            page.get_by_label("Lĩnh vực").select_option("lighting")
            page.get_by_label("Nội dung").fill("Đèn đường hỏng")
            page.get_by_label("Ảnh (tối đa 5)").set_input_files([PICTURE])
            page.get_by_role("button", name="Lấy vị trí của tôi").click()
            expect(page.get_by_text("sai số khoảng 12 m")).to_be_visible(timeout=WAIT_MS)
            page.get_by_role("button", name="Gửi phản ánh").click()
            expect(page.get_by_role("heading", name="Đã nhận phản ánh")).to_be_visible(timeout=WAIT_MS)
            assert violations(page) == []
            number, code = page.locator("dd code").all_inner_texts()
            page.goto("/report/state")
            page.get_by_label("Số phản ánh").fill(number)
            page.get_by_label("Mã tra cứu").fill(code)
            page.get_by_role("button", name="Xem", exact=True).click()
            expect(page.get_by_text("Đã tiếp nhận", exact=True)).to_be_visible(timeout=WAIT_MS)
            assert violations(page) == []
            assert code not in page.url

    def test_large_photos_are_made_smaller_before_they_are_sent(self, town: Town) -> None:
        with town.stage.page(size=PHONE_SIZE) as page:
            page.goto("/report")
            noisy = jpeg(4000, 3000) + bytes(2_000_000)
            page.get_by_label("Ảnh (tối đa 5)").set_input_files(
                [{"name": "to.jpg", "mimeType": "image/jpeg", "buffer": noisy}]
            )
            # The page's policy forbids what Playwright waits for functions with.
            for _ in range(100):
                size = page.evaluate("document.getElementById('photo').files[0].size")
                if size < 1_000_000:
                    break
                page.wait_for_timeout(100)
            assert size < 1_000_000


class TestDesk:
    def test_a_report_goes_from_receipt_to_answer(self, town: Town) -> None:
        number, near = town.send(HOSTILE), town.send("Rác trước cổng trường")
        with town.stage.page("leader") as leader, town.stage.page("clerk") as clerk:
            leader.goto("/desk/reports")
            expect(leader.get_by_text(HOSTILE)).to_be_visible(timeout=WAIT_MS)
            assert violations(leader) == []
            leader.get_by_role("link").filter(has_text=number).click()
            expect(leader.get_by_role("link", name=near)).to_be_visible(timeout=WAIT_MS)
            _choose(leader, "Duyệt phân công")
            _send(leader, "Duyệt phân công")
            expect(leader.get_by_text("Đã phân công").first).to_be_visible(timeout=WAIT_MS)
            assert violations(leader) == []

            clerk.goto(f"/desk/reports/{number}")
            _choose(clerk, "Bắt đầu xử lý")
            _send(clerk, "Bắt đầu xử lý")
            _choose(clerk, "Trả lời", "Đã dọn sạch.")
            clerk.get_by_label("Ảnh (JPEG").set_input_files([PICTURE])
            _send(clerk, "Trả lời")
            photo = clerk.get_by_role("list", name="Ảnh").get_by_role("img")
            expect(photo).to_have_js_property("naturalWidth", 800, timeout=WAIT_MS)
            # The leader sees it come without doing anything.
            expect(leader.get_by_text("Đã dọn sạch.").first).to_be_visible(timeout=WAIT_MS)

    def test_who_sent_it_is_opened_with_a_reason(self, town: Town) -> None:
        number = town.send("Hỏi lại giúp")
        with town.stage.page("leader") as page:
            page.goto(f"/desk/reports/{number}")
            expect(page.get_by_text("đã niêm phong")).to_be_visible(timeout=WAIT_MS)
        with town.stage.page("clerk") as page:
            page.goto(f"/desk/reports/{number}")
            page.get_by_text("Xem người gửi").click()
            page.get_by_label("Lý do").fill("Hỏi lại địa điểm")
            page.get_by_role("button", name="Mở xem").click()
            expect(page.get_by_text(NAME)).to_be_visible(timeout=WAIT_MS)

    def test_the_map_shows_where_reports_crowd(self, town: Town) -> None:
        for _ in range(3):
            town.send("Rác ở góc chợ")
        with town.stage.page("leader") as page:
            page.goto("/desk/reports?show=all&kind=waste&map=1")
            expect(page.get_by_role("heading", name="Điểm nóng trong 30 ngày")).to_be_visible(timeout=WAIT_MS)
            spot = page.get_by_role("button", name=re.compile(r"Rác thải.*: \d+ phản ánh \(30 ngày trước đó: 0\)"))
            spot.click()
            settle(page)
            assert violations(page) == []
            # The reports lie in the middle of the crowd that the map was brought to.
            box = page.locator("canvas").bounding_box()
            assert box is not None
            page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
            page.wait_for_url(re.compile(r"/desk/reports/PA"))

    def test_fits_a_phone(self, town: Town) -> None:
        number = town.send("x" * 300)
        with town.stage.page("clerk", PHONE_SIZE) as page:
            for path in ("/desk/reports", f"/desk/reports/{number}"):
                page.goto(path)
                expect(page.get_by_text(number).first).to_be_visible(timeout=WAIT_MS)
                assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
                assert violations(page) == []


class TestBoard:
    def test_an_alert_is_resolved_with_a_photo_and_another_merged_into_it(self, town: Town) -> None:
        stays, goes = town.stage.raise_alert("o"), town.stage.raise_alert("p")
        with town.stage.page("leader") as page:
            page.goto(f"/board?s=S04&a={stays}")
            settle(page)
            card = page.get_by_role("article", name="Chi tiết cảnh báo")
            _act(card, "Tiếp nhận")
            _act(card, "Giao việc", assignee="leader")
            _act(card, "Bắt đầu xử lý")
            card.get_by_role("button", name="Báo đã xử lý").click()
            card.get_by_label("Nội dung (bắt buộc)").fill("Đã phân luồng")
            card.get_by_label("Ảnh (JPEG").set_input_files([PICTURE])
            card.get_by_role("button", name="Gửi: Báo đã xử lý").click()
            photo = card.get_by_role("list", name="Ảnh").get_by_role("img")
            expect(photo).to_have_js_property("naturalWidth", 800, timeout=WAIT_MS)
            assert violations(page) == []

            page.goto(f"/board?s=S04&a={goes}")
            settle(page)
            card.get_by_role("button", name="Gộp vào cảnh báo khác").click()
            card.get_by_role("combobox").select_option(str(stays))
            card.get_by_role("button", name="Gửi: Gộp vào cảnh báo khác").click()
            expect(card).to_contain_text(f"Đã gộp vào cảnh báo {stays}", timeout=WAIT_MS)
            page.goto(f"/board?s=S04&a={stays}")
            expect(card).to_contain_text(f"Các cảnh báo đã gộp vào đây: #{goes}", timeout=WAIT_MS)


def _act(card: Locator, act: str, assignee: str = "") -> None:
    card.get_by_role("button", name=act, exact=True).click()
    if assignee:
        card.get_by_label("Giao cho").fill(assignee)
    card.get_by_role("button", name=f"Gửi: {act}").click()
    expect(card.get_by_role("button", name="Thôi", exact=True)).to_be_hidden(timeout=WAIT_MS)
