"""Calendar periods as people write them: 2026, 2026-Q1, 2026-03, 2026-W10, 2026-03-02, 2026-03-02T09."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from scenarios.figures.errors import InvalidPeriod
from scenarios.indicators.indicator import Indicator, Period
from scenarios.work.calendar import VIETNAM_TIME, at_local

_INSTANT: Final = timedelta(microseconds=1)
_LONG_AGO: Final = at_local(date(1900, 1, 1), time())
_YEARS: Final = range(1900, 2101)


@dataclass(frozen=True, slots=True)
class Span:
    """A calendar period, Vietnamese time: half-open ``[start, end)`` in aware UTC, with its name."""

    name: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Window:
    """From when to when a value of an indicator counts.

    Attributes:
        oldest: What lies before is not looked at.
        since: A value from then on counts; an older one is only shown.
        until: Exclusive.
        expected: Start of the period that a value is expected for.
        at: The moment of looking that freshness is told by; None where a period was asked for.
    """

    oldest: datetime
    since: datetime
    until: datetime
    expected: datetime
    at: datetime | None = None


def window_at(indicator: Indicator, at: datetime) -> Window:
    """The newest value at a moment; it counts for three periods, as it does for rules."""
    since = at - indicator.stale_after + _INSTANT
    return Window(_LONG_AGO, since, at + _INSTANT, indicator.start_of_period(at), at)


def window_of(indicator: Indicator, span: Span) -> Window:
    """The newest value inside a period, or that of the longer period of the indicator which holds it."""
    since = indicator.start_of_period(span.start)
    return Window(since, since, span.end, indicator.start_of_period(span.end - _INSTANT))


def parse_period(written: str, *, parameter: str = "period") -> Span:
    """Reads a period.

    Raises:
        InvalidPeriod: It is written otherwise, or lies outside 1900–2100.
    """
    for pattern, read in _FORMS:
        match = pattern.fullmatch(written.strip().upper())
        if match is None:
            continue
        try:
            start, end = read(*(int(part) for part in match.groups()))
        except (ValueError, OverflowError):
            break
        if start.astimezone(VIETNAM_TIME).year in _YEARS:
            return Span(match.group(), start, end)
        break
    raise InvalidPeriod(written, parameter=parameter)


def period_name(period: Period, at: datetime) -> str:
    """The name of the period of this length that holds a moment; moments are named by their hour."""
    local = at.astimezone(VIETNAM_TIME)
    match period:
        case Period.YEARLY:
            return f"{local:%Y}"
        case Period.QUARTERLY:
            return f"{local:%Y}-Q{(local.month + 2) // 3}"
        case Period.MONTHLY:
            return f"{local:%Y-%m}"
        case Period.WEEKLY:
            return f"{local:%G-W%V}"
        case Period.DAILY:
            return f"{local:%Y-%m-%d}"
    return f"{local:%Y-%m-%dT%H}"


def _days(first: date, after: date) -> tuple[datetime, datetime]:
    return at_local(first, time()), at_local(after, time())


def _months(year: int, month: int, count: int) -> tuple[datetime, datetime]:
    after = year * 12 + month - 1 + count
    return _days(date(year, month, 1), date(after // 12, after % 12 + 1, 1))


def _hour(year: int, month: int, day: int, hour: int) -> tuple[datetime, datetime]:
    start = at_local(date(year, month, day), time(hour))
    return start, start + timedelta(hours=1)


def _week(year: int, week: int) -> tuple[datetime, datetime]:
    first = date.fromisocalendar(year, week, 1)
    return _days(first, first + timedelta(days=7))


def _day(year: int, month: int, day: int) -> tuple[datetime, datetime]:
    first = date(year, month, day)
    return _days(first, first + timedelta(days=1))


_FORMS: Final[tuple[tuple[re.Pattern[str], Callable[..., tuple[datetime, datetime]]], ...]] = (
    (re.compile(r"([0-9]{4})"), lambda year: _months(year, 1, 12)),
    (re.compile(r"([0-9]{4})-Q([1-4])"), lambda year, quarter: _months(year, 3 * quarter - 2, 3)),
    (re.compile(r"([0-9]{4})-([0-9]{2})"), lambda year, month: _months(year, month, 1)),
    (re.compile(r"([0-9]{4})-W([0-9]{2})"), _week),
    (re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})"), _day),
    (re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2})"), _hour),
)
