"""Files of photos that nothing names are removed, and no others."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.database import Database
from scenarios.photos.store import CleanPhoto, keep_photos, photo_path
from scenarios.photos.tidying import INCOMING, STALE, tidy_photos

pytestmark = pytest.mark.db
NOW = datetime.now(UTC)


def _file(path: Path, *, age: timedelta) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    moment = (NOW - age).timestamp()
    os.utime(path, (moment, moment))
    return path


def test_stale_ones_without_a_name_go(
    copy_database: Callable[[str], Database], world_template: str, tmp_path: Path
) -> None:
    named, nameless, fresh = (character * 64 for character in "abc")
    left, coming = tmp_path / INCOMING / "left", tmp_path / INCOMING / "coming"
    coming.mkdir(parents=True)
    _file(left / "0", age=timedelta())
    os.utime(left, ((NOW - 2 * STALE).timestamp(),) * 2)
    old = timedelta(seconds=1) + STALE
    paths = {digest: _file(photo_path(tmp_path, digest), age=old) for digest in (named, nameless)}
    paths[fresh] = _file(photo_path(tmp_path, fresh), age=timedelta(minutes=1))
    engine = copy_database(world_template).engine("diaban_writer")
    with engine.connect() as connection:
        photo = CleanPhoto(_file(tmp_path / "given.jpg", age=old), named, 1, 1, 1)
        keep_photos(connection, tmp_path, [photo], "report", 1, NOW, purpose="sent", added_by="a")
        assert tidy_photos(connection, tmp_path, NOW) == 2
        assert tidy_photos(connection, tmp_path, NOW) == 0
    engine.dispose()
    assert {digest for digest, path in paths.items() if path.exists()} == {named, fresh}
    assert (coming.exists(), left.exists()) == (True, False)


def test_where_there_are_none_nothing_happens(
    copy_database: Callable[[str], Database], world_template: str, tmp_path: Path
) -> None:
    engine = copy_database(world_template).engine("diaban_writer")
    with engine.connect() as connection:
        assert tidy_photos(connection, tmp_path / "absent", NOW) == 0
    engine.dispose()
