"""Documents say what is there: addresses, links, files."""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path

import pytest

from app.main import create_app
from app.settings import CHECKOUT, Settings

DOCUMENTS = sorted(
    [*CHECKOUT.glob("*.md"), *(CHECKOUT / "docs").rglob("*.md"), CHECKOUT / "docker" / "README.md"],
)
FONTS = CHECKOUT / "web" / "static" / "fonts"


class TestLinks:
    @pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(CHECKOUT)))
    def test_lead_to_files(self, document: Path) -> None:
        text = re.sub(r"```.*?```", "", document.read_text(encoding="utf-8"), flags=re.DOTALL)
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
            if "://" not in target:
                assert (document.parent / target).exists(), target


class TestEndpoints:
    def test_page_lists_every_route_and_no_other(self) -> None:
        page = (CHECKOUT / "docs" / "endpoints.md").read_text(encoding="utf-8").split("## Errors")[0]
        listed = set(re.findall(r"`(?:POST )?(/[^`]*)`", page))
        described = set(create_app(Settings()).openapi()["paths"])
        of_people = {"/", "/map", "/map/…", "/docs", "/overview.svg", "/openapi.json", "/ogc", "/ogc/…", "/ogc/openapi"}
        of_people |= {
            "/admin",
            "/admin/…",
            "/board",
            "/board/…",
            "/desk",
            "/desk/…",
            "/report",
            "/report/…",
            "/signin",
            "/signin/…",
            "/signout",
            "/account",
            "/account/…",
        }
        assert listed - of_people == described


class TestFonts:
    def test_are_those_that_are_listed(self) -> None:
        lines = (FONTS / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
        sums = {name: digest for digest, name in (line.split() for line in lines)}
        assert sums == {path.name: sha256(path.read_bytes()).hexdigest() for path in FONTS.glob("*.woff2")}

    def test_are_those_that_the_style_names(self) -> None:
        style = (CHECKOUT / "web" / "static" / "diaban.css").read_text(encoding="utf-8")
        assert set(re.findall(r"url\(fonts/([^)]+)\)", style)) == {path.name for path in FONTS.glob("*.woff2")}
