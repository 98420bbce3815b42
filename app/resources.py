"""What a process holds for the length of its life, handed to every request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request
from sqlalchemy import Engine

from app.live.hub import LiveHub
from app.settings import Settings
from app.watcher import CatalogueWatcher
from layers.access import Gate, Scope
from layers.catalogue import Catalogue
from layers.reader import Statements
from scenarios.reports.sealing import SealingKey
from tiles.raster.render import RasterTiles
from tiles.service import TileService

if TYPE_CHECKING:
    from asyncpg import Pool, Record

    from app.identity.people import People


@dataclass(frozen=True, slots=True)
class Resources:
    """Pools, the catalogue's watcher, compiled statements and the tile service of one process.

    Attributes:
        opening: Engine of the one login that opens sealed personal values.
    """

    settings: Settings
    gate: Gate
    watcher: CatalogueWatcher
    statements: Statements
    tiles: TileService
    writer: Pool[Record]
    raster_tiles: RasterTiles
    editing: Engine
    people: People
    live: LiveHub
    sealing: SealingKey
    opening: Engine

    @property
    def catalogue(self) -> Catalogue:
        """The newest catalogue this process knows."""
        return self.watcher.catalogue


async def get_resources(request: Request) -> Resources:
    """The resources that the lifespan put on the application.

    What requests depend on here are coroutines, because FastAPI sends a plain function to a worker thread each time.
    """
    resources = request.app.state.resources
    assert isinstance(resources, Resources)  # noqa: S101 - the lifespan sets it before any request
    return resources


@dataclass(frozen=True, slots=True)
class Principal:
    """A person or program that has signed in.

    Attributes:
        subject: Id fit for logs, revisions and the audit trail; never a name.
        display_name: Name to show to that person and to colleagues.
        scope: What the principal may see and do.
        unit_code: Commune that the principal belongs to ("my unit"), if one.
        roles: Slugs of the roles held now.
    """

    subject: str
    display_name: str
    scope: Scope
    unit_code: str | None = None
    roles: tuple[str, ...] = ()


class SignInNeeded(Exception):
    """The request carries no identity and needs one."""


async def get_principal(request: Request) -> Principal | None:
    """Who sent the request, as the outer middleware found by session, token or password; None for the public."""
    return _principal_of(request)


async def require_principal(request: Request) -> Principal:
    """The same where an identity is needed.

    Raises:
        SignInNeeded: Nobody has signed in.
    """
    found = _principal_of(request)
    if found is None:
        raise SignInNeeded
    return found


async def get_scope(request: Request) -> Scope:
    """The reader's scope: the principal's, else everybody's."""
    found = _principal_of(request)
    return found.scope if found else _PUBLIC


def _principal_of(request: Request) -> Principal | None:
    found = request.scope.get("principal")
    return found if isinstance(found, Principal) else None


_PUBLIC = Scope.public()


ResourcesOf = Annotated[Resources, Depends(get_resources)]
ScopeOf = Annotated[Scope, Depends(get_scope)]
PrincipalOf = Annotated[Principal | None, Depends(get_principal)]
SignedIn = Annotated[Principal, Depends(require_principal)]
