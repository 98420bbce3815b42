"""Removes files of photos that nothing names: of killed processes, and of reports that were refused at the last."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, text

INCOMING: Final = ".incoming"
# A request lasts less than this; a file without a row may be of a transaction that has not ended.
STALE: Final = timedelta(hours=6)
_NAMED: Final = text("SELECT sha256 FROM reports.photos WHERE sha256 = ANY (:found)")


def tidy_photos(connection: Connection, root: Path, at: datetime) -> int:
    """Removes folders of requests and files without a row that are older than :data:`STALE`; returns how many.

    Args:
        connection: Owner or writer.
        root: Folder of photos.
        at: Now, aware.
    """
    removed = 0
    for folder in _stale(root / INCOMING, "*", at):
        shutil.rmtree(folder, ignore_errors=True)
        removed += 1
    found = {path.stem: path for path in _stale(root, "[0-9a-f][0-9a-f]/*.jpg", at)}
    named = set(connection.execute(_NAMED, {"found": sorted(found)}).scalars())
    for digest in found.keys() - named:
        found[digest].unlink(missing_ok=True)
        removed += 1
    return removed


def _stale(folder: Path, pattern: str, at: datetime) -> Iterator[Path]:
    for path in folder.glob(pattern):
        if at.timestamp() - path.stat().st_mtime > STALE.total_seconds():
            yield path
