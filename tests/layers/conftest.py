"""Fixtures of the feature store and of questions: a small store to write to, and the known world to ask."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import psycopg
import pytest
from sqlalchemy import Connection, Engine, event

from app.cluster import Cluster
from app.database import Database
from layers.access import Scope, set_writer_scope
from layers.definition import Definition
from layers.registry import put_layer
from tests.layers.asking import Asker, Truth, open_asker
from tests.layers.store_world import renamed, store_database, store_definitions

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def store(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A small database for writing; each test makes layers of its own in it."""
    with store_database(cluster, tmp_path_factory.mktemp("store")) as database:
        yield database


@pytest.fixture
def store_owner(store: Database) -> Iterator[Engine]:
    """An owner's engine on the store."""
    engine = store.engine("diaban_owner")
    yield engine
    engine.dispose()


@pytest.fixture
def store_writer(store: Database) -> Iterator[Engine]:
    """The engine of the login that jobs and editors write with."""
    engine = store.engine("diaban_writer")

    @event.listens_for(engine, "begin")
    def _set_scope(connection: Connection) -> None:
        set_writer_scope(connection, Scope.local_admin())

    yield engine
    engine.dispose()


MakeLayer = Callable[..., Definition]


@pytest.fixture
def make_layer(store_owner: Engine, tmp_path_factory: pytest.TempPathFactory) -> MakeLayer:
    """Adds an empty layer of a kind, with changes to its definition, and returns the definition."""
    known = store_definitions(tmp_path_factory.mktemp("definitions"))

    def make(kind: str, **changes: object) -> Definition:
        definition = renamed(known[kind], f"{kind}-{next(_NUMBERS)}", **changes)
        with store_owner.begin() as connection:
            put_layer(connection, definition, author="test")
        return definition

    return make


@pytest.fixture(scope="module")
def asker(world: Database) -> Iterator[Asker]:
    """Asks the known world."""
    with open_asker(world) as opened:
        yield opened


@pytest.fixture(scope="module")
def truth(world: Database) -> Iterator[Truth]:
    """The known world as plain SQL reads it."""
    with psycopg.connect(world.superuser_dsn, autocommit=True) as connection:
        yield Truth(connection)
