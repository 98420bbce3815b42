"""What the worker does: a runner for each kind of job, and steps repeated for as long as it lives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog

from app.audit_keeper import CHECKPOINT_EVERY_S, SEAL_EVERY_S, keep_checkpoints, seal
from app.database import Database
from app.exports.run import Exporter
from app.jobs import expire_jobs
from app.questions import Answerer
from app.settings import Settings
from app.uploads.working import UploadWorker
from app.work_calendar import work_calendar
from layers.identity.idle import close_idle_accounts
from layers.jobs import JobKind
from layers.live import prune_events
from scenarios.evaluation.running import evaluate_due
from scenarios.tasks.escalating import escalate_tasks
from tiles.companions import refresh_companions, stale_layers

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Step:
    """Something done again and again in a thread; it must be safe to do twice, and to be killed half-way."""

    run: Callable[[], object]
    every_s: float


def job_runners(database: Database, settings: Settings) -> Mapping[JobKind, Callable[[str], None]]:
    """Who does which kind of job, given its id; idempotent, because a crash makes another worker do it again."""
    uploads = UploadWorker(database, settings)
    return {
        JobKind.EXPORT: Exporter(database, settings.exports_dir, settings.keep_exports).run,
        JobKind.ASK: Answerer(database, settings).run,
        JobKind.INTAKE: uploads.check,
        JobKind.PUBLISH: uploads.publish,
    }


def periodic_steps(database: Database, settings: Settings) -> Sequence[Step]:
    """The steps that the worker repeats."""
    uploads = UploadWorker(database, settings)
    evaluating, calendar = database.engine("diaban_writer"), work_calendar(settings)
    return (
        # Whoever looks at the board sees an alert within two seconds of the observation that causes it.
        Step(lambda: evaluate_due(evaluating, _now, calendar), every_s=0.5),
        Step(uploads.tick, every_s=2.0),
        Step(uploads.tidy, every_s=60.0),
        Step(lambda: expire_jobs(database, settings.exports_dir), every_s=60.0),
        Step(lambda: _refresh_tiles(database), every_s=2.0),
        Step(lambda: seal(database), every_s=SEAL_EVERY_S),
        Step(lambda: _prune_live(database), every_s=600.0),
        Step(lambda: _escalate(database, settings), every_s=30.0),
        Step(lambda: _close_idle(database, settings), every_s=3600.0),
        Step(lambda: keep_checkpoints(database, settings), every_s=CHECKPOINT_EVERY_S),
    )


def _now() -> datetime:
    return datetime.now(UTC)


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


def _escalate(database: Database, settings: Settings) -> None:
    """Reports late tasks upwards."""
    engine = database.engine("diaban_writer")
    with engine.begin() as connection:
        count = escalate_tasks(connection, datetime.now(UTC), settings.task_escalates_every)
    engine.dispose()
    if count:
        log.info("tasks_escalated", count=count)


def _close_idle(database: Database, settings: Settings) -> None:
    """Closes the accounts that nobody uses."""
    if not settings.account_idle_days:
        return
    engine = database.engine("diaban_auth")
    with engine.begin() as connection:
        count = close_idle_accounts(connection, timedelta(days=settings.account_idle_days), datetime.now(UTC))
    engine.dispose()
    if count:
        log.info("idle_accounts_closed", count=count)


def _prune_live(database: Database) -> None:
    engine = database.engine("diaban_writer")
    with engine.begin() as connection:
        prune_events(connection)
    engine.dispose()
