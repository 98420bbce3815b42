"""What a report map shows, as values in the reader's language: nothing here is read from anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from layers.definition import Label

# More features than this make a file that an old laptop no longer opens.
MAX_SHAPES: Final = 5_000
Extent = tuple[float, float, float, float]
Geometry = Mapping[str, Any]
"""A GeoJSON geometry, longitude and latitude in WGS 84."""


@dataclass(frozen=True, slots=True)
class About:
    """Who made a report, when, and for whom.

    Attributes:
        title: What the maker calls it; empty for a title made of the matter.
        office: Office of the maker, never a person; empty where it is not known.
        made_at: Aware moment.
        english: English, else Vietnamese.
    """

    title: str
    office: str
    made_at: datetime
    english: bool = False

    def pick(self, label: Label) -> str:
        """The label in the report's language."""
        return label.en if self.english else label.vi

    def say(self, vi: str, en: str) -> str:
        """One of two texts by the report's language."""
        return en if self.english else vi


@dataclass(frozen=True, slots=True)
class Kind:
    """A line of the legend.

    Attributes:
        color: ``#rrggbb``.
        count: How many shapes carry it.
        radius: Of its points, in pixels: graver ones are larger, so that colour does not tell alone.
        edge: Colour around its points; white ones stand out of coloured units.
    """

    title: str
    color: str
    count: int
    radius: int = 6
    edge: str = "#26323d"


@dataclass(frozen=True, slots=True)
class Shape:
    """One feature drawn.

    Attributes:
        kind: Place of its kind in the legend.
        facts: What it tells, in the order of the report's ``fact_titles``; empty where nothing is known.
    """

    title: str
    kind: int
    facts: tuple[str, ...]
    geometry: Geometry


@dataclass(frozen=True, slots=True)
class Outline:
    """An admin unit under the features; ``color`` fills it where figures are drawn by unit."""

    code: str
    name: str
    geometry: Geometry
    color: str | None = None
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Grid:
    """A table of the report: texts ready to be read; ``numeric`` says which columns are numbers."""

    title: str
    heads: tuple[str, ...]
    numeric: tuple[bool, ...]
    rows: tuple[tuple[str, ...], ...]
    more: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """A whole report map.

    Attributes:
        title: Title for a sheet.
        lines: What was asked, line by line.
        legend: Kinds of shapes.
        fills: Legend of the units' fill, where they have one.
        shapes: Features, at most :data:`MAX_SHAPES`.
        outlines: Units that lie in the extent.
        extent: What the map shows (west, south, east, north in degrees); None where there is nothing to show.
        sources: Where each figure comes from and of what day.
        warnings: What must not be overlooked: features left out, made-up data.
    """

    about: About
    title: str
    lines: tuple[str, ...]
    legend: tuple[Kind, ...]
    fact_titles: tuple[str, ...]
    shapes: tuple[Shape, ...]
    outlines: tuple[Outline, ...]
    extent: Extent | None
    grids: tuple[Grid, ...]
    sources: tuple[str, ...]
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    fills: tuple[Kind, ...] = ()
    fill_title: str = ""
