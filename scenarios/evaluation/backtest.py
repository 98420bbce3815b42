"""A rule run over history before it goes into force: when and where it would have fired, for how long."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import uuid4

from sqlalchemy import Connection, text

from layers.access import Scope
from layers.rights import Action, Area, NotAllowed
from scenarios.definition import Rule, Scenario
from scenarios.evaluation.errors import (
    NoHistoryOfFeatures,
    RuleNotEvaluable,
    RuleNotFound,
    ThresholdNeeded,
    TooManyMoments,
)
from scenarios.evaluation.judging import Judged, judge, limit_of
from scenarios.outcomes import Outcome, Place, Standing
from scenarios.rules.shape import SeriesTest
from scenarios.rules.standing import Limit

MOST_MOMENTS: Final = 2000
_MOMENTS: Final = text(
    "SELECT DISTINCT observation.at FROM observing.series AS series"
    " JOIN observing.observations AS observation ON observation.series_id = series.id"
    " WHERE series.indicator = :indicator AND observation.at >= :since AND observation.at < :until"
    " AND observation.received_at <= :known_at"
    " AND (observation.superseded_at IS NULL OR observation.superseded_at > :known_at)"
    " ORDER BY observation.at LIMIT :limit"
)
_PLACES: Final = text(
    "SELECT count(*) FROM observing.series AS series JOIN observing.places AS place ON place.id = series.place_id"
    " WHERE series.indicator = :indicator AND place.kind = ANY (:kinds)"
    " AND (CAST(:key_length AS integer) IS NULL OR length(place.key) = :key_length)"
    " AND (CAST(:units AS text[]) IS NULL OR place.unit_code = ANY (CAST(:units AS text[])))"
)


@dataclass(frozen=True, slots=True)
class Trial:
    """What is tried: history in [since, until), and a limit or manner of speaking other than those in force.

    Attributes:
        known_at: Corrections received later are left out.
        threshold, operator: In place of the rule's own; None keeps that.
        clear: A condition that holds goes on until the figure has passed this (hysteresis).
        min_duration_h: The condition must have held so long before it is told; None keeps the rule's own.
    """

    since: datetime
    until: datetime
    known_at: datetime
    threshold: float | None = None
    operator: str | None = None
    clear: float | None = None
    min_duration_h: float | None = None


@dataclass(frozen=True, slots=True)
class Episode:
    """One alert that there would have been.

    Attributes:
        began_at, ended_at: From when the condition held until it was first seen not to; None where it held to the end.
        first, worst: The figure that it would have been told with, and the one furthest past the limit.
    """

    place: Place
    began_at: datetime
    ended_at: datetime | None
    first: float
    worst: float

    def hours(self, until: datetime) -> float:
        """How long it lasted, as far as is seen by ``until``."""
        return ((self.ended_at or until) - self.began_at).total_seconds() / 3600


@dataclass(frozen=True, slots=True)
class BackTest:
    """What a rule would have told.

    Attributes:
        moments: How many moments of values it was evaluated at.
        places: How many places it judges, of those that the reader may see.
        episodes: By beginning, then by place.
    """

    scenario: str
    rule: str
    operator: str
    threshold: float
    trial: Trial
    moments: int
    places: int
    episodes: tuple[Episode, ...]


def back_test(connection: Connection, scope: Scope, scenario: Scenario, register: str, trial: Trial) -> BackTest:
    """Runs a rule over history by the very statement that evaluates it, and leaves nothing behind.

    It is evaluated at each moment that the indicator has values for, places that have fallen silent included. An
    episode may have begun before ``since`` only in so far as values from then on tell.

    Args:
        connection: The writer's, outside a transaction or inside one; what is written is taken back.
        scope: The reader's; episodes elsewhere than in units whose indicators may be read are left out.
        scenario: Its definition.
        register: Number of the rule, ``T16``.
        trial: Over which time, and with which limit.

    Raises:
        RuleNotFound, RuleNotEvaluable, NoHistoryOfFeatures, ThresholdNeeded: There is nothing that could be run.
        TooManyMoments: The time asked for is too long.
        NotAllowed: The reader may read indicators in no unit at all.
    """
    if not scope.may_somewhere(Action.READ, Area.INDICATORS):
        raise NotAllowed(Action.READ, Area.INDICATORS)
    units = scope.units_of(Action.READ, Area.INDICATORS)
    judged = _tried(scenario, register, trial)
    moments = _moments(connection, judged, trial)
    nested = connection.begin_nested()
    try:
        told = [(at, judge(connection, judged, at, trial.known_at)) for at in moments]
    finally:
        nested.rollback()
    values = {
        "indicator": judged.test.indicator,
        "kinds": list(judged.kinds),
        "key_length": judged.key_length,
        "units": None if units is None else sorted(units),
    }
    places = connection.execute(_PLACES, values).scalar_one()
    episodes = tuple(e for e in _episodes(told, judged.limit) if units is None or e.place.unit_code in units)
    operator = judged.limit.operator or ""
    return BackTest(scenario.code, register, operator, judged.limit.number, trial, len(moments), int(places), episodes)


def _moments(connection: Connection, judged: Judged, trial: Trial) -> Sequence[datetime]:
    values = {
        "indicator": judged.test.indicator,
        "since": trial.since,
        "until": trial.until,
        "known_at": trial.known_at,
        "limit": MOST_MOMENTS + 1,
    }
    found = connection.execute(_MOMENTS, values).scalars().all()
    if len(found) > MOST_MOMENTS:
        raise TooManyMoments(len(found), MOST_MOMENTS)
    return found


def _tried(scenario: Scenario, register: str, trial: Trial) -> Judged:
    rules = {rule.register: rule for rule in scenario.rules}
    rule = rules.get(register.upper())
    if rule is None:
        raise RuleNotFound(scenario.code, register, known=rules)
    if not isinstance(rule.test, SeriesTest):
        missing = RuleNotEvaluable if rule.test is None else NoHistoryOfFeatures
        raise missing(scenario.code, rule.register, rule.shape.value)
    speech = rule.speech
    if trial.min_duration_h is not None:
        speech = replace(speech, min_duration_h=trial.min_duration_h)
    # A name of its own keeps what is remembered of the rule in force apart from what the trial remembers.
    return Judged(f"back-test/{uuid4()}", rule, rule.test, _limit(scenario, rule, trial), speech)


def _limit(scenario: Scenario, rule: Rule, trial: Trial) -> Limit:
    held = limit_of(rule)
    if trial.threshold is None and held is None:
        raise ThresholdNeeded(scenario.code, rule.register)
    operator = trial.operator or rule.threshold.operator or (held.operator if held else None) or ">"
    number = trial.threshold if trial.threshold is not None else held.number if held else 0.0
    return Limit(operator, number, trial.clear if trial.clear is not None else rule.speech.clear)


def _episodes(told: Iterable[tuple[datetime, Sequence[Outcome]]], limit: Limit) -> list[Episode]:
    running: dict[Place, Episode] = {}
    over: list[Episode] = []
    for at, outcomes in told:
        for outcome in outcomes:
            held = running.get(outcome.place)
            if outcome.standing is Standing.HOLDS and outcome.value is not None:
                running[outcome.place] = _went_on(held, outcome, outcome.value, limit)
            elif outcome.standing is Standing.CLEAR and held is not None:
                over.append(replace(running.pop(outcome.place), ended_at=at))
    return sorted([*over, *running.values()], key=lambda one: (one.began_at, one.place.kind, one.place.key))


def _went_on(held: Episode | None, outcome: Outcome, figure: float, limit: Limit) -> Episode:
    if held is None:
        return Episode(outcome.place, outcome.since, None, figure, figure)
    furthest = min if (limit.operator or ">").startswith("<") else max
    return replace(held, worst=furthest(held.worst, figure))
