"""Printed sheets of scenarios over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final

import anyio
from fastapi import APIRouter, Query
from sqlalchemy import Engine
from starlette.responses import Response

from app.moment import Moment
from app.resources import ResourcesOf, SignedIn
from layers.access import Scope
from scenarios.definition import Scenario
from scenarios.loader import get_scenario
from scenarios.sheets.sheet import MeetingWord, read_sheet
from scenarios.work.calendar import VIETNAM_TIME
from web.sheets.document import sheet_pdf

router = APIRouter(prefix="/api/scenarios", tags=["scenarios"])
# Setting type keeps a core busy for seconds; others wait for their turn rather than slow everybody down.
_AT_ONCE: Final = 2
_turns = anyio.CapacityLimiter(_AT_ONCE)


@router.get("/{code}/sheet", summary="Phiếu họp PDF · A sheet for a meeting, PDF")
async def get_sheet(
    code: str,
    resources: ResourcesOf,
    principal: SignedIn,
    level: Annotated[MeetingWord, Query(description="Cấp họp · level of the meeting")] = MeetingWord.PERIODIC,
    unit: Annotated[str | None, Query(pattern=r"^([0-9]{2}|[0-9]{5})$")] = None,
    at: Annotated[Moment | None, Query(description="Lúc xem · the moment of looking; now")] = None,
) -> Response:
    """A4 in the manner of administrative documents: figures by unit, open alerts, late tasks, a map."""
    scenario = get_scenario(code)
    moment = at or datetime.now(UTC)
    work = (resources.editing, principal.scope, scenario, level, moment, unit)
    body = await anyio.to_thread.run_sync(make_sheet, *work, limiter=_turns)
    name = f"phieu-hop-{scenario.code}-{level.value}-{moment.astimezone(VIETNAM_TIME):%Y-%m-%d}.pdf"
    headers = {
        "Content-Disposition": f'inline; filename="{name}"',
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-store",
    }
    return Response(body, media_type="application/pdf", headers=headers)


def make_sheet(
    engine: Engine, scope: Scope, scenario: Scenario, level: MeetingWord, at: datetime, unit: str | None
) -> bytes:
    """The sheet as PDF, read in one state of the database."""
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        sheet = read_sheet(connection, scope, scenario, level.level, at, unit=unit)
    return sheet_pdf(sheet)
