"""The layers that rules look at, as they are defined and published at a moment."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from sqlalchemy import Connection, text

from layers.definition import Definition
from layers.definition_json import from_json

_STATES: Final = text(
    "SELECT slug, definition::text AS definition, definition_version, revision FROM catalogue.layers"
    " WHERE slug = ANY (CAST(:slugs AS text[])) ORDER BY slug"
)
_EDITIONS: Final = text(
    "SELECT slug, definition_version, revision FROM catalogue.layers WHERE slug = ANY (CAST(:slugs AS text[]))"
)
Edition = tuple[int, int]
"""Version of a layer's definition and number of its newest revision."""


@dataclass(frozen=True, slots=True)
class LayerState:
    """A layer as it is now."""

    definition: Definition
    definition_version: int
    revision: int

    @property
    def edition(self) -> Edition:
        """What tells it from the layer as it was before a change."""
        return self.definition_version, self.revision


@lru_cache(maxsize=256)
def _definition(document: str) -> Definition:
    # A document is read once, however often its layer is evaluated.
    return from_json(json.loads(document))


def read_layers(connection: Connection, slugs: Collection[str]) -> dict[str, LayerState]:
    """The layers that there are of these, by slug."""
    rows = connection.execute(_STATES, {"slugs": sorted(slugs)}) if slugs else ()
    return {row.slug: LayerState(_definition(row.definition), row.definition_version, row.revision) for row in rows}


def read_editions(connection: Connection, slugs: Collection[str]) -> dict[str, Edition]:
    """Whether layers have changed can be told by these without reading their definitions."""
    rows = connection.execute(_EDITIONS, {"slugs": sorted(slugs)}) if slugs else ()
    return {row.slug: (row.definition_version, row.revision) for row in rows}
