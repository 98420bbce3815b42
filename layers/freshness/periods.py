"""Periods in which a layer is to be renewed once, by the Vietnamese calendar."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from layers.definition import Frequency
from layers.field_checks import VIETNAM_TIME

PROMISED: Final = frozenset(
    {Frequency.DAILY, Frequency.WEEKLY, Frequency.MONTHLY, Frequency.QUARTERLY, Frequency.YEARLY, Frequency.FIVE_YEARLY}
)
"""Frequencies with an end by which a part can be late.

Streams (real time, every two hours, continuously) are judged by their observations, see the indicators. "Promptly",
"as changed" and "regularly" name no end.
"""
_MONTHS: Final = {Frequency.MONTHLY: 1, Frequency.QUARTERLY: 3, Frequency.YEARLY: 12, Frequency.FIVE_YEARLY: 60}


@dataclass(frozen=True, slots=True)
class Span:
    """A period ``[start, end)``, aware moments."""

    start: datetime
    end: datetime


def period_at(frequency: Frequency, at: datetime) -> Span | None:
    """The period that holds a moment; None for a frequency without an end."""
    if frequency not in PROMISED:
        return None
    start = _start(frequency, at.astimezone(VIETNAM_TIME).date())
    return Span(_midnight(start), _midnight(_next(frequency, start)))


def period_before(frequency: Frequency, span: Span) -> Span:
    """The period that ends where this one begins."""
    found = period_at(frequency, span.start - timedelta(microseconds=1))
    assert found is not None  # noqa: S101 - a span is a period of a promised frequency
    return found


def ended_in(frequency: Frequency, month: Span, at: datetime) -> Iterator[Span]:
    """Periods that ended in a month, oldest first, as far as they had ended at a moment.

    A period that ends with the month's last midnight counts to that month.
    """
    latest = min(month.end, at)
    span = period_at(frequency, month.start)
    while span is not None and span.end <= latest:
        if span.end > month.start:
            yield span
        span = period_at(frequency, span.end)


def month_of(day: date) -> Span:
    """The calendar month of a day."""
    start = day.replace(day=1)
    return Span(_midnight(start), _midnight(_next(Frequency.MONTHLY, start)))


def local_day(at: datetime) -> date:
    """The day in Viet Nam."""
    return at.astimezone(VIETNAM_TIME).date()


def _start(frequency: Frequency, day: date) -> date:
    if frequency is Frequency.DAILY:
        return day
    if frequency is Frequency.WEEKLY:
        return day - timedelta(days=day.weekday())
    length = _MONTHS[frequency]
    months = day.year * 12 + day.month - 1
    months -= months % length
    return date(months // 12, months % 12 + 1, 1)


def _next(frequency: Frequency, start: date) -> date:
    if frequency not in _MONTHS:
        return start + timedelta(days=1 if frequency is Frequency.DAILY else 7)
    months = start.year * 12 + start.month - 1 + _MONTHS[frequency]
    return date(months // 12, months % 12 + 1, 1)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), VIETNAM_TIME)
