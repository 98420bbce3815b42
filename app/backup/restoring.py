"""Restores a cluster and its files into a new state folder, to the last WAL archived or to an instant."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from app.backup.copy import Copy, running_copy
from app.backup.errors import NoBackup, PlaceUnfit, TargetTaken
from app.backup.examining import Check, examine_copy
from app.backup.key import read_passphrase
from app.backup.listing import read_backups
from app.backup.making import file_roots, file_store
from app.backup.place import Place, find_place, make_folder, write_conf
from app.backup.program import run
from app.cluster import prepare_home, read_or_make_secret
from app.postgres import run_program
from app.settings import CHECKOUT, Settings

_TARGET: Final = "%Y-%m-%d %H:%M:%S.%f+00"


@dataclass(frozen=True, slots=True)
class Restored:
    """A restored copy and what was found in it.

    Attributes:
        place: Its cluster.
        timeline: Which of the histories of the database it follows from here on.
        last_change_at: When the last transaction in it was committed; None where no WAL had to be replayed.
        seconds: Time from the beginning to the end of the checks.
        file_count: Files written.
        checks: What was read, each with whether it is as it should be.
    """

    place: Place
    timeline: int
    last_change_at: datetime | None
    seconds: float
    file_count: int
    checks: tuple[Check, ...]

    @property
    def is_well(self) -> bool:
        """Whether every check is as it should be."""
        return all(check.is_well for check in self.checks)


def restore_to(settings: Settings, state_dir: Path, at: datetime | None) -> Restored:
    """Restores into a new state folder, which ``DIABAN_STATE_DIR`` may then name.

    Args:
        settings: They name the repository and the key.
        state_dir: Holds neither a cluster nor files.
        at: An aware instant; None for the end of the archived WAL.

    Raises:
        TargetTaken: Something is there.
        BackupError: It cannot be restored; the message says why.
    """
    place = find_place(settings, state_dir=state_dir)
    roots = file_roots(settings.model_copy(update={"state_dir": state_dir}))
    for path in (place.data_dir, *roots.values()):
        if path.exists():
            raise TargetTaken(path)
    prepare_home(CHECKOUT, "main", state_dir)
    staged = staging_dir(place)
    restored = restore(settings, place, staged, roots, at)
    staged.rename(place.data_dir)
    return restored


def staging_dir(place: Place) -> Path:
    """Where data are restored to and looked at before they get their name."""
    return place.home / f"pg.restored-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"


def restore(
    settings: Settings, place: Place, data_dir: Path, roots: Mapping[str, Path], at: datetime | None
) -> Restored:
    """Restores data and files, starts the copy on a socket of its own, looks at it and stops it again.

    Args:
        settings: Of the installation whose back-up it is.
        place: The cluster that the copy is to become; its secret gives the logins' passwords.
        data_dir: A new folder beside the cluster's data; removed again where the restore does not come to its end.
        roots: Where the files go.
        at: An aware instant; None for the end of the archived WAL.

    Raises:
        BackupError: It cannot be restored; the message says why.
    """
    started = time.monotonic()
    passphrase = read_passphrase(place.key_file)
    secret = read_or_make_secret(place.home)
    reader = replace(place, conf_name="restore.conf")
    write_conf(reader, passphrase, data_dir=data_dir)
    try:
        _require_backup(reader, at)
        _make_data_dir(data_dir, place.os_user)
        # Archived WAL of a copy would mix with the original's; whoever puts it in its place switches it on again.
        try:
            run(reader, "restore", "--archive-mode=off", *_target(at))
        except BaseException:
            shutil.rmtree(data_dir)
            raise
        store = file_store(reader, passphrase, settings)
        written = store.lay_out(store.list_at(at), roots)
        with running_copy(data_dir, place.os_user, secret) as copy:
            checks = examine_copy(copy, settings, roots)
            timeline, last_change_at = _ended_at(copy)
    finally:
        reader.conf.unlink(missing_ok=True)
    return Restored(place, timeline, last_change_at, time.monotonic() - started, written, checks)


def _require_backup(place: Place, at: datetime | None) -> None:
    # pgBackRest reckons in whole seconds, and a back-up is of no use before it has ended.
    if not any(at is None or found.stopped_at < at.replace(microsecond=0) for found in read_backups(place)):
        raise NoBackup


def _make_data_dir(data_dir: Path, os_user: str | None) -> None:
    make_folder(data_dir, os_user)
    if run_program(["test", "-w", data_dir, "-a", "-x", data_dir], os_user=os_user).code != 0:
        raise PlaceUnfit(data_dir, os_user)


def _target(at: datetime | None) -> tuple[str, ...]:
    if at is None:
        return ()
    return ("--type=time", f"--target={at.astimezone(UTC).strftime(_TARGET)}", "--target-action=promote")


def _ended_at(copy: Copy) -> tuple[int, datetime | None]:
    row = copy.ask("SELECT pg_walfile_name(pg_current_wal_lsn()), pg_last_xact_replay_timestamp()")
    return int(row[0][:8], 16), row[1]
