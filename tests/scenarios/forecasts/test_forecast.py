"""Forecasts: hand-counted errors of naive methods, a season found, and what cannot be forecast."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios.forecasts.errors import NotForecast
from scenarios.forecasts.forecast import Forecast, forecast, season_of
from scenarios.forecasts.history import History, periods_after
from scenarios.forecasts.methods import Method, predict, usable
from scenarios.indicators.catalogue import get_indicator
from scenarios.indicators.indicator import Indicator, Period

DOSSIERS = get_indicator("dossiers-received")
START = datetime(2019, 12, 31, 17, tzinfo=UTC)


def _history(values: Sequence[float], indicator: Indicator = DOSSIERS) -> History:
    starts = (START, *periods_after(indicator, START, count=len(values) - 1))
    return History(starts, tuple(values), frozenset())


def _forecast(values: Sequence[float], periods: int = 3, indicator: Indicator = DOSSIERS) -> Forecast:
    return forecast(indicator, _history(values, indicator), periods)


class TestNaive:
    def test_the_last_value_again_with_errors_counted_by_hand(self) -> None:
        # One origin after 10, 12, 11: the guess 11 is off by 3; one step back the values moved by 2 and 1.
        found = _forecast([10, 12, 11, 14])
        assert (found.method, found.accuracy.origins, found.accuracy.mae) == (Method.NAIVE, 1, 3)
        assert found.accuracy.mape == pytest.approx(100 * 3 / 14)
        assert found.accuracy.mase == pytest.approx(3 / 1.5)
        # Root mean square of the steps 2, -1 and 3, growing with the root of the periods ahead.
        spread = math.sqrt(14 / 3)
        assert [guess.value for guess in found.guesses] == [14, 14, 14]
        assert found.guesses[0].high95 == pytest.approx(14 + 1.959963984540054 * spread)
        assert found.guesses[2].low80 == pytest.approx(14 - 1.2815515655446004 * spread * math.sqrt(3))

    def test_zeros_have_no_percentage_and_what_never_moves_no_scale(self) -> None:
        found = _forecast([0, 0, 0, 0, 0])
        assert (found.accuracy.mae, found.accuracy.mape, found.accuracy.mase) == (0, None, None)
        assert found.guesses[0].low95 == found.guesses[0].high95 == 0

    def test_a_year_before_where_there_is_one(self) -> None:
        quarters = replace(DOSSIERS, period=Period.QUARTERLY)
        found = _forecast([10, 20, 30, 40, 11, 21, 31, 41], 5, quarters)
        assert found.method is Method.SEASONAL_NAIVE
        assert [guess.value for guess in found.guesses] == [11, 21, 31, 41, 11]
        # Every quarter rose by 1; the second year ahead is less sure than the first.
        assert found.guesses[0].high95 - found.guesses[0].value == pytest.approx(1.959963984540054)
        assert found.guesses[4].high95 - found.guesses[4].value == pytest.approx(1.959963984540054 * math.sqrt(2))


class TestSmoothing:
    def test_a_season_and_a_trend_are_found_and_beat_the_naive(self) -> None:
        values = [100 + month + 20 * math.sin(month * math.pi / 6) + (month * 7 % 5 - 2) for month in range(60)]
        found = _forecast(values, 6)
        assert found.method is Method.ETS_SEASONAL
        errors = {one.method: one.mae for one in found.tried}
        assert set(errors) == set(Method)
        assert min(errors, key=lambda method: errors[method]) is found.method
        assert found.accuracy.mase is not None
        assert found.accuracy.mase < 0.5
        for month, guess in enumerate(found.guesses, 60):
            assert guess.value == pytest.approx(100 + month + 20 * math.sin(month * math.pi / 6), abs=6)
            assert guess.low95 < guess.low80 < guess.value < guess.high80 < guess.high95

    def test_a_line_is_carried_on(self) -> None:
        found = _forecast([10.0 + 2 * month for month in range(20)], 2)
        assert found.method is Method.ETS
        assert [guess.value for guess in found.guesses] == pytest.approx([50, 52], abs=0.5)

    def test_guesses_keep_to_what_is_possible(self) -> None:
        share = replace(get_indicator("satisfaction-score"), highest=100.0, lowest=0.0)
        found = _forecast([90, 10, 95, 5, 99, 1, 98, 3], 4, share)
        ends = [end for guess in found.guesses for end in (guess.low95, guess.high95)]
        assert (min(ends), max(ends)) == (0, 100)

    @pytest.mark.parametrize("count", [10, 30])
    def test_a_series_that_never_moves_goes_on_so(self, count: int) -> None:
        assert [guess.value for guess in _forecast([7.0] * count).guesses] == pytest.approx([7, 7, 7])


class TestPeriods:
    def test_those_after_follow_the_calendar(self) -> None:
        found = _forecast([1, 2, 3, 4], 12)
        local = [f"{start.astimezone(UTC):%Y-%m-%d %H}" for start in found.starts]
        assert local[0] == "2020-04-30 17"
        assert local[8] == "2020-12-31 17"
        assert len(set(local)) == 12

    @pytest.mark.parametrize("period", [one for one in Period if one is not Period.MOMENT])
    def test_every_kind_of_period_steps_by_one(self, period: Period) -> None:
        indicator = replace(DOSSIERS, period=period)
        steps = [START, *periods_after(indicator, indicator.start_of_period(START), count=30)]
        assert all(indicator.start_of_period(step) == step for step in steps[1:])
        assert max(b - a for a, b in itertools.pairwise(steps[1:])) <= period.longest

    def test_moments_have_no_next_period(self) -> None:
        with pytest.raises(NotForecast) as refused:
            season_of(get_indicator("water-level"))
        assert "water-level" in refused.value.vi


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.floats(-1e6, 1e6, allow_nan=False, width=32), min_size=4, max_size=30),
    st.integers(1, 14),
    st.sampled_from([4, 12]),
)
def test_every_usable_method_gives_finite_guesses_in_order(values: list[float], steps: int, season: int) -> None:
    for method in usable(len(values), season):
        guesses = predict(method, values, season, steps)
        assert len(guesses) == steps
        for guess in guesses:
            assert all(math.isfinite(end) for end in (guess.value, guess.low95, guess.high95))
            assert guess.low95 <= guess.low80 <= guess.high80 <= guess.high95
