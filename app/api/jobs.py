"""Background jobs over HTTP, for those who run the service."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated
from uuid import UUID

import anyio
import orjson
from fastapi import APIRouter, Query, Request
from sqlalchemy import Engine
from starlette.responses import Response

from app.client_address import source_of
from app.resources import Principal, ResourcesOf, SignedIn
from layers.job_keeping import MOST, count_jobs, list_all_jobs, retry_job
from layers.jobs import JobKind, JobStatus
from layers.rights import Action, Area, NotAllowed

router = APIRouter(prefix="/api/jobs", tags=["operations"])


@router.get("", summary="Các việc chạy nền · Background jobs")
async def get_jobs(
    resources: ResourcesOf,
    principal: SignedIn,
    status: JobStatus | None = None,
    kind: JobKind | None = None,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 100,
) -> Response:
    """Jobs of everybody, newest first, and how many stand in each state; what was asked for is not shown."""
    _require(principal, Action.READ)

    def read(engine: Engine) -> dict[str, object]:
        with engine.connect() as connection:
            jobs = list_all_jobs(connection, status=status, kind=kind, limit=limit)
            return {"counts": count_jobs(connection), "jobs": [asdict(job) for job in jobs]}

    document = await anyio.to_thread.run_sync(read, resources.editing)
    return Response(orjson.dumps(document), media_type="application/json", headers={"Cache-Control": "no-store"})


@router.post("/{job_id}/retry", status_code=204, summary="Chạy lại việc đã thất bại · Try a failed job again")
async def post_retry(request: Request, resources: ResourcesOf, principal: SignedIn, job_id: UUID) -> Response:
    """Queues a failed job anew, with the rights of whoever asked for it then."""
    _require(principal, Action.EDIT)

    def run(engine: Engine) -> None:
        with engine.begin() as connection:
            retry_job(connection, job_id, principal.subject, source=source_of(request))

    await anyio.to_thread.run_sync(run, resources.editing)
    return Response(status_code=204)


def _require(principal: Principal, action: Action) -> None:
    if not principal.scope.may(action, Area.OPERATIONS):
        raise NotAllowed(action, Area.OPERATIONS)
