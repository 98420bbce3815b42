"""The back-ups that a repository holds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from app.backup.place import Place
from app.backup.program import ask
from app.postmaster import write_as


class Kind(StrEnum):
    """All data, what changed since the last full back-up, or what changed since the last of any kind."""

    FULL = "full"
    DIFF = "diff"
    INCR = "incr"


@dataclass(frozen=True, slots=True)
class Backup:
    """One back-up; sizes are bytes, ``first_wal`` is the WAL file that it begins with."""

    label: str
    kind: Kind
    started_at: datetime
    stopped_at: datetime
    database_bytes: int
    stored_bytes: int
    is_faulty: bool
    first_wal: str


def read_backups(place: Place) -> list[Backup]:
    """The back-ups, oldest first; a note of them is kept for those who must not ask the repository.

    Raises:
        PgBackRestFailed: The repository cannot be read.
    """
    found = ask(place, "info")
    write_as(place.folder / "info.json", json.dumps(found), place.os_user)
    return _parse(found)


def noted_backups(place: Place) -> list[Backup]:
    """What :func:`read_backups` found last."""
    try:
        return _parse(json.loads((place.folder / "info.json").read_text()))
    except FileNotFoundError:
        return []


def _parse(info: Sequence[dict[str, Any]]) -> list[Backup]:
    return [_backup(found) for stanza in info for found in stanza["backup"]]


def _backup(found: dict[str, Any]) -> Backup:
    times = found["timestamp"]
    return Backup(
        label=found["label"],
        kind=Kind(found["type"]),
        started_at=datetime.fromtimestamp(times["start"], UTC),
        stopped_at=datetime.fromtimestamp(times["stop"], UTC),
        database_bytes=int(found["info"]["size"]),
        stored_bytes=int(found["info"]["repository"]["delta"]),
        is_faulty=bool(found.get("error")),
        first_wal=found["archive"]["start"],
    )
