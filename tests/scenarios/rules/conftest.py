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
    """The writer's engine on a database whose partitions reach as far as the tests' moments."""
    superuser = store.superuser_engine()
    with superuser.begin() as connection:
        if not connection.exec_driver_sql("SELECT to_regclass('observing.series')").scalar():
            connection.exec_driver_sql(_STUB)
    superuser.dispose()
    engine = store.engine("diaban_writer")
    yield engine
    engine.dispose()


_STUB = """
CREATE SCHEMA observing; GRANT USAGE ON SCHEMA observing TO diaban_writer;
CREATE TABLE observing.places (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, kind text, layer text DEFAULT '',
 key text, unit_code text, lon float8, lat float8, UNIQUE (kind, layer, key));
CREATE TABLE observing.series (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, indicator text,
 place_id bigint REFERENCES observing.places, UNIQUE (indicator, place_id));
CREATE TABLE observing.observations (series_id bigint, at timestamptz, version int, value float8,
 received_at timestamptz, superseded_at timestamptz, source text, PRIMARY KEY (series_id, at, version));
CREATE TABLE observing.targets (series_id bigint, period_start timestamptz, version int, value float8,
 received_at timestamptz, superseded_at timestamptz, PRIMARY KEY (series_id, period_start, version));
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA observing TO diaban_writer;
"""
