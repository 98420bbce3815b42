"""The worker: moves the outbox into Procrastinate's queue and does the jobs, again after a crash."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime
from typing import Any

import anyio.to_thread
import procrastinate
import psycopg
import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from app.database import Database
from app.settings import Settings
from app.worker_tasks import job_runners, periodic_steps
from layers.jobs import JobKind

CONCURRENCY = 2
LONGEST_PAUSE_S = 60.0
STEP_GRACE_S = 8.0
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
    writer = database.engine("diaban_writer", keeps=2)

    async def rescue() -> None:
        for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_S):
            log.warning("job_taken_over", job=job.id, task=job.task_name)
            await app.job_manager.retry_job(job, retry_at=datetime.now(UTC))

    ending = asyncio.Event()
    async with app.open_async():
        queue = asyncio.create_task(_do_jobs(app))
        repeated = [
            asyncio.create_task(_repeat("jobs_taken_over", rescue, HEARTBEAT_S, ending)),
            *(
                asyncio.create_task(_repeat(step.name, _step(step.run), step.every_s, ending))
                for step in periodic_steps(database, settings, writer)
            ),
        ]
        listening = [asyncio.create_task(listener) for listener in _listeners(settings, writer)]
        told = asyncio.create_task(stop.wait())
        done, _ = await asyncio.wait([queue, *repeated, *listening, told], return_when=asyncio.FIRST_COMPLETED)
        ending.set()
        # A thread cannot be stopped: a step that takes longer than this is left to end with the process.
        _, hanging = await asyncio.wait(repeated, timeout=STEP_GRACE_S)
        for task in (queue, told, *listening, *hanging):
            task.cancel()
        await asyncio.gather(queue, told, *listening, *repeated, return_exceptions=True)
        writer.dispose()
        for task in done:
            task.result()


def _listeners(settings: Settings, writer: Engine) -> list[Coroutine[Any, Any, None]]:
    if settings.mqtt_url is None:
        return []
    if settings.mqtt_account is None:
        log.error("mqtt_account_missing", setting="DIABAN_MQTT_ACCOUNT")
        return []
    # Whoever has no broker does without its library, which is slow to import.
    from app.observing.mqtt import Broker, listen

    return [listen(Broker(settings.mqtt_url.get_secret_value(), settings.mqtt_topic, settings.mqtt_account), writer)]


async def _do_jobs(app: procrastinate.App) -> None:
    await app.run_worker_async(
        queues=[kind.value for kind in JobKind],
        concurrency=CONCURRENCY,
        install_signal_handlers=False,
        update_heartbeat_interval=HEARTBEAT_S,
        stalled_worker_timeout=STALLED_S,
        fetch_job_polling_interval=2.0,
        delete_jobs="always",
        shutdown_graceful_timeout=1.0,
    )


def _step(run: Callable[[], object]) -> Callable[[], Awaitable[None]]:
    async def step() -> None:
        await anyio.to_thread.run_sync(run)

    return step


async def _repeat(name: str, step: Callable[[], Awaitable[None]], seconds: float, ending: asyncio.Event) -> None:
    """Does a step again and again; a database that is away is waited for, and a step that fails stops no other."""
    failures = 0
    while not ending.is_set():
        try:
            await step()
            failures = 0
        except (psycopg.OperationalError, OperationalError, procrastinate.exceptions.ConnectorException) as error:
            log.warning("worker_waits", step=name, error=type(error).__name__)
        except Exception:
            failures += 1
            log.exception("worker_step_failed", step=name, failures=failures)
        pause = max(seconds, min(seconds * 2**failures, LONGEST_PAUSE_S))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(ending.wait(), pause)


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
