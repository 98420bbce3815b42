"""The database for commands: DATABASE_URL, else the private cluster for as long as the command runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine

from app.cluster import use_cluster
from app.console import note
from app.database import Database, cluster_database, external_database, personal_key_file
from app.external import require_fit
from app.settings import CHECKOUT, Settings
from layers.audit import Event, record_event


@contextmanager
def open_database(settings: Settings) -> Iterator[Database]:
    """The settings' database; a private cluster runs for the length of the block, or longer if others use it."""
    if settings.database_url is not None:
        database = external_database(settings)
        require_fit(database.superuser_engine())
        yield database
        return
    with use_cluster(CHECKOUT, state_dir=settings.state_dir, report=note) as cluster:
        yield cluster_database(cluster, key=personal_key_file(settings))


@contextmanager
def owner_engine() -> Iterator[Engine]:
    """An engine of the login that owns layers; closed at the end of the block."""
    with open_database(Settings()) as database:
        engine = database.engine("diaban_owner")
        yield engine
        engine.dispose()


def record_act(event: Event) -> None:
    """Writes what a command is about to do that changes nothing in the database, such as an export, into the trail."""
    with owner_engine() as engine, engine.begin() as connection:
        record_event(connection, event)
