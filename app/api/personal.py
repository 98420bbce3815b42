"""Personal fields of a feature over HTTP: masked, or in full for a purpose and a reason that stay on record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import anyio
import orjson
import structlog
from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection, Engine
from starlette.responses import Response

from app.client_address import source_of
from app.personal_health import personal_limits
from app.resources import ResourcesOf, SignedIn
from layers.personal.counts import PeopleCounts, count_people
from layers.personal.errors import PersonalKeyError
from layers.personal.reading import LONGEST_REASON, SHORTEST_REASON, Opened, Purpose, Why, open_in_full, read_masked
from layers.personal.requests import count_requests
from layers.rights import Action, Area, NotAllowed
from scenarios.work.calendar import local_day

router = APIRouter(prefix="/api/layers", tags=["personal"])
counts_router = APIRouter(prefix="/api/personal", tags=["personal"])
log = structlog.get_logger(__name__)
_HEADERS = {"Cache-Control": "no-store"}
_BIGGEST = 2**63 - 1
Fid = Annotated[int, Path(ge=0, le=_BIGGEST)]


@counts_router.get("/counts", summary="Số chủ thể dữ liệu · How many persons' values are held")
async def get_counts(resources: ResourcesOf, principal: SignedIn) -> Response:
    """Persons in all and by layer, what the approved level allows, and requests that wait; for who runs the service."""
    if not principal.scope.may(Action.READ, Area.OPERATIONS):
        raise NotAllowed(Action.READ, Area.OPERATIONS)
    limits, today = personal_limits(resources.settings), local_day(datetime.now(UTC))

    def count() -> tuple[PeopleCounts, tuple[int, int]]:
        with resources.editing.connect() as connection:
            return count_people(connection), count_requests(connection, today)

    counts, (waiting, late) = await anyio.to_thread.run_sync(count)
    seen = {layer.slug for layer in resources.catalogue.visible(principal.scope)}
    document = {
        "people": counts.people,
        "sensitive": counts.sensitive,
        "by_layer": {slug: number for slug, number in counts.by_layer.items() if slug in seen},
        "limits": asdict(limits),
        "near_limit": counts.warnings(limits),
        "requests": {"waiting": waiting, "late": late},
    }
    return Response(orjson.dumps(document), media_type="application/json", headers=_HEADERS)


class OpenBody(BaseModel):
    """Why personal values are opened in full."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    purpose: Annotated[Purpose, Field(description="Mục đích · one of the list")]
    reason: Annotated[
        str,
        Field(
            min_length=SHORTEST_REASON,
            max_length=LONGEST_REASON,
            pattern=r"^[^\x00-\x1f]*$",
            description="Lý do, ví dụ số hồ sơ · in words, such as the dossier's number",
        ),
    ]


@router.get("/{slug}/features/{fid}/personal", summary="Thông tin cá nhân, đã che · Personal fields, masked")
async def get_personal(resources: ResourcesOf, principal: SignedIn, slug: str, fid: Fid) -> Response:
    """Personal fields of a feature with all but a few characters replaced, for those with the right to see so much."""
    definition, scope = resources.catalogue.get(slug, principal.scope).definition, principal.scope
    opened = await _opened(resources.opening, lambda c: read_masked(c, scope, definition, fid))
    return _json(opened, masked=True)


@router.post("/{slug}/features/{fid}/personal", summary="Xem đầy đủ thông tin cá nhân · Open personal fields in full")
async def post_personal(
    request: Request, resources: ResourcesOf, principal: SignedIn, slug: str, fid: Fid, body: OpenBody
) -> Response:
    """Personal fields in full, for those with the right; who opened what and why stays on record."""
    definition, scope = resources.catalogue.get(slug, principal.scope).definition, principal.scope
    why = Why(body.purpose, body.reason, source_of(request))
    most = resources.settings.personal_views_per_hour
    opened = await _opened(
        resources.opening, lambda c: open_in_full(c, scope, definition, fid, why, most_in_an_hour=most)
    )
    return _json(opened, masked=False)


async def _opened(engine: Engine, work: Callable[[Connection], Opened]) -> Opened:
    def run() -> Opened:
        with engine.begin() as connection:
            return work(connection)

    try:
        return await anyio.to_thread.run_sync(run)
    except PersonalKeyError as error:
        log.error("personal_data_unreadable", error=type(error).__name__, what=error.en)
        raise


def _json(opened: Opened, *, masked: bool) -> Response:
    document = asdict(opened)
    document["layer"] = document.pop("slug")
    body = orjson.dumps({**document, "masked": masked})
    return Response(body, media_type="application/json", headers=_HEADERS)
