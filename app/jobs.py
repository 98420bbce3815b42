"""What all jobs share: their scope, their folder, and how they end."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg

from app.database import Database
from app.problems import BadParameter
from layers.access import Scope
from layers.definition import Sensitivity
from layers.errors import LayerError
from layers.jobs import MAX_ATTEMPTS, Job, JobStore
from spatial.errors import SpatialError


def scope_document(scope: Scope) -> dict[str, object]:
    """A scope as a job keeps it."""
    return {
        "subject": scope.subject,
        "classes": sorted(scope.classes),
        "units": None if scope.units is None else sorted(scope.units),
    }


def scope_of(document: Mapping[str, Any]) -> Scope:
    """The scope that a job keeps."""
    units = document["units"]
    return Scope(
        document["subject"],
        frozenset(Sensitivity(name) for name in document["classes"]),
        None if units is None else frozenset(units),
    )


def do_job(
    database: Database, job_id: str, keep: timedelta, work: Callable[[JobStore, Job], Mapping[str, object]]
) -> None:
    """Does a job, or does it again after a crash; one that is finished is left alone. For a worker thread."""
    with psycopg.connect(database.dsn("diaban_writer"), autocommit=True) as connection:
        store = JobStore(connection)
        job = store.begin(job_id)
        if job is None:
            return
        if job.attempts > MAX_ATTEMPTS:
            store.fail(job.id, "Đã thử nhiều lần mà không xong.", "It did not end in several attempts.")
            return
        try:
            store.succeed(job.id, work(store, job), keep=keep)
        except (LayerError, SpatialError, BadParameter) as error:
            store.fail(job.id, error.vi, error.en)
        except Exception:
            store.fail(job.id, "Lỗi của dịch vụ; xin báo quản trị.", "The service failed; tell the administrator.")
            raise


@contextmanager
def fresh_folder(root: Path, job: Job) -> Iterator[Path]:
    """An empty folder that becomes the job's own when the block ends well; leftovers of an attempt are removed."""
    draft, final = root / f"{job.id}.part", root / str(job.id)
    for leftover in (draft, final):
        shutil.rmtree(leftover, ignore_errors=True)
    draft.mkdir(parents=True)
    yield draft
    draft.rename(final)


def expire_jobs(database: Database, root: Path) -> int:
    """Deletes results whose time is over; returns how many. For a worker thread."""
    with psycopg.connect(database.dsn("diaban_writer"), autocommit=True) as connection:
        expired = JobStore(connection).expire()
    for job_id in expired:
        shutil.rmtree(root / job_id, ignore_errors=True)
    return len(expired)
