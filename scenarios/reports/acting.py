"""What officers do with a report, from routing to closing: each act once, by right, with its event."""

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
from scenarios.reports.errors import ReportActIncomplete, ReportChanged, ReportNotFound, ReportOutOfOrder
from scenarios.reports.report import Ending, ReportState, handling_step
from scenarios.tasks.due import step_due_at
from scenarios.work.calendar import WorkCalendar

MAX_COMMENT: Final = 4000


class ReportAct(StrEnum):
    """What may be done with a report."""

    ROUTE = "route"
    START = "start"
    ANSWER = "answer"
    CLOSE = "close"
    DECLINE = "decline"
    JOIN = "join"
    REOPEN = "reopen"
    COMMENT = "comment"


@dataclass(frozen=True, slots=True)
class ReportStep:
    """One act on one report.

    Attributes:
        version: The report's version that the person saw; another one now is a conflict.
        comment: What the person says. With an answer, a refusal or a reopening the sender reads it.
        office: Who handles it, for routing; the one that stands when left out.
        assignee: Subject of whoever it is handed to, for routing.
        is_ordinary: Whether the deadline of ordinary cases holds, for routing.
        other: Number of the report of the same thing, for joining.
    """

    act: ReportAct
    version: int
    comment: str = ""
    office: str | None = None
    assignee: str | None = None
    is_ordinary: bool = True
    other: str | None = None


@dataclass(frozen=True, slots=True)
class _Move:
    """From which states an act leads where, by what right, and what it cannot do without."""

    starts: frozenset[ReportState]
    end: ReportState | None
    right: Action = Action.EDIT
    needs: str | None = None


_NEW: Final = frozenset({ReportState.RECEIVED, ReportState.ROUTED})
_HANDLED: Final = frozenset({ReportState.ANSWERED, ReportState.CLOSED})
# TN-2.1.2: the leader approves who handles it; the office handles and answers.
_MOVES: Final = {
    ReportAct.ROUTE: _Move(_NEW, ReportState.ROUTED, Action.APPROVE),
    ReportAct.START: _Move(frozenset({ReportState.ROUTED}), ReportState.IN_PROGRESS),
    ReportAct.ANSWER: _Move(frozenset({ReportState.IN_PROGRESS}), ReportState.ANSWERED, needs="comment"),
    ReportAct.CLOSE: _Move(frozenset({ReportState.ANSWERED}), ReportState.CLOSED, Action.APPROVE),
    ReportAct.DECLINE: _Move(_NEW, ReportState.CLOSED, Action.APPROVE, "comment"),
    ReportAct.JOIN: _Move(_NEW | {ReportState.IN_PROGRESS}, ReportState.CLOSED, needs="other"),
    ReportAct.REOPEN: _Move(_HANDLED, ReportState.IN_PROGRESS, Action.APPROVE, "comment"),
    ReportAct.COMMENT: _Move(frozenset(ReportState), None, needs="comment"),
}
_LOCK: Final = text("SELECT * FROM reports.reports WHERE number = :number FOR UPDATE")
_OTHER: Final = text("SELECT id, unit_code, duplicate_of FROM reports.reports WHERE number = :number FOR UPDATE")
_HAS_JOINED: Final = text("SELECT EXISTS (SELECT FROM reports.reports WHERE duplicate_of = :id)")
_CHANGE: Final = text(
    "UPDATE reports.reports SET state = :state, ending = :ending, version = version + 1, office = :office,"
    " assignee = :assignee, is_ordinary = :is_ordinary, due_at = :due, reply = :reply, duplicate_of = :other,"
    " answered_at = :answered_at, closed_at = :closed_at WHERE id = :id"
)
_TELL: Final = text(
    "INSERT INTO reports.steps (report_id, number, actor, act, from_state, to_state, comment, at)"
    " SELECT :id, coalesce(max(number), 0) + 1, :actor, :act, :old, :state, :comment, :at"
    " FROM reports.steps WHERE report_id = :id"
)


def possible_report_acts(scope: Scope, unit_code: str, state: ReportState) -> tuple[ReportAct, ...]:
    """What the reader may do next with a report of this unit in this state."""
    return tuple(
        act
        for act, move in _MOVES.items()
        if state in move.starts and scope.may(move.right, Area.FIELD_REPORTS, unit_code)
    )


def act_on_report(
    connection: Connection,
    scope: Scope,
    number: str,
    step: ReportStep,
    at: datetime,
    calendar: WorkCalendar,
    *,
    source: str | None = None,
) -> None:
    """Does one act on a report inside the caller's transaction; of two people at once one wins.

    Args:
        connection: Owner or writer, in a transaction.
        scope: Of whoever acts.
        number: The report's.
        step: The act.
        at: The moment of the act, aware UTC.
        calendar: Which days are worked.
        source: Address and port that the act came from, for the audit trail.

    Raises:
        ReportNotFound: There is none, or none that the reader may see.
        NotAllowed: The reader sees it and may not do this.
        ReportChanged: Somebody was quicker.
        ReportOutOfOrder: The act does not follow from the report's state.
        ReportActIncomplete: The act lacks its comment or the other report.
    """
    report = connection.execute(_LOCK, {"number": number}).one_or_none()
    if report is None or not scope.may(Action.READ, Area.FIELD_REPORTS, report.unit_code):
        raise ReportNotFound
    move = _MOVES[step.act]
    if not scope.may(move.right, Area.FIELD_REPORTS, report.unit_code):
        raise NotAllowed(move.right, Area.FIELD_REPORTS)
    _check(report, step, move)
    state = move.end or ReportState(report.state)
    values = _standing(report) | {"state": state.value}
    values |= _changes(connection, scope, report, step, at, calendar)
    connection.execute(_CHANGE, values)
    told = {"id": report.id, "actor": scope.subject, "act": step.act.value, "old": report.state, "at": at}
    connection.execute(_TELL, {**told, "state": state.value, "comment": step.comment.strip()})
    if step.act is ReportAct.ROUTE and step.assignee:
        add_notice(connection, step.assignee, _handed_over(number))
    event = Event(scope.subject, f"report_{step.act}", "report", number, unit_code=report.unit_code, source=source)
    record_event(connection, event)


def _standing(report: Row[Any]) -> dict[str, Any]:
    """What stays as it is."""
    return {
        "id": report.id,
        "ending": report.ending,
        "office": report.office,
        "assignee": report.assignee,
        "is_ordinary": report.is_ordinary,
        "due": report.due_at,
        "reply": report.reply,
        "other": report.duplicate_of,
        "answered_at": report.answered_at,
        "closed_at": report.closed_at,
    }


def _changes(
    connection: Connection, scope: Scope, report: Row[Any], step: ReportStep, at: datetime, calendar: WorkCalendar
) -> dict[str, Any]:
    said = step.comment.strip()
    match step.act:
        case ReportAct.ROUTE:
            return _routed(report, step, calendar)
        case ReportAct.ANSWER:
            return {"reply": said, "answered_at": at}
        case ReportAct.CLOSE:
            return {"ending": Ending.ANSWERED.value, "closed_at": at}
        case ReportAct.DECLINE:
            return {"ending": Ending.DECLINED.value, "closed_at": at, "reply": said}
        case ReportAct.JOIN:
            other = _other(connection, scope, report, step)
            return {"ending": Ending.DUPLICATE.value, "closed_at": at, "other": other}
        case ReportAct.REOPEN:
            return {"ending": None, "closed_at": None, "answered_at": None, "other": None}
    return {}


def _routed(report: Row[Any], step: ReportStep, calendar: WorkCalendar) -> dict[str, Any]:
    handling = handling_step()
    due = step_due_at(handling.deadline, handling.hours, handling.before, report.received_at, calendar)
    return {
        "office": (step.office or "").strip() or report.office,
        "assignee": step.assignee,
        "is_ordinary": step.is_ordinary,
        "due": due if step.is_ordinary else None,
    }


def _other(connection: Connection, scope: Scope, report: Row[Any], step: ReportStep) -> int:
    """The report that this one is joined to: another one, not joined itself, to which nothing leads back."""
    other = connection.execute(_OTHER, {"number": step.other}).one_or_none()
    if other is None or not scope.may(Action.READ, Area.FIELD_REPORTS, other.unit_code):
        raise ReportNotFound
    has_joined = connection.execute(_HAS_JOINED, {"id": report.id}).scalar_one()
    if other.id == report.id or other.duplicate_of is not None or has_joined:
        raise ReportActIncomplete(step.act, "other")
    return int(other.id)


def _check(report: Row[Any], step: ReportStep, move: _Move) -> None:
    if report.version != step.version:
        raise ReportChanged(report.number, step.version, report.version)
    if ReportState(report.state) not in move.starts:
        raise ReportOutOfOrder(report.number, step.act, report.state)
    given = {"comment": step.comment.strip(), "other": step.other}
    if move.needs is not None and not given[move.needs]:
        raise ReportActIncomplete(step.act, move.needs)
    if len(step.comment) > MAX_COMMENT or "\x00" in step.comment:
        raise ReportActIncomplete(step.act, "comment")


def _handed_over(number: str) -> Message:
    return Message(
        "report_handed_over",
        f"Phản ánh {number} được giao cho bạn.",
        f"Field report {number} was handed to you.",
        f"/desk/reports/{number}",
    )
