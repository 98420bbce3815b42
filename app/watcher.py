"""Keeps a process's catalogue current: told by NOTIFY, and by a poll where the notice is lost."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

import asyncpg
import structlog

from layers.catalogue import EMPTY, LAYERS_SQL, VERSIONS_SQL, Catalogue
from layers.definition import Sensitivity
from layers.registry import LAYERS_CHANNEL

POLL_S = 0.5
# After a failed look the database is given longer before each next one, up to this.
MAX_PAUSE_S = 5.0

log = structlog.get_logger(__name__)


class Follower(Protocol):
    """Something else that follows the database on the watcher's connection, woken by a channel of its own."""

    channel: str

    async def look(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        """Looks for what is new; called when the channel or the poll says so."""


class CatalogueWatcher:
    """Holds the newest catalogue; readers take :attr:`catalogue` once per request."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._followers: list[Follower] = []
        self._wake = asyncio.Event()
        self.catalogue: Catalogue = EMPTY
        self.is_current = False

    def add_follower(self, follower: Follower) -> None:
        """Lets something follow along from the next look on; before the watcher runs."""
        self._followers.append(follower)

    def sensitivity_of(self, slug: str) -> Sensitivity | None:
        """How sensitive a layer is; None where there is none."""
        layer = self.catalogue.layers.get(slug)
        return None if layer is None else layer.definition.sensitivity

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Reads the catalogue once, then watches it until the block ends."""
        connection = await asyncpg.connect(self._dsn, timeout=10)
        await self._look(connection)
        await connection.close()
        task = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _watch(self) -> None:
        pause = POLL_S
        while True:
            try:
                await self._watch_connection()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
                self.is_current = False
                log.warning("catalogue_watch_lost", error=type(error).__name__)
                await asyncio.sleep(pause)
                pause = min(2 * pause, MAX_PAUSE_S)
            else:
                pause = POLL_S

    async def _watch_connection(self) -> None:
        connection = await asyncpg.connect(self._dsn, timeout=10, command_timeout=10)
        try:
            for channel in (LAYERS_CHANNEL, *(follower.channel for follower in self._followers)):
                await connection.add_listener(channel, lambda *_: self._wake.set())
            while True:
                await self._look(connection)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), POLL_S)
                self._wake.clear()
        finally:
            with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError):
                await connection.close(timeout=1)

    async def _look(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        changed = self.catalogue.changed(await connection.fetch(VERSIONS_SQL))
        if changed:
            rows = await connection.fetch(LAYERS_SQL, list(changed))
            self.catalogue = self.catalogue.replaced(changed, rows)
            log.info("catalogue_changed", layers=len(changed), version=self.catalogue.version)
        self.is_current = True
        for follower in self._followers:
            await follower.look(connection)
