"""The one gate for reading: every statement runs on a connection that carries the reader's scope."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from layers.definition import Sensitivity
from layers.rights import Action

if TYPE_CHECKING:
    from asyncpg import Connection, Pool

ALL_UNITS = "*"
LOCAL_ADMIN = "local-admin"
_SET_SCOPE = (
    "SELECT set_config('diaban.subject', $1, true), set_config('diaban.classes', $2, true),"
    " set_config('diaban.units', $3, true)"
)


@dataclass(frozen=True, slots=True)
class Scope:
    """What a reader may see.

    Attributes:
        subject: Who reads, as an id fit for logs.
        classes: Sensitivities of the layers that exist for this reader.
        units: Codes of the communes whose features exist for this reader in layers that are not public;
            None for all of them.
    """

    subject: str
    classes: frozenset[Sensitivity]
    units: frozenset[str] | None

    @classmethod
    def public(cls) -> Scope:
        """Everybody: wholly public layers only."""
        return cls("public", frozenset({Sensitivity.PUBLIC}), frozenset())

    @classmethod
    def local_admin(cls) -> Scope:
        """The operator of the machine, through the command line: every layer, still without personal fields."""
        return cls(LOCAL_ADMIN, frozenset(Sensitivity), None)

    def may(self, action: Action, target: str, unit: str | None = None) -> bool:
        """Whether the reader may act on a layer (its slug) or an :class:`~layers.rights.Area`, in a commune.

        Args:
            action: What is to be done.
            target: Slug of the layer, or an area.
            unit: Code of the commune that it concerns; None where it concerns every commune.
        """
        # Until grants are read from the database, the operator of the machine may everything, others nothing.
        del action, target, unit
        return self.subject == LOCAL_ADMIN

    @property
    def is_public(self) -> bool:
        """Whether the scope holds nothing but wholly public layers."""
        return self.classes == {Sensitivity.PUBLIC}

    @property
    def cache_key(self) -> str:
        """Text that is equal for two scopes exactly where they can see the same."""
        return "|".join((",".join(sorted(self.classes)), self._units))

    @property
    def _units(self) -> str:
        return ALL_UNITS if self.units is None else ",".join(sorted(self.units))

    @property
    def settings(self) -> tuple[str, str, str]:
        """Values of the session settings that the row policies read."""
        return self.subject, ",".join(sorted(self.classes)), self._units


@dataclass(frozen=True, slots=True)
class Gate:
    """Lends connections: the public login in one round trip, the reader login inside a scoped transaction.

    Attributes:
        wait_s: How long a reader waits for a free connection before TimeoutError; None waits on.
        tiles: A gate of its own for tiles, so that a burst of them leaves the others their connections.
    """

    public: Pool[object]
    reader: Pool[object]
    wait_s: float | None = None
    tiles: Gate | None = None

    @asynccontextmanager
    async def read(self, scope: Scope) -> AsyncIterator[Connection[object]]:
        """A connection on which nothing outside ``scope`` exists.

        Public statements run without a transaction of their own; all others in one read-only transaction
        that begins by setting the scope, so that a pooled connection never keeps another reader's.
        """
        if scope.is_public:
            async with self.public.acquire(timeout=self.wait_s) as connection:
                yield connection
            return
        async with self.reader.acquire(timeout=self.wait_s) as connection, connection.transaction(readonly=True):
            await connection.execute(_SET_SCOPE, *scope.settings)
            yield connection
