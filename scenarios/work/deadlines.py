"""When a step must be done, in every form that the sources use."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum

from scenarios.work.calendar import WorkCalendar, at_local, local_day


class LateStart(StrEnum):
    """What a clock of the same day means for work that comes after it, or on a day off."""

    NEXT_WORKED_DAY = "next_worked_day"
    ALREADY_OVER = "already_over"


@dataclass(frozen=True)
class AtOnce:
    """Due at the moment when it is given."""


@dataclass(frozen=True)
class Within:
    """So long after it is given, by the clock, nights and holidays included (24 hours)."""

    span: timedelta


@dataclass(frozen=True)
class BeforeClock:
    """Before a time of the same day in Vietnam (16h00)."""

    clock: time
    late_start: LateStart = LateStart.NEXT_WORKED_DAY


@dataclass(frozen=True)
class BeforeDue:
    """So long before something else is due (24 hours before a document's due time); never before it is given."""

    span: timedelta


@dataclass(frozen=True)
class WorkingDays:
    """At the close of the so-manieth working day; the day on which it is given is not counted."""

    days: int


Deadline = AtOnce | Within | BeforeClock | BeforeDue | WorkingDays


def due_at(
    deadline: Deadline, given_at: datetime, calendar: WorkCalendar, *, other_due_at: datetime | None = None
) -> datetime | None:
    """The moment from which a step is overdue, aware UTC.

    Args:
        deadline: Its form.
        given_at: When the step was given, aware.
        calendar: Which days are worked.
        other_due_at: When what the step is about is due; without it BeforeDue has no moment and None comes back.
    """
    match deadline:
        case AtOnce():
            return given_at
        case Within(span):
            return given_at + span
        case BeforeDue(span):
            return None if other_due_at is None else max(given_at, other_due_at - span)
        case WorkingDays(days):
            return at_local(calendar.after(local_day(given_at), days), calendar.closes)
        case BeforeClock(clock, late_start):
            return _before_clock(clock, late_start, given_at, calendar)


def _before_clock(clock: time, late_start: LateStart, given_at: datetime, calendar: WorkCalendar) -> datetime:
    day = local_day(given_at)
    due = at_local(day, clock)
    is_in_time = given_at < due and calendar.is_worked(day)
    if is_in_time or late_start is LateStart.ALREADY_OVER:
        return due
    return at_local(calendar.next_worked(day), clock)
