"""What the map does by itself while people look: few requests, and news of publications."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from urllib.parse import quote, urlsplit

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.conftest import Service
from tests.web.test_viewer_map import DESKTOP, open_page, settle

pytestmark = [pytest.mark.db, pytest.mark.slow]
ASKED = json.dumps({"layer": "schools", "where": "all", "level": "commune"})


@pytest.fixture
def page(browser: Browser, service: Service) -> Iterator[Page]:
    yield from open_page(browser, service, [], DESKTOP)


class TestTiles:
    def test_a_pan_asks_each_tile_once(self, page: Page) -> None:
        asked: Counter[str] = Counter()
        page.on("request", lambda request: asked.update([urlsplit(request.url).path]))
        page.goto("/map?l=schools&c=11.05,107.15,13")
        settle(page)
        page.locator("canvas.maplibregl-canvas").focus()
        for key in ("ArrowRight", "ArrowRight", "ArrowLeft", "ArrowDown"):
            page.keyboard.press(key)
            page.wait_for_timeout(400)
        page.wait_for_load_state("networkidle")
        tiles = {path: times for path, times in asked.items() if path.endswith(".pbf")}
        assert len(tiles) > 4
        assert [path for path, times in tiles.items() if times > 1] == []


class TestPublication:
    def test_map_and_answer_follow_and_say_so(self, page: Page) -> None:
        """The service tells a newer revision by the ETag of the TileJSON, which the page asks for every ten seconds."""

        def renew(route: Route) -> None:
            answer = route.fetch()
            route.fulfill(response=answer, headers={**answer.headers, "etag": '"' + "+".join(["newer"] * 8) + '"'})

        page.goto(f"/map?l=schools&p=questions&q={quote(ASKED)}")
        settle(page)
        expect(page.get_by_role("region", name="Số liệu tổng hợp")).to_be_visible()
        page.route("**/tiles/*.json", renew)
        with page.expect_request(lambda request: request.url.endswith("/api/query"), timeout=20_000):
            pass
        expect(page.get_by_text("vừa công bố phiên bản").first).to_be_visible()
