"""The jobs of the process ``ask``: listed, followed, read and dismissed (OGC API - Processes Part 1, 7.13 to 7.16)."""

from __future__ import annotations

import base64
from typing import Final
from uuid import UUID

import orjson
from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from app.client_address import source_of
from app.jobs import require_asker
from app.ogc.config import PROCESS_ID
from app.ogc.params import single_values
from app.problems import BadParameter, problem
from app.resources import Resources, ResourcesOf, ScopeOf
from layers.access import Scope
from layers.errors import FileExpired, FileNotReady, JobNotFound
from layers.jobs import Job, JobKind, JobStatus, dismiss_job, get_job, list_jobs

router = APIRouter(prefix="/ogc", include_in_schema=False)
MAX_LISTED: Final = 1_000
_LISTED: Final = 100
_NOBODY: Final = Scope.public().subject
_RESULTS: Final = "http://www.opengis.net/def/rel/ogc/1.0/results"
_NO_STORE: Final = {"Cache-Control": "no-store"}
_STATUSES: Final = {
    JobStatus.QUEUED: "accepted",
    JobStatus.RUNNING: "running",
    JobStatus.SUCCEEDED: "successful",
    JobStatus.EXPIRED: "dismissed",
    JobStatus.FAILED: "failed",
}


@router.api_route("/jobs", methods=["GET", "HEAD"])
async def get_jobs(request: Request, resources: ResourcesOf, scope: ScopeOf) -> Response:
    """The reader's own jobs, newest first (Part 1, 7.14); those of the public belong to whoever knows an id."""
    asked = single_values(request, ("limit", "status", "processID", "type", "f", "lang"))
    limit, states = _limit(asked.get("limit")), _states(asked.get("status"))
    jobs: list[Job] = []
    ours = asked.get("processID", PROCESS_ID) == PROCESS_ID and asked.get("type", "process") == "process"
    if ours and scope.subject != _NOBODY:
        async with resources.writer.acquire() as connection:
            jobs = await list_jobs(connection, JobKind.ASK, scope.subject, states, limit)
    url = jobs_url(resources)
    links = [{"rel": "self", "type": "application/json", "href": url}]
    return JSONResponse({"jobs": [status_info(job, url) for job in jobs], "links": links}, headers=_NO_STORE)


@router.get("/jobs/{job_id}")
async def get_status(resources: ResourcesOf, scope: ScopeOf, job_id: str) -> Response:
    """How far a job is."""
    job = await _find(resources, scope, job_id)
    return JSONResponse(status_info(job, jobs_url(resources)), headers=_NO_STORE)


@router.delete("/jobs/{job_id}")
async def delete_job(request: Request, resources: ResourcesOf, scope: ScopeOf, job_id: str) -> Response:
    """Dismisses a job: one that waits never begins, what one made is deleted (Part 1, 7.16)."""
    job = await _find(resources, scope, job_id)
    async with resources.writer.acquire() as connection:
        dismissed = await dismiss_job(connection, job, scope.subject, source=source_of(request))
    return JSONResponse(status_info(dismissed, jobs_url(resources)), headers=_NO_STORE)


@router.get("/jobs/{job_id}/results")
async def get_results(request: Request, resources: ResourcesOf, scope: ScopeOf, job_id: str) -> Response:
    """What a job made."""
    job = await _find(resources, scope, job_id)
    if job.is_dismissed:
        raise FileExpired
    if job.status is JobStatus.FAILED and job.error is not None:
        return problem(request, 400, job.error["vi"], job.error["en"], kind="job-failed")
    path = resources.settings.exports_dir / str(job.id) / str((job.result or {}).get("name"))
    if job.result is None or not path.is_file():
        raise FileNotReady(job.status.value)
    return process_results(path.read_bytes(), str(job.result["media_type"]), whole=bool(job.request["document"]))


def _limit(text: str | None) -> int:
    if text is None:
        return _LISTED
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= MAX_LISTED):
        raise BadParameter(
            "limit",
            f"“limit” phải là số nguyên từ 1 đến {MAX_LISTED}.",
            f'"limit" must be a whole number from 1 to {MAX_LISTED}.',
        )
    return int(text)


def _states(text: str | None) -> list[JobStatus]:
    """The states meant by the parameter ``status``, a comma-separated list of the standard's words."""
    if text is None:
        return list(JobStatus)
    words = text.split(",")
    if unknown := [word for word in words if word not in _STATUSES.values()]:
        listed = ", ".join(_STATUSES.values())
        raise BadParameter(
            "status",
            f"“{unknown[0][:60]}” không phải trạng thái. Các trạng thái: {listed}.",
            f'"{unknown[0][:60]}" is no status. Use: {listed}.',
        )
    return [status for status, word in _STATUSES.items() if word in words]


async def _find(resources: Resources, scope: Scope, text: str) -> Job:
    """The job of this id where it is the reader's own, or nobody's.

    Raises:
        JobNotFound: There is none, or another person asked for it.
    """
    try:
        job_id = UUID(text)
    except ValueError:
        raise JobNotFound(text[:60]) from None
    async with resources.writer.acquire() as connection:
        job = await get_job(connection, JobKind.ASK, job_id)
    require_asker(job, scope)
    return job


def jobs_url(resources: Resources) -> str:
    """Address of the list of jobs."""
    return f"{resources.settings.public_url}/ogc/jobs"


def status_info(job: Job, url: str) -> dict[str, object]:
    """The status of a job (Part 1, 7.13).

    Args:
        job: The job.
        url: Address of the list of jobs.
    """
    here = f"{url}/{job.id}"
    links = [{"rel": "self", "type": "application/json", "href": here}]
    succeeded = job.status is JobStatus.SUCCEEDED and not job.is_dismissed
    if succeeded and job.result is not None:
        kind = "application/json" if job.request["document"] else job.result["media_type"]
        links.append({"rel": _RESULTS, "type": kind, "href": f"{here}/results"})
    document: dict[str, object] = {
        "processID": PROCESS_ID,
        "type": "process",
        "jobID": str(job.id),
        "status": "dismissed" if job.is_dismissed else _STATUSES[job.status],
        "progress": 100 if succeeded else 0,
        "created": job.created_at.isoformat(),
        "links": links,
    }
    for name, moment in (("started", job.started_at), ("finished", job.finished_at)):
        if moment is not None:
            document[name] = moment.isoformat()
    if job.error is not None:
        document["message"] = f"{job.error['vi']} · {job.error['en']}"
    return document


def process_results(body: bytes, media_type: str, *, whole: bool) -> Response:
    """The answer as it is, or as the value ``answer`` of a document (Part 1, 7.11.4)."""
    if not whole:
        return Response(body, media_type=media_type)
    value: dict[str, object] = {"mediaType": media_type}
    if media_type.endswith("json"):
        value["value"] = orjson.Fragment(body)
    else:
        value |= {"value": base64.b64encode(body).decode(), "encoding": "base64"}
    return Response(orjson.dumps({"answer": value}), media_type="application/json")
