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
from layers.access import Grant, Scope
from layers.errors import JobNotFound, LayerError, RightsChanged
from layers.grants import account_of, load_scope
from layers.jobs import MAX_ATTEMPTS, Job, JobStore
from layers.rights import right_from_json, right_to_json
from spatial.errors import SpatialError

_NOBODY = Scope.public().subject


def require_asker(job: Job, scope: Scope) -> None:
    """Lets a job be seen by whoever asked for it; what the public asked for belongs to whoever knows its id.

    Raises:
        JobNotFound: Another person asked for it; the answer is that of a job that is not there.
    """
    if job.scope["subject"] not in (scope.subject, _NOBODY):
        raise JobNotFound(str(job.id))


def scope_document(scope: Scope) -> dict[str, object]:
    """A scope as a job keeps it."""
    return {
        "subject": scope.subject,
        "grants": [
            {"right": right_to_json(grant.right), "units": None if grant.units is None else sorted(grant.units)}
            for grant in scope.grants
        ],
    }


def scope_of(document: Mapping[str, Any]) -> Scope:
    """The scope that a job keeps, as it was when the job was asked for."""
    grants = (
        Grant(right_from_json(given["right"]), None if given["units"] is None else frozenset(given["units"]))
        for given in document["grants"]
    )
    return Scope(document["subject"], tuple(grants))


def checked_scope(database: Database, document: Mapping[str, Any]) -> Scope:
    """The scope that a job keeps, where its account still holds all of it.

    Raises:
        RightsChanged: Since the job was asked for, a right to read has ended or has become narrower.
    """
    kept = scope_of(document)
    account = account_of(kept)
    if account is None:
        return kept
    engine = database.engine("diaban_writer")
    with engine.connect() as connection:
        now = load_scope(connection, account).scope
    engine.dispose()
    reaches = ((kept.reach(slug, kind), now.reach(slug, kind)) for slug, kind in now.layers.items())
    if not all(then.is_within(today) for then, today in reaches):
        raise RightsChanged
    return kept


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
