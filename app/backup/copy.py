"""A restored copy, running for as long as somebody looks at it: on a socket of its own, closed to everybody else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql
from sqlalchemy.engine import URL

from app.backup.errors import CopyUnwell
from app.cluster import role_password
from app.database import DATABASE_NAME, Database
from app.postgres import run_program
from app.postmaster import (
    SUPERUSER,
    failure,
    find_postmaster,
    make_socket_dir,
    programs_of,
    stop_server,
    wait_until,
    write_as,
)
from migrations.run import migrate

# Never a TCP port; on a socket the number is only a part of its name.
PORT: Final = 5432
# Replaying the WAL of a week after a disk died is waited for.
LONGEST_REPLAY_S: Final = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Copy:
    """A running copy."""

    data_dir: Path
    database: Database

    def ask(self, question: str) -> tuple[Any, ...]:
        """The one row that answers a question, as superuser."""
        with psycopg.connect(self.database.superuser_dsn) as connection:
            row = connection.execute(question.encode()).fetchone()
        if row is None:
            raise ValueError(question)
        return row


@contextmanager
def running_copy(data_dir: Path, os_user: str | None, secret: bytes) -> Iterator[Copy]:
    """Starts restored data, waits until all WAL is replayed, makes it fit for this program, and stops it again.

    Args:
        data_dir: What was restored.
        os_user: Who runs it.
        secret: The secret of the cluster that it is to become.

    Raises:
        CopyUnwell: It does not start.
    """
    socket_dir = make_socket_dir(data_dir, os_user)
    access = socket_dir / "access.conf"
    # Who reaches the socket is its user or root; the passwords inside may be those of a machine that is gone.
    write_as(access, "local all all trust\n", os_user)
    # What it would archive waits until it is somebody's database: PostgreSQL keeps the note of it.
    archive = "-c archive_mode=on -c archive_command=/bin/false"
    given = f"-p {PORT} -k {socket_dir} -c listen_addresses= -c hba_file={access} {archive}"
    words = ["start", "-s", "-D", data_dir, "-l", data_dir / "start.log", "-o", given, "-w", "-t", LONGEST_REPLAY_S]
    bin_dir = programs_of(data_dir)
    started = run_program([bin_dir / "pg_ctl", *words], os_user=os_user, timeout_s=LONGEST_REPLAY_S)
    try:
        if started.code != 0:
            said = failure("không khởi động được", "it does not start", data_dir, said=started.output)
            raise CopyUnwell(said.vi, said.en)
        url = URL.create(
            "postgresql", SUPERUSER, database=DATABASE_NAME, query={"host": str(socket_dir), "port": str(PORT)}
        )
        copy = Copy(data_dir, Database(url, secret))
        _wait_for_end_of_replay(copy, os_user)
        _make_current(copy)
        yield copy
    finally:
        access.unlink(missing_ok=True)
        stop_server(data_dir, bin_dir=bin_dir, os_user=os_user)


def _wait_for_end_of_replay(copy: Copy, os_user: str | None) -> None:
    def has_ended() -> bool:
        return find_postmaster(copy.data_dir, os_user) is None or not copy.ask("SELECT pg_is_in_recovery()")[0]

    wait_until(has_ended, timeout_s=LONGEST_REPLAY_S)
    if find_postmaster(copy.data_dir, os_user) is None:
        said = failure("dừng khi phát lại WAL", "it stopped while replaying WAL", copy.data_dir)
        raise CopyUnwell(said.vi, said.en)


def _make_current(copy: Copy) -> None:
    """Gives the copy the passwords of this installation, and the schema where it is of an older program."""
    word = sql.Literal(role_password(copy.database.secret, SUPERUSER))
    with psycopg.connect(copy.database.superuser_dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(SUPERUSER), word))
    engine = copy.database.superuser_engine()
    migrate(engine, copy.database.passwords)
    engine.dispose()
