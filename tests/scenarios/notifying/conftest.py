"""A database in which nobody is told of anything yet, and ways to make something happen in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import Engine

from app.database import Database
from layers.access import Scope
from scenarios.alerts.raising import apply_outcomes
from scenarios.notifying.channel import Channel, ChannelKind, Draft, Pace, Wanted
from scenarios.notifying.channels import add_channel
from scenarios.outcomes import Level, Outcome, Place, Standing
from tests.layers.conftest import store
from tests.scenarios.alerts.outcomes import fresh_place

__all__ = ["store"]
ADMIN = Scope.local_admin()
AddChannel = Callable[..., Channel]
OpenAlert = Callable[..., int]


def empty(database: Database) -> None:
    """Removes channels, news and messages."""
    with psycopg.connect(database.superuser_dsn) as connection:
        connection.execute("TRUNCATE notifying.channels, notifying.outbox, notifying.deliveries, notifying.parts")


@pytest.fixture
def writer(store: Database) -> Iterator[Engine]:
    """The engine of the worker, in a store without channels, news and messages."""
    empty(store)
    engine = store.engine("diaban_writer")
    yield engine
    # Whatever tests come after this one in the same store pay nothing for its channels.
    empty(store)
    engine.dispose()


@pytest.fixture
def add(writer: Engine) -> AddChannel:
    """Adds an office's webhook, differing as said."""

    def work(name: str, *, address: str = "", wanted: Wanted | None = None, pace: Pace | None = None) -> Channel:
        draft = Draft(
            name,
            ChannelKind.WEBHOOK,
            address or f"http://127.0.0.1:9/{name}",
            wanted=wanted or Wanted(),
            pace=pace or Pace(gap=timedelta(0)),
        )
        with writer.begin() as connection:
            return add_channel(connection, ADMIN, draft)

    return work


@pytest.fixture
def open_alert(writer: Engine) -> OpenAlert:
    """Lets a rule find something and returns the alert's number."""

    def work(
        level: Level = Level.WARNING,
        *,
        unit: str = "16540",
        scenario: str = "S37",
        place: Place | None = None,
        at: datetime | None = None,
        standing: Standing = Standing.HOLDS,
    ) -> int:
        now = at or datetime.now(UTC)
        where = place or replace(fresh_place(), unit_code=unit)
        found = Outcome(scenario, "T33", 1, where, standing, level, now, now, 163.5, 150.0)
        with writer.begin() as connection:
            raised = apply_outcomes(connection, [found], now)
        return (raised.opened + raised.updated + raised.cleared + raised.kept)[0]

    return work


def waiting(database: Database, channel: UUID) -> list[tuple[str, str]]:
    """What a channel is to be told of, as kind and level, in order."""
    with psycopg.connect(database.superuser_dsn) as connection:
        rows = connection.execute(
            "SELECT o.kind, coalesce(o.level, '') FROM notifying.parts p JOIN notifying.outbox o ON o.id = p.outbox_id"
            " WHERE p.channel_id = %s ORDER BY o.id",
            [channel],
        ).fetchall()
    return [(row[0], row[1]) for row in rows]
