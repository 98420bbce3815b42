"""How the audit trail is, at a glance: for doctor and for the metrics. The whole proof is diaban audit verify."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

import asyncpg
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app.audit_keeper import checkpoint_file
from app.database import Database
from app.finding import Finding
from app.metrics import AUDIT_CHECKPOINT_AGE, AUDIT_EVENTS
from app.resources import Resources
from app.settings import Settings
from layers.audit.checkpoints import read_checkpoints
from layers.audit.keeper import LogRolledBack, require_continued
from layers.audit.log import read_head

# The sequencer seals every second: what waits much longer has nobody to seal it.
LONGEST_WAIT_S: Final = 60
PATIENCE_S: Final = 2.0
_COUNTS: Final = (
    "SELECT (SELECT coalesce(max(seq), 0) FROM audit.chain) AS sealed, (SELECT count(*) FROM audit.waiting) AS waiting"
)
_LATE: Final = text(
    "SELECT count(*) FROM audit.waiting w JOIN audit.events e ON e.id = w.event_id"
    " WHERE e.at < clock_timestamp() - make_interval(secs => :seconds)"
)


async def measure_audit(resources: Resources) -> None:
    """Brings the gauges up to date; a database that is away leaves them as they were."""
    path = checkpoint_file(resources.settings).path
    if path.exists():
        AUDIT_CHECKPOINT_AGE.set(max(0.0, datetime.now(UTC).timestamp() - path.stat().st_mtime))
    try:
        async with resources.writer.acquire(timeout=PATIENCE_S) as connection:
            row = await connection.fetchrow(_COUNTS, timeout=PATIENCE_S)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError):
        return
    for state in ("sealed", "waiting"):
        AUDIT_EVENTS.labels(state).set(row[state])


def examine_audit(database: Database, settings: Settings) -> Iterator[Finding]:
    """Whether the log still is what the newest checkpoint says, and whether somebody seals it."""
    name = "Nhật ký · audit trail"
    lines = read_checkpoints(checkpoint_file(settings).path)
    engine = database.engine("diaban_writer")
    try:
        with engine.connect() as connection:
            head = read_head(connection)
            late = connection.execute(_LATE, {"seconds": LONGEST_WAIT_S}).scalar_one()
            if lines and lines[-1].head.log_id == head.log_id:
                require_continued(connection, lines[-1], head)
    except LogRolledBack as error:
        yield Finding(name, False, f"{head.seq} ≠ {lines[-1].head.seq}", f"{error.vi} · {error.en}")
    except SQLAlchemyError as error:
        yield Finding(name, False, type(error).__name__, "Chạy diaban migrate · run diaban migrate")
    else:
        found = f"{head.seq} sự kiện · events, {len(lines)} điểm kiểm · checkpoints, {late} trễ · late"
        remedy = "Không có tiến trình nền nào niêm phong: chạy diaban serve hoặc diaban worker · no worker seals events"
        yield Finding(name, late == 0, found, remedy)
    finally:
        engine.dispose()
