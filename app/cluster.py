"""The private PostGIS cluster of a checkout: where it lives, who uses it, its secret and its databases."""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from app.postgres import ClusterError, choose_os_user, run_program
from app.postmaster import (
    STOP_TIMEOUT_S,
    SUPERUSER,
    Postmaster,
    create_data,
    failure,
    find_postmaster,
    programs_of,
    start_server,
    stop_server,
    wait_until,
    wait_until_ready,
)

SYSTEM_FOLDER = Path("/var/lib/diaban")

Report = Callable[[str, str], None]


def _say_nothing(vi: str, en: str) -> None:
    """Report nothing; both languages are dropped."""


def role_password(secret: bytes, role: str) -> str:
    """Return the password of a database role, derived from the cluster's secret by HMAC-SHA256."""
    return hmac.new(secret, role.encode(), hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running private cluster; ``os_user`` is None where the caller itself runs it."""

    data_dir: Path
    socket_dir: Path
    port: int
    bin_dir: Path
    os_user: str | None

    @property
    def secret(self) -> bytes:
        """The random secret from which the passwords of this cluster's roles are derived."""
        return _read_secret(self.data_dir.parent)

    def dsn(self, role: str, dbname: str, password: str) -> str:
        """Return a connection URL over the loopback port."""
        words = (quote(word, safe="") for word in (role, password, dbname))
        return "postgresql://{}:{}@127.0.0.1:{port}/{}".format(*words, port=self.port)

    def superuser_dsn(self, dbname: str = "postgres") -> str:
        """Return the connection URL of the cluster's superuser."""
        return self.dsn(SUPERUSER, dbname, role_password(self.secret, SUPERUSER))

    def stop(self) -> None:
        """Stop the server whoever uses it; its clients are disconnected.

        Raises:
            ClusterError: it does not stop.
        """
        stop_server(self.data_dir, bin_dir=self.bin_dir, os_user=self.os_user)


@dataclass(frozen=True, slots=True)
class ClusterStatus:
    """What is known of a cluster without touching it; ``users`` are the process ids that hold it."""

    data_dir: Path
    is_created: bool
    pid: int | None
    port: int | None
    users: tuple[int, ...]


def ensure_cluster(
    project_dir: Path, name: str = "main", *, state_dir: Path | None = None, report: Report = _say_nothing
) -> Cluster:
    """Create the cluster if there is none, start or adopt it, and return it ready for connections.

    Args:
        project_dir: the checkout; the data live in ``.diaban/<name>/pg`` below it, or in a system folder where
            root works in a folder that PostgreSQL's own user cannot reach.
        name: one of several clusters of the same checkout.
        state_dir: another place than ``.diaban``.
        report: receives each slow step in Vietnamese and English.

    Raises:
        ClusterError: with the remedy, and PostgreSQL's own last words.
    """
    home, os_user = prepare_home(project_dir, name, state_dir, report)
    with _exclusive(home, report):
        return _ensure_running(home, os_user, report)


@contextmanager
def use_cluster(
    project_dir: Path, name: str = "main", *, state_dir: Path | None = None, report: Report = _say_nothing
) -> Iterator[Cluster]:
    """Hold the cluster for the length of the block; the last holder to leave stops it.

    A holder killed by the system counts no longer: its seat is a file lock, which dies with the process.

    Raises:
        ClusterError: as ``ensure_cluster`` does.
    """
    home, os_user = prepare_home(project_dir, name, state_dir, report)
    with _exclusive(home, report):
        cluster = _ensure_running(home, os_user, report)
        seat = home / "users" / f"{os.getpid()}-{secrets.token_hex(4)}"
        handle = _open_locked(seat, fcntl.LOCK_EX)
    try:
        yield cluster
    finally:
        with _exclusive(home, report):
            seat.unlink(missing_ok=True)
            os.close(handle)
            if not _live_users(home):
                cluster.stop()


def stop_cluster(project_dir: Path, name: str = "main", *, state_dir: Path | None = None) -> bool:
    """Stop the cluster whoever uses it and tell whether it was running.

    Raises:
        ClusterError: it does not stop, or belongs to another user.
    """
    home, os_user = locate_cluster(project_dir, name, state_dir=state_dir)
    if not (home / "pg").exists():
        return False
    with _exclusive(home, _say_nothing):
        postmaster = find_postmaster(home / "pg", os_user)
        if postmaster is None:
            return False
        _as_cluster(home / "pg", os_user, postmaster).stop()
    return True


def cluster_status(project_dir: Path, name: str = "main", *, state_dir: Path | None = None) -> ClusterStatus:
    """Describe the cluster without creating, starting or waiting for anything."""
    home, os_user = locate_cluster(project_dir, name, state_dir=state_dir)
    data_dir = home / "pg"
    postmaster = find_postmaster(data_dir, os_user)
    return ClusterStatus(
        data_dir=data_dir,
        is_created=data_dir.exists(),
        pid=postmaster.pid if postmaster else None,
        port=postmaster.port if postmaster else None,
        users=_live_users(home),
    )


def remove_clusters(project_dir: Path, *, state_dir: Path | None = None) -> None:
    """Stop every cluster of the checkout and delete its data for good.

    Raises:
        ClusterError: a program still uses one of them.
    """
    bases = ((state_dir or project_dir / ".diaban").resolve(), _system_folder(project_dir, state_dir))
    homes = [path.parent for base in bases for path in sorted(base.glob("*/pg"))]
    for home in homes:
        users = _live_users(home)
        if users:
            raise ClusterError(
                f"Tiến trình {users} còn dùng cơ sở dữ liệu; hãy dừng chúng trước («make stop»).",
                f"Processes {users} still use the database; stop them first ('make stop').",
            )
    for home in homes:
        os_user = choose_os_user(home / "pg")
        stop_server(home / "pg", bin_dir=programs_of(home / "pg"), os_user=os_user)
    for base in bases:
        if base.exists():
            shutil.rmtree(base)


def ensure_database(cluster: Cluster, name: str) -> None:
    """Create the database unless it exists."""
    statement = sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name))
    with psycopg.connect(cluster.superuser_dsn(), autocommit=True) as connection:
        # Two starts may ask at once; the lock is the session's and ends with it.
        connection.execute("SELECT pg_advisory_lock(hashtext('diaban create database'))")
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone()
        if found is None:
            connection.execute(statement)


def locate_cluster(project_dir: Path, name: str, *, state_dir: Path | None = None) -> tuple[Path, str | None]:
    """Return the folder that holds (or will hold) the cluster and the OS user that runs it.

    Existing data are found again wherever they are; new ones go below the checkout where PostgreSQL's user can
    reach it. No mode of an existing folder is changed.

    Raises:
        ClusterError: the data belong to another user.
    """
    local = (state_dir or project_dir / ".diaban").resolve() / name
    system = _system_folder(project_dir, state_dir) / name
    for home in (local, system) if os.geteuid() == 0 else (local,):
        if _has_data(home):
            return home, choose_os_user(home / "pg")
    os_user = choose_os_user(None)
    if os_user is None:
        return local, None
    nearest = next(folder for folder in (local, *local.parents) if folder.exists())
    is_reachable = run_program(["test", "-x", nearest], os_user=os_user).code == 0
    return (local if is_reachable else system), os_user


def _system_folder(project_dir: Path, state_dir: Path | None) -> Path:
    # The usual place, named or not, is one place: "make clean" must find what "make demo" made.
    place = (state_dir or project_dir / ".diaban").resolve()
    return SYSTEM_FOLDER / hashlib.sha256(os.fsencode(place)).hexdigest()[:12]


def _has_data(home: Path) -> bool:
    try:
        return (home / "pg").exists()
    except PermissionError as error:
        raise ClusterError(
            f"Thư mục {home} thuộc về người dùng khác; hãy chạy bằng chính người đó hoặc bằng root.",
            f"The folder {home} belongs to another user; run as that user or as root.",
        ) from error


def prepare_home(
    project_dir: Path, name: str, state_dir: Path | None, report: Report = _say_nothing
) -> tuple[Path, str | None]:
    """Return what :func:`locate_cluster` does, with the folder made.

    Raises:
        ClusterError: it cannot be made, or the data belong to another user.
    """
    home, os_user = locate_cluster(project_dir, name, state_dir=state_dir)
    if home.is_relative_to(SYSTEM_FOLDER):
        report(
            f"Dữ liệu nằm ở {home}, vì người dùng của PostgreSQL không vào được thư mục này.",
            f"The data live in {home}, because PostgreSQL's own user cannot reach this folder.",
        )
    folder = home / "users"
    try:
        for path in reversed([folder, *folder.parents]):
            if not path.exists():
                path.mkdir()
                # PostgreSQL's user must pass through, whatever the umask; the names below are no secret.
                path.chmod(0o700 if path == folder else 0o711)
                _give_to_owner(path)
    except OSError as error:
        raise ClusterError(
            f"Không tạo được {folder} ({error.strerror}); hãy chạy bằng chủ của thư mục này.",
            f"Could not create {folder} ({error.strerror}); run as the owner of the folder.",
        ) from error
    return home, os_user


def _ensure_running(home: Path, os_user: str | None, report: Report) -> Cluster:
    data_dir = home / "pg"
    secret = read_or_make_secret(home)
    if not data_dir.exists():
        report(f"Tạo cơ sở dữ liệu riêng trong {home}", f"Creating the private database in {home}")
        create_data(data_dir, os_user=os_user, superuser_password=role_password(secret, SUPERUSER))
    postmaster = find_postmaster(data_dir, os_user)
    if postmaster is not None and postmaster.is_stopping:
        wait_until(lambda: find_postmaster(data_dir, os_user) is None, timeout_s=STOP_TIMEOUT_S)
        postmaster = find_postmaster(data_dir, os_user)
    if postmaster is None:
        report("Khởi động cơ sở dữ liệu riêng", "Starting the private database")
        postmaster = start_server(data_dir, os_user=os_user)
        _give_to_owner(home / "port")
    elif not wait_until_ready(data_dir, postmaster):
        raise failure("Cơ sở dữ liệu riêng không trả lời", "The private database does not answer", data_dir)
    return _as_cluster(data_dir, os_user, postmaster)


def _as_cluster(data_dir: Path, os_user: str | None, postmaster: Postmaster) -> Cluster:
    return Cluster(data_dir, postmaster.socket_dir, postmaster.port, programs_of(data_dir), os_user)


def _read_secret(home: Path) -> bytes:
    return bytes.fromhex((home / "secret").read_text())


def read_or_make_secret(home: Path) -> bytes:
    """Return the secret of the cluster in this folder, made where there is neither secret nor data.

    Raises:
        ClusterError: there are data, and their secret is gone.
    """
    path = home / "secret"
    if path.exists():
        return _read_secret(home)
    if (home / "pg").exists():
        raise ClusterError(
            f"Mất tệp {path}, nên không mở được dữ liệu bên cạnh; hãy chép lại từ bản sao lưu, "
            "hoặc xoá dữ liệu bằng «make clean DATA_TOO=1».",
            f"{path} is gone, so the data beside it cannot be opened; copy it back from a backup, "
            "or delete the data with 'make clean DATA_TOO=1'.",
        )
    draft = home / "secret.new"
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_hex(32))
        file.flush()
        os.fsync(handle)
    _give_to_owner(draft)
    draft.rename(path)
    return _read_secret(home)


@contextmanager
def _exclusive(home: Path, report: Report) -> Iterator[None]:
    try:
        handle = _open_locked(home / "lock", fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        report("Đang chờ một lần khởi động khác", "Waiting for another start to finish")
        handle = _open_locked(home / "lock", fcntl.LOCK_EX)
    try:
        yield
    finally:
        os.close(handle)


def _open_locked(path: Path, operation: int) -> int:
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _give_to_owner(path)
        fcntl.flock(handle, operation)
    except BaseException:
        os.close(handle)
        raise
    return handle


def _give_to_owner(path: Path) -> None:
    """Leave nothing of root's in a folder of somebody who must be able to start without root next time."""
    owner = path.parent.stat()
    if os.geteuid() == 0 and owner.st_uid != 0:
        os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


def _live_users(home: Path) -> tuple[int, ...]:
    pids = []
    for seat in sorted((home / "users").glob("*-*")):
        try:
            os.close(_open_locked(seat, fcntl.LOCK_EX | fcntl.LOCK_NB))
            seat.unlink(missing_ok=True)
        except BlockingIOError:
            pids.append(int(seat.name.partition("-")[0]))
    return tuple(pids)
