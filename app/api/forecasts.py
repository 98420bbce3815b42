"""Forecasts of indicators over HTTP, with interval and error."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Final

import anyio
import orjson
from fastapi import APIRouter, Query
from sqlalchemy import Engine
from starlette.responses import Response

from app.api.indicators import Code
from app.moment import Moment
from app.resources import ResourcesOf, SignedIn
from layers.access import Scope
from scenarios.figures.periods import period_name
from scenarios.forecasts.forecast import Forecast, forecast, season_of
from scenarios.forecasts.history import read_history
from scenarios.indicators.catalogue import get_indicator
from scenarios.indicators.indicator import Indicator

router = APIRouter(prefix="/api/indicators", tags=["indicators"])
# Fitting keeps a core busy for a second; others wait for their turn rather than slow everybody down.
_AT_ONCE: Final = 2
_turns = anyio.CapacityLimiter(_AT_ONCE)


@router.get("/{code}/forecast", summary="Dự báo theo kỳ · A forecast by period")
async def get_forecast(
    code: Code,
    resources: ResourcesOf,
    principal: SignedIn,
    unit: Annotated[str, Query(pattern=r"^([0-9]{2}|[0-9]{5})$", description="Mã xã hoặc tỉnh · commune or province")],
    periods: Annotated[int, Query(ge=1, le=24, description="Số kỳ tới · how many periods")] = 6,
    at: Annotated[Moment | None, Query(description="Lúc xem · the moment of looking; now")] = None,
) -> Response:
    """The next periods of a unit with intervals of 80 and 95 %, the method, and how far it was off on the past."""
    indicator = get_indicator(code)
    season_of(indicator)
    work = (resources.editing, principal.scope, indicator, unit, at or datetime.now(UTC), periods)
    found = await anyio.to_thread.run_sync(_forecast, *work, limiter=_turns)
    body = orjson.dumps(forecast_document(found, unit))
    return Response(body, media_type="application/json", headers={"Cache-Control": "no-store"})


def _forecast(engine: Engine, scope: Scope, indicator: Indicator, unit: str, at: datetime, periods: int) -> Forecast:
    with engine.connect() as connection:
        history = read_history(connection, scope, indicator, unit, at)
    return forecast(indicator, history, periods)


def forecast_document(found: Forecast, unit: str) -> dict[str, object]:
    """The forecast as JSON; ``tried`` holds the error of every method that the history was long enough for."""
    indicator, history = found.indicator, found.history
    return {
        "indicator": indicator.code,
        "title": asdict(indicator.title),
        "unit": unit,
        "measured_in": indicator.unit,
        "method": found.method,
        "season": found.season,
        "accuracy": found.accuracy,
        "tried": found.tried,
        "history": [
            {
                "period": period_name(indicator.period, start),
                "at": start,
                "value": value,
                "is_filled": n in history.filled,
            }
            for n, (start, value) in enumerate(zip(history.starts, history.values, strict=True))
        ],
        "forecast": [
            {"period": period_name(indicator.period, start), "at": start, **asdict(guess)}
            for start, guess in zip(found.starts, found.guesses, strict=True)
        ],
    }
