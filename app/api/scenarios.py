"""Operating scenarios over HTTP."""

from __future__ import annotations

from dataclasses import asdict

from fastapi import APIRouter

from scenarios.definition import Scenario, ThresholdStatus
from scenarios.loader import get_scenario, load_builtin

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
    }


@router.get("", summary="Danh mục kịch bản điều hành · The catalogue of operating scenarios")
async def get_scenarios() -> dict[str, object]:
    """Every built-in scenario, short, by code."""
    return {"scenarios": [_summary(scenario) for scenario in load_builtin().values()]}


@router.get("/{code}", summary="Một kịch bản · One scenario")
async def get_one_scenario(code: str) -> dict[str, object]:
    """A scenario whole: agencies, layers, questions, figures, rules, steps, meetings."""
    return asdict(get_scenario(code))
