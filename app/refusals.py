"""Refusals for want of a right, written into the audit trail before they are answered."""

from __future__ import annotations

import asyncpg
import structlog
from starlette.requests import Request

from app.client_address import source_of
from app.resources import get_resources, get_scope
from layers.audit import Event, Outcome, record_event_async
from layers.rights import NotAllowed

log = structlog.get_logger(__name__)
PATIENCE_S = 5.0


async def record_refusal(request: Request, error: NotAllowed) -> None:
    """Writes who was refused what; a database that is away must not turn a refusal into permission or an error."""
    kind = "area" if error.target.startswith("@") else "layer"
    event = Event(
        (await get_scope(request)).subject,
        "access_refused",
        kind,
        error.target,
        Outcome.REFUSED,
        source=source_of(request),
        detail={"action": error.action.value, "method": request.method, "route": _route(request)},
    )
    resources = await get_resources(request)
    try:
        async with resources.writer.acquire(timeout=PATIENCE_S) as connection:
            await record_event_async(connection, event)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as failure:
        log.error("refusal_not_recorded", error=type(failure).__name__, route=_route(request))


def _route(request: Request) -> str:
    """The route's template: a path may hold what somebody typed."""
    return str(getattr(request.scope.get("route"), "path", "unknown"))
