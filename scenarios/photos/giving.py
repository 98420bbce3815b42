"""Photos of what was done, added by those who work on a report, an alert or a task; and who may see which photo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, cast
from uuid import UUID

from sqlalchemy import Connection, text

from layers.access import Scope
from layers.audit import Event, record_event
from layers.rights import Action, Area, NotAllowed
from scenarios.photos.errors import PhotoNotFound, SubjectNotFound, TooManyPhotos
from scenarios.photos.store import About, CleanPhoto, Photo, get_photo, keep_photos, list_photos

MOST_EACH: Final = 20
_BIGGEST: Final = 2**63 - 1
_NUMBERED: Final = text("SELECT id FROM reports.reports WHERE number = upper(:number)")
_SUBJECTS: Final = {
    "report": text("SELECT unit_code, NULL AS assignee FROM reports.reports WHERE id = :id"),
    "alert": text("SELECT unit_code, NULL AS assignee FROM alerts.alerts WHERE id = :id"),
    "task": text("SELECT unit_code, assignee FROM tasks.tasks WHERE id = :id"),
}
_LOCK: Final = text("SELECT pg_advisory_xact_lock(hashtextextended('reports.photos/' || :about || '/' || :id, 0))")


@dataclass(frozen=True, slots=True)
class _Subject:
    """What photos are of, and whose business it is."""

    about: About
    id: int
    unit_code: str
    assignee: str | None

    @property
    def area(self) -> Area:
        return Area.FIELD_REPORTS if self.about == "report" else Area.ALERTS

    def is_open_to(self, scope: Scope, action: Action) -> bool:
        """Whoever was handed a task may do with it what they must, whatever else they may."""
        is_theirs = self.assignee is not None and self.assignee == scope.subject
        return is_theirs or scope.may(action, self.area, self.unit_code)


def add_photos(
    connection: Connection,
    scope: Scope,
    root: Path,
    about: str,
    given: str,
    photos: Sequence[CleanPhoto],
    at: datetime,
    *,
    source: str | None = None,
) -> list[UUID]:
    """Adds photos of what was done, inside the caller's transaction.

    Args:
        connection: Owner or writer.
        scope: Of whoever adds them.
        root: Folder of photos.
        about: ``report``, ``alert`` or ``task``.
        given: The report's number, or the id of the others, as it was sent.
        photos: Clean ones.
        at: Now, aware UTC.
        source: Address and port, for the audit trail.

    Raises:
        SubjectNotFound: There is no such thing, or none that the reader may see.
        NotAllowed: The reader may see it, but not work on it.
        TooManyPhotos: It has as many photos as one thing may.
    """
    subject = _find(connection, about, _id_of(connection, about, given))
    if subject is None or not subject.is_open_to(scope, Action.READ):
        raise SubjectNotFound
    if not subject.is_open_to(scope, Action.EDIT):
        raise NotAllowed(Action.EDIT, subject.area)
    connection.execute(_LOCK, {"about": subject.about, "id": str(subject.id)})
    if len(list_photos(connection, subject.about, subject.id)) + len(photos) > MOST_EACH:
        raise TooManyPhotos(MOST_EACH)
    found = keep_photos(
        connection, root, photos, subject.about, subject.id, at, purpose="result", added_by=scope.subject
    )
    event = Event(
        scope.subject,
        "photos_added",
        subject.about,
        given.upper() if about == "report" else str(subject.id),
        unit_code=subject.unit_code,
        source=source,
        detail={"photos": [str(photo) for photo in found], "sha256": [photo.sha256 for photo in photos]},
    )
    record_event(connection, event)
    return found


def show_photo(connection: Connection, scope: Scope, photo_id: UUID) -> Photo:
    """A photo of something that the reader may see.

    Raises:
        PhotoNotFound: There is none, or it is of something else.
    """
    photo = get_photo(connection, photo_id)
    subject = _find(connection, photo.about, photo.about_id)
    if subject is None or not subject.is_open_to(scope, Action.READ):
        raise PhotoNotFound
    return photo


def _id_of(connection: Connection, about: str, given: str) -> int | None:
    if about == "report":
        number: int | None = connection.execute(_NUMBERED, {"number": given[:40]}).scalar_one_or_none()
        return number
    is_number = given.isascii() and given.isdigit() and len(given) < 20
    return int(given) if is_number and int(given) <= _BIGGEST else None


def _find(connection: Connection, about: str, subject_id: int | None) -> _Subject | None:
    if about not in ("report", "alert", "task") or subject_id is None:
        return None
    row = connection.execute(_SUBJECTS[about], {"id": subject_id}).one_or_none()
    return None if row is None else _Subject(cast(About, about), subject_id, row.unit_code, row.assignee)
