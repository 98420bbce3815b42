"""One reader's stream of server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

import structlog
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.live.frames import beat_frame, ready_frame, reload_frame
from app.live.hub import LiveHub, Subscriber
from app.resources import Resources
from layers.access import Scope as ReaderScope
from layers.live import MISSED_SQL, MOST_AT_ONCE, REACHES_SQL, event_from, is_place

BEAT_S: Final = 15.0
# Rights are read anew with each connection; the client comes again by itself and misses nothing.
LIFE_S: Final = 60.0
SEND_S: Final = 10.0
_HEADERS: Final = {
    # Compressing would hold events back, and so would a front server's buffer.
    "Cache-Control": "no-store, no-transform",
    "X-Accel-Buffering": "no",
    "Content-Type": "text/event-stream; charset=utf-8",
}


class LiveStream(Response):
    """Answers with events until the reader leaves, is too slow, or the connection's time is over.

    Args:
        resources: Of the process.
        reader: Who reads.
        place: How far the reader was told before (``Last-Event-ID``); None for from now on.
    """

    def __init__(self, resources: Resources, reader: ReaderScope, place: str | None) -> None:
        super().__init__(headers=_HEADERS)
        # The base class says how long the body is, which nobody knows.
        del self.headers["content-length"]
        self._resources = resources
        self._reader = reader
        self._place = place

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the stream."""
        hub = self._resources.live
        with hub.subscription(self._reader) as subscriber:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            try:
                async for frame in self._frames(hub, subscriber):
                    async with asyncio.timeout(SEND_S):
                        await send({"type": "http.response.body", "body": frame, "more_body": True})
            except TimeoutError:
                structlog.get_logger(__name__).info("live_reader_too_slow")
                return
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _frames(self, hub: LiveHub, subscriber: Subscriber) -> AsyncIterator[bytes]:
        yield b"retry: 1000\n\n" + await self._beginning(hub, subscriber)
        ends = asyncio.get_running_loop().time() + LIFE_S
        while not subscriber.is_gone and asyncio.get_running_loop().time() < ends:
            try:
                frame = await asyncio.wait_for(subscriber.take(), BEAT_S)
            except TimeoutError:
                frame = beat_frame(subscriber.place)
            if frame:
                yield frame

    async def _beginning(self, hub: LiveHub, subscriber: Subscriber) -> bytes:
        """What the reader missed, else that all is ready."""
        now = subscriber.place
        if self._place is None:
            return ready_frame(now)
        if not is_place(self._place):
            return reload_frame(now)
        async with self._resources.writer.acquire() as connection:
            if not await connection.fetchval(REACHES_SQL, self._place):
                return reload_frame(now)
            rows = await connection.fetch(MISSED_SQL, self._place, now)
        if len(rows) > MOST_AT_ONCE:
            return reload_frame(now)
        return b"".join(hub.frames([event_from(row) for row in rows], self._reader, now)) or ready_frame(now)
