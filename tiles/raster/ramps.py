"""Colour ramps of raster values, and the legend that explains them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

from rio_tiler.colormap import cmap

# ColorBrewer's and matplotlib's, readable for colour-blind people; the first is taken for surfaces.
RAMPS: Final = ("ylgnbu", "viridis", "terrain", "blues", "ylorrd", "puor")
_STEPS: Final = 6
_ROW: Final = 22
_WIDTH: Final = 220


@dataclass(frozen=True, slots=True)
class Stop:
    """A value and its colour ``#rrggbb``."""

    value: float
    color: str


def ramp_colors(name: str) -> dict[int, tuple[int, int, int, int]]:
    """The 256 colours of a ramp of :data:`RAMPS`."""
    return dict(cmap.get(name))  # type: ignore[arg-type]


def legend_stops(name: str, low: float, high: float) -> list[Stop]:
    """Evenly spaced values with their colours, lowest first."""
    colors = ramp_colors(name)
    stops = []
    for step in range(_STEPS):
        share = step / (_STEPS - 1)
        red, green, blue, _ = colors[round(share * 255)]
        stops.append(Stop(low + share * (high - low), f"#{red:02x}{green:02x}{blue:02x}"))
    return stops


def legend_svg(title: str, unit: str | None, stops: list[Stop]) -> str:
    """The legend as a small picture that stands by itself."""
    height = _ROW * (len(stops) + 1) + 8
    rows = []
    for number, stop in enumerate(stops, start=1):
        top = number * _ROW
        rows.append(
            f'<rect x="8" y="{top}" width="28" height="{_ROW}" fill="{stop.color}"/>'
            f'<text x="46" y="{top + 16}">{vietnamese_number(stop.value)}</text>'
        )
    head = escape(f"{title} ({unit})" if unit else title)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" font-family="sans-serif"'
        f' font-size="13" role="img" aria-label="{head}"><text x="8" y="16" font-weight="600">{head}</text>'
        f"{''.join(rows)}</svg>"
    )


def vietnamese_number(value: float) -> str:
    """A number as Vietnamese offices write it: 1.234,5."""
    digits = f"{value:,.1f}".removesuffix(".0")
    return digits.replace(",", "\0").replace(".", ",").replace("\0", ".")
