"""The page that starts the viewer: which files it needs, what it knows of its place, and its words without script."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from layers.catalogue import Layer
from layers.definition import Label
from web.environment import STATIC_FOLDER, Site, render
from web.ogc_pages import grouped

FOLDER: Final = STATIC_FOLDER / "viewer"
ENTRY: Final = "src/main.ts"
# Paths below the service's own; `web/viewer/src/pages/pages.ts` lists the same ones with their program.
PAGES: Final = {
    "map": "src/map/MapPage.svelte",
    "board": "src/board/BoardPage.svelte",
    "desk": "src/desk/DeskPage.svelte",
    "admin": "src/admin/AdminPage.svelte",
}
_TITLES: Final = {
    "map": Label("Bản đồ", "Map"),
    "board": Label("Kịch bản", "Scenarios"),
    "desk": Label("Nộp dữ liệu", "Data desk"),
    "admin": Label("Quản trị", "Administration"),
}


@dataclass(frozen=True, slots=True)
class BaseMap:
    """A base map from outside: address of XYZ tiles or of a PMTiles archive, and whose it is."""

    url: str
    credit: str


@dataclass(frozen=True, slots=True)
class Build:
    """The files of a build, by what the manifest says."""

    manifest: dict[str, dict[str, Any]]

    def scripts(self, page: str) -> tuple[str, list[str]]:
        """The entry script, and those to fetch beside it: of the page and all that it needs."""
        return self.manifest[ENTRY]["file"], [self.manifest[key]["file"] for key in self._needed(page)][1:]

    def styles(self, page: str) -> list[str]:
        """Style sheets of the entry and of the page."""
        return list(dict.fromkeys(css for key in self._needed(page) for css in self.manifest[key].get("css", ())))

    def _needed(self, page: str) -> list[str]:
        found: dict[str, None] = {}
        waiting = [ENTRY, PAGES[page]]
        while waiting:
            key = waiting.pop(0)
            if key not in found and key in self.manifest:
                found[key] = None
                waiting += self.manifest[key].get("imports", ())
        return list(found)


def read_build(folder: Path = FOLDER) -> Build | None:
    """The build in a folder; None where the viewer has not been built."""
    try:
        return Build(json.loads((folder / "manifest.json").read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None


def render_shell(build: Build | None, page: str, layers: Sequence[Layer], base: BaseMap | None, *, site: Site) -> bytes:
    """The page; without script, or while the viewer is not built, it lists the layers with links to their data."""
    script, preloads = build.scripts(page) if build else ("", [])
    return render(
        "viewer.html",
        site=site,
        path=f"/{page}",
        title=_TITLES[page],
        synthetic=any(layer.synthetic for layer in layers),
        is_built=build is not None,
        script=script,
        preloads=preloads,
        styles=build.styles(page) if build else [],
        base=base,
        groups=grouped(layers),
    )


def content_policy(base: BaseMap | None, *, is_secure: bool) -> str:
    """The Content-Security-Policy of the page: nothing but our own files, and the base map where one is configured."""
    outside = f" {_origin(base.url)}" if base and "://" in base.url else ""
    parts = [
        "default-src 'none'",
        "script-src 'self'",
        "worker-src 'self' blob:",
        "style-src 'self'",
        f"img-src 'self' data: blob:{outside}",
        "font-src 'self' data:",
        f"connect-src 'self'{outside}",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'self'",
    ]
    return "; ".join([*parts, "upgrade-insecure-requests"] if is_secure else parts)


def _origin(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.partition('/')[0].replace('{s}', '*')}"
