"""Where the files of uploads lie, and how a file appears there whole or not at all."""

from __future__ import annotations

import hashlib
import os
import shutil
import unicodedata
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final
from uuid import UUID

from layers.uploads.errors import FileGone, FileTooLarge, NoRoom

ORIGINAL: Final = "original"
ROWS: Final = "rows.parquet"
REFUSED: Final = "refused.parquet"
FINDINGS: Final = "findings.parquet"
CHANGES: Final = "changes.jsonl"
DELTA: Final = "delta.parquet"
BLOCK: Final = 2**20
MAX_NAME: Final = 200


@dataclass(frozen=True, slots=True)
class Shelf:
    """The folder of uploads: one folder for each, which only the service's user may read.

    Attributes:
        root: Folder of all uploads.
        max_bytes: Size of the largest file taken.
        reserve_bytes: Room that the disk must keep.
    """

    root: Path
    max_bytes: int
    reserve_bytes: int

    def folder(self, upload_id: UUID) -> Path:
        """The folder of one upload."""
        return self.root / str(upload_id)

    def path(self, upload_id: UUID, name: str) -> Path:
        """A file of an upload, there or not."""
        return self.folder(upload_id) / name

    def get(self, upload_id: UUID, name: str) -> Path:
        """A file of an upload that is there.

        Raises:
            FileGone: It is not.
        """
        path = self.path(upload_id, name)
        if not path.is_file():
            raise FileGone(name)
        return path

    def open_part(self, upload_id: UUID) -> Path:
        """Makes the folder of an upload with an empty file that its bytes go to."""
        folder = self.folder(upload_id)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = self.part(upload_id)
        part.touch(mode=0o600)
        return part

    def part(self, upload_id: UUID) -> Path:
        """The file that received bytes go to until the last has come."""
        return self.path(upload_id, ORIGINAL + ".part")

    def require_room(self, wanted_bytes: int) -> None:
        """Makes sure that so many bytes may come.

        Raises:
            FileTooLarge: No file may be so large.
            NoRoom: The disk would keep less than its reserve.
        """
        if wanted_bytes > self.max_bytes:
            raise FileTooLarge(self.max_bytes)
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        if shutil.disk_usage(self.root).free - wanted_bytes < self.reserve_bytes:
            raise NoRoom

    def append(self, upload_id: UUID, data: bytes, at: int) -> int:
        """Writes bytes behind those that came before and returns the size reached.

        Args:
            upload_id: Which upload.
            data: The bytes.
            at: How many bytes are there already; what a broken attempt left behind them is written over.

        Raises:
            FileTooLarge: The file grows beyond what may come.
            NoRoom: The disk is full.
        """
        self.require_room(len(data))
        if at + len(data) > self.max_bytes:
            raise FileTooLarge(self.max_bytes)
        try:
            with self.part(upload_id).open("r+b", buffering=0) as file:
                file.seek(at)
                view = memoryview(data)
                while view:
                    view = view[file.write(view) :]
        except FileNotFoundError:
            raise FileGone(ORIGINAL) from None
        except OSError as error:
            raise _disk_error(error) from None
        return at + len(data)

    def finish(self, upload_id: UUID) -> tuple[int, str]:
        """Turns the received bytes into the original, for good; returns its size and SHA-256.

        Doing it again after a crash gives the same answer.
        """
        part, final = self.part(upload_id), self.path(upload_id, ORIGINAL)
        if part.is_file() and not final.is_file():
            _sync(part)
            part.replace(final)
            _sync(self.folder(upload_id))
            _sync(self.root)
        path = self.get(upload_id, ORIGINAL)
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return path.stat().st_size, digest

    @contextmanager
    def whole(self, upload_id: UUID, name: str) -> Iterator[Path]:
        """A file to write that takes its name, in place of an older one, when the block ends well."""
        self.folder(upload_id).mkdir(mode=0o700, parents=True, exist_ok=True)
        part = self.path(upload_id, name + ".part")
        part.unlink(missing_ok=True)
        try:
            yield part
            _sync(part)
            part.chmod(0o600)
            part.replace(self.path(upload_id, name))
            _sync(self.folder(upload_id))
        except OSError as error:
            raise _disk_error(error) from None
        finally:
            part.unlink(missing_ok=True)

    def remove(self, upload_id: UUID) -> None:
        """Removes all files of an upload that never became one."""
        shutil.rmtree(self.folder(upload_id), ignore_errors=True)


def _disk_error(error: OSError) -> Exception:
    return NoRoom() if error.errno in (28, 122, 27) else error  # ENOSPC, EDQUOT, EFBIG


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def safe_name(name: str) -> str:
    """The last part of a file's name as its sender wrote it, in NFC, without control characters; for people only."""
    last = PurePosixPath(name.replace("\\", "/")).name
    text = "".join(c for c in unicodedata.normalize("NFC", last) if unicodedata.category(c)[0] != "C").strip()
    if len(text) <= MAX_NAME:
        return text or "khong-ten"
    stem, dot, suffix = text.rpartition(".")
    return text[:MAX_NAME] if not dot or len(suffix) > 16 else f"{stem[: MAX_NAME - len(suffix) - 1]}.{suffix}"


def bundle(paths: Sequence[tuple[Path, str]], target: Path) -> None:
    """Puts loose files, such as the parts of a Shapefile, in one ZIP without compressing them."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        taken: set[str] = set()
        for path, name in paths:
            shown = safe_name(name)
            while shown in taken:
                shown = "_" + shown
            taken.add(shown)
            archive.write(path, shown)
