"""Classes of a legend: every figure in one, the worse side orange, the words as long as the legend."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.figures.classes import Classes, Measure, compared_classes, value_classes
from scenarios.indicators.indicator import Better

FIGURES = st.lists(st.none() | st.floats(-1e9, 1e9, allow_nan=False), max_size=60)


def test_fifths_of_ten_values() -> None:
    held = value_classes([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, None], "%")
    assert held.breaks == (3, 5, 7, 9)
    assert [one.count for one in held.classes] == [2, 2, 2, 2, 2]
    assert held.missing == 1
    assert held.classes[1].words.vi == "Từ 3 đến 5 %"


def test_equal_values_are_one_class_and_none_are_no_class() -> None:
    assert [one.count for one in value_classes([5, 5, 5], "người").classes] == [3]
    empty = value_classes([None, None], "người")
    assert (empty.classes, empty.missing, empty.index_of(3.0)) == ((), 2, None)


def test_a_hundred_percent_of_plan_is_met_whichever_side_is_better() -> None:
    for better, good in ((Better.HIGHER, 3), (Better.LOWER, 2)):
        held = compared_classes([100.0], Measure.PLAN, better, in_points=False)
        assert held.index_of(100.0) == good
        assert "(đạt)" in held.classes[good].words.vi
    assert compared_classes([], Measure.PLAN, Better.HIGHER, in_points=False).classes[0].colour == "#b35806"
    assert compared_classes([], Measure.PLAN, Better.LOWER, in_points=False).classes[-1].colour == "#b35806"


def test_shares_differ_by_points() -> None:
    held = compared_classes([-6.0], Measure.MEAN, Better.HIGHER, in_points=True)
    assert held.index_of(-6.0) == 1
    assert held.classes[1].words.vi == "Từ −10 đến −5 điểm % so với trung bình (kém hơn)"
    assert held.classes[0].words.en == "Below −10 % points against the mean (worse)"


@pytest.mark.parametrize("better", list(Better))
@given(figures=FIGURES)
def test_every_figure_is_in_the_class_that_says_so(better: Better, figures: list[float | None]) -> None:
    for held in (value_classes(figures, "m"), compared_classes(figures, Measure.PLAN, better, in_points=False)):
        assert sum(one.count for one in held.classes) + held.missing == len(figures)
        assert len({one.colour for one in held.classes}) == len(held.classes)
        for figure in figures:
            _is_inside(held, figure)


def _is_inside(held: Classes, figure: float | None) -> None:
    number = held.index_of(figure)
    if figure is None or number is None:
        assert figure is None
        return
    low, high = held.classes[number].low, held.classes[number].high
    begin, end = (-math.inf if low is None else low), (math.inf if high is None else high)
    assert begin < figure <= end if held.is_upper_closed else begin <= figure < end
