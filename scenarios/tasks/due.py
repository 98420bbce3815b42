"""By when a step of a scenario is due, and when somebody higher up is told that it is not done."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from scenarios.definition import DeadlineKind
from scenarios.tasks.task import Rung
from scenarios.work.calendar import WorkCalendar
from scenarios.work.deadlines import AtOnce, BeforeClock, Deadline, Within, due_at

RUNGS = tuple(Rung)


def step_due_at(
    kind: DeadlineKind, hours: int | None, before: time | None, given_at: datetime, calendar: WorkCalendar
) -> datetime | None:
    """The moment from which a step given at a moment is late, aware UTC; None where the source gives none.

    "Promptly" (kịp thời) is no moment. A daily step is due when offices close: today, or on the next worked day.
    """
    deadline = _deadline(kind, hours, before, calendar)
    return None if deadline is None else due_at(deadline, given_at, calendar)


def _deadline(kind: DeadlineKind, hours: int | None, before: time | None, calendar: WorkCalendar) -> Deadline | None:
    match kind:
        case DeadlineKind.AT_ONCE:
            return AtOnce()
        case DeadlineKind.DAILY:
            return BeforeClock(calendar.closes)
        case DeadlineKind.WITHIN if hours is not None:
            return Within(timedelta(hours=hours))
        case DeadlineKind.SAME_DAY_BEFORE if before is not None:
            return BeforeClock(before)
    return None


def rung_above(rung: Rung) -> Rung | None:
    """Who is told next; nobody above the province."""
    place = RUNGS.index(rung) + 1
    return RUNGS[place] if place < len(RUNGS) else None
