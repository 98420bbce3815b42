"""The definition of a layer: its fields, its key, its geometry, how it is drawn and who answers for it."""

import dataclasses
from collections.abc import Collection, Mapping
from datetime import date
from enum import StrEnum
from typing import Final, Literal

from layers.errors import FieldNotFound

SYSTEM_COLUMNS: Final = (
    "fid",
    "province_code",
    "unit_code",
    "unit_codes",
    "key_ordinal",
    "from_revision",
    "to_revision",
    "revision",
    "geom",
    "tile_geom",
    "label_geom",
    "geom_area_m2",
    "geom_length_m",
)
"""Columns that every feature, history or private table has of its own; no field may carry such a name."""


class DataGroup(StrEnum):
    """Six data groups of the provincial plan (source TQ, II.1)."""

    MAP = "map"
    PLATFORM = "platform"
    URBAN = "urban"
    SECTOR = "sector"
    PLANNING = "planning"
    IOT = "iot"


class GeometryType(StrEnum):
    """Geometry of a layer, in the words of OGC Simple Features; storage is EPSG:4326."""

    POINT = "Point"
    MULTILINESTRING = "MultiLineString"
    MULTIPOLYGON = "MultiPolygon"


class FieldType(StrEnum):
    """Type of a field; integer is 64 bits, number is a double, datetime carries its zone."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "datetime"
    TEXT_ARRAY = "text[]"


class Sensitivity(StrEnum):
    """Who may know of a layer: everybody, signed-in staff, or named people only."""

    PUBLIC = "public"
    INTERNAL = "internal"
    RESTRICTED = "restricted"


class Frequency(StrEnum):
    """How often the steward renews a layer, in the words of the sources (catalogue, A8)."""

    REALTIME = "realtime"
    EVERY_2_HOURS = "every_2_hours"
    PROMPTLY = "promptly"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    QUARTERLY = "quarterly"
    YEARLY = "yearly"
    FIVE_YEARLY = "five_yearly"
    AS_CHANGED = "as_changed"
    CONTINUOUS = "continuous"
    REGULAR = "regular"


Drawing = Literal["fill", "line", "circle"]
DRAWN: Final[Mapping[str, Drawing]] = {"fill": "fill", "line": "line", "circle": "circle"}
"""How a layer is drawn: polygons filled, lines as lines, points as circles."""


@dataclasses.dataclass(frozen=True, slots=True)
class Label:
    """Text for people in both languages of the service."""

    vi: str
    en: str


@dataclasses.dataclass(frozen=True, slots=True)
class CodeEntry:
    """One code of a list, in force in `[valid_from, valid_to)`; None is an open end."""

    code: str
    label: Label
    valid_from: date | None = None
    valid_to: date | None = None
    replaced_by: str | None = None

    def in_force(self, on: date) -> bool:
        """Tells whether the code is in force on this day."""
        begun = self.valid_from is None or self.valid_from <= on
        return begun and (self.valid_to is None or on < self.valid_to)


@dataclasses.dataclass(frozen=True, slots=True)
class CodeList:
    """A closed vocabulary with dates, so that old data keep the codes they were written in."""

    slug: str
    title: Label
    entries: tuple[CodeEntry, ...]

    @property
    def codes(self) -> tuple[str, ...]:
        """Every code that was ever in force, in the order of the list."""
        return tuple(entry.code for entry in self.entries)


@dataclasses.dataclass(frozen=True, slots=True)
class Field:
    """One property of a layer.

    Attributes:
        id: Stable id, kept when the field is renamed.
        name: Column and JSON property name.
        unit: Unit of measure of a number, written as people write it (m, km², học sinh).
        codes: Closed list that the values come from; of every element where the type is text[].
        personal: The values are kept in `private` only, never in `features` or `history`.
        aliases: Names under which files in the wild carry this field, for mapping an upload.
        hidden: The field was removed: its column and values are kept, nobody is shown them.
    """

    id: str
    name: str
    title: Label
    type: FieldType
    unit: str | None = None
    required: bool = False
    codes: CodeList | None = None
    minimum: float | None = None
    maximum: float | None = None
    max_length: int | None = None
    pattern: str | None = None
    personal: bool = False
    aliases: tuple[str, ...] = ()
    hidden: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class TileOptions:
    """Zooms at which a layer is in vector tiles, most features in one tile, first zoom of each field."""

    min_zoom: int
    max_zoom: int
    max_features: int
    fields_from: Mapping[str, int] = dataclasses.field(default_factory=dict, hash=False)


@dataclasses.dataclass(frozen=True, slots=True)
class StyleClass:
    """Colour and legend text of one value of the field that the style goes by."""

    value: str
    color: str
    label: Label


@dataclasses.dataclass(frozen=True, slots=True)
class StyleBreak:
    """Colour and legend text of the values from `at_least` up to the next break."""

    at_least: float
    color: str
    label: Label


@dataclasses.dataclass(frozen=True, slots=True)
class Style:
    """Default drawing of a layer; colours are `#rrggbb`.

    `by` names the field whose values `classes` colour one by one, or whose numbers `breaks` colour by range, never
    both. What no class or break covers, a missing value too, has `color`.
    """

    type: Drawing
    color: str
    by: str | None = None
    classes: tuple[StyleClass, ...] = ()
    breaks: tuple[StyleBreak, ...] = ()
    label_field: str | None = None
    min_zoom: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Definition:
    """All that is known of a layer apart from its features.

    Attributes:
        slug: Id of the layer and of its OGC collection.
        codes: Rows of the catalogue of layers that this layer fulfils (L04).
        geometry: None for a layer that is a table only.
        geometry_required: Whether a feature without geometry is refused.
        key: Names of the fields that tell one feature from another within a province.
        key_ordinals: Whether a repeated key is numbered instead of refused.
        unit_field: Declared field that holds the commune code; None where geometry tells the commune.
        data_date_field: Field that dates the content of a feature.
        steward: Agency that answers for the layer, in Vietnamese.
        source: Clauses of the source documents that ask for the layer.
    """

    slug: str
    codes: tuple[str, ...]
    title: Label
    description: Label
    group: DataGroup
    geometry: GeometryType | None
    geometry_required: bool
    key: tuple[str, ...]
    key_ordinals: bool
    unit_field: str | None
    data_date_field: str | None
    steward: str
    frequency: Frequency
    sensitivity: Sensitivity
    source: str
    fields: tuple[Field, ...]
    tiles: TileOptions | None = None
    style: Style | None = None

    @property
    def table(self) -> str:
        """Name of the layer's tables in `features`, `history` and `private`."""
        return self.slug.replace("-", "_")

    @property
    def public_fields(self) -> tuple[Field, ...]:
        """Fields that readers of the layer are shown: neither personal nor hidden."""
        return tuple(field for field in self.fields if not field.personal and not field.hidden)

    @property
    def personal_fields(self) -> tuple[Field, ...]:
        """Fields whose values are kept apart in `private`, hidden ones included."""
        return tuple(field for field in self.fields if field.personal)

    def without(self, names: Collection[str]) -> "Definition":
        """The definition as it is for a reader whose rights leave these fields out: as if they had been removed."""
        left = tuple(dataclasses.replace(f, hidden=True) if f.name in names else f for f in self.fields)
        style = self.style
        if style is not None and style.label_field in names:
            style = dataclasses.replace(style, label_field=None)
        if style is not None and style.by in names:
            style = dataclasses.replace(style, by=None, classes=(), breaks=())
        dated = None if self.data_date_field in names else self.data_date_field
        return dataclasses.replace(self, fields=left, style=style, data_date_field=dated)

    def __hash__(self) -> int:
        """Of the slug alone: definitions are keys on every request, and only a layer's versions share a slug."""
        return hash(self.slug)

    def find(self, name: str) -> Field | None:
        """The field of this name, None where there is none."""
        return next((field for field in self.fields if field.name == name), None)

    def field(self, name: str) -> Field:
        """Returns the field of this name.

        Raises:
            FieldNotFound: No field has this name; the message lists the public ones only.
        """
        found = self.find(name)
        if found is None:
            raise FieldNotFound(self.slug, name, known=(field.name for field in self.public_fields))
        return found
