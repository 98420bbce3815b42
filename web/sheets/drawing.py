"""The small map of a sheet: communes in the colours of a figure, alerts, scale bar and north."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from scenarios.alerts.reading import ListedAlert
from scenarios.figures.classes import Classes, Measure
from scenarios.figures.figure import IndicatorFigures
from scenarios.outcomes import Level
from scenarios.sheets.outlines import Outline, Territory

EARTH_RADIUS_M: Final = 6_378_137.0
PLAIN: Final = "#eeeeee"
LEVEL_COLOURS: Final = {Level.ALARM: "#b2182b", Level.WARNING: "#b35806", Level.NOTICE: "#2c5f8a"}
# Above this the names would lie over one another.
MOST_NAMES: Final = 60
_MARGIN: Final = 0.04


@dataclass(frozen=True, slots=True)
class Area:
    """One commune as it is drawn; the name is None where there is no room for names."""

    path: str
    colour: str
    name: str | None
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Mark:
    """An alert on the map, with its number in the list."""

    number: int
    colour: str
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class MapDrawing:
    """A map in metres of EPSG:3857, y downwards.

    Attributes:
        view_box: West, top, width and height.
        unit: A three-hundredth of the larger side, which lines and letters are measured in.
        bar: Length of the scale bar in the drawing, and what it says in metres on the ground.
        legend: What the colours mean; None where nothing is classed.
        subject: Title of the indicator shown, and the measure.
    """

    view_box: tuple[int, int, int, int]
    unit: float
    areas: tuple[Area, ...]
    marks: tuple[Mark, ...]
    bar: tuple[int, int]
    legend: Classes | None
    subject: tuple[IndicatorFigures, Measure] | None


def draw(territory: Territory, figures: Iterable[IndicatorFigures], alerts: Iterable[ListedAlert]) -> MapDrawing | None:
    """The map of a sheet; None without any commune."""
    if territory.extent is None:
        return None
    west, south, east, north = territory.extent
    side = max(east - west, north - south)
    pad = side * _MARGIN
    subject = _subject(figures)
    colours = _colours(*subject) if subject else {}
    is_named = len(territory.outlines) <= MOST_NAMES
    areas = tuple(_area(one, colours, is_named=is_named, is_classed=subject is not None) for one in territory.outlines)
    box = (round(west - pad), round(-north - pad), round(east - west + 2 * pad), round(north - south + 2 * pad))
    legend = subject[0].classes[subject[1]] if subject else None
    return MapDrawing(box, side / 300, areas, tuple(_marks(alerts)), _bar(south, north, side), legend, subject)


def _subject(figures: Iterable[IndicatorFigures]) -> tuple[IndicatorFigures, Measure] | None:
    """What is coloured: the first indicator with a plan against it, else the first with any value."""
    held = list(figures)
    for measure in (Measure.PLAN, Measure.VALUE):
        for one in held:
            if any(measure in unit.classes and unit.level == "commune" for unit in one.units):
                return one, measure
    return None


def _colours(one: IndicatorFigures, measure: Measure) -> Mapping[str, str]:
    classes = one.classes[measure].classes
    return {unit.code: classes[unit.classes[measure]].colour for unit in one.units if measure in unit.classes}


def _area(outline: Outline, colours: Mapping[str, str], *, is_named: bool, is_classed: bool) -> Area:
    missing = "url(#stripes)" if is_classed else PLAIN
    name = outline.name if is_named else None
    return Area(outline.path, colours.get(outline.code, missing), name, round(outline.x), round(outline.y))


def _marks(alerts: Iterable[ListedAlert]) -> Iterable[Mark]:
    for number, alert in enumerate(alerts, 1):
        if alert.lon is not None and alert.lat is not None and abs(alert.lat) < 85:
            x = EARTH_RADIUS_M * math.radians(alert.lon)
            y = EARTH_RADIUS_M * math.log(math.tan(math.pi / 4 + math.radians(alert.lat) / 2))
            yield Mark(number, LEVEL_COLOURS[alert.level], round(x), round(-y))


def _bar(south: float, north: float, side: float) -> tuple[int, int]:
    """A round length of about a quarter of the map, true at its middle latitude."""
    stretched = math.cosh((south + north) / 2 / EARTH_RADIUS_M)
    ground = side / 4 / stretched
    power = 10 ** math.floor(math.log10(ground))
    told = next(step * power for step in (5, 2, 1) if step * power <= ground)
    return round(told * stretched), round(told)
