"""Kinds of a legend."""

from __future__ import annotations

from layers.definition import Label, Style, StyleBreak, StyleClass
from tests.web.report_maps.samples import ABOUT
from web.report_maps.colours import DISTINCT, OTHER, RISING, legend_of, spread


def classes(*values: str) -> Style:
    found = tuple(StyleClass(value, "#ff0000", Label(f"Loại {value}", value)) for value in values)
    return Style("circle", "#000000", by="kind", classes=found)


def test_layer_without_classes_is_one_kind() -> None:
    legend = legend_of(None, [1, None], "Trường học", ABOUT)
    assert [(kind.title, kind.count) for kind in legend.kinds] == [("Trường học", 2)]
    assert legend.of_shape == (0, 0)


def test_classes_keep_their_order_and_count_their_shapes() -> None:
    legend = legend_of(classes("a", "b", "c"), ["c", "a", "c", None, "?"], "", ABOUT)
    assert [(kind.title, kind.count) for kind in legend.kinds] == [
        ("Loại a", 1),
        ("Loại c", 2),
        ("Khác hoặc chưa có", 2),
    ]
    assert legend.of_shape == (1, 0, 1, 2, 2)
    assert [kind.color for kind in legend.kinds] == [DISTINCT[0], DISTINCT[1], OTHER]


def test_more_classes_than_colours_leave_the_rarest_to_the_rest() -> None:
    names = [chr(97 + number) for number in range(9)]
    values = [name for place, name in enumerate(names) for _ in range(9 - place)]
    legend = legend_of(classes(*names), values, "", ABOUT)
    assert len(legend.kinds) == len(DISTINCT) + 1
    assert legend.kinds[-1].count == 2 + 1
    assert len({kind.color for kind in legend.kinds}) == len(legend.kinds)


def test_ranges_keep_the_colour_of_their_rank() -> None:
    steps = tuple(StyleBreak(limit, "#ff0000", Label(f"từ {limit}", str(limit))) for limit in (0.0, 10.0, 20.0))
    legend = legend_of(Style("fill", "#000000", by="n", breaks=steps), [25, 5, -1, None, True], "", ABOUT)
    assert [(kind.title, kind.color, kind.count) for kind in legend.kinds] == [
        ("từ 0.0", RISING[0], 1), ("từ 20.0", RISING[-1], 1), ("Khác hoặc chưa có", OTHER, 3),
    ]  # fmt: skip
    assert legend.of_shape == (1, 0, 2, 2, 2)


def test_spread_runs_from_the_palest_to_the_darkest() -> None:
    assert spread(2) == (RISING[0], RISING[-1])
    assert spread(7) == RISING
