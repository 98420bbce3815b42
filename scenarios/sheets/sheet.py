"""Everything that a printed sheet of a scenario says, read in one state of the database and the reader's scope."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import Connection, text

from layers.access import Scope
from layers.rights import Action, Area, NotAllowed
from layers.units import UnitNotFound
from scenarios.alerts.lifecycle import State
from scenarios.alerts.reading import MOST as MOST_ALERTS
from scenarios.alerts.reading import AlertFilter, ListedAlert, list_alerts
from scenarios.definition import MeetingLevel, Scenario
from scenarios.figures.assembling import scenario_figures
from scenarios.figures.figure import Asked, IndicatorFigures, UnitFigure
from scenarios.outcomes import Level
from scenarios.sheets.outlines import Territory, read_territory
from scenarios.tasks.reading import MOST as MOST_TASKS
from scenarios.tasks.reading import TaskFilter, list_tasks
from scenarios.tasks.task import Task, TaskState

_GRAVITY: Final = {Level.ALARM: 0, Level.WARNING: 1, Level.NOTICE: 2}
_OPEN: Final = tuple(state for state in State if state is not State.CLOSED)
_AREAS: Final = (Area.INDICATORS, Area.ALERTS)
_MEMBERS: Final = text(
    "SELECT code FROM features.communes WHERE :unit IN (code, parent_code)"
    " UNION SELECT code FROM features.provinces WHERE code = :unit"
)
_PROVINCES: Final = text("SELECT code, name FROM features.provinces ORDER BY code")


class MeetingWord(StrEnum):
    """The three levels of a meeting as addresses say them: định kỳ, đột xuất, theo yêu cầu."""

    PERIODIC = "dinh-ky"
    AD_HOC = "dot-xuat"
    ON_DEMAND = "theo-yeu-cau"

    @property
    def level(self) -> MeetingLevel:
        """The level that is meant."""
        return MeetingLevel[self.name]


@dataclass(frozen=True, slots=True)
class SheetAlert:
    """An open alert with who has to do what next, and by when; None where nobody is named."""

    alert: ListedAlert
    who: str | None = None
    what: str | None = None
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is printed.

    Attributes:
        unit_code: The commune or province that it is about; None for all units of the reader.
        figures: Indicators, the units furthest behind plan first in each.
        alerts: Open alerts, the gravest first, then the oldest; None where the reader may see none anywhere.
        late: Open tasks past their deadline, the oldest first.
        names: Names of units by code.
    """

    scenario: Scenario
    level: MeetingLevel
    at: datetime
    unit_code: str | None
    figures: tuple[IndicatorFigures, ...]
    alerts: tuple[SheetAlert, ...] | None
    late: tuple[Task, ...]
    territory: Territory
    names: Mapping[str, str]


def read_sheet(
    connection: Connection, scope: Scope, scenario: Scenario, level: MeetingLevel, at: datetime, *, unit: str | None
) -> Sheet:
    """Reads a sheet: figures as they were known at the moment, alerts and tasks opened by then and open now.

    Args:
        connection: Owner or writer, in a transaction that sees one state of the database (REPEATABLE READ).
        scope: The reader's.
        scenario: What it is about.
        level: For which meeting.
        at: The moment of looking.
        unit: Code of a commune or province to keep to.

    Raises:
        NotAllowed: The reader may read neither indicators nor alerts anywhere.
        UnitNotFound: There is no such unit, or the reader may see nothing of it.
    """
    sees_figures, sees_alerts = (scope.may_somewhere(Action.READ, area) for area in _AREAS)
    if not sees_figures and not sees_alerts:
        raise NotAllowed(Action.READ, Area.INDICATORS)
    kept = _members(connection, scope, unit) if unit is not None else None
    figures = _figures(connection, scope, scenario, at, kept) if sees_figures else ()
    tasks = _tasks(connection, scope, scenario, at, kept) if sees_alerts else []
    alerts = _alerts(connection, scope, scenario, at, kept, tasks) if sees_alerts else None
    codes = {held.code for one in figures for held in one.units} | {held.alert.unit_code for held in alerts or ()}
    territory = read_territory(connection, codes | (kept or set()))
    names = {outline.code: outline.name for outline in territory.outlines}
    names |= {row.code: row.name for row in connection.execute(_PROVINCES)}
    late = tuple(task for task in tasks if task.is_late(at))
    return Sheet(scenario, level, at, unit, figures, alerts, late, territory, names)


def _members(connection: Connection, scope: Scope, unit: str) -> frozenset[str]:
    """The unit with the communes of it, as far as there is anything that the reader may see there."""
    found = frozenset(connection.execute(_MEMBERS, {"unit": unit}).scalars())
    if not any(scope.may(Action.READ, area, code) for area in _AREAS for code in found):
        raise UnitNotFound(unit)
    return found


def _figures(
    connection: Connection, scope: Scope, scenario: Scenario, at: datetime, kept: frozenset[str] | None
) -> tuple[IndicatorFigures, ...]:
    found = scenario_figures(connection, scope, scenario, Asked(at, at, trend=0))
    return tuple(replace(one, units=_ordered(one, kept)) for one in found)


def _ordered(one: IndicatorFigures, kept: frozenset[str] | None) -> tuple[UnitFigure, ...]:
    return tuple(sorted((held for held in one.units if kept is None or held.code in kept), key=_urgency))


def _urgency(held: UnitFigure) -> tuple[int, float, str]:
    """Behind plan first, the furthest on top; then those without plan, those that meet it, and those without value."""
    percent = held.plan_percent if held.meets_plan is False and held.plan_percent is not None else 100.0
    group = {False: 0, None: 1, True: 2}[held.meets_plan] if held.counts else 3
    return group, -abs(100 - percent), held.code


def _tasks(
    connection: Connection, scope: Scope, scenario: Scenario, at: datetime, kept: frozenset[str] | None
) -> list[Task]:
    wanted = TaskFilter(scenario=scenario.code, states=(TaskState.OPEN,))
    found, _ = list_tasks(connection, scope, wanted, at, limit=MOST_TASKS)
    given = (task for task in found if task.given_at is not None and task.given_at <= at)
    return [task for task in given if kept is None or task.unit_code in kept]


def _alerts(
    connection: Connection,
    scope: Scope,
    scenario: Scenario,
    at: datetime,
    kept: frozenset[str] | None,
    tasks: Sequence[Task],
) -> tuple[SheetAlert, ...]:
    found = list_alerts(connection, scope, AlertFilter(scenario.code, states=_OPEN), limit=MOST_ALERTS)
    next_of: dict[int, Task] = {}
    for task in tasks:
        next_of.setdefault(task.alert_id, task)
    shown = [a for a in found if a.opened_at <= at and (kept is None or a.unit_code in kept)]
    shown.sort(key=lambda alert: (_GRAVITY[alert.level], alert.since_at, alert.id))
    return tuple(_with_task(alert, next_of.get(alert.id)) for alert in shown)


def _with_task(alert: ListedAlert, task: Task | None) -> SheetAlert:
    if task is None:
        return SheetAlert(alert, alert.assignee)
    return SheetAlert(alert, task.assignee or alert.assignee or task.actor, task.title.vi, task.due_at)
