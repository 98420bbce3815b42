"""Letters on a picture: the interface's typeface, whose Latin and Vietnamese letters lie in two files."""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import Final

from fontTools.ttLib import TTFont
from PIL import ImageDraw, ImageFont

from web.report_maps.assets import SUBSETS, font_file

# What neither file holds is drawn as this, so that a reader sees that something is there.
MISSING: Final = "?"
ELLIPSIS: Final = "…"
# No line of a picture holds more, however thin its letters.
MOST_LETTERS: Final = 400


@dataclass(frozen=True, slots=True)
class Letters:
    """The typeface in one weight and size (pixels)."""

    size: int
    weight: int = 400

    @property
    def line(self) -> int:
        """Height of a line, stacked diacritics included."""
        return round(self.size * 1.45)

    def width(self, text: str) -> float:
        """How wide a text is drawn."""
        return sum(_font(self.weight, subset, self.size).getlength(part) for subset, part in self._runs(text))

    def draw(self, canvas: ImageDraw.ImageDraw, x: float, y: float, text: str, color: str) -> None:
        """Writes a text from its left upper corner."""
        base = y + self.size * 1.1
        for subset, part in self._runs(text):
            font = _font(self.weight, subset, self.size)
            canvas.text((x, base), part, fill=color, font=font, anchor="ls")
            x += font.getlength(part)

    def wrapped(self, text: str, width: float, most: int) -> list[str]:
        """The text in lines no wider than ``width``, at most so many; the last tells by "…" that more was there."""
        lines, line = [], ""
        for word in self._words(text[: most * MOST_LETTERS], width):
            joined = f"{line} {word}".strip()
            if not line or self.width(joined) <= width:
                line = joined
                continue
            lines.append(line)
            line = word
        lines.append(line)
        if len(lines) > most:
            lines = [*lines[: most - 1], self.cut(f"{lines[most - 1]} {ELLIPSIS}", width)]
        return lines

    def cut(self, text: str, width: float) -> str:
        """The text, shortened to fit."""
        text = text[:MOST_LETTERS]
        if self.width(text) <= width:
            return text
        fits = bisect_right(range(len(text)), width, key=lambda end: self.width(text[:end] + ELLIPSIS)) - 1
        return text[: max(0, fits)].rstrip() + ELLIPSIS

    def _words(self, text: str, width: float) -> Iterator[str]:
        for word in text.split():
            while len(word) > 1 and self.width(word[:MOST_LETTERS]) > width:
                part = self.cut(word, width)[:-1] or word[0]
                yield part
                word = word[len(part) :]
            yield word

    def _runs(self, text: str) -> Iterator[tuple[str, str]]:
        """Stretches of one font file; control characters of the text draw nothing."""
        shown = (c for c in unicodedata.normalize("NFC", text) if not unicodedata.category(c).startswith("C"))
        pairs = [_letter(character) for character in shown]
        for subset, group in groupby(pairs, key=lambda pair: pair[0]):
            yield subset, "".join(character for _, character in group)


def _letter(character: str) -> tuple[str, str]:
    for subset in SUBSETS:
        if ord(character) in _held(subset):
            return subset, character
    return SUBSETS[0], " " if character.isspace() else MISSING


@lru_cache(maxsize=4)
def _held(subset: str) -> frozenset[int]:
    return frozenset(TTFont(font_file(400, subset)).getBestCmap())


@lru_cache(maxsize=64)
def _font(weight: int, subset: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(font_file(weight, subset), size, layout_engine=ImageFont.Layout.BASIC)
