"""The files beside the database in the repository: contents once each, and lists of what lay where at a time.

A restored database may be of any instant that its WAL reaches, so lists are made often; contents never change under
their name. The list before an instant and the one after it tell together what the database of that instant names.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import IO, Final

from app.backup.errors import FileDamaged
from app.backup.place import Place
from app.backup.program import list_names, put, reading, remove
from app.backup.sealing import BLOCK, Sealer

CONTENTS: Final = "files/contents"
LISTS: Final = "files/lists"
_STAMP: Final = "%Y%m%dT%H%M%S.%fZ"


@dataclass(frozen=True, slots=True)
class Entry:
    """A file at a time; ``modified_ns`` is nanoseconds since 1970."""

    size: int
    modified_ns: int
    mode: int
    sha256: str


Listing = Mapping[str, Entry]


@dataclass(frozen=True, slots=True)
class Stored:
    """What a round of copying did."""

    listing: Listing
    copied: int
    copied_bytes: int


@dataclass(frozen=True, slots=True)
class FileStore:
    """The files of a repository.

    Attributes:
        place: The repository.
        sealer: Its encryption.
        roots: Folders that are copied, by the name that they have in lists.
    """

    place: Place
    sealer: Sealer
    roots: Mapping[str, Path]

    def copy_new(self, known: Listing | None = None) -> Stored:
        """Copies contents that the repository lacks, then the list where it differs from the newest one.

        Args:
            known: The list of the round before, by the same process; where nothing has changed since, the repository
                is not asked.

        Raises:
            PgBackRestFailed: The repository cannot be written.
        """
        now = datetime.now(UTC)
        if known is not None and dict(self._look(known)) == known:
            return Stored(known, 0, 0)
        with self._alone():
            known = self.list_at(None)
            listing = dict(self._look(known))
            have = list_names(self.place, CONTENTS)
            copied = [found for path, entry in listing.items() if (found := self._copy(path, entry, have)) is not None]
            listing = {path: entry for path, entry in listing.items() if self._shelf_name(entry) in have}
            if listing != known or not self.list_times():
                self._put_list(now, listing)
        return Stored(listing, len(copied), sum(copied))

    def list_times(self) -> list[datetime]:
        """When lists were begun, oldest first."""
        return sorted(datetime.strptime(name, _STAMP).replace(tzinfo=UTC) for name in list_names(self.place, LISTS))

    def list_at(self, at: datetime | None) -> dict[str, Entry]:
        """What lay where at an instant, as far as the lists around it tell; the newest list without an instant.

        Raises:
            FileDamaged: A list is not what was stored.
        """
        times = self.list_times()
        before = [time for time in times if at is None or time <= at]
        after = [] if at is None else [time for time in times if time > at]
        found = self._read_list(before[-1]) if before else {}
        if at is not None and after:
            instant_ns = int(at.timestamp() * 1e9)
            later = self._read_list(after[0])
            found |= {path: e for path, e in later.items() if path not in found or e.modified_ns <= instant_ns}
        return found

    def fetch(self, entry: Entry) -> Iterator[bytes]:
        """The content of a file; believed only once the last block has come.

        Raises:
            FileDamaged: It is not what was stored.
        """
        name = f"{CONTENTS}/{self._shelf_name(entry)}"
        digest = hashlib.sha256()
        with reading(self.place, name) as sealed:
            for block in self.sealer.open(sealed, name):
                digest.update(block)
                yield block
        if digest.hexdigest() != entry.sha256:
            raise FileDamaged(name)

    def lay_out(self, listing: Listing, roots: Mapping[str, Path]) -> int:
        """Writes the files of a list below ``roots`` where they are missing or differ; returns how many.

        A file that differs is kept beside the restored one as ``….before-restore``.
        """
        written = 0
        for path, entry in listing.items():
            root, _, rest = path.partition("/")
            target = roots[root] / rest
            if target.is_file() and _digest(target) == entry.sha256:
                continue
            _make_folders(target.parent, roots[root])
            part = target.with_name(target.name + ".restoring")
            with part.open("wb") as file:
                file.writelines(self.fetch(entry))
                file.flush()
                os.fsync(file.fileno())
            part.chmod(entry.mode)
            os.utime(part, ns=(entry.modified_ns, entry.modified_ns))
            if target.exists():
                target.replace(target.with_name(target.name + ".before-restore"))
            part.replace(target)
            written += 1
        return written

    def contents(self) -> list[tuple[str, Entry]]:
        """Every content on any list, once, with a path that it lay at."""
        lists = (self._read_list(time) for time in self.list_times())
        found = {entry.sha256: (path, entry) for listing in lists for path, entry in listing.items()}
        return sorted(found.values(), key=lambda item: item[0])

    def forget_before(self, oldest: datetime) -> int:
        """Removes lists that no back-up since ``oldest`` needs, and contents on no list; returns how many contents."""
        with self._alone():
            times = self.list_times()
            # The last list before the oldest back-up is the one that it is restored with.
            unneeded = [time for time in times if time < oldest][:-1]
            for time in unneeded:
                remove(self.place, f"{LISTS}/{time.strftime(_STAMP)}")
            if not unneeded:
                return 0
            kept = (self._read_list(time) for time in times if time not in unneeded)
            wanted = {self._shelf_name(entry) for found in kept for entry in found.values()}
            idle = list_names(self.place, CONTENTS) - wanted
            for name in idle:
                remove(self.place, f"{CONTENTS}/{name}")
            return len(idle)

    def _look(self, known: Listing) -> Iterator[tuple[str, Entry]]:
        """The files that lie there; those with the size and time of the list before are not read again."""
        for root, folder in self.roots.items():
            for place in files_below(folder):
                path = f"{root}/{place.relative_to(folder).as_posix()}"
                try:
                    found = place.stat()
                    before = known.get(path)
                    same = before and (before.size, before.modified_ns) == (found.st_size, found.st_mtime_ns)
                    digest = before.sha256 if before and same else _digest(place)
                except FileNotFoundError:
                    # Removed while we looked: nothing names it any more.
                    continue
                yield path, Entry(found.st_size, found.st_mtime_ns, stat.S_IMODE(found.st_mode), digest)

    def _copy(self, path: str, entry: Entry, have: set[str]) -> int | None:
        """Stores a content that is not there and returns its size; a file that changed meanwhile waits for a round."""
        name = self._shelf_name(entry)
        if name in have:
            return None
        root, _, rest = path.partition("/")
        source = self.roots[root] / rest
        try:
            with source.open("rb") as file:
                put(self.place, f"{CONTENTS}/{name}", self.sealer.seal(file))
            unchanged = source.stat().st_mtime_ns == entry.modified_ns
        except FileNotFoundError:
            return None
        if not unchanged:
            remove(self.place, f"{CONTENTS}/{name}")
            return None
        have.add(name)
        return entry.size

    def _put_list(self, at: datetime, listing: Listing) -> None:
        document = {p: [e.size, e.modified_ns, e.mode, e.sha256] for p, e in sorted(listing.items())}
        text = json.dumps(document, ensure_ascii=False).encode()
        put(self.place, f"{LISTS}/{at.strftime(_STAMP)}", self.sealer.seal(BytesIO(text)))

    def _read_list(self, at: datetime) -> dict[str, Entry]:
        name = f"{LISTS}/{at.strftime(_STAMP)}"
        with reading(self.place, name) as sealed:
            text = b"".join(self.sealer.open(sealed, name))
        return {path: Entry(*values) for path, values in json.loads(text).items()}

    def _shelf_name(self, entry: Entry) -> str:
        name = self.sealer.name_of(entry.sha256)
        return f"{name[:2]}/{name}"

    @contextmanager
    def _alone(self) -> Iterator[None]:
        handle = os.open(self.place.home / "files.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


def files_below(folder: Path) -> Iterator[Path]:
    """Whole files, in order; what is not yet whole ends in ``.part`` or lies in ``intake-…`` or ``.…``."""
    for path in sorted(folder.rglob("*")):
        unfinished = path.suffix == ".part" or path.relative_to(folder).parts[0].startswith(("intake-", "."))
        if path.is_file() and not path.is_symlink() and not unfinished:
            yield path


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return _digest_of(file)


def _digest_of(file: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while block := file.read(BLOCK):
        digest.update(block)
    return digest.hexdigest()


def _make_folders(folder: Path, root: Path) -> None:
    for path in reversed([folder, *folder.parents]):
        if path.is_relative_to(root) or path == root.parent:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
