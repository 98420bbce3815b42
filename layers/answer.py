"""The answer to a spatial question, as values: what was asked, of what state of the data, and what was found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from layers.definition import Label
from spatial.crs import CRS
from spatial.question_model import Question


@dataclass(frozen=True, slots=True)
class LayerState:
    """The state of a layer that an answer was made from.

    Attributes:
        data_date: Date of the newest content.
        synthetic: Whether the features are made up.
    """

    slug: str
    title: Label
    revision: int
    data_date: date | None
    synthetic: bool


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table of an answer; ``unit`` is empty for texts and dates, ``1`` for counts and shares."""

    name: str
    title: Label
    unit: str


@dataclass(frozen=True, slots=True)
class Table:
    """Rows in order, each with a value for every column."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[object, ...], ...]


@dataclass(frozen=True, slots=True)
class Page:
    """One page of features.

    Attributes:
        columns: What every feature tells: ``fid``, its properties, what was computed, and ``geometry`` if wanted.
        body: The features as GeoJSON text, separated by commas (GeoJSON answers only).
        rows: The features as rows, with a value for every column (CSV and JSON answers only).
        next_cursor: What to send to get the next page; None on the last.
    """

    columns: tuple[Column, ...]
    body: bytes | None
    rows: tuple[tuple[object, ...], ...]
    returned: int
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found.

    Attributes:
        question: The question as it was understood.
        crs: CRS of the geometries.
        layer: State of the layer asked.
        sources: States of the other layers that took part.
        total_matched: How many features hold for the question, exactly.
        units: Unit of every figure by its name.
        notes: How the figures are to be read.
    """

    question: Question
    crs: CRS
    layer: LayerState
    sources: tuple[LayerState, ...]
    total_matched: int
    figures: Table | None
    page: Page | None
    units: Mapping[str, str]
    notes: tuple[Label, ...]
