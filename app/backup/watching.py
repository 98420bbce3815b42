"""How back-ups are, for the service: what readiness and metrics tell of them."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

import anyio.to_thread
import asyncpg

from app.backup.archiving import HEALTH, ArchiveHealth
from app.backup.errors import BackupError
from app.backup.health import newest_backup, notes_on
from app.backup.listing import Backup
from app.backup.place import is_configured
from app.metrics import ARCHIVE_AGE, ARCHIVE_FAILURES, BACKUP_AGE
from app.resources import Resources

PATIENCE_S: Final = 2.0


async def backup_notes(resources: Resources) -> list[dict[str, str]]:
    """Sentences on what is not well; none where no back-ups are set up."""
    if not is_configured(resources.settings):
        return []
    try:
        newest = await anyio.to_thread.run_sync(newest_backup, resources.settings)
    except (BackupError, OSError) as error:
        return [{"vi": getattr(error, "vi", type(error).__name__), "en": getattr(error, "en", type(error).__name__)}]
    notes = notes_on(newest, await _read_archive(resources), datetime.now(UTC))
    return [{"vi": note.vi, "en": note.en} for note in notes]


async def measure_backups(resources: Resources) -> None:
    """Brings the gauges up to date; what cannot be read leaves them as they were."""
    if not is_configured(resources.settings):
        return
    newest: Backup | None = None
    # What is wrong with the place is said by readiness and doctor.
    with suppress(BackupError, OSError):
        newest = await anyio.to_thread.run_sync(newest_backup, resources.settings)
    now = datetime.now(UTC)
    if newest is not None:
        BACKUP_AGE.set(max(0.0, (now - newest.stopped_at).total_seconds()))
    archive = await _read_archive(resources)
    if archive is not None:
        ARCHIVE_FAILURES.set(archive.failed_count)
        if archive.last_archived_at is not None:
            ARCHIVE_AGE.set(max(0.0, (now - archive.last_archived_at).total_seconds()))


async def _read_archive(resources: Resources) -> ArchiveHealth | None:
    try:
        async with resources.gate.public.acquire(timeout=PATIENCE_S) as connection:
            row = await connection.fetchrow(HEALTH, timeout=PATIENCE_S)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError):
        return None
    return ArchiveHealth(*row)
