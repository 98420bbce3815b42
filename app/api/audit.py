"""The audit trail over HTTP: events looked up, newest first, as JSON or CSV, by those who may read them."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict
from typing import Annotated, Literal
from urllib.parse import urlencode

import orjson
from fastapi import APIRouter, Query, Request
from starlette.responses import JSONResponse, Response

from app.client_address import source_of
from app.moment import Moment
from app.ogc.pages import BOM
from app.resources import ResourcesOf, SignedIn
from layers.audit import Event, record_event_async
from layers.audit.listing import EventFilter, ListedEvent, list_events_async
from layers.audit.log import HEAD_SQL
from layers.rights import Action, Area, NotAllowed

router = APIRouter(prefix="/api/audit", tags=["audit"])
Text = Annotated[str | None, Query(max_length=200)]
_COLUMNS = (
    *("seq", "id", "at", "actor", "action", "object_kind", "object_id", "outcome", "unit_code", "source"),
    *("detail", "hash"),
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@router.get("", summary="Nhật ký kiểm toán · The audit trail")
async def get_events(
    request: Request,
    resources: ResourcesOf,
    principal: SignedIn,
    actor: Text = None,
    action: Text = None,
    object_kind: Text = None,
    object_id: Text = None,
    outcome: Annotated[Literal["done", "refused"] | None, Query()] = None,
    unit_code: Text = None,
    since: Annotated[Moment | None, Query(description="Từ lúc · from this instant")] = None,
    until: Annotated[Moment | None, Query(description="Trước lúc · before this instant")] = None,
    before: Annotated[int | None, Query(ge=1, description="Trang sau: id cuối trang trước · next page")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    f: Annotated[Literal["json", "csv"], Query()] = "json",
) -> Response:
    """Events that match, newest first; ``next`` is the address of the page after. CSV is an export and leaves an event.

    Number and hash are null for the second before an event is sealed.
    """
    if not principal.scope.may(Action.READ, Area.AUDIT, unit_code):
        raise NotAllowed(Action.READ, Area.AUDIT)
    wanted = EventFilter(actor, action, object_kind, object_id, outcome, unit_code, since, until, before)
    async with resources.writer.acquire() as connection:
        events = await list_events_async(connection, wanted, limit=limit)
        head = await connection.fetchrow(HEAD_SQL)
        if f == "csv":
            detail = {"events": len(events)}
            source = source_of(request)
            await record_event_async(
                connection, Event(principal.subject, "audit_exported", "audit", "csv", source=source, detail=detail)
            )
    following = _following(request, resources.settings.public_url, events, limit)
    headers = {"Cache-Control": "no-store"} | ({"Link": f'<{following}>; rel="next"'} if following else {})
    if f == "csv":
        name = 'attachment; filename="audit.csv"'
        return Response(_csv(events), media_type="text/csv", headers={**headers, "Content-Disposition": name})
    document = {
        "log_id": head["log_id"],
        "sealed": head["seq"] or 0,
        "events": [asdict(event) for event in events],
        "next": following,
    }
    return JSONResponse(orjson.loads(orjson.dumps(document)), headers=headers)


def _following(request: Request, base: str, events: list[ListedEvent], limit: int) -> str | None:
    if len(events) < limit:
        return None
    kept = [(name, value) for name, value in request.query_params.multi_items() if name != "before"]
    return f"{base}/api/audit?{urlencode([*kept, ('before', str(events[-1].id))])}"


def _csv(events: list[ListedEvent]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(_COLUMNS)
    for event in events:
        cells = {**asdict(event), "at": event.at.isoformat(), "detail": orjson.dumps(event.detail).decode()}
        writer.writerow([_harmless(cells[name]) for name in _COLUMNS])
    return BOM + text.getvalue().encode()


def _harmless(value: object) -> object:
    """A text that a spreadsheet would take for a formula begins with an apostrophe."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
