"""Figures of one indicator by admin unit, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from scenarios.figures.classes import Classes, Measure
from scenarios.figures.periods import Span
from scenarios.indicators.indicator import Indicator
from scenarios.observations.reading import Freshness


@dataclass(frozen=True, slots=True)
class UnitFigure:
    """How one admin unit stands with one indicator; values in the indicator's unit, None where there is none.

    Attributes:
        code, name, level, province: The unit; level is ``commune`` or ``province``.
        value: The newest value of the window. A stale one is shown, but neither ranked nor compared.
        plan_percent: Percent that the value is of the target, over those places that have both.
        meets_plan: Whether that is as good as planned; None where the indicator has no better side.
        mean, rank, ranked: Mean and rank among the units of its level in the province that have a value.
        at, received_at, version, channel: Start of the value's period, when it came, its corrections, by which door.
        places, observed: How many places are observed in the unit, and how many of them have a value that counts.
        trend: The newest values, oldest first, as start of period and value.
        against, against_at, against_gap, against_percent: The value of the period compared with.
        classes: Index of the unit's class by measure.
    """

    code: str
    name: str
    level: str
    province: str
    value: float | None
    target: float | None
    plan_percent: float | None
    meets_plan: bool | None
    same_period: float | None
    same_period_at: datetime | None
    same_period_gap: float | None
    same_period_percent: float | None
    mean: float | None
    mean_gap: float | None
    mean_percent: float | None
    rank: int | None
    ranked: int | None
    freshness: Freshness
    at: datetime | None
    received_at: datetime | None
    version: int | None
    channel: str | None
    places: int
    observed: int
    trend: tuple[tuple[datetime, float], ...] = ()
    against: float | None = None
    against_at: datetime | None = None
    against_gap: float | None = None
    against_percent: float | None = None
    classes: Mapping[Measure, int] = field(default_factory=dict)

    @property
    def counts(self) -> bool:
        """Whether the value says how things stand."""
        return self.observed > 0


@dataclass(frozen=True, slots=True)
class IndicatorFigures:
    """One indicator at all units of the reader.

    Attributes:
        rules: Numbers of the scenario's rules that look at it.
        periods: Names of the periods that there are values of, oldest first, as far as the trends reach.
        classes: How units are coloured, by measure.
    """

    indicator: Indicator
    rules: tuple[str, ...]
    units: tuple[UnitFigure, ...]
    periods: tuple[str, ...]
    classes: Mapping[Measure, Classes]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for.

    Attributes:
        at: The moment of looking; without ``span`` the newest values then.
        known_at: Corrections received later are left out.
        span: The period whose values are wanted.
        against: Another period to compare each value with.
        trend: How many of the newest values of each unit.
        indicator: Only this one of the scenario's.
    """

    at: datetime
    known_at: datetime
    span: Span | None = None
    against: Span | None = None
    trend: int = 12
    indicator: str | None = None
