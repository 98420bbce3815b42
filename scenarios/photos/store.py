"""Photos of reports, alerts and tasks: rows in the database, files under their digest in the state folder."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal
from uuid import UUID

from sqlalchemy import Connection, text

from layers.confined import ChildEnded, Limits, run_confined
from scenarios.photos.errors import NoPhoto, PhotoNotFound, PhotoTooLarge

MAX_BYTES: Final = 15 * 2**20
MAX_PIXELS: Final = 60_000_000
MAX_SIDE: Final = 2048
MOST: Final = 5
_LIMITS: Final = Limits(memory_bytes=2**30, cpu_s=20, wall_s=40, file_bytes=16 * 2**20)
About = Literal["report", "alert", "task"]
Purpose = Literal["sent", "result"]
_COLUMNS: Final = "id, about, about_id, purpose, sha256, width, height, bytes, added_by, added_at"
_ADD: Final = text(
    "INSERT INTO reports.photos (about, about_id, purpose, sha256, width, height, bytes, added_by, added_at)"
    " VALUES (:about, :about_id, :purpose, :sha256, :width, :height, :bytes, :added_by, :at) RETURNING id"
)
_LIST: Final = text(
    f"SELECT {_COLUMNS} FROM reports.photos WHERE about = :about AND about_id = :id"  # noqa: S608 - constants
    " ORDER BY added_at, id"
)
_LIST_OF: Final = text(
    f"SELECT {_COLUMNS} FROM reports.photos WHERE about = :about AND about_id = ANY (:ids)"  # noqa: S608 - constants
    " ORDER BY added_at, id"
)
_ONE: Final = text(f"SELECT {_COLUMNS} FROM reports.photos WHERE id = :id")  # noqa: S608 - constants


@dataclass(frozen=True, slots=True)
class CleanPhoto:
    """A photo made anew that lies in a folder for a while."""

    path: Path
    sha256: str
    width: int
    height: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo that is kept.

    Attributes:
        about: What it is of: a report, an alert or a task, with its id.
        purpose: Whether it came with the report, or shows what was done.
        added_by: Subject, or ``public``.
    """

    id: UUID
    about: About
    about_id: int
    purpose: Purpose
    sha256: str
    width: int
    height: int
    bytes: int
    added_by: str
    added_at: datetime


def clean_photo(source: Path, target: Path, *, place: int = 1) -> CleanPhoto:
    """Makes a photo anew in a child process that can do nothing else.

    Args:
        source: The file as it came; it and the target lie in one folder.
        target: Where the JPEG goes.
        place: Which of the sender's files it is, from 1.

    Raises:
        PhotoTooLarge: It has too many bytes or pixels.
        NoPhoto: It is no picture, or one that breaks whoever reads it.
    """
    too_large = PhotoTooLarge(place, MAX_BYTES // 2**20, MAX_PIXELS // 10**6)
    if source.stat().st_size > MAX_BYTES:
        raise too_large
    arguments = {"source": str(source), "target": str(target), "max_pixels": MAX_PIXELS, "max_side": MAX_SIDE}
    try:
        made = run_confined("scenarios.photos.reencode:reencode", arguments, limits=_LIMITS, folder=source.parent)
    except ChildEnded as ended:
        raise NoPhoto(place) from ended
    if made.get("refused") == "pixels":
        raise too_large
    if "refused" in made:
        raise NoPhoto(place)
    data = target.read_bytes()
    return CleanPhoto(target, hashlib.sha256(data).hexdigest(), made["width"], made["height"], len(data))


def photo_path(root: Path, sha256: str) -> Path:
    """Where the file of a digest lies."""
    return root / sha256[:2] / f"{sha256}.jpg"


def keep_photos(
    connection: Connection,
    root: Path,
    photos: Sequence[CleanPhoto],
    about: About,
    about_id: int,
    at: datetime,
    *,
    purpose: Purpose,
    added_by: str,
) -> list[UUID]:
    """Keeps photos in the caller's transaction; of a transaction that ends badly only files without a name are left."""
    found: list[UUID] = []
    for photo in photos:
        _keep_file(root, photo)
        values: dict[str, Any] = {"about": about, "about_id": about_id, "purpose": purpose, "at": at}
        values |= {"sha256": photo.sha256, "width": photo.width, "height": photo.height, "bytes": photo.bytes}
        found.append(connection.execute(_ADD, {**values, "added_by": added_by}).scalar_one())
    return found


def list_photos(connection: Connection, about: About, about_id: int) -> list[Photo]:
    """Photos of one thing, oldest first."""
    return [Photo(**row) for row in connection.execute(_LIST, {"about": about, "id": about_id}).mappings()]


def list_photos_of(connection: Connection, about: About, ids: Sequence[int]) -> dict[int, list[Photo]]:
    """Photos of several things, oldest first, by id; what has none is left out."""
    found: dict[int, list[Photo]] = {}
    for row in connection.execute(_LIST_OF, {"about": about, "ids": list(ids)}).mappings():
        found.setdefault(row["about_id"], []).append(Photo(**row))
    return found


def get_photo(connection: Connection, photo_id: UUID) -> Photo:
    """One photo, for whoever has looked whether the reader may see it.

    Raises:
        PhotoNotFound: There is none.
    """
    row = connection.execute(_ONE, {"id": photo_id}).mappings().one_or_none()
    if row is None:
        raise PhotoNotFound
    return Photo(**row)


def _keep_file(root: Path, photo: CleanPhoto) -> None:
    target = photo_path(root, photo.sha256)
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with photo.path.open("rb") as file:
        os.fsync(file.fileno())
    photo.path.chmod(0o600)
    try:
        os.link(photo.path, target)
    except FileExistsError:
        # The same picture sent twice is one file, which is young again: whoever tidies leaves it alone.
        os.utime(target)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
