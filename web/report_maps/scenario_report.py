"""The report on a scenario at a moment: units coloured by a figure, alerts as points, both as tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from layers.definition import Label
from scenarios.alerts.lifecycle import State
from scenarios.alerts.moment import AlertThen
from scenarios.definition import Scenario
from scenarios.figures.classes import Measure
from scenarios.figures.figure import IndicatorFigures, UnitFigure
from scenarios.figures.periods import period_name
from scenarios.outcomes import Level, PlaceKind, Standing
from web.environment import format_moment, format_value
from web.report_maps.report import MAX_SHAPES, About, Extent, Grid, Kind, Outline, Report, Shape

LEVELS: Final[Mapping[Level, tuple[Label, str, int]]] = {
    Level.ALARM: (Label("Báo động", "Alarm"), "#d7191c", 11),
    Level.WARNING: (Label("Cảnh báo", "Warning"), "#e69f00", 8),
    Level.NOTICE: (Label("Lưu ý", "Notice"), "#0072b2", 5),
}
_STANDINGS: Final[Mapping[Standing, Label]] = {
    Standing.HOLDS: Label("đang vượt ngưỡng", "holds"),
    Standing.CLEAR: Label("đã trở lại bình thường", "cleared"),
    Standing.NO_SIGNAL: Label("mất tín hiệu", "no signal"),
}
_STATES: Final[Mapping[State, Label]] = {
    State.OPEN: Label("Mới", "Open"),
    State.ACKNOWLEDGED: Label("Đã tiếp nhận", "Acknowledged"),
    State.ASSIGNED: Label("Đã giao", "Assigned"),
    State.IN_PROGRESS: Label("Đang xử lý", "In progress"),
    State.RESOLVED: Label("Đã xử lý", "Resolved"),
    State.CLOSED: Label("Đã đóng", "Closed"),
}
_MEASURES: Final[Mapping[Measure, Label]] = {
    Measure.VALUE: Label("giá trị", "value"),
    Measure.PLAN: Label("so với kế hoạch", "against plan"),
    Measure.SAME_PERIOD: Label("so với cùng kỳ", "against the same period"),
    Measure.MEAN: Label("so với trung bình", "against the mean"),
    Measure.AGAINST: Label("so với kỳ đối chiếu", "against the other period"),
}


@dataclass(frozen=True, slots=True)
class Moment:
    """A scenario at a moment as its reader may see it; alerts or figures are None where the reader may not."""

    scenario: Scenario
    at: datetime
    alerts: Sequence[AlertThen] | None
    figures: IndicatorFigures | None
    measure: Measure


def scenario_report(moment: Moment, outlines: Sequence[Outline], extent: Extent | None, about: About) -> Report:
    """Puts a scenario at a moment together as a report."""
    scenario = moment.scenario
    alerts = tuple(moment.alerts or ())
    names = {outline.code: outline.name for outline in outlines}
    places = [alert for alert in alerts if alert.lon is not None]
    levels = [level for level in LEVELS if any(alert.level is level for alert in places)]
    counts = Counter(alert.level for alert in places)
    title = f"{scenario.code} · {about.pick(scenario.title)}"
    return Report(
        about=about,
        title=about.title or title,
        lines=tuple(_lines(moment, about)),
        legend=tuple(_kind(one, counts[one], about) for one in levels),
        fact_titles=tuple(_heads(about)[1:]),
        shapes=tuple(_shape(alert, levels, moment, names, about) for alert in places),
        outlines=tuple(_coloured(outline, moment, about) for outline in outlines),
        extent=extent,
        grids=tuple(_grids(moment, alerts, names, about)),
        sources=tuple(_sources(moment, about)),
        warnings=tuple(_warnings(moment, about)),
        fills=tuple(_fills(moment, about)),
        fill_title=_fill_title(moment, about),
    )


def _kind(level: Level, count: int, about: About) -> Kind:
    label, color, radius = LEVELS[level]
    return Kind(about.pick(label), color, count, radius, edge="#ffffff")


def chosen_measure(figures: IndicatorFigures, wanted: Measure | None) -> Measure:
    """The measure that is drawn: the one wanted, else against plan where plans are known, else the values."""
    if wanted is not None:
        return wanted
    has_plan = any(unit.plan_percent is not None for unit in figures.units)
    return Measure.PLAN if has_plan else Measure.VALUE


def _lines(moment: Moment, about: About) -> Iterable[str]:
    yield f"{about.say('Tại thời điểm', 'At')} {format_moment(moment.at, english=about.english)}"
    if moment.alerts is not None:
        yield about.say(f"{len(moment.alerts)} cảnh báo chưa đóng", f"{len(moment.alerts)} alerts not closed")
    if moment.scenario.leads:
        agencies = "; ".join(dict.fromkeys(lead.agency for lead in moment.scenario.leads))
        yield f"{about.say('Cơ quan chủ trì', 'Lead agency')}: {agencies}"


def _shape(alert: AlertThen, levels: Sequence[Level], moment: Moment, names: Mapping[str, str], about: About) -> Shape:
    row = _row(alert, moment, names, about)
    point = {"type": "Point", "coordinates": [alert.lon, alert.lat]}
    return Shape(row[0], levels.index(alert.level), row[1:], point)


def _heads(about: About) -> tuple[str, ...]:
    if about.english:
        return ("Place", "Commune", "Threshold", "Value", "Since", "Condition", "Work")
    return ("Nơi", "Xã", "Ngưỡng", "Giá trị", "Từ lúc", "Điều kiện", "Xử lý")


def _row(alert: AlertThen, moment: Moment, names: Mapping[str, str], about: About) -> tuple[str, ...]:
    rule = next((one for one in moment.scenario.rules if one.register == alert.rule), None)
    stated = rule.threshold.stated if rule is not None else alert.rule
    unit = rule.threshold.unit or "" if rule is not None else ""
    place = names.get(alert.place_key, alert.place_key) if alert.place_kind is PlaceKind.UNIT else alert.place_key
    value = "" if alert.value is None else f"{format_value(alert.value, english=about.english)} {unit}".strip()
    return (
        place,
        names.get(alert.unit_code, alert.unit_code),
        stated,
        value,
        format_moment(alert.opened_at, english=about.english),
        about.pick(_STANDINGS[alert.standing]),
        about.pick(_STATES[alert.state]),
    )


def _coloured(outline: Outline, moment: Moment, about: About) -> Outline:
    figures = moment.figures
    unit = next((one for one in figures.units if one.code == outline.code), None) if figures is not None else None
    if figures is None or unit is None:
        return outline
    classes = figures.classes[moment.measure]
    place = unit.classes.get(moment.measure)
    color = classes.missing_colour if place is None else classes.classes[place].colour
    return replace(outline, color=color, facts=tuple(_unit_facts(unit, figures, about)))


def _unit_facts(unit: UnitFigure, figures: IndicatorFigures, about: About) -> Iterable[tuple[str, str]]:
    heads = _figure_heads(figures, about)
    for head, cell in zip(heads[2:], _figure_row(unit, figures, about)[2:], strict=True):
        if cell != "–":
            yield head, cell


def _figure_heads(figures: IndicatorFigures, about: About) -> tuple[str, ...]:
    name = f"{about.pick(figures.indicator.title)} ({figures.indicator.unit})"
    if about.english:
        return ("Code", "Unit", name, "% of plan", "Same period", "Rank", "Period")
    return ("Mã", "Đơn vị", name, "% kế hoạch", "Cùng kỳ", "Hạng", "Kỳ số liệu")


def _figure_row(unit: UnitFigure, figures: IndicatorFigures, about: About) -> tuple[str, ...]:
    rank = f"{unit.rank}/{unit.ranked}" if unit.rank is not None else "–"
    period = period_name(figures.indicator.period, unit.at) if unit.at is not None else "–"
    percent = None if unit.plan_percent is None else round(unit.plan_percent, 1)
    numbers = (unit.value, percent, unit.same_period)
    return (unit.code, unit.name, *(format_value(one, english=about.english) for one in numbers), rank, period)


def _grids(moment: Moment, alerts: Sequence[AlertThen], names: Mapping[str, str], about: About) -> Iterable[Grid]:
    if alerts:
        heads = (about.say("Mức", "Level"), *_heads(about))
        rows = tuple((about.pick(LEVELS[alert.level][0]), *_row(alert, moment, names, about)) for alert in alerts)
        yield Grid(about.say("Cảnh báo chưa đóng", "Alerts not closed"), heads, (False,) * len(heads), rows)
    if moment.figures is not None:
        heads = _figure_heads(moment.figures, about)
        numeric = (False, False, True, True, True, True, False)
        figure_rows = tuple(_figure_row(unit, moment.figures, about) for unit in moment.figures.units)
        yield Grid(about.say("Số liệu theo đơn vị", "Figures by unit"), heads, numeric, figure_rows)


def _fill_title(moment: Moment, about: About) -> str:
    if moment.figures is None:
        return ""
    return f"{about.pick(moment.figures.indicator.title)}, {about.pick(_MEASURES[moment.measure])}"


def _fills(moment: Moment, about: About) -> Iterable[Kind]:
    if moment.figures is None:
        return
    classes = moment.figures.classes[moment.measure]
    for one in classes.classes:
        yield Kind(about.pick(one.words), one.colour, one.count)
    if classes.missing:
        yield Kind(about.pick(classes.missing_words), classes.missing_colour, classes.missing)


def _sources(moment: Moment, about: About) -> Iterable[str]:
    yield f"{about.say('Căn cứ', 'Clauses')}: {', '.join(moment.scenario.clauses)}."
    if moment.figures is None:
        return
    known = [unit.at for unit in moment.figures.units if unit.at is not None]
    period = period_name(moment.figures.indicator.period, max(known)) if known else about.say("chưa có", "none yet")
    title, source = about.pick(moment.figures.indicator.title), moment.figures.indicator.source
    yield about.say(
        f"{title}: số liệu đến kỳ {period}, theo {source}.", f"{title}: figures up to {period}, as {source} asks."
    )


def _warnings(moment: Moment, about: About) -> Iterable[str]:
    alerts = moment.alerts
    if alerts is None:
        yield about.say("Không có cảnh báo: người lập không được xem.", "No alerts: the maker may not see them.")
        return
    if len(alerts) >= MAX_SHAPES:
        yield about.say(
            f"Chỉ có {MAX_SHAPES} cảnh báo nặng nhất; còn nữa.",
            f"Only the {MAX_SHAPES} gravest alerts of more.",
        )
    unplaced = sum(alert.lon is None for alert in alerts)
    if unplaced:
        yield about.say(
            f"{unplaced} cảnh báo không có vị trí, chỉ nằm trong bảng.",
            f"{unplaced} alerts have no position and stand in the table only.",
        )
