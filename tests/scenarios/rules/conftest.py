"""A database with observations, and the login that evaluates."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from app.database import Database
from tests.layers.conftest import store

__all__ = ["store"]


@pytest.fixture(scope="session")
def observing(store: Database) -> Iterator[Engine]:
    """The writer's engine on a small database."""
    engine = store.engine("diaban_writer")
    yield engine
    engine.dispose()
