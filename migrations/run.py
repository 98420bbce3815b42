"""Brings a database to the newest schema version."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, text

# Two deployers must not migrate at once: the number is any constant that only we lock.
MIGRATION_LOCK = 0x6469_6162_616E
SCHEMAS = ("catalogue", "access", "audit", "jobs", "features", "history", "private", "tiles")
LOGINS = ("diaban_owner", "diaban_writer", "diaban_reader", "diaban_public")


def migrate(engine: Engine, passwords: Mapping[str, str], *, say: Callable[[str], None] = lambda _: None) -> str:
    """Upgrades the database to head and returns the schema version reached.

    Args:
        engine: A superuser's engine: the first migration creates PostGIS, the logins, and leakproof marks.
        passwords: Password of each of :data:`LOGINS`, set anew at every run.
        say: Receives a sentence before each step that takes time.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": MIGRATION_LOCK})
        connection.execute(text("SET lock_timeout = '4s'"))
        connection.execute(text("CREATE SCHEMA IF NOT EXISTS catalogue"))
        connection.commit()
        say("schema")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()
        _set_passwords(connection, passwords)
        connection.commit()
        version = connection.execute(text("SELECT version_num FROM catalogue.alembic_version")).scalar_one()
        connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": MIGRATION_LOCK})
        connection.commit()
    return str(version)


def _set_passwords(connection: Connection, passwords: Mapping[str, str]) -> None:
    for login in LOGINS:
        # ALTER ROLE takes no parameters; format() in SQL quotes both parts.
        statement = connection.execute(
            text("SELECT format('ALTER ROLE %I LOGIN PASSWORD %L', CAST(:login AS text), CAST(:word AS text))"),
            {"login": login, "word": passwords[login]},
        ).scalar_one()
        connection.exec_driver_sql(statement.replace("%", "%%"))
