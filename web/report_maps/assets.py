"""What a report carries inside: the map program of the viewer's build, fonts, our own script and style."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from web.environment import STATIC_FOLDER

LEAFLET: Final = STATIC_FOLDER / "viewer" / "report"
_HERE: Final = Path(__file__).resolve().parent
_FONTS: Final = STATIC_FOLDER / "fonts"
WEIGHTS: Final = (400, 600)
SUBSETS: Final = ("latin", "vietnamese")
_ELSEWHERE: Final = re.compile(r"url\((?!['\"]?data:)[^)]*\)")
_MAP_OF_SOURCE: Final = re.compile(r"^//# sourceMappingURL=.*$", re.MULTILINE)
_FACE: Final = re.compile(r"@font-face \{[^}]*?url\(fonts/([^)]+)\)[^}]*?unicode-range: ([^;]+);")


class ReportAssetsMissing(Exception):
    """The viewer, whose build holds the map program of reports, is not built; ``vi`` and ``en`` say what to do."""

    def __init__(self) -> None:
        self.vi = (
            "Chưa dựng giao diện bản đồ, nên chưa làm được báo cáo HTML. Hãy chạy “make demo” một lần khi có mạng"
            " hoặc kho gương npm; ảnh PNG vẫn làm được."
        )
        self.en = (
            'The map viewer has not been built, so no HTML report can be made. Run "make demo" once with a network or'
            " an npm mirror; PNG pictures work without it."
        )
        super().__init__(self.en)


@dataclass(frozen=True, slots=True)
class Assets:
    """Texts that a page holds inside."""

    leaflet_js: str
    leaflet_css: str
    script: str
    style: str


def read_assets(folder: Path = LEAFLET) -> Assets:
    """The assets as they lie on the disk.

    Raises:
        ReportAssetsMissing: The viewer has not been built.
    """
    try:
        changed = (folder / "leaflet.js").stat().st_mtime_ns
        return _read(folder, changed)
    except FileNotFoundError:
        raise ReportAssetsMissing from None


@lru_cache(maxsize=2)
def _read(folder: Path, changed_ns: int) -> Assets:
    del changed_ns
    css = (folder / "leaflet.css").read_text(encoding="utf-8")
    return Assets(
        leaflet_js=_MAP_OF_SOURCE.sub("", (folder / "leaflet.js").read_text(encoding="utf-8")),
        # Pictures of controls that a report does not have would be looked for beside the file.
        leaflet_css=_ELSEWHERE.sub("none", css),
        script=(_HERE / "map.js").read_text(encoding="utf-8"),
        style=_faces() + (_HERE / "sheet.css").read_text(encoding="utf-8"),
    )


def _faces() -> str:
    """The typeface of the interface, inside the style itself."""
    ranges = dict(_FACE.findall((STATIC_FOLDER / "diaban.css").read_text(encoding="utf-8")))
    faces = []
    for weight in WEIGHTS:
        for subset in SUBSETS:
            name = font_file(weight, subset).name
            data = base64.b64encode(font_file(weight, subset).read_bytes()).decode()
            faces.append(
                f'@font-face{{font-family:"Be Vietnam Pro";font-weight:{weight};'
                f'src:url(data:font/woff2;base64,{data}) format("woff2");unicode-range:{ranges[name]}}}\n'
            )
    return "".join(faces)


def font_file(weight: int, subset: str) -> Path:
    """Where a font lies."""
    return _FONTS / f"be-vietnam-pro-{subset}-{weight}-normal.woff2"
