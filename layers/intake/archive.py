"""ZIP files opened by ourselves: members counted before they are listed, bytes counted as they come out."""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Final

from layers.intake.codecs import DECODERS, Encoding
from layers.intake.rejection import FileRejected
from layers.intake.text import cast_votes

_CHUNK: Final = 2**20
_TAIL: Final = 65_557 + 20
_UTF8_FLAG: Final = 0x800
_DIRECTORY_ENTRY_BYTES: Final = 400


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """What an archive may hold.

    Attributes:
        members: Entries, folders included.
        total_bytes: All bytes that come out.
        ratio: Inflated to packed, judged once ``ratio_from_bytes`` have come out; tables of blanks (.dbf) may
            pack tighter, they end at ``total_bytes``.
    """

    members: int = 1_000
    total_bytes: int = 4 * 2**30
    ratio: int = 100
    ratio_from_bytes: int = 16 * 2**20


DEFAULT_LIMITS: Final = ArchiveLimits()


@dataclass(frozen=True, slots=True)
class Member:
    """One file of an archive: its name as people read it, and the entry behind it."""

    name: PurePosixPath
    entry: zipfile.ZipInfo

    @property
    def suffix(self) -> str:
        """Extension in small letters; ``.xml`` of ``x.shp.xml``."""
        return self.name.suffix.lower()


class Archive:
    """An archive whose directory has been judged harmless; :meth:`copy_out` counts what comes out of it."""

    def __init__(self, zipped: zipfile.ZipFile, limits: ArchiveLimits) -> None:
        self._zipped = zipped
        self._limits = limits
        self._left = limits.total_bytes
        self.members = tuple(_judged(zipped, limits))

    def read_head(self, member: Member, size: int) -> bytes:
        """Returns the first bytes of a member."""
        with self._opened(member) as stream:
            return stream.read(size)

    def copy_out(self, member: Member, target: Path | None) -> int:
        """Writes a member under a name of ours, or only counts it where ``target`` is None; returns its size.

        Raises:
            FileRejected: It inflates beyond the limits, or is damaged.
        """
        sink = target.open("xb") if target else None
        try:
            with self._opened(member) as stream:
                return self._pump(member, stream, sink)
        finally:
            if sink:
                sink.close()

    def _pump(self, member: Member, stream: IO[bytes], sink: IO[bytes] | None) -> int:
        count, packed = 0, max(member.entry.compress_size, 1)
        while chunk := stream.read(_CHUNK):
            count += len(chunk)
            self._left -= len(chunk)
            tight = member.suffix != ".dbf" and count > self._limits.ratio_from_bytes
            if self._left < 0 or (tight and count > self._limits.ratio * packed):
                raise _bomb()
            if sink:
                sink.write(chunk)
        return count

    @contextmanager
    def _opened(self, member: Member) -> Iterator[IO[bytes]]:
        try:
            with self._zipped.open(member.entry) as stream:
                yield stream
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, struct.error, ValueError) as error:
            raise _damaged(f"{member.name}: {error}") from None


@contextmanager
def open_archive(path: Path, limits: ArchiveLimits) -> Iterator[Archive]:
    """Opens a ZIP after its directory has been judged.

    Raises:
        FileRejected: Too many members, encrypted, links, paths that leave the archive, one name twice, members that
            overlap, or damaged.
    """
    _judge_directory_size(path, limits)
    try:
        with zipfile.ZipFile(path) as zipped:
            yield Archive(zipped, limits)
    except (zipfile.BadZipFile, NotImplementedError, struct.error) as error:
        raise _damaged(str(error)) from None


def _judge_directory_size(path: Path, limits: ArchiveLimits) -> None:
    """Looks at the size of the directory before the library reads it into memory."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - _TAIL))
        tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) < at + 22:
        raise _damaged("no end of central directory")
    members, length = struct.unpack_from("<HI", tail, at + 10)
    big = tail.rfind(b"PK\x06\x06")
    if big >= 0 and len(tail) >= big + 56 and (members == 0xFFFF or length == 0xFFFFFFFF):
        members, length = struct.unpack_from("<QQ", tail, big + 32)
    if members > limits.members or length > limits.members * _DIRECTORY_ENTRY_BYTES:
        raise FileRejected(
            "archive.members",
            f"Tệp nén có quá nhiều tệp bên trong (tối đa {limits.members}).",
            f"The archive holds too many files (at most {limits.members}).",
            "Hãy chỉ nén các tệp của một lớp dữ liệu.",
            "Pack only the files of one layer.",
        )


def _judged(zipped: zipfile.ZipFile, limits: ArchiveLimits) -> Iterator[Member]:
    entries = zipped.infolist()
    if len(entries) > limits.members:
        raise _bomb()
    seen: set[str] = set()
    end = 0
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        if entry.header_offset < end:
            raise _bomb()
        end = entry.header_offset + 30 + entry.compress_size
        name = _readable(entry)
        _judge_name(entry, name)
        if entry.is_dir():
            continue
        folded = name.casefold()
        if folded in seen:
            raise FileRejected(
                "archive.duplicate",
                f"Tệp nén có hai tệp cùng tên “{name[-80:]}”.",
                f'The archive holds two files named "{name[-80:]}".',
                "Hãy nén lại, mỗi tên một tệp.",
                "Pack it again with each name once.",
            )
        seen.add(folded)
        yield Member(PurePosixPath(name), entry)


def _judge_name(entry: zipfile.ZipInfo, name: str) -> None:
    raw = entry.orig_filename.replace("\\", "/")
    if entry.flag_bits & 0x1:
        raise FileRejected(
            "archive.encrypted",
            "Tệp nén có mật khẩu.",
            "The archive is encrypted.",
            "Hãy nén lại không đặt mật khẩu.",
            "Pack it again without a password.",
        )
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise _unsafe(name)
    if "\x00" in raw or raw.startswith("/") or ".." in raw.split("/") or (len(raw) > 1 and raw[1] == ":"):
        raise _unsafe(name)


def _readable(entry: zipfile.ZipInfo) -> str:
    """The name with forward slashes; names without the UTF-8 flag arrive as CP437 of what Windows wrote."""
    name = entry.filename.replace("\\", "/")
    if entry.flag_bits & _UTF8_FLAG or name.isascii():
        return name
    try:
        raw = name.encode("cp437")
    except UnicodeEncodeError:
        return name
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        ballot = cast_votes([raw.decode("latin-1")], is_raw=True)
        best = ballot.best if ballot.words and ballot.scores[ballot.best] > 0 else Encoding.CP1252
        return DECODERS[best](raw)


def _unsafe(name: str) -> FileRejected:
    return FileRejected(
        "archive.unsafe-name",
        f"Tệp nén có đường dẫn hoặc liên kết không an toàn (“{name[-60:]}”).",
        f'The archive holds an unsafe path or link ("{name[-60:]}").',
        "Hãy nén lại từ thư mục chứa dữ liệu.",
        "Pack it again from the folder of the data.",
    )


def _bomb() -> FileRejected:
    return FileRejected(
        "archive.bomb",
        "Tệp nén phình ra quá lớn so với kích thước của nó hoặc các phần chồng lên nhau; không được nhận.",
        "The archive inflates far beyond its size, or its parts overlap; it is not accepted.",
        "Hãy nén lại bằng phần mềm thông thường, hoặc chia nhỏ dữ liệu theo xã.",
        "Pack it again with ordinary software, or split the data by commune.",
    )


def _damaged(detail: str) -> FileRejected:
    return FileRejected(
        "archive.damaged",
        f"Tệp nén bị hỏng hoặc tải lên chưa đủ ({detail[:100]}).",
        f"The archive is damaged or incomplete ({detail[:100]}).",
        "Hãy nén lại và gửi lại.",
        "Pack it again and send it again.",
    )
