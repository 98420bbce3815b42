"""The data inside what was sent: archive, folder or loose files, copied under names of ours into a folder of ours."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Final, Protocol

from layers.intake.archive import DEFAULT_LIMITS, Archive, ArchiveLimits, Member, open_archive
from layers.intake.dbase import index_is_sound, read_dbase
from layers.intake.model import FileKind, Finding, Severity
from layers.intake.rejection import FileRejected
from layers.intake.sniff import ARCHIVE, HEAD_BYTES, Sniffed, sniff_head

_COMPANIONS: Final[Mapping[FileKind, tuple[str, ...]]] = {
    FileKind.SHAPEFILE: (".shx", ".dbf", ".prj", ".cpg"),
    FileKind.MAPINFO_TAB: (".dat", ".map", ".id", ".ind"),
    FileKind.MAPINFO_MIF: (".mid",),
}
_SUFFIX: Final[Mapping[FileKind, str]] = {
    FileKind.SHAPEFILE: ".shp", FileKind.GEOPACKAGE: ".gpkg", FileKind.GEOJSON: ".geojson",
    FileKind.FLATGEOBUF: ".fgb", FileKind.KML: ".kml", FileKind.MAPINFO_TAB: ".tab", FileKind.MAPINFO_MIF: ".mif",
    FileKind.DXF: ".dxf", FileKind.GML: ".gml", FileKind.CSV: ".csv", FileKind.XLSX: ".xlsx",
}  # fmt: skip
_NEVER_DATA: Final = frozenset(
    (".shx", ".prj", ".cpg", ".qpj", ".sbn", ".sbx", ".xml", ".dat", ".map", ".id", ".ind", ".mid", ".qml", ".sld",
     ".xsd", ".gfs", ".lyr", ".fbn", ".fbx", ".ain", ".aih", ".atx", ".ixs", ".mxs", ".db", ".ini")
)  # fmt: skip
_NAMED_TABLES: Final = (".csv", ".tsv")
_NAMED_CHARSET: Final = re.compile(rb'(!charset\s+|^\s*charset\s+")([\w-]+)', re.IGNORECASE | re.MULTILINE)
_SMALL: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Dataset:
    """One set of files that GDAL opens as one, under a name of ours.

    Attributes:
        name: Name as people know it.
        path: Main file.
        declared_encoding: What .cpg, DBF header, MapInfo or DXF say of the text.
        declared_crs: Text of the .prj.
    """

    name: str
    kind: FileKind
    path: Path
    declared_encoding: str | None = None
    declared_crs: str | None = None


@dataclass(frozen=True, slots=True)
class Package:
    """What was sent: its data sets, and what there is to say of the packing."""

    is_archive: bool
    datasets: tuple[Dataset, ...]
    findings: tuple[Finding, ...] = ()


class _Item(Protocol):
    """A file to look at: a member of an archive, or a file on disk."""

    @property
    def name(self) -> PurePosixPath: ...
    def head(self) -> bytes: ...
    def copy(self, target: Path) -> None: ...


@dataclass(frozen=True, slots=True)
class _Loose:
    path: Path
    name: PurePosixPath

    def head(self) -> bytes:
        with self.path.open("rb") as file:
            return file.read(HEAD_BYTES)

    def copy(self, target: Path) -> None:
        shutil.copyfile(self.path, target)


@dataclass(frozen=True, slots=True)
class _Packed:
    archive: Archive
    member: Member

    @property
    def name(self) -> PurePosixPath:
        return self.member.name

    def head(self) -> bytes:
        return self.archive.read_head(self.member, HEAD_BYTES)

    def copy(self, target: Path) -> None:
        self.archive.copy_out(self.member, target)


@dataclass(slots=True)
class _Found:
    """What looking through the items has brought together so far."""

    primaries: list[tuple[_Item, FileKind]] = field(default_factory=list)
    companions: dict[tuple[str, str, str], _Item] = field(default_factory=dict)
    nested: list[str] = field(default_factory=list)
    tables: list[_Item] = field(default_factory=list)
    unread: list[FileRejected] = field(default_factory=list)


def unpack(path: Path, folder: Path, limits: ArchiveLimits = DEFAULT_LIMITS) -> Package:
    """Copies the data out of what was sent: an archive, a folder of loose files, or one file with its companions.

    Args:
        path: What was sent; a folder stands for files sent together.
        folder: Empty folder of ours; nothing is written outside it.
        limits: What an archive may hold.

    Raises:
        FileRejected: Nothing in it may be read.
    """
    if not path.exists():
        raise FileRejected(
            "file.absent", "Không có tệp này.", "There is no such file.", "Hãy kiểm tra đường dẫn.", "Check the path."
        )
    with _items(path, folder, limits) as (items, is_archive, workbook):
        if workbook is not None:
            return Package(False, (workbook,))
        found = _sorted(items)
        datasets, findings = _copied(found, folder, only=None if is_archive or path.is_dir() else path)
    if not datasets:
        raise _nothing(found)
    return Package(is_archive, tuple(datasets), tuple(findings))


@contextmanager
def _items(path: Path, folder: Path, limits: ArchiveLimits) -> Iterator[tuple[Sequence[_Item], bool, Dataset | None]]:
    if path.is_dir():
        files = sorted(entry for entry in path.rglob("*") if entry.is_file() and not entry.is_symlink())[:1000]
        zipped = [entry for entry in files if entry.read_bytes()[:2] == b"PK"] if len(files) == 1 else []
        if not zipped:
            yield [_Loose(entry, PurePosixPath(entry.relative_to(path).as_posix())) for entry in files], False, None
            return
        path = zipped[0]
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    is_named_table = path.suffix.lower() in _NAMED_TABLES
    if sniff_head(head, path.stat().st_size, is_named_table=is_named_table) != ARCHIVE:
        yield [_Loose(entry, PurePosixPath(entry.name)) for entry in _with_companions(path)], False, None
        return
    with open_archive(path, limits) as archive:
        if any(str(member.name) in ("xl/workbook.xml", "xl/workbook.bin", "content.xml") for member in archive.members):
            yield [], False, _workbook(path, archive, folder)
            return
        yield [_Packed(archive, member) for member in archive.members], True, None


def _with_companions(path: Path) -> list[Path]:
    """The file and, where it is one of several that belong together, those beside it of the same stem."""
    stem = path.stem.casefold()
    wanted = {suffix for suffixes in _COMPANIONS.values() for suffix in suffixes} | {".shp"}
    beside = (entry for entry in sorted(path.parent.iterdir()) if entry != path)
    return [
        path,
        *(entry for entry in beside if entry.stem.casefold() == stem and entry.suffix.lower() in wanted),
    ]


def _workbook(path: Path, archive: Archive, folder: Path) -> Dataset:
    """Counts what a workbook inflates to and refuses document types, before a reader holds it in memory."""
    for member in archive.members:
        if member.suffix in (".xml", ".rels") and b"<!DOCTYPE" in archive.read_head(member, 4096):
            raise doctype_refused()
        archive.copy_out(member, None)
    target = folder / "d0.xlsx"
    shutil.copyfile(path, target)
    return Dataset(path.stem, FileKind.XLSX, target)


def doctype_refused() -> FileRejected:
    """The refusal of XML that declares a document type or entities."""
    return FileRejected(
        "xml.doctype",
        "Tệp XML có khai báo DOCTYPE hoặc ENTITY; không được nhận vì lý do an toàn.",
        "The XML declares a DOCTYPE or an ENTITY; it is not accepted for safety.",
        "Hãy xuất lại từ phần mềm bản đồ.",
        "Export it again from mapping software.",
    )


def _sorted(items: Sequence[_Item]) -> _Found:
    found = _Found()
    for item in items:
        suffix = item.name.suffix.lower()
        found.companions[(str(item.name.parent), item.name.stem.casefold(), suffix)] = item
        if suffix in _NEVER_DATA or item.name.name.startswith((".", "~$", "__MACOSX")):
            _look_for_references(item)
            continue
        kind = _kind_of(item, found)
        if isinstance(kind, FileKind):
            found.primaries.append((item, kind))
    if not found.primaries:
        found.primaries = [(item, FileKind.CSV) for item in found.tables]
    return found


def _look_for_references(item: _Item) -> None:
    """A companion may be of any kind but one that points elsewhere."""
    try:
        sniff_head(item.head(), HEAD_BYTES)
    except FileRejected as error:
        if error.code == "file.reference" or error.code.startswith("archive."):
            raise


def _kind_of(item: _Item, found: _Found) -> Sniffed | None:
    suffix = item.name.suffix.lower()
    try:
        kind = sniff_head(item.head(), 2**40, is_named_table=suffix in _NAMED_TABLES)
    except FileRejected as error:
        if error.code == "file.reference" or error.code.startswith("archive."):
            raise
        found.unread.append(error)
        return None
    if kind == ARCHIVE:
        found.nested.append(str(item.name))
        return None
    if kind is FileKind.CSV and suffix not in (".csv", ".tsv"):
        found.tables.append(item)
        return None
    return kind


def _copied(found: _Found, folder: Path, *, only: Path | None) -> tuple[list[Dataset], list[Finding]]:
    datasets: list[Dataset] = []
    findings: list[Finding] = []
    for item, kind in found.primaries:
        datasets.append(_copy_dataset(item, kind, found, folder / f"d{len(datasets)}", findings))
    shapes = {(str(item.name.parent), item.name.stem.casefold()) for item, _ in found.primaries}
    for (parent, stem, suffix), item in found.companions.items():
        if suffix != ".dbf" or (parent, stem) in shapes or (only and item.name.name != only.name):
            continue
        if any((parent, stem, other) in found.companions for other in (".shx", ".prj", ".sbn")):
            raise _missing_shp(item.name.name)
        target = folder / f"d{len(datasets)}.dbf"
        item.copy(target)
        datasets.append(_table(item.name.stem, target))
    if found.nested and datasets:
        findings.append(_ignored(found.nested))
    return datasets, findings


def _table(name: str, target: Path) -> Dataset:
    facts = _sound_dbase(target, name)
    return Dataset(name, FileKind.SHAPEFILE, target, declared_encoding=facts)


def _copy_dataset(item: _Item, kind: FileKind, found: _Found, base: Path, findings: list[Finding]) -> Dataset:
    path = base.with_suffix(_SUFFIX[kind])
    item.copy(path)
    key = (str(item.name.parent), item.name.stem.casefold())
    for suffix in _COMPANIONS.get(kind, ()):
        companion = found.companions.get((*key, suffix))
        if companion is not None and companion is not item:
            companion.copy(base.with_suffix(suffix))
    name = item.name.stem
    if kind is FileKind.SHAPEFILE:
        return _shapefile(name, path, findings)
    encoding = _neutral_charset(path) if kind in (FileKind.MAPINFO_TAB, FileKind.MAPINFO_MIF) else None
    return Dataset(name, kind, path, declared_encoding=encoding)


def _shapefile(name: str, shp: Path, findings: list[Finding]) -> Dataset:
    shx, dbf = shp.with_suffix(".shx"), shp.with_suffix(".dbf")
    cpg, prj = shp.with_suffix(".cpg"), shp.with_suffix(".prj")
    if shx.exists() and not index_is_sound(shp, shx):
        shx.unlink()
        findings.append(_rebuilt_index(name))
    declared = None
    if dbf.exists():
        declared = _sound_dbase(dbf, name)
    else:
        findings.append(_missing_dbf(name))
    if cpg.exists():
        declared = cpg.read_bytes()[:40].decode("latin-1").strip() or declared
        # GDAL must not believe it: the bytes are wanted as they are.
        cpg.unlink()
    text = prj.read_bytes()[:20_000].decode("utf-8", "replace").strip() if prj.exists() else None
    prj.unlink(missing_ok=True)
    return Dataset(name, FileKind.SHAPEFILE, shp, declared_encoding=declared, declared_crs=text or None)


def _sound_dbase(path: Path, name: str) -> str | None:
    facts = read_dbase(path)
    if facts is None or facts.kept < facts.records:
        kept, promised = (facts.kept, facts.records) if facts else (0, 0)
        raise FileRejected(
            "shapefile.dbf-cut",
            f"Bảng thuộc tính {name}.dbf bị cắt: khai {promised} dòng nhưng chỉ có {kept} dòng.",
            f"The table {name}.dbf is cut: it promises {promised} rows and holds {kept}.",
            "Hãy sao chép hoặc xuất lại đủ các tệp .shp, .shx, .dbf rồi gửi lại.",
            "Copy or export .shp, .shx and .dbf again and send them all.",
        )
    return facts.code_page


def _neutral_charset(path: Path) -> str | None:
    """Makes GDAL pass the bytes on as they are and returns the charset that the file named."""
    text = path.read_bytes() if path.stat().st_size < _SMALL else b""
    if path.suffix == ".tab" and re.search(rb"create\s+view|open\s+table|isseamless\"?\s*=\s*\"true", text, re.I):
        raise FileRejected(
            "file.reference",
            "Bảng MapInfo này trỏ tới các bảng khác; không được nhận.",
            "This MapInfo table refers to other tables; it is not accepted.",
            "Hãy lưu (Save Copy As) thành một bảng riêng.",
            "Save a copy as a table of its own.",
        )
    with path.open("r+b") as file:
        head = file.read(4096)
        found = _NAMED_CHARSET.search(head)
        if found is None:
            return None
        rest = head[found.end(2) :] + file.read()
        file.seek(found.start(2))
        file.write(b"ISO8859_1" + rest)
        file.truncate()
    return found[2].decode("latin-1")


def _rebuilt_index(name: str) -> Finding:
    return Finding(
        Severity.REPAIR,
        "shapefile.index-rebuilt",
        f"Tệp chỉ mục {name}.shx sai so với {name}.shp; đã dựng lại từ .shp.",
        f"The index {name}.shx does not fit {name}.shp; it was built anew.",
        "Không cần làm gì; nếu thiếu đối tượng, hãy xuất lại Shapefile.",
        "Nothing to do; if features are missing, export the Shapefile again.",
    )


def _missing_dbf(name: str) -> Finding:
    return Finding(
        Severity.WARNING,
        "shapefile.no-dbf",
        f"Thiếu tệp {name}.dbf: có hình nhưng không có thuộc tính nào.",
        f"{name}.dbf is missing: there are shapes but no attributes.",
        "Hãy gửi đủ các tệp .shp, .shx, .dbf, .prj (nén chung một tệp ZIP).",
        "Send .shp, .shx, .dbf and .prj together in one ZIP.",
    )


def _missing_shp(name: str) -> FileRejected:
    return FileRejected(
        "shapefile.no-shp",
        f"Có {name} nhưng thiếu tệp .shp chứa hình.",
        f"{name} is there but the .shp with the shapes is missing.",
        "Hãy gửi đủ các tệp .shp, .shx, .dbf, .prj (nén chung một tệp ZIP).",
        "Send .shp, .shx, .dbf and .prj together in one ZIP.",
    )


def _ignored(names: list[str]) -> Finding:
    listing = ", ".join(name[-60:] for name in names[:5])
    return Finding(
        Severity.INFO,
        "archive.nested",
        f"Bỏ qua tệp nén hoặc bảng tính nằm trong tệp nén: {listing}.",
        f"Archives and workbooks inside the archive were left out: {listing}.",
        "Nếu đó là dữ liệu, hãy gửi riêng.",
        "If they are data, send them by themselves.",
        count=len(names),
    )


def _nothing(found: _Found) -> FileRejected:
    if len(found.unread) == 1 and not found.nested:
        # One file, or one that might be data among others: its own reason says more than that nothing was found.
        return found.unread[0]
    if found.nested:
        return FileRejected(
            "archive.nested",
            "Trong tệp nén chỉ có tệp nén khác hoặc tệp không đọc được.",
            "The archive holds only other archives or files that cannot be read.",
            "Hãy giải nén và gửi chính tệp dữ liệu.",
            "Unpack it and send the data themselves.",
        )
    if any(suffix in (".shx", ".prj", ".map") for _, _, suffix in found.companions):
        return _missing_shp("Shapefile")
    return FileRejected(
        "archive.no-data",
        "Không tìm thấy dữ liệu nào đọc được.",
        "No data that can be read were found.",
        "Hãy gửi Shapefile đủ tệp (.shp, .shx, .dbf, .prj), GeoPackage, GeoJSON, KML, TAB, MIF, DXF, CSV hoặc Excel.",
        "Send a complete Shapefile, GeoPackage, GeoJSON, KML, TAB, MIF, DXF, CSV or Excel.",
    )
