"""What a mapping file says: which layer of which file becomes which layer here, field by field."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping as Table
from datetime import date
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

from layers.definition import DataGroup, Definition, Label
from layers.yaml_nodes import Place


class NumberStyle(StrEnum):
    """How a source writes numbers: ``vi`` groups thousands by dots and has a decimal comma, ``point`` neither."""

    VI = "vi"
    POINT = "point"


@dataclasses.dataclass(frozen=True, slots=True)
class FieldRule:
    """How one field is made from columns of the source; steps run in the order of the attributes.

    Attributes:
        field: Name of the field.
        place: Where the rule is written, for refusals that come up while rows are read.
        value: Constant text; there are no columns then.
        columns: Columns of the source, by trimmed title.
        join: Text between the values of several columns.
        extract: Its first group is kept of the text; text that does not match becomes empty.
        contains: Pairs of a piece of text and the code for values that contain it; the first that fits wins.
        codes: Code for each text of the source, compared without case and extra blanks.
        otherwise: Text for values that no code fits; empty for null, None to leave them as they are.
        number: Numbers are read in this style.
        unit: Unit of measure that is cut off the end of a number.
        times: Factor that turns the unit of the source into the unit of the field.
        dates: Forms in which the source writes dates, in letters of strptime ("d/m/Y").
        prefix: Text put before every value.
        title: Title of the field in a layer that is made from the source.
    """

    field: str
    place: Place
    value: str | None = None
    columns: tuple[str, ...] = ()
    join: str = " "
    extract: re.Pattern[str] | None = None
    contains: tuple[tuple[str, str], ...] = ()
    codes: Table[str, str] = dataclasses.field(default_factory=lambda: MappingProxyType({}))
    otherwise: str | None = None
    number: NumberStyle | None = None
    unit: str | None = None
    times: float | None = None
    dates: tuple[str, ...] = ()
    prefix: str = ""
    title: Label | None = None

    @property
    def makes_text(self) -> bool:
        """Tells whether the rule works on text, where a bare column keeps the type it has."""
        steps = (self.extract, self.contains, self.codes, self.number, self.dates, self.prefix)
        return len(self.columns) > 1 or any(steps) or self.otherwise is not None


@dataclasses.dataclass(frozen=True, slots=True)
class Where:
    """Rows of the source that are meant: those whose column has, or has not, one of the values."""

    column: str
    values: frozenset[str]
    negated: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Within:
    """Where features of a file must lie: polygons of a file of the data folder, and how far outside is allowed."""

    path: str
    place: Place
    where: Where
    margin_m: float


@dataclasses.dataclass(frozen=True, slots=True)
class Generated:
    """Parcels to be made up inside the polygon that the entry selects."""

    commune_code: str
    commune_name: str
    old_commune_codes: tuple[str, ...]
    count: int
    seed: int


@dataclasses.dataclass(frozen=True, slots=True)
class LayerEntry:
    """One layer of a source file and the layer that it feeds.

    Attributes:
        layer: Layer inside the file; None for the only one.
        to: Slug of a built-in or user layer.
        replaces: Good rows take the place of earlier rows with the same key.
        shared_places: Different things may have one place, whatever the file says.
        generate: The rows are made up inside the selected polygon.
    """

    layer: str | None
    to: str
    place: Place
    rules: tuple[FieldRule, ...]
    where: Where | None = None
    replaces: bool = False
    shared_places: bool = False
    generate: Generated | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of the data folder with what is known of it.

    Attributes:
        skip: Columns that user layers leave out, by trimmed title.
        ids: Columns that number rows; rows equal in all others and in geometry are one thing entered again.
        within: Where its features must lie.
        distinct_places: Three different things never have one point, nor two one line or polygon.
    """

    path: str
    place: Place
    steward: str
    note: str
    data_date: date | None
    optional: bool
    skip: frozenset[str]
    ids: tuple[str, ...]
    within: Within | None
    distinct_places: bool
    entries: tuple[LayerEntry, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class UserLayer:
    """A layer that is made from its source: what the source cannot say itself."""

    slug: str
    title: Label
    group: DataGroup
    color: str | None


@dataclasses.dataclass(frozen=True, slots=True)
class Mapping:
    """A mapping file as read.

    Attributes:
        builtin: Definitions of the layers that entries may feed, by slug.
        mergers: File of former provinces, where the folder's units call for it.
        english: English titles by Vietnamese column title, for user layers.
    """

    title: Label
    files: tuple[SourceFile, ...]
    user_layers: Table[str, UserLayer]
    builtin: Table[str, Definition]
    mergers: Path | None
    english: Table[str, str]
