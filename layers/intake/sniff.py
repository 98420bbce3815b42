"""What a file is, told from its first bytes; its name is never believed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from layers.intake.model import FileKind
from layers.intake.rejection import FileRejected

HEAD_BYTES: Final = 65_536
ARCHIVE: Final = "archive"
DBASE: Final = "dbase"
SPREADSHEET: Final = FileKind.XLSX
Sniffed = FileKind | str
"""A kind of file, or :data:`ARCHIVE` for any ZIP, or :data:`DBASE` for a table that stands alone or beside a .shp."""

_ROOT: Final = re.compile(
    rb"\s*(?:<\?[^>]*\?>\s*|<!--.*?-->\s*|<!DOCTYPE[^>\[]*(?:\[.*?\])?\s*>\s*)*<([^\s/>]+)", re.DOTALL
)
_GEOJSON: Final = re.compile(
    rb'"type"\s*:\s*"(FeatureCollection|Feature|GeometryCollection|(Multi)?(Point|LineString|Polygon))"'
)
_SHAPES: Final = b"\x00\x00\x27\x0a"
_DBASE_VERSIONS: Final = frozenset((0x02, 0x03, 0x30, 0x31, 0x43, 0x63, 0x83, 0x8B, 0x8E, 0xF5))
_OTHERS: Final[tuple[tuple[bytes, str, str, str, str], ...]] = (
    (b"Rar!", "RAR", "Hãy nén lại bằng ZIP.", "Pack it as ZIP.", "archive.rar"),
    (b"7z\xbc\xaf", "7-Zip", "Hãy nén lại bằng ZIP.", "Pack it as ZIP.", "archive.7z"),
    (b"\x1f\x8b", "GZIP", "Hãy nén lại bằng ZIP.", "Pack it as ZIP.", "archive.gzip"),
    (
        b"AutoCAD Binary DXF",
        "DXF nhị phân",
        "Hãy lưu lại thành DXF dạng chữ (ASCII).",
        "Save as ASCII DXF.",
        "dxf.binary",
    ),
    (b"AC10", "DWG", "Hãy mở bằng phần mềm CAD và lưu thành DXF.", "Open it in CAD and save it as DXF.", "dwg"),
    (b"%PDF", "PDF", "Hãy gửi tệp dữ liệu gốc, không gửi bản in.", "Send the data, not a print of them.", "pdf"),
    (b"\x89PNG", "ảnh PNG", "Hãy gửi tệp dữ liệu gốc.", "Send the data themselves.", "image"),
    (b"\xff\xd8\xff", "ảnh JPEG", "Hãy gửi tệp dữ liệu gốc.", "Send the data themselves.", "image"),
    (b"II*\x00", "ảnh TIFF", "Nạp ảnh bằng lệnh diaban rasters.", "Load rasters with diaban rasters.", "raster"),
    (b"MM\x00*", "ảnh TIFF", "Nạp ảnh bằng lệnh diaban rasters.", "Load rasters with diaban rasters.", "raster"),
)


def sniff_file(path: Path) -> Sniffed:
    """Returns what a file is.

    Raises:
        FileRejected: It is empty, refers to other data (VRT, GDALG), or is nothing that intake reads.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    return sniff_head(head, path.stat().st_size)


def sniff_head(head: bytes, size: int, *, is_named_table: bool = False) -> Sniffed:
    """Returns what a file is by its first bytes and its size.

    A name decides one thing only: whether text of one line or one column, which could be anything, is a table.
    """
    if not head.strip(b"\x00 \r\n\t"):
        raise FileRejected(
            "file.empty",
            "Tệp rỗng.",
            "The file is empty.",
            "Hãy xuất lại từ phần mềm và gửi lại.",
            "Export it again and send it again.",
        )
    found = _binary(head, size) or _text(head, is_named_table=is_named_table)
    if found is None:
        raise FileRejected(
            "file.unknown",
            "Không nhận ra loại tệp này.",
            "The kind of the file is not recognised.",
            "Hãy gửi Shapefile (nén ZIP), GeoPackage, GeoJSON, KML/KMZ, MapInfo TAB/MIF, DXF, CSV hoặc Excel.",
            "Send Shapefile (zipped), GeoPackage, GeoJSON, KML/KMZ, MapInfo TAB/MIF, DXF, CSV or Excel.",
        )
    return found


def _binary(head: bytes, size: int) -> Sniffed | None:
    if head.startswith(_SHAPES):
        return FileKind.SHAPEFILE
    if head.startswith(b"SQLite format 3\x00"):
        return _sqlite(head)
    if head.startswith(b"fgb\x03"):
        return FileKind.FLATGEOBUF
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")):
        return ARCHIVE
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return FileKind.XLSX
    for magic, name, remedy_vi, remedy_en, code in _OTHERS:
        if head.startswith(magic):
            raise FileRejected(
                f"file.{code}", f"Đây là tệp {name}.", f"This is a file of kind {name}.", remedy_vi, remedy_en
            )
    return DBASE if _is_dbase(head, size) else None


def _sqlite(head: bytes) -> FileKind:
    if head[68:72] in (b"GPKG", b"GP10", b"GP11") or b"gpkg_contents" in head:
        return FileKind.GEOPACKAGE
    raise FileRejected(
        "file.sqlite",
        "Đây là cơ sở dữ liệu SQLite nhưng không phải GeoPackage.",
        "This is an SQLite database but no GeoPackage.",
        "Hãy xuất sang GeoPackage (.gpkg).",
        "Export it as GeoPackage (.gpkg).",
    )


def _is_dbase(head: bytes, size: int) -> bool:
    if len(head) < 33 or head[0] not in _DBASE_VERSIONS:
        return False
    month, day = head[2], head[3]
    header = int.from_bytes(head[8:10], "little")
    return month <= 12 and day <= 31 and 33 <= header <= size and head[header - 1 : header] in (b"\r", b"\x00", b"")


def _text(head: bytes, *, is_named_table: bool) -> Sniffed | None:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        head = head.decode("utf-16", "ignore").encode("utf-8")
    plain = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if plain.startswith(b"<"):
        return _xml(plain)
    if b"\x00" in plain:
        return None
    if plain.startswith((b"{", b"[")):
        return _json(plain)
    if plain.lower().startswith(b"!table"):
        return FileKind.MAPINFO_TAB
    if re.match(rb"version\s+\d+", plain, re.IGNORECASE) and re.search(rb"^\s*columns\s+\d+", plain, re.I | re.M):
        return FileKind.MAPINFO_MIF
    if re.match(rb"(999\s*\r?\n[^\n]*\n\s*)*0\s*\r?\n\s*SECTION", plain):
        return FileKind.DXF
    return FileKind.CSV if _is_table(plain, is_named_table=is_named_table) else None


def _xml(plain: bytes) -> FileKind | None:
    found = _ROOT.match(plain)
    root = found[1].rpartition(b":")[2].lower() if found else b""
    if root.startswith((b"ogrvrt", b"vrtdataset", b"gdal_")) or b"<OGRVRTDataSource" in plain:
        _refuse_reference("VRT")
    if root in (b"html", b"body", b"table"):
        raise FileRejected(
            "file.html",
            "Đây là một trang web (HTML), không phải dữ liệu; có thể liên kết tải đã hết hạn.",
            "This is a web page (HTML), not data; the download may have failed.",
            "Hãy tải lại tệp gốc rồi gửi.",
            "Download the original again and send it.",
        )
    if root == b"kml":
        return FileKind.KML
    return FileKind.GML if b"opengis.net/gml" in plain else None


def _json(plain: bytes) -> FileKind | None:
    if b"gdal_streamed_alg" in plain or b'"gdalg"' in plain.lower():
        _refuse_reference("GDALG")
    return FileKind.GEOJSON if _GEOJSON.search(plain) else None


def _refuse_reference(kind: str) -> None:
    raise FileRejected(
        "file.reference",
        f"Tệp này ({kind}) không chứa dữ liệu mà trỏ tới tệp khác hoặc địa chỉ khác; không được nhận.",
        f"The file ({kind}) holds no data but refers to other files or addresses; it is not accepted.",
        "Hãy gửi chính tệp dữ liệu.",
        "Send the data themselves.",
    )


def _is_table(plain: bytes, *, is_named_table: bool) -> bool:
    lines = [line for line in plain.splitlines()[:20] if line.strip()]
    printable = sum(byte >= 32 or byte in (9, 10, 13) for byte in plain[:4096])
    if not lines or printable < 0.98 * len(plain[:4096]):
        return False
    return is_named_table or (len(lines) > 1 and any(lines[0].count(mark) for mark in (b",", b";", b"\t", b"|")))
