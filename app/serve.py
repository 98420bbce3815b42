"""Runs the service in the foreground and says where it is once it answers."""

from __future__ import annotations

import ctypes
import http.client
import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Mapping
from contextlib import suppress

import uvicorn
from fastapi import FastAPI
from uvicorn.supervisors import Multiprocess

from app.console import console, say
from app.database import Database
from app.settings import EVERY_ADDRESS, Settings
from app.worker_process import worker_beside

GRACE_S = 10
KEEP_ALIVE_S = 75
LOOK_EVERY_S = 0.1
# A worker imports the program before it answers; on a busy machine uvicorn's 5 s would end it again and again.
WORKER_PATIENCE_S = 120
# From linux/prctl.h: the signal that a process gets when its parent dies.
_PR_SET_PDEATHSIG = 1


class _Announcing(uvicorn.Server):
    """A server that prints the addresses when it has begun to listen."""

    def __init__(self, config: uvicorn.Config, settings: Settings) -> None:
        super().__init__(config)
        self._settings = settings

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Starts listening, then prints the addresses."""
        await super().startup(sockets)
        if self.started:
            print_addresses(self._settings)


def print_addresses(settings: Settings) -> None:
    """The addresses that people copy into their programs."""
    base = settings.public_url
    console.print()
    console.print("[bold]Địa Bàn đang chạy · Địa Bàn is running[/bold]")
    for title, address in (
        ("Trang chủ · home", f"{base}/"),
        ("Bản đồ · map", f"{base}/map"),
        ("Đăng nhập · sign in", f"{base}/signin"),
        ("QGIS, GDAL: OGC API Features", f"{base}/ogc"),
        ("Ô bản đồ vectơ · vector tiles", f"{base}/tiles/communes/{{z}}/{{x}}/{{y}}.pbf"),
        ("TileJSON", f"{base}/tiles/communes.json"),
        ("Hỏi bản đồ · spatial questions", f"{base}/api/query (POST)"),
        ("Điểm truy cập · endpoints", f"{base}/docs"),
    ):
        console.print(f"  {title:<34} {address}", soft_wrap=True)
    console.print("Nhấn Ctrl-C để dừng · press Ctrl-C to stop", style="dim")


def is_free(host: str, port: int) -> bool:
    """Whether the service can listen there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("" if host in EVERY_ADDRESS else host, port))
            # Two sockets may be bound to one port until one of them listens.
            probe.listen()
        except OSError:
            return False
    return True


def serve(settings: Settings, database: Database) -> None:
    """Serves until interrupted; with several workers each process opens its own pools."""
    common = {
        "host": settings.host,
        "port": settings.port,
        "log_config": None,
        "access_log": False,
        "timeout_keep_alive": KEEP_ALIVE_S,
        "timeout_graceful_shutdown": GRACE_S,
        # app.client_address reads what a front server forwards, from trusted ones alone.
        "proxy_headers": False,
        "server_header": False,
        "date_header": True,
    }
    # uvicorn has shut down in order when it passes the interruption on.
    with suppress(KeyboardInterrupt), worker_beside():
        if settings.workers > 1:
            _serve_by_workers(settings, common)
        else:
            config = uvicorn.Config(_application(settings, database), **common)  # type: ignore[arg-type]
            _Announcing(config, settings).run()
    say("Đã dừng dịch vụ", "the service has stopped")


def _serve_by_workers(settings: Settings, common: Mapping[str, object]) -> None:
    # The workers read their settings anew; what was typed as an option reaches them this way.
    os.environ.update(HOST=settings.host, PORT=str(settings.port))
    config = uvicorn.Config(
        "app.serve:create_worker",
        factory=True,
        workers=settings.workers,
        timeout_worker_healthcheck=WORKER_PATIENCE_S,
        **common,  # type: ignore[arg-type]
    )
    listener = config.bind_socket()
    # From here on the port is ours; what comes before the workers are ready waits for them.
    listener.listen(config.backlog)
    threading.Thread(target=_announce_when_ready, args=(settings,), daemon=True).start()
    with listener:
        Multiprocess(config, sockets=[listener]).run()


def create_worker() -> FastAPI:
    """The application of one of several worker processes, which does not outlive the process that started it.

    A worker that did would keep the port after ``kill -9`` of its parent, and the next start would find it taken.
    """
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    parent = multiprocessing.parent_process()
    if parent is not None and os.getppid() != parent.pid:
        raise SystemExit(0)  # It died before the kernel was asked to tell.
    return _application()


def _application(settings: Settings | None = None, database: Database | None = None) -> FastAPI:
    # What the service needs takes seconds to import, and most commands need none of it.
    from app.main import create_app

    return create_app(settings, database)


def _announce_when_ready(settings: Settings) -> None:
    host = "127.0.0.1" if settings.host in EVERY_ADDRESS else settings.host
    while True:
        connection = http.client.HTTPConnection(host, settings.port, timeout=WORKER_PATIENCE_S)
        try:
            connection.request("GET", "/healthz")
            if connection.getresponse().status == http.HTTPStatus.OK:
                print_addresses(settings)
                return
        except OSError:
            # Not listening yet.
            time.sleep(LOOK_EVERY_S)
        finally:
            connection.close()
