"""Runs the service in the foreground and says where it is once it answers."""

from __future__ import annotations

import os
import socket

import uvicorn

from app.console import console, say
from app.database import Database
from app.main import create_app
from app.settings import EVERY_ADDRESS, Settings
from app.worker_process import worker_beside

GRACE_S = 10
KEEP_ALIVE_S = 75


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
        "server_header": False,
        "date_header": True,
    }
    if settings.workers > 1:
        os.environ.update(HOST=settings.host, PORT=str(settings.port))
        print_addresses(settings)
        with worker_beside():
            uvicorn.run("app.main:create_app", factory=True, workers=settings.workers, **common)  # type: ignore[arg-type]
        return
    config = uvicorn.Config(create_app(settings, database), **common)  # type: ignore[arg-type]
    with worker_beside():
        _Announcing(config, settings).run()
    say("Đã dừng dịch vụ", "the service has stopped")
