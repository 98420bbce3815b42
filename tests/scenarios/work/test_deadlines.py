"""Deadlines of the sources over weekends, Tết and exchanged days."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest

from scenarios.work.calendar import VIETNAM_TIME, WorkCalendar
from scenarios.work.deadlines import AtOnce, BeforeClock, BeforeDue, Deadline, LateStart, Within, WorkingDays, due_at

PLAIN = WorkCalendar()
SIXTEEN = BeforeClock(time(16))


def local(month: int, day: int, hour: int, minute: int = 0) -> datetime:
    """A moment of 2026 in Vietnam."""
    return datetime(2026, month, day, hour, minute, tzinfo=VIETNAM_TIME)


@pytest.mark.parametrize(
    ("deadline", "given", "due"),
    [
        (AtOnce(), local(3, 3, 9), local(3, 3, 9)),
        (Within(timedelta(hours=24)), local(3, 6, 15), local(3, 7, 15)),
        (SIXTEEN, local(3, 3, 9), local(3, 3, 16)),
        (SIXTEEN, local(3, 3, 15, 59), local(3, 3, 16)),
        (SIXTEEN, local(3, 3, 16), local(3, 4, 16)),
        (SIXTEEN, local(3, 6, 16, 30), local(3, 9, 16)),
        (SIXTEEN, local(3, 7, 9), local(3, 9, 16)),
        (SIXTEEN, local(2, 13, 17), local(2, 23, 16)),
        (BeforeClock(time(16), LateStart.ALREADY_OVER), local(3, 3, 18), local(3, 3, 16)),
        (WorkingDays(1), local(3, 6, 8), local(3, 9, 17)),
        (WorkingDays(3), local(2, 12, 8), local(2, 24, 17)),
    ],
)
def test_a_step_is_due_when_its_source_says(deadline: Deadline, given: datetime, due: datetime) -> None:
    assert due_at(deadline, given, PLAIN) == due


def test_the_day_is_that_of_vietnam_and_the_moment_utc() -> None:
    due = due_at(SIXTEEN, datetime(2026, 3, 2, 23, 0, tzinfo=UTC), PLAIN)
    assert due is not None
    assert (due, due.utcoffset()) == (local(3, 3, 16), timedelta(0))


def test_a_day_before_what_is_due_but_never_in_the_past() -> None:
    rule = BeforeDue(timedelta(hours=24))
    assert due_at(rule, local(3, 2, 8), PLAIN, other_due_at=local(3, 5, 17)) == local(3, 4, 17)
    assert due_at(rule, local(3, 5, 8), PLAIN, other_due_at=local(3, 5, 17)) == local(3, 5, 8)
    assert due_at(rule, local(3, 5, 8), PLAIN) is None


def test_a_saturday_worked_for_a_monday_off() -> None:
    moved = WorkCalendar(days_off=frozenset({date(2026, 3, 9)}), days_on=frozenset({date(2026, 3, 7)}))
    assert due_at(WorkingDays(1), local(3, 6, 8), moved) == local(3, 7, 17)
    assert due_at(WorkingDays(2), local(3, 6, 8), moved) == local(3, 10, 17)


@pytest.mark.parametrize("day", [date(2026, 1, 1), date(2026, 2, 17), date(2026, 4, 30), date(2026, 9, 2)])
def test_public_holidays_are_not_worked(day: date) -> None:
    assert not PLAIN.is_worked(day)
    assert WorkCalendar(days_on=frozenset({day})).is_worked(day)
