"""An installation of its own with a few layers, a file and an audit trail, whose disk may die."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from sqlalchemy import text

from app.audit_keeper import open_keeper, seal
from app.backup.archiving import store_present_wal
from app.backup.restoring import Restored
from app.cluster import cluster_status, ensure_cluster, remove_clusters
from app.database import Database, cluster_database
from app.settings import CHECKOUT, Settings
from layers.audit import Event, record_event
from layers.publish import ChangeNote, Mode, publish_rows
from layers.registry import put_layer
from migrations.run import migrate
from tests.layers.ask_world import definitions, units

ARCHIVED_WITHIN_S = 60
_UPLOAD = text(
    "INSERT INTO uploads.uploads (id, kind, layer, mode, state, sender, scope, file_name, file_bytes, file_sha256)"
    " VALUES (:id, 'file', 'communes', 'replace', 'received', 'a', '{}', 'x.csv', :size, :sha256)"
)


@dataclass(frozen=True, slots=True)
class Installation:
    """A running private cluster with its state folder and a repository beside it."""

    settings: Settings

    @property
    def state(self) -> Path:
        """The state folder."""
        return self.settings.state_dir

    @property
    def database(self) -> Database:
        """Its database; started where it does not run."""
        return cluster_database(ensure_cluster(CHECKOUT, state_dir=self.state))

    def acknowledge(self, first: int, count: int) -> list[str]:
        """Writes events of so many numbers, each in a transaction of its own, and returns those acknowledged."""
        engine = self.database.engine("diaban_writer")
        done = []
        for number in range(first, first + count):
            with engine.begin() as connection:
                record_event(connection, Event("test", "written", "number", str(number)))
            done.append(str(number))
        engine.dispose()
        return done

    def checkpoint(self) -> None:
        """Seals the audit trail and signs how far it is."""
        writer = self.database.engine("diaban_writer")
        seal(writer)
        with writer.begin() as connection:
            open_keeper(self.settings).keep(connection, datetime.now(UTC), at_once=True)
        writer.dispose()

    def receive(self, content: bytes) -> Path:
        """An upload as the desk leaves it: the original, then the row that names it."""
        upload_id = uuid.uuid4()
        path = self.settings.uploads_dir / str(upload_id) / "original"
        path.parent.mkdir(mode=0o700, parents=True)
        path.write_bytes(content)
        row = {"id": upload_id, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        with self.database.superuser_engine().begin() as connection:
            connection.execute(_UPLOAD, row)
        return path

    def archive(self) -> None:
        """Ends the present WAL file and waits until the repository has it."""
        with psycopg.connect(self.database.superuser_dsn, autocommit=True) as connection:
            assert store_present_wal(connection, within_s=ARCHIVED_WITHIN_S)

    def kill(self) -> None:
        """Ends the server as a power cut does."""
        pid = cluster_status(CHECKOUT, state_dir=self.state).pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)


@contextmanager
def installation(fill: Callable[[Database], None] | None = None) -> Iterator[Installation]:
    """A new installation, removed at the end; PostgreSQL's own user can reach its folders.

    Args:
        fill: Prepares its database, whose disk is then waited for; by default a few small layers.
    """
    base = Path(tempfile.mkdtemp(prefix="diaban-backup-", dir="/tmp"))
    base.chmod(0o755)
    settings = Settings(state_dir=base / "state", backup_repo=base / "repo")
    made = Installation(settings)
    try:
        database = made.database
        (fill or _fill)(database)
        yield made
    finally:
        for folder in base.glob("state*"):
            remove_clusters(CHECKOUT, state_dir=folder)
        shutil.rmtree(base)


def written(restored: Restored) -> set[str]:
    """The numbers that a restored copy holds, asked of it as a service would run it."""
    cluster = ensure_cluster(CHECKOUT, state_dir=restored.place.home.parent)
    found = numbers_in(cluster_database(cluster))
    cluster.stop()
    return found


def numbers_in(database: Database) -> set[str]:
    """The numbers that a database holds."""
    with psycopg.connect(database.superuser_dsn) as connection:
        rows = connection.execute("SELECT object_id FROM audit.events WHERE action = 'written'").fetchall()
    return {str(row[0]) for row in rows}


def _write_without_waiting(database: Database) -> None:
    """A killed process loses nothing that the operating system holds."""
    with psycopg.connect(database.superuser_dsn, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")


def _fill(database: Database) -> None:
    _write_without_waiting(database)
    migrate(database.superuser_engine(), database.passwords)
    built_in = definitions()
    with database.engine("diaban_owner").begin() as connection:
        for slug in ("provinces", "communes", "hamlets"):
            put_layer(connection, built_in[slug], author="test")
        for slug, rows in units().items():
            publish_rows(connection, slug, [rows], mode=Mode.REPLACE, note=ChangeNote("test"))
