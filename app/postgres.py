"""The installed PostgreSQL: where its programs are, which OS user runs them, settings sized to the machine."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TypedDict

SUPPORTED_MAJORS = (17, 16, 15)
MEBIBYTE = 1024 * 1024
# Below this the POSIX shared memory of parallel queries does not fit; containers give 64 MiB by default.
SMALLEST_SHARED_MEMORY_MOUNT = 512 * MEBIBYTE


class ClusterError(Exception):
    """The private cluster cannot be made, started or stopped; both messages name the remedy."""

    def __init__(self, vi: str, en: str) -> None:
        self.vi = vi
        self.en = en
        super().__init__(en)


@dataclass(frozen=True, slots=True)
class Finished:
    """What a program that has ended left behind."""

    code: int
    output: str


def find_programs(*, major: int | None = None) -> Path:
    """Return the program folder of the newest supported PostgreSQL that has PostGIS, or of ``major`` exactly.

    Raises:
        ClusterError: none is installed.
    """
    wanted = SUPPORTED_MAJORS if major is None else (major,)
    for candidate in wanted:
        for programs, share in (
            (f"/usr/lib/postgresql/{candidate}/bin", f"/usr/share/postgresql/{candidate}"),
            (f"/usr/pgsql-{candidate}/bin", f"/usr/pgsql-{candidate}/share"),
        ):
            if _is_complete(Path(programs), Path(share)):
                return Path(programs)
    on_path = _programs_on_path(wanted)
    if on_path is not None:
        return on_path
    words = " ".join(str(number) for number in wanted)
    raise ClusterError(
        f"Không tìm thấy PostgreSQL {words} có PostGIS trên máy; hãy chạy «make demo» để cài, hoặc đặt DATABASE_URL.",
        f"No PostgreSQL {words} with PostGIS is installed; run 'make demo' to install it, or set DATABASE_URL.",
    )


def _is_complete(programs: Path, share: Path) -> bool:
    return (programs / "initdb").exists() and (share / "extension" / "postgis.control").exists()


def _programs_on_path(majors: Sequence[int]) -> Path | None:
    pg_config = shutil.which("pg_config")
    if pg_config is None:
        return None
    lines = run_program([pg_config, "--version", "--bindir", "--sharedir"], os_user=None).output.splitlines()
    version, programs, share = lines[:3]
    if not any(version.startswith(f"PostgreSQL {major}.") for major in majors):
        return None
    return Path(programs) if _is_complete(Path(programs), Path(share)) else None


def choose_os_user(owner_of: Path | None) -> str | None:
    """Return the OS user that must run PostgreSQL, None meaning the caller itself.

    PostgreSQL refuses root: root runs it as the owner of existing data, or as ``postgres``.

    Args:
        owner_of: the data folder if it exists.

    Raises:
        ClusterError: the data belong to another user, or root finds no user to run as.
    """
    owner = None if owner_of is None else owner_of.stat().st_uid
    if os.geteuid() != 0:
        if owner is not None and owner != os.geteuid():
            raise ClusterError(
                f"Dữ liệu trong {owner_of} thuộc về người dùng khác; hãy chạy bằng chính người đó hoặc bằng root.",
                f"The data in {owner_of} belong to another user; run as that user or as root.",
            )
        return None
    try:
        return pwd.getpwnam("postgres").pw_name if not owner else pwd.getpwuid(owner).pw_name
    except KeyError:
        raise ClusterError(
            "PostgreSQL không chạy bằng root và máy không có người dùng «postgres»; hãy dùng một người dùng thường.",
            "PostgreSQL refuses root and this machine has no user 'postgres'; run as an ordinary user.",
        ) from None


class Surroundings(TypedDict):
    """What a program is started in, as ``subprocess`` takes it."""

    cwd: str
    env: dict[str, str]
    user: int | None
    group: int | None
    extra_groups: list[int] | None


def surroundings(os_user: str | None, more: Mapping[str, str] = MappingProxyType({})) -> Surroundings:
    """Return what starts a program from ``/`` as ``os_user``, with ``more`` variables.

    The environment is reduced to what PostgreSQL needs, so that PGPORT, PGDATA and the like cannot mislead it.
    """
    account = pwd.getpwuid(os.geteuid()) if os_user is None else pwd.getpwnam(os_user)
    other = os_user is not None and account.pw_uid != os.geteuid()
    return {
        "cwd": "/",
        "env": {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "HOME": account.pw_dir, "LC_ALL": "C.UTF-8", **more},
        "user": account.pw_uid if other else None,
        "group": account.pw_gid if other else None,
        "extra_groups": os.getgrouplist(account.pw_name, account.pw_gid) if other else None,
    }


def run_program(
    command: Sequence[object],
    *,
    os_user: str | None,
    text: str | None = None,
    timeout_s: float = 300,
    more: Mapping[str, str] = MappingProxyType({}),
) -> Finished:
    """Run a program in its :func:`surroundings` and return its exit code and joined output.

    The words of ``command`` are strings and paths.
    """
    finished = subprocess.run(  # noqa: S603 - a list of our own making, no shell
        [str(word) for word in command],
        input=text or "",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        timeout=timeout_s,
        check=False,
        **surroundings(os_user, more),
    )
    return Finished(code=finished.returncode, output=finished.stdout)


def find_processes_in(data_dir: Path, *, os_user: str | None) -> set[int]:
    """Return the postgres processes whose working folder is the data folder: the postmaster and its children.

    Asked as the user that runs them, because root without CAP_SYS_PTRACE may not read other users' links.
    """
    if not data_dir.exists():
        return set()
    names = ["(", "-name", "cwd", "-o", "-name", "exe", ")"]
    listing = run_program(
        ["find", "/proc", "-mindepth", "2", "-maxdepth", "2", *names, "-printf", r"%h %f %l\n"], os_user=os_user
    )
    links: dict[str, str] = {}
    for line in listing.output.splitlines():
        folder, kind, target = [*line.split(" ", 2), "", ""][:3]
        links[f"{folder}/{kind}"] = target
    wanted = str(data_dir.resolve())
    # The program of a running server is "postgres (deleted)" after an upgrade of the package.
    return {
        int(link.split("/")[2])
        for link, target in links.items()
        if target == wanted
        and link.endswith("/cwd")
        and Path(links.get(f"{link[:-3]}exe", "")).name.startswith("postgres")
        and link.split("/")[2].isdigit()
    }


def creation_settings(*, memory_bytes: int) -> str:
    """Return the postgresql.conf lines of a new cluster, modest beside the other programs of the machine.

    Nothing that a user typed reaches the log: no statement, no parameter, no DETAIL line with a key's value.
    """
    shared_memory = os.statvfs("/dev/shm")  # noqa: S108 - only its size is read
    roomy = shared_memory.f_frsize * shared_memory.f_blocks >= SMALLEST_SHARED_MEMORY_MOUNT
    settings = {
        "listen_addresses": "'127.0.0.1'",
        "max_connections": "100",
        "shared_buffers": _megabytes(memory_bytes // 8, least=64, most=4096),
        "work_mem": _megabytes(memory_bytes // 512, least=8, most=64),
        "maintenance_work_mem": _megabytes(memory_bytes // 32, least=64, most=1024),
        "effective_cache_size": _megabytes(memory_bytes // 2, least=256, most=65536),
        "dynamic_shared_memory_type": "posix" if roomy else "sysv",
        "random_page_cost": "1.1",
        "jit": "off",
        "wal_level": "replica",
        "archive_mode": "on",
        "archive_command": '\'sh ./archive-wal.sh "%p" "%f"\'',
        "max_wal_size": "4GB",
        "checkpoint_timeout": "15min",
        "timezone": "'UTC'",
        "log_timezone": "'UTC'",
        "logging_collector": "on",
        "log_directory": "'log'",
        "log_filename": "'postgresql-%a.log'",
        "log_truncate_on_rotation": "on",
        "log_rotation_age": "1d",
        "log_rotation_size": "0",
        "log_statement": "'none'",
        "log_min_error_statement": "panic",
        "log_parameter_max_length": "0",
        "log_parameter_max_length_on_error": "0",
        "log_error_verbosity": "terse",
    }
    return "".join(f"{name} = {value}\n" for name, value in settings.items())


def _megabytes(size: int, *, least: int, most: int) -> str:
    return f"{min(most, max(least, size // MEBIBYTE))}MB"


def read_memory_bytes() -> int:
    """Return the memory that this process may use: the machine's, or its control group's where that is less."""
    fields = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
    machine = int(fields["MemTotal"].split()[0]) * 1024
    limit_file = Path("/sys/fs/cgroup/memory.max")
    limit = limit_file.read_text().strip() if limit_file.exists() else "max"
    return min(machine, int(limit)) if limit.isdigit() else machine
