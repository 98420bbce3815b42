"""Administration in a real browser: an administrator, and somebody who is none."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, expect

from app.database import Database
from tests.conftest import run_service
from tests.web.stage import Stage
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
        yield made


def test_axe_finds_nothing_on_any_part(stage: Stage) -> None:
    found = {}
    with stage.page("admin") as page:
        for address in (
            *("/admin", "/admin/layers/schools", "/admin/check", "/admin/scenarios", "/admin/audit", "/admin/jobs"),
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
