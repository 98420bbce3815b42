"""Events of the audit trail: in the transaction of the act, by one way in."""

from __future__ import annotations

import psycopg
import pytest
from sqlalchemy import Engine, text

from app.database import Database
from layers.audit import Event, Outcome, record_event

pytestmark = pytest.mark.db
EVENT = Event("tester", "layer_published", "layer", "schools", Outcome.DONE, "00001", None, {"revision": 7})


def test_an_event_goes_with_its_transaction(database: Database, owner: Engine) -> None:
    with owner.connect() as connection:
        record_event(connection, EVENT)
        connection.rollback()
        kept = record_event(connection, EVENT)
        connection.commit()
    with database.superuser_engine().connect() as connection:
        rows = connection.execute(
            text("SELECT id, actor, action, detail FROM audit.events WHERE actor = 'tester'")
        ).all()
    assert [tuple(row) for row in rows] == [(kept, "tester", "layer_published", {"revision": 7})]


@pytest.mark.parametrize("login", ["diaban_owner", "diaban_writer", "diaban_reader", "diaban_public"])
@pytest.mark.parametrize("statement", [
    "DELETE FROM audit.events", "UPDATE audit.events SET actor = 'x'", "TRUNCATE audit.events",
    "INSERT INTO audit.events (actor, action, object_kind, object_id, outcome) VALUES ('a', 'b', 'c', 'd', 'done')",
    "ALTER TABLE audit.events DISABLE TRIGGER ALL", "DROP TABLE audit.events",
])  # fmt: skip
def test_no_login_changes_the_trail(shared_database: Database, login: str, statement: str) -> None:
    with psycopg.connect(shared_database.dsn(login)) as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)
        connection.rollback()
