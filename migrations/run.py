"""Brings a database to the newest schema version."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, text

from layers.ddl import regrant_layers
from layers.grants import put_built_in_roles
from layers.personal.erasures import repeat_erasures
from layers.personal.keys import brings_key
from layers.personal.plain import begin_key, seal_all, tables_unsealed
from spatial.crs import private_srid_rows

# Two deployers must not migrate at once: the number is any constant that only we lock.
MIGRATION_LOCK = 0x6469_6162_616E
_UNMARKED = text(
    "SELECT p.oid::regprocedure::text FROM pg_proc p"
    " JOIN pg_depend d ON d.objid = p.oid AND d.deptype = 'e'"
    " JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'postgis'"
    " WHERE NOT p.proleakproof AND p.oid::regprocedure::text IN ("
    "'geometry_overlaps(geometry,geometry)', 'geography_overlaps(geography,geography)', 'geography(geometry)')"
)
_CRS_COLUMNS = ("srid", "auth_name", "auth_srid", "srtext", "proj4text")
_ADD_CRS = text(
    "INSERT INTO spatial_ref_sys (srid, auth_name, auth_srid, srtext, proj4text)"
    " VALUES (:srid, :auth_name, :auth_srid, :srtext, :proj4text)"
)
LOGINS = (
    "diaban_owner",
    "diaban_writer",
    "diaban_reader",
    "diaban_public",
    "diaban_watcher",
    "diaban_auth",
    "diaban_personal",
)


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
        _mend_postgis(connection)
        put_built_in_roles(connection)
        regrant_layers(connection)
        _set_passwords(connection, passwords)
        connection.commit()
        if brings_key(connection):
            _tend_personal(connection, say)
        version = connection.execute(text("SELECT version_num FROM catalogue.alembic_version")).scalar_one()
        connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": MIGRATION_LOCK})
        connection.commit()
    return str(version)


def _tend_personal(connection: Connection, say: Callable[[str], None]) -> None:
    """Begins the key of personal data, destroys again what a restored back-up brought back, seals what lies open.

    Whoever comes without a key, as to check a restored copy, leaves this to the next start of the service.
    """
    begin_key(connection)
    connection.commit()
    repeat_erasures(connection, author="diaban migrate")
    connection.commit()
    if tables_unsealed(connection):
        say("personal")
        seal_all(connection)


def _mend_postgis(connection: Connection) -> None:
    """Marks and rows that live in PostGIS' own objects: a restore or an update of the extension loses them."""
    for function in connection.execute(_UNMARKED).scalars().all():
        connection.exec_driver_sql(f"ALTER FUNCTION {function} LEAKPROOF")
    present = set(connection.execute(text("SELECT srid FROM spatial_ref_sys WHERE srid > 900000")).scalars())
    for row in private_srid_rows():
        if row[0] not in present:
            connection.execute(_ADD_CRS, dict(zip(_CRS_COLUMNS, row, strict=True)))


def _set_passwords(connection: Connection, passwords: Mapping[str, str]) -> None:
    for login in LOGINS:
        # ALTER ROLE takes no parameters; format() in SQL quotes both parts.
        statement = connection.execute(
            text("SELECT format('ALTER ROLE %I LOGIN PASSWORD %L', CAST(:login AS text), CAST(:word AS text))"),
            {"login": login, "word": passwords[login]},
        ).scalar_one()
        connection.exec_driver_sql(statement.replace("%", "%%"))
