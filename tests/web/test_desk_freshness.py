"""Freshness and league on the desk, and report maps of the desk's history and the board, in a real browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import Browser, Page, expect

from app.database import Database
from tests.app.uploads.office import staff_of
from tests.conftest import run_service
from tests.web.stage import PHONE, Stage
from tests.web.test_viewer_print import violations

pytestmark = [pytest.mark.db, pytest.mark.slow]
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def stage(
    browser: Browser, make_clone: Callable[[], Database], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    """A clerk whose commune, of a hostile name, has missed two months of schools; an operator of the centre."""
    database = make_clone()
    unit = staff_of(database).unit
    with psycopg.connect(database.superuser_dsn, autocommit=True) as connection:
        connection.execute(
            "UPDATE catalogue.layers SET definition = jsonb_set(definition, '{frequency}', '\"monthly\"'),"
            " definition_version = definition_version + 1 WHERE slug = 'schools'"
        )
        connection.execute("UPDATE features.communes SET name = %s WHERE code = %s", (HOSTILE, unit))
        connection.execute(
            "UPDATE catalogue.unit_changes SET changed_at = '2020-01-15T00:00:00+07:00'"
            " WHERE slug = 'schools' AND unit_code = %s",
            (unit,),
        )
    for service in run_service(database, tmp_path_factory.mktemp("state")):
        found = Stage(service, browser)
        found.add_person("clerk", "commune-clerk", frozenset({unit}))
        found.add_person("operator", "ioc-operator")
        yield found


def downloaded(page: Page, name: str) -> bytes:
    with page.expect_download() as waited:
        page.get_by_role("button", name=name, exact=True).first.click()
    return Path(waited.value.path()).read_bytes()


def test_what_is_overdue_comes_first_with_its_last_day(stage: Stage) -> None:
    with stage.page("clerk") as page:
        page.goto("/desk/freshness?layer=schools")
        table = page.get_by_role("region", name="Độ tươi", exact=True)
        first = table.get_by_role("row").nth(1)
        expect(first).to_contain_text("Quá hạn")
        # Renewed in January 2020, so February was the first month missed: the 29th was its last day.
        expect(first).to_contain_text("29/02/2020")
        expect(first).to_contain_text(HOSTILE)
        expect(page.get_by_role("region", name="Bản đồ độ tươi").locator("canvas")).to_be_visible()
        expect(page.get_by_text("dưới 50 % số phần không quá hạn")).to_be_visible()
        page.get_by_label("Tình trạng").select_option("due")
        expect(
            page.get_by_text("Không có phần dữ liệu nào như vậy.").or_(table.get_by_text("Đến kỳ").first)
        ).to_be_visible()
        page.get_by_label("Tình trạng").select_option("overdue")
        assert "Quá hạn" in downloaded(page, "CSV").decode("utf-8-sig")
        assert violations(page) == []


def test_league_of_a_month(stage: Stage) -> None:
    with stage.page("operator") as page:
        page.goto("/desk/freshness")
        page.get_by_label("Tháng").fill("2026-11")
        league = page.get_by_role("region", name="Xếp hạng các xã")
        expect(league.get_by_role("row").filter(has_text=HOSTILE)).to_contain_text("0/")
        expect(league.get_by_role("columnheader", name="Thống nhất")).to_be_visible()
        assert violations(page) == []


def test_fits_a_phone(stage: Stage) -> None:
    with stage.page("clerk", PHONE) as page:
        page.goto("/desk/freshness?layer=schools")
        expect(page.get_by_role("region", name="Độ tươi", exact=True)).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]


def test_history_of_a_layer_gives_a_report_of_each_revision(stage: Stage) -> None:
    with stage.page("clerk") as page:
        page.goto("/desk/history?layer=schools")
        expect(page.get_by_role("button", name="Báo cáo", exact=True).first).to_be_visible()
        assert downloaded(page, "Báo cáo").lstrip().startswith(b"<!DOCTYPE html>")


def test_board_gives_the_scenario_as_it_is_shown(stage: Stage) -> None:
    with stage.page("operator") as page:
        page.goto("/board?s=S20")
        assert downloaded(page, "Ảnh").startswith(b"\x89PNG")
        report = downloaded(page, "Báo cáo")
        assert b"S20" in report
        assert HOSTILE.encode() not in report
