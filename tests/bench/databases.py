"""Databases of 300,000 and 5,000,000 parcels, kept in a private cluster of their own between runs.

The larger one holds the province of the smaller one seventeen times side by side: the same parcels to the square
kilometre and to the commune, so that a question has the same answer in both and only the table is larger.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import psycopg
import shapely
from psycopg import sql
from rich.progress import Progress
from sqlalchemy import Engine

from app.cluster import Cluster
from app.console import progress_bar, say
from app.database import Database, cluster_database
from app.tile_commands import refresh_stale
from layers.ddl import create_indexes, drop_indexes
from layers.definition import Definition
from layers.definition_reader import load_builtin
from layers.publish import ChangeNote, Mode, publish_rows
from layers.registry import mark_synthetic, put_layer
from layers.synthetic import Province, layer_rows, make_province
from migrations.run import migrate

SEED = 2026
COPY_PARCELS = 300_000
PARCELS = "parcels"
LAYERS = ("provinces", "communes", PARCELS)
# Copies stand in rows of five, farther apart than the province is wide.
COLUMNS = 5
STEP_DEGREES = 0.5
NOTE = ChangeNote("diaban bench", message="synthetic data for measuring", source_name="generator")
# Each code column of a layer is made a copy's own by its last two digits.
_CODES = {"communes": ("code",), PARCELS: ("commune_code", "old_commune_code")}


@dataclass(frozen=True, slots=True)
class Bed:
    """A filled database.

    Attributes:
        load_s: Seconds that the filling took when it was done.
    """

    database: Database
    parcels: int
    load_s: float
    size: str


def bed_name(parcels: int) -> str:
    """The database of so many parcels in the cluster."""
    return f"bench_{parcels}"


def prepare_bed(cluster: Cluster, parcels: int) -> Bed:
    """Return the database of so many parcels, filled where it is missing or was left half filled."""
    name = bed_name(parcels)
    source = f"bench 2: seed={SEED} parcels={parcels}"
    seconds = _held(cluster, name, source)
    if seconds is None:
        say(f"Nạp {parcels:,} thửa đất để đo (một lần)", f"loading {parcels:,} parcels to measure on (once)")
        _drop(cluster, name)
        started = time.perf_counter()
        _fill(cluster_database(cluster, name), parcels)
        seconds = time.perf_counter() - started
        _remember(cluster, name, source, seconds)
    database = cluster_database(cluster, name)
    _bring_up_to_date(database)
    with psycopg.connect(database.superuser_dsn) as connection:
        row = connection.execute(
            "SELECT feature_count, pg_size_pretty(pg_database_size(current_database())) FROM catalogue.layers"
            " WHERE slug = 'parcels'"
        ).fetchone()
    assert row is not None
    return Bed(database, int(row[0]), seconds, str(row[1]))


def _bring_up_to_date(database: Database) -> None:
    """Migrates a database kept from an older version of the service, and makes what low zooms are drawn from."""
    superuser, owner = database.superuser_engine(), database.engine("diaban_owner")
    migrate(superuser, database.passwords)
    refresh_stale(owner)
    superuser.dispose()
    owner.dispose()


def _held(cluster: Cluster, name: str, source: str) -> float | None:
    """Seconds of the filling of a whole database from this source, None where there is none."""
    with psycopg.connect(cluster.superuser_dsn()) as connection:
        found = connection.execute(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s", (name,)
        ).fetchone()
    remark = str(found[0]) if found and found[0] else ""
    held, _, seconds = remark.partition(" | ")
    return float(seconds) if held == source else None


def _drop(cluster: Cluster, name: str) -> None:
    with psycopg.connect(cluster.superuser_dsn(), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _remember(cluster: Cluster, name: str, source: str, seconds: float) -> None:
    remark = sql.SQL("COMMENT ON DATABASE {} IS {}")
    with psycopg.connect(cluster.superuser_dsn(), autocommit=True) as connection:
        connection.execute(remark.format(sql.Identifier(name), sql.Literal(f"{source} | {seconds:.0f}")))


def _fill(database: Database, parcels: int) -> None:
    superuser = database.superuser_engine()
    migrate(superuser, database.passwords)
    owner = database.engine("diaban_owner")
    definitions = {slug: definition for slug, definition in load_builtin().items() if slug in LAYERS}
    with owner.begin() as connection:
        for definition in definitions.values():
            put_layer(connection, definition, author=NOTE.author, built_in=True)
    copies = max(1, -(-parcels // COPY_PARCELS))
    # Whole provinces only, so that five million are a little more.
    province = make_province(seed=SEED, parcels=parcels if copies == 1 else COPY_PARCELS)
    with progress_bar() as progress:
        bar = progress.add_task("thửa đất · parcels", total=copies * province.parcel_count)
        for slug in LAYERS:
            _load_layer(owner, province, definitions[slug], copies, progress, bar if slug == PARCELS else None)
    _settle(owner, definitions)
    with superuser.begin() as connection:
        for statement in _peer_view(definitions[PARCELS]):
            connection.exec_driver_sql(statement)
    superuser.dispose()
    owner.dispose()


def _load_layer(
    owner: Engine, province: Province, definition: Definition, copies: int, progress: Progress, bar: object
) -> None:
    frames = list(layer_rows(province, definition))
    for copy in range(copies):
        rows = list(_copy_of(frames, definition.slug, copy))
        with owner.begin() as connection:
            publish_rows(connection, definition.slug, rows, mode=Mode.APPEND, note=NOTE)
            mark_synthetic(connection, definition.slug, synthetic=True)
            if bar is not None and copy == 0 and copies > 1:
                # As in a first bulk load: every index is built once, at the end.
                drop_indexes(connection, definition)
        if bar is not None:
            progress.advance(bar, sum(len(frame) for frame in rows))
        if definition.slug == "provinces":
            break
    if bar is not None and copies > 1:
        with owner.begin() as connection:
            create_indexes(connection, definition)


def _copy_of(frames: list[gpd.GeoDataFrame], slug: str, copy: int) -> Iterator[gpd.GeoDataFrame]:
    shift = np.array([copy % COLUMNS, copy // COLUMNS]) * STEP_DEGREES
    first = 1
    for frame in frames:
        rows = frame.copy()
        rows.index = pd.RangeIndex(first, first + len(rows))
        first += len(rows)
        if copy:
            moved = shapely.transform(frame.geometry.to_numpy(), lambda xy: xy + shift)
            rows = rows.set_geometry(gpd.GeoSeries(moved, index=rows.index, crs=frame.crs))
            for name in _CODES.get(slug, ()):
                rows[name] = [f"9{copy:02d}{code[-2:]}" for code in rows[name]]
        yield rows


def _settle(owner: Engine, definitions: dict[str, Definition]) -> None:
    with owner.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for definition in definitions.values():
            connection.exec_driver_sql(f'VACUUM ANALYZE features."{definition.table}"')
        connection.exec_driver_sql("VACUUM ANALYZE catalogue.layers")


def _peer_view(definition: Definition) -> list[str]:
    """What peers are given: exactly the columns that our items show, without the second geometry."""
    names = [field.name for field in definition.public_fields]
    columns = ", ".join(f'"{name}"' for name in ("fid", *names, "unit_code", "province_code", "geom_area_m2", "geom"))
    return [
        "CREATE SCHEMA peers",
        f"CREATE VIEW peers.parcels AS SELECT {columns} FROM features.parcels",
        "GRANT USAGE ON SCHEMA peers TO diaban_public",
        "GRANT SELECT ON peers.parcels TO diaban_public",
    ]
