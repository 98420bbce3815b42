"""What people do with a task: take it, hand it on, finish it, drop it, give it again; each act once, by right."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Connection, Row, text

from layers.access import Scope
from layers.audit import Event, record_event
from layers.notices import Message, add_notice
from layers.rights import Action, Area, NotAllowed
from scenarios.tasks.errors import TaskActIncomplete, TaskChanged, TaskNotFound, TaskOfAnother, TaskOutOfOrder
from scenarios.tasks.giving import give_again, give_next, tell_step
from scenarios.tasks.task import COLUMNS, Task, TaskState, task_from
from scenarios.work.calendar import WorkCalendar


class TaskAct(StrEnum):
    """What may be done with a task."""

    TAKE = "take"
    DELEGATE = "delegate"
    FINISH = "finish"
    DROP = "drop"
    GIVE_AGAIN = "give_again"
    COMMENT = "comment"


@dataclass(frozen=True, slots=True)
class TaskStep:
    """One act on one task.

    Attributes:
        version: The task's version that the person saw; another one now is a conflict.
        comment: What the person says: the result when finishing, the reason when dropping or giving again.
        assignee: Subject of whoever it is delegated to.
    """

    act: TaskAct
    version: int
    comment: str = ""
    assignee: str | None = None


@dataclass(frozen=True, slots=True)
class _Move:
    """From which states an act leads where; ``is_leaders`` acts need the right to approve."""

    starts: frozenset[TaskState]
    end: TaskState | None
    is_leaders: bool = False
    needs: str | None = None


_OPEN: Final = frozenset({TaskState.OPEN})
_MOVES: Final = {
    TaskAct.TAKE: _Move(_OPEN, None),
    TaskAct.DELEGATE: _Move(_OPEN, None, needs="assignee"),
    TaskAct.FINISH: _Move(_OPEN, TaskState.DONE, needs="comment"),
    TaskAct.DROP: _Move(_OPEN | {TaskState.WAITING}, TaskState.DROPPED, is_leaders=True, needs="comment"),
    TaskAct.GIVE_AGAIN: _Move(
        frozenset({TaskState.DONE, TaskState.DROPPED}), TaskState.OPEN, is_leaders=True, needs="comment"
    ),
    TaskAct.COMMENT: _Move(frozenset(TaskState), None, needs="comment"),
}
_FIND: Final = text("SELECT alert_id FROM tasks.tasks WHERE id = :id")
# The alert first, as whoever closes it does: two orders would wait for each other.
_LOCK_ALERT: Final = text("SELECT state FROM alerts.alerts WHERE id = :id FOR UPDATE")
_LOCK: Final = text(f"SELECT {COLUMNS}, hours, before_clock FROM tasks.tasks WHERE id = :id FOR UPDATE")  # noqa: S608
_ASSIGN: Final = text("UPDATE tasks.tasks SET assignee = :assignee, version = version + 1 WHERE id = :id")
_END: Final = text(
    "UPDATE tasks.tasks SET state = :state, version = version + 1, ended_at = :at, escalates_at = NULL,"
    " assignee = coalesce(assignee, :actor) WHERE id = :id"
)
_ONE: Final = text(f"SELECT {COLUMNS} FROM tasks.tasks WHERE id = :id")  # noqa: S608 - the columns are a constant


def possible_task_acts(scope: Scope, task: Task) -> tuple[TaskAct, ...]:
    """What the reader may do next with a task, were its alert not closed meanwhile."""
    return tuple(
        act for act, move in _MOVES.items() if task.state in move.starts and _refusal(scope, task, act, move) is None
    )


def act_on_task(
    connection: Connection,
    scope: Scope,
    task_id: int,
    step: TaskStep,
    at: datetime,
    calendar: WorkCalendar,
    *,
    source: str | None = None,
) -> Task:
    """Does one act on a task inside the caller's transaction; finishing gives the steps that follow.

    Args:
        connection: Owner or writer, in a transaction.
        scope: Of whoever acts.
        task_id: The task.
        step: The act.
        at: The moment of the act, aware UTC.
        calendar: Which days are worked, for the deadlines of what is given next.
        source: Address and port that the act came from, for the audit trail.

    Raises:
        TaskNotFound: There is none, or none that the reader may see.
        NotAllowed: The reader sees it and may not do this.
        TaskOfAnother: Somebody else has it.
        TaskChanged: Somebody was quicker.
        TaskOutOfOrder: The act does not follow from the task's state, or its alert is closed.
        TaskActIncomplete: The act lacks its comment or assignee.
    """
    row, is_alert_closed = _locked(connection, task_id)
    if row is None or not _may_see(scope, row.unit_code, row.assignee):
        raise TaskNotFound(task_id)
    task = task_from({name: value for name, value in row._mapping.items() if name not in ("hours", "before_clock")})
    move = _MOVES[step.act]
    refusal = _refusal(scope, task, step.act, move)
    if refusal is not None:
        raise refusal
    _check(task, step, move, is_alert_closed=is_alert_closed)
    if step.act is TaskAct.GIVE_AGAIN:
        give_again(connection, row, at, calendar)
    elif move.end is not None:
        values = {"id": task_id, "state": move.end.value, "at": at, "actor": scope.subject}
        connection.execute(_END, values)
    elif step.act is not TaskAct.COMMENT:
        _hand_over(connection, task, scope.subject if step.act is TaskAct.TAKE else step.assignee)
    tell_step(connection, [task_id], scope.subject, step.act.value, at, comment=step.comment.strip())
    if move.end in (TaskState.DONE, TaskState.DROPPED):
        give_next(connection, [task.alert_id], at, calendar)
    record_event(
        connection,
        Event(scope.subject, f"task_{step.act}", "task", str(task_id), unit_code=task.unit_code, source=source),
    )
    return task_from(connection.execute(_ONE, {"id": task_id}).mappings().one())


def _locked(connection: Connection, task_id: int) -> tuple[Row[Any] | None, bool]:
    alert_id = connection.execute(_FIND, {"id": task_id}).scalar()
    if alert_id is None:
        return None, False
    is_closed = connection.execute(_LOCK_ALERT, {"id": alert_id}).scalar_one() == "closed"
    return connection.execute(_LOCK, {"id": task_id}).one(), is_closed


def _may_see(scope: Scope, unit_code: str, assignee: str | None) -> bool:
    """Whoever was handed a task sees it, even where they may see no alerts of the unit."""
    return scope.may(Action.READ, Area.ALERTS, unit_code) or assignee == scope.subject


def _refusal(scope: Scope, task: Task, act: TaskAct, move: _Move) -> Exception | None:
    if scope.may(Action.APPROVE, Area.ALERTS, task.unit_code):
        return None
    if move.is_leaders:
        return NotAllowed(Action.APPROVE, Area.ALERTS)
    if task.assignee == scope.subject:
        return None
    if not scope.may(Action.EDIT, Area.ALERTS, task.unit_code):
        return NotAllowed(Action.EDIT, Area.ALERTS)
    is_anybodys = act is TaskAct.COMMENT or (task.assignee is None and act is not TaskAct.DELEGATE)
    return None if is_anybodys else TaskOfAnother(task.id)


def _check(task: Task, step: TaskStep, move: _Move, *, is_alert_closed: bool) -> None:
    if task.version != step.version:
        raise TaskChanged(task.id, step.version, task.version)
    if task.state not in move.starts or (is_alert_closed and step.act is not TaskAct.COMMENT):
        raise TaskOutOfOrder(task.id, step.act, task.state)
    given = {"comment": step.comment.strip(), "assignee": step.assignee}
    if move.needs is not None and not given[move.needs]:
        raise TaskActIncomplete(step.act, move.needs)
    if len(step.comment) > 4000 or "\x00" in step.comment:
        raise TaskActIncomplete(step.act, "comment")


def _hand_over(connection: Connection, task: Task, assignee: str | None) -> None:
    connection.execute(_ASSIGN, {"id": task.id, "assignee": assignee})
    if assignee is not None:
        message = Message(
            "task_handed_over",
            f"Việc “{task.title.vi}” (kịch bản {task.scenario}) được giao cho bạn.",
            f'The task "{task.title.en}" (scenario {task.scenario}) was handed to you.',
            task_link(task),
        )
        add_notice(connection, assignee, message)


def task_link(task: Task) -> str:
    """Path of the page on which the task is worked on."""
    return f"/board?s={task.scenario}&a={task.alert_id}"
