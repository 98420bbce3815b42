"""How back-ups are, in sentences: for doctor, readiness and metrics. The repository itself is not asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from app.backup.archiving import ArchiveHealth, read_archive_health
from app.backup.errors import BackupError
from app.backup.listing import Backup, noted_backups
from app.backup.place import find_place, is_configured
from app.database import Database
from app.finding import Finding
from app.settings import Settings

# A day's back-up may begin late and take hours.
LATE_AFTER: Final = timedelta(hours=30)


@dataclass(frozen=True, slots=True)
class Note:
    """Something about back-ups that an administrator must see to."""

    vi: str
    en: str


def newest_backup(settings: Settings) -> Backup | None:
    """The newest back-up as far as this machine has noted.

    Raises:
        BackupError: The settings do not name a usable repository.
    """
    return next(reversed(noted_backups(find_place(settings))), None)


def notes_on(newest: Backup | None, archive: ArchiveHealth | None, now: datetime) -> Iterator[Note]:
    """What is not well.

    Args:
        newest: The newest back-up.
        archive: What the archiver does; None where the database is away.
        now: Aware.
    """
    if newest is None:
        yield Note("Chưa có bản sao lưu nào.", "There is no back-up yet.")
    elif now - newest.stopped_at > LATE_AFTER:
        hours = (now - newest.stopped_at) // timedelta(hours=1)
        yield Note(
            f"Bản sao lưu cuối {newest.label} đã {hours} giờ; tiến trình nền không chạy hoặc kho không ghi được.",
            f"The last back-up {newest.label} is {hours} hours old; no worker runs or the repository is away.",
        )
    if archive is not None and archive.is_failing:
        since = archive.last_archived_at
        yield Note(
            f"WAL không lưu được vào kho từ {_moment(since, 'đầu')}; thay đổi từ đó chỉ nằm trên máy này.",
            f"WAL cannot be stored since {_moment(since, 'the beginning')}; changes since are on this machine alone.",
        )


def _moment(at: datetime | None, never: str) -> str:
    return never if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def examine_backups(database: Database, settings: Settings) -> Sequence[Finding]:
    """What doctor shows."""
    name = "Sao lưu · back-ups"
    if not is_configured(settings):
        where = "DATABASE_URL: sao lưu ở máy chủ đó · on that server" if settings.database_url else "DIABAN_BACKUP_REPO"
        return [Finding(name, True, f"chưa đặt · not set up ({where})")]
    engine = database.engine("diaban_public")
    try:
        with engine.connect() as connection:
            archive = read_archive_health(connection)
        newest = newest_backup(settings)
    except BackupError as error:
        return [Finding(name, False, type(error).__name__, f"{error.vi} · {error.en}")]
    except SQLAlchemyError as error:
        return [Finding(name, False, type(error).__name__, "Chạy diaban migrate · run diaban migrate")]
    finally:
        engine.dispose()
    found = "–" if newest is None else f"{newest.label}, {newest.stopped_at:%Y-%m-%d %H:%M} UTC"
    notes = list(notes_on(newest, archive, datetime.now(UTC)))
    remedy = " ".join(f"{note.vi} · {note.en}" for note in notes)
    return [Finding(name, not notes, found, f"{remedy} diaban backup now")]
