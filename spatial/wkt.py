"""Well-known text into a GeoJSON-like document, so that both forms go through the same checks."""

import re
from typing import Final

from spatial.errors import InvalidGeometry, shorten

# One value of a GeoJSON "coordinates" member: a number or a list of such values.
Coordinates = float | list["Coordinates"]

GEOMETRY_TYPES: Final = {
    "POINT": "Point",
    "LINESTRING": "LineString",
    "POLYGON": "Polygon",
    "MULTIPOINT": "MultiPoint",
    "MULTILINESTRING": "MultiLineString",
    "MULTIPOLYGON": "MultiPolygon",
    "GEOMETRYCOLLECTION": "GeometryCollection",
}
# How many lists stand around the positions of each type.
_LEVELS: Final = {
    "POINT": 0,
    "LINESTRING": 1,
    "POLYGON": 2,
    "MULTIPOINT": 1,
    "MULTILINESTRING": 2,
    "MULTIPOLYGON": 3,
}
_TOKEN: Final = re.compile(
    r"\s*(?:(?P<number>[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?)(?![A-Za-z0-9_.])"
    r"|(?P<word>[A-Za-z]+)|(?P<mark>[(),]))"
)
_MAX_COLLECTION_DEPTH: Final = 4


def parse_wkt_document(text: str, *, parameter: str | None = None) -> dict[str, object]:
    """Return the GeoJSON-like geometry document of a two-dimensional well-known text.

    Coordinates keep the order they were written in; nothing but the syntax is checked.

    Raises:
        InvalidGeometry: the syntax is wrong, a geometry is EMPTY or has Z or M.
    """
    reader = _Reader(text, parameter)
    document = reader.geometry(depth=0)
    if text[reader.place :].strip():
        raise reader.problem("chữ thừa sau hình học", "text after the geometry")
    return document


class _Reader:
    """Walks over the tokens of one text."""

    def __init__(self, text: str, parameter: str | None) -> None:
        self.text = text
        self.parameter = parameter
        self.place = 0

    def problem(self, vi: str, en: str) -> InvalidGeometry:
        near = shorten(self.text[self.place : self.place + 20]) or "…"
        return InvalidGeometry(
            f"WKT sai tại ký tự thứ {self.place + 1} ('{near}'): {vi}. Hãy viết như POLYGON((105 21,106 21,106 22,"
            "105 21)).",
            f"WKT is wrong at character {self.place + 1} ('{near}'): {en}. Write it like POLYGON((105 21,106 21,"
            "106 22,105 21)).",
            parameter=self.parameter,
            vertex=f"character {self.place + 1}",
        )

    def take(self, kind: str) -> str:
        match = _TOKEN.match(self.text, self.place)
        if match is None or match[kind] is None:
            names = {"number": ("cần một số", "a number is expected"), "mark": ("cần dấu", "a mark is expected")}
            raise self.problem(*names.get(kind, ("cần tên hình học", "a geometry type is expected")))
        self.place = match.end()
        return match[kind]

    def peek(self, mark: str) -> bool:
        match = _TOKEN.match(self.text, self.place)
        return match is not None and match["mark"] == mark

    def expect(self, mark: str) -> None:
        if not self.peek(mark):
            raise self.problem(f"cần '{mark}'", f"'{mark}' is expected")
        self.take("mark")

    def geometry(self, depth: int) -> dict[str, object]:
        word = self.take("word").upper()
        if word not in GEOMETRY_TYPES:
            raise self.problem(f"không có loại hình học {shorten(word)}", f"no geometry type {shorten(word)}")
        if not self.peek("("):
            raise self.problem(
                "hình học phải có tọa độ, hai chiều (không EMPTY, Z, M)",
                "a geometry needs coordinates, in two dimensions (no EMPTY, Z or M)",
            )
        if word != "GEOMETRYCOLLECTION":
            return {"type": GEOMETRY_TYPES[word], "coordinates": self.coordinates(word)}
        if depth >= _MAX_COLLECTION_DEPTH:
            raise self.problem("các nhóm hình học lồng quá sâu", "collections are nested too deeply")
        self.expect("(")
        members = [self.geometry(depth + 1)]
        while self.peek(","):
            self.expect(",")
            members.append(self.geometry(depth + 1))
        self.expect(")")
        return {"type": GEOMETRY_TYPES[word], "geometries": members}

    def coordinates(self, word: str) -> Coordinates:
        if word == "POINT":
            self.expect("(")
            position = self.position()
            self.expect(")")
            return position
        return self.listing(_LEVELS[word], bracketed_points=word == "MULTIPOINT")

    def listing(self, level: int, *, bracketed_points: bool) -> Coordinates:
        self.expect("(")
        items: list[Coordinates] = [self.item(level, bracketed_points=bracketed_points)]
        while self.peek(","):
            self.expect(",")
            items.append(self.item(level, bracketed_points=bracketed_points))
        self.expect(")")
        return items

    def item(self, level: int, *, bracketed_points: bool) -> Coordinates:
        if level > 1:
            return self.listing(level - 1, bracketed_points=bracketed_points)
        if not (bracketed_points and self.peek("(")):
            return self.position()
        self.expect("(")
        position = self.position()
        self.expect(")")
        return position

    def position(self) -> Coordinates:
        numbers: list[Coordinates] = [float(self.take("number"))]
        while not (self.peek(",") or self.peek(")")):
            numbers.append(float(self.take("number")))
        return numbers
