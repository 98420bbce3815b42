"""Tasks as they are shown: those of the units in which the reader may read alerts, and those handed to the reader."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, text

from layers.access import Scope
from layers.rights import Action, Area
from scenarios.tasks.acting import TaskAct, possible_task_acts
from scenarios.tasks.errors import TaskNotFound
from scenarios.tasks.task import COLUMNS, Task, TaskState, task_from

MOST: Final = 1000
_VISIBLE: Final = (
    "(CAST(:units AS text[]) IS NULL AND :everywhere OR unit_code = ANY (CAST(:units AS text[]))"
    " OR assignee = :subject)"
)
_WHERE: Final = (
    f" FROM tasks.tasks WHERE {_VISIBLE}"
    " AND (CAST(:alert AS bigint) IS NULL OR alert_id = :alert)"
    " AND (CAST(:scenario AS text) IS NULL OR scenario = :scenario)"
    " AND (CAST(:unit AS text) IS NULL OR unit_code = :unit)"
    " AND (CAST(:states AS text[]) IS NULL OR state = ANY (CAST(:states AS text[])))"
    " AND (CAST(:assignee AS text) IS NULL OR assignee = :assignee)"
    " AND (NOT :late OR (state <> 'waiting' AND coalesce(ended_at, :at) >= due_at))"
)
_LIST: Final = text(
    f"SELECT {COLUMNS}, count(*) OVER () AS total{_WHERE}"
    " ORDER BY due_at NULLS LAST, alert_id, number, id LIMIT :limit OFFSET :offset"
)
_ONE: Final = text(f"SELECT {COLUMNS} FROM tasks.tasks WHERE id = :id")  # noqa: S608 - constants
_STEPS: Final = text(
    "SELECT number, actor, act, to_state, assignee, comment, at FROM tasks.steps WHERE task_id = :id"
    " ORDER BY number, task_id"
)
_COUNTS: Final = text(
    "SELECT unit_code, count(*) FILTER (WHERE state = 'open') AS open,"  # noqa: S608 - constants
    " count(*) FILTER (WHERE state = 'open' AND due_at <= :at) AS late,"
    " count(*) FILTER (WHERE state = 'open' AND rung IN ('leader', 'province')) AS escalated,"
    " count(*) FILTER (WHERE state = 'done' AND ended_at >= :since) AS done,"
    " count(*) FILTER (WHERE state = 'done' AND ended_at >= :since AND ended_at >= due_at) AS done_late"
    f" FROM tasks.tasks WHERE {_VISIBLE} AND (CAST(:scenario AS text) IS NULL OR scenario = :scenario)"
    " GROUP BY unit_code ORDER BY unit_code"
)


@dataclass(frozen=True, slots=True)
class TaskFilter:
    """Which tasks are wanted; what is not given leaves all."""

    alert_id: int | None = None
    scenario: str | None = None
    unit_code: str | None = None
    states: tuple[TaskState, ...] = ()
    assignee: str | None = None
    is_late: bool = False


@dataclass(frozen=True, slots=True)
class TaskCounts:
    """How the tasks of a unit stand: open, open and late, told to a leader; done since a moment, and of these late."""

    unit_code: str
    open: int
    late: int
    escalated: int
    done: int
    done_late: int


@dataclass(frozen=True, slots=True)
class TakenTaskStep:
    """One thing that a person, or the service (actor ``rules``), did with a task."""

    number: int
    actor: str
    act: str
    to_state: TaskState
    assignee: str | None
    comment: str
    at: datetime


@dataclass(frozen=True, slots=True)
class WholeTask:
    """A task with its history, oldest first, and the acts that the reader may do next."""

    task: Task
    steps: tuple[TakenTaskStep, ...]
    acts: tuple[TaskAct, ...]


def list_tasks(
    connection: Connection, scope: Scope, wanted: TaskFilter, at: datetime, *, limit: int = 100, offset: int = 0
) -> tuple[list[Task], int]:
    """A page of the tasks that match and that the reader may see, the first due first, and how many match in all.

    Args:
        connection: Owner or writer.
        scope: The reader's.
        wanted: Which tasks.
        at: Now, for what is late.
        limit: At most :data:`MOST`.
        offset: How many to leave out; the total is 0 beyond the end.
    """
    values = {
        **_visible(scope),
        "alert": wanted.alert_id,
        "scenario": wanted.scenario,
        "unit": wanted.unit_code,
        "states": [state.value for state in wanted.states] or None,
        "assignee": wanted.assignee,
        "late": wanted.is_late,
        "at": at,
        "limit": min(limit, MOST),
        "offset": offset,
    }
    rows = connection.execute(_LIST, values).mappings().all()
    total = int(rows[0]["total"]) if rows else 0
    return [task_from({name: value for name, value in row.items() if name != "total"}) for row in rows], total


def read_task(connection: Connection, scope: Scope, task_id: int) -> WholeTask:
    """One task with its history.

    Raises:
        TaskNotFound: There is none, or none that the reader may see.
    """
    row = connection.execute(_ONE, {"id": task_id}).mappings().one_or_none()
    task = None if row is None else task_from(row)
    if task is None or not (scope.may(Action.READ, Area.ALERTS, task.unit_code) or (task.assignee == scope.subject)):
        raise TaskNotFound(task_id)
    steps = connection.execute(_STEPS, {"id": task_id}).mappings()
    taken = tuple(TakenTaskStep(**{**step, "to_state": TaskState(step["to_state"])}) for step in steps)
    return WholeTask(task, taken, possible_task_acts(scope, task))


def count_tasks(
    connection: Connection, scope: Scope, at: datetime, since: datetime, *, scenario: str | None = None
) -> list[TaskCounts]:
    """How the tasks of each unit stand now, of the units that the reader may see."""
    values = {**_visible(scope), "at": at, "since": since, "scenario": scenario}
    return [TaskCounts(**row) for row in connection.execute(_COUNTS, values).mappings()]


def _visible(scope: Scope) -> dict[str, Any]:
    units = scope.units_of(Action.READ, Area.ALERTS)
    return {
        "units": None if units is None else sorted(units),
        "everywhere": units is None,
        "subject": scope.subject,
    }
