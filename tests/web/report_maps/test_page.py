"""The HTML report as text: everything inside, nothing that a value holds is markup or script."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.web.report_maps.samples import ABOUT, ASSETS, HOSTILE, hostile_report, report
from web.report_maps.assets import ReportAssetsMissing, read_assets
from web.report_maps.page import render_page
from web.report_maps.report import About


class Outline(HTMLParser):
    """Elements and texts of a page, as a browser would find them."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.scripts: list[str] = []
        self._inside = ""
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = tag

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        (self.scripts if self._inside == "script" else self.texts).append(data)

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


class TestInside:
    def test_no_element_asks_for_another_file(self) -> None:
        page = Outline(render_page(report(), ASSETS))
        assert not [attrs for _, attrs in page.tags if "src" in attrs or "href" in attrs]
        assert not page.named("link")

    def test_policy_forbids_the_network_and_names_every_script(self) -> None:
        page = Outline(render_page(report(), ASSETS))
        policy = next(attrs["content"] for attrs in page.named("meta") if "http-equiv" in attrs)
        assert policy is not None
        assert policy.startswith("default-src 'none';")
        assert "connect-src" not in policy
        named = set(re.findall(r"'sha256-([^']+)'", policy))
        assert named == {base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in page.scripts}
        assert len(page.scripts) == 3

    def test_without_anything_to_draw_there_is_no_script(self) -> None:
        page = Outline(render_page(report(extent=None, shapes=(), outlines=()), ASSETS))
        assert page.scripts == []
        assert "Không có đối tượng nào để vẽ." in page.texts

    def test_assets_hold_no_address_of_their_own(self, tmp_path: Path) -> None:
        (tmp_path / "leaflet.js").write_text("a()\n//# sourceMappingURL=leaflet.js.map")
        (tmp_path / "leaflet.css").write_text("a{background-image:url(images/layers.png)}b{src:url('data:x')}")
        assets = read_assets(tmp_path)
        assert "sourceMappingURL" not in assets.leaflet_js
        assert assets.leaflet_css == "a{background-image:none}b{src:url('data:x')}"
        assert assets.style.count("data:font/woff2;base64,") == 4
        assert "unicode-range:U+0000-00FF" in assets.style

    def test_of_a_viewer_that_was_not_built_says_what_to_do(self, tmp_path: Path) -> None:
        with pytest.raises(ReportAssetsMissing) as caught:
            read_assets(tmp_path)
        assert "make demo" in caught.value.vi


class TestHostileValues:
    def test_stay_texts(self) -> None:
        plain, hostile = Outline(render_page(report(), ASSETS)), Outline(render_page(hostile_report(), ASSETS))
        assert len(hostile.scripts) == len(plain.scripts)
        assert not hostile.named("img")
        assert not [attrs for _, attrs in hostile.tags if any(name.startswith("on") for name in attrs)]
        assert sum(HOSTILE in text for text in hostile.texts) >= 10

    def test_cannot_end_a_script(self) -> None:
        for script in Outline(render_page(hostile_report(), ASSETS)).scripts:
            assert "<" not in script.replace("/* ", "")
            assert "\u2028" not in script

    def test_arrive_in_the_script_as_they_were(self) -> None:
        script = Outline(render_page(hostile_report(), ASSETS)).scripts[1]
        words = json.loads(script.split("const REPORT = ")[1].split(";\n")[0])
        assert words["factTitles"][0] == HOSTILE


class TestContent:
    def test_tells_title_office_date_legend_figures_and_source(self) -> None:
        text = " ".join(Outline(render_page(report(), ASSETS)).texts)
        for part in ("Xã Tân Lập", "Lập lúc 10:00 01/12/2026", "Chú giải", "Mầm non", "1.234", "số liệu đến ngày"):
            assert part in text

    def test_features_are_also_a_list(self) -> None:
        page = Outline(render_page(report(), ASSETS))
        assert "Danh sách 2 đối tượng" in page.texts
        assert "Khu 2" in page.texts

    def test_speaks_english_where_asked(self) -> None:
        page = Outline(render_page(report(about=About("", "", ABOUT.made_at, english=True)), ASSETS))
        assert page.named("html")[0]["lang"] == "en"
        assert "Legend" in page.texts

    def test_is_the_same_for_the_same_values(self) -> None:
        assert render_page(report(), ASSETS) == render_page(report(), ASSETS)
