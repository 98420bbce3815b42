"""A sheet as HTML and as a PDF on A4; nothing is fetched from anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Never

from scenarios.alerts.lifecycle import State
from scenarios.definition import MeetingLevel, Scenario
from scenarios.figures.classes import Measure
from scenarios.figures.figure import IndicatorFigures, UnitFigure
from scenarios.figures.periods import period_name
from scenarios.figures.tables import FRESHNESS_TITLES
from scenarios.outcomes import Level, PlaceKind
from scenarios.sheets.sheet import Sheet, SheetAlert
from scenarios.work.calendar import VIETNAM_TIME
from web.environment import NO_VALUE, environment, format_number
from web.sheets.drawing import draw

MEETINGS: Final = {
    MeetingLevel.PERIODIC: "họp định kỳ",
    MeetingLevel.AD_HOC: "họp đột xuất",
    MeetingLevel.ON_DEMAND: "họp theo yêu cầu",
}
MEASURES: Final = {Measure.PLAN: "so với kế hoạch", Measure.VALUE: "giá trị"}
LEVELS: Final = {Level.ALARM: "Báo động", Level.WARNING: "Cảnh báo", Level.NOTICE: "Lưu ý"}
STATES: Final = {
    State.OPEN: "mới",
    State.ACKNOWLEDGED: "đã tiếp nhận",
    State.ASSIGNED: "đã giao",
    State.IN_PROGRESS: "đang xử lý",
    State.RESOLVED: "đã xử lý",
    State.CLOSED: "đã đóng",
}
# Further rows stand in the workbook of the same figures.
MOST_UNITS: Final = 200
MOST_ALERTS: Final = 100
MOST_TASKS: Final = 100


def sheet_pdf(sheet: Sheet) -> bytes:
    """The sheet as a PDF on A4."""
    from weasyprint import HTML

    made = HTML(string=sheet_html(sheet), url_fetcher=refuse).write_pdf()
    assert isinstance(made, bytes)  # noqa: S101 - without a target the bytes are given back
    return made


def refuse(url: str) -> Never:
    """Fetches nothing, whatever a text of the data asks for.

    Raises:
        ValueError: Always.
    """
    raise ValueError(f"a sheet fetches nothing: {url[:100]}")


def sheet_html(sheet: Sheet) -> str:
    """The sheet as HTML; every text of the data is escaped."""
    alerts = sheet.alerts or ()
    return (
        environment()
        .get_template("sheet.html")
        .render(
            sheet=sheet,
            meeting=MEETINGS[sheet.level],
            parent=_parent(sheet),
            agency=_agency(sheet),
            day=sheet.at.astimezone(VIETNAM_TIME),
            tables=[(one, _listed(sheet, one)) for one in sheet.figures],
            alerts=alerts[:MOST_ALERTS],
            alerts_left=max(0, len(alerts) - MOST_ALERTS),
            tasks=sheet.late[:MOST_TASKS],
            tasks_left=max(0, len(sheet.late) - MOST_TASKS),
            map=draw(sheet.territory, sheet.figures, [held.alert for held in alerts[:MOST_ALERTS]]),
            agencies=_agencies(sheet.scenario),
            measures=MEASURES,
            levels=LEVELS,
            states=STATES,
            freshness=FRESHNESS_TITLES,
            number=_number,
            signed=_signed,
            moment=_moment,
            period=_period,
            place=lambda held: _place(sheet, held),
            rule=lambda held: _rule(sheet.scenario, held),
            name=lambda code: sheet.names.get(code, code),
        )
    )


def _listed(sheet: Sheet, one: IndicatorFigures) -> Sequence[UnitFigure]:
    """The units printed: all, or for an ad hoc meeting those that somebody has to ask about."""
    if sheet.level is MeetingLevel.AD_HOC:
        return [unit for unit in one.units if unit.meets_plan is False or not unit.counts][:MOST_UNITS]
    return one.units[:MOST_UNITS]


def _parent(sheet: Sheet) -> str:
    """The province that the units belong to; empty where they are of several."""
    provinces = {unit.province for one in sheet.figures for unit in one.units}
    provinces |= {code for code in (sheet.unit_code,) if code is not None and len(code) == 2}
    name = sheet.names.get(next(iter(provinces)), "") if len(provinces) == 1 else ""
    return f"Ủy ban nhân dân {name}".strip()


def _agency(sheet: Sheet) -> str:
    if sheet.unit_code is not None and len(sheet.unit_code) == 5:
        return f"Ủy ban nhân dân {sheet.names.get(sheet.unit_code, sheet.unit_code)}"
    return "Trung tâm điều hành thông minh"


def _agencies(scenario: Scenario) -> list[str]:
    """Whom the sources name, each once: lead agencies, then cooperating ones."""
    leads = [lead.agency for lead in scenario.leads]
    others = [agency for lead in scenario.leads for agency in lead.cooperating]
    return list(dict.fromkeys([*leads, *others]))


def _number(value: float | None, digits: int = 2) -> str:
    return NO_VALUE if value is None else format_number(round(float(value), digits), english=False)


def _signed(value: float | None) -> str:
    if value is None:
        return NO_VALUE
    return f"{'−' if value < 0 else '+'}{_number(abs(value), 1)}"


def _moment(value: datetime | None) -> str:
    return NO_VALUE if value is None else f"{value.astimezone(VIETNAM_TIME):%H:%M %d/%m/%Y}"


def _period(one: IndicatorFigures, unit: UnitFigure) -> str:
    return NO_VALUE if unit.at is None else period_name(one.indicator.period, unit.at)


def _place(sheet: Sheet, held: SheetAlert) -> str:
    alert = held.alert
    unit = sheet.names.get(alert.unit_code, alert.unit_code)
    return unit if alert.place_kind is PlaceKind.UNIT else f"{alert.place_key} ({unit})"


def _rule(scenario: Scenario, held: SheetAlert) -> str:
    """The clause that the alert was raised by, in the words of its source."""
    stated = {rule.register: rule.threshold.stated for rule in scenario.rules}
    return stated.get(held.alert.rule, held.alert.rule)
