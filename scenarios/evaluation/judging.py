"""One rule judged at all its places at once: figures, what stands after them, and the outcomes for alerts."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Connection, TextClause, text

from scenarios.definition import Rule, RuleScope, Scenario, Shape, ThresholdStatus
from scenarios.indicators.catalogue import get_indicator
from scenarios.outcomes import Outcome, Place, PlaceKind, Standing
from scenarios.rules.figures import Reading
from scenarios.rules.series import SERIES_SQL, read_text
from scenarios.rules.shape import Load, SeriesTest, shape_of
from scenarios.rules.speech import Speech
from scenarios.rules.standing import Limit, is_quiet
from scenarios.rules.statements import series_parameters

_STAND: Final[dict[str, TextClause]] = {
    shape: text(f"{figures}\n{read_text('standing')}") for shape, figures in SERIES_SQL.items()
}
# What the shape alone decides: a rank lost, a deadline that is over, anything of the kind.
_OWN_LIMITS: Final = {
    Shape.RANK_DROP: Limit(">", 0.0),
    Shape.DEADLINE: Limit("<", 0.0),
    Shape.CATEGORY: Limit(">", 0.0),
    Shape.NEW_EVENT: Limit(">", 0.0),
    Shape.SPATIAL: Limit(">", 0.0),
}
_KEY_LENGTHS: Final = {RuleScope.COMMUNE: 5, RuleScope.PROVINCE: 2}


@dataclass(frozen=True, slots=True)
class Judged:
    """A rule over observations that can be evaluated: what it looks at, and what figures are held against.

    Attributes:
        version: Of the scenario's revision that the rule is taken from.
    """

    scenario: str
    rule: Rule
    test: SeriesTest
    limit: Limit
    speech: Speech
    version: int = 1

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of the places that it judges."""
        return (get_indicator(self.test.indicator).place.value,)

    @property
    def key_length(self) -> int | None:
        """Length of their keys, which tells communes from provinces; None for any."""
        return _KEY_LENGTHS.get(self.rule.scope) if self.kinds == (PlaceKind.UNIT.value,) else None

    def reading(self, at: datetime, known_at: datetime) -> Reading:
        """How observations are read at a moment, as they were known at another."""
        reading = Reading(at, known_at, get_indicator(self.test.indicator).stale_after)
        if isinstance(self.test, Load):
            return replace(reading, capacity_stale=get_indicator(self.test.capacity).stale_after)
        return reading


def judged_rules(scenario: Scenario) -> list[Judged]:
    """The rules of a scenario over observations: those that name what to look at and have a threshold.

    An empty threshold is never guessed. Where the source compares without a figure ("lower than the mean"), the limit
    is no difference at all.
    """
    return [
        Judged(scenario.code, rule, rule.test, limit, rule.speech, scenario.version)
        for rule in scenario.rules
        if isinstance(rule.test, SeriesTest) and (limit := limit_of(rule)) is not None
    ]


def limit_of(rule: Rule) -> Limit | None:
    """What a rule's figures are held against; None where its source gives nothing that could be."""
    threshold = rule.threshold
    if threshold.status is ThresholdStatus.EMPTY:
        return None
    if threshold.operator is not None:
        return Limit(threshold.operator, threshold.number or 0.0, rule.speech.clear)
    own = _OWN_LIMITS.get(rule.shape)
    return None if own is None else replace(own, clear=rule.speech.clear)


def judge(connection: Connection, judged: Judged, at: datetime, known_at: datetime | None = None) -> list[Outcome]:
    """Judges a rule at every place that it is observed at, and keeps what it has to remember of each.

    Args:
        connection: The writer's, in the transaction of the evaluation.
        judged: The rule.
        at: The moment of evaluation, aware UTC.
        known_at: What was received later is not known; None for the moment of evaluation.

    Returns:
        What alerts have to be told: places where the condition holds, and those where the standing has changed.
    """
    reading = judged.reading(at, known_at or at)
    values = {
        **series_parameters(judged.test, reading, kinds=judged.kinds, key_length=judged.key_length),
        "scenario": judged.scenario,
        "rule": judged.rule.register,
        "absent_is_clear": False,
        "operator": judged.limit.operator,
        "limit": judged.limit.number,
        "clear": judged.limit.clear,
        "min_duration": timedelta(hours=judged.speech.min_duration_h),
        "rate_limit": timedelta(hours=judged.speech.rate_limit_h),
        "is_quiet": is_quiet(judged.speech.quiet, at),
    }
    rows = connection.execute(_STAND[shape_of(judged.test)], values).mappings()
    return [_outcome(judged, row, reading) for row in rows]


def _outcome(judged: Judged, row: Any, reading: Reading) -> Outcome:
    place = Place(PlaceKind(row["kind"]), row["key"], row["unit_code"], row["layer"] or None, row["lon"], row["lat"])
    return Outcome(
        judged.scenario,
        judged.rule.register,
        judged.version,
        place,
        Standing(row["standing"]),
        judged.speech.level,
        reading.at,
        row["since_at"],
        _number(row["figure"]),
        judged.limit.number,
        _evidence(judged, row, reading),
    )


def _evidence(judged: Judged, row: Any, reading: Reading) -> dict[str, object]:
    """Frozen facts: what was seen and as which version, the rule as it was, and how it was read."""
    return {
        "indicator": judged.test.indicator,
        "unit": get_indicator(judged.test.indicator).unit,
        "stated": judged.rule.threshold.stated,
        "shape": shape_of(judged.test),
        "test": {name: _plain(value) for name, value in asdict(judged.test).items()},
        "operator": judged.limit.operator,
        "limit": judged.limit.number,
        "value": _number(row["value"]),
        "observed_at": _moment(row["observed_at"]),
        "version": row["version"],
        "compared_with": _number(row["other"]),
        "compared_at": _moment(row["other_at"]),
        "compared_version": row["other_version"],
        "samples": None if row["samples"] is None else int(row["samples"]),
        "figure": None if row["figure"] is None else str(row["figure"]),
        "at": reading.at.isoformat(),
        "known_at": reading.known_at.isoformat(),
        "stale_hours": reading.stale.total_seconds() / 3600,
        "capacity_stale_hours": reading.capacity_stale.total_seconds() / 3600,
        "key_length": judged.key_length,
    }


def _plain(value: object) -> object:
    return str(value) if isinstance(value, str) else value


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)


def _moment(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat()
