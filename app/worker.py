"""The worker: moves the outbox into Procrastinate's queue and does the jobs, again after a crash."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import anyio.to_thread
import procrastinate
import psycopg
import structlog
from sqlalchemy.exc import OperationalError

from app.database import Database
from app.settings import Settings
from app.worker_tasks import job_runners, periodic_steps
from layers.jobs import JobKind, JobStore

CONCURRENCY = 2
MOVE_EVERY_S = 0.5
HEARTBEAT_S = 2.0
# A worker that has been silent for so long is dead, and what it did is given to another.
STALLED_S = 8.0
log = structlog.get_logger(__name__)


def queue_app(database: Database, settings: Settings) -> procrastinate.App:
    """Procrastinate over the schema ``jobs``, with all tasks."""
    connector = procrastinate.PsycopgConnector(
        conninfo=database.dsn("diaban_writer"),
        min_size=1,
        max_size=4,
        kwargs={"options": "-c search_path=jobs,public", "application_name": "diaban worker"},
    )
    app = procrastinate.App(connector=connector)

    for kind, run in job_runners(database, settings).items():
        app.task(name=kind.task, queue=kind.value)(_in_thread(run))
    return app


def _in_thread(run: Callable[[str], None]) -> Callable[[str], Awaitable[None]]:
    async def task(job_id: str) -> None:
        # GDAL cannot be stopped half-way; a worker that is told to end leaves the job to the next one.
        await anyio.to_thread.run_sync(run, job_id, abandon_on_cancel=True)

    return task


async def run_worker(database: Database, settings: Settings, stop: asyncio.Event) -> None:
    """Works until ``stop`` is set."""
    app = queue_app(database, settings)

    async def move() -> None:
        await anyio.to_thread.run_sync(_move_outbox, database)

    async def rescue() -> None:
        for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_S):
            log.warning("job_taken_over", job=job.id, task=job.task_name)
            await app.job_manager.retry_job(job, retry_at=datetime.now(UTC))

    async with app.open_async():
        tasks = [
            asyncio.create_task(
                app.run_worker_async(
                    queues=[kind.value for kind in JobKind],
                    concurrency=CONCURRENCY,
                    install_signal_handlers=False,
                    update_heartbeat_interval=HEARTBEAT_S,
                    stalled_worker_timeout=STALLED_S,
                    fetch_job_polling_interval=2.0,
                    delete_jobs="always",
                    shutdown_graceful_timeout=1.0,
                )
            ),
            asyncio.create_task(_repeat(move, MOVE_EVERY_S)),
            asyncio.create_task(_repeat(rescue, HEARTBEAT_S)),
            *(
                asyncio.create_task(_repeat(_step(step.run), step.every_s))
                for step in periodic_steps(database, settings)
            ),
            asyncio.create_task(stop.wait()),
        ]
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for task in done:
            task.result()


def _move_outbox(database: Database) -> None:
    with psycopg.connect(database.dsn("diaban_writer"), autocommit=True) as connection:
        connection.execute("SET search_path = jobs, public")
        moved = JobStore(connection).move_outbox()
    if moved:
        log.info("jobs_queued", count=moved)


def _step(run: Callable[[], object]) -> Callable[[], Awaitable[None]]:
    async def step() -> None:
        await anyio.to_thread.run_sync(run)

    return step


async def _repeat(step: Callable[[], Awaitable[None]], seconds: float) -> None:
    """Does a step again and again; a database that is away is waited for."""
    while True:
        try:
            await step()
        except (psycopg.OperationalError, OperationalError, procrastinate.exceptions.ConnectorException) as error:
            log.warning("worker_waits", error=type(error).__name__)
        await asyncio.sleep(seconds)


async def work_until_told(database: Database, settings: Settings, parent: int | None) -> None:
    """Works until SIGTERM or SIGINT, or until the process that started this one is gone."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    async def watch_parent() -> None:
        while parent is None or os.getppid() == parent:  # noqa: ASYNC110 - no event tells of a parent's death
            await asyncio.sleep(1)
        stop.set()

    watching = asyncio.create_task(watch_parent())
    try:
        await run_worker(database, settings, stop)
    finally:
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching
