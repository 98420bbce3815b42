"""Jobs: slow work that was asked for, how far it is, and what came of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid4

import psycopg
from psycopg.rows import dict_row
from sqlalchemy import Connection as SQLConnection
from sqlalchemy import text

from layers.audit import Event, record_event_async
from layers.errors import JobNotFound, TooManyJobs

if TYPE_CHECKING:
    from asyncpg import Connection, Record

MAX_WAITING: Final = 100
MAX_ATTEMPTS: Final = 3
_COLUMNS: Final = (
    "id, kind, status, request::text AS request, scope::text AS scope, done, total, attempts,"
    " result::text AS result, error::text AS error, created_at, started_at, finished_at, expires_at"
)
_MOVE: Final = """
WITH taken AS (
    DELETE FROM jobs.outbox WHERE id IN (SELECT id FROM jobs.outbox ORDER BY id LIMIT 100 FOR UPDATE SKIP LOCKED)
    RETURNING queue, task, job_id
)
SELECT count(*), jobs.procrastinate_defer_jobs_v1(array_agg(
    ROW(queue, task, 0, job_id::text, job_id::text, jsonb_build_object('job_id', job_id), NULL)
    ::jobs.procrastinate_job_to_defer_v1
)) FROM taken HAVING count(*) > 0
"""


class JobKind(StrEnum):
    """Kinds of jobs; each has a queue of its name."""

    EXPORT = "export"
    ASK = "ask"
    INTAKE = "intake"
    PUBLISH = "publish"

    @property
    def task(self) -> str:
        """Name of the task that does such a job."""
        return f"diaban.{self.value}"


class JobStatus(StrEnum):
    """States of a job."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it stands.

    Attributes:
        request: What was asked for.
        scope: Subject, classes and units of the reader who asked.
        done: Features dealt with, of ``total`` where that is known.
        attempts: How often a worker has begun it.
        result: What a job that succeeded made.
        error: Why it failed, in both languages.
        expires_at: When the result is deleted; in the past for a job that its asker has dismissed.
    """

    id: UUID
    kind: JobKind
    status: JobStatus
    request: Mapping[str, Any]
    scope: Mapping[str, Any]
    done: int
    total: int | None
    attempts: int
    result: Mapping[str, Any] | None
    error: Mapping[str, str] | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    expires_at: datetime | None

    @property
    def is_dismissed(self) -> bool:
        """Whether nobody may have the result any more: its time is over, or its asker does not want it."""
        over = self.expires_at is not None and self.expires_at <= datetime.now(UTC)
        return over or self.status is JobStatus.EXPIRED


def _job(row: Mapping[str, Any]) -> Job:
    parsed = {name: json.loads(row[name]) if row[name] else None for name in ("request", "scope", "result", "error")}
    return Job(**{**dict(row), **parsed, "kind": JobKind(row["kind"]), "status": JobStatus(row["status"])})


async def add_job(
    connection: Connection[Record],
    kind: JobKind,
    request: Mapping[str, object],
    scope: Mapping[str, object],
    *,
    source: str | None = None,
) -> UUID:
    """Queues a job: it, its outbox row and its event in the audit trail appear together.

    Args:
        connection: Writer.
        kind: Which kind of job.
        request: What was asked for, as JSON.
        scope: Of the reader who asks.
        source: Address and port that the request came from.

    Raises:
        TooManyJobs: As many jobs wait as may.
    """
    job_id = uuid4()
    async with connection.transaction():
        waiting = await connection.fetchval("SELECT count(*) FROM jobs.jobs WHERE status IN ('queued', 'running')")
        if waiting >= MAX_WAITING:
            raise TooManyJobs(MAX_WAITING)
        await connection.execute(
            "INSERT INTO jobs.jobs (id, kind, request, scope) VALUES ($1, $2, $3::text::jsonb, $4::text::jsonb)",
            job_id,
            kind.value,
            json.dumps(request),
            json.dumps(scope),
        )
        await connection.execute(
            "INSERT INTO jobs.outbox (queue, task, job_id) VALUES ($1, $2, $3)", kind.value, kind.task, job_id
        )
        layer = request.get("layer")
        detail = {"layer": layer} if isinstance(layer, str) else {}
        action = f"{kind.value.replace('-', '_')}_requested"
        await record_event_async(
            connection, Event(str(scope["subject"]), action, "job", str(job_id), source=source, detail=detail)
        )
    return job_id


def queue_job(
    connection: SQLConnection, kind: JobKind, request: Mapping[str, object], scope: Mapping[str, object]
) -> UUID:
    """Queues a job that a change brings about, in the transaction of that change: both happen or neither.

    Args:
        connection: Owner or writer, inside a transaction.
        kind: Which kind of job.
        request: What is to be done, as JSON.
        scope: Subject on whose behalf.
    """
    job_id = uuid4()
    connection.execute(
        text(
            "INSERT INTO jobs.jobs (id, kind, request, scope) VALUES (:id, :kind, CAST(:request AS jsonb),"
            " CAST(:scope AS jsonb))"
        ),
        {"id": job_id, "kind": kind.value, "request": json.dumps(request), "scope": json.dumps(scope)},
    )
    connection.execute(
        text("INSERT INTO jobs.outbox (queue, task, job_id) VALUES (:queue, :task, :id)"),
        {"queue": kind.value, "task": kind.task, "id": job_id},
    )
    return job_id


async def get_job(connection: Connection[Record], kind: JobKind, job_id: UUID) -> Job:
    """The job of this kind.

    Raises:
        JobNotFound: There is no such job.
    """
    query = f"SELECT {_COLUMNS} FROM jobs.jobs WHERE id = $1 AND kind = $2"  # noqa: S608 - a constant's names
    row = await connection.fetchrow(query, job_id, kind.value)
    if row is None:
        raise JobNotFound(str(job_id))
    return _job(row)


async def list_jobs(
    connection: Connection[Record], kind: JobKind, subject: str, states: Sequence[JobStatus], limit: int
) -> list[Job]:
    """The jobs of one kind that a person or program asked for, newest first.

    Args:
        connection: Writer.
        kind: Which kind of job.
        subject: Who asked.
        states: States wanted; a dismissed job counts as expired.
        limit: How many at most.
    """
    query = (
        f"SELECT {_COLUMNS} FROM jobs.jobs WHERE kind = $1 AND scope ->> 'subject' = $2"  # noqa: S608 - a constant's names
        " AND CASE WHEN expires_at <= now() THEN 'expired' ELSE status END = ANY($3)"
        " ORDER BY created_at DESC, id LIMIT $4"
    )
    rows = await connection.fetch(query, kind.value, subject, [state.value for state in states], limit)
    return [_job(row) for row in rows]


async def dismiss_job(connection: Connection[Record], job: Job, subject: str, *, source: str | None = None) -> Job:
    """Says that nobody wants a job any more; to do it twice is to do it once.

    One that waits never begins. One that runs ends within its statement's time limit and its result is deleted like
    that of a finished one, by the worker's next round.
    """
    query = (
        "UPDATE jobs.jobs SET expires_at = least(expires_at, now()), status = CASE WHEN status IN ('queued', 'failed')"  # noqa: S608
        f" THEN 'expired' ELSE status END WHERE id = $1 RETURNING {_COLUMNS}"
    )
    async with connection.transaction():
        row = await connection.fetchrow(query, job.id)
        if row is None:
            raise JobNotFound(str(job.id))
        if not job.is_dismissed:
            event = Event(subject, "job_dismissed", "job", str(job.id), source=source, detail={"kind": job.kind.value})
            await record_event_async(connection, event)
    return _job(row)


def move_outbox(connection: SQLConnection) -> int:
    """Moves waiting outbox rows into the queue, in one statement and so each exactly once.

    Args:
        connection: Owner or writer, in a transaction.

    Returns:
        How many jobs were moved.
    """
    connection.execute(text("SET LOCAL search_path = jobs, public"))
    return int(connection.execute(text(_MOVE)).scalar_one_or_none() or 0)


@dataclass(frozen=True, slots=True)
class JobStore:
    """The worker's side of jobs: short transactions on a writer connection in autocommit."""

    connection: psycopg.Connection[tuple[Any, ...]]

    def begin(self, job_id: str) -> Job | None:
        """Marks a job as running and returns it; None where it is finished already or has been tried too often."""
        with self.connection.cursor(row_factory=dict_row) as cursor:
            cursor.execute(
                "UPDATE jobs.jobs SET status = 'running', attempts = attempts + 1, done = 0, started_at = now()"  # noqa: S608
                f" WHERE id = %s AND status IN ('queued', 'running') RETURNING {_COLUMNS}",
                [job_id],
            )
            row = cursor.fetchone()
        return _job(row) if row else None

    def progress(self, job_id: UUID, done: int, total: int | None) -> None:
        """Says how far a job is."""
        self.connection.execute("UPDATE jobs.jobs SET done = %s, total = %s WHERE id = %s", [done, total, job_id])

    def succeed(self, job_id: UUID, result: Mapping[str, object], *, keep: timedelta) -> None:
        """Marks a job as done, its result to be kept for a while, or no longer than until it was dismissed."""
        self.connection.execute(
            "UPDATE jobs.jobs SET status = 'succeeded', result = %s::jsonb, finished_at = now(),"
            " expires_at = least(expires_at, now() + %s) WHERE id = %s",
            [json.dumps(result), keep, job_id],
        )

    def fail(self, job_id: UUID, vi: str, en: str) -> None:
        """Marks a job as failed, with the reason for people."""
        self.connection.execute(
            "UPDATE jobs.jobs SET status = 'failed', error = %s::jsonb, finished_at = now() WHERE id = %s",
            [json.dumps({"vi": vi, "en": en}), job_id],
        )

    def expire(self) -> list[str]:
        """Marks results whose time is over, and returns the ids of their jobs."""
        rows = self.connection.execute(
            "UPDATE jobs.jobs SET status = 'expired' WHERE status IN ('succeeded', 'running')"
            " AND expires_at < now() RETURNING id"
        ).fetchall()
        return [str(row[0]) for row in rows]
