"""Periods of the Vietnamese calendar and what they make of a renewal, worked out by hand."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import pytest

from layers.definition import Frequency
from layers.freshness.periods import PROMISED, ended_in, month_of, period_at, period_before
from layers.freshness.state import Freshness, judge

VIETNAM = timezone(timedelta(hours=7))
DAY, WEEK, MONTH = Frequency.DAILY, Frequency.WEEKLY, Frequency.MONTHLY
QUARTER, YEAR, FIVE = Frequency.QUARTERLY, Frequency.YEARLY, Frequency.FIVE_YEARLY


def moment(text: str) -> datetime:
    """A moment in Viet Nam."""
    return datetime.fromisoformat(text).replace(tzinfo=VIETNAM)


class TestPeriod:
    @pytest.mark.parametrize(
        ("frequency", "at", "start", "end"),
        [
            (DAY, "2026-12-01T00:00", "2026-12-01", "2026-12-02"),
            (DAY, "2026-12-31T23:59", "2026-12-31", "2027-01-01"),
            # 1 December 2026 is a Tuesday.
            (WEEK, "2026-12-01T10:00", "2026-11-30", "2026-12-07"),
            (WEEK, "2026-11-30T00:00", "2026-11-30", "2026-12-07"),
            (WEEK, "2026-11-29T23:59", "2026-11-23", "2026-11-30"),
            (MONTH, "2028-02-29T12:00", "2028-02-01", "2028-03-01"),
            (MONTH, "2026-12-31T23:59", "2026-12-01", "2027-01-01"),
            (QUARTER, "2026-11-30T00:00", "2026-10-01", "2027-01-01"),
            (YEAR, "2026-01-01T00:00", "2026-01-01", "2027-01-01"),
            (FIVE, "2026-06-01T00:00", "2025-01-01", "2030-01-01"),
            (FIVE, "2029-12-31T23:59", "2025-01-01", "2030-01-01"),
        ],
    )
    def test_holds_its_moment(self, frequency: Frequency, at: str, start: str, end: str) -> None:
        span = period_at(frequency, moment(at))
        assert span is not None
        assert (span.start, span.end) == (moment(f"{start}T00:00"), moment(f"{end}T00:00"))

    def test_day_is_that_of_viet_nam(self) -> None:
        span = period_at(MONTH, datetime.fromisoformat("2026-11-30T17:00:00+00:00"))
        assert span is not None
        assert span.start == moment("2026-12-01T00:00")

    @pytest.mark.parametrize("frequency", sorted(set(Frequency) - PROMISED))
    def test_there_is_none_without_an_end(self, frequency: Frequency) -> None:
        assert period_at(frequency, moment("2026-12-01T00:00")) is None

    @pytest.mark.parametrize("frequency", sorted(PROMISED))
    def test_before_ends_where_this_begins(self, frequency: Frequency) -> None:
        span = period_at(frequency, moment("2026-12-01T10:00"))
        assert span is not None
        assert period_before(frequency, span).end == span.start


class TestEndedIn:
    @pytest.mark.parametrize(
        ("frequency", "month", "at", "count"),
        [
            # Days of November ended in November: 1 to 30, the last at the month's own end.
            (DAY, date(2026, 11, 15), "2026-12-05T00:00", 30),
            (DAY, date(2026, 11, 15), "2026-11-03T12:00", 2),
            # Mondays 2, 9, 16, 23 and 30 November end a week.
            (WEEK, date(2026, 11, 1), "2026-12-05T00:00", 5),
            (MONTH, date(2026, 11, 1), "2026-12-01T00:00", 1),
            (MONTH, date(2026, 11, 1), "2026-11-30T23:59", 0),
            (QUARTER, date(2026, 11, 1), "2027-06-01T00:00", 0),
            (QUARTER, date(2026, 12, 1), "2027-06-01T00:00", 1),
            (YEAR, date(2026, 12, 31), "2027-06-01T00:00", 1),
            (FIVE, date(2026, 12, 31), "2040-06-01T00:00", 0),
            (FIVE, date(2029, 12, 1), "2040-06-01T00:00", 1),
            (Frequency.REGULAR, date(2026, 12, 1), "2040-06-01T00:00", 0),
        ],
    )
    def test_counts(self, frequency: Frequency, month: date, at: str, count: int) -> None:
        assert len(list(ended_in(frequency, month_of(month), moment(at)))) == count


class TestJudge:
    @pytest.mark.parametrize(
        ("renewed", "freshness", "due"),
        [
            ("2026-12-01T00:00", Freshness.FRESH, "2027-02-01"),
            ("2026-11-30T23:59", Freshness.DUE, "2027-01-01"),
            ("2026-11-01T00:00", Freshness.DUE, "2027-01-01"),
            # Renewed in October: November was missed, whose end was the first of December.
            ("2026-10-31T23:59", Freshness.OVERDUE, "2026-12-01"),
            ("2026-01-15T00:00", Freshness.OVERDUE, "2026-03-01"),
        ],
    )
    def test_month_on_the_tenth_of_december(self, renewed: str, freshness: Freshness, due: str) -> None:
        judged = judge(MONTH, moment(renewed), moment("2026-12-10T08:00"))
        assert (judged.freshness, judged.due_at) == (freshness, moment(f"{due}T00:00"))

    def test_without_a_promise_nothing_is_due(self) -> None:
        judged = judge(Frequency.AS_CHANGED, moment("2001-01-01T00:00"), moment("2026-12-10T08:00"))
        assert (judged.freshness, judged.due_at) == (Freshness.UNPROMISED, None)
