"""Classes that colour units on a map: quantiles of values, and fixed steps around plan, same period or mean.

Colours are ColorBrewer's YlGnBu and PuOr, which colour-blind readers tell apart; the orange side is always the worse.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from layers.definition import Label
from scenarios.indicators.indicator import Better


class Measure(StrEnum):
    """What a map shows of an indicator."""

    VALUE = "value"
    PLAN = "plan"
    SAME_PERIOD = "same_period"
    MEAN = "mean"
    AGAINST = "against"


MISSING_COLOUR: Final = "#bdbdbd"
MISSING_WORDS: Final = Label(vi="Không có số liệu", en="No figure")
_SEQUENTIAL: Final = {
    1: ("#7fcdbb",),
    2: ("#c7e9b4", "#2c7fb8"),
    3: ("#edf8b1", "#7fcdbb", "#2c7fb8"),
    4: ("#ffffcc", "#a1dab4", "#41b6c4", "#225ea8"),
    5: ("#ffffcc", "#a1dab4", "#41b6c4", "#2c7fb8", "#253494"),
}
_DIVERGING: Final = ("#b35806", "#f1a340", "#fee0b6", "#d8daeb", "#998ec3", "#542788")
_PLAN_STEPS: Final = (80.0, 90.0, 100.0, 110.0, 120.0)
_PERCENT_STEPS: Final = (-20.0, -10.0, 0.0, 10.0, 20.0)
_POINT_STEPS: Final = (-10.0, -5.0, 0.0, 5.0, 10.0)
_QUANTILES: Final = 5
_COMMAS: Final = str.maketrans(",.", ".,")
_WORDS: Final = {
    Measure.PLAN: Label(vi="kế hoạch", en="of plan"),
    Measure.SAME_PERIOD: Label(vi="so với cùng kỳ", en="against same period"),
    Measure.MEAN: Label(vi="so với trung bình", en="against the mean"),
    Measure.AGAINST: Label(vi="so với kỳ đối chiếu", en="against the other period"),
}


@dataclass(frozen=True, slots=True)
class ColourClass:
    """One class of the legend; ``low`` and ``high`` are None at an open end."""

    low: float | None
    high: float | None
    colour: str
    words: Label
    count: int = 0


@dataclass(frozen=True, slots=True)
class Classes:
    """The legend of one measure.

    Attributes:
        unit: Unit of the figures that are classed.
        breaks: Where one class ends and the next begins, rising.
        is_upper_closed: Whether a figure on a break belongs to the class below it.
        missing: How many units have no figure.
    """

    unit: Label
    breaks: tuple[float, ...]
    classes: tuple[ColourClass, ...]
    is_upper_closed: bool = False
    missing: int = 0
    missing_colour: str = MISSING_COLOUR
    missing_words: Label = MISSING_WORDS

    def index_of(self, figure: float | None) -> int | None:
        """The class that a figure belongs to; None for no figure."""
        if figure is None or not self.classes:
            return None
        return bisect_left(self.breaks, figure) if self.is_upper_closed else bisect_right(self.breaks, figure)

    def counted(self, figures: Sequence[float | None]) -> Classes:
        """The same legend with how many of the figures each class holds."""
        places = [self.index_of(figure) for figure in figures]
        held = (replace(one, count=places.count(number)) for number, one in enumerate(self.classes))
        return replace(self, classes=tuple(held), missing=places.count(None))


def value_classes(figures: Sequence[float | None], unit: str) -> Classes:
    """Five classes of about equal size over the values themselves, fewer where many are equal."""
    known = sorted(figure for figure in figures if figure is not None)
    label = Label(vi=unit, en=unit)
    if not known:
        return Classes(label, (), ()).counted(figures)
    cuts = {_rounded(known[len(known) * step // _QUANTILES]) for step in range(1, _QUANTILES)}
    breaks = tuple(sorted(cut for cut in cuts if known[0] < cut <= known[-1]))
    colours = _SEQUENTIAL[len(breaks) + 1]
    ends = _ends(breaks)
    words = [_span_words(low, high, Label(vi=unit, en=unit)) for low, high in ends]
    classes = tuple(ColourClass(*pair, colour, word) for pair, colour, word in zip(ends, colours, words, strict=True))
    return Classes(label, breaks, classes).counted(figures)


def compared_classes(figures: Sequence[float | None], measure: Measure, better: Better, *, in_points: bool) -> Classes:
    """Six classes around 100 % of plan, or around no difference from the other figure.

    Args:
        figures: Percent of plan, or differences in percent or in percentage points.
        measure: What they are compared with.
        better: Which side is the good one: it is violet, the other orange.
        in_points: Whether differences are percentage points rather than percent.
    """
    steps = _PLAN_STEPS if measure is Measure.PLAN else _POINT_STEPS if in_points else _PERCENT_STEPS
    unit = Label(vi="điểm %", en="% points") if in_points and measure is not Measure.PLAN else Label(vi="%", en="%")
    colours = tuple(reversed(_DIVERGING)) if better is Better.LOWER else _DIVERGING
    ends = _ends(steps)
    held = [
        ColourClass(low, high, colour, _compared_words(low, high, unit, measure, _is_good(number, better)))
        for number, ((low, high), colour) in enumerate(zip(ends, colours, strict=True))
    ]
    return Classes(unit, steps, tuple(held), is_upper_closed=better is Better.LOWER).counted(figures)


def _is_good(number: int, better: Better) -> bool | None:
    if better is Better.NEITHER:
        return None
    return (number >= len(_DIVERGING) // 2) is (better is Better.HIGHER)


def _ends(breaks: Sequence[float]) -> list[tuple[float | None, float | None]]:
    return list(zip((None, *breaks), (*breaks, None), strict=True))


def _compared_words(
    low: float | None, high: float | None, unit: Label, measure: Measure, is_good: bool | None
) -> Label:
    span = _span_words(low, high, unit)
    told = _WORDS[measure]
    if is_good is None:
        return Label(vi=f"{span.vi} {told.vi}", en=f"{span.en} {told.en}")
    good = ("đạt", "met") if measure is Measure.PLAN else ("tốt hơn", "better")
    bad = ("chưa đạt", "missed") if measure is Measure.PLAN else ("kém hơn", "worse")
    vi, en = good if is_good else bad
    return Label(vi=f"{span.vi} {told.vi} ({vi})", en=f"{span.en} {told.en} ({en})")


def _span_words(low: float | None, high: float | None, unit: Label) -> Label:
    if low is None and high is None:
        return Label(vi="Mọi giá trị", en="All values")
    if low is None:
        return Label(vi=f"Dưới {_vi(high)} {unit.vi}", en=f"Below {_en(high)} {unit.en}")
    if high is None:
        return Label(vi=f"Từ {_vi(low)} {unit.vi} trở lên", en=f"{_en(low)} {unit.en} and above")
    return Label(vi=f"Từ {_vi(low)} đến {_vi(high)} {unit.vi}", en=f"{_en(low)} to {_en(high)} {unit.en}")


def _rounded(figure: float) -> float:
    """To three significant digits, as a legend can say it."""
    return float(f"{figure:.3g}")


def _en(figure: float | None) -> str:
    return "" if figure is None else f"{figure:,.10g}".replace("-", "−")


def _vi(figure: float | None) -> str:
    return _en(figure).translate(_COMMAS)
