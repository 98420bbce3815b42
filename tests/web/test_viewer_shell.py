"""The viewer's page and files as the server gives them out."""

from __future__ import annotations

import re

import httpx
import pytest

from tests.conftest import Service
from web.viewer_shell import BaseMap, content_policy, read_build

pytestmark = [pytest.mark.db, pytest.mark.usefixtures("viewer")]


class TestPage:
    @pytest.mark.parametrize("path", ["/map", "/map/", "/map/anything/below", "/map?l=schools&lang=en"])
    def test_every_address_of_the_viewer_gives_it(self, service: Service, path: str) -> None:
        answer = service.client.get(path)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert "/static/viewer/assets/main-" in answer.text

    def test_unchanged_page_is_not_sent_again(self, service: Service) -> None:
        tag = service.client.get("/map").headers["etag"]
        assert service.client.get("/map", headers={"If-None-Match": tag}).status_code == 304

    def test_no_script_stands_in_it(self, service: Service) -> None:
        answer = service.client.get("/map")
        policy = answer.headers["content-security-policy"]
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
        assert re.findall(r"<script[^>]*>([^<]+)</script>", answer.text) == []
        assert " style=" not in answer.text

    def test_without_script_it_lists_the_layers(self, service: Service) -> None:
        text = service.client.get("/map", headers={"Accept-Language": "vi"}).text
        inside = text[text.index("<noscript>") : text.index("</noscript>")]
        assert "/ogc/collections/schools/items?f=html" in inside
        assert "Trường học" in inside

    def test_files_are_kept_for_ever_and_come_packed(self, service: Service) -> None:
        for file in re.findall(r'(?:src|href)="(/static/viewer/[^"]+)"', service.client.get("/map").text):
            answer = service.client.get(file, headers={"Accept-Encoding": "br"})
            assert answer.status_code == 200, file
            assert "immutable" in answer.headers["cache-control"]
            assert answer.headers["content-encoding"] == "br"
            assert answer.headers["content-type"].startswith(("text/javascript", "text/css"))

    @pytest.mark.parametrize("name", ["%2e%2e/diaban.css", "assets", "none.js"])
    def test_files_outside_the_build_do_not_exist(self, service: Service, name: str) -> None:
        assert httpx.get(f"{service.url}/static/viewer/{name}").status_code == 404


class TestBaseMap:
    def test_only_its_host_is_let_in(self) -> None:
        policy = content_policy(BaseMap("https://tiles.example.vn/{z}/{x}/{y}.png", "X"), is_secure=True)
        assert "img-src 'self' data: blob: https://tiles.example.vn;" in policy
        assert "connect-src 'self' https://tiles.example.vn;" in policy
        assert "example" not in content_policy(BaseMap("/static/base.pmtiles", "X"), is_secure=False)

    def test_a_page_loads_its_own_chunk_at_once(self) -> None:
        build = read_build()
        assert build is not None
        entry, more = build.scripts("map")
        assert entry.startswith("assets/main-")
        assert any("MapPage" in file for file in more)
