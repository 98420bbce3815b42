"""Where the database is, under which logins the service reaches it, and its pools."""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import asyncpg
from sqlalchemy import Engine, create_engine
from sqlalchemy.engine import URL, make_url
from sqlalchemy.pool import NullPool

from app.cluster import Cluster, ensure_database, role_password
from app.settings import Settings
from layers.access import Gate
from layers.personal.keys import KeyFile, with_key
from migrations.run import LOGINS

if TYPE_CHECKING:
    from asyncpg import Pool

DATABASE_NAME = "diaban"
COMMAND_GRACE = timedelta(seconds=5)
STATEMENT_CACHE = 1000
# A tile's plan does not depend on which tile it is, and planning costs more than a small tile does. Features are
# sorted with their geometry, which must not spill to disk.
FOR_TILES = MappingProxyType({"plan_cache_mode": "force_generic_plan", "work_mem": "64MB"})


@dataclass(frozen=True, slots=True)
class Database:
    """A PostGIS database.

    Attributes:
        superuser_url: Address of a superuser.
        secret: What the logins' passwords come from.
        personal_key: The key of personal data, which every engine brings along.
    """

    superuser_url: URL
    secret: bytes = field(repr=False)
    personal_key: KeyFile | None = None

    def url(self, login: str) -> URL:
        """The address of the database for one of the service's logins."""
        return self.superuser_url.set(username=login, password=role_password(self.secret, login))

    def dsn(self, login: str) -> str:
        """The same as text for asyncpg and psycopg."""
        return self.url(login).set(drivername="postgresql").render_as_string(hide_password=False)

    @property
    def superuser_dsn(self) -> str:
        """Address of the superuser, for what only a superuser may do."""
        return self.superuser_url.set(drivername="postgresql").render_as_string(hide_password=False)

    @property
    def passwords(self) -> dict[str, str]:
        """Passwords of all logins."""
        return {login: role_password(self.secret, login) for login in LOGINS}

    def superuser_engine(self) -> Engine:
        """An engine for migrations."""
        url = self.superuser_url.set(drivername="postgresql+psycopg")
        return self._with_key(create_engine(url, poolclass=NullPool))

    def engine(self, login: str, *, keeps: int = 0) -> Engine:
        """A synchronous engine for commands and jobs.

        Args:
            login: Whose rights it has.
            keeps: So many connections stay open between uses, for what comes again every second; whoever asks for
                them disposes of the engine.
        """
        url = self.url(login).set(drivername="postgresql+psycopg")
        if not keeps:
            return self._with_key(create_engine(url, poolclass=NullPool))
        # One that the server has closed meanwhile is replaced, not handed out.
        return self._with_key(create_engine(url, pool_size=keeps, max_overflow=4, pool_pre_ping=True))

    def _with_key(self, engine: Engine) -> Engine:
        return engine if self.personal_key is None else with_key(engine, self.personal_key)


def personal_key_file(settings: Settings) -> Path:
    """Where the key of personal data lies; without it nobody can read them, so it is kept apart from back-ups."""
    return settings.personal_key or settings.state_dir / "secrets" / "personal.key"


def cluster_database(cluster: Cluster, name: str = DATABASE_NAME, *, key: Path | None = None) -> Database:
    """The service's database in a private cluster, created where it is missing.

    Args:
        cluster: Running.
        name: The database.
        key: File of the key of personal data; one beside the cluster's data where none is named.
    """
    ensure_database(cluster, name)
    file = KeyFile(key or cluster.data_dir.parent / "personal.key")
    return Database(make_url(cluster.superuser_dsn(name)), cluster.secret, file)


def external_database(settings: Settings) -> Database:
    """The database that ``DATABASE_URL`` names; its logins' secret is kept in the state folder."""
    if settings.database_url is None:
        raise ValueError("DATABASE_URL is not set")
    url = make_url(settings.database_url.get_secret_value())
    return Database(url, _own_secret(settings.state_dir), KeyFile(personal_key_file(settings)))


def _own_secret(folder: Path) -> bytes:
    path = folder / "external-database-secret"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return bytes.fromhex(path.read_text())
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_hex(32))
    return bytes.fromhex(path.read_text())


@asynccontextmanager
async def open_gate(database: Database, settings: Settings) -> AsyncIterator[Gate]:
    """The pools of a process behind the one gate for reading, closed at the end of the block."""
    query, tile = settings.timeout_query, settings.timeout_tiles
    async with (
        _pool(database, "diaban_public", settings.pool_public, query) as public,
        _pool(database, "diaban_reader", settings.pool_reader, query) as reader,
        _pool(database, "diaban_public", settings.pool_tiles, tile, more=FOR_TILES) as public_tiles,
        # Until identities exist nobody reads tiles of layers that are not public: no connection is kept for it.
        _pool(database, "diaban_reader", settings.pool_tiles, tile, least=0, more=FOR_TILES) as scoped_tiles,
    ):
        tiles = Gate(public=public_tiles, reader=scoped_tiles, wait_s=2 * tile.total_seconds())
        yield Gate(public=public, reader=reader, tiles=tiles)


def open_writer(database: Database, settings: Settings) -> Pool[asyncpg.Record]:
    """The pool of those who ask for jobs; it holds no connection until somebody does."""
    return _pool(database, "diaban_writer", settings.pool_writer, settings.timeout_query, least=0)


def open_auth(database: Database, settings: Settings) -> Pool[asyncpg.Record]:
    """The pool that finds out whose request it is."""
    return _pool(database, "diaban_auth", settings.pool_auth, settings.timeout_tiles, least=0)


def _pool(
    database: Database,
    login: str,
    size: int,
    timeout: timedelta,
    *,
    least: int = 1,
    more: Mapping[str, str] = MappingProxyType({}),
) -> Pool[asyncpg.Record]:
    timeout_ms = str(int(timeout.total_seconds() * 1000))
    known = {"application_name": f"diaban {login}", "statement_timeout": timeout_ms, "jit": "off"}
    return asyncpg.create_pool(
        database.dsn(login),
        min_size=least,
        max_size=size,
        statement_cache_size=STATEMENT_CACHE,
        max_cached_statement_lifetime=0,
        command_timeout=(timeout + COMMAND_GRACE).total_seconds(),
        timeout=10,
        server_settings={**known, **more},
    )
