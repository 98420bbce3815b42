"""The working calendar of this installation."""

from __future__ import annotations

from app.settings import Settings
from scenarios.work.calendar import WorkCalendar


def work_calendar(settings: Settings) -> WorkCalendar:
    """Which days offices work: weekends, public holidays, and the days that the settings add or take away."""
    return WorkCalendar(frozenset(settings.days_off), frozenset(settings.days_worked))
