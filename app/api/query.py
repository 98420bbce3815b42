"""Spatial questions over HTTP: by point, zone, radius, route and administrative boundary."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Request
from starlette.responses import Response

from app.problems import BadParameter
from app.resources import ResourcesOf, ScopeOf
from layers.answer_formats import MEDIA_TYPES, write_answer
from layers.ask import ask
from spatial.question import parse_question

router = APIRouter(prefix="/api", tags=["query"])

EXAMPLE = {
    "layer": "schools",
    "where": [{"radius": {"of": [107.15, 11.05], "metres": 3000}}],
    "figures": {"by": ["level"], "values": [{"op": "count"}]},
    "features": {"limit": 10},
    "format": "json",
}


@router.post("/query", summary="Hỏi bản đồ · Ask the map")
async def post_query(
    request: Request,
    resources: ResourcesOf,
    scope: ScopeOf,
    document: Annotated[dict[str, object] | None, Body(examples=[EXAMPLE])] = None,
) -> Response:
    """Answers one question of any layer: features, exact totals and figures by group."""
    if document is None:
        raise BadParameter(
            "body",
            "Hãy gửi câu hỏi dạng JSON; ví dụ có trong /docs.",
            "Send the question as JSON; /docs has an example.",
        )
    question = parse_question(document)
    answer = await ask(resources.gate, resources.catalogue, scope, question, resources.statements)
    body = write_answer(answer)
    return Response(body, media_type=MEDIA_TYPES[answer.question.format])
