"""A forecast: the method that erred least on the past, what it says of the next periods, and how far it was off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from scenarios.forecasts.errors import NotForecast
from scenarios.forecasts.history import History, periods_after
from scenarios.forecasts.methods import Guess, Method, predict, usable
from scenarios.indicators.indicator import Indicator, Period

SEASONS: Final = {
    Period.HOURLY: 24,
    Period.DAILY: 7,
    Period.WEEKLY: 52,
    Period.MONTHLY: 12,
    Period.QUARTERLY: 4,
    Period.YEARLY: 1,
}
"""Periods in a cycle: a day, a week, a year."""
MOST_ORIGINS: Final = 8
MOST_AHEAD: Final = 6


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How far a method was off on the past.

    Attributes:
        mae: Mean absolute error in the indicator's unit.
        mape: Mean absolute error in percent of the values that are not zero; None where all are.
        mase: Mean absolute error against that of repeating the last cycle (below 1 is better); None where that never
            errs.
        origins, ahead: From how many past moments, and how many periods ahead at most, it was tried.
    """

    method: Method
    mae: float
    mape: float | None
    mase: float | None
    origins: int
    ahead: int


@dataclass(frozen=True, slots=True)
class Forecast:
    """The next periods by the best of the methods tried; ``tried`` is in the order of :class:`Method`."""

    indicator: Indicator
    method: Method
    season: int
    history: History
    starts: tuple[datetime, ...]
    guesses: tuple[Guess, ...]
    accuracy: Accuracy
    tried: tuple[Accuracy, ...]


def season_of(indicator: Indicator) -> int:
    """Periods in a cycle of the indicator.

    Raises:
        NotForecast: It is of moments.
    """
    if indicator.period not in SEASONS:
        raise NotForecast(indicator.code)
    return SEASONS[indicator.period]


def forecast(indicator: Indicator, history: History, periods: int) -> Forecast:
    """Forecasts the periods after a history (rolling-origin evaluation chooses the method).

    Args:
        indicator: Whose values; guesses keep to its range.
        history: At least four periods.
        periods: How many, at least 1.
    """
    season = season_of(indicator)
    origins = _origins(len(history.values))
    ahead = min(periods, MOST_AHEAD)
    candidates = usable(origins[0], season)
    tried = tuple(_tried(method, history.values, season, origins, ahead) for method in candidates)
    best = min(tried, key=lambda accuracy: accuracy.mae)
    guesses = predict(best.method, history.values, season, periods)
    starts = tuple(periods_after(indicator, history.starts[-1], count=periods))
    kept = tuple(_kept(guess, indicator) for guess in guesses)
    return Forecast(indicator, best.method, season, history, starts, kept, best, tried)


def _origins(count: int) -> range:
    """Lengths of history that the past is forecast from: the last third, at most eight."""
    return range(count - min(MOST_ORIGINS, max(1, count // 3)), count)


def _tried(method: Method, values: Sequence[float], season: int, origins: range, ahead: int) -> Accuracy:
    errors: list[float] = []
    shares: list[float] = []
    for origin in origins:
        actual = values[origin : origin + ahead]
        guesses = predict(method, values[:origin], season, len(actual))
        for guess, value in zip(guesses, actual, strict=True):
            errors.append(abs(guess.value - value))
            if value:
                shares.append(abs((guess.value - value) / value))
    mae = sum(errors) / len(errors)
    scale = _scale(values[: origins[0]], season)
    mape = 100 * sum(shares) / len(shares) if shares else None
    return Accuracy(method, mae, mape, mae / scale if scale else None, len(origins), ahead)


def _scale(values: Sequence[float], season: int) -> float:
    """Mean absolute error of repeating the last cycle, or the last value where there is no whole cycle."""
    lag = season if len(values) > season else 1
    steps = [abs(now - before) for now, before in zip(values[lag:], values, strict=False)]
    return sum(steps) / len(steps) if steps else 0.0


def _kept(guess: Guess, indicator: Indicator) -> Guess:
    """A guess inside the range of what is possible."""
    low = indicator.lowest if indicator.lowest is not None else float("-inf")
    high = indicator.highest if indicator.highest is not None else float("inf")
    ends = (guess.value, guess.low80, guess.high80, guess.low95, guess.high95)
    return Guess(*(min(max(end, low), high) for end in ends))
