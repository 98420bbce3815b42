"""The worker's part: checks and publications as jobs, and what is done again and again."""

from __future__ import annotations

import shutil
import time
from datetime import timedelta
from uuid import UUID

import structlog

from app.database import Database
from app.jobs import do_job
from app.settings import Settings
from app.uploads.forms import INCOMING
from app.uploads.opening import open_desk
from app.uploads.watching import watch_once
from layers.jobs import Job, JobStore
from layers.uploads.checking import check_upload, failed_checks, refuse
from layers.uploads.decisions import publish_due
from layers.uploads.desk import Desk
from layers.uploads.publishing import bring_back, publish_upload, unfinished_publications
from layers.uploads.receiving import give_up_unfinished

KEEP_RESULTS = timedelta(days=30)
STALE_S = 24 * 3600
log = structlog.get_logger(__name__)


class UploadWorker:
    """Does jobs on uploads; every method belongs into a worker thread."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self.database = database
        self.settings = settings
        # One engine for all rounds: it keeps no connection open between them.
        self._opened = open_desk(database.engine("diaban_writer"), settings)

    def check(self, job_id: str) -> None:
        """Reads and compares an upload."""
        do_job(self.database, job_id, KEEP_RESULTS, self._check)

    def publish(self, job_id: str) -> None:
        """Publishes an approved upload."""
        do_job(self.database, job_id, KEEP_RESULTS, self._publish)

    def _check(self, store: JobStore, job: Job) -> dict[str, object]:
        upload_id = UUID(job.request["upload_id"])
        check_upload(self._desk(), upload_id, lambda done, total: store.progress(job.id, done, total))
        log.info("upload_checked", upload=str(upload_id))
        return {"upload_id": str(upload_id)}

    def _publish(self, store: JobStore, job: Job) -> dict[str, object]:
        upload_id = UUID(job.request["upload_id"])
        done = publish_upload(self._desk(), upload_id, lambda at, total: store.progress(job.id, at, total))
        if done is None:
            return {"upload_id": str(upload_id)}
        log.info("upload_published", upload=str(upload_id), layer=done.slug, revision=done.revision)
        return {"upload_id": str(upload_id), "revision": done.revision}

    def _desk(self) -> Desk:
        return self._opened

    def tick(self) -> None:
        """Starts publications whose time has come, and takes in what lies in the watched folder."""
        desk = self._desk()
        publish_due(desk)
        watch_once(desk, self.settings)

    def tidy(self) -> None:
        """Ends what has stopped half-way for good: files that stopped coming, jobs that failed too often."""
        desk = self._desk()
        give_up_unfinished(desk, lambda upload: log.info("upload_given_up", upload=str(upload.id)))
        with desk.engine.connect() as connection:
            checks, publications = failed_checks(connection), unfinished_publications(connection)
        for upload_id in checks:
            vi = "Kiểm tra nhiều lần không xong; tệp gốc vẫn còn. Hãy báo quản trị viên, hoặc gửi lại tệp."
            refuse(desk, upload_id, vi, "The check failed several times; the original is kept. Send it again.")
        for upload_id in publications:
            bring_back(desk, upload_id)
        self._sweep(desk)

    def _sweep(self, desk: Desk) -> None:
        """Removes the bytes of requests that a killed process left behind."""
        folder = desk.shelf.root / INCOMING
        for left in folder.iterdir() if folder.is_dir() else ():
            if time.time() - left.stat().st_mtime > STALE_S:
                shutil.rmtree(left, ignore_errors=True)
