"""Evaluations as they come due: by what has changed, and every two hours; one scenario's fault stops no other."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from sqlalchemy import Connection, Engine, Row, text

from scenarios.alerts.raising import Raised, apply_outcomes
from scenarios.definition import Scenario
from scenarios.evaluation.feature_judging import feature_layers, feature_rules
from scenarios.evaluation.features import evaluate_features
from scenarios.evaluation.judging import Judged, judge, judged_rules
from scenarios.evaluation.layers_read import read_editions
from scenarios.evaluation.retiring import retire_rules
from scenarios.revisions.reading import scenarios_in_force
from scenarios.rules.feature_shape import Deadline
from scenarios.rules.shape import Load
from scenarios.work.calendar import WorkCalendar

EVERY: Final = timedelta(hours=2)
"""Scenarios are evaluated so often even where nothing has changed: time itself makes figures old (TN-1.1.4)."""
OFTEN: Final = timedelta(minutes=10)
"""Scenarios with deadlines of items are evaluated so often: a deadline passes without anything having changed."""
_SOONEST_AGAIN: Final = timedelta(minutes=1)
_LOCK_SCENARIO: Final = text("SELECT pg_try_advisory_xact_lock(hashtextextended('judging/' || :scenario, 0))")
# Whoever records holds the same lock alone until the values are committed: an evaluation sees all that was received
# before its moment, and a replay finds the same.
_LOCK_RECORDING: Final = text("SELECT pg_advisory_xact_lock_shared(hashtextextended('observing.recording', 0))")
_CHANGED: Final = text("SELECT id, name FROM judging.changes WHERE kind = 'indicator' ORDER BY id LIMIT 10000")
_FORGET: Final = text("DELETE FROM judging.changes WHERE id = ANY (:ids)")
_EVALUATED: Final = text(
    "SELECT scenario, version, evaluated_at, problem_at, failures, layers FROM judging.evaluations ORDER BY scenario"
)
_EVALUATED_EVER: Final = text("SELECT scenario FROM judging.evaluations")
_DONE: Final = text(
    "INSERT INTO judging.evaluations (scenario, version, evaluated_at, layers, refused)"
    " VALUES (:scenario, :version, :at, CAST(:layers AS jsonb), CAST(:refused AS jsonb))"
    " ON CONFLICT (scenario) DO UPDATE SET version = excluded.version, evaluated_at = excluded.evaluated_at,"
    " layers = excluded.layers, refused = excluded.refused,"
    " problem = NULL, problem_at = NULL, failures = 0"
)
_FAILED: Final = text(
    "INSERT INTO judging.evaluations AS held (scenario, version, problem, problem_at, failures)"
    " VALUES (:scenario, :version, CAST(:problem AS jsonb), :at, 1)"
    " ON CONFLICT (scenario) DO UPDATE SET problem = excluded.problem, problem_at = excluded.problem_at,"
    " failures = held.failures + 1"
)
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What an evaluation of one scenario came to."""

    scenario: str
    at: datetime
    raised: Raised


def evaluate(
    connection: Connection, scenario: Scenario, clock: Callable[[], datetime], calendar: WorkCalendar
) -> Evaluated | None:
    """Judges all rules of a scenario and applies what they say, in the caller's transaction.

    Args:
        connection: The writer's, READ COMMITTED, in a transaction of its own.
        scenario: Its definition.
        clock: Tells the moment of evaluation, once everything received before it can be seen.
        calendar: Which days are worked, for the deadlines of tasks.

    Returns:
        What came of it; None where somebody else evaluates the scenario at this moment.
    """
    if not connection.execute(_LOCK_SCENARIO, {"scenario": scenario.code}).scalar_one():
        return None
    connection.execute(_LOCK_RECORDING)
    at = clock()
    rules = judged_rules(scenario)
    outcomes = [outcome for judged in rules for outcome in judge(connection, judged, at)]
    features = evaluate_features(connection, scenario, at, calendar)
    evaluated = [*(one.rule.register for one in rules), *(one.rule.register for one in feature_rules(scenario))]
    retired = retire_rules(connection, scenario, evaluated, at)
    raised = apply_outcomes(connection, [*outcomes, *features.outcomes, *retired], at, calendar)
    done = {"scenario": scenario.code, "version": scenario.version, "at": at}
    connection.execute(_DONE, {**done, "layers": features.layers, "refused": features.refused})
    return Evaluated(scenario.code, at, raised)


def evaluate_due(engine: Engine, clock: Callable[[], datetime], calendar: WorkCalendar) -> list[Evaluated]:
    """Evaluates every scenario that is due, each in a transaction of its own.

    After a standstill each scenario is evaluated once, with what is known by then: nothing is told of what came and
    went meanwhile. A scenario that fails is told of in the log and in ``judging.evaluations`` and tried again, later
    each time; the others go on.
    """
    with engine.connect() as connection:
        scenarios = evaluable_scenarios(connection, clock())
        changes = connection.execute(_CHANGED).all()
        touched = _users_of({row.name for row in changes}, scenarios.values()) | _republished(connection, scenarios)
        due = _due(connection, touched, scenarios, clock())
    done = [found for code in due if (found := _evaluate_one(engine, scenarios[code], clock, calendar)) is not None]
    if changes:
        with engine.begin() as connection:
            connection.execute(_FORGET, {"ids": [row.id for row in changes]})
    return done


def evaluable_scenarios(connection: Connection, at: datetime) -> Mapping[str, Scenario]:
    """The scenarios in force that have a rule to evaluate, or had one when they were last evaluated, by code."""
    held = scenarios_in_force(connection, at)
    for code, error in held.unreadable.items():
        log.error("scenario_unreadable", scenario=code, reason=error.en)
    known = set(connection.execute(_EVALUATED_EVER).scalars())
    return {
        code: found
        for code, found in held.scenarios.items()
        if judged_rules(found) or feature_rules(found) or code in known
    }


def _evaluate_one(
    engine: Engine, scenario: Scenario, clock: Callable[[], datetime], calendar: WorkCalendar
) -> Evaluated | None:
    try:
        with engine.begin() as connection:
            return evaluate(connection, scenario, clock, calendar)
    except Exception as error:
        log.exception("evaluation_failed", scenario=scenario.code)
        problem = json.dumps({"kind": type(error).__name__})
        with engine.begin() as connection:
            values = {"scenario": scenario.code, "version": scenario.version, "problem": problem, "at": clock()}
            connection.execute(_FAILED, values)
        return None


def _users_of(indicators: set[str], scenarios: Iterable[Scenario]) -> set[str]:
    return {
        scenario.code
        for scenario in scenarios
        if any(not indicators.isdisjoint(_indicators_of(judged)) for judged in judged_rules(scenario))
    }


def _indicators_of(judged: Judged) -> set[str]:
    test = judged.test
    return {test.indicator, test.capacity} if isinstance(test, Load) else {test.indicator}


def _republished(connection: Connection, scenarios: Mapping[str, Scenario]) -> set[str]:
    """The scenarios one of whose layers has another edition than it was last evaluated with."""
    layers = {code: feature_layers(feature_rules(scenario)) for code, scenario in scenarios.items()}
    editions = read_editions(connection, set().union(*layers.values()))
    held = {row.scenario: row.layers for row in connection.execute(_EVALUATED)}
    return {
        code
        for code, slugs in layers.items()
        if slugs and held.get(code) != {slug: list(editions[slug]) for slug in slugs if slug in editions}
    }


def _due(connection: Connection, touched: set[str], scenarios: Mapping[str, Scenario], now: datetime) -> list[str]:
    held = {row.scenario: row for row in connection.execute(_EVALUATED)}
    due = []
    for code in scenarios:
        row = held.get(code)
        if row is not None and row.failures:
            is_due = now >= row.problem_at + min(EVERY, _SOONEST_AGAIN * 2 ** min(row.failures - 1, 7))
        else:
            is_due = code in touched or row is None or _is_old(row, scenarios[code], now)
        if is_due:
            due.append(code)
    return due


def _is_old(row: Row[Any], scenario: Scenario, now: datetime) -> bool:
    if row.version != scenario.version or row.evaluated_at is None:
        return True
    has_deadlines = any(isinstance(judged.test, Deadline) for judged in feature_rules(scenario))
    return bool(now - row.evaluated_at >= (OFTEN if has_deadlines else EVERY))
