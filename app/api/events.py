"""Live events over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header
from starlette.responses import Response

from app.live.stream import LiveStream
from app.resources import ResourcesOf, ScopeOf

router = APIRouter(prefix="/api/events", tags=["events"])


@router.get("", summary="Sự kiện trực tiếp · Live events", response_class=Response)
async def get_events(
    resources: ResourcesOf,
    scope: ScopeOf,
    last_event_id: Annotated[str | None, Header(description="id cuối đã nhận · the last id received")] = None,
) -> Response:
    """Server-sent events of what the reader may see: alerts, tasks, layers, uploads, notices.

    The stream ends every minute and a browser comes again by itself, with ``Last-Event-ID``: it is told what it missed,
    or ``reload`` where that is too much or too long ago.
    """
    return LiveStream(resources, scope, last_event_id or None)
