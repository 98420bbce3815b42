"""Administration in a real browser: an administrator, and somebody who is none."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, expect

from app.database import Database
from tests.conftest import run_service
from tests.web.stage import PHONE, Stage
from tests.web.test_viewer_print import violations

pytestmark = [pytest.mark.db, pytest.mark.slow]


@pytest.fixture(scope="module")
def stage(
    browser: Browser, make_clone: Callable[[], Database], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    for service in run_service(make_clone(), tmp_path_factory.mktemp("state")):
        made = Stage(service, browser)
        made.add_person("admin", "administrator")
        made.add_person("officer", "commune-officer")
        made.add_person("lead", "lead-agency")
        made.add_person("chair", "chairman")
        yield made


def test_axe_finds_nothing_on_any_part(stage: Stage) -> None:
    found = {}
    with stage.page("admin") as page:
        for address in (
            *(
                "/admin",
                "/admin/layers/schools",
                "/admin/check",
                "/admin/scenarios",
                "/admin/scenarios/S11",
                "/admin/audit",
                "/admin/jobs",
            ),
        ):
            page.goto(address)
            page.wait_for_load_state("networkidle")
            if violations(page):
                found[address] = violations(page)
    assert found == {}


def test_a_layer_is_drawn_anew_after_a_preview(stage: Stage) -> None:
    with stage.page("admin") as page:
        page.goto("/admin/layers/schools")
        page.get_by_label("Màu chung").fill("#123456")
        expect(page.get_by_text("chưa lưu")).to_be_visible()
        page.get_by_role("button", name="Lưu và áp dụng").click()
        expect(page.get_by_text("Đã lưu cách vẽ")).to_be_visible()
    assert stage.service.client.get("/api/layers/schools").json()["definition"]["style"]["color"] == "#123456"


def test_a_bad_definition_is_told_by_line(stage: Stage) -> None:
    with stage.page("admin") as page:
        page.goto("/admin/check")
        page.get_by_label("Nội dung định nghĩa").fill("slug: a\nno_such: 1\n")
        page.get_by_role("button", name="Kiểm tra").click()
        expect(page.get_by_text("Dòng 2, no_such")).to_be_visible()


def test_it_is_absent_for_others(stage: Stage) -> None:
    with stage.page("officer") as page:
        page.goto("/admin")
        expect(page.get_by_text("Trang này dành cho người có quyền quản trị")).to_be_visible()
        expect(page.get_by_role("link", name="Quản trị")).to_have_count(0)


class TestAThreshold:
    def test_is_changed_by_a_department_and_approved_by_the_chairman(self, stage: Stage) -> None:
        with stage.page("lead") as page:
            page.goto("/admin/scenarios")
            page.get_by_label("Tìm").fill("văn bản")
            page.goto("/admin/scenarios/S11")
            expect(page.get_by_text("bản đi kèm chương trình")).to_be_visible()
            page.get_by_role("button", name="Đổi ngưỡng T16").click()
            page.get_by_label("Ngưỡng (%)").fill("8")
            page.get_by_label("Kéo dài ít nhất (giờ)").fill("2")
            page.get_by_role("button", name="Chạy thử một năm qua").click()
            expect(page.get_by_text("Với ngưỡng này: 0 lần")).to_be_visible()
            page.get_by_label("Lý do, quyết định số").fill("QĐ 12/2026")
            assert violations(page) == []
            page.get_by_role("button", name="Gửi đề xuất").click()
            expect(page.get_by_text("chờ duyệt")).to_be_visible()
            expect(page.get_by_role("cell", name="rules[T16].threshold.number")).to_be_visible()
            expect(page.get_by_role("button", name="Duyệt", exact=True)).to_have_count(0)
        with stage.page("chair", PHONE) as page:
            page.goto("/admin/scenarios/S11")
            page.get_by_role("button", name="Duyệt", exact=True).click()
            page.get_by_label("Ý kiến").fill("đồng ý")
            page.locator("form").get_by_role("button", name="Duyệt", exact=True).click()
            expect(page.get_by_text("Đang áp dụng: phiên bản 2")).to_be_visible()
            expect(page.get_by_text("> 8 %")).to_be_visible()
            assert violations(page) == []
        assert stage.service.client.get("/api/scenarios/S11").json()["rules"][0]["speech"]["min_duration_h"] == 2

    def test_that_is_refused_with_a_reason_stays_as_it_was(self, stage: Stage) -> None:
        with stage.page("lead") as page:
            page.goto("/admin/scenarios/S12")
            page.get_by_role("button", name="Đổi ngưỡng T27").click()
            page.get_by_label("Mức cảnh báo").select_option("alarm")
            page.get_by_label("Lý do, quyết định số").fill("thử xem")
            page.get_by_role("button", name="Gửi đề xuất").click()
            expect(page.get_by_text("chờ duyệt")).to_be_visible()
        with stage.page("chair") as page:
            page.goto("/admin/scenarios/S12")
            page.get_by_role("button", name="Không duyệt").click()
            page.get_by_label("Ý kiến").fill("chưa đủ căn cứ")
            page.locator("form").get_by_role("button", name="Không duyệt").click()
            expect(page.get_by_text("chưa đủ căn cứ")).to_be_visible()
        assert stage.service.client.get("/api/scenarios/S12").json()["version"] == 1
