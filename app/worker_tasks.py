"""What the worker does: a runner for each kind of job, and steps repeated for as long as it lives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import Engine

from app.audit_keeper import CHECKPOINT_EVERY_S, SEAL_EVERY_S, keep_checkpoints, seal
from app.backup.schedule import EVERY_S as BACKUP_EVERY_S
from app.backup.schedule import BackupRounds
from app.database import Database
from app.exports.run import Exporter
from app.jobs import expire_jobs
from app.questions import Answerer
from app.sending.courier import Courier
from app.sending.senders import senders_of
from app.settings import Settings
from app.uploads.working import UploadWorker
from app.work_calendar import work_calendar
from layers.freshness.reminding import EVERY_S as REMIND_EVERY_S
from layers.freshness.reminding import remind
from layers.identity.idle import close_idle_accounts
from layers.jobs import JobKind, move_outbox
from layers.live import prune_events
from layers.personal.erasures import keep_erasures
from layers.personal.retention import end_keeping
from scenarios.evaluation.running import evaluate_due
from scenarios.notifying.delivering import prune_deliveries
from scenarios.photos.tidying import tidy_photos
from scenarios.reports.flood import prune_attempts
from scenarios.reports.forgetting import forget_reporters
from scenarios.reports.lateness import tell_late_reports
from scenarios.reports.shares import record_shares
from scenarios.tasks.escalating import escalate_tasks
from tiles.companions import refresh_companions, stale_layers

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Step:
    """Something done again and again in a thread; it must be safe to do twice, and to be killed half-way."""

    name: str
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


def periodic_steps(database: Database, settings: Settings, writer: Engine) -> Sequence[Step]:
    """The steps that the worker repeats.

    Args:
        database: Where the steps that come seldom open a connection of their own.
        settings: What the environment decides.
        writer: Engine of ``diaban_writer`` that keeps its connections, for the steps that come every few seconds.
    """
    uploads = UploadWorker(database, settings)
    calendar = work_calendar(settings)
    courier = Courier(writer, senders_of(settings), settings.public_url, _now)
    return (
        Step("jobs_moved", lambda: _move_outbox(writer), every_s=0.5),
        # Whoever looks at the board sees an alert within two seconds of the observation that causes it.
        Step("rules_evaluated", lambda: evaluate_due(writer, _now, calendar), every_s=0.5),
        Step("uploads_due", uploads.tick, every_s=2.0),
        Step("uploads_tidied", uploads.tidy, every_s=60.0),
        Step("jobs_expired", lambda: expire_jobs(database, settings.exports_dir), every_s=60.0),
        Step("tiles_refreshed", lambda: _refresh_tiles(writer), every_s=2.0),
        Step("audit_sealed", lambda: seal(writer), every_s=SEAL_EVERY_S),
        Step("live_events_pruned", lambda: _prune_live(writer), every_s=600.0),
        Step("tasks_escalated", lambda: _escalate(writer, settings), every_s=30.0),
        Step("reports_late_told", lambda: _tell_late(writer), every_s=30.0),
        Step("deliveries_carried", courier.step, every_s=1.0),
        Step("deliveries_pruned", lambda: _prune_deliveries(writer), every_s=3600.0),
        Step("reporters_forgotten", lambda: _forget_reporters(writer, settings), every_s=3600.0),
        Step("photos_tidied", lambda: _tidy_photos(writer, settings), every_s=600.0),
        Step("report_shares_recorded", lambda: _record_shares(writer), every_s=900.0),
        Step("reminders_given", lambda: _remind(writer), every_s=REMIND_EVERY_S),
        Step("idle_accounts_closed", lambda: _close_idle(database, settings), every_s=3600.0),
        Step("personal_data_expired", lambda: _end_keeping(database), every_s=3600.0),
        Step("audit_checkpointed", lambda: keep_checkpoints(database, settings), every_s=CHECKPOINT_EVERY_S),
        Step("backups_due", BackupRounds(settings).tick, every_s=BACKUP_EVERY_S),
    )


def _now() -> datetime:
    return datetime.now(UTC)


def _move_outbox(writer: Engine) -> None:
    with writer.begin() as connection:
        moved = move_outbox(connection)
    if moved:
        log.info("jobs_queued", count=moved)


def _refresh_tiles(writer: Engine) -> None:
    """Brings the companions of low zooms after the publications that did not bring them along, such as edits."""
    with writer.connect() as connection:
        stale = stale_layers(connection)
    for slug in stale:
        with writer.begin() as connection:
            refreshed = refresh_companions(connection, slug)
        if refreshed is not None:
            log.info("tiles_refreshed", layer=slug, revision=refreshed.revision, cells=refreshed.cells)


def _escalate(writer: Engine, settings: Settings) -> None:
    """Reports late tasks upwards."""
    with writer.begin() as connection:
        count = escalate_tasks(connection, datetime.now(UTC), settings.task_escalates_every)
    if count:
        log.info("tasks_escalated", count=count)


def _tell_late(writer: Engine) -> None:
    """Tells of late field reports, and forgets whose addresses are not counted any more."""
    now = datetime.now(UTC)
    with writer.begin() as connection:
        count = tell_late_reports(connection, now)
        prune_attempts(connection, now)
    if count:
        log.info("reports_late_told", count=count)


def _forget_reporters(writer: Engine, settings: Settings) -> None:
    """Forgets who sent reports that were closed long ago."""
    if not settings.reporters_kept_days:
        return
    with writer.begin() as connection:
        count = forget_reporters(connection, datetime.now(UTC), timedelta(days=settings.reporters_kept_days))
    if count:
        log.info("reporters_forgotten", count=count)


def _tidy_photos(writer: Engine, settings: Settings) -> None:
    """Removes what killed processes and refused reports have left of photos."""
    with writer.connect() as connection:
        count = tidy_photos(connection, settings.photos_dir, datetime.now(UTC))
    if count:
        log.info("photos_tidied", count=count)


def _record_shares(writer: Engine) -> None:
    """Records the indicators of field reports; rules over them are evaluated like any other's."""
    with writer.begin() as connection:
        recorded = record_shares(connection, datetime.now(UTC))
    if recorded.added or recorded.corrected:
        log.info("report_shares_recorded", added=recorded.added, corrected=recorded.corrected)


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


def _remind(writer: Engine) -> None:
    """Reminds of parts of layers that are to be renewed."""
    with writer.begin() as connection:
        count = remind(connection, _now())
    if count:
        log.info("reminders_given", count=count)


def _prune_live(writer: Engine) -> None:
    with writer.begin() as connection:
        prune_events(connection)


def _prune_deliveries(writer: Engine) -> None:
    with writer.begin() as connection:
        prune_deliveries(connection, _now())


def _end_keeping(database: Database) -> None:
    """Takes out personal values that have been kept as long as their layer says."""
    engine = database.engine("diaban_owner")
    with engine.begin() as connection:
        count = end_keeping(connection, _now(), author="diaban worker")
    if count:
        # What was destroyed is kept on record outside the database too, once it is certain.
        with engine.begin() as connection:
            keep_erasures(connection)
        log.info("personal_data_expired", rows=count)
    engine.dispose()
