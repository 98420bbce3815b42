"""The text of a PDF that WeasyPrint made: glyphs back to letters by each font's own table."""

from __future__ import annotations

import re
import zlib

_OBJECT = re.compile(rb"(\d+) 0 obj\s*(.*?)\s*endobj", re.DOTALL)
_STREAM = re.compile(rb"/Length (\d+).*?stream\r?\n", re.DOTALL)
_SHOWN = re.compile(rb"/(\S+) [\d.]+ Tf|<([0-9A-Fa-f]+)>|(T\*|\bET\b|\bTm\b)")
_PAIR = re.compile(rb"<([0-9A-Fa-f]{4})>\s*<([0-9A-Fa-f]+)>")


def pdf_text(document: bytes) -> str:
    """All text in the order in which it was written, one space between pieces."""
    objects = _objects(document)
    maps = {name: _letters(objects, int(number)) for name, number in _fonts(objects)}
    pieces: list[str] = []
    for body in objects.values():
        content = _content(body)
        if b" Tf" in content:
            pieces.append(_read(content, maps))
    return re.sub(r"\s+", " ", " ".join(pieces))


def page_sizes(document: bytes) -> set[tuple[int, int]]:
    """Width and height of its pages, in whole points."""
    boxes = (re.search(rb"/MediaBox\s*\[\s*0 0 ([\d.]+) ([\d.]+)", body) for body in _objects(document).values())
    return {(round(float(box[1])), round(float(box[2]))) for box in boxes if box}


def _objects(document: bytes) -> dict[int, bytes]:
    """Bodies of objects by number, those packed into streams of objects included."""
    objects = {int(number): body for number, body in _OBJECT.findall(document)}
    for body in list(objects.values()):
        if re.search(rb"/Type\s*/ObjStm", body):
            first = int(re.search(rb"/First (\d+)", body)[1])  # type: ignore[index]
            content = _content(body)
            numbers = [int(word) for word in content[:first].split()]
            starts = [*numbers[1::2], len(content) - first]
            for place, number in enumerate(numbers[::2]):
                objects[number] = content[first + starts[place] : first + starts[place + 1]].strip()
    return objects


def _fonts(objects: dict[int, bytes]) -> list[tuple[bytes, bytes]]:
    found: list[tuple[bytes, bytes]] = []
    for body in objects.values():
        for resources in re.findall(rb"/Font\s*<<(.*?)>>", body, re.DOTALL):
            found += re.findall(rb"/(\S+)\s+(\d+) 0 R", resources)
        # The dictionary of fonts may be an object of its own.
        if not body.startswith(b"<</Type") and re.fullmatch(rb"<<(\s*/\S+\s+\d+ 0 R)+\s*>>", body):
            found += re.findall(rb"/(\S+)\s+(\d+) 0 R", body)
    return found


def _letters(objects: dict[int, bytes], font: int) -> dict[bytes, str]:
    table = re.search(rb"/ToUnicode (\d+) 0 R", objects.get(font, b""))
    if table is None:
        return {}
    content = _content(objects[int(table.group(1))])
    return {
        glyph.lower(): bytes.fromhex(letters.decode()).decode("utf-16-be") for glyph, letters in _PAIR.findall(content)
    }


def _content(body: bytes) -> bytes:
    stream = _STREAM.search(body)
    if stream is None:
        return b""
    content = body[stream.end() : stream.end() + int(stream.group(1))]
    return zlib.decompress(content) if b"/FlateDecode" in body[: stream.end()] else content


def _read(content: bytes, maps: dict[bytes, dict[bytes, str]]) -> str:
    letters: dict[bytes, str] = {}
    text: list[str] = []
    for font, shown, moved in _SHOWN.findall(content):
        if font:
            letters = maps.get(font, {})
        elif moved:
            text.append(" ")
        else:
            glyphs = (shown[place : place + 4].lower() for place in range(0, len(shown), 4))
            text.append("".join(letters.get(glyph, "") for glyph in glyphs))
    return "".join(text)
