"""A private service on a small synthetic database for proofs, and what reports say of a run."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote_plus

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.cluster import use_cluster
from app.database import cluster_database
from app.demo import DemoPlan, prepare
from app.main import create_app
from app.settings import CHECKOUT, Settings

CLUSTER = "prove"
REPORTS = CHECKOUT / "docs" / "proofs"
WORK = CHECKOUT / ".diaban" / "prove"
START_S = 60


@dataclass(frozen=True, slots=True)
class Seen:
    """A request that the service answered."""

    method: str
    path: str
    query: str
    status: int

    @property
    def line(self) -> str:
        """Path and query as people read them."""
        return f"{self.path}?{unquote_plus(self.query)}" if self.query else self.path


@dataclass(slots=True)
class Recorder:
    """Keeps every request with its query, which the service's own log leaves out."""

    app: ASGIApp
    seen: list[Seen] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                query = scope["query_string"].decode("latin-1")
                self.seen.append(Seen(scope["method"], scope["path"], query, message["status"]))
            await send(message)

        await self.app(scope, receive, noting)


@dataclass(frozen=True, slots=True)
class House:
    """A running service.

    Attributes:
        url: Its address, without a final slash.
        dsn: Superuser's address of its database, for oracles.
        recorder: What it was asked.
    """

    url: str
    dsn: str
    recorder: Recorder


@contextmanager
def open_house(parcels: int) -> Iterator[House]:
    """Serves a synthetic province with so many parcels for the length of the block."""
    with use_cluster(CHECKOUT, CLUSTER) as cluster:
        database = cluster_database(cluster, f"prove_{parcels}")
        prepare(database, DemoPlan(None, parcels), reset=False)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        url = f"http://127.0.0.1:{port}"
        settings = Settings(host="127.0.0.1", port=port, given_public_url=url, state_dir=WORK)
        recorder = Recorder(create_app(settings, database))
        server = uvicorn.Server(uvicorn.Config(recorder, port=port, log_config=None, access_log=False))
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        deadline = time.monotonic() + START_S
        while not server.started:
            if time.monotonic() > deadline or not thread.is_alive():
                raise RuntimeError("the service did not start")
            time.sleep(0.05)
        try:
            yield House(url, database.superuser_dsn, recorder)
        finally:
            server.should_exit = True
            thread.join(20)


def commit() -> str:
    """The commit that is proved, marked where files differ from it."""
    found = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=10"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    return found.stdout.strip() or "unknown"


def write_report(name: str, title: str, lines: list[str]) -> Path:
    """Writes ``docs/proofs/<name>.md`` under its date and commit, and returns its place."""
    REPORTS.mkdir(parents=True, exist_ok=True)
    head = [f"# {title}", "", f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, commit {commit()}.", ""]
    place = REPORTS / f"{name}.md"
    place.write_text("\n".join([*head, *lines]).rstrip() + "\n")
    return place
