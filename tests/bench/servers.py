"""Starts servers as processes of their own, waits until they answer, reads their memory, ends them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from app.settings import CHECKOUT
from tests.bench.client import Connection, HttpAsk

FOLDER = CHECKOUT / ".diaban" / "bench"
START_S = 45
STOP_S = 15
# Writing this to clear_refs sets the peak of a process's resident memory back to what it is now.
RESET_PEAK = "5"


class NotStarted(Exception):
    """A server did not come up; the message ends with its last words."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    name: str
    port: int
    pid: int


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def running(
    name: str, port: int, command: Sequence[str | Path], probe: str, env: Mapping[str, str] | None = None
) -> AsyncIterator[Server]:
    """A server for the length of the block; its output goes to ``.diaban/bench/<name>.log``.

    Raises:
        NotStarted: it ends, or ``probe`` (a path) is not answered with 200 in time.
    """
    log = FOLDER / f"{name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: ASYNC220 - starting a server, nothing else runs yet
            [str(word) for word in command],
            cwd=CHECKOUT,
            env={**os.environ, **(env or {})},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        await _wait(name, port, process, probe, log)
        yield Server(name, port, process.pid)
    finally:
        process.terminate()
        try:
            await asyncio.to_thread(process.wait, STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


async def _wait(name: str, port: int, process: subprocess.Popen[bytes], probe: str, log: Path) -> None:
    deadline = time.monotonic() + START_S
    said = ""
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError):
            connection = await Connection.open(port)
            reply = await asyncio.wait_for(connection.ask(HttpAsk.get(probe), keep=True), START_S)
            connection.close()
            if reply.status == 200:
                return
            said = f"{reply.status} {reply.body[:300]!r}"
        await asyncio.sleep(0.2)
    raise NotStarted(" / ".join([f"{name} did not start", said, *_last_lines(log)]))


def _last_lines(log: Path) -> list[str]:
    return log.read_text(errors="replace").splitlines()[-5:]


def our_command(database: str, port: int, *, tile_cache_mb: int) -> list[str]:
    """The command that serves a database of the private cluster exactly as ``diaban serve`` does."""
    words = (database, port, tile_cache_mb)
    return [sys.executable, "-m", "tests.bench.service", *(str(word) for word in words)]


def resident_mb(pid: int) -> float:
    """Resident memory of a process now."""
    return _status_mb(pid, "VmRSS")


def peak_mb(pid: int) -> float:
    """The most resident memory that a process has had since the peak was reset."""
    return _status_mb(pid, "VmHWM")


def reset_peak(pid: int) -> None:
    """Begins to measure the peak anew."""
    Path(f"/proc/{pid}/clear_refs").write_text(RESET_PEAK)


def _status_mb(pid: int, name: str) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    raise LookupError(name)
