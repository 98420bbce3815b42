"""Which back-up is due, and the worker's part in making it."""

from __future__ import annotations

import atexit
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

import structlog

from app.backup.errors import BackupError
from app.backup.files import FileStore, Listing
from app.backup.key import read_passphrase
from app.backup.listing import Backup, Kind, noted_backups
from app.backup.making import file_store
from app.backup.place import find_place, is_configured
from app.settings import Settings

# Sooner than WAL leaves the machine, so that a restored row seldom lacks its file; where no file is new, only the
# folders are looked through.
EVERY_S: Final = 10.0
# Something is wrong that a minute does not mend: a full disk, a machine that is away.
AGAIN_AFTER_S: Final = 900.0
VIETNAM: Final = timezone(timedelta(hours=7))
log = structlog.get_logger(__name__)


def due_kind(now: datetime, backups: Sequence[Backup], *, hour: int, full_days: int) -> Kind | None:
    """The back-up that is due: one a day from ``hour`` in Việt Nam on, a full one where the last is too old.

    Args:
        now: Aware.
        backups: Those there are, oldest first.
        hour: From which hour of the day.
        full_days: How many days a full one is built upon.
    """
    local = now.astimezone(VIETNAM)
    begins = local.replace(hour=hour, minute=0, second=0, microsecond=0)
    if local < begins:
        begins -= timedelta(days=1)
    fulls = [found.started_at for found in backups if found.kind is Kind.FULL]
    if not fulls or fulls[-1] < begins - timedelta(days=full_days - 1):
        return Kind.FULL
    return Kind.DIFF if backups[-1].started_at < begins else None


class BackupRounds:
    """Again and again in a worker: copies new files, and starts the day's back-up in a process of its own."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._running: subprocess.Popen[bytes] | None = None
        self._not_before = 0.0
        self._known: Listing | None = None
        atexit.register(self._end)

    def tick(self) -> None:
        """One round; safe to be killed half-way."""
        if not is_configured(self._settings):
            return
        try:
            place = find_place(self._settings)
            backups = noted_backups(place)
            if backups:
                self._copy_files(file_store(place, read_passphrase(place.key_file), self._settings))
        except (BackupError, OSError) as error:
            log.error("backup_files_uncopied", error=type(error).__name__, what=getattr(error, "en", ""))
            return
        self._start_if_due(backups)

    def _copy_files(self, store: FileStore) -> None:
        stored = store.copy_new(self._known)
        self._known = stored.listing
        if stored.copied:
            log.info("backup_files_copied", count=stored.copied, bytes=stored.copied_bytes)

    def _start_if_due(self, backups: Sequence[Backup]) -> None:
        if self._running is not None:
            code = self._running.poll()
            if code is None:
                return
            self._running = None
            if code != 0:
                log.error("backup_failed", exit_code=code)
                self._not_before = time.monotonic() + AGAIN_AFTER_S
        chosen = self._settings
        kind = due_kind(datetime.now(UTC), backups, hour=chosen.backup_hour, full_days=chosen.backup_full_days)
        if kind is None or time.monotonic() < self._not_before:
            return
        log.info("backup_started", kind=kind.value)
        command = [sys.executable, "-P", "-m", "app.cli", "backup", "now", "--type", kind.value, "--by", "worker"]
        self._running = subprocess.Popen(command, stdin=subprocess.DEVNULL)  # noqa: S603 - our own interpreter and module

    def _end(self) -> None:
        if self._running is not None and self._running.poll() is None:
            self._running.terminate()
            self._running.wait(timeout=10)
