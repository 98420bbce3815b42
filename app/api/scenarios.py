"""Operating scenarios over HTTP."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import anyio
from fastapi import APIRouter, Path
from sqlalchemy import Engine

from app.resources import Resources, ResourcesOf
from scenarios.definition import Scenario, ThresholdStatus
from scenarios.revisions.reading import InForce, scenario_in_force, scenarios_in_force

router = APIRouter(prefix="/api/scenarios", tags=["scenarios"])


def _summary(scenario: Scenario) -> dict[str, object]:
    empty = [rule.register for rule in scenario.rules if rule.threshold.status is ThresholdStatus.EMPTY]
    return {
        "code": scenario.code,
        "title": asdict(scenario.title),
        "group": scenario.group,
        "fit": scenario.fit,
        "clauses": scenario.clauses,
        "layers": scenario.layers,
        "rule_count": len(scenario.rules),
        "step_count": len(scenario.steps),
        "thresholds_to_set": empty,
        "version": scenario.version,
    }


@router.get("", summary="Danh mục kịch bản điều hành · The catalogue of operating scenarios")
async def get_scenarios(resources: ResourcesOf) -> dict[str, object]:
    """Every scenario as it is in force, short, by code."""
    held = await anyio.to_thread.run_sync(_all, resources.editing)
    return {"scenarios": [_summary(scenario) for scenario in held.scenarios.values()], "unreadable": [*held.unreadable]}


@router.get("/{code}", summary="Một kịch bản · One scenario")
async def get_one_scenario(resources: ResourcesOf, code: Annotated[str, Path(max_length=20)]) -> dict[str, object]:
    """A scenario whole, as it is in force: agencies, layers, questions, figures, rules, steps, meetings."""
    return asdict(await find_scenario(resources, code))


async def find_scenario(resources: Resources, code: str) -> Scenario:
    """The scenario of this code as it is in force.

    Raises:
        ScenarioNotFound: There is none.
    """
    return await anyio.to_thread.run_sync(_one, resources.editing, code)


def _all(engine: Engine) -> InForce:
    with engine.connect() as connection:
        return scenarios_in_force(connection, datetime.now(UTC))


def _one(engine: Engine, code: str) -> Scenario:
    with engine.connect() as connection:
        return scenario_in_force(connection, code, datetime.now(UTC))
