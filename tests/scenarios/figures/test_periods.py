"""Periods as people write them, by the Vietnamese calendar."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.figures.errors import InvalidPeriod
from scenarios.figures.periods import parse_period, period_name, window_of
from scenarios.indicators.catalogue import get_indicator
from scenarios.indicators.indicator import Period


@pytest.mark.parametrize(
    ("written", "start", "end"),
    [
        ("2026", "2025-12-31T17:00", "2026-12-31T17:00"),
        ("2026-q4", "2026-09-30T17:00", "2026-12-31T17:00"),
        ("2026-12", "2026-11-30T17:00", "2026-12-31T17:00"),
        ("2026-W01", "2025-12-28T17:00", "2026-01-04T17:00"),
        ("2024-02-29", "2024-02-28T17:00", "2024-02-29T17:00"),
        ("2026-03-02T00", "2026-03-01T17:00", "2026-03-01T18:00"),
    ],
)
def test_a_period_begins_and_ends_at_midnight_in_vietnam(written: str, start: str, end: str) -> None:
    span = parse_period(written)
    assert span.name == written.upper()
    assert (span.start.isoformat()[:16], span.end.isoformat()[:16]) == (start, end)


@pytest.mark.parametrize(
    "written",
    [
        "2026-13", "2026-02-29", "2026-Q5", "2026-W54", "0001", "9999", "1899", "2026-03-02T24", "tháng ba", "",
        "2026-03'--", "٢٠٢٦", "2026\n",
    ],
)  # fmt: skip
def test_anything_else_is_refused_with_what_to_write(written: str) -> None:
    if written == "2026\n":
        assert parse_period(written).name == "2026"
        return
    with pytest.raises(InvalidPeriod) as refused:
        parse_period(written, parameter="against")
    assert refused.value.parameter == "against"
    assert "2026-Q1" in refused.value.vi


@given(
    st.datetimes(datetime(1950, 1, 1), datetime(2090, 1, 1)).map(lambda at: at.replace(tzinfo=UTC)),  # noqa: DTZ001
    st.sampled_from(list(Period)),
)
def test_the_name_of_a_period_reads_as_the_span_that_holds_it(at: datetime, period: Period) -> None:
    span = parse_period(period_name(period, at))
    assert span.start <= at < span.end
    assert period_name(period, span.start) == period_name(period, span.end - timedelta(microseconds=1)) == span.name


def test_a_longer_period_of_the_indicator_counts_whole() -> None:
    yearly = get_indicator("component-index")
    window = window_of(yearly, parse_period("2026-03"))
    assert (window.since, window.until) == (parse_period("2026").start, parse_period("2026-03").end)
