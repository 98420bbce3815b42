"""Routes that run the process ``ask``, at once or as a job (OGC API - Processes Part 1, 7.11 to 7.13)."""

from __future__ import annotations

from typing import Any, Final

import orjson
from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from app.client_address import source_of
from app.jobs import scope_document
from app.ogc.config import PROCESS_ID
from app.ogc.process_jobs import jobs_url, process_results, status_info
from app.problems import BadParameter, problem
from app.resources import Resources, ResourcesOf, ScopeOf
from layers.access import Scope
from layers.answer_formats import MEDIA_TYPES, write_answer
from layers.ask import ask
from layers.jobs import JobKind, add_job, get_job
from layers.question_layers import check_layers
from spatial.question import parse_question

router = APIRouter(prefix="/ogc", include_in_schema=False)
_EXECUTION_MEMBERS: Final = ("inputs", "outputs", "response")


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
    least = resources.settings.small_count
    answer = await ask(resources.gate, resources.catalogue, scope, question, resources.statements, least_group=least)
    return process_results(write_answer(answer), MEDIA_TYPES[question.format], whole=whole)


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
    headers = {"Location": f"{jobs_url(resources)}/{job.id}", "Preference-Applied": "respond-async"}
    return JSONResponse(status_info(job, jobs_url(resources)), 201, headers=headers)
