"""The catalogue of layers as one process knows it: an immutable snapshot, made anew when a layer changes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from layers.definition import Definition, Sensitivity
from layers.definition_json import from_json
from layers.errors import LayerNotFound

VERSIONS_SQL = "SELECT slug, definition_version, revision, synthetic FROM catalogue.layers"
LAYERS_SQL = """
SELECT slug, definition::text AS definition, definition_version, built_in, synthetic, revision, feature_count,
       extent, newest_data_at, published_at
FROM catalogue.layers WHERE slug = ANY($1::text[])
"""


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer at its current revision.

    Attributes:
        revision: Number of the newest published revision; 0 before the first.
        extent: Bounds of the data in EPSG:4326 (min lon, min lat, max lon, max lat), or None without geometry.
        newest_data_at: Date of the newest content.
    """

    definition: Definition
    definition_version: int
    built_in: bool
    synthetic: bool
    revision: int
    feature_count: int
    extent: tuple[float, float, float, float] | None
    newest_data_at: date | None
    published_at: datetime | None

    @property
    def slug(self) -> str:
        """Id of the layer and of its OGC collection."""
        return self.definition.slug


class Row(Protocol):
    """A database row that is read by column name."""

    def __getitem__(self, key: str) -> object:
        """The value of a column."""


@dataclass(frozen=True)
class Catalogue:
    """All layers by slug, with a version that rises with every snapshot that differs."""

    version: int
    layers: Mapping[str, Layer]

    def get(self, slug: str, classes: frozenset[Sensitivity]) -> Layer:
        """Returns the layer.

        Args:
            slug: Id of the layer.
            classes: Sensitivities that the reader may know of.

        Raises:
            LayerNotFound: No such layer, or the reader may not know of it: the answers are the same.
        """
        layer = self.layers.get(slug)
        if layer is None or layer.definition.sensitivity not in classes:
            raise LayerNotFound(slug, known=(known.slug for known in self.visible(classes)))
        return layer

    def visible(self, classes: frozenset[Sensitivity]) -> list[Layer]:
        """The layers that a reader of these sensitivities may know of, by slug."""
        return [
            self.layers[slug] for slug in sorted(self.layers) if self.layers[slug].definition.sensitivity in classes
        ]

    def changed(self, rows: Iterable[Row]) -> set[str]:
        """Slugs whose row of :data:`VERSIONS_SQL` differs from this snapshot, removed layers included."""
        seen: set[str] = set()
        changed: set[str] = set()
        for row in rows:
            slug = str(row["slug"])
            seen.add(slug)
            known = self.layers.get(slug)
            now = (row["definition_version"], row["revision"], row["synthetic"])
            if known is None or (known.definition_version, known.revision, known.synthetic) != now:
                changed.add(slug)
        return changed | (set(self.layers) - seen)

    def replaced(self, slugs: set[str], rows: Iterable[Row]) -> Catalogue:
        """A new snapshot in which these layers are as the rows of :data:`LAYERS_SQL` say, or gone."""
        layers = {slug: layer for slug, layer in self.layers.items() if slug not in slugs}
        for row in rows:
            known = self.layers.get(str(row["slug"]))
            layers[str(row["slug"])] = read_layer(row, known)
        return Catalogue(self.version + 1, layers)


def read_layer(row: Row, known: Layer | None = None) -> Layer:
    """Reads a row of :data:`LAYERS_SQL`; keeps the parsed definition of ``known`` while its version stands."""
    version = int(str(row["definition_version"]))
    if known is not None and known.definition_version == version:
        definition = known.definition
    else:
        definition = from_json(json.loads(str(row["definition"])))
    extent = row["extent"]
    return Layer(
        definition=definition,
        definition_version=version,
        built_in=bool(row["built_in"]),
        synthetic=bool(row["synthetic"]),
        revision=int(str(row["revision"])),
        feature_count=int(str(row["feature_count"])),
        extent=tuple(extent) if extent else None,  # type: ignore[arg-type]
        newest_data_at=row["newest_data_at"],  # type: ignore[arg-type]
        published_at=row["published_at"],  # type: ignore[arg-type]
    )


EMPTY = Catalogue(0, {})
