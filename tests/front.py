"""The front server's own configuration, run by a real nginx before a service of a test."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from app.settings import CHECKOUT

FRONT = CHECKOUT / "docker" / "front"
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin")
needs_nginx = pytest.mark.skipif(NGINX is None, reason="needs nginx (apt-get install nginx-light)")
START_S = 10


@dataclass(frozen=True)
class Front:
    """A running nginx.

    Attributes:
        url: Address of the plain port.
        tls_url: Address of the TLS port, where the server ends TLS.
        folder: Where its files and its log are.
    """

    url: str
    tls_url: str
    folder: Path


@contextmanager
def run_front(
    folder: Path, ports: Sequence[int], upstreams: Sequence[int], *, server: str = "plain", patience: str = "1s"
) -> Iterator[Front]:
    """Runs nginx until the block ends, with the configuration that is delivered.

    Only what belongs to a container is replaced: names, ports and folders; and the deadlines by ``patience``, so that
    nobody waits for them.

    Args:
        folder: An empty folder; ``tls/`` with the certificate in it for the server that ends TLS.
        ports: The plain port and the TLS port.
        upstreams: Ports of the services behind it.
        server: ``plain`` or ``tls``.
        patience: Deadline for heads and bodies in place of the real ones.
    """
    (folder / "cache").mkdir(parents=True)
    (folder / "front").mkdir()
    (folder / "servers").mkdir()
    lines = "\n".join(f"server 127.0.0.1:{port} max_fails=0;" for port in upstreams)
    replaced = {
        "server app:8000 max_fails=0;": lines,
        "/etc/nginx/servers": f"{folder}/servers",
        "/etc/nginx/front": f"{folder}/front",
        "/etc/nginx/tls": f"{folder}/tls",
        "/var/cache/nginx": f"{folder}/cache",
        "/tmp/nginx.pid": f"{folder}/nginx.pid",  # noqa: S108 - the name in the file
        "/dev/stdout": f"{folder}/access.log",
        "/dev/stderr": f"{folder}/error.log",
        "listen 8080": f"listen 127.0.0.1:{ports[0]}",
        "listen 8443": f"listen 127.0.0.1:{ports[1]}",
        "client_header_timeout 10s": f"client_header_timeout {patience}",
        "client_body_timeout 20s": f"client_body_timeout {patience}",
    }
    for name, place in (("nginx", folder), ("site", folder / "front"), (server, folder / "servers")):
        text = (FRONT / f"{name}.conf").read_text()
        for old, new in replaced.items():
            text = text.replace(old, new)
        (place / f"{name}.conf").write_text(text)
    user = "user root; " if os.geteuid() == 0 else ""
    command = [str(NGINX), "-c", str(folder / "nginx.conf"), "-g", f"{user}daemon off;"]
    with (folder / "output.txt").open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        try:
            front = Front(f"http://127.0.0.1:{ports[0]}", f"https://127.0.0.1:{ports[1]}", folder)
            _wait(front, process)
            yield front
        finally:
            process.terminate()
            process.wait(20)


def _wait(front: Front, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            httpx.get(f"{front.url}/metrics", follow_redirects=False)
        except httpx.TransportError:
            said = (front.folder / "output.txt").read_text()
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"nginx did not start: {said}") from None
            time.sleep(0.05)
        else:
            return
