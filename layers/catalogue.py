"""The catalogue of layers as one process knows it: an immutable snapshot, made anew when a layer changes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Protocol

from layers.access import Scope, Units
from layers.definition import Definition, Sensitivity
from layers.definition_json import from_json
from layers.errors import LayerNotFound

MAX_PARTS = 4096
_PUBLIC = Scope.public()
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
        reach: Which part of the layer a reader sees, as text; empty for all of it. Whatever is kept of a layer must
            be kept under it. Of a part, count and extent are not told.
        units: Communes that the part lies in; None for all.
        hidden: Fields that the reader's rights leave out; the definition shows them as removed.
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
    reach: str = ""
    units: Units = None
    hidden: frozenset[str] = frozenset()

    @property
    def is_part(self) -> bool:
        """Whether the reader sees some communes only."""
        return self.units is not None

    @property
    def slug(self) -> str:
        """Id of the layer and of its OGC collection."""
        return self.definition.slug

    @property
    def is_public(self) -> bool:
        """Whether everybody may read all of the layer."""
        return self.definition.sensitivity is Sensitivity.PUBLIC

    @property
    def edition(self) -> str:
        """Text that tells this layer, as it is defined and for this reader, from every other; for entity tags."""
        return "-".join(filter(None, (self.slug, str(self.definition_version), self.reach)))

    def reader(self, scope: Scope) -> Scope:
        """The scope to read this layer with: the public's where that is enough, which saves a transaction."""
        return _PUBLIC if self.is_public else scope


class Row(Protocol):
    """A database row that is read by column name."""

    def __getitem__(self, key: str) -> object:
        """The value of a column."""


@dataclass(frozen=True)
class Catalogue:
    """All layers by slug, with a version that rises with every snapshot that differs."""

    version: int
    layers: Mapping[str, Layer]
    _parts: dict[tuple[str, str], Layer] = field(default_factory=dict, compare=False, repr=False)

    def get(self, slug: str, scope: Scope) -> Layer:
        """Returns the layer as it is for a reader: fields outside the reader's rights are not there.

        Raises:
            LayerNotFound: No such layer, or the reader may not know of it: the answers are the same.
        """
        layer = self.find(slug, scope)
        if layer is None:
            raise LayerNotFound(slug, known=(known.slug for known in self.visible(scope)))
        return layer

    def find(self, slug: str, scope: Scope) -> Layer | None:
        """The same, None where there is no such layer for this reader."""
        layer = self.layers.get(slug)
        return None if layer is None else self._seen(layer, scope)

    def visible(self, scope: Scope) -> list[Layer]:
        """The layers that a reader may know of, by slug."""
        found = (self._seen(self.layers[slug], scope) for slug in sorted(self.layers))
        return [layer for layer in found if layer is not None]

    def _seen(self, layer: Layer, scope: Scope) -> Layer | None:
        reach = scope.reach(layer.slug, layer.definition.sensitivity)
        if not reach.exists:
            return None
        if reach.is_whole:
            return layer
        key = (layer.slug, reach.key)
        part = self._parts.get(key)
        if part is None:
            part = replace(
                layer,
                definition=layer.definition.without(reach.hidden),
                reach=reach.key,
                units=reach.read,
                hidden=reach.hidden,
            )
            if part.is_part:
                part = replace(part, feature_count=0, extent=None)
            if len(self._parts) >= MAX_PARTS:
                self._parts.clear()
            self._parts[key] = part
        return part

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
