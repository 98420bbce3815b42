"""What a report says of the machine, the programs and the moment it was made on."""

from __future__ import annotations

import os
import platform
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from app.database import Database
from app.settings import CHECKOUT


@dataclass(frozen=True, slots=True)
class Setup:
    """The circumstances of a run; ``load`` is the machine's load average as the run began."""

    at: str
    commit: str
    cores: int
    memory_gb: float
    postgres: str
    python: str
    load: float

    def lines(self) -> list[str]:
        """The circumstances as a Markdown list."""
        return [
            f"- {self.at}, commit {self.commit}",
            f"- {self.cores} cores, {self.memory_gb:.0f} GB of memory; {self.postgres}; Python {self.python}",
            f"- load average as the run began: {self.load:.1f}, as it ended: {os.getloadavg()[0]:.1f}",
        ]


def describe_setup(database: Database) -> Setup:
    """Looks at the machine, the checkout and the database."""
    with psycopg.connect(database.superuser_dsn) as connection:
        row = connection.execute("SELECT current_setting('server_version'), postgis_lib_version()").fetchone()
    assert row is not None
    return Setup(
        at=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        commit=_commit(),
        cores=os.cpu_count() or 1,
        memory_gb=_memory_gb(),
        postgres=f"PostgreSQL {str(row[0]).split()[0]}, PostGIS {row[1]}",
        python=platform.python_version(),
        load=os.getloadavg()[0],
    )


def _commit() -> str:
    commit = _git("rev-parse", "--short", "HEAD")
    changed = _git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!docs")
    return f"{commit}, with changes not committed" if changed else commit


def _git(*words: str) -> str:
    ended = subprocess.run(["git", *words], cwd=CHECKOUT, capture_output=True, text=True, check=False)
    return ended.stdout.strip() if ended.returncode == 0 else "unknown"


def _memory_gb() -> float:
    total = next(line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemTotal"))
    return int(total.split()[1]) / 1024 / 1024
