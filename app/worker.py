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
from app.exports.run import Exporter
from app.jobs import expire_jobs
from app.questions import Answerer
from app.settings import Settings
from layers.jobs import JobKind, JobStore
from tiles.companions import refresh_companions, stale_layers

CONCURRENCY = 2
MOVE_EVERY_S = 0.5
REFRESH_EVERY_S = 2.0
EXPIRE_EVERY_S = 60.0
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

    exporter = Exporter(database, settings.exports_dir, settings.keep_exports)
    answerer = Answerer(database, settings)

    # GDAL cannot be stopped half-way; a worker that is told to end leaves the job to the next one.
    @app.task(name=JobKind.EXPORT.task, queue=JobKind.EXPORT.value)
    async def export(job_id: str) -> None:
        await anyio.to_thread.run_sync(exporter.run, job_id, abandon_on_cancel=True)

    @app.task(name=JobKind.ASK.task, queue=JobKind.ASK.value)
    async def answer(job_id: str) -> None:
        await anyio.to_thread.run_sync(answerer.run, job_id, abandon_on_cancel=True)

    return app


async def run_worker(database: Database, settings: Settings, stop: asyncio.Event) -> None:
    """Works until ``stop`` is set."""
    app = queue_app(database, settings)

    async def move() -> None:
        await anyio.to_thread.run_sync(_move_outbox, database)

    async def rescue() -> None:
        for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_S):
            log.warning("job_taken_over", job=job.id, task=job.task_name)
            await app.job_manager.retry_job(job, retry_at=datetime.now(UTC))

    async def expire() -> None:
        await anyio.to_thread.run_sync(expire_jobs, database, settings.exports_dir)

    async def refresh() -> None:
        await anyio.to_thread.run_sync(_refresh_tiles, database)

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
            asyncio.create_task(_repeat(expire, EXPIRE_EVERY_S)),
            asyncio.create_task(_repeat(refresh, REFRESH_EVERY_S)),
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


def _refresh_tiles(database: Database) -> None:
    """Brings the companions of low zooms after the publications that did not bring them along, such as edits."""
    engine = database.engine("diaban_writer")
    with engine.connect() as connection:
        stale = stale_layers(connection)
    for slug in stale:
        with engine.begin() as connection:
            refreshed = refresh_companions(connection, slug)
        if refreshed is not None:
            log.info("tiles_refreshed", layer=slug, revision=refreshed.revision, cells=refreshed.cells)
    engine.dispose()


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
