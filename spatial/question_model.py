"""A spatial question as values: what is asked of a layer, by point, zone, radius, route and boundary."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shapely import LineString, Point
from shapely.geometry.base import BaseGeometry

from spatial.cql2 import Expr
from spatial.crs import CRS


class Relation(StrEnum):
    """How a feature lies to a zone; edges count as inside."""

    INTERSECTS = "intersects"
    WITHIN = "within"
    COVERS = "covers"
    DISJOINT = "disjoint"


class Level(StrEnum):
    """Admin level that figures are grouped by."""

    PROVINCE = "province"
    COMMUNE = "commune"
    HAMLET = "hamlet"


class Op(StrEnum):
    """What is computed for a group."""

    COUNT = "count"
    SUM = "sum"
    MEAN = "mean"
    MIN = "min"
    MAX = "max"
    MEDIAN = "median"
    AREA_M2 = "area_m2"
    LENGTH_M = "length_m"
    PART_AREA_M2 = "part_area_m2"
    PART_LENGTH_M = "part_length_m"
    SHARE = "share"


class Format(StrEnum):
    """How an answer is written."""

    GEOJSON = "geojson"
    CSV = "csv"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Filter:
    """A CQL2 filter.

    Attributes:
        key: Text that is equal for two filters exactly where they were written alike.
        document: The filter as it was sent.
    """

    expression: Expr
    key: str
    document: object
    path: str


@dataclass(frozen=True, slots=True)
class Source:
    """Features of a layer that others are measured against."""

    layer: str
    filter: Filter | None
    path: str


@dataclass(frozen=True, slots=True)
class PointCondition:
    """Polygons that cover a point; points and lines within ``tolerance_m`` metres of it."""

    path: str
    point: Point
    tolerance_m: float


@dataclass(frozen=True, slots=True)
class NearestCondition:
    """The ``k`` features nearest to a point, of those for which all other conditions hold."""

    path: str
    to: Point
    k: int


@dataclass(frozen=True, slots=True)
class RadiusCondition:
    """Features within ``metres`` of a geometry or of any source feature, or farther than that from all."""

    path: str
    of: BaseGeometry | Source
    metres: float
    outside: bool


@dataclass(frozen=True, slots=True)
class ZoneCondition:
    """Features in a relation to a zone; of several source polygons, to any of them (disjoint: from all).

    Attributes:
        parts: Whether the answer measures the part of a feature that lies inside.
    """

    path: str
    zone: BaseGeometry | Source
    relation: Relation
    parts: bool


@dataclass(frozen=True, slots=True)
class RouteCondition:
    """Features within ``corridor_m`` metres of a line, in the order in which the line passes them."""

    path: str
    line: LineString | Source
    corridor_m: float


@dataclass(frozen=True, slots=True)
class BoundaryCondition:
    """Features of these admin units (province, commune or hamlet codes), or of none of them."""

    path: str
    units: tuple[str, ...]
    outside: bool


Condition = PointCondition | NearestCondition | RadiusCondition | ZoneCondition | RouteCondition | BoundaryCondition


@dataclass(frozen=True, slots=True)
class Value:
    """One figure of every group; ``of`` says what a share is a share of."""

    path: str
    op: Op
    field: str | None
    of: Op | None

    @property
    def name(self) -> str:
        """Name of the figure in the answer, such as ``sum_pupils`` or ``share_count``."""
        words = [self.op.value, self.of.value if self.of else "", self.field or ""]
        return "_".join(word for word in words if word)

    @property
    def measured(self) -> Op:
        """What is computed before any share is taken."""
        return self.of or self.op


@dataclass(frozen=True, slots=True)
class Figures:
    """Grouped figures: by fields, by admin level, or by both."""

    by: tuple[str, ...]
    level: Level | None
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class FeaturesPage:
    """Which page of the features is wanted; ``properties`` None means all of them."""

    limit: int
    cursor: str | None
    properties: tuple[str, ...] | None
    geometry: bool


@dataclass(frozen=True, slots=True)
class Question:
    """A whole question; all conditions and the filter must hold.

    Attributes:
        crs: CRS of the geometries in the answer.
        coordinates_crs: CRS in which the coordinates of the question were written; kept here in EPSG:4326.
        revision: Revision of the layer that is asked; None for the current one.
        at: Instant at which the layer and the sources are asked.
    """

    layer: str
    where: tuple[Condition, ...]
    filter: Filter | None
    figures: Figures | None
    features: FeaturesPage | None
    crs: CRS
    coordinates_crs: CRS
    revision: int | None
    at: datetime | None
    format: Format
