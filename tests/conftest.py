"""Fixtures: a private PostGIS cluster, a prepared database, clones of it, and a running service."""

from __future__ import annotations

import fcntl
import hashlib
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg
import pytest
import uvicorn
from fastapi import FastAPI
from sqlalchemy import Engine, create_engine, text

from app.cluster import Cluster, use_cluster
from app.database import Database, cluster_database
from app.demo import DemoPlan, prepare
from app.main import create_app
from app.settings import CHECKOUT, Settings
from migrations.run import migrate
from tests.layers.ask_world import build_world

PARCELS = 5_000
SHARED_DATA = CHECKOUT.parent / "shared" / "data"


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A private cluster for tests, apart from the one that the product runs on."""
    with use_cluster(CHECKOUT, "test") as running:
        admin = _admin(running)
        with admin.connect() as connection:
            # These databases outlive no machine, and dropping one should not wait for the disk.
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                connection.exec_driver_sql(f"ALTER SYSTEM SET {setting} = off")
            connection.exec_driver_sql("SELECT pg_reload_conf()")
        admin.dispose()
        yield running


def _admin(cluster: Cluster) -> Engine:
    url = cluster.superuser_dsn("postgres").replace("postgresql://", "postgresql+psycopg://")
    return create_engine(url, isolation_level="AUTOCOMMIT")


@pytest.fixture(scope="session")
def template(cluster: Cluster) -> str:
    """The name of a database with all built-in layers of a small synthetic province; nobody writes to it.

    It is named by the sources that make it and kept for the next run, until one of them changes.
    """
    name = f"template_{_sources_digest()}"
    _make_once(cluster, name, lambda made: prepare(made, DemoPlan(None, PARCELS), reset=True))
    return name


@pytest.fixture(scope="session")
def world_template(cluster: Cluster) -> str:
    """The name of a database with the small known world that questions are asked of; nobody connects to it."""
    name = f"template_{_sources_digest()}_world"
    _make_once(cluster, name, _fill_world)
    return name


def _fill_world(database: Database) -> None:
    superuser, owner = database.superuser_engine(), database.engine("diaban_owner")
    migrate(superuser, database.passwords)
    build_world(owner)
    superuser.dispose()
    owner.dispose()


def _make_once(cluster: Cluster, name: str, fill: Callable[[Database], None]) -> None:
    """Creates and fills a database, unless an earlier run of the same sources has."""
    admin = _admin(cluster)
    with _alone(cluster):
        if not _is_ready(admin, name):
            _drop_leftovers(admin, keep=f"template_{_sources_digest()}")
            _drop(admin, name)
            fill(cluster_database(cluster, name))
            with admin.connect() as connection:
                connection.exec_driver_sql(f"COMMENT ON DATABASE \"{name}\" IS 'ready'")
    admin.dispose()


@contextmanager
def _alone(cluster: Cluster) -> Iterator[None]:
    """Lets one run at a time make the template; the lock dies with its process."""
    with (cluster.data_dir.parent / "template.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _sources_digest() -> str:
    digest = hashlib.sha256()
    packages = ("layers", "scenarios", "spatial", "migrations", "tiles")
    folders = (path for folder in packages for path in (CHECKOUT / folder).rglob("*"))
    own = [CHECKOUT / "app" / "demo.py", CHECKOUT / "tests" / "layers" / "ask_world.py"]
    for path in sorted([*own, *folders]):
        if path.suffix in {".py", ".sql", ".yaml"}:
            digest.update(str(path.relative_to(CHECKOUT)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


def _is_ready(admin: Engine, name: str) -> bool:
    with admin.connect() as connection:
        remark = connection.execute(
            text("SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = :name"),
            {"name": name},
        ).scalar_one_or_none()
    return remark == "ready"


def _drop_leftovers(admin: Engine, *, keep: str) -> None:
    """Databases of older sources and of a run that was killed; another run going on has clients in its own."""
    with admin.connect() as connection:
        names = connection.execute(
            text(
                "SELECT datname FROM pg_database d WHERE (datname LIKE 'template\\_%' OR datname LIKE 'clone\\_%')"
                " AND NOT EXISTS (SELECT 1 FROM pg_stat_activity a WHERE a.datname = d.datname)"
            )
        ).scalars()
        for name in list(names):
            if name not in ("template0", "template1", "template_postgis", keep, f"{keep}_world"):
                connection.exec_driver_sql(f'DROP DATABASE IF EXISTS "{name}"')


def _drop(admin: Engine, name: str) -> None:
    with admin.connect() as connection:
        connection.exec_driver_sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.fixture(scope="session")
def copy_database(cluster: Cluster) -> Iterator[Callable[[str], Database]]:
    """Makes databases that start as copies of another, dropped when the run ends."""
    admin = _admin(cluster)
    made: list[str] = []

    def make(origin: str) -> Database:
        name = f"clone_{secrets.token_hex(4)}"
        with admin.connect() as connection:
            connection.exec_driver_sql(f'CREATE DATABASE "{name}" TEMPLATE "{origin}"')
        made.append(name)
        return cluster_database(cluster, name)

    yield make
    for name in made:
        _drop(admin, name)
    admin.dispose()


@pytest.fixture(scope="session")
def world(copy_database: Callable[[str], Database], world_template: str) -> Database:
    """The known world, shared by the tests of one run for reading."""
    return copy_database(world_template)


@pytest.fixture(scope="session")
def make_clone(copy_database: Callable[[str], Database], template: str) -> Callable[[], Database]:
    """Makes databases that start as copies of the template."""
    return lambda: copy_database(template)


@pytest.fixture(scope="session")
def shared_database(make_clone: Callable[[], Database]) -> Database:
    """A database that tests of one run share for reading."""
    return make_clone()


@pytest.fixture
def database(make_clone: Callable[[], Database]) -> Database:
    """A database of one test's own, for writing."""
    return make_clone()


@pytest.fixture
def owner(database: Database) -> Iterator[Engine]:
    """An owner's engine on the test's own database."""
    engine = database.engine("diaban_owner")
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def db(shared_database: Database) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """A superuser's connection to a migrated database; what a test writes is rolled back by the test."""
    with psycopg.connect(shared_database.superuser_dsn, autocommit=True) as connection:
        yield connection


@dataclass(frozen=True)
class Service:
    """A running service and the database behind it."""

    url: str
    database: Database
    client: httpx.Client
    state: Path


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def run_service(
    database: Database, tmp: Path, *, adapt: Callable[[FastAPI], None] = lambda _: None, **more: object
) -> Iterator[Service]:
    """Runs the real server in a thread until the fixture ends.

    Args:
        database: What it serves.
        tmp: Its state folder.
        adapt: May change the application first.
        more: Further settings.
    """
    port = free_port()
    settings = Settings(host="127.0.0.1", port=port, state_dir=tmp, **more)  # type: ignore[arg-type]
    app = create_app(settings, database)
    adapt(app)
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_config=None, access_log=False, proxy_headers=False))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 30
    while not server.started:
        if time.monotonic() > deadline or not thread.is_alive():
            raise RuntimeError("the service did not start")
        time.sleep(0.05)
    url = f"http://127.0.0.1:{port}"
    with httpx.Client(base_url=url, timeout=60) as client:
        yield Service(url, database, client, tmp)
    server.should_exit = True
    thread.join(20)


@pytest.fixture(scope="session")
def service(shared_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service over the shared database."""
    yield from run_service(shared_database, tmp_path_factory.mktemp("state"))


@pytest.fixture
def own_service(database: Database, tmp_path: Path) -> Iterator[Service]:
    """A service over the test's own database."""
    yield from run_service(database, tmp_path)
