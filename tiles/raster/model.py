"""What a raster layer is: its kind, its dated scenes, and how its values are drawn."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path

from layers.definition import DataGroup, Label, Sensitivity

Bounds = tuple[float, float, float, float]


class RasterKind(StrEnum):
    """What the pixels are: colours of a drawing or photograph, or values of a field."""

    DRAWING = "drawing"
    PHOTO = "photo"
    ELEVATION = "elevation"
    SURFACE = "surface"

    @property
    def has_values(self) -> bool:
        """Whether pixels are measured values, which have statistics and a legend."""
        return self in (RasterKind.ELEVATION, RasterKind.SURFACE)


@dataclass(frozen=True, slots=True)
class RasterLayer:
    """A raster layer of the catalogue.

    Attributes:
        unit: Unit of the values, where the kind has values.
        ramp: Name of a colour ramp, where the kind has values.
        low: Value of the ramp's first colour.
        high: Value of the ramp's last colour.
        revision: Rises by one with every scene added or withdrawn.
    """

    slug: str
    title: Label
    kind: RasterKind
    group: DataGroup
    sensitivity: Sensitivity
    steward: str
    source: str
    unit: str | None
    ramp: str
    low: float | None
    high: float | None
    revision: int


@dataclass(frozen=True, slots=True)
class Scene:
    """One raster of a layer, true for a day.

    Attributes:
        bounds: EPSG:4326 (west, south, east, north).
        crs: CURIE of the CRS of the pixels.
        resolution_m: Size of a pixel in metres at the centre of the scene.
        low: Smallest value of the first band, where the kind has values.
        high: Largest value.
        file: Name of the COG in the raster store.
    """

    slug: str
    scene_id: int
    dated_on: date
    bounds: Bounds
    crs: str
    width: int
    height: int
    bands: int
    dtype: str
    nodata: float | None
    resolution_m: float
    low: float | None
    high: float | None
    file: str
    source_name: str

    def path(self, store: Path) -> Path:
        """The COG inside the folder of the raster store."""
        return store / self.file
