"""Switching WAL archiving on and off, and how it goes."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import psycopg
from psycopg import sql
from sqlalchemy import Connection, text

from app.backup.errors import IsCopy
from app.backup.place import STANZA, Place
from app.postmaster import wait_until

HEALTH: Final = (
    "SELECT failed_count, last_archived_time, last_failed_time,"
    " coalesce(last_failed_time > coalesce(last_archived_time, '-infinity'), false) AS is_failing"
    " FROM pg_stat_archiver"
)


@dataclass(frozen=True, slots=True)
class ArchiveHealth:
    """What PostgreSQL says of its archiver; ``is_failing`` means that its last attempt failed."""

    failed_count: int
    last_archived_at: datetime | None
    last_failed_at: datetime | None
    is_failing: bool


def read_archive_health(connection: Connection) -> ArchiveHealth:
    """Reads it under any login."""
    return ArchiveHealth(*connection.execute(text(HEALTH)).one())


def archive_command(place: Place) -> str:
    """What PostgreSQL runs to store a WAL file in the repository; ``%p`` is its path."""
    conf = shlex.quote(f"--config={place.conf}").replace("%", "%%")
    return f'pgbackrest {conf} --stanza={STANZA} archive-push "%p"'


def switch_on(place: Place, dsn: str, wal_every: timedelta) -> None:
    """Makes the running cluster archive its WAL from here on.

    Args:
        place: The repository, with its stanza.
        dsn: Superuser's address.
        wal_every: At most so long a change waits in an unfinished WAL file.

    Raises:
        IsCopy: It is a restored copy, which must not.
    """
    with psycopg.connect(dsn, autocommit=True) as connection:
        if connection.execute("SHOW archive_mode").fetchone() == ("off",):
            raise IsCopy
        _set(connection, "archive_command", archive_command(place))
        _set(connection, "archive_timeout", f"{int(wal_every.total_seconds())}s")
        connection.execute("SELECT pg_reload_conf()")


def switch_off(dsn: str) -> None:
    """Makes the running cluster store no WAL, as a new one does; back-ups that are there stay."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM RESET archive_command")
        connection.execute("ALTER SYSTEM RESET archive_timeout")
        connection.execute("SELECT pg_reload_conf()")


def store_present_wal(connection: psycopg.Connection[tuple[object, ...]], *, within_s: float) -> bool:
    """Ends the present WAL file and waits until it is stored; tells whether it was.

    Args:
        connection: A superuser's, in autocommit.
        within_s: How long to wait.
    """
    row = connection.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone()
    name = "" if row is None else str(row[0])

    def is_stored() -> bool:
        last = connection.execute("SELECT coalesce(last_archived_wal, '') FROM pg_stat_archiver").fetchone()
        return last is not None and str(last[0]) >= name

    return wait_until(is_stored, timeout_s=within_s)


def _set(connection: psycopg.Connection[tuple[object, ...]], name: str, value: str) -> None:
    connection.execute(sql.SQL("ALTER SYSTEM SET {} = {}").format(sql.Identifier(name), sql.Literal(value)))
