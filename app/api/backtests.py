"""A rule run over history, over HTTP: what it would have told with this limit or another."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

import anyio
import orjson
from fastapi import APIRouter, Path, Query
from sqlalchemy import Connection, Engine
from starlette.responses import Response

from app.moment import Moment
from app.resources import ResourcesOf, SignedIn
from layers.access import Scope
from scenarios.definition import Scenario
from scenarios.evaluation.backtest import BackTest, Trial, back_test
from scenarios.loader import get_scenario
from scenarios.revisions.reading import get_scenario_revision, read_revision, scenario_in_force
from scenarios.work.calendar import VIETNAM_TIME

router = APIRouter(prefix="/api/scenarios", tags=["scenarios"])
_A_YEAR = timedelta(days=366)
_MOST_EPISODES = 1000
Operator = Literal["<", "<=", ">", ">="]
Number = Annotated[float | None, Query(ge=-1e15, le=1e15)]


@router.get("/{code}/rules/{rule}/backtest", summary="Chạy thử quy tắc trên số liệu cũ · A rule over history")
async def get_backtest(
    code: str,
    rule: Annotated[str, Path(max_length=20)],
    resources: ResourcesOf,
    principal: SignedIn,
    since: Annotated[Moment | None, Query(description="Từ lúc · from, inclusive; một năm · a year")] = None,
    until: Annotated[Moment | None, Query(description="Đến trước lúc · until, exclusive")] = None,
    known_at: Annotated[Moment | None, Query(description="Như đã biết vào lúc · as known then")] = None,
    threshold: Number = None,
    operator: Annotated[Operator | None, Query()] = None,
    clear: Number = None,
    min_duration_h: Annotated[float | None, Query(ge=0, le=8784)] = None,
    version: Annotated[int | None, Query(ge=1, le=1_000_000, description="Phiên bản kịch bản · of a revision")] = None,
) -> Response:
    """When and where the rule would have fired and for how long, in the reader's units; nothing is changed by it."""
    now = datetime.now(UTC)
    end = until or now
    trial = Trial(since or end - _A_YEAR, end, known_at or now, threshold, operator, clear, min_duration_h)
    found = await anyio.to_thread.run_sync(_run, resources.editing, principal.scope, (code, version), rule, trial)
    body = orjson.dumps(backtest_document(found))
    return Response(body, media_type="application/json", headers={"Cache-Control": "no-store"})


def _run(engine: Engine, scope: Scope, wanted: tuple[str, int | None], rule: str, trial: Trial) -> BackTest:
    with engine.connect() as connection:
        return back_test(connection, scope, _scenario(connection, *wanted), rule, trial)


def _scenario(connection: Connection, code: str, version: int | None) -> Scenario:
    """The scenario as it is in force, or as a revision has it: so a proposal is tried before it is approved."""
    if version is None:
        return scenario_in_force(connection, code, datetime.now(UTC))
    if version == 1:
        return get_scenario(code)
    return read_revision(get_scenario_revision(connection, code.upper(), version))


def backtest_document(found: BackTest) -> dict[str, object]:
    """The result as JSON: counts of all episodes, and the first thousand of them."""
    months = Counter(f"{one.began_at.astimezone(VIETNAM_TIME):%Y-%m}" for one in found.episodes)
    until = found.trial.until
    return {
        "scenario": found.scenario,
        "rule": found.rule,
        "operator": found.operator,
        "threshold": found.threshold,
        "trial": asdict(found.trial),
        "moments": found.moments,
        "places": found.places,
        "fired": len(found.episodes),
        "places_fired": len({one.place for one in found.episodes}),
        "hours": round(sum(one.hours(until) for one in found.episodes), 3),
        "by_month": dict(sorted(months.items())),
        "episodes": [{**asdict(one), "hours": round(one.hours(until), 3)} for one in found.episodes[:_MOST_EPISODES]],
        "is_cut": len(found.episodes) > _MOST_EPISODES,
    }
