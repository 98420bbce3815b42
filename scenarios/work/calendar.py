"""Working days of Vietnamese offices: weekends, public holidays with Tết, and days moved by decision."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Final

import holidays

VIETNAM_TIME: Final = timezone(timedelta(hours=7), "+07")
"""Vietnam keeps one offset all year; a fixed one needs no time zone files."""

_SATURDAY: Final = 5


@dataclass(frozen=True)
class WorkCalendar:
    """Which days are worked.

    Args:
        days_off: Further days off, such as those that the Government gives for a Tết.
        days_on: Weekend days or holidays that are worked in exchange; these win.
        closes: When offices close, Vietnamese time.
    """

    days_off: frozenset[date] = field(default_factory=frozenset)
    days_on: frozenset[date] = field(default_factory=frozenset)
    closes: time = time(17, 0)

    def is_worked(self, day: date) -> bool:
        """Whether offices are open on the day; lunar holidays are those of the ``holidays`` library."""
        if day in self.days_on:
            return True
        return day.weekday() < _SATURDAY and day not in self.days_off and day not in holidays.country_holidays("VN")

    def next_worked(self, day: date) -> date:
        """The first worked day after this one."""
        day += timedelta(days=1)
        while not self.is_worked(day):
            day += timedelta(days=1)
        return day

    def after(self, day: date, worked_days: int) -> date:
        """The worked day that comes so many worked days later; the day itself is not counted."""
        for _ in range(worked_days):
            day = self.next_worked(day)
        return day


def local_day(moment: datetime) -> date:
    """The date in Vietnam at an aware moment."""
    return moment.astimezone(VIETNAM_TIME).date()


def at_local(day: date, clock: time) -> datetime:
    """The moment in Vietnam, as aware UTC."""
    return datetime.combine(day, clock, VIETNAM_TIME).astimezone(UTC)
