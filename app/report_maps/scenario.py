"""Reads a scenario at a moment: its alerts, one indicator's figures, and the units that they lie in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import anyio.to_thread
from sqlalchemy import Engine

from app.report_maps.reading import COMMUNES, PROVINCES, Reading, read_named_outlines
from layers.access import Scope
from layers.rights import Action, Area, NotAllowed
from scenarios.alerts.moment import list_alerts_at
from scenarios.definition import Scenario
from scenarios.figures.assembling import scenario_figures
from scenarios.figures.classes import Measure
from scenarios.figures.figure import Asked, IndicatorFigures
from scenarios.figures.periods import Span
from scenarios.loader import get_scenario
from web.report_maps.outlines import widened
from web.report_maps.report import MAX_SHAPES, About, Extent, Report
from web.report_maps.scenario_report import Moment, chosen_measure, scenario_report


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which scenario, when, and what is coloured.

    Attributes:
        indicator: One of the scenario's; None for the first that has a figure.
        measure: None for against plan where plans are known, else the values.
        span: The period whose figures are wanted; None for the newest at the moment.
        against: Another period to compare with.
    """

    code: str
    at: datetime
    indicator: str | None = None
    measure: Measure | None = None
    span: Span | None = None
    against: Span | None = None


async def read_scenario(reading: Reading, engine: Engine, wanted: Wanted, about: About) -> Report:
    """A scenario at a moment within the reader's scope.

    Args:
        reading: What outlines are read with.
        engine: Of the writer login, through which alerts and figures are read with the scope.
        wanted: What is asked for.
        about: Maker, moment, language.

    Raises:
        ScenarioNotFound: No scenario has this code.
        NotAllowed: The reader may read neither alerts nor indicators anywhere.
    """
    scenario = get_scenario(wanted.code)
    moment = await anyio.to_thread.run_sync(_read, engine, reading.scope, scenario, wanted)
    codes = set(_codes(moment))
    outlines, extent = await read_named_outlines(reading, COMMUNES, {code for code in codes if len(code) == 5})
    if not outlines:
        outlines, extent = await read_named_outlines(reading, PROVINCES, {code for code in codes if len(code) == 2})
    return await anyio.to_thread.run_sync(scenario_report, moment, outlines, _extent(moment, extent), about)


def _read(engine: Engine, scope: Scope, scenario: Scenario, wanted: Wanted) -> Moment:
    sees_alerts = scope.may_somewhere(Action.READ, Area.ALERTS)
    sees_figures = scope.may_somewhere(Action.READ, Area.INDICATORS)
    if not sees_alerts and not sees_figures:
        raise NotAllowed(Action.READ, Area.ALERTS)
    asked = Asked(wanted.at, wanted.at, wanted.span, wanted.against, trend=0, indicator=wanted.indicator)
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        alerts = None
        if sees_alerts:
            alerts = list_alerts_at(connection, scope, scenario.code, wanted.at, limit=MAX_SHAPES)
        figures = _first(scenario_figures(connection, scope, scenario, asked)) if sees_figures else None
    measure = chosen_measure(figures, wanted.measure) if figures is not None else Measure.VALUE
    return Moment(scenario, wanted.at, alerts, figures, measure)


def _first(found: tuple[IndicatorFigures, ...]) -> IndicatorFigures | None:
    """The first with any figure, else the first."""
    return next((one for one in found if any(unit.counts for unit in one.units)), found[0] if found else None)


def _codes(moment: Moment) -> Iterable[str]:
    if moment.figures is not None:
        yield from (unit.code for unit in moment.figures.units)
    yield from (alert.unit_code for alert in moment.alerts or ())


def _extent(moment: Moment, extent: Extent | None) -> Extent | None:
    """What the map shows: the units, and alerts that lie beside them."""
    placed = [(a.lon, a.lat, a.lon, a.lat) for a in moment.alerts or () if a.lon is not None and a.lat is not None]
    boxes = [*placed, *([extent] if extent is not None else [])]
    if not boxes:
        return None
    west, south, east, north = zip(*boxes, strict=True)
    return widened((min(west), min(south), max(east), max(north)))
