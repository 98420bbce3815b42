"""Whose request it is on the network: the connection's address, or what a trusted front server says of it."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class ClientAddress:
    """Puts a forwarded address and port in place of the front server's; from anybody else it believes no header.

    ``X-Forwarded-For`` is read from the right, as far as the addresses are trusted ones: what a client wrote into the
    header itself stands further left and is never reached. ``X-Forwarded-Port`` is the client's port.
    """

    def __init__(self, app: ASGIApp, trusted: Sequence[str] = ()) -> None:
        self.app = app
        self.trusted: tuple[Network, ...] = tuple(ipaddress.ip_network(place, strict=False) for place in trusted)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one connection."""
        if scope["type"] == "http" and self.trusted and scope.get("client") and self._is_trusted(scope["client"][0]):
            headers = dict(scope["headers"])
            address = self._forwarded(headers.get(b"x-forwarded-for", b""))
            if address is not None:
                scope["client"] = (address, _port(headers.get(b"x-forwarded-port", b"")))
            if headers.get(b"x-forwarded-proto") in (b"http", b"https"):
                scope["scheme"] = headers[b"x-forwarded-proto"].decode()
        await self.app(scope, receive, send)

    def _forwarded(self, header: bytes) -> str | None:
        for word in reversed(header.decode("latin-1").split(",")):
            address = _address(word.strip())
            if address is None:
                return None
            if not self._is_trusted(address):
                return address
        return None

    def _is_trusted(self, address: str) -> bool:
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(found in network for network in self.trusted)


def source_of(request: Request) -> str | None:
    """Address and port that a request came from, as the audit trail keeps them: ``192.0.2.1:49152``."""
    if request.client is None:
        return None
    host, port = request.client.host, request.client.port
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _address(word: str) -> str | None:
    try:
        return str(ipaddress.ip_address(word.strip("[]")))
    except ValueError:
        return None


def _port(word: bytes) -> int:
    return int(word) if word.isdigit() and len(word) <= 5 and int(word) < 65536 else 0
