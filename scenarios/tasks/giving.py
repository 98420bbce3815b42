"""Tasks from a scenario's steps: made when an alert opens, given one after the other, dropped when it closes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, text

from scenarios.definition import DeadlineKind, Step
from scenarios.errors import ScenarioNotFound
from scenarios.revisions.reading import scenario_in_force
from scenarios.tasks.due import step_due_at
from scenarios.work.calendar import WorkCalendar

RULES: Final = "rules"
_MAKE: Final = text(
    "INSERT INTO tasks.tasks (alert_id, scenario, step, number, is_beside, title_vi, title_en, actor, channel,"
    " unit_code, deadline, hours, before_clock)"
    " SELECT alert.id, alert.scenario, :step, :number, :is_beside, :title_vi, :title_en, :actor, :channel,"
    " alert.unit_code, :deadline, :hours, :before"
    " FROM alerts.alerts AS alert WHERE alert.id = ANY (:alerts) ORDER BY alert.id"
    " ON CONFLICT (alert_id, step) DO NOTHING"
)
# Steps that come every day stand beside the workflow: they wait for nothing, and nothing waits for them. Of the others
# the next one that waits is given as soon as none is open, with those beside it.
_NEXT: Final = text("""
WITH next AS (
    SELECT waiting.alert_id, min(waiting.number) AS number FROM tasks.tasks AS waiting
    WHERE waiting.alert_id = ANY (:alerts) AND waiting.state = 'waiting' AND waiting.deadline <> 'daily'
        AND NOT EXISTS (SELECT FROM tasks.tasks AS open
            WHERE open.alert_id = waiting.alert_id AND open.state = 'open' AND open.deadline <> 'daily')
    GROUP BY waiting.alert_id
)
SELECT task.id, task.deadline, task.hours, task.before_clock FROM tasks.tasks AS task
LEFT JOIN next USING (alert_id)
WHERE task.alert_id = ANY (:alerts) AND task.state = 'waiting' AND (
    task.deadline = 'daily' OR task.number = next.number
    OR (task.is_beside AND task.number > next.number AND NOT EXISTS (
        SELECT FROM tasks.tasks AS between WHERE between.alert_id = task.alert_id AND NOT between.is_beside
            AND between.deadline <> 'daily' AND between.number > next.number AND between.number < task.number)))
ORDER BY task.alert_id, task.number, task.id FOR UPDATE OF task
""")
_GIVE: Final = text(
    "UPDATE tasks.tasks SET state = 'open', version = version + 1, given_at = :at, ended_at = NULL, due_at = :due,"
    " rung = 'officer', escalates_at = :due WHERE id = :id"
)
_DROP: Final = text(
    "UPDATE tasks.tasks SET state = 'dropped', version = version + 1, ended_at = :at, escalates_at = NULL"
    " WHERE alert_id = ANY (:alerts) AND state IN ('waiting', 'open') RETURNING id"
)
_TAKE_UP: Final = text(
    "UPDATE tasks.tasks SET state = 'waiting', version = version + 1, ended_at = NULL, given_at = NULL, due_at = NULL"
    " WHERE alert_id = ANY (:alerts) AND state = 'dropped' RETURNING id"
)
_TELL: Final = text(
    "INSERT INTO tasks.steps (task_id, number, actor, act, to_state, assignee, comment, at)"
    " SELECT task.id, coalesce((SELECT max(step.number) FROM tasks.steps AS step WHERE step.task_id = task.id), 0) + 1,"
    " :actor, :act, task.state, task.assignee, :comment, :at"
    " FROM tasks.tasks AS task WHERE task.id = ANY (:tasks) ORDER BY task.id"
)


def give_tasks(
    connection: Connection, scenario: str, alerts: Sequence[int], at: datetime, calendar: WorkCalendar
) -> None:
    """Makes the tasks of alerts that have just opened, and gives the first of each, in the caller's transaction.

    Doing it twice makes nothing twice. A scenario that states no steps gives none.

    Args:
        connection: Owner or writer.
        scenario: Code of the scenario of all these alerts.
        alerts: Their ids.
        at: The moment of giving, aware UTC; deadlines count from it.
        calendar: Which days are worked.
    """
    try:
        steps = scenario_in_force(connection, scenario, at).steps
    except ScenarioNotFound:
        # An alert of a rule that belongs to no scenario of the catalogue has no workflow.
        return
    for number, step in enumerate(steps, 1):
        connection.execute(_MAKE, {"alerts": list(alerts), "number": number, **_values(step)})
    give_next(connection, alerts, at, calendar)


def give_next(connection: Connection, alerts: Sequence[int], at: datetime, calendar: WorkCalendar) -> None:
    """Gives what is to be done now, where nothing of an alert's workflow is open."""
    for row in connection.execute(_NEXT, {"alerts": list(alerts)}).all():
        give_again(connection, row, at, calendar)
        tell_step(connection, [row.id], RULES, "given", at)


def give_again(connection: Connection, row: Any, at: datetime, calendar: WorkCalendar) -> None:
    """Opens the task of a row with its id and deadline, due counted from now."""
    due = step_due_at(DeadlineKind(row.deadline), row.hours, row.before_clock, at, calendar)
    connection.execute(_GIVE, {"id": row.id, "at": at, "due": due})


def drop_tasks(connection: Connection, alerts: Sequence[int], at: datetime, actor: str) -> None:
    """Ends what is open or waits of alerts that are closed."""
    dropped = connection.execute(_DROP, {"alerts": list(alerts), "at": at}).scalars().all()
    tell_step(connection, dropped, actor, "dropped", at)


def take_up_tasks(connection: Connection, alert: int, at: datetime, actor: str, calendar: WorkCalendar) -> None:
    """Takes up what was dropped of an alert that is reopened, from the first such step on."""
    taken = connection.execute(_TAKE_UP, {"alerts": [alert]}).scalars().all()
    tell_step(connection, taken, actor, "taken_up", at)
    give_next(connection, [alert], at, calendar)


def tell_step(
    connection: Connection, tasks: Sequence[int], actor: str, act: str, at: datetime, *, comment: str = ""
) -> None:
    """Writes into the tasks' history what has just been done with them."""
    if tasks:
        values = {"tasks": list(tasks), "actor": actor, "act": act, "at": at, "comment": comment}
        connection.execute(_TELL, values)


def _values(step: Step) -> dict[str, Any]:
    return {
        "step": step.key,
        "is_beside": step.beside,
        "title_vi": step.title.vi,
        "title_en": step.title.en,
        "actor": step.actor,
        "channel": step.channel or "",
        "deadline": step.deadline.value,
        "hours": step.hours,
        "before": step.before,
    }
