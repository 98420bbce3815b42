"""Colours of report maps, told apart by colour-blind readers and on poor projectors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from layers.definition import Label, Style
from web.report_maps.report import About, Kind

# Okabe and Ito, "Color universal design" (2008); the pale yellow last, because lines of it are faint.
DISTINCT: Final = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442")
OTHER: Final = "#7a7f87"
# ColorBrewer YlGnBu without its palest step, from few to many.
RISING: Final = ("#c7e9b4", "#7fcdbb", "#41b6c4", "#1d91c0", "#225ea8", "#253494", "#081d58")
_REST: Final = Label("Khác hoặc chưa có", "Other or unknown")


@dataclass(frozen=True, slots=True)
class Legend:
    """The kinds of some shapes and the place of each shape's kind among them."""

    kinds: tuple[Kind, ...]
    of_shape: tuple[int, ...]


def legend_of(style: Style | None, values: Sequence[Any], title: str, about: About) -> Legend:
    """Sorts shapes into the classes or ranges of their layer's style, in colours of our own.

    Args:
        style: How the layer is drawn; without classes all shapes are of one kind.
        values: Of each shape, the value of the field that the style goes by.
        title: Of the only kind where there are no classes.
        about: Language of the legend.
    """
    if style is None or not (style.classes or style.breaks):
        return Legend((Kind(title, DISTINCT[0], len(values)),), (0,) * len(values))
    if style.classes:
        labels = {entry.value: about.pick(entry.label) for entry in style.classes}
        return _sorted(list(labels), labels, [None if v is None else str(v) for v in values], DISTINCT, about)
    steps = sorted(style.breaks, key=lambda step: step.at_least)
    labels = {str(number): about.pick(step.label) for number, step in enumerate(steps)}
    ranks = [_rank(value, [step.at_least for step in steps]) for value in values]
    return _sorted(list(labels), labels, ranks, spread(len(steps)), about)


def spread(steps: int) -> tuple[str, ...]:
    """So many colours from few to many."""
    last = len(RISING) - 1
    return tuple(RISING[round(number * last / max(1, steps - 1))] for number in range(steps))


def _rank(value: Any, limits: Sequence[float]) -> str | None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    reached = [number for number, limit in enumerate(limits) if value >= limit]
    return str(reached[-1]) if reached else None


def _sorted(
    order: list[str], labels: dict[str, str], values: Sequence[str | None], colors: Sequence[str], about: About
) -> Legend:
    counts = Counter(value for value in values if value in labels)
    most = {value for value, _ in counts.most_common(len(colors))}
    shown = [value for value in order if value in most]
    # Ranges keep the colour of their rank, classes take the next free one.
    is_ranked = len(colors) == len(order) and colors is not DISTINCT
    palette = {value: colors[order.index(value) if is_ranked else place] for place, value in enumerate(shown)}
    kinds = [Kind(labels[value], palette[value], counts[value]) for value in shown]
    rest = sum(value not in palette for value in values)
    if rest:
        kinds.append(Kind(about.pick(_REST), OTHER, rest))
    places = {value: place for place, value in enumerate(shown)}
    return Legend(tuple(kinds), tuple(places.get(value or "", len(shown)) for value in values))
