"""Known methods of forecasting a regular series: naive, seasonal naive, and exponential smoothing (ETS)."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

_FEWEST_FOR_ETS: Final = 10
_LONGEST_SEASON: Final = 24
# Standard normal quantiles of central intervals of 80 and 95 %.
_Z80, _Z95 = 1.2815515655446004, 1.959963984540054


class Method(StrEnum):
    """From the simplest on; of two that are as good the simpler one is taken."""

    NAIVE = "naive"
    SEASONAL_NAIVE = "seasonal_naive"
    ETS = "ets"
    ETS_SEASONAL = "ets_seasonal"


@dataclass(frozen=True, slots=True)
class Guess:
    """One future value with its central intervals of 80 and 95 %."""

    value: float
    low80: float
    high80: float
    low95: float
    high95: float


def usable(count: int, season: int) -> list[Method]:
    """The methods that a history of so many periods is long enough for."""
    found = [Method.NAIVE] if count >= 2 else []
    if season > 1 and count > season + 1:
        found.append(Method.SEASONAL_NAIVE)
    if count >= _FEWEST_FOR_ETS:
        found.append(Method.ETS)
    # The library's first guess of a season's levels needs ten values and a season more, whatever the season.
    if 1 < season <= _LONGEST_SEASON and count >= max(2 * season + 2, 10 + 2 * (season // 2)):
        found.append(Method.ETS_SEASONAL)
    return found


def predict(method: Method, history: Sequence[float], season: int, steps: int) -> list[Guess]:
    """The next values of a series.

    Args:
        method: One of those that :func:`usable` gives for the history.
        history: Values of periods one after the other, the oldest first.
        season: Periods in a cycle.
        steps: How many values, at least 1.
    """
    match method:
        case Method.NAIVE:
            return _repeated(history, 1, steps)
        case Method.SEASONAL_NAIVE:
            return _repeated(history, season, steps)
        case Method.ETS:
            return _smoothed(history, None, steps)
        case Method.ETS_SEASONAL:
            return _smoothed(history, season, steps)


def _repeated(history: Sequence[float], season: int, steps: int) -> list[Guess]:
    """The last cycle again; its error grows with the square root of the cycles ahead."""
    errors = [now - before for now, before in zip(history[season:], history, strict=False)]
    spread = math.sqrt(sum(error * error for error in errors) / len(errors))
    guesses: list[Guess] = []
    for step in range(steps):
        value = history[len(history) - season + step % season]
        width = spread * math.sqrt(step // season + 1)
        guesses.append(
            Guess(value, value - _Z80 * width, value + _Z80 * width, value - _Z95 * width, value + _Z95 * width)
        )
    return guesses


def _smoothed(history: Sequence[float], season: int | None, steps: int) -> list[Guess]:
    """Additive errors, a damped additive trend, and an additive season where there is one."""
    import pandas as pd
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    series = pd.Series([float(value) for value in history])
    kind: dict[str, Any] = {"seasonal": "add", "seasonal_periods": season} if season else {}
    with warnings.catch_warnings():
        # A fit that stops early is as good as its error on the past, which is shown.
        warnings.simplefilter("ignore")
        model = ETSModel(series, error="add", trend="add", damped_trend=True, initialization_method="heuristic", **kind)
        told = model.fit(disp=False).get_prediction(start=len(series), end=len(series) + steps - 1)
        narrow, wide = (told.summary_frame(alpha=alpha) for alpha in (0.2, 0.05))
    columns = (narrow["mean"], narrow["pi_lower"], narrow["pi_upper"], wide["pi_lower"], wide["pi_upper"])
    return [Guess(*(float(value) for value in row)) for row in zip(*columns, strict=True)]
