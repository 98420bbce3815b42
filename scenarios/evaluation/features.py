"""All rules of a scenario over features evaluated, and what has to be kept of it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final

import structlog
from sqlalchemy import Connection, text

from scenarios.definition import Scenario
from scenarios.evaluation.feature_judging import (
    Moment,
    Refused,
    feature_layers,
    feature_rules,
    has_several_provinces,
    judge_features,
)
from scenarios.evaluation.layers_read import read_layers
from scenarios.outcomes import Outcome
from scenarios.work.calendar import WorkCalendar

_VERSION: Final = text("SELECT version FROM judging.evaluations WHERE scenario = :scenario")
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class EvaluatedFeatures:
    """What the rules over features say.

    Attributes:
        layers: The editions that they were evaluated with, as JSON.
        refused: Rules that could not be evaluated, with the reason in both languages, as JSON.
    """

    outcomes: tuple[Outcome, ...] = ()
    layers: str = "{}"
    refused: str = "[]"


def evaluate_features(
    connection: Connection, scenario: Scenario, at: datetime, calendar: WorkCalendar
) -> EvaluatedFeatures:
    """Judges the rules of a scenario over features; one that cannot be evaluated stops no other.

    Args:
        connection: The writer's, in the transaction of the evaluation.
        scenario: Its definition.
        at: The moment of evaluation, aware UTC.
        calendar: Which days are worked, for deadlines in worked days.
    """
    rules = feature_rules(scenario)
    if not rules:
        return EvaluatedFeatures()
    layers = read_layers(connection, feature_layers(rules))
    before = connection.execute(_VERSION, {"scenario": scenario.code}).scalar()
    moment = Moment(at, calendar, layers, has_several_provinces(connection), retells=before != scenario.version)
    outcomes: list[Outcome] = []
    refused: list[Refused] = []
    for judged in rules:
        told, why = judge_features(connection, judged, moment)
        outcomes += told
        refused += why
    for one in refused:
        log.warning("rule_refused", scenario=scenario.code, rule=one.rule, reason=one.en)
    editions = {slug: state.edition for slug, state in layers.items()}
    written = json.dumps([asdict(one) for one in refused], ensure_ascii=False)
    return EvaluatedFeatures(tuple(outcomes), json.dumps(editions), written)
