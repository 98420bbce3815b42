"""Figures of indicators, one statement each over all units at once, inside the reader's scope."""

from __future__ import annotations

from dataclasses import replace
from importlib.resources import files
from typing import Any, Final

from sqlalchemy import Connection, text

from layers.access import Scope
from layers.rights import Action, Area
from scenarios.definition import RuleScope
from scenarios.figures.figure import Asked, UnitFigure
from scenarios.figures.periods import Window, window_at, window_of
from scenarios.indicators.indicator import Aggregation, Better, Indicator, Period
from scenarios.observations.reading import Freshness, freshness_of, readable_units
from scenarios.rules.shape import PlanPeriod

FEWEST_PEERS: Final = 5
"""A reader of some units only is not told mean and rank of fewer, which would give the others' values away."""
_SQL: Final = text(files(__package__).joinpath("figures.sql").read_text(encoding="utf-8"))
_NUMBERS: Final = (
    "value", "target", "plan_percent", "same_period", "same_period_gap", "same_period_percent", "mean", "mean_gap",
    "mean_percent",
)  # fmt: skip
_OF_PEERS: Final = ("mean", "mean_gap", "mean_percent", "rank", "ranked")


def list_figures(
    connection: Connection,
    scope: Scope,
    indicator: Indicator,
    asked: Asked,
    *,
    plan_period: PlanPeriod = PlanPeriod.RUNNING,
    level: RuleScope = RuleScope.COMMUNE,
) -> list[UnitFigure]:
    """How every unit that the reader may see stands: communes, then provinces, by code.

    Mean and rank are those among all units of the level in the province, as rules have them.

    Args:
        connection: Owner or writer.
        scope: The reader's.
        indicator: Whose figures.
        asked: When, or of which period.
        plan_period: Which target is the plan.
        level: The level whose units are listed without any value too: COMMUNE or PROVINCE.

    Raises:
        NotAllowed: The reader may read indicators in no unit at all.
    """
    window = window_of(indicator, asked.span) if asked.span else window_at(indicator, asked.at)
    values = {
        **_statement_values(indicator, window),
        "known_at": asked.known_at,
        "is_plan_running": plan_period is PlanPeriod.RUNNING,
        "level": level.value,
        "units": readable_units(scope),
        "trend": asked.trend,
        "trend_since": window.until - (asked.trend + 1) * indicator.period.longest,
    }
    rows = connection.execute(_SQL, values).mappings()
    is_whole = scope.units_of(Action.READ, Area.INDICATORS) is None
    return [_figure(row, indicator, window, is_whole=is_whole) for row in rows]


def _statement_values(indicator: Indicator, window: Window) -> dict[str, object]:
    return {
        "indicator": indicator.code,
        "kind": indicator.place.value,
        "layer": indicator.layer or "",
        "oldest": window.oldest,
        "since": window.since,
        "until": window.until,
        "expected": window.expected,
        "is_weekly": indicator.period is Period.WEEKLY,
        "is_sum": indicator.aggregation is Aggregation.SUM,
        "sign": -1 if indicator.better is Better.LOWER else 1,
    }


def _figure(row: Any, indicator: Indicator, window: Window, *, is_whole: bool) -> UnitFigure:
    values = {**row, **{name: None if row[name] is None else float(row[name]) for name in _NUMBERS}}
    moments, amounts = values.pop("moments") or (), values.pop("amounts") or ()
    if indicator.better is Better.NEITHER:
        values["rank"] = None
    if not is_whole and row["ranked"] < FEWEST_PEERS:
        values.update(dict.fromkeys(_OF_PEERS))
    return UnitFigure(
        **values,
        meets_plan=_meets_plan(indicator.better, values["plan_percent"]),
        freshness=_freshness(indicator, window, row),
        trend=tuple((at, float(amount)) for at, amount in zip(moments, amounts, strict=True)),
    )


def _freshness(indicator: Indicator, window: Window, row: Any) -> Freshness:
    if window.at is None:
        return Freshness.FRESH if row["observed"] else Freshness.MISSING
    return freshness_of(indicator, row["at"], window.at)


def _meets_plan(better: Better, percent: float | None) -> bool | None:
    if percent is None or better is Better.NEITHER:
        return None
    return percent >= 100 if better is Better.HIGHER else percent <= 100


def compared(now: UnitFigure, other: UnitFigure | None) -> UnitFigure:
    """A figure with that of another period beside it."""
    if other is None or not other.counts or other.value is None:
        return now
    gap = now.value - other.value if now.counts and now.value is not None else None
    percent = gap * 100 / abs(other.value) if gap is not None and other.value else None
    return replace(
        now, against=other.value, against_at=other.at, against_gap=_nine(gap), against_percent=_nine(percent)
    )


def _nine(figure: float | None) -> float | None:
    return None if figure is None else round(figure, 9)
