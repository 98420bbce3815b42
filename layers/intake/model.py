"""The values that intake works on: what a person wished, what is known of the place, what became of the file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

import pandas as pd
from shapely.geometry.base import BaseGeometry

from layers.definition import Definition
from layers.publish import Mode


class Severity(StrEnum):
    """What a finding means: an error keeps its row out, a repair has changed it, the others leave it as it is."""

    ERROR = "error"
    WARNING = "warning"
    REPAIR = "repair"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to tell of a file, a column or a row.

    Attributes:
        code: Stable name such as ``geometry.self-intersection``, for counting and for documents.
        vi: What is wrong or was done, in Vietnamese; never holds a personal value.
        en: The same in English.
        remedy_vi: What the sender can do, in Vietnamese.
        remedy_en: The same in English.
        row: Number of the row in the file, from 1 (the header is no row); None for the file or a whole column.
        key: Business key of the row as people write it, where it has one.
        field: Field of the layer, ``geometry``, or the column of the file where it is none.
        value: The value at fault as one short line; masked where personal.
        lon: Longitude to show it at, degrees WGS 84.
        lat: Latitude to show it at.
        count: Rows or values that a finding without a row speaks of.
    """

    severity: Severity
    code: str
    vi: str
    en: str
    remedy_vi: str = ""
    remedy_en: str = ""
    row: int | None = None
    key: str | None = None
    field: str | None = None
    value: str = ""
    lon: float | None = None
    lat: float | None = None
    count: int = 1


@dataclass(frozen=True, slots=True)
class Wish:
    """What the person said beside the file; every choice may be left open.

    Attributes:
        layer: Slug of the layer that the file is meant for.
        unit_code: Commune (5 digits) or province (2 digits) that the file is of.
        part: Layer or sheet inside the file, where it holds several.
        crs: Value of the :class:`CRSCandidate` chosen (``EPSG:9210``, ``EPSG:9210/swapped`` …).
        encoding: Encoding of all text, or None to let the columns vote.
        encodings: Encoding by column of the file, over ``encoding``.
        fields: Field of the layer by column of the file; an empty text leaves the column out.
        units: Unit of measure by column where the file's differs from the field's (``ha``, ``million``).
        constants: Value of a field for all rows that have none, such as the old commune's code.
        mode: What the rows mean for features that they do not name.
        data_on: Date of the data.
        answers: Answers to :class:`Question` by its id, ``yes`` for one that asks to go on.
    """

    layer: str
    unit_code: str | None = None
    part: str | None = None
    crs: str | None = None
    encoding: str | None = None
    encodings: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    mode: Mode = Mode.UPSERT
    data_on: date | None = None
    answers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RememberedMapping:
    """How an earlier accepted file of the same unit and layer was read; empty texts mark columns left out."""

    fields: Mapping[str, str]
    crs: str | None = None
    encoding: str | None = None


@dataclass(frozen=True, slots=True)
class World:
    """What is known of the place that a file speaks of; plain values and callables, so that stages stay pure.

    Attributes:
        definition: The layer.
        today: Day on which code lists must be in force.
        boundary: Territory of the unit named by the person, EPSG:4326.
        neighbours: Territories of the communes around it by code, EPSG:4326.
        unit_name: Name of that unit.
        known_units: Every code of a commune or province that is or was in force, to restore lost zeros.
        province_code: Province of the unit.
        current: Returns the unit's features of the current revision: key fields, ``geometry`` in EPSG:4326,
            indexed by fid. Called at most once.
        nearby: Returns geometries (EPSG:4326) of the layer's features of other units in a box
            (west, south, east, north).
        remembered: Earlier accepted files, newest first.
        place_codes: Returns a geometry by admin code or other key that a file gives instead of coordinates.
        place_addresses: Returns a point by address text, in the order asked; None where not found.
    """

    definition: Definition
    today: date
    boundary: BaseGeometry | None = None
    neighbours: Mapping[str, BaseGeometry] = field(default_factory=dict)
    unit_name: str = ""
    known_units: frozenset[str] = frozenset()
    province_code: str | None = None
    current: Callable[[], pd.DataFrame] | None = None
    nearby: Callable[[tuple[float, float, float, float]], Sequence[BaseGeometry]] | None = None
    remembered: tuple[RememberedMapping, ...] = ()
    place_codes: Callable[[Sequence[str]], Sequence[BaseGeometry | None]] | None = None
    place_addresses: Callable[[Sequence[str]], Sequence[BaseGeometry | None]] | None = None


class FileKind(StrEnum):
    """Formats that intake reads; told from content, never from a name."""

    SHAPEFILE = "shapefile"
    GEOPACKAGE = "geopackage"
    GEOJSON = "geojson"
    FLATGEOBUF = "flatgeobuf"
    KML = "kml"
    MAPINFO_TAB = "mapinfo-tab"
    MAPINFO_MIF = "mapinfo-mif"
    DXF = "dxf"
    GML = "gml"
    CSV = "csv"
    XLSX = "xlsx"


@dataclass(frozen=True, slots=True)
class Part:
    """One layer or sheet of a file: its name as people know it and the number of its rows, where told."""

    name: str
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class SourceFile:
    """What the file is.

    Attributes:
        is_archive: It came as a ZIP or KMZ.
        parts: All layers or sheets inside.
        part: The one that was read.
        columns: Columns of that part, decoded, without geometry.
    """

    name: str
    kind: FileKind
    is_archive: bool
    parts: tuple[Part, ...]
    part: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ColumnEncoding:
    """How one column of text was read.

    Attributes:
        votes: Share of words that are Vietnamese syllables, by encoding, best first.
        samples: Up to three values as decoded, to be looked at; masked where the column is personal.
    """

    column: str
    encoding: str
    votes: tuple[tuple[str, float], ...]
    samples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EncodingDecision:
    """How the text of a file was read.

    Attributes:
        encoding: That of most columns.
        declared: What the file said (.cpg, code page), if anything.
        is_certain: Nothing to ask the person.
    """

    encoding: str
    declared: str | None
    columns: tuple[ColumnEncoding, ...]
    is_certain: bool


@dataclass(frozen=True, slots=True)
class CRSCandidate:
    """One way to read the coordinates, with what speaks for it.

    Attributes:
        value: What to put in :attr:`Wish.crs` to choose it.
        inside_share: Share of sampled vertices in the unit's territory; None where no unit is known.
        vietnam_share: Share inside Viet Nam.
        iou: Overlap with the current revision, where features could be paired.
        offset_m: Median distance of paired vertices from the current revision, metres.
        bearing_deg: Direction of that offset, degrees from north.
        bbox: West, south, east, north in degrees.
        footprint: WGS 84 polygon around the features, for a map; None where they fall nowhere.
        reasons: Sentences (vi, en) for people.
        score: Higher is better; comparable within one decision only.
    """

    value: str
    title_vi: str
    title_en: str
    score: float
    inside_share: float | None
    vietnam_share: float
    iou: float | None
    offset_m: float | None
    bearing_deg: float | None
    bbox: tuple[float, float, float, float] | None
    footprint: BaseGeometry | None
    reasons: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class CRSDecision:
    """Where the file lies.

    Attributes:
        chosen: Value of the candidate that the rows were read with; None while the person must choose.
        declared: What the file says of itself, as text.
        is_certain: Declared rightly, proved by evidence, or chosen by the person.
        candidates: Best first; holds the chosen one.
    """

    chosen: str | None
    declared: str | None
    is_certain: bool
    candidates: tuple[CRSCandidate, ...]


class MatchReason(StrEnum):
    """Why a column is read as a field."""

    CHOSEN = "chosen"
    REMEMBERED = "remembered"
    NAME = "name"
    ALIAS = "alias"
    TITLE = "title"
    TRUNCATED = "truncated"
    VALUES = "values"
    CONSTANT = "constant"
    DERIVED = "derived"


@dataclass(frozen=True, slots=True)
class FieldMatch:
    """One column read as one field; ``column`` is None for a constant or a derived value."""

    column: str | None
    field: str
    reason: MatchReason
    confidence: float
    note_vi: str = ""
    note_en: str = ""


@dataclass(frozen=True, slots=True)
class FieldMapping:
    """How columns became fields.

    Attributes:
        unmapped: Columns that no field takes: listed, kept in the original file only.
        missing: Required fields that nothing fills.
    """

    matches: tuple[FieldMatch, ...]
    unmapped: tuple[str, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Option:
    """One answer to a question."""

    value: str
    vi: str
    en: str


@dataclass(frozen=True, slots=True)
class Question:
    """Something only the person can tell; rows are not to be published before it is answered.

    Attributes:
        id: Key of :attr:`Wish.answers`; ``crs``, ``part``, ``encoding`` and ``field:NAME`` are answered by the
            wish's own attributes.
    """

    id: str
    vi: str
    en: str
    options: tuple[Option, ...] = ()


@dataclass(frozen=True, slots=True)
class Totals:
    """What became of the rows: ``read = good + refused``."""

    read: int = 0
    good: int = 0
    refused: int = 0
    repaired: int = 0
    warned: int = 0
    area_m2: float | None = None
    length_m: float | None = None


@dataclass(frozen=True, slots=True)
class Intake:
    """All that intake has to say of a file.

    Attributes:
        rows: Checked rows, ready for :func:`layers.publish.publish_rows`: columns named as the fields, geometry in
            EPSG:4326, index = row of the file.
        refused: The other rows as read and decoded, columns as in the file without geometry, index = row of the file.
        findings: Errors first, then by row.
        questions: What the person must still answer; empty where the rows may go on.
        is_rejected: The file as a whole cannot be read; the findings say why.
    """

    wish: Wish
    source: SourceFile | None
    encoding: EncodingDecision | None
    crs: CRSDecision | None
    mapping: FieldMapping | None
    rows: pd.DataFrame
    refused: pd.DataFrame
    findings: tuple[Finding, ...]
    questions: tuple[Question, ...]
    totals: Totals
    is_rejected: bool = False

    @property
    def is_ready(self) -> bool:
        """Whether the rows may be submitted: the file was read, nothing is left open, and a row is good."""
        return not self.is_rejected and not self.questions and len(self.rows) > 0

    def count(self, severity: Severity) -> int:
        """Number of findings of one severity."""
        return sum(finding.severity is severity for finding in self.findings)
