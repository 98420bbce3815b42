"""The audit trail's keeper in this process: seals what waits, writes checkpoints, opens the log for verifying."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import structlog
from sqlalchemy import Connection, Engine

from app.database import Database
from app.settings import Settings
from layers.audit.checkpoints import CheckpointFile
from layers.audit.keeper import Keeper, LogRolledBack, UnknownSigningKey
from layers.audit.keys import SigningKeyUnreadable, load_or_make_key
from layers.audit.log import BATCH, seal_events

SEAL_EVERY_S = 1.0
CHECKPOINT_EVERY_S = 60.0
log = structlog.get_logger(__name__)


def checkpoint_file(settings: Settings) -> CheckpointFile:
    """The file of checkpoints and its second place, as configured."""
    second = settings.audit_second_place
    folder = settings.audit_folder or settings.state_dir / "audit"
    return CheckpointFile(folder / "checkpoints.log", second / "checkpoints.log" if second else None)


def signing_key_file(settings: Settings) -> Path:
    """The file of the private key that signs checkpoints."""
    return settings.audit_key or settings.state_dir / "secrets" / "audit-signing-key.pem"


def open_keeper(settings: Settings) -> Keeper:
    """The keeper with the signing key, which is made where there is none yet."""
    return Keeper(checkpoint_file(settings), load_or_make_key(signing_key_file(settings)))


def seal(writer: Engine) -> int:
    """Seals everything that waits; returns how many events. For a worker thread.

    Args:
        writer: Engine of ``diaban_writer``.
    """
    sealed = 0
    while True:
        with writer.begin() as connection:
            done = seal_events(connection)
        sealed += done
        if done < BATCH:
            return sealed


def keep_checkpoints(database: Database, settings: Settings) -> None:
    """Writes a checkpoint where the log grew; says loudly where the log is not what it was. For a worker thread."""
    engine = database.engine("diaban_writer")
    try:
        with engine.begin() as connection:
            line = open_keeper(settings).keep(connection, datetime.now(UTC))
    except (LogRolledBack, UnknownSigningKey, SigningKeyUnreadable) as error:
        # Nothing is signed from here on until a person has looked: diaban audit verify says what is wrong.
        log.error("audit_log_suspect", error=type(error).__name__, what=error.en)
    except OSError as error:
        log.error("audit_checkpoint_unwritten", error=type(error).__name__)
    else:
        if line is not None:
            log.info("audit_checkpoint", seq=line.head.seq, kind=line.kind.value)
    finally:
        engine.dispose()


@contextmanager
def log_snapshot(database: Database) -> Iterator[Connection]:
    """A connection that sees the log at one instant."""
    engine = database.engine("diaban_writer")
    with engine.connect().execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True) as connection:
        yield connection
    engine.dispose()
