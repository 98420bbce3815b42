"""The private cluster against the real PostgreSQL of this machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from app.cluster import (
    SYSTEM_FOLDER,
    Cluster,
    cluster_status,
    ensure_cluster,
    ensure_database,
    locate_cluster,
    remove_clusters,
    role_password,
    stop_cluster,
    use_cluster,
)
from app.postgres import ClusterError, creation_settings, find_processes_in, find_programs
from app.postmaster import choose_port, is_port_free

NAME = "t"
pytestmark = [pytest.mark.db, pytest.mark.slow]


@contextmanager
def make_project(mode: int) -> Iterator[Path]:
    # Not tmp_path: pytest closes its folders to other users, and root's PostgreSQL runs as another user.
    folder = Path(tempfile.mkdtemp(prefix="diaban-test-", dir="/tmp"))
    folder.chmod(mode)
    try:
        yield folder
    finally:
        remove_clusters(folder)
        subprocess.run(["rm", "-rf", folder], check=True)


@pytest.fixture(scope="module")
def project() -> Iterator[Path]:
    with make_project(0o755) as folder:
        yield folder


@pytest.fixture
def cluster(project: Path) -> Cluster:
    return ensure_cluster(project, NAME)


def ask(cluster: Cluster, question: str, dbname: str = "postgres") -> str:
    with psycopg.connect(cluster.superuser_dsn(dbname)) as connection:
        row = connection.execute(question).fetchone()
        assert row is not None
        return str(row[0])


def kill_postmaster(cluster: Cluster) -> int:
    pid = cluster_status(cluster.data_dir.parent.parent.parent, NAME).pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    return pid


def wait_for(line: str, process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    assert process.stdout.readline().strip() == line


class TestNewCluster:
    def test_lives_below_the_project(self, project: Path, cluster: Cluster) -> None:
        assert cluster.data_dir == project.resolve() / ".diaban" / NAME / "pg"

    @pytest.mark.parametrize(
        ("setting", "value"),
        [
            ("data_checksums", "on"),
            ("jit", "off"),
            ("server_encoding", "UTF8"),
            ("password_encryption", "scram-sha-256"),
            ("listen_addresses", "127.0.0.1"),
            ("wal_level", "replica"),
            ("archive_mode", "on"),
            ("max_wal_size", "4GB"),
            ("max_connections", "100"),
            ("random_page_cost", "1.1"),
            ("TimeZone", "UTC"),
            ("log_statement", "none"),
            ("log_parameter_max_length_on_error", "0"),
        ],
    )
    def test_has_setting(self, cluster: Cluster, setting: str, value: str) -> None:
        assert ask(cluster, f"SHOW {setting}") == value

    def test_understands_vietnamese_letters(self, cluster: Cluster) -> None:
        assert ask(cluster, "SELECT upper('địa bàn ở đây')") == "ĐỊA BÀN Ở ĐÂY"

    def test_has_postgis(self, cluster: Cluster) -> None:
        assert ask(cluster, "SELECT count(*) FROM pg_available_extensions WHERE name = 'postgis'") == "1"

    def test_archives_by_its_script(self, cluster: Cluster) -> None:
        ask(cluster, "SELECT pg_switch_wal()")
        for _ in range(100):
            if int(ask(cluster, "SELECT archived_count FROM pg_stat_archiver")) > 0:
                break
            time.sleep(0.1)
        assert ask(cluster, "SELECT archived_count > 0 AND failed_count = 0 FROM pg_stat_archiver") == "True"

    def test_socket_path_is_short_and_closed(self, cluster: Cluster) -> None:
        assert len(f"{cluster.socket_dir}/.s.PGSQL.{cluster.port}.lock".encode()) < 107
        assert cluster.socket_dir.stat().st_mode & 0o077 == 0

    def test_secret_is_the_callers_alone(self, cluster: Cluster) -> None:
        found = (cluster.data_dir.parent / "secret").stat()
        assert (found.st_uid, found.st_mode & 0o777) == (os.geteuid(), 0o600)
        assert len(cluster.secret) == 32

    def test_refuses_a_wrong_password(self, cluster: Cluster) -> None:
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(cluster.dsn("diaban_super", "postgres", "wrong"))

    def test_logs_no_values(self, cluster: Cluster) -> None:
        with psycopg.connect(cluster.superuser_dsn(), autocommit=True) as connection:
            connection.execute("CREATE TEMP TABLE person (id text PRIMARY KEY)")
            connection.execute("INSERT INTO person VALUES (%s)", ["038199012345"])
            with pytest.raises(psycopg.errors.UniqueViolation):
                connection.execute("INSERT INTO person VALUES (%s)", ["038199012345"])
            with pytest.raises(psycopg.errors.UniqueViolation):
                connection.execute("INSERT INTO person VALUES ('038199012345')")
        logs = [path.read_text() for path in (cluster.data_dir / "log").iterdir()]
        assert any("person_pkey" in text for text in logs)
        assert not any("038199012345" in text for text in logs)


class TestDatabase:
    def test_is_created_once(self, cluster: Cluster) -> None:
        ensure_database(cluster, "diaban")
        ensure_database(cluster, "diaban")
        assert ask(cluster, "SELECT current_database()", "diaban") == "diaban"


class TestRunningCluster:
    def test_is_adopted(self, project: Path, cluster: Cluster) -> None:
        pid = cluster_status(project, NAME).pid
        assert ensure_cluster(project, NAME) == cluster
        assert cluster_status(project, NAME).pid == pid

    def test_stops_and_starts_on_the_same_port(self, project: Path, cluster: Cluster) -> None:
        assert stop_cluster(project, NAME)
        assert not stop_cluster(project, NAME)
        assert not cluster.socket_dir.exists()
        assert cluster_status(project, NAME).pid is None
        assert ensure_cluster(project, NAME).port == cluster.port

    def test_takes_another_port_when_its_own_is_taken(self, project: Path, cluster: Cluster) -> None:
        stop_cluster(project, NAME)
        script = (
            f"import socket; s = socket.create_server(('127.0.0.1', {cluster.port})); print('on', flush=True); input()"
        )
        with subprocess.Popen(
            [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as squatter:
            wait_for("on", squatter)
            assert ensure_cluster(project, NAME).port != cluster.port
            squatter.communicate("\n")
        assert ask(ensure_cluster(project, NAME), "SELECT 1") == "1"


class TestKilledCluster:
    def test_recovers_with_its_data(self, project: Path, cluster: Cluster) -> None:
        ensure_database(cluster, "kept")
        kill_postmaster(cluster)
        again = ensure_cluster(project, NAME)
        assert ask(again, "SELECT current_database()", "kept") == "kept"

    def test_recovers_while_a_backend_still_works(self, project: Path, cluster: Cluster) -> None:
        busy = "DO $$ BEGIN LOOP PERFORM 1; END LOOP; END $$"
        script = f"import psycopg; psycopg.connect({cluster.superuser_dsn()!r}).execute({busy!r})"
        with subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.DEVNULL) as client:
            question = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'DO %'"
            while ask(cluster, question) == "0":
                time.sleep(0.1)
            old = kill_postmaster(cluster)
            again = ensure_cluster(project, NAME)
            assert ask(again, "SELECT 1") == "1"
            assert cluster_status(project, NAME).pid != old
            client.wait(timeout=30)

    def test_ignores_a_reused_process_id(self, project: Path, cluster: Cluster) -> None:
        kill_postmaster(cluster)
        pid_file = cluster.data_dir / "postmaster.pid"
        lines = pid_file.read_text().splitlines()
        while find_processes_in(cluster.data_dir, os_user=cluster.os_user):
            time.sleep(0.05)
        # A live process of the same OS user under the old number: PostgreSQL itself would refuse to start.
        other = subprocess.Popen(["sleep", "60"], user=cluster.os_user)
        try:
            pid_file.write_text("\n".join([str(other.pid), *lines[1:]]) + "\n")
            assert ask(ensure_cluster(project, NAME), "SELECT 1") == "1"
        finally:
            other.kill()
            other.wait()

    def test_half_made_data_are_made_again(self, project: Path) -> None:
        staging = project / ".diaban" / "half" / "pg.new"
        staging.mkdir(parents=True)
        (staging / "PG_VERSION").write_text("15\n")
        made = ensure_cluster(project, "half")
        assert ask(made, "SHOW data_checksums") == "on"
        made.stop()


class TestUsers:
    def test_last_one_to_leave_stops_it(self, project: Path) -> None:
        with use_cluster(project, NAME):
            with use_cluster(project, NAME):
                assert cluster_status(project, NAME).users == (os.getpid(), os.getpid())
            assert cluster_status(project, NAME).pid is not None
        assert cluster_status(project, NAME).pid is None

    def test_killed_one_leaves_a_running_cluster_to_adopt(self, project: Path) -> None:
        script = textwrap.dedent(f"""
            from pathlib import Path
            from app.cluster import use_cluster
            with use_cluster(Path({str(project)!r}), {NAME!r}):
                print("on", flush=True)
                input()
        """)
        with subprocess.Popen(
            [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as holder:
            wait_for("on", holder)
            before = cluster_status(project, NAME)
            assert before.users == (holder.pid,)
            holder.kill()
        assert cluster_status(project, NAME).users == ()
        with use_cluster(project, NAME):
            assert cluster_status(project, NAME).pid == before.pid
        assert cluster_status(project, NAME).pid is None

    def test_two_starts_at_once_meet_in_one_server(self, project: Path) -> None:
        stop_cluster(project, NAME)
        script = f"from app.cluster import *; ensure_cluster(Path({str(project)!r}), {NAME!r})"
        starts = [subprocess.Popen([sys.executable, "-c", script]) for _ in range(2)]
        assert [start.wait(timeout=60) for start in starts] == [0, 0]
        assert ask(ensure_cluster(project, NAME), "SELECT 1") == "1"


class TestPlace:
    @pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user always keeps the data below the project")
    def test_closed_folder_of_root_is_left_alone(self) -> None:
        with make_project(0o700) as folder:
            heard: list[str] = []
            cluster = ensure_cluster(folder, NAME, report=lambda _vi, en: heard.append(en))
            assert cluster.data_dir.is_relative_to(SYSTEM_FOLDER)
            assert str(cluster.data_dir.parent) in heard[0]
            assert folder.stat().st_mode & 0o777 == 0o700
            assert ask(cluster, "SELECT 1") == "1"
            folder.chmod(0o755)
            assert locate_cluster(folder, NAME)[0] == cluster.data_dir.parent
            assert locate_cluster(folder, NAME, state_dir=folder / ".diaban")[0] == cluster.data_dir.parent
            remove_clusters(folder)
            assert not cluster.data_dir.exists()

    def test_lost_secret_is_said(self, project: Path, cluster: Cluster) -> None:
        secret = cluster.data_dir.parent / "secret"
        kept = secret.rename(secret.with_name("kept"))
        with pytest.raises(ClusterError, match="copy it back"):
            ensure_cluster(project, NAME)
        kept.rename(secret)

    def test_removing_refuses_while_it_is_used(self, project: Path) -> None:
        with use_cluster(project, NAME), pytest.raises(ClusterError, match="still use"):
            remove_clusters(project)

    def test_a_broken_setting_shows_the_log(self, project: Path, cluster: Cluster) -> None:
        cluster.stop()
        file = cluster.data_dir / "diaban.conf"
        good = file.read_text()
        file.write_text(good + "shared_buffers = 'many'\n")
        with pytest.raises(ClusterError, match="shared_buffers"):
            ensure_cluster(project, NAME)
        file.write_text(good)


class TestParts:
    def test_passwords_differ_by_role_and_secret(self) -> None:
        words = {role_password(secret, role) for secret in (b"a", b"b") for role in ("diaban_owner", "diaban_reader")}
        assert len(words) == 4
        assert all(len(word) == 64 for word in words)

    def test_addresses_escape_what_urls_reserve(self) -> None:
        cluster = Cluster(Path("/x/pg"), Path("/x"), 20001, Path("/bin"), None)
        assert cluster.dsn("a/b", "d b", "p@:/") == "postgresql://a%2Fb:p%40%3A%2F@127.0.0.1:20001/d%20b"

    def test_memory_settings_stay_modest(self) -> None:
        small, large = (creation_settings(memory_bytes=gigabytes << 30) for gigabytes in (1, 512))
        assert "shared_buffers = 128MB" in small
        assert "shared_buffers = 4096MB" in large

    def test_remembered_port_comes_first(self) -> None:
        free = choose_port(Path("/somewhere"), remembered=None)
        assert choose_port(Path("/elsewhere"), remembered=free) == free
        assert is_port_free(free)

    def test_absent_version_is_named(self) -> None:
        with pytest.raises(ClusterError, match="PostgreSQL 9 "):
            find_programs(major=9)
