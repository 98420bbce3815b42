"""What demo does with a database that holds something already, and how it ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from app import demo
from app.database import Database
from app.demo import DemoPlan, OtherData, prepare
from app.external import UnfitDatabase, require_fit
from app.serve import is_free
from app.settings import CHECKOUT
from migrations.run import migrate
from tests.conftest import PARCELS, free_port

pytestmark = [pytest.mark.db, pytest.mark.slow]
SAME = DemoPlan(None, PARCELS)


def revisions(database: Database) -> dict[str, int]:
    engine = database.engine("diaban_owner")
    with engine.connect() as connection:
        found = connection.execute(text("SELECT slug, revision FROM catalogue.layers"))
        return {row.slug: row.revision for row in found}


class TestSecondRun:
    def test_changes_nothing(self, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        def generate(**_: object) -> None:
            raise AssertionError("a second run generates nothing")

        monkeypatch.setattr(demo, "make_province", generate)
        before = revisions(database)
        prepare(database, SAME, reset=False)
        assert revisions(database) == before

    def test_goes_on_where_a_killed_load_stopped(self, database: Database) -> None:
        engine = database.superuser_engine()
        with engine.begin() as connection:
            # As after kill -9 before this layer's one transaction was committed.
            connection.exec_driver_sql("TRUNCATE features.schools, history.schools")
            connection.exec_driver_sql("DELETE FROM catalogue.unit_changes WHERE slug = 'schools'")
            connection.exec_driver_sql("DELETE FROM catalogue.revisions WHERE slug = 'schools'")
            connection.exec_driver_sql(
                "UPDATE catalogue.layers SET revision = 0, feature_count = 0 WHERE slug = 'schools'"
            )
        before = revisions(database)
        prepare(database, SAME, reset=False)
        after = revisions(database)
        assert after.pop("schools") == 1
        assert before.pop("schools") == 0
        assert after == before
        with engine.connect() as connection:
            assert connection.exec_driver_sql("SELECT count(*) > 0 FROM features.schools").scalar_one()


class TestReset:
    def test_leaves_nothing_in_the_way_of_the_migrations(
        self, copy_database: Callable[[str], Database], world_template: str
    ) -> None:
        database = copy_database(world_template)
        engine = database.superuser_engine()
        demo._drop_schemas(engine)
        version = migrate(engine, database.passwords)
        with engine.connect() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM catalogue.layers").scalar_one() == 0
            assert (
                connection.exec_driver_sql("SELECT version_num FROM catalogue.alembic_version").scalar_one() == version
            )
        engine.dispose()


class TestOtherData:
    def test_is_refused_with_the_remedy(self, database: Database, tmp_path: Path) -> None:
        with pytest.raises(OtherData, match="RESET=1") as refusal:
            prepare(database, DemoPlan(tmp_path), reset=False)
        assert str(tmp_path) in refusal.value.vi
        assert "RESET=1" in refusal.value.vi


class TestExternalDatabase:
    def test_of_a_superuser_is_fit(self, shared_database: Database) -> None:
        require_fit(shared_database.superuser_engine())

    def test_of_another_login_names_what_is_missing(self, shared_database: Database) -> None:
        with pytest.raises(UnfitDatabase, match='ALTER ROLE "diaban_reader" SUPERUSER'):
            require_fit(shared_database.engine("diaban_reader"))

    def test_out_of_reach_shows_no_password(self, shared_database: Database) -> None:
        wrong = make_url(shared_database.superuser_dsn).set(port=free_port(), password="hunter2")  # noqa: S106 - what must not be seen
        with pytest.raises(UnfitDatabase, match="cannot connect") as refusal:
            require_fit(Database(wrong, b"").superuser_engine())
        assert "hunter2" not in refusal.value.vi + refusal.value.en

    def test_in_another_encoding_is_refused(self, shared_database: Database) -> None:
        with psycopg.connect(shared_database.superuser_dsn, autocommit=True) as connection:
            connection.execute("CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'")
        try:
            latin = Database(make_url(shared_database.superuser_dsn).set(database="latin"), b"")
            with pytest.raises(UnfitDatabase, match="UTF8, not LATIN1"):
                require_fit(latin.superuser_engine())
        finally:
            with psycopg.connect(shared_database.superuser_dsn, autocommit=True) as connection:
                connection.execute("DROP DATABASE latin")


class TestPort:
    def test_bound_by_another_that_listens_is_taken(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as other:
            assert not is_free("127.0.0.1", other.getsockname()[1])

    def test_in_use_is_said_before_anything_starts(self, tmp_path: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as other:
            finished = subprocess.run(
                [sys.executable, "-P", "-m", "app.cli", "demo", "--port", str(other.getsockname()[1])],
                env=os.environ | {"DIABAN_STATE_DIR": str(tmp_path)},
                cwd=CHECKOUT,
                capture_output=True,
                text=True,
                check=False,
            )
        assert finished.returncode == 1
        assert "đang được dùng" in finished.stderr
        assert list(tmp_path.iterdir()) == []


class Running:
    """``diaban serve`` with two workers on the test's own database."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.port = free_port()
        environment = os.environ | {
            "DATABASE_URL": database.superuser_dsn,
            "DIABAN_STATE_DIR": str(folder),
            "PORT": str(self.port),
            "WORKERS": "2",
        }
        (folder / "external-database-secret").write_text(database.secret.hex())
        self.log = (folder / "log").open("w+")
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "app.cli", "serve"],
            env=environment,
            cwd=CHECKOUT,
            stdout=self.log,
            stderr=self.log,
            start_new_session=True,
        )

    def wait_until_ready(self) -> None:
        for _ in range(600):
            try:
                if httpx.get(f"http://127.0.0.1:{self.port}/readyz", timeout=30).status_code == 200:
                    return
            except httpx.TransportError:
                assert self.process.poll() is None, self.said()
            time.sleep(0.1)
        raise AssertionError(self.said())

    def said(self) -> str:
        return Path(self.log.name).read_text()

    def wait_until_port_is_free(self) -> bool:
        for _ in range(300):
            if is_free("127.0.0.1", self.port):
                return True
            time.sleep(0.1)
        return False


@pytest.fixture
def running(database: Database, tmp_path: Path) -> Iterator[Running]:
    started = Running(database, tmp_path)
    try:
        started.wait_until_ready()
        yield started
    finally:
        started.process.kill()
        started.process.wait()
        started.log.close()


class TestSeveralWorkers:
    def test_end_in_order_when_interrupted(self, running: Running) -> None:
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(60) == 0
        assert running.wait_until_port_is_free()
        assert running.said().count("Địa Bàn is running") == 1
        assert "Traceback" not in running.said()

    def test_end_with_their_killed_parent(self, running: Running) -> None:
        running.process.kill()
        assert running.wait_until_port_is_free()
