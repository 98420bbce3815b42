"""Jobs as those who run the service see them: whose they are, how far, why one failed; a failed one tried again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, text

from layers.audit import Event, record_event
from layers.errors import JobNotFound, LayerError
from layers.jobs import JobKind, JobStatus

MOST: Final = 500
# What was asked for may name places and people, so that only the layer is shown of it.
_LIST: Final = text(
    "SELECT id, kind, status, scope ->> 'subject' AS subject, request ->> 'layer' AS layer, done, total, attempts,"
    " error, created_at, started_at, finished_at FROM jobs.jobs"
    " WHERE (CAST(:status AS text) IS NULL OR status = :status) AND (CAST(:kind AS text) IS NULL OR kind = :kind)"
    " ORDER BY created_at DESC, id LIMIT :limit"
)
_COUNT: Final = text("SELECT status, count(*) AS jobs FROM jobs.jobs GROUP BY status ORDER BY status")
_LOCK: Final = text("SELECT kind, status FROM jobs.jobs WHERE id = :id FOR UPDATE")
_AGAIN: Final = text(
    "UPDATE jobs.jobs SET status = 'queued', attempts = 0, done = 0, error = NULL, started_at = NULL,"
    " finished_at = NULL WHERE id = :id"
)
_QUEUE: Final = text("INSERT INTO jobs.outbox (queue, task, job_id) VALUES (:queue, :task, :id)")


class JobNotFailed(LayerError):
    """Only a job that failed can be tried again."""

    def __init__(self, status: str) -> None:
        super().__init__(
            f"Chỉ chạy lại được việc đã thất bại; việc này đang ở trạng thái “{status}”.",
            f'Only a job that failed can be tried again; this one is "{status}".',
        )


@dataclass(frozen=True, slots=True)
class KeptJob:
    """A job without what was asked for and what came of it."""

    id: UUID
    kind: str
    status: str
    subject: str | None
    layer: str | None
    done: int
    total: int | None
    attempts: int
    error: dict[str, Any] | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


def list_all_jobs(
    connection: Connection, *, status: JobStatus | None = None, kind: JobKind | None = None, limit: int = 100
) -> list[KeptJob]:
    """Jobs of everybody, newest first, at most :data:`MOST`."""
    values = {"status": status and status.value, "kind": kind and kind.value, "limit": min(limit, MOST)}
    return [KeptJob(**row) for row in connection.execute(_LIST, values).mappings()]


def count_jobs(connection: Connection) -> dict[str, int]:
    """How many jobs stand in each state."""
    return {row.status: row.jobs for row in connection.execute(_COUNT)}


def retry_job(connection: Connection, job_id: UUID, subject: str, *, source: str | None = None) -> None:
    """Queues a failed job anew, in the caller's transaction.

    Raises:
        JobNotFound: There is none.
        JobNotFailed: It has not failed.
    """
    job = connection.execute(_LOCK, {"id": job_id}).one_or_none()
    if job is None:
        raise JobNotFound(str(job_id))
    if job.status != JobStatus.FAILED:
        raise JobNotFailed(job.status)
    connection.execute(_AGAIN, {"id": job_id})
    connection.execute(_QUEUE, {"queue": job.kind, "task": JobKind(job.kind).task, "id": job_id})
    event = Event(subject, "job_retried", "job", str(job_id), source=source, detail={"kind": job.kind})
    record_event(connection, event)
