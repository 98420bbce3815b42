"""Pure ASGI wrappers: request ids, metrics, and cancelling the work of a client that has gone."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Collection

import structlog
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.metrics import REQUEST_SECONDS, REQUESTS
from app.problems import problem

BODY_MESSAGES = 8
MAX_REQUEST_ID = 64
log = structlog.get_logger("access")


class RequestContext:
    """Gives each request an id, in logs and in the answer, and counts it under its route."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope["request_id"] = request_id
        structlog.contextvars.bind_contextvars(request_id=request_id)
        status = 0
        started = time.perf_counter()

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            await self.app(scope, receive, send_with_id)
        finally:
            seconds = time.perf_counter() - started
            route = _route(scope)
            REQUESTS.labels(scope["method"], route, str(status)).inc()
            REQUEST_SECONDS.labels(route).observe(seconds)
            log.info("request", method=scope["method"], route=route, status=status, ms=round(seconds * 1000, 1))
            structlog.contextvars.unbind_contextvars("request_id")


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            given = value.decode("latin-1")[:MAX_REQUEST_ID]
            if given.isascii() and given.replace("-", "").isalnum():
                return str(given)
    return secrets.token_hex(8)


def _route(scope: Scope) -> str:
    """The route's template, so that labels stay few whatever clients ask for."""
    route = scope.get("route")
    return str(getattr(route, "path", "unknown"))


class LimitBody:
    """Refuses a request body over a number of bytes, before and while it is read."""

    def __init__(self, app: ASGIApp, max_bytes: int, streamed: Collection[str] = ()) -> None:
        self.app = app
        self.max_bytes = max_bytes
        self.streamed = tuple(streamed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if any(scope["path"] == path or scope["path"].startswith(path + "/tus") for path in self.streamed):
            # These bodies go to disk as they come, under a limit of their own.
            await self.app(scope, receive, send)
            return
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if not declared.isdigit() or int(declared) > self.max_bytes:
            await self._refuse(scope, receive, send)
            return
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self.max_bytes:
                raise _BodyTooLarge
            return message

        try:
            await self.app(scope, counted, send)
        except _BodyTooLarge:
            await self._refuse(scope, receive, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        megabytes = self.max_bytes // 2**20
        answer = problem(
            Request(scope),
            413,
            f"Nội dung gửi lên quá lớn; tối đa {megabytes} MB. Hãy đơn giản hóa vùng hoặc chia nhỏ yêu cầu.",
            f"The body is too large; at most {megabytes} MB. Simplify the zone or split the request.",
            kind="body-too-large",
        )
        await answer(scope, receive, send)


class _BodyTooLarge(Exception):
    """More bytes came than a body may have."""


class CancelWhenGone:
    """Cancels a handler when its client disconnects: uvicorn by itself lets it run on.

    asyncpg passes the cancellation to PostgreSQL, so that nobody's statement outlives its reader. Where a body is
    kept piece by piece (``streamed``), the handler is told instead, behind the last piece, and ends by itself.
    """

    def __init__(self, app: ASGIApp, streamed: str | None = None) -> None:
        self.app = app
        self.streamed = streamed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        messages: asyncio.Queue[Message] = asyncio.Queue(BODY_MESSAGES)
        handler = asyncio.ensure_future(self.app(scope, messages.get, send))
        keeps = self.streamed is not None and scope["path"].startswith(self.streamed)

        async def pump() -> None:
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    if keeps:
                        await messages.put(message)
                    else:
                        handler.cancel()
                    return
                await messages.put(message)

        pumping = asyncio.ensure_future(pump())
        try:
            await asyncio.wait({handler})
        finally:
            pumping.cancel()
            handler.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await pumping
        if not handler.cancelled():
            handler.result()
