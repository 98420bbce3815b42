"""The scenario board in a real browser: leader, officer and whoever has no account; desktop, wall and phone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, expect

from app.database import Database
from scenarios.outcomes import Level
from tests.web.stage import PHONE, WALL, Stage, run_stage
from tests.web.test_viewer_map import settle
from tests.web.test_viewer_print import violations

pytestmark = [pytest.mark.db, pytest.mark.slow]


@pytest.fixture(scope="module")
def stage(
    browser: Browser, make_clone: Callable[[], Database], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    people = {"leader": "commune-leader", "officer": "commune-officer"}
    for made in run_stage(browser, make_clone(), tmp_path_factory.mktemp("state"), people):
        for number, level in enumerate((Level.ALARM, Level.WARNING, Level.NOTICE)):
            made.raise_alert(f"nut-{number}", level=level)
        yield made


class TestAlerts:
    def test_a_leader_finds_the_gravest_alert_with_its_evidence_and_acts(self, stage: Stage) -> None:
        with stage.page("leader") as page:
            page.goto("/board")
            settle(page)
            page.wait_for_url("**s=S04**")
            alerts = page.get_by_role("complementary").get_by_role("listitem")
            expect(alerts.first).to_contain_text("Báo động")
            alerts.first.get_by_role("button").click()
            card = page.get_by_role("article", name="Chi tiết cảnh báo")
            expect(card).to_contain_text("tăng 20%")
            card.get_by_text("Bằng chứng").click()
            expect(card).to_contain_text("monthly_mean")
            card.get_by_role("button", name="Tiếp nhận").click()
            card.get_by_role("button", name="Gửi: Tiếp nhận").click()
            expect(card).to_contain_text("Đã tiếp nhận")
            expect(card.get_by_role("button", name="Tiếp nhận")).to_be_hidden()

    def test_the_second_of_two_is_told_kindly_and_keeps_the_words(self, stage: Stage) -> None:
        alert = stage.raise_alert("tranh-nhau")
        with stage.page("leader") as leader, stage.page("officer") as officer:
            for page in (leader, officer):
                page.goto(f"/board?s=S04&a={alert}")
                page.get_by_role("button", name="Tiếp nhận").click()
            officer.get_by_label("Nội dung").fill("Đội 2 nhận việc")
            leader.get_by_role("button", name="Gửi: Tiếp nhận").click()
            expect(leader.get_by_role("article")).to_contain_text("Đã tiếp nhận")
            officer.route("**/api/alerts?**", lambda route: route.abort())
            asked: list[str] = []
            officer.on("request", lambda request: asked.append(f"{request.method} {request.url}"))
            officer.get_by_role("button", name="Gửi: Tiếp nhận").click()
            expect(officer.get_by_role("alert").first).to_contain_text("Vừa có người khác xử lý")
            expect(officer.get_by_label("Nội dung")).to_have_value("Đội 2 nhận việc")
            # The list is behind the card now, and the card does not ask again and again because of it.
            officer.wait_for_timeout(500)
            assert asked.count(f"GET {stage.service.url}/api/alerts/{alert}") == 1

    def test_a_new_alert_comes_by_itself(self, stage: Stage) -> None:
        with stage.page("leader") as page:
            page.goto("/board?s=S05")
            expect(page.get_by_text("Không có cảnh báo nào đang mở")).to_be_visible()
            # Told by the stream: the next question of its own is a minute away.
            expect(page.get_by_text("trực tiếp", exact=False).first).to_be_visible()
            stage.raise_alert("<img src=x onerror=alert(1)>", scenario="S05")
            expect(page.get_by_role("status").get_by_text("Cảnh báo mới")).to_be_visible(timeout=15_000)
            expect(page.get_by_role("complementary")).to_contain_text("<img src=x onerror=alert(1)>")

    def test_who_may_not_see_alerts_is_told_so(self, stage: Stage) -> None:
        with stage.page() as page:
            page.goto("/board?s=S04")
            expect(page.get_by_text("Cảnh báo chỉ hiện cho người đã đăng nhập")).to_be_visible()

    def test_what_was_typed_outlives_the_session(self, stage: Stage) -> None:
        alert = stage.raise_alert("het-phien")
        with stage.page("officer") as page:
            page.goto(f"/board?s=S04&a={alert}")
            page.get_by_role("button", name="Ghi ý kiến").click()
            page.get_by_label("Nội dung").fill("Đã cử người tới")
            cookies = page.context.cookies()
            page.context.clear_cookies()
            page.get_by_role("button", name="Gửi: Ghi ý kiến").click()
            expect(page.get_by_text("Phiên làm việc đã hết")).to_be_visible()
            expect(page.get_by_label("Nội dung")).to_have_value("Đã cử người tới")
            page.context.add_cookies(cookies)  # type: ignore[arg-type]
            page.evaluate("window.dispatchEvent(new Event('focus'))")
            expect(page.get_by_text("Phiên làm việc đã hết")).to_be_hidden()
            page.get_by_role("button", name="Gửi: Ghi ý kiến").click()
            expect(page.get_by_role("article")).to_contain_text("Đã cử người tới")


class TestTasks:
    def test_a_step_is_done_and_the_next_counts_down(self, stage: Stage) -> None:
        alert = stage.raise_alert("cong-viec", scenario="S12")
        with stage.page("leader") as page:
            page.goto(f"/board?s=S12&a={alert}")
            tasks = page.get_by_role("region", name="Việc theo kịch bản").get_by_role("listitem")
            expect(tasks).to_have_count(6)
            for number, words in enumerate(("Rác thải sinh hoạt", "Giao đội 2")):
                task = tasks.nth(number)
                task.get_by_role("button", name="Báo xong").click()
                task.get_by_label("Kết quả").fill(words)
                task.get_by_role("button", name="Gửi: Báo xong").click()
                expect(task).to_contain_text("Đã xong")
            expect(tasks.nth(2)).to_contain_text(re.compile(r"còn 23 giờ 5\d phút"))
            tasks.nth(2).get_by_role("button", name="Nhận việc").click()
            expect(tasks.nth(2)).to_contain_text("phụ trách:")
            expect(tasks.nth(3)).to_contain_text("Chờ bước trước")
            assert violations(page) == []

    def test_one_that_is_late_says_so_and_what_somebody_else_does_shows_by_itself(self, stage: Stage) -> None:
        alert = stage.raise_alert("tre-han", scenario="S37")
        with stage.page("leader") as leader, stage.page("officer") as officer:
            for page in (leader, officer):
                page.goto(f"/board?s=S37&a={alert}")
            tasks = leader.get_by_role("region", name="Việc theo kịch bản").get_by_role("listitem")
            officer.get_by_role("button", name="Báo xong").click()
            officer.get_by_label("Kết quả").fill("Đã nhận")
            officer.get_by_role("button", name="Gửi: Báo xong").click()
            expect(tasks.nth(0)).to_contain_text("Đã xong")
            expect(tasks.nth(1)).to_contain_text("quá hạn")


class TestScenario:
    def test_an_unknown_one_is_said_to_be_so(self, stage: Stage) -> None:
        with stage.page() as page:
            page.goto("/board?s=S99")
            expect(page.get_by_text("Không có kịch bản mã S99")).to_be_visible()

    def test_its_steps_thresholds_and_agencies_are_told(self, stage: Stage) -> None:
        with stage.page() as page:
            page.goto("/board?s=S04&part=about")
            panel = page.get_by_role("complementary")
            for words in ("Các bước xử lý", "hằng ngày", "Ngưỡng cảnh báo", "dự kiến", "Công an tỉnh"):
                expect(panel).to_contain_text(words)


class TestSizes:
    def test_the_wall_has_no_chrome_is_dark_and_rotates(self, stage: Stage) -> None:
        with stage.page("leader", WALL) as page:
            page.goto("/board?wall=1&only=S04,S05&every=5")
            settle(page)
            expect(page.get_by_role("banner")).to_have_count(0)
            expect(page.get_by_role("navigation")).to_have_count(0)
            assert page.evaluate("document.documentElement.dataset.theme") == "dark"
            page.wait_for_url("**s=S05**")
            page.wait_for_url("**s=S04**", timeout=15_000)
            sizes = page.evaluate(
                "[...document.querySelectorAll('h2, li strong')].map((e) => parseFloat(getComputedStyle(e).fontSize))"
            )
            # One two-hundredth of the viewing distance on a panel of 1,9 m across: 25 mm are 50 of 3840 pixels.
            assert min(sizes) >= 50
            page.keyboard.press("Escape")
            expect(page.get_by_role("navigation")).to_be_visible()

    def test_the_wall_on_a_phone_shows_title_map_counts_and_alerts(self, stage: Stage) -> None:
        with stage.page("leader", PHONE) as page:
            page.goto("/board?wall=1&only=S04")
            settle(page)
            assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
            expect(page.get_by_role("heading", level=2)).to_be_in_viewport()
            expect(page.get_by_role("region", name="Số cảnh báo")).to_be_in_viewport()
            expect(page.get_by_role("listitem").first).to_be_in_viewport()
            box = page.locator(".maplibregl-canvas").bounding_box()
            assert box is not None
            assert box["width"] == PHONE[0]
            assert box["height"] > 150

    def test_a_wall_that_nobody_signed_in_at_shows_no_zeros_and_says_that_data_are_made_up(self, stage: Stage) -> None:
        with stage.page() as page:
            page.goto("/board?wall=1&only=S04")
            expect(page.get_by_text("Cảnh báo chỉ hiện cho người đã đăng nhập")).to_be_visible()
            expect(page.get_by_text("Dữ liệu mô phỏng")).to_be_visible()
            assert page.locator(".count strong").all_inner_texts() == ["–"] * 3

    def test_a_phone_has_all_of_it_under_the_thumb(self, stage: Stage) -> None:
        with stage.page("leader", PHONE) as page:
            page.goto("/board?s=S04")
            settle(page)
            assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
            page.get_by_role("button", name="Giới thiệu").click()
            expect(page.get_by_role("complementary")).to_contain_text("Các bước xử lý")


class TestAccessible:
    def test_axe_finds_nothing(self, stage: Stage) -> None:
        alert = stage.raise_alert("axe")
        with stage.page("leader") as page:
            for address in (
                "/board?s=S04",
                f"/board?s=S04&a={alert}&theme=dark",
                "/board?s=S04&part=about",
                "/board?wall=1",
            ):
                page.goto(address)
                settle(page)
                assert violations(page) == [], address
        with stage.page("leader", PHONE) as page:
            page.goto(f"/board?s=S04&a={alert}")
            settle(page)
            assert violations(page) == []
