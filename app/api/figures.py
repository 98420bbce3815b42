"""Figures of a scenario over HTTP: by admin unit, with classes for the map, and as CSV and XLSX."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Final, Literal

import anyio
import orjson
from fastapi import APIRouter, Query
from sqlalchemy import Engine
from starlette.responses import Response

from app.api.scenarios import find_scenario
from app.moment import Moment
from app.resources import ResourcesOf, SignedIn
from layers.access import Scope
from scenarios.definition import Scenario
from scenarios.figures.assembling import scenario_figures
from scenarios.figures.figure import Asked, IndicatorFigures
from scenarios.figures.periods import parse_period
from scenarios.figures.tables import figures_csv, figures_xlsx
from scenarios.work.calendar import VIETNAM_TIME

router = APIRouter(prefix="/api/scenarios", tags=["scenarios"])
MOST_TREND: Final = 60
_XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_SAFE: Final = {"X-Content-Type-Options": "nosniff", "Cache-Control": "private, no-store"}
PeriodText = Annotated[
    str | None, Query(max_length=40, description="2026, 2026-Q1, 2026-03, 2026-W10, 2026-03-02, 2026-03-02T09")
]


@router.get("/{code}/figures", summary="Số liệu kịch bản theo đơn vị · A scenario's figures by unit")
async def get_figures(
    code: str,
    resources: ResourcesOf,
    principal: SignedIn,
    at: Annotated[Moment | None, Query(description="Lúc xem · the moment of looking; now")] = None,
    period: PeriodText = None,
    against: PeriodText = None,
    indicator: Annotated[str | None, Query(max_length=60)] = None,
    known_at: Annotated[Moment | None, Query(description="Như đã biết vào lúc · as known then")] = None,
    trend: Annotated[int, Query(ge=0, le=MOST_TREND, description="Số kỳ gần nhất · newest periods")] = 12,
    f: Literal["json", "csv", "xlsx"] = "json",
) -> Response:
    """Every indicator at every unit of the reader: value, plan, same period, mean, rank, trend, freshness, classes."""
    scenario = await find_scenario(resources, code)
    now = datetime.now(UTC)
    asked = Asked(
        at or now,
        known_at or now,
        parse_period(period) if period else None,
        parse_period(against, parameter="against") if against else None,
        trend,
        indicator,
    )
    found = await anyio.to_thread.run_sync(_read, resources.editing, principal.scope, scenario, asked)
    if f == "json":
        body = orjson.dumps(figures_document(scenario, asked, found), option=orjson.OPT_NON_STR_KEYS)
        return Response(body, media_type="application/json", headers=_SAFE)
    return await anyio.to_thread.run_sync(_file, scenario, asked, found, f)


def _read(engine: Engine, scope: Scope, scenario: Scenario, asked: Asked) -> tuple[IndicatorFigures, ...]:
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        return scenario_figures(connection, scope, scenario, asked)


def _file(scenario: Scenario, asked: Asked, found: tuple[IndicatorFigures, ...], form: str) -> Response:
    name = f"so-lieu-{scenario.code}-{asked.span.name if asked.span else f'{asked.at:%Y-%m-%d}'}.{form}"
    headers = {**_SAFE, "Content-Disposition": f'attachment; filename="{name}"'}
    if form == "csv":
        return Response(figures_csv(found), media_type="text/csv; charset=utf-8", headers=headers)
    return Response(figures_xlsx(found, _about(scenario, asked)), media_type=_XLSX, headers=headers)


def _about(scenario: Scenario, asked: Asked) -> list[tuple[str, str]]:
    looked_at = f"{asked.at.astimezone(VIETNAM_TIME):%H:%M ngày %d/%m/%Y}"
    return [
        ("Kịch bản", f"{scenario.code} · {scenario.title.vi}"),
        ("Căn cứ", "; ".join(scenario.clauses)),
        ("Kỳ", asked.span.name if asked.span else f"mới nhất đến {looked_at}"),
        ("Kỳ đối chiếu", asked.against.name if asked.against else "–"),
        ("Số liệu đã biết đến", f"{asked.known_at.astimezone(VIETNAM_TIME):%H:%M ngày %d/%m/%Y}"),
    ]


def figures_document(scenario: Scenario, asked: Asked, found: tuple[IndicatorFigures, ...]) -> dict[str, object]:
    """The figures as JSON; each unit names its class in each legend."""
    return {
        "scenario": scenario.code,
        "title": asdict(scenario.title),
        "at": asked.at,
        "known_at": asked.known_at,
        "period": asked.span.name if asked.span else None,
        "against": asked.against.name if asked.against else None,
        "indicators": [_indicator(one) for one in found],
    }


def _indicator(one: IndicatorFigures) -> dict[str, object]:
    return {
        **asdict(one.indicator),
        "rules": one.rules,
        "periods": one.periods,
        "freshness": Counter(unit.freshness for unit in one.units),
        "behind_plan": sum(unit.meets_plan is False for unit in one.units),
        "classes": one.classes,
        "units": one.units,
    }
