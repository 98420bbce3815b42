"""The owner's engine for commands: on DATABASE_URL, else on the private cluster for as long as the command runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine

from app.cluster import use_cluster
from app.console import say
from app.database import cluster_database, external_database
from app.settings import CHECKOUT, Settings


@contextmanager
def owner_engine() -> Iterator[Engine]:
    """An engine of the login that owns layers; closed at the end of the block."""
    settings = Settings()
    if settings.database_url is not None:
        engine = external_database(settings).engine("diaban_owner")
        yield engine
        engine.dispose()
        return
    with use_cluster(CHECKOUT, state_dir=settings.state_dir, report=say) as cluster:
        engine = cluster_database(cluster).engine("diaban_owner")
        yield engine
        engine.dispose()
