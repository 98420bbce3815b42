"""A database with the alerts' tables, and outcomes to hand in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from app.database import Database
from tests.layers.conftest import store

__all__ = ["store"]


@pytest.fixture
def writer(store: Database) -> Iterator[Engine]:
    """The engine of the login that evaluations write with."""
    engine = store.engine("diaban_writer")
    yield engine
    engine.dispose()
