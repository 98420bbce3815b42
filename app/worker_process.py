"""A worker beside the service: a process of its own, so that files are not made at the cost of answers."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

RESTART_AFTER_S = 3.0
STOP_WITHIN_S = 10.0


@contextmanager
def worker_beside() -> Iterator[None]:
    """Runs a worker for the length of the block, started again where it dies; it ends with this process."""
    ended = threading.Event()
    current: list[subprocess.Popen[bytes]] = []

    def supervise() -> None:
        while not ended.is_set():
            process = _start()
            current[:] = [process]
            if ended.is_set():
                process.terminate()
            process.wait()
            ended.wait(RESTART_AFTER_S)

    thread = threading.Thread(target=supervise, name="worker-supervisor", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        for process in current:
            process.terminate()
            try:
                process.wait(STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()
        thread.join(STOP_WITHIN_S)


def _start() -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "app.cli", "worker", "--parent", str(os.getpid())]
    # A session of its own: Ctrl-C at the terminal reaches the service alone, which ends the worker in order.
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)  # noqa: S603 - our own interpreter and module
