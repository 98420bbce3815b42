"""All figures of a scenario: its indicators, each at the reader's units, classed for a map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection

from layers.access import Scope
from scenarios.definition import Rule, RuleScope, Scenario
from scenarios.figures.classes import Classes, Measure, compared_classes, value_classes
from scenarios.figures.errors import IndicatorNotOfScenario
from scenarios.figures.figure import Asked, IndicatorFigures, UnitFigure
from scenarios.figures.periods import period_name
from scenarios.figures.reading import compared, list_figures
from scenarios.indicators.catalogue import get_indicator
from scenarios.indicators.indicator import Indicator
from scenarios.rules.shape import AgainstPlan, PlanPeriod, SeriesTest

_PERCENT = "%"


def indicators_of(scenario: Scenario) -> dict[str, list[Rule]]:
    """Codes of the indicators that its rules look at, in their order, each with those rules; then those it shows."""
    found: dict[str, list[Rule]] = {}
    for rule in scenario.rules:
        if isinstance(rule.test, SeriesTest):
            found.setdefault(rule.test.indicator, []).append(rule)
    for code in scenario.indicators:
        found.setdefault(code, [])
    return found


def scenario_figures(
    connection: Connection, scope: Scope, scenario: Scenario, asked: Asked
) -> tuple[IndicatorFigures, ...]:
    """The figures of a scenario's indicators at every unit that the reader may see.

    Args:
        connection: Owner or writer, best in a transaction that sees one state of the database.
        scope: The reader's.
        scenario: Whose indicators.
        asked: When, or of which period.

    Raises:
        NotAllowed: The reader may read indicators in no unit at all.
        IndicatorNotOfScenario: The one asked for is not among its indicators.
    """
    wanted = indicators_of(scenario)
    if asked.indicator is not None:
        if asked.indicator not in wanted:
            raise IndicatorNotOfScenario(scenario.code, asked.indicator, known=wanted)
        wanted = {asked.indicator: wanted[asked.indicator]}
    return tuple(_of_indicator(connection, scope, code, rules, asked) for code, rules in wanted.items())


def _of_indicator(
    connection: Connection, scope: Scope, code: str, rules: Sequence[Rule], asked: Asked
) -> IndicatorFigures:
    indicator = get_indicator(code)
    plan_period, level = _plan_period(rules), _level(rules)
    units = list_figures(connection, scope, indicator, asked, plan_period=plan_period, level=level)
    if asked.against is not None:
        earlier = replace(asked, span=asked.against, against=None, trend=0)
        listed = list_figures(connection, scope, indicator, earlier, plan_period=plan_period, level=level)
        others = {unit.code: unit for unit in listed}
        units = [compared(unit, others.get(unit.code)) for unit in units]
    classes = _classes(indicator, units, asked)
    starts = sorted({at for unit in units for at, _ in unit.trend})
    periods = dict.fromkeys(period_name(indicator.period, at) for at in starts)
    registers = tuple(rule.register for rule in rules)
    classed = tuple(_classed(unit, indicator, classes) for unit in units)
    return IndicatorFigures(indicator, registers, classed, tuple(periods), classes)


def _plan_period(rules: Sequence[Rule]) -> PlanPeriod:
    """As the scenario's own rule has it; without one the target that is running."""
    named = [rule.test.plan_period for rule in rules if isinstance(rule.test, AgainstPlan)]
    return named[0] if named else PlanPeriod.RUNNING


def _level(rules: Sequence[Rule]) -> RuleScope:
    only_provinces = all(rule.scope is RuleScope.PROVINCE for rule in rules)
    return RuleScope.PROVINCE if rules and only_provinces else RuleScope.COMMUNE


def _classes(indicator: Indicator, units: Sequence[UnitFigure], asked: Asked) -> dict[Measure, Classes]:
    in_points = indicator.unit == _PERCENT
    measures = [Measure.PLAN, Measure.SAME_PERIOD, Measure.MEAN]
    measures += [Measure.AGAINST] if asked.against is not None else []
    values = [measured(unit, Measure.VALUE, indicator) for unit in units]
    return {
        Measure.VALUE: value_classes(values, indicator.unit),
        **{
            measure: compared_classes(
                [measured(unit, measure, indicator) for unit in units], measure, indicator.better, in_points=in_points
            )
            for measure in measures
        },
    }


def _classed(unit: UnitFigure, indicator: Indicator, classes: dict[Measure, Classes]) -> UnitFigure:
    indices = {measure: held.index_of(measured(unit, measure, indicator)) for measure, held in classes.items()}
    return replace(unit, classes={measure: index for measure, index in indices.items() if index is not None})


def measured(unit: UnitFigure, measure: Measure, indicator: Indicator) -> float | None:
    """What a measure shows of a unit: shares in percent differ by percentage points, all else by percent."""
    in_points = indicator.unit == _PERCENT
    match measure:
        case Measure.VALUE:
            return unit.value if unit.counts else None
        case Measure.PLAN:
            return unit.plan_percent
        case Measure.SAME_PERIOD:
            return unit.same_period_gap if in_points else unit.same_period_percent
        case Measure.MEAN:
            return unit.mean_gap if in_points else unit.mean_percent
        case Measure.AGAINST:
            return unit.against_gap if in_points else unit.against_percent
