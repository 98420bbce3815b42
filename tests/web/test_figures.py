"""Figures of a scenario on the board, in a real browser: map, table, trend, periods, comparison, wall, phone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Browser, Page, expect

from app.database import Database
from layers.access import Scope
from scenarios.observations.observation import Kept, Observation
from scenarios.observations.recording import record_observations
from tests.pdf_text import pdf_text
from tests.web.stage import PHONE, WALL, Stage, run_stage
from tests.web.test_viewer_map import settle
from tests.web.test_viewer_print import violations

pytestmark = [pytest.mark.db, pytest.mark.slow]
REVENUE = "budget-revenue"
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def stage(
    browser: Browser, make_clone: Callable[[], Database], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    for made in run_stage(browser, make_clone(), tmp_path_factory.mktemp("state"), {"leader": "commune-leader"}):
        _observe(made.service.database)
        yield made


def _months() -> list[datetime]:
    """The first days of the last three months that are over, the newest last."""
    now = datetime.now(UTC)
    count = now.year * 12 + now.month - 1
    return [datetime((count - back) // 12, (count - back) % 12 + 1, 1, 9, tzinfo=UTC) for back in (3, 2, 1)]


def _observe(database: Database) -> None:
    """Revenue of every commune but the last: 10, 20, … times the number of the month, against a plan of 100."""
    with database.superuser_engine().begin() as connection:
        codes = connection.exec_driver_sql("SELECT code FROM features.communes ORDER BY code").scalars().all()
        connection.exec_driver_sql("UPDATE features.communes SET name = %s WHERE code = %s", (HOSTILE, codes[0]))
    months = _months()
    values = [
        Observation(REVENUE, code, at, 10.0 * number * step)
        for number, code in enumerate(codes[:-1], 1)
        for step, at in enumerate(months, 1)
    ]
    plans = [Observation(REVENUE, code, at, 100.0) for code in codes for at in months]
    engine = database.engine("diaban_writer")
    with engine.begin() as connection:
        for rows, kept in ((values, Kept.OBSERVATION), (plans, Kept.TARGET)):
            done = record_observations(
                connection, Scope.local_admin(), rows, datetime.now(UTC), source="test", kept=kept
            )
            assert done.refused == ()
    engine.dispose()


def _open(page: Page, more: str = "") -> None:
    page.goto(f"/board?s=S20&part=figures&i={REVENUE}{more}")
    settle(page)
    expect(page.get_by_role("combobox", name="Chỉ tiêu")).to_have_value(REVENUE)


class TestBoard:
    def test_units_stand_by_their_gap_and_one_of_them_tells_its_trend(self, stage: Stage) -> None:
        with stage.page("leader") as page:
            _open(page)
            expect(page.get_by_role("combobox", name="Tô màu theo")).to_have_value("plan")
            rows = page.get_by_role("table").locator("tbody tr")
            expect(rows.first).to_contain_text(HOSTILE)
            expect(rows.first).to_contain_text("30 %")
            expect(rows.last).to_contain_text("Thiếu")
            legend = page.get_by_role("list", name="Chú giải")
            expect(legend).to_contain_text("Dưới 80 % kế hoạch (chưa đạt)")
            expect(legend).to_contain_text("Không có số liệu")
            rows.first.get_by_role("button").click()
            card = page.get_by_role("article", name=HOSTILE)
            expect(card).to_contain_text("30 triệu đồng")
            expect(card.get_by_role("img")).to_have_accessible_name(
                "Diễn biến 3 kỳ: từ 10 triệu đồng đến 30 triệu đồng, thấp nhất 10 triệu đồng, cao nhất 30 triệu đồng"
            )
            page.wait_for_url("**u=*")
            assert violations(page) == []

    def test_the_map_is_coloured_by_the_same_classes_and_a_tap_opens_the_unit(self, stage: Stage) -> None:
        with stage.page("leader") as page:
            _open(page)
            page.wait_for_timeout(500)
            # Every commune is one colour of the legend or striped; a tap in the middle meets one of them.
            page.locator("canvas.maplibregl-canvas").click()
            page.wait_for_url("**u=*")
            code = page.evaluate("new URLSearchParams(location.search).get('u')")
            unit = stage.service.client.get(f"/api/units/{code}").json()["unit"]["name"]
            expect(page.get_by_role("article", name=unit)).to_be_visible()

    def test_periods_are_run_through_and_the_address_keeps_them(self, stage: Stage) -> None:
        first, _, last = (f"{at:%Y-%m}" for at in _months())
        with stage.page("leader") as page:
            _open(page)
            rows = page.get_by_role("table").locator("tbody tr")
            slider = page.get_by_role("slider", name="Kỳ số liệu")
            slider.press("Home")
            page.wait_for_url(f"**t={first}*")
            expect(rows.first).to_contain_text("10 %")
            page.reload()
            expect(rows.first).to_contain_text("10 %")
            page.get_by_role("button", name="Chạy qua các kỳ").click()
            expect(rows.first).to_contain_text("20 %", timeout=10_000)
            expect(rows.first).to_contain_text("30 %", timeout=10_000)
            expect(page.get_by_role("button", name="Chạy qua các kỳ")).to_be_visible()
            assert f"t={last}" not in page.url

    def test_two_periods_stand_side_by_side_with_their_difference(self, stage: Stage) -> None:
        first = f"{_months()[0]:%Y-%m}"
        with stage.page("leader") as page:
            _open(page)
            page.get_by_role("combobox", name="Đối chiếu với kỳ").select_option(first)
            page.wait_for_url(f"**vs={first}*")
            row = page.get_by_role("table").locator("tbody tr", has_text=HOSTILE)
            expect(row).to_contain_text("30")
            expect(row).to_contain_text("+200 %")
            expect(row.get_by_role("cell").nth(1)).to_have_text("10")
            expect(page.get_by_role("list", name="Chú giải")).to_contain_text("so với kỳ đối chiếu (tốt hơn)")

    def test_files_hold_what_is_shown(self, stage: Stage) -> None:
        first = f"{_months()[0]:%Y-%m}"
        with stage.page("leader") as page:
            _open(page, f"&t={first}")
            with page.expect_download() as waiting:
                page.get_by_role("link", name="CSV").click()
            assert waiting.value.suggested_filename == f"so-lieu-S20-{first}.csv"
            page.get_by_role("combobox", name="Cấp họp").select_option("dot-xuat")
            address = page.get_by_role("link", name="In phiếu họp").get_attribute("href")
            assert address is not None
            paper = page.context.request.get(f"{stage.service.url}{address}")
            assert "họp đột xuất" in pdf_text(paper.body())


class TestForecast:
    def test_a_unit_with_too_short_a_past_says_what_to_send(self, stage: Stage) -> None:
        with stage.page("leader") as page:
            _open(page)
            page.get_by_role("table").locator("tbody tr").first.get_by_role("button").click()
            page.get_by_role("button", name="Dự báo các kỳ tới").click()
            expect(page.get_by_role("article").get_by_role("alert")).to_contain_text("cần ít nhất 4 kỳ đã qua")

    def test_the_next_periods_come_with_interval_method_and_error(self, stage: Stage) -> None:
        answer = {
            "measured_in": "triệu đồng", "method": "ets", "accuracy": {"mape": 4.25, "mase": 0.5},
            "forecast": [{"period": "2027-01", "value": 41.5, "low80": 38.0, "high80": 45.0}],
        }  # fmt: skip
        with stage.page("leader") as page:
            _open(page)
            page.route("**/forecast?**", lambda route: route.fulfill(json=answer))
            page.get_by_role("table").locator("tbody tr").first.get_by_role("button").click()
            page.get_by_role("button", name="Dự báo các kỳ tới").click()
            told = page.get_by_role("region", name="Dự báo")
            expect(told).to_contain_text("Tháng 1/2027")
            expect(told).to_contain_text("41,5 (80 %: từ 38 đến 45)")
            expect(told).to_contain_text("San mũ ETS; sai số thử trên các kỳ đã qua: MAPE 4,3 %, MASE 0,5.")
            assert violations(page) == []


class TestStates:
    def test_nobody_signed_in_a_scenario_without_figures_and_a_failure(self, stage: Stage) -> None:
        with stage.page() as page:
            page.goto("/board?s=S20&part=figures")
            expect(page.get_by_text("Số liệu chỉ hiện cho người đã đăng nhập")).to_be_visible()
        with stage.page("leader") as page:
            page.goto("/board?s=S01&part=figures")
            expect(page.get_by_text("chưa có chỉ tiêu nào tính được theo đơn vị")).to_be_visible()
            page.goto("/board?s=S23&part=figures")
            expect(page.get_by_text("Chưa có số liệu của kỳ này")).to_be_visible()
            page.route("**/figures?**", lambda route: route.abort())
            page.goto("/board?s=S20&part=figures")
            expect(page.get_by_role("complementary").get_by_role("alert")).to_be_visible()
            page.unroute("**/figures?**")
            page.get_by_role("button", name="Thử lại").click()
            expect(page.get_by_role("table")).to_be_visible()


class TestSizes:
    def test_a_phone_and_the_wall(self, stage: Stage) -> None:
        with stage.page("leader", PHONE) as page:
            _open(page)
            assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
            expect(page.get_by_role("table")).to_be_visible()
            assert violations(page) == []
        with stage.page("leader", WALL) as page:
            page.goto("/board?wall=1&s=S20&only=S20&part=figures")
            settle(page)
            figures = page.get_by_role("region", name="Số liệu theo đơn vị")
            expect(figures).to_contain_text("So với kế hoạch")
            expect(figures).to_contain_text("Không có số liệu")
            size = figures.evaluate("(element) => parseFloat(getComputedStyle(element).fontSize)")
            assert size >= 35
            assert violations(page) == []
