"""Whose address a request has: the connection's, unless a trusted front server says otherwise."""

from __future__ import annotations

import anyio
import pytest
from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from app.client_address import ClientAddress, source_of


def seen(peer: str, headers: dict[str, str], trusted: tuple[str, ...]) -> tuple[str | None, str]:
    found: list[tuple[str | None, str]] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        found.append((source_of(Request(scope)), scope["scheme"]))

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        del message

    scope: Scope = {
        "type": "http",
        "scheme": "http",
        "client": (peer, 40000),
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
    }
    anyio.run(ClientAddress(app, trusted), scope, receive, send)
    return found[0]


FORWARDED = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Port": "51515", "X-Forwarded-Proto": "https"}


@pytest.mark.parametrize(
    ("peer", "headers", "trusted", "expected"),
    [
        ("192.0.2.1", FORWARDED, (), ("192.0.2.1:40000", "http")),
        ("192.0.2.1", FORWARDED, ("127.0.0.1",), ("192.0.2.1:40000", "http")),
        ("127.0.0.1", FORWARDED, ("127.0.0.1",), ("203.0.113.9:51515", "https")),
        # What the client itself wrote stands left of what the front server added.
        ("127.0.0.1", {"X-Forwarded-For": "10.9.9.9, 203.0.113.9"}, ("127.0.0.1",), ("203.0.113.9:0", "http")),
        ("10.0.0.2", {"X-Forwarded-For": "6.6.6.6, 203.0.113.9, 10.0.0.1"}, ("10.0.0.0/8",), ("203.0.113.9:0", "http")),
        ("127.0.0.1", {"X-Forwarded-For": "nonsense"}, ("127.0.0.1",), ("127.0.0.1:40000", "http")),
        ("127.0.0.1", {"X-Forwarded-For": ""}, ("127.0.0.1",), ("127.0.0.1:40000", "http")),
        ("2001:db8::1", {}, (), ("[2001:db8::1]:40000", "http")),
        ("127.0.0.1", {**FORWARDED, "X-Forwarded-Port": "99999"}, ("127.0.0.1",), ("203.0.113.9:0", "https")),
        ("127.0.0.1", {**FORWARDED, "X-Forwarded-Proto": "gopher"}, ("127.0.0.1",), ("203.0.113.9:51515", "http")),
    ],
)
def test_only_trusted_ones_are_believed(
    peer: str, headers: dict[str, str], trusted: tuple[str, ...], expected: tuple[str, str]
) -> None:
    assert seen(peer, headers, trusted) == expected
