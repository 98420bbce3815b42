"""Reads a whole repository again: every checksum of data and WAL by pgBackRest, every content of a file by us."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

from app.backup.errors import BackupError
from app.backup.files import FileStore
from app.backup.listing import read_backups
from app.backup.place import STANZA, Place
from app.backup.program import list_names, run

WAL_NAME: Final = 24
_WAL: Final = re.compile(r"[0-9A-F]{24}-[0-9a-f]{40}(\.\w+)?")


@dataclass(frozen=True, slots=True)
class RepositoryReport:
    """What was read.

    Attributes:
        backups: How many back-ups.
        files: How many contents of files.
        faults: Sentences in Vietnamese and English, none where all is well.
    """

    backups: int
    files: int
    faults: tuple[tuple[str, str], ...]


def verify_repository(place: Place, store: FileStore) -> RepositoryReport:
    """Reads everything; takes as long as reading the repository does.

    Raises:
        PgBackRestFailed: The repository cannot be reached.
    """
    backups = read_backups(place)
    faults = [*_read_database(place)]
    if backups:
        wal = (Path(name).name for name in list_names(place, f"archive/{STANZA}"))
        gaps = missing_wal([name[:WAL_NAME] for name in wal if _WAL.fullmatch(name)], backups[0].first_wal)
        faults += [(f"Thiếu WAL {name}", f"WAL {name} is missing") for name in gaps]
    contents = store.contents()
    for path, entry in contents:
        try:
            for _ in store.fetch(entry):
                pass
        except BackupError as error:
            faults.append((f"{path}: {error.vi}", f"{path}: {error.en}"))
    return RepositoryReport(len(backups), len(contents), tuple(faults))


def missing_wal(names: Iterable[str], first: str) -> list[str]:
    """Names of the first WAL file of each gap between those that are there, from ``first`` on, per timeline.

    Args:
        names: 24 hexadecimal digits each: timeline, and number in two parts of which the last has 256 values.
        first: The WAL file that the oldest back-up begins with.
    """
    wanted = sorted(name for name in names if name[8:] >= first[8:])
    missing = []
    if first not in wanted:
        missing.append(first)
    for earlier, later in pairwise(wanted):
        following = _number(earlier) + 1
        if earlier[:8] == later[:8] and _number(later) != following:
            missing.append(f"{earlier[:8]}{following // 256:08X}{following % 256:08X}")
    return missing


def _number(name: str) -> int:
    return int(name[8:16], 16) * 256 + int(name[16:], 16)


def _read_database(place: Place) -> Iterator[tuple[str, str]]:
    try:
        said = run(place, "verify", "--output=text", "--log-level-console=off")
    except BackupError as error:
        yield error.vi, error.en
        return
    if "status: error" in said:
        words = "; ".join(line.strip() for line in said.splitlines()[2:])
        yield f"pgBackRest: {words}", f"pgBackRest: {words}"
