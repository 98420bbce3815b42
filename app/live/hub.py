"""Hands every new event of the database to those subscribers of this process who may be told of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import asyncpg
import structlog

from app.live.frames import event_frame, reload_frame
from layers.access import Scope
from layers.definition import Sensitivity
from layers.errors import LayerError
from layers.live import LIVE_CHANNEL, MOST_AT_ONCE, NEWS_SQL, LiveEvent, event_from, is_for

MOST_SUBSCRIBERS: Final = 1000
MOST_WAITING: Final = 256
"""A subscriber for whom so many events wait is too slow, and is let go."""
_PAUSE_AFTER: Final = 50
log = structlog.get_logger(__name__)


class TooManyListeners(LayerError):
    """As many people look on as one process serves."""

    def __init__(self) -> None:
        super().__init__(
            "Đang có quá nhiều người theo dõi trực tiếp. Hãy thử lại sau một phút; bản đồ vẫn dùng được.",
            "Too many people are looking on live. Try again in a minute; the map works meanwhile.",
        )


@dataclass(eq=False, slots=True)
class Subscriber:
    """Somebody who looks on.

    Attributes:
        scope: What they may see.
        place: How far they will have been told once nothing waits for them.
        is_gone: Whether they were too slow, or the service ends.
    """

    scope: Scope
    place: str
    is_gone: bool = False
    _waiting: list[bytes] = field(default_factory=list)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)

    def offer(self, frames: Sequence[bytes], place: str) -> None:
        """Lets frames wait for the subscriber, who is let go where too many wait already."""
        if len(self._waiting) + len(frames) > MOST_WAITING:
            self.let_go()
            return
        self._waiting.extend(frames)
        self.place = place
        if frames:
            self._wake.set()

    def let_go(self) -> None:
        """Ends the subscription; a client that comes again says how far it was told."""
        self.is_gone = True
        self._waiting.clear()
        self._wake.set()

    async def take(self) -> bytes:
        """All that waits, as soon as something does; nothing where the subscriber is gone."""
        await self._wake.wait()
        self._wake.clear()
        taken = b"".join(self._waiting)
        self._waiting.clear()
        return taken


class LiveHub:
    """Follows the table of events for one process."""

    channel = LIVE_CHANNEL

    def __init__(self, sensitivity_of: Callable[[str], Sensitivity | None]) -> None:
        self._sensitivity_of = sensitivity_of
        self._subscribers: set[Subscriber] = set()
        self._is_closed = False
        self.place: str | None = None

    async def look(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        """Reads what has been committed since the last look and hands it on."""
        rows = await connection.fetch(NEWS_SQL, self.place)
        place, went_back = rows[0]["snapshot"], bool(rows[0]["went_back"])
        is_first, self.place = self.place is None, place
        events = [event_from(row) for row in rows if row["id"] is not None]
        if is_first:
            return
        if went_back or len(events) > MOST_AT_ONCE:
            # A database brought back from a copy counts its transactions from an earlier number.
            log.info("live_reload", went_back=went_back, events=len(events))
            await self._tell(lambda _: [reload_frame(place)], place)
        else:
            await self._tell(lambda subscriber: self.frames(events, subscriber.scope, place), place)

    def frames(self, events: Sequence[LiveEvent], scope: Scope, place: str) -> list[bytes]:
        """Those of the events that the reader may be told of; the last one says how far that is."""
        seen = [event for event in events if is_for(event, scope, self._sensitivity_of)]
        return [event_frame(event, place if event is seen[-1] else None) for event in seen]

    async def _tell(self, frames_of: Callable[[Subscriber], Sequence[bytes]], place: str) -> None:
        for number, subscriber in enumerate(list(self._subscribers), 1):
            subscriber.offer(frames_of(subscriber), place)
            if number % _PAUSE_AFTER == 0:
                await asyncio.sleep(0)

    @contextmanager
    def subscription(self, scope: Scope) -> Iterator[Subscriber]:
        """A subscriber from now on until the end of the block.

        Raises:
            TooManyListeners: As many as may look on already.
        """
        if len(self._subscribers) >= MOST_SUBSCRIBERS:
            raise TooManyListeners
        subscriber = Subscriber(scope, self.place or "", is_gone=self._is_closed)
        self._subscribers.add(subscriber)
        try:
            yield subscriber
        finally:
            self._subscribers.discard(subscriber)

    def close(self) -> None:
        """Lets everybody go, because the service ends."""
        self._is_closed = True
        for subscriber in self._subscribers:
            subscriber.let_go()
