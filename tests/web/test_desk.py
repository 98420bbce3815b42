"""The data desk in a real browser: a clerk's file on its way to the published tile, and what may happen to it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import pytest
from playwright.sync_api import Browser, FilePayload, Page, expect

from app.database import Database
from tests.app.uploads.office import as_geojson, nudged, settings_of, staff_of, unit_rows, working
from tests.conftest import run_service
from tests.tiles.world import addresses
from tests.web.stage import PHONE, Stage
from tests.web.test_viewer_print import violations

pytestmark = [pytest.mark.db, pytest.mark.slow]
LAYER = "schools"
WAIT_MS = 60_000


@dataclass(frozen=True)
class Office:
    """The stage, and the commune whose clerk works there."""

    stage: Stage
    unit: str

    def rows(self) -> gpd.GeoDataFrame:
        return unit_rows(self.stage.service.database, LAYER, self.unit)

    def get(self, path: str) -> Any:
        answer = self.stage.service.client.get(path)
        assert answer.status_code == 200, answer.text
        return answer


@pytest.fixture(scope="module")
def office(
    browser: Browser, make_clone: Callable[[], Database], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Office]:
    database, folder = make_clone(), tmp_path_factory.mktemp("state")
    unit = staff_of(database).unit
    for service in run_service(database, folder):
        stage = Stage(service, browser)
        stage.add_person("clerk", "commune-clerk", frozenset({unit}))
        stage.add_person("steward", "data-steward")
        with working(database, settings_of(folder)):
            yield Office(stage, unit)


def file_of(frame: gpd.GeoDataFrame, name: str = "trường học.geojson") -> FilePayload:
    return {"name": name, "mimeType": "application/geo+json", "buffer": as_geojson(frame)}


def fill(page: Page, *files: FilePayload, mode: str = "thêm và cập nhật") -> None:
    page.goto("/desk/send")
    page.get_by_label("Lớp dữ liệu").select_option(LAYER)
    page.get_by_label(mode).check()
    page.get_by_label("Kéo thả tệp").set_input_files(list(files))


def send(page: Page, *files: FilePayload, mode: str = "thêm và cập nhật") -> str:
    """Sends files and waits for the end of the check; returns the page's path."""
    fill(page, *files, mode=mode)
    page.get_by_role("button", name="Gửi và kiểm tra").click()
    page.wait_for_url(re.compile(r"/desk/[0-9a-f-]{36}$"))
    expect(page.get_by_role("status").filter(has_text="Đã kiểm tra")).to_be_visible(timeout=WAIT_MS)
    return "/desk/" + page.url.rpartition("/")[2]


def act(page: Page, name: str, comment: str = "") -> None:
    page.get_by_role("button", name=name, exact=True).click()
    if comment:
        page.get_by_role("textbox").fill(comment)
    page.get_by_role("button", name=f"Gửi: {name}").click()
    expect(page.get_by_text(f"Đã xong: {name}")).to_be_visible()


def state(page: Page, text: str) -> None:
    expect(page.get_by_role("status").filter(has_text=text)).to_be_visible(timeout=WAIT_MS)


def test_a_file_goes_all_the_way_to_the_tile(office: Office) -> None:
    frame = office.rows().head(5)
    shape = nudged(frame.geometry.iloc[0])
    frame.loc[frame.index[0], "geometry"] = shape
    frame.loc[frame.index[0], "name"] = "Trường Hoa Sen mới"
    tile = next(addresses((shape.x, shape.y, shape.x, shape.y), 14))
    address = f"/tiles/{LAYER}/{tile.z}/{tile.x}/{tile.y}.pbf"
    assert "Trường Hoa Sen mới".encode() not in office.get(address).content
    with office.stage.page("clerk") as clerk, office.stage.page("steward") as steward:
        path = send(clerk, file_of(frame))
        counts = clerk.get_by_role("region", name="Sẽ thay đổi gì")
        expect(counts).to_contain_text("Sửa1")
        expect(counts.get_by_role("row").filter(has_text="Trường Hoa Sen mới")).to_be_visible()
        expect(clerk.get_by_role("region", name="Bản đồ thay đổi").locator("canvas")).to_be_visible()
        act(clerk, "Trình duyệt")
        state(clerk, "Đã trình")

        steward.goto("/desk")
        steward.get_by_role("link", name=re.compile("trường học.geojson")).click()
        act(steward, "Trả lại", "Thiếu số điện thoại.")
        clerk.reload()
        expect(clerk.get_by_role("listitem").filter(has_text="Thiếu số điện thoại.")).to_be_visible()
        act(clerk, "Trình duyệt", "Trường này không có điện thoại.")

        steward.goto(path)
        act(steward, "Duyệt")
        act(steward, "Công bố")
        state(steward, "Đã công bố")
        expect(steward.get_by_role("link", name="Xem trên bản đồ")).to_be_visible()
    assert "Trường Hoa Sen mới".encode() in office.get(address).content


def test_an_earlier_revision_comes_back_by_the_same_path(office: Office) -> None:
    frame = office.rows().head(1)
    before = office.get(f"/api/layers/{LAYER}").json()["revision"]
    frame["name"] = "Tên gõ nhầm"
    with office.stage.page("clerk") as clerk, office.stage.page("steward") as steward:
        path = send(clerk, file_of(frame, "nhầm.geojson"))
        act(clerk, "Trình duyệt")
        steward.goto(path)
        act(steward, "Duyệt")
        act(steward, "Công bố")
        state(steward, "Đã công bố")

        clerk.goto(f"/desk/history?layer={LAYER}")
        clerk.get_by_role("button", name=f"Quay về đây: phiên bản {before}", exact=True).click()
        clerk.get_by_label("Lý do").fill("Gõ nhầm tên trường")
        clerk.get_by_role("button", name="Xin quay về").click()
        clerk.wait_for_url(re.compile(r"/desk/[0-9a-f-]{36}$"))
        state(clerk, "Đã kiểm tra")
        act(clerk, "Trình duyệt")
        steward.goto("/desk/" + clerk.url.rpartition("/")[2])
        act(steward, "Duyệt")
        act(steward, "Công bố")
        state(steward, "Đã công bố")
    assert "Tên gõ nhầm" not in set(office.rows()["name"])


def test_a_broken_line_goes_on_by_itself(office: Office) -> None:
    broken: list[str] = []
    with office.stage.page("clerk") as page:

        def break_once(route: Any) -> None:
            if broken:
                route.continue_()
            else:
                broken.append(route.request.url)
                route.abort("connectionreset")

        page.route("**/api/uploads/tus/*", lambda r: break_once(r) if r.request.method == "PATCH" else r.continue_())
        send(page, file_of(office.rows().head(3), "đứt đường.geojson"))
    assert broken


def test_what_is_typed_and_chosen_outlives_the_session(office: Office) -> None:
    words = "Đã đối chiếu với phòng giáo dục."
    with office.stage.page("clerk") as page:
        send(page, file_of(office.rows().head(2), "phiên.geojson"))
        page.get_by_role("button", name="Ghi ý kiến").click()
        page.get_by_role("textbox").fill(words)
        page.context.clear_cookies()
        page.get_by_role("button", name="Gửi: Ghi ý kiến").click()
        expect(page.get_by_text("Phiên làm việc đã hết")).to_be_visible()
        expect(page.get_by_role("textbox")).to_have_value(words)
        page.context.add_cookies(office.stage.cookies["clerk"])  # type: ignore[arg-type]
        page.reload()
        expect(page.get_by_role("textbox")).to_have_value(words)
        page.get_by_role("button", name="Gửi: Ghi ý kiến").click()
        expect(page.get_by_role("listitem").filter(has_text=words)).to_be_visible()

        fill(page, file_of(office.rows().head(2), "phiên hai.geojson"))
        page.context.clear_cookies()
        page.get_by_role("button", name="Gửi và kiểm tra").click()
        expect(page.get_by_text("Phiên làm việc đã hết")).to_be_visible()
        expect(page.get_by_text("phiên hai.geojson")).to_be_visible()
        page.context.add_cookies(office.stage.cookies["clerk"])  # type: ignore[arg-type]
        page.get_by_role("button", name="Gửi và kiểm tra").click()
        state(page, "Đã kiểm tra")


def test_what_the_check_asks_is_answered_on_the_page(office: Office) -> None:
    frame = office.rows().head(3).rename(columns={"name": "cot_la_7"})
    with office.stage.page("clerk") as page:
        send(page, file_of(frame, "thiếu tên.geojson"))
        form = page.get_by_role("form", name="Cần anh/chị trả lời")
        form.get_by_label("cot_la_7").check()
        form.get_by_role("button", name="Trả lời và kiểm tra lại").click()
        expect(form).to_be_hidden(timeout=WAIT_MS)
        state(page, "Đã kiểm tra")
        expect(page.get_by_role("region", name="Sẽ thay đổi gì")).to_contain_text("Không có gì thay đổi")


def test_many_deletions_need_a_yes(office: Office) -> None:
    with office.stage.page("clerk") as page:
        send(page, file_of(office.rows().head(1), "một trường.geojson"), mode="thay toàn bộ")
        page.get_by_role("button", name="Trình duyệt").click()
        page.get_by_role("button", name="Gửi: Trình duyệt").click()
        expect(page.get_by_role("alert")).to_contain_text("đánh dấu đồng ý xóa")
        page.get_by_label("Tôi đồng ý xóa").check()
        page.get_by_role("button", name="Gửi: Trình duyệt").click()
        state(page, "Đã trình")
        act(page, "Rút lại")


def test_axe_finds_nothing(office: Office) -> None:
    frame = office.rows().head(12)
    frame.loc[frame.index[0], "level"] = "không có bậc này"
    frame.loc[frame.index[1], "geometry"] = nudged(frame.geometry.iloc[1])
    found = {}
    with office.stage.page("clerk") as page, office.stage.page("clerk", PHONE) as phone:
        path = send(page, file_of(frame, "để xem.geojson"))
        for address in ("/desk?show=all", "/desk/send", f"/desk/history?layer={LAYER}", path, f"{path}?theme=dark"):
            for seen in (page, phone):
                seen.goto(address)
                seen.wait_for_load_state("networkidle")
                if violations(seen):
                    found[address, seen.viewport_size["width"]] = violations(seen)  # type: ignore[index]
    assert found == {}


def test_it_says_who_it_is_for(office: Office) -> None:
    with office.stage.page() as page:
        page.goto("/desk")
        expect(page.get_by_text("Hãy đăng nhập để gửi")).to_be_visible()
        expect(page.get_by_role("link", name="Nộp dữ liệu")).to_have_count(0)
