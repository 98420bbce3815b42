"""Indicators over HTTP: the catalogue, values as they are or were known, and where they are late or missing."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated

import anyio
import orjson
from fastapi import APIRouter, Path, Query
from sqlalchemy import Engine
from starlette.responses import Response

from app.moment import Moment
from app.resources import ResourcesOf, SignedIn
from layers.access import Scope
from scenarios.indicators.catalogue import built_in_indicators, get_indicator
from scenarios.indicators.indicator import Indicator
from scenarios.observations.reading import MOST, Newest, Value, ValueFilter, list_newest, list_values

router = APIRouter(prefix="/api/indicators", tags=["indicators"])
_FRESH = {"Cache-Control": "no-store"}
Code = Annotated[str, Path(max_length=60)]
_A_YEAR = timedelta(days=366)


@router.get("", summary="Danh mục chỉ tiêu · The catalogue of indicators")
async def get_indicators() -> dict[str, object]:
    """Every built-in indicator, by code."""
    return {"indicators": [asdict(indicator) for indicator in built_in_indicators().values()]}


@router.get("/{code}", summary="Một chỉ tiêu · One indicator")
async def get_one_indicator(code: Code) -> dict[str, object]:
    """What is measured, in which unit, how often, and where."""
    return asdict(get_indicator(code))


@router.get("/{code}/values", summary="Số liệu theo thời gian · Values by time")
async def get_values(
    code: Code,
    resources: ResourcesOf,
    principal: SignedIn,
    place: Annotated[str | None, Query(max_length=100)] = None,
    since: Annotated[Moment | None, Query(description="Từ lúc · from, inclusive")] = None,
    until: Annotated[Moment | None, Query(description="Đến trước lúc · until, exclusive")] = None,
    known_at: Annotated[Moment | None, Query(description="Như đã biết vào lúc · as known then")] = None,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 1000,
) -> Response:
    """Values at the places of the reader's units, newest first, corrections as they stood at ``known_at``."""
    now = datetime.now(UTC)
    end = until or now + timedelta(seconds=1)
    wanted = ValueFilter(since or end - _A_YEAR, end, known_at or now, place)
    indicator = get_indicator(code)
    found = await anyio.to_thread.run_sync(_values, resources.editing, principal.scope, indicator, wanted, limit)
    return _json({"indicator": code, "unit": indicator.unit, "values": found})


@router.get("/{code}/newest", summary="Số liệu mới nhất theo đơn vị · The newest by unit")
async def get_newest(
    code: Code, resources: ResourcesOf, principal: SignedIn, at: Annotated[Moment | None, Query()] = None
) -> Response:
    """The newest value of each commune, or of each place observed, with whether it is fresh, late, stale or missing."""
    indicator = get_indicator(code)
    moment = at or datetime.now(UTC)
    found = await anyio.to_thread.run_sync(_newest, resources.editing, principal.scope, indicator, moment)
    return _json({"indicator": code, "unit": indicator.unit, "at": moment, "places": found})


def _values(engine: Engine, scope: Scope, indicator: Indicator, wanted: ValueFilter, limit: int) -> list[Value]:
    with engine.connect() as connection:
        return list_values(connection, scope, indicator, wanted, limit=limit)


def _newest(engine: Engine, scope: Scope, indicator: Indicator, at: datetime) -> list[Newest]:
    with engine.connect() as connection:
        return list_newest(connection, scope, indicator, at)


def _json(document: object) -> Response:
    return Response(orjson.dumps(document), media_type="application/json", headers=_FRESH)
