"""Routes that run the process ``ask``, at once or as a job (OGC API - Processes Part 1, 7.11 to 7.13)."""

from __future__ import annotations

import base64
from typing import Any, Final
from uuid import UUID

import orjson
from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from app.client_address import source_of
from app.jobs import scope_document
from app.ogc.config import PROCESS_ID
from app.problems import BadParameter, problem
from app.resources import Resources, ResourcesOf, ScopeOf
from layers.access import Scope
from layers.answer_formats import MEDIA_TYPES, write_answer
from layers.ask import ask
from layers.errors import FileExpired, FileNotReady, JobNotFound
from layers.jobs import Job, JobKind, JobStatus, add_job, get_job
from layers.question_layers import check_layers
from spatial.question import parse_question

router = APIRouter(prefix="/ogc", include_in_schema=False)
_EXECUTION_MEMBERS: Final = ("inputs", "outputs", "response")
_RESULTS: Final = "http://www.opengis.net/def/rel/ogc/1.0/results"
_STATUSES: Final = {
    JobStatus.QUEUED: "accepted",
    JobStatus.RUNNING: "running",
    JobStatus.SUCCEEDED: "successful",
    JobStatus.EXPIRED: "dismissed",
    JobStatus.FAILED: "failed",
}


@router.post("/processes/{process_id}/execution")
async def execute(request: Request, resources: ResourcesOf, scope: ScopeOf, process_id: str) -> Response:
    """Answers a question, or queues it where the client prefers not to wait."""
    if process_id != PROCESS_ID:
        return problem(
            request,
            404,
            f"Không có quy trình “{process_id[:60]}”. Hãy dùng {PROCESS_ID}.",
            f'There is no process "{process_id[:60]}". Use {PROCESS_ID}.',
            kind="http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/no-such-process",
        )
    inputs, whole = _read_execution(await request.body())
    question = parse_question(inputs)
    check_layers(resources.catalogue, scope, question)
    if "respond-async" in request.headers.get("prefer", "").lower():
        return await _queue(request, resources, scope, {"inputs": inputs, "document": whole})
    answer = await ask(resources.gate, resources.catalogue, scope, question, resources.statements)
    return _results(write_answer(answer), MEDIA_TYPES[question.format], whole=whole)


def _read_execution(body: bytes) -> tuple[dict[str, Any], bool]:
    """The inputs, and whether the answer is wanted inside a document rather than as it is."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        document = None
    if not isinstance(document, dict) or not isinstance(document.get("inputs"), dict):
        raise _bad("inputs", "một đối tượng JSON", "a JSON object")
    unknown = [name for name in document if name not in _EXECUTION_MEMBERS]
    if unknown:
        raise _bad(str(unknown[0])[:60], "bỏ đi", "left out")
    outputs = document.get("outputs", {})
    if not isinstance(outputs, dict) or set(outputs) - {"answer"}:
        raise _bad("outputs", '{"answer": {}}', '{"answer": {}}')
    response = document.get("response", "raw")
    if response not in ("raw", "document"):
        raise _bad("response", "raw hoặc document", "raw or document")
    return document["inputs"], response == "document"


def _bad(name: str, vi: str, en: str) -> BadParameter:
    return BadParameter(name, f"“{name}” phải là {vi}.", f'"{name}" must be {en}.')


async def _queue(request: Request, resources: Resources, scope: Scope, asked: dict[str, Any]) -> Response:
    async with resources.writer.acquire() as connection:
        source = source_of(request)
        job_id = await add_job(connection, JobKind.ASK, asked, scope_document(scope), source=source)
        job = await get_job(connection, JobKind.ASK, job_id)
    headers = {"Location": f"{_url(resources)}/{job.id}", "Preference-Applied": "respond-async"}
    return JSONResponse(status_info(job, _url(resources)), 201, headers=headers)


@router.get("/jobs/{job_id}")
async def get_status(resources: ResourcesOf, scope: ScopeOf, job_id: str) -> Response:
    """How far a job is. There is no list of jobs: an id is known to its asker only."""
    job = await _find(resources, job_id)
    return JSONResponse(status_info(job, _url(resources)), headers={"Cache-Control": "no-store"})


@router.get("/jobs/{job_id}/results")
async def get_results(request: Request, resources: ResourcesOf, scope: ScopeOf, job_id: str) -> Response:
    """What a job made."""
    job = await _find(resources, job_id)
    if job.status is JobStatus.EXPIRED:
        raise FileExpired
    if job.status is JobStatus.FAILED and job.error is not None:
        return problem(request, 400, job.error["vi"], job.error["en"], kind="job-failed")
    path = resources.settings.exports_dir / str(job.id) / str((job.result or {}).get("name"))
    if job.result is None or not path.is_file():
        raise FileNotReady(job.status.value)
    return _results(path.read_bytes(), str(job.result["media_type"]), whole=bool(job.request["document"]))


async def _find(resources: Resources, text: str) -> Job:
    try:
        job_id = UUID(text)
    except ValueError:
        raise JobNotFound(text[:60]) from None
    async with resources.writer.acquire() as connection:
        return await get_job(connection, JobKind.ASK, job_id)


def _url(resources: Resources) -> str:
    return f"{resources.settings.public_url}/ogc/jobs"


def status_info(job: Job, jobs_url: str) -> dict[str, object]:
    """The status of a job (Part 1, 7.13)."""
    here = f"{jobs_url}/{job.id}"
    links = [{"rel": "self", "type": "application/json", "href": here}]
    if job.status is JobStatus.SUCCEEDED and job.result is not None:
        kind = "application/json" if job.request["document"] else job.result["media_type"]
        links.append({"rel": _RESULTS, "type": kind, "href": f"{here}/results"})
    document: dict[str, object] = {
        "processID": PROCESS_ID,
        "type": "process",
        "jobID": str(job.id),
        "status": _STATUSES[job.status],
        "progress": 100 if job.status is JobStatus.SUCCEEDED else 0,
        "created": job.created_at.isoformat(),
        "links": links,
    }
    for name, moment in (("started", job.started_at), ("finished", job.finished_at)):
        if moment is not None:
            document[name] = moment.isoformat()
    if job.error is not None:
        document["message"] = f"{job.error['vi']} · {job.error['en']}"
    return document


def _results(body: bytes, media_type: str, *, whole: bool) -> Response:
    """The answer as it is, or as the value ``answer`` of a document (Part 1, 7.11.4)."""
    if not whole:
        return Response(body, media_type=media_type)
    value: dict[str, object] = {"mediaType": media_type}
    if media_type.endswith("json"):
        value["value"] = orjson.Fragment(body)
    else:
        value |= {"value": base64.b64encode(body).decode(), "encoding": "base64"}
    return Response(orjson.dumps({"answer": value}), media_type="application/json")
