"""What a process holds for the length of its life, handed to every request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request
from sqlalchemy import Engine

from app.settings import Settings
from app.watcher import CatalogueWatcher
from layers.access import Gate, Scope
from layers.catalogue import Catalogue
from layers.reader import Statements
from tiles.raster.render import RasterTiles
from tiles.service import TileService

if TYPE_CHECKING:
    from asyncpg import Pool, Record


@dataclass(frozen=True, slots=True)
class Resources:
    """Pools, the catalogue's watcher, compiled statements and the tile service of one process."""

    settings: Settings
    gate: Gate
    watcher: CatalogueWatcher
    statements: Statements
    tiles: TileService
    writer: Pool[Record]
    raster_tiles: RasterTiles
    editing: Engine

    @property
    def catalogue(self) -> Catalogue:
        """The newest catalogue this process knows."""
        return self.watcher.catalogue


def get_resources(request: Request) -> Resources:
    """The resources that the lifespan put on the application."""
    resources = request.app.state.resources
    assert isinstance(resources, Resources)  # noqa: S101 - the lifespan sets it before any request
    return resources


def get_scope() -> Scope:
    """The reader's scope: everybody's, until identities exist."""
    return Scope.public()


ResourcesOf = Annotated[Resources, Depends(get_resources)]
ScopeOf = Annotated[Scope, Depends(get_scope)]
