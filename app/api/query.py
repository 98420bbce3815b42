"""Spatial questions over HTTP: by point, zone, radius, route and administrative boundary."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.api.query_schema import EXAMPLES, QUESTION
from app.problems import BadMediaType
from app.resources import ResourcesOf, ScopeOf
from layers.answer_formats import MEDIA_TYPES, write_answer
from layers.ask import ask
from spatial.question import parse_question
from spatial.question_text import decode_question

router = APIRouter(prefix="/api", tags=["query"])

_PROBLEM = {"application/problem+json": {"schema": {"type": "object"}}}
# The body is read by hand, so that every refusal names its place in the question.
DESCRIBED: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": QUESTION, "examples": EXAMPLES}},
    },
    "responses": {
        "200": {
            "description": "Câu trả lời · the answer",
            "content": {media.partition(";")[0]: {"schema": {}} for media in MEDIA_TYPES.values()},
        },
        "400": {"description": "Câu hỏi không dùng được · the question cannot be asked", "content": _PROBLEM},
        "404": {"description": "Không có lớp hay phiên bản này · no such layer or revision", "content": _PROBLEM},
        "413": {"description": "Quá lớn · too large", "content": _PROBLEM},
        "415": {"description": "Không phải JSON · not JSON", "content": _PROBLEM},
        "503": {"description": "Quá lâu · too slow", "content": _PROBLEM},
    },
}


@router.post("/query", summary="Hỏi bản đồ · Ask the map", openapi_extra=DESCRIBED, response_class=Response)
async def post_query(request: Request, resources: ResourcesOf, scope: ScopeOf) -> Response:
    """Answers one question of any layer: features, exact totals and figures by group."""
    check_media_type(request.headers.get("content-type"))
    question = parse_question(decode_question(await request.body()))
    answer = await ask(
        resources.gate,
        resources.catalogue,
        scope,
        question,
        resources.statements,
        least_group=resources.settings.small_count,
    )
    body = write_answer(answer)
    return Response(body, media_type=MEDIA_TYPES[answer.question.format])


def check_media_type(given: str | None) -> None:
    """Refuses a body that does not say it is JSON.

    Raises:
        BadMediaType: It says that it is something else.
    """
    media = (given or "application/json").partition(";")[0].strip().lower()
    if media != "application/json" and not (media.startswith("application/") and media.endswith("+json")):
        raise BadMediaType(media)
