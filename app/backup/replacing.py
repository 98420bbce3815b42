"""Puts a restored database in the place of the present one, which is kept aside."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import psycopg

from app.backup.archiving import archive_command, store_present_wal
from app.backup.errors import CopyUnwell, StillServing
from app.backup.key import read_passphrase
from app.backup.making import file_roots
from app.backup.place import Place, find_place, write_conf
from app.backup.restoring import Restored, restore, staging_dir
from app.cluster import cluster_status, ensure_cluster, prepare_home, stop_cluster
from app.postmaster import find_postmaster, wait_until, write_as
from app.settings import CHECKOUT, Settings

ENDS_WITHIN_S: Final = 90.0
STORED_WITHIN_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Replaced:
    """What was restored, and where the data before it are kept; None where there were none."""

    restored: Restored
    kept: Path | None


def replace_cluster(settings: Settings, at: datetime | None) -> Replaced:
    """Restores beside the present data, looks at the copy, and only then stops the service and swaps.

    Files that the copy names are put back; files that came later stay. What is written while the copy is being made
    is in the data that are kept, and not in the copy.

    Args:
        settings: They name repository, key and cluster.
        at: An aware instant; None for the end of the archived WAL.

    Raises:
        CopyUnwell: The copy does not pass its checks; nothing was changed.
        StillServing: The service does not stop; nothing was changed.
        BackupError: It cannot be restored; the message says why.
    """
    place = find_place(settings)
    prepare_home(CHECKOUT, "main", settings.state_dir)
    if at is None:
        _store_last_wal(place, settings)
    staged = staging_dir(place)
    restored = restore(settings, place, staged, file_roots(settings), at)
    if not restored.is_well:
        wrong = next(check for check in restored.checks if not check.is_well)
        raise CopyUnwell(f"{wrong.vi}: {wrong.found} ({staged})", f"{wrong.en}: {wrong.found} ({staged})")
    _stop_service(settings)
    write_conf(place, read_passphrase(place.key_file))
    kept = _swap(place, staged)
    return Replaced(restored, kept)


def _store_last_wal(place: Place, settings: Settings) -> None:
    """Lets what a running database has last written reach the repository, so that the copy has it too."""
    if find_postmaster(place.data_dir, place.os_user) is None:
        return
    dsn = ensure_cluster(CHECKOUT, state_dir=settings.state_dir).superuser_dsn()
    # A database that cannot do this any more is the reason for replacing it.
    with suppress(psycopg.Error), psycopg.connect(dsn, autocommit=True) as connection:
        store_present_wal(connection, within_s=STORED_WITHIN_S)


def _stop_service(settings: Settings) -> None:
    for pid in cluster_status(CHECKOUT, state_dir=settings.state_dir).users:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)

    def users() -> tuple[int, ...]:
        return cluster_status(CHECKOUT, state_dir=settings.state_dir).users

    if not wait_until(lambda: not users(), timeout_s=ENDS_WITHIN_S):
        raise StillServing(users())
    stop_cluster(CHECKOUT, state_dir=settings.state_dir)


def _swap(place: Place, staged: Path) -> Path | None:
    """Gives the copy the present one's name and lets it archive."""
    _archive_again(place, staged)
    kept = None
    if place.data_dir.exists():
        kept = place.home / staged.name.replace("restored", "before")
        place.data_dir.rename(kept)
    staged.rename(place.data_dir)
    return kept


def _archive_again(place: Place, data_dir: Path) -> None:
    """Takes back what the restore wrote for the copy; a server that does not run cannot be asked to."""
    auto = data_dir / "postgresql.auto.conf"
    lines = auto.read_text().splitlines()
    of_copy = ("archive_mode", "archive_command", "restore_command", "recovery_target")
    command = archive_command(place).replace("'", "''")
    kept = [*(line for line in lines if not line.startswith(of_copy)), f"archive_command = '{command}'"]
    write_as(auto, "\n".join(kept) + "\n", place.os_user)
