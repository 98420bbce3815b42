"""Compresses answers as the client accepts them: zstd, brotli or gzip, with the ETags that go with it."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterable
from typing import Final, Protocol

import anyio.to_thread
import brotli
import zstandard
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MIN_BYTES: Final = 1024
# Compressing more than this takes milliseconds, which belong into a thread: the libraries let the loop run on.
THREAD_BYTES: Final = 128 * 1024
GZIP_LEVEL: Final = 4
BROTLI_QUALITY: Final = 4
ZSTD_LEVEL: Final = 3
_GZIP_HEADER: Final = 16 + zlib.MAX_WBITS
_COMPRESSIBLE: Final = re.compile(
    r"text/.*|application/(.*\+)?(json|xml)|application/(javascript|flatgeobuf)|image/svg\+xml"
)
_SUFFIXED: Final = re.compile(r'"([^"]*)-(?:zstd|br|gzip)"')
_UNTOUCHED: Final = frozenset({204, 206, 304})


class Compressor(Protocol):
    """A stream of compressed bytes."""

    def add(self, data: bytes) -> bytes:
        """Takes more input; returns what output there is."""

    def end(self) -> bytes:
        """Returns the rest of the output."""


class _Zlib:
    def __init__(self) -> None:
        stream = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, _GZIP_HEADER)
        self.add, self.end = stream.compress, stream.flush


class _Zstd:
    def __init__(self) -> None:
        stream = zstandard.ZstdCompressor(level=ZSTD_LEVEL).compressobj()
        self.add, self.end = stream.compress, stream.flush


class _Brotli:
    def __init__(self) -> None:
        stream = brotli.Compressor(quality=BROTLI_QUALITY)
        self.add, self.end = stream.process, stream.finish


# In the order of our liking: zstd costs least and packs best at these levels.
ENCODINGS: Final[dict[str, Callable[[], Compressor]]] = {"zstd": _Zstd, "br": _Brotli, "gzip": _Zlib}


def choose_encoding(accepted: str) -> str | None:
    """The encoding of an ``Accept-Encoding`` header (RFC 9110, 12.5.3), ours first among equals; None for none."""
    weights = weights_of(accepted)
    anything = weights.get("*", 0.0)
    best = max(ENCODINGS, key=lambda name: weights.get(name, anything))
    return best if weights.get(best, anything) > 0 else None


def weights_of(accepted: str) -> dict[str, float]:
    """How much a client likes each encoding that its ``Accept-Encoding`` header names."""
    return dict(_weights(accepted.split(",")))


def _weights(parts: Iterable[str]) -> Iterable[tuple[str, float]]:
    for part in parts:
        name, _, rest = part.strip().lower().partition(";")
        quality = rest.strip().removeprefix("q=")
        try:
            yield name.strip(), float(quality) if quality else 1.0
        except ValueError:
            yield name.strip(), 0.0


class Encode:
    """Compresses bodies worth it; answers that come compressed, parts of files and small ones pass as they are.

    A weak ETag stands for every encoding (RFC 9110, 8.8.1). A strong one names its encoding at its end, and the
    end is taken off again before a handler compares it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        encoding = choose_encoding(headers.get("accept-encoding", ""))
        known = headers.get("if-none-match", "")
        bare = _SUFFIXED.sub(r'"\1"', known)
        if bare != known:
            others = [(name, value) for name, value in scope["headers"] if name != b"if-none-match"]
            scope = {**scope, "headers": [*others, (b"if-none-match", bare.encode("latin-1"))]}
        await self.app(scope, receive, _Answer(send, encoding, was_suffixed=bare != known))


class _Answer:
    """The sending side of one answer."""

    def __init__(self, send: Send, encoding: str | None, *, was_suffixed: bool) -> None:
        self._send = send
        self._encoding = encoding
        self._was_suffixed = was_suffixed
        self._start: Message | None = None
        self._stream: Compressor | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        if message["type"] != "http.response.body":
            await self._send(message)
            return
        if self._start is not None:
            await self._begin(self._start, message)
            self._start = None
        if self._stream is not None:
            message = await self._encoded(self._stream, message)
        await self._send(message)

    async def _begin(self, start: Message, first: Message) -> None:
        headers = MutableHeaders(raw=start["headers"])
        if start["status"] == 304 and self._was_suffixed and self._encoding:
            _mark(headers, self._encoding)
        if _may_be_encoded(start["status"], headers):
            headers.add_vary_header("Accept-Encoding")
            is_large = first.get("more_body", False) or len(first.get("body", b"")) >= MIN_BYTES
            if self._encoding is not None and is_large:
                self._stream = ENCODINGS[self._encoding]()
                headers["Content-Encoding"] = self._encoding
                _mark(headers, self._encoding)
                if first.get("more_body", False):
                    del headers["Content-Length"]
                else:
                    body = await _in_thread(self._stream, first["body"])
                    first["body"], self._stream = body, None
                    headers["Content-Length"] = str(len(body))
        await self._send({**start, "headers": headers.raw})

    async def _encoded(self, stream: Compressor, message: Message) -> Message:
        body = stream.add(message.get("body", b""))
        if not message.get("more_body", False):
            body += stream.end()
        return {**message, "body": body}


async def _in_thread(stream: Compressor, body: bytes) -> bytes:
    def whole() -> bytes:
        return stream.add(body) + stream.end()

    return await anyio.to_thread.run_sync(whole) if len(body) >= THREAD_BYTES else whole()


def _may_be_encoded(status: int, headers: MutableHeaders) -> bool:
    if status in _UNTOUCHED or "content-encoding" in headers or "no-transform" in headers.get("cache-control", ""):
        return False
    return _COMPRESSIBLE.fullmatch(headers.get("content-type", "").partition(";")[0].strip()) is not None


def _mark(headers: MutableHeaders, encoding: str) -> None:
    etag = headers.get("etag", "")
    if etag.startswith('"') and etag.endswith('"'):
        headers["ETag"] = f'{etag[:-1]}-{encoding}"'
