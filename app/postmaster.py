"""One PostgreSQL server in its data folder: created, found, started, recovered after a crash, stopped."""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import signal
import socket
import stat
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from app.postgres import (
    ClusterError,
    creation_settings,
    find_processes_in,
    find_programs,
    read_memory_bytes,
    run_program,
)

SUPERUSER = "diaban_super"
# Below the ports that Linux gives to outgoing connections, so that a remembered port is still free next time.
FIRST_PORT, PORT_COUNT = 20000, 12000
START_TIMEOUT_S = 300
STOP_TIMEOUT_S = 60
ORPHAN_TIMEOUT_S = 5
PORT_ATTEMPTS = 5

ARCHIVE_SCRIPT = """\
# PostgreSQL runs this for every finished WAL file: $1 is its path, $2 its name. Success lets it reuse the file.
# Replace the last line to archive for good, e.g.: test ! -f "/backup/wal/$2" && cp "$1" "/backup/wal/$2"
exec /bin/true
"""


@dataclass(frozen=True, slots=True)
class Postmaster:
    """A live server process as its postmaster.pid describes it."""

    pid: int
    port: int
    socket_dir: Path
    is_stopping: bool


def programs_of(data_dir: Path) -> Path:
    """Return the program folder of the PostgreSQL version that made the data."""
    return find_programs(major=int((data_dir / "PG_VERSION").read_text()))


def create_data(data_dir: Path, *, os_user: str | None, superuser_password: str) -> None:
    """Create the data folder under a temporary name and rename it, so that a half-made one is never taken for whole.

    Raises:
        ClusterError: initdb refuses, with its words.
    """
    staging = data_dir.with_name(f"{data_dir.name}.new")
    if staging.exists():
        shutil.rmtree(staging)
    staging.mkdir(mode=0o700)
    if os_user is not None:
        account = pwd.getpwnam(os_user)
        os.chown(staging, account.pw_uid, account.pw_gid)
    socket_dir = make_socket_dir(data_dir, os_user)
    password_file = socket_dir / "password"
    write_as(password_file, superuser_password, os_user)
    encoding = ["--encoding=UTF8", "--locale=C.UTF-8", "--locale-provider=libc"]
    access = [f"--username={SUPERUSER}", "--auth-local=scram-sha-256", "--auth-host=scram-sha-256"]
    place = ["--no-instructions", "--data-checksums", f"--pwfile={password_file}", f"--pgdata={staging}"]
    finished = run_program([find_programs() / "initdb", *encoding, *access, *place], os_user=os_user)
    password_file.unlink()
    if finished.code != 0:
        raise ClusterError(
            f"initdb không tạo được dữ liệu trong {data_dir}; hãy kiểm tra chỗ trống và quyền:\n{finished.output}",
            f"initdb could not create the data in {data_dir}; check free space and permissions:\n{finished.output}",
        )
    write_as(staging / "archive-wal.sh", ARCHIVE_SCRIPT, os_user)
    write_as(staging / "diaban.conf", creation_settings(memory_bytes=read_memory_bytes()), os_user)
    # Last in the file and therefore the one that counts; lines added below it by an administrator count more.
    _append_as(staging / "postgresql.conf", "\ninclude 'diaban.conf'\n", os_user)
    staging.rename(data_dir)


def find_postmaster(data_dir: Path, os_user: str | None) -> Postmaster | None:
    """Return the live server of this data folder; a pid file that names some other process does not count."""
    lines = _read_pid_file(data_dir)
    if not lines or not lines[0].strip().isdigit():
        return None
    pid = int(lines[0])
    if pid not in find_processes_in(data_dir, os_user=os_user):
        return None
    if len(lines) < 5:
        # The server has written its process id and not yet its port: a moment of its first milliseconds.
        time.sleep(0.1)
        return find_postmaster(data_dir, os_user)
    status = lines[7].strip() if len(lines) > 7 else "starting"
    return Postmaster(pid, port=int(lines[3]), socket_dir=Path(lines[4].strip()), is_stopping=status == "stopping")


def start_server(data_dir: Path, *, os_user: str | None) -> Postmaster:
    """Start the server, after clearing what a killed one left, and return it ready for connections.

    Raises:
        ClusterError: it does not start; the last lines of its log are in the message.
    """
    socket_dir = make_socket_dir(data_dir, os_user)
    _clear_leftovers(data_dir, socket_dir, os_user)
    port_file = data_dir.parent / "port"
    remembered = int(port_file.read_text()) if port_file.exists() else None
    for _attempt in range(PORT_ATTEMPTS):
        port = choose_port(data_dir, remembered=remembered)
        said = _run_pg_ctl_start(data_dir, socket_dir, port, os_user)
        postmaster = find_postmaster(data_dir, os_user)
        if postmaster is not None:
            port_file.write_text(f"{port}\n")
            if wait_until_ready(data_dir, postmaster):
                return postmaster
        if postmaster is not None or is_port_free(port):
            break
        # Another program took the port between our look and the server's own.
        remembered = None
    raise failure("Cơ sở dữ liệu riêng không khởi động được", "The private database did not start", data_dir, said=said)


def stop_server(data_dir: Path, *, bin_dir: Path, os_user: str | None) -> None:
    """Stop the server, disconnecting its clients; without an answer for a minute, stop it at once.

    Raises:
        ClusterError: it does not stop.
    """
    postmaster = find_postmaster(data_dir, os_user)
    for mode in ("fast", "immediate"):
        if find_postmaster(data_dir, os_user) is None:
            break
        words = ["stop", "-D", str(data_dir), "-m", mode, "-w", "-t", str(STOP_TIMEOUT_S)]
        run_program([bin_dir / "pg_ctl", *words], os_user=os_user, timeout_s=STOP_TIMEOUT_S + 30)
    if find_postmaster(data_dir, os_user) is not None:
        raise failure("Không dừng được cơ sở dữ liệu riêng", "The private database does not stop", data_dir)
    usual = socket_dir_of(data_dir, os_user)
    for folder in (usual, usual if postmaster is None else postmaster.socket_dir):
        _remove_socket_dir(folder)


def wait_until_ready(data_dir: Path, postmaster: Postmaster) -> bool:
    """Wait until the server takes connections; tell whether it does."""
    question = [programs_of(data_dir) / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(postmaster.port)]
    return wait_until(lambda: run_program(question, os_user=None).code == 0, timeout_s=START_TIMEOUT_S)


def wait_until(is_so: Callable[[], bool], *, timeout_s: float) -> bool:
    """Ask ten times a second until the answer is yes or the time is over; return the last answer."""
    deadline = time.monotonic() + timeout_s
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def failure(vi: str, en: str, data_dir: Path, *, said: str = "") -> ClusterError:
    """Return the error with what the control program said and the last lines that the server itself wrote."""
    logs = sorted((data_dir / "log").glob("*.log"), key=lambda path: path.stat().st_mtime)
    texts = [path.read_text(errors="replace") for path in (data_dir / "start.log", *logs[-1:]) if path.exists()]
    tail = "\n".join(line for text in (said, *texts) for line in text.splitlines()[-8:])
    return ClusterError(f"{vi} ({data_dir}). Nhật ký:\n{tail}", f"{en} ({data_dir}). Its log ends:\n{tail}")


def socket_dir_of(data_dir: Path, os_user: str | None) -> Path:
    """Return the usual folder of the server's socket: its path is far below the limit of 107 bytes."""
    uid = os.geteuid() if os_user is None else pwd.getpwnam(os_user).pw_uid
    digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:12]
    return Path("/tmp") / f"diaban-{uid}-{digest}"  # noqa: S108 - make_socket_dir checks owner and mode


def make_socket_dir(data_dir: Path, os_user: str | None) -> Path:
    """Create the folder of the socket, closed to all but the server's user, and return it."""
    account = pwd.getpwuid(os.geteuid()) if os_user is None else pwd.getpwnam(os_user)
    folder = socket_dir_of(data_dir, os_user)
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        found = folder.lstat()
        is_ours = stat.S_ISDIR(found.st_mode) and found.st_uid in (account.pw_uid, os.geteuid())
        if not is_ours or stat.S_IMODE(found.st_mode) & 0o077:
            # Somebody else holds the name; the pid file tells later callers where the socket is.
            folder = Path(tempfile.mkdtemp(prefix="diaban-", dir="/tmp"))
    if os_user is not None:
        os.chown(folder, account.pw_uid, account.pw_gid, follow_symlinks=False)
    return folder


def choose_port(data_dir: Path, *, remembered: int | None) -> int:
    """Return a free loopback port: the remembered one, else the first free after one derived from the path."""
    start = int.from_bytes(hashlib.sha256(os.fsencode(data_dir)).digest()[:4])
    derived = (FIRST_PORT + (start + step) % PORT_COUNT for step in range(PORT_COUNT))
    candidates = derived if remembered is None else iter((remembered, *derived))
    for port in candidates:
        if is_port_free(port):
            return port
    raise ClusterError(
        f"Không còn cổng trống nào từ {FIRST_PORT} đến {FIRST_PORT + PORT_COUNT} trên 127.0.0.1.",
        f"No free port from {FIRST_PORT} to {FIRST_PORT + PORT_COUNT} on 127.0.0.1.",
    )


def is_port_free(port: int) -> bool:
    """Tell whether a server could listen on this loopback port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def write_as(path: Path, text: str, os_user: str | None) -> None:
    """Write a file of mode 0600 as its user; it appears whole, in place of an older one.

    Raises:
        ClusterError: it cannot be written.
    """
    _shell_write('umask 077; cat >"$1.part" && mv -f "$1.part" "$1"', path, text, os_user)


def _run_pg_ctl_start(data_dir: Path, socket_dir: Path, port: int, os_user: str | None) -> str:
    words = ["start", "-s", "-D", str(data_dir), "-l", str(data_dir / "start.log"), "-o", f"-p {port} -k {socket_dir}"]
    finished = run_program(
        [programs_of(data_dir) / "pg_ctl", *words, "-w", "-t", str(START_TIMEOUT_S)],
        os_user=os_user,
        timeout_s=START_TIMEOUT_S + 30,
    )
    return finished.output


def _clear_leftovers(data_dir: Path, socket_dir: Path, os_user: str | None) -> None:
    """Remove what stops a start after ``kill -9``: orphaned backends, and lock files whose number was reused."""
    if not _read_pid_file(data_dir):
        return
    for wanted in (signal.SIGTERM, signal.SIGKILL):
        # Orphans see by themselves that their postmaster is gone; the signals are for those that do not.
        if wait_until(lambda: not find_processes_in(data_dir, os_user=os_user), timeout_s=ORPHAN_TIMEOUT_S):
            break
        for pid in find_processes_in(data_dir, os_user=os_user):
            with suppress(ProcessLookupError):
                os.kill(pid, wanted)
    (data_dir / "postmaster.pid").unlink(missing_ok=True)
    _clear_sockets(socket_dir)


def _clear_sockets(socket_dir: Path) -> None:
    for leftover in socket_dir.glob(".s.PGSQL.*"):
        leftover.unlink(missing_ok=True)


def _remove_socket_dir(socket_dir: Path) -> None:
    # Only tidiness: a folder that is gone, or is somebody else's, does not matter to a stopped server.
    with suppress(OSError):
        _clear_sockets(socket_dir)
        socket_dir.rmdir()


def _read_pid_file(data_dir: Path) -> list[str]:
    try:
        return (data_dir / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return []


def _append_as(path: Path, text: str, os_user: str | None) -> None:
    _shell_write('cat >>"$1"', path, text, os_user)


def _shell_write(script: str, path: Path, text: str, os_user: str | None) -> None:
    finished = run_program(["sh", "-c", script, "sh", path], os_user=os_user, text=text)
    if finished.code != 0:
        raise ClusterError(f"Không ghi được {path}: {finished.output}", f"Could not write {path}: {finished.output}")
