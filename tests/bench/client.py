"""A small HTTP/1.1 client over kept-alive sockets: it counts the bytes of an answer and does little else.

A general client would cost more processor time than the service on small answers, and the two share the machine.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

END_OF_HEAD = b"\r\n\r\n"
LAST_CHUNK = b"0\r\n\r\n"
READ_BUFFER = 1 << 18


@dataclass(frozen=True, slots=True)
class HttpAsk:
    """One request, written out: what a socket is sent."""

    raw: bytes

    @classmethod
    def get(cls, path: str) -> HttpAsk:
        """A GET that asks for no compression, so that everybody sends the same kind of bytes."""
        return cls(f"GET {path} HTTP/1.1\r\nHost: bench\r\nAccept: */*\r\n\r\n".encode())

    @classmethod
    def post(cls, path: str, body: bytes) -> HttpAsk:
        """A POST of a JSON document."""
        head = f"POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
        return cls(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back; ``body`` is kept only where it was asked for."""

    status: int
    size: int
    body: bytes = b""


class ConnectionLost(Exception):
    """The server closed the connection before the answer was whole."""


class Connection(asyncio.BufferedProtocol):
    """One connection, one request at a time."""

    def __init__(self) -> None:
        self._buffer = bytearray(READ_BUFFER)
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.Future[Reply] | None = None
        self._keep = False
        self._forget()

    @classmethod
    async def open(cls, port: int) -> Connection:
        """Connects to a server on the loopback."""
        _, protocol = await asyncio.get_running_loop().create_connection(cls, "127.0.0.1", port)
        return protocol

    async def ask(self, request: HttpAsk, *, keep: bool = False) -> Reply:
        """Sends a request and returns when its answer is whole."""
        assert self._transport is not None
        assert self._waiting is None
        self._keep = keep
        self._forget()
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(request.raw)
        try:
            return await self._waiting
        finally:
            self._waiting = None

    def close(self) -> None:
        """Closes the connection."""
        if self._transport is not None:
            self._transport.abort()

    def _forget(self) -> None:
        self._head = b""
        self._status = 0
        self._expected: int | None = None
        self._size = 0
        self._tail = b""
        self._kept = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remembers the transport."""
        self._transport = transport  # type: ignore[assignment]

    def connection_lost(self, exc: Exception | None) -> None:
        """Fails the request under way."""
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(ConnectionLost(str(exc or "closed")))

    def get_buffer(self, sizehint: int) -> bytearray:
        """Lends the one buffer that everything is read into."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Takes what was read."""
        part = memoryview(self._buffer)[:nbytes]
        if self._status == 0:
            self._head += bytes(part)
            end = self._head.find(END_OF_HEAD)
            if end < 0:
                return
            rest = self._head[end + len(END_OF_HEAD) :]
            self._read_head(self._head[:end])
            part = memoryview(rest)
        self._take(part)

    def _read_head(self, head: bytes) -> None:
        lines = head.split(b"\r\n")
        self._status = int(lines[0].split(b" ", 2)[1])
        for line in lines[1:]:
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                self._expected = int(value)
        if self._status in (204, 304):
            self._expected = 0

    def _take(self, part: memoryview) -> None:
        self._size += len(part)
        if self._keep:
            self._kept += part
        if self._expected is None:
            self._tail = (self._tail + bytes(part[-len(LAST_CHUNK) :]))[-len(LAST_CHUNK) :]
            whole = self._tail == LAST_CHUNK
        else:
            whole = self._size >= self._expected
        if whole and self._waiting is not None and not self._waiting.done():
            body = bytes(self._kept)
            if self._keep and self._expected is None:
                body = _joined_chunks(body)
            self._waiting.set_result(Reply(self._status, self._size, body))


def _joined_chunks(body: bytes) -> bytes:
    """The payload of a body sent in chunks (RFC 9112, 7.1)."""
    parts, at = [], 0
    while True:
        end = body.index(b"\r\n", at)
        size = int(body[at:end].split(b";")[0], 16)
        if size == 0:
            return b"".join(parts)
        parts.append(body[end + 2 : end + 2 + size])
        at = end + 2 + size + 2
