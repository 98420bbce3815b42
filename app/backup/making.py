"""Makes a back-up of the running cluster and of the files beside it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.backup.archiving import switch_on
from app.backup.errors import BackupError, KeyMissing, NoBackup
from app.backup.files import FileStore, Stored
from app.backup.key import make_passphrase, read_passphrase
from app.backup.listing import Backup, Kind, read_backups
from app.backup.place import STANZA, Place, Server, find_place, make_repository, write_conf
from app.backup.program import list_names, run
from app.backup.sealing import Sealer
from app.cluster import role_password
from app.database import Database
from app.postmaster import SUPERUSER, find_postmaster, write_as
from app.settings import Settings
from layers.audit import Event, record_event

# Stands in for a passphrase where names alone are read, which are not encrypted.
_UNUSED: Final = "names-are-not-encrypted"


@dataclass(frozen=True, slots=True)
class Made:
    """A back-up and what was copied of the files."""

    backup: Backup
    files: Stored


def file_store(place: Place, passphrase: str, settings: Settings) -> FileStore:
    """The repository's files, with the folders of the settings' state folder that go into it."""
    return FileStore(place, Sealer(passphrase), file_roots(settings))


def file_roots(settings: Settings) -> dict[str, Path]:
    """Folders whose files the database names, by the name that they have in the repository."""
    return {"uploads": settings.uploads_dir, "rasters": settings.raster_dir, "photos": settings.photos_dir}


def prepare_repository(settings: Settings, database: Database) -> tuple[Place, str]:
    """Makes the repository ready and switches WAL archiving on; returns it with its passphrase.

    Args:
        settings: They name the repository and the key.
        database: The running cluster.

    Raises:
        BackupError: Something is missing; the message says what to do.
    """
    place = find_place(settings)
    make_repository(place)
    server = running_server(place)
    passphrase = _passphrase(place)
    word = role_password(database.secret, SUPERUSER)
    write_conf(place, passphrase, server=server)
    write_as(place.passwords, f"*:*:*:{SUPERUSER}:{word}\n", place.os_user)
    run(place, "stanza-create")
    switch_on(place, database.superuser_dsn, settings.backup_wal_every)
    return place, passphrase


def back_up(settings: Settings, database: Database, kind: Kind, *, actor: str) -> Made:
    """Makes a back-up: files, database, files again, so that no instant of it names a file that is not there.

    Args:
        settings: They name the repository.
        database: The running cluster.
        kind: Where the repository is empty, a full one is made whatever is asked.
        actor: Who asked, for the audit trail.

    Raises:
        BackupError: It was not made; the message says what to do.
    """
    place, passphrase = prepare_repository(settings, database)
    store = file_store(place, passphrase, settings)
    before = store.copy_new()
    run(place, "backup", f"--type={kind.value}")
    after = store.copy_new()
    backups = read_backups(place)
    if not backups:
        raise NoBackup
    store.forget_before(backups[0].started_at)
    made = backups[-1]
    _record(database, Event(actor, "backup_made", "backup", made.label, detail={"kind": made.kind.value}))
    copied = Stored(after.listing, before.copied + after.copied, before.copied_bytes + after.copied_bytes)
    return Made(made, copied)


def running_server(place: Place) -> Server:
    """Where the cluster answers.

    Raises:
        BackupError: It does not run.
    """
    postmaster = find_postmaster(place.data_dir, place.os_user)
    if postmaster is None:
        raise BackupError("Cơ sở dữ liệu riêng không chạy.", "The private database does not run.")
    return Server(postmaster.socket_dir, postmaster.port)


def _passphrase(place: Place) -> str:
    if place.key_file.exists():
        return read_passphrase(place.key_file)
    if not place.conf.exists():
        write_conf(place, _UNUSED)
    if list_names(place, f"backup/{STANZA}"):
        # Somebody's back-ups are there: a new key would lock them away.
        raise KeyMissing(place.key_file)
    return make_passphrase(place.key_file)


def _record(database: Database, event: Event) -> None:
    engine = database.engine("diaban_writer")
    with engine.begin() as connection:
        record_event(connection, event)
    engine.dispose()
