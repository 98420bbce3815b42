"""What people do with an alert, from acknowledging to rating: each act once, by right, with its event."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Connection, Row, text
from sqlalchemy.exc import IntegrityError

from layers.access import Scope
from layers.audit import Event, record_event
from layers.rights import Action, Area, NotAllowed
from scenarios.alerts.errors import ActIncomplete, ActOutOfOrder, AlertChanged, AlertNotFound, PlaceHasNewerAlert
from scenarios.alerts.merging import lock_both, merge_into
from scenarios.tasks.giving import drop_tasks, take_up_tasks
from scenarios.work.calendar import WorkCalendar


class State(StrEnum):
    """Where an alert stands in people's hands, apart from whether its condition holds."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    ASSIGNED = "assigned"
    IN_PROGRESS = "in_progress"
    RESOLVED = "resolved"
    CLOSED = "closed"


class Act(StrEnum):
    """What may be done with an alert."""

    ACKNOWLEDGE = "acknowledge"
    ASSIGN = "assign"
    START = "start"
    RESOLVE = "resolve"
    CLOSE = "close"
    REOPEN = "reopen"
    RATE = "rate"
    MERGE = "merge"
    COMMENT = "comment"


@dataclass(frozen=True)
class Step:
    """One act on one alert.

    Args:
        act: What is done.
        version: The alert's version that the person saw; another one now is a conflict.
        comment: What the person says; resolving and commenting need it.
        assignee: Subject of the person or office that assigning hands the alert to.
        rating: From 1 to 5, for rating.
        into: Id of the alert that this one is worked on with, for merging.
    """

    act: Act
    version: int
    comment: str = ""
    assignee: str | None = None
    rating: int | None = None
    into: int | None = None


@dataclass(frozen=True)
class Alert:
    """An alert after an act."""

    id: int
    state: State
    version: int
    unit_code: str
    assignee: str | None
    rating: int | None


@dataclass(frozen=True)
class _Move:
    """From which states an act leads where, by what right, and what it cannot do without."""

    starts: frozenset[State]
    end: State | None
    right: Action = Action.EDIT
    needs: str | None = None


_MOVES: Final = {
    Act.ACKNOWLEDGE: _Move(frozenset({State.OPEN}), State.ACKNOWLEDGED),
    Act.ASSIGN: _Move(
        frozenset({State.OPEN, State.ACKNOWLEDGED, State.ASSIGNED}), State.ASSIGNED, Action.APPROVE, "assignee"
    ),
    Act.START: _Move(frozenset({State.ASSIGNED}), State.IN_PROGRESS),
    Act.RESOLVE: _Move(frozenset({State.IN_PROGRESS}), State.RESOLVED, needs="comment"),
    Act.CLOSE: _Move(frozenset({State.RESOLVED}), State.CLOSED, Action.APPROVE),
    Act.REOPEN: _Move(frozenset({State.RESOLVED, State.CLOSED}), State.ACKNOWLEDGED, Action.APPROVE, "comment"),
    Act.RATE: _Move(frozenset({State.CLOSED}), None, needs="rating"),
    Act.MERGE: _Move(frozenset(State) - {State.CLOSED}, State.CLOSED, Action.APPROVE, "into"),
    Act.COMMENT: _Move(frozenset(State), None, needs="comment"),
}
_CALENDAR: Final = WorkCalendar()
_LOCK: Final = text("SELECT * FROM alerts.alerts WHERE id = :id FOR UPDATE")
_CHANGE: Final = text(
    "UPDATE alerts.alerts SET state = :state, version = version + 1,"
    " assignee = coalesce(CAST(:assignee AS text), assignee), "
    " rating = CASE WHEN :state = 'closed' THEN coalesce(CAST(:rating AS smallint), rating) END,"
    " closed_at = CASE WHEN :state = 'closed' THEN coalesce(closed_at, :at) END,"
    " merged_into = CASE WHEN :state = 'closed' THEN coalesce(CAST(:into AS bigint), merged_into) END"
    " WHERE id = :id RETURNING id, state, version, unit_code, assignee, rating"
)
_TELL: Final = text(
    "INSERT INTO alerts.steps (alert_id, number, actor, act, from_state, to_state, comment, at)"
    " SELECT :id, coalesce(max(number), 0) + 1, :actor, :act, :old, :state, :comment, :at"
    " FROM alerts.steps WHERE alert_id = :id"
)


def possible_acts(scope: Scope, unit_code: str, state: State) -> tuple[Act, ...]:
    """What the reader may do next with an alert of this unit in this state."""
    return tuple(
        act for act, move in _MOVES.items() if state in move.starts and scope.may(move.right, Area.ALERTS, unit_code)
    )


def take_step(
    connection: Connection,
    scope: Scope,
    alert_id: int,
    step: Step,
    at: datetime,
    *,
    calendar: WorkCalendar = _CALENDAR,
    source: str | None = None,
) -> Alert:
    """Does one act on an alert inside the caller's transaction; of two people at once one wins.

    Closing and merging drop the tasks that are left, reopening takes them up again and ends a merger.

    Args:
        connection: Owner or writer, in a transaction.
        scope: Of whoever acts.
        alert_id: The alert.
        step: The act.
        at: The moment of the act, aware UTC.
        calendar: Which days are worked, for the deadlines of tasks that are taken up.
        source: Address and port that the act came from, for the audit trail.

    Raises:
        AlertNotFound: There is none, or none that the reader may see.
        NotAllowed: The reader sees it and may not do this.
        AlertChanged: Somebody was quicker.
        PlaceHasNewerAlert: It is closed, and its rule has raised another one there.
        ActOutOfOrder: The act does not follow from the alert's state.
        ActIncomplete: The act lacks its comment, assignee, rating or other alert.
        NotMergeable: The other alert is none that this one may be merged into.
    """
    if step.act is Act.MERGE and step.into is not None:
        lock_both(connection, alert_id, step.into)
    alert = connection.execute(_LOCK, {"id": alert_id}).one_or_none()
    if alert is None or not scope.may(Action.READ, Area.ALERTS, alert.unit_code):
        raise AlertNotFound(alert_id)
    move = _MOVES[step.act]
    if not scope.may(move.right, Area.ALERTS, alert.unit_code):
        raise NotAllowed(move.right, Area.ALERTS)
    _check(alert, step, move)
    if step.act is Act.MERGE and step.into is not None:
        merge_into(connection, scope, alert, step.into, at)
    state = move.end or State(alert.state)
    values = {
        "id": alert_id,
        "state": state.value,
        "assignee": step.assignee if step.act is Act.ASSIGN else None,
        "rating": step.rating if step.act is Act.RATE else None,
        "into": step.into if step.act is Act.MERGE else None,
        "at": at,
    }
    changed = _change(connection, values)
    told = {"actor": scope.subject, "act": step.act.value, "old": alert.state, "comment": step.comment.strip()}
    connection.execute(_TELL, {"id": alert_id, "state": state.value, "at": at, **told})
    if step.act in (Act.CLOSE, Act.MERGE):
        drop_tasks(connection, [alert_id], at, scope.subject)
    elif step.act is Act.REOPEN:
        take_up_tasks(connection, alert_id, at, scope.subject, calendar)
    event = Event(scope.subject, f"alert_{step.act}", "alert", str(alert_id), unit_code=alert.unit_code, source=source)
    record_event(connection, event)
    return Alert(alert_id, state, changed.version, changed.unit_code, changed.assignee, changed.rating)


def _change(connection: Connection, values: dict[str, Any]) -> Row[Any]:
    try:
        with connection.begin_nested():
            return connection.execute(_CHANGE, values).one()
    except IntegrityError as error:
        if "alerts_one_per_place" in str(error.orig):
            raise PlaceHasNewerAlert(values["id"]) from None
        raise


def _check(alert: Row[Any], step: Step, move: _Move) -> None:
    if alert.version != step.version:
        raise AlertChanged(alert.id, step.version, alert.version)
    if State(alert.state) not in move.starts:
        raise ActOutOfOrder(alert.id, step.act, alert.state)
    given = {"comment": step.comment.strip(), "assignee": step.assignee, "rating": step.rating, "into": step.into}
    if move.needs is not None and not given[move.needs]:
        raise ActIncomplete(step.act, move.needs)
    if step.rating is not None and not 1 <= step.rating <= 5:
        raise ActIncomplete(step.act, "rating")
    if len(step.comment) > 4000 or "\x00" in step.comment:
        raise ActIncomplete(step.act, "comment")
