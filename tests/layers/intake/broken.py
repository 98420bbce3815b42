"""Small broken and hostile files; each is made by a function of a folder and the sound Shapefile to break."""

# Contents of files stand in one line each, so that the tables can be read.
# ruff: noqa: E501

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

Make = Callable[[Path, Path], Path]
_SQUARE = [[105.97, 10.25], [105.971, 10.25], [105.971, 10.251], [105.97, 10.251], [105.97, 10.25]]
_VRT = """<OGRVRTDataSource><OGRVRTLayer name="t"><SrcDataSource>{source}</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>"""
_KML = '<?xml version="1.0"?><kml xmlns="http://www.opengis.net/kml/2.2" xmlns:gx="http://www.google.com/kml/ext/2.2">{}</kml>'


def _bytes(name: str, content: bytes) -> Make:
    def make(folder: Path, _: Path) -> Path:
        path = folder / name
        path.write_bytes(content)
        return path

    return make


def _text(name: str, content: str) -> Make:
    return _bytes(name, content.encode())


def _zip(*members: tuple[str, bytes]) -> Make:
    def make(folder: Path, _: Path) -> Path:
        path = folder / "a.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members:
                archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
        return path

    return make


def _shapefile(change: Callable[[dict[str, bytes]], None]) -> Make:
    """The sound Shapefile with its parts changed, loose in a folder."""

    def make(folder: Path, sound: Path) -> Path:
        parts = {part.suffix: part.read_bytes() for part in sound.parent.glob(f"{sound.stem}.*")}
        change(parts)
        for suffix, content in parts.items():
            (folder / f"t{suffix}").write_bytes(content)
        return folder / "t.shp"

    return make


def _cut(suffix: str, share: float) -> Make:
    def change(parts: dict[str, bytes]) -> None:
        parts[suffix] = parts[suffix][: int(len(parts[suffix]) * share)]

    return _shapefile(change)


def _patch(suffix: str, at: int, content: bytes) -> Make:
    def change(parts: dict[str, bytes]) -> None:
        parts[suffix] = parts[suffix][:at] + content + parts[suffix][at + len(content) :]

    return _shapefile(change)


def _geojson(*geometries: object, **properties: object) -> Make:
    features = [
        {
            "type": "Feature",
            "properties": {"SHBANDO": "1", "SHTHUA": str(n), "MAXA": "00004"} | properties,
            "geometry": g,
        }
        for n, g in enumerate(geometries)
    ]
    return _text("t.geojson", json.dumps({"type": "FeatureCollection", "features": features}))


def _polygon(*rings: object) -> dict[str, object]:
    return {"type": "Polygon", "coordinates": rings}


def _symlink(folder: Path, _: Path) -> Path:
    entry = zipfile.ZipInfo("t.shp")
    entry.external_attr = 0o120777 << 16
    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        archive.writestr(entry, "/etc/passwd")
    return folder / "a.zip"


def _inside_zip(folder: Path, sound: Path) -> Path:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.write(sound, "t.shp")
    return _zip(("inner.zip", inner.getvalue()))(folder, sound)


def _cut_zip(folder: Path, sound: Path) -> Path:
    path = _zip(("t.shp", sound.read_bytes()))(folder, sound)
    path.write_bytes(path.read_bytes()[:-30])
    return path


def _flipped_zip(folder: Path, sound: Path) -> Path:
    path = _zip(("t.shp", sound.read_bytes()))(folder, sound)
    content = bytearray(path.read_bytes())
    content[80:120] = b"\xff" * 40
    path.write_bytes(content)
    return path


def _million_members(folder: Path, _: Path) -> Path:
    """An end record that promises far more members than an archive may hold."""
    path = folder / "a.zip"
    path.write_bytes(
        b"PK\x03\x04" + b"\0" * 40 + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 65534, 65534, 2**27, 0, 0)
    )
    return path


def _many_members(folder: Path, _: Path) -> Path:
    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        for number in range(1_100):
            archive.writestr(f"f{number}.txt", "")
    return folder / "a.zip"


def _encrypted(folder: Path, sound: Path) -> Path:
    path = _zip(("t.shp", b"x" * 40))(folder, sound)
    content = bytearray(path.read_bytes())
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.find(mark) + at] |= 1
    path.write_bytes(content)
    return path


def _doctype_workbook(folder: Path, sound: Path) -> Path:
    evil = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><workbook>&a;</workbook>'
    return _zip(("xl/workbook.xml", evil), ("[Content_Types].xml", b"<Types/>"))(folder, sound)


def _map_without_tab(folder: Path, _: Path) -> Path:
    (folder / "t.tab").write_text(
        "!table\n!version 300\n!charset Neutral\n\nDefinition Table\n  Type NATIVE\n  Fields 1\n    A Char (1) ;\n"
    )
    return folder / "t.tab"


REJECTED: dict[str, tuple[Make, str]] = {
    "empty": (_bytes("t.shp", b""), "file.empty"),
    "zeros": (_bytes("t.shp", b"\0" * 4096), "file.empty"),
    "noise": (_bytes("t.gpkg", bytes(range(256)) * 8), "file.unknown"),
    "pdf": (_bytes("t.shp", b"%PDF-1.7\n"), ""),
    "rar": (_bytes("t.zip", b"Rar!\x1a\x07\x00" + b"x" * 40), ""),
    "dwg": (_bytes("t.dxf", b"AC1027" + b"\0" * 100), ""),
    "binary dxf": (_bytes("t.dxf", b"AutoCAD Binary DXF\r\n\x1a\x00" + b"x" * 40), ""),
    "vrt named shp": (_text("t.shp", _VRT.format(source="/etc/passwd")), "file.reference"),
    "vrt named geojson": (_text("t.geojson", _VRT.format(source="/etc/passwd")), "file.reference"),
    "vrt named csv": (_text("t.csv", _VRT.format(source="/vsicurl/http://127.0.0.1:9/x")), "file.reference"),
    "vrt after a comment": (_text("t.kml", "<!-- a -->\n" + _VRT.format(source="/etc/passwd")), "file.reference"),
    "vrt in a zip": (_zip(("t.shp", _VRT.format(source="/etc/passwd").encode())), "file.reference"),
    "gdalg": (_text("t.json", '{"type": "gdal_streamed_alg", "command_line": "gdal vector pipeline ! read /etc/passwd"}'), "file.reference"),
    "seamless tab": (_text("t.tab", '!table\n!version 300\n!charset Neutral\n"IsSeamless" = "TRUE"\nopen table "x"\n'), "file.reference"),
    "zip slip": (_zip(("../../evil.shp", b"\x00\x00\x27\x0a" + b"\0" * 96)), "archive.unsafe-name"),
    "absolute name": (_zip(("/etc/evil.shp", b"x")), "archive.unsafe-name"),
    "drive name": (_zip(("C:\\evil.shp", b"x")), "archive.unsafe-name"),
    "symlink": (_symlink, "archive.unsafe-name"),
    "bomb": (_zip(("t.shp", b"\x00\x00\x27\x0a" + b"\0" * (48 * 2**20))), "archive.bomb"),
    "nested archive": (_inside_zip, "archive.nested"),
    "one name twice": (_zip(("t.shp", b"a"), ("T.SHP", b"b")), "archive.duplicate"),
    "encrypted": (_encrypted, "archive.encrypted"),
    "cut archive": (_cut_zip, "archive.damaged"),
    "flipped archive": (_flipped_zip, "archive.damaged"),
    "promises a million members": (_million_members, "archive.members"),
    "many members": (_many_members, "archive.members"),
    "empty archive": (_zip(), ""),
    "archive without data": (_zip(("readme.xml", b"<a/>")), "archive.no-data"),
    "workbook with a document type": (_doctype_workbook, "xml.doctype"),
    "kml with entities": (_text("t.kml", '<?xml version="1.0"?><!DOCTYPE kml [<!ENTITY a "b">]><kml xmlns="http://www.opengis.net/kml/2.2"><Document><name>&a;</name></Document></kml>'), "xml.doctype"),
    "cut kml": (_text("t.kml", '<?xml version="1.0"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document><Placemark><name>a'), "file.unreadable"),
    "cut gml": (_text("t.gml", '<?xml version="1.0"?><gml:FeatureCollection xmlns:gml="http://www.opengis.net/gml"><gml:featureMember>'), ""),
    "cut geojson": (_text("t.geojson", '{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {}, "geom'), ""),
    "header of geopackage only": (_bytes("t.gpkg", b"SQLite format 3\x00" + b"\0" * 84), ""),
    "header of flatgeobuf only": (_bytes("t.fgb", b"fgb\x03fgb\x00" + b"\xff" * 40), ""),
    "header of shp only": (_bytes("t.shp", b"\x00\x00\x27\x0a"), ""),
    "cut dbf": (_cut(".dbf", 0.5), "shapefile.dbf-cut"),
    "dbf that promises more": (_patch(".dbf", 4, struct.pack("<I", 4_000_000_000)), "shapefile.dbf-cut"),
    "dbf of noise": (_shapefile(lambda parts: parts.update({".dbf": b"\xff" * 300})), ""),
    "lone shx": (_shapefile(lambda parts: [parts.pop(s) for s in (".shp", ".dbf")] and None), "file.absent"),
    "tab without data": (_map_without_tab, ""),
}  # fmt: skip
"""Files that are refused as a whole; an empty code stands for any."""

FOUND: dict[str, tuple[Make, str]] = {
    "cut shp": (_cut(".shp", 0.6), ""),
    "shx of noise": (_shapefile(lambda parts: parts.update({".shx": b"\xff" * 200})), "shapefile.index-rebuilt"),
    "shx that points elsewhere": (_patch(".shx", 100, struct.pack(">ii", 2**30, 2**30)), "shapefile.index-rebuilt"),
    "prj of noise": (_shapefile(lambda parts: parts.update({".prj": b"\xff\xfe\x00garbage"})), "crs.unreadable"),
    "prj that is an address": (_shapefile(lambda parts: parts.update({".prj": b"http://127.0.0.1:9/wkt"})), "crs.unreadable"),
    "infinite": (_geojson({"type": "Point", "coordinates": [1e400, 10.2]}, _polygon(_SQUARE)), ""),
    "origin": (_geojson(_polygon(_SQUARE), {"type": "Point", "coordinates": [0, 0]}), "geometry.zero"),
    "1e16": (_geojson(_polygon(_SQUARE), _polygon([[1e16, 1e16], [2e16, 1e16], [2e16, 2e16], [1e16, 1e16]])), "geometry.absurd"),
    "bow tie": (_geojson(_polygon([_SQUARE[0], _SQUARE[2], _SQUARE[1], _SQUARE[3], _SQUARE[0]])), "geometry.unrepairable"),
    "wrong type": (_geojson({"type": "LineString", "coordinates": [[105.97, 10.25], [105.98, 10.26]]}), "geometry.refused"),
    "heights": (_geojson(_polygon([[*point, 5.0] for point in _SQUARE])), "geometry.heights"),
    "no geometry": (_geojson(None, None), ""),
    "empty geometry": (_geojson({"type": "Polygon", "coordinates": []}, _polygon(_SQUARE)), ""),
    "swapped": (_geojson(_polygon(_SQUARE), _polygon([[y, x] for x, y in _SQUARE])), "geometry.swapped"),
    "the same twice": (_geojson(_polygon(_SQUARE), _polygon(_SQUARE)), "geometry.repeated"),
    "key twice": (_geojson(_polygon(_SQUARE), _polygon([[x + 0.01, y] for x, y in _SQUARE]), SHTHUA="7"), "key.repeated"),
    "outside the commune": (_geojson(_polygon(_SQUARE), _polygon([[x, y + 1] for x, y in _SQUARE])), "geometry.outside-unit"),
    "lost point": (_geojson(_polygon(_SQUARE), _polygon([[x * 1e6, y * 1e6] for x, y in _SQUARE])), "geometry.lost-point"),
    "damaged text": (_geojson(_polygon(_SQUARE), TENCHU="Nguy?n V?n ???c", DIACHI="Nhà d?c l?p"), "text.damaged"),
    "script": (_geojson(_polygon(_SQUARE), DIACHI="<script>alert(1)</script>"), ""),
    "formula": (_geojson(_polygon(_SQUARE), DIACHI='=HYPERLINK("http://x")'), ""),
    "no features": (_geojson(), ""),
    "track without times": (_text("t.kml", _KML.format("<Placemark><gx:Track><gx:coord>105.9 10.2 0</gx:coord></gx:Track></Placemark>")), "geometry.unreadable"),
    "csv without rows": (_text("t.csv", "MAXA,SHBANDO,SHTHUA,X,Y\n"), "file.no-rows"),
    "csv of one column": (_text("t.csv", "a\n1\n2\n"), "geometry.no-coordinates"),
    "csv with ragged rows": (_text("t.csv", "MAXA,SHBANDO,SHTHUA,X,Y\n00004,1,1,105.97,10.25\n00004,1\n00004,1,3,105.97,10.25,9,9\n"), "csv.ragged"),
    "csv with text for coordinates": (_text("t.csv", "MAXA,SHBANDO,SHTHUA,X,Y\n00004,1,1,105.97,10.25\n00004,1,2,không rõ,-\n"), "geometry.unread"),
    "cut dxf": (_text("t.dxf", "0\nSECTION\n2\nENTITIES\n0\nLINE\n8\n0\n10\n"), ""),
    "cut mif": (_text("t.mif", 'Version 300\nCharset "Neutral"\nDelimiter ","\nColumns 1\n  A Char(1)\nData\nRegion 1\n 9\n1 1\n'), ""),
}  # fmt: skip
"""Files that are read, with something to tell; an empty code stands for any finding or question."""


def all_broken() -> Iterator[tuple[str, Make]]:
    """Every file by name."""
    for name, (make, _) in {**REJECTED, **FOUND}.items():
        yield name, make
