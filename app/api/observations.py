"""Observations and targets over HTTP: sent as JSON or CSV, good rows taken in, the others told by row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict

import anyio
import orjson
from fastapi import APIRouter, Request
from sqlalchemy import Engine
from starlette.responses import Response

from app.client_address import source_of
from app.observing.rows import Form, read_rows
from app.resources import Resources, ResourcesOf, SignedIn
from layers.access import Scope
from scenarios.observations.observation import Kept, Observation, Recorded, Refused
from scenarios.observations.recording import record_observations

router = APIRouter(prefix="/api", tags=["indicators"])
_FRESH = {"Cache-Control": "no-store"}


@router.post("/observations", summary="Gửi số liệu quan sát · Send observations")
async def post_observations(request: Request, resources: ResourcesOf, principal: SignedIn) -> Response:
    """Takes values in: ``{"observations": [...]}``, a bare list, or CSV or XLSX with the same names as its heading."""
    return await _record(request, resources, principal.scope, Kept.OBSERVATION)


@router.post("/targets", summary="Gửi kế hoạch · Send targets")
async def post_targets(request: Request, resources: ResourcesOf, principal: SignedIn) -> Response:
    """The same for planned values; ``at`` is any moment of the period planned for."""
    return await _record(request, resources, principal.scope, Kept.TARGET)


async def _record(request: Request, resources: Resources, scope: Scope, kept: Kept) -> Response:
    body = await request.body()
    form = Form.of(request.headers.get("content-type", ""))
    rows, malformed = await anyio.to_thread.run_sync(read_rows, body, form)
    address = source_of(request)
    recorded = await anyio.to_thread.run_sync(_keep, resources.editing, scope, rows, kept, address)
    refused = sorted([*malformed, *_renumbered(recorded.refused, rows)], key=lambda row: row.row)
    document = {
        "added": recorded.added,
        "corrected": recorded.corrected,
        "same": recorded.same,
        "refused": [asdict(row) for row in refused],
    }
    return Response(orjson.dumps(document), media_type="application/json", headers=_FRESH)


def _keep(
    engine: Engine, scope: Scope, rows: list[tuple[int, Observation]], kept: Kept, address: str | None
) -> Recorded:
    with engine.begin() as connection:
        given = [row for _, row in rows]
        return record_observations(connection, scope, given, source=f"api:{scope.subject}", kept=kept, address=address)


def _renumbered(refused: Iterable[Refused], rows: list[tuple[int, Observation]]) -> Iterator[Refused]:
    """Row numbers as the sender counts them, malformed rows included."""
    for row in refused:
        yield Refused(rows[row.row - 1][0], row.field, row.vi, row.en)
