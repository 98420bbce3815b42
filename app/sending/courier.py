"""The worker's step of notifications: give out, bundle, and send beside the database and beside each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import structlog
from sqlalchemy import Engine

from scenarios.notifying.bundling import bundle_parts
from scenarios.notifying.channel import ChannelKind
from scenarios.notifying.delivering import (
    Addressed,
    Taken,
    address_letter,
    mark_failed,
    mark_sent,
    mark_skipped,
    take_due,
)
from scenarios.notifying.errors import SendFailed, SendRefused
from scenarios.notifying.letter import Sender
from scenarios.notifying.spreading import spread_news

AT_ONCE: Final = 8
"""So many messages are on their way at a time; one that hangs holds one of these places until its time is over."""
log = structlog.get_logger(__name__)


@dataclass
class Courier:
    """Sends what is due, each message in a thread of its own, so that a webhook that hangs holds up nobody else.

    Attributes:
        engine: Of ``diaban_writer``.
        senders: Who sends which kind; a kind without one is not set up.
        public_url: Address that links begin with.
        clock: Now, aware UTC.
    """

    engine: Engine
    senders: Mapping[ChannelKind, Sender]
    public_url: str
    clock: Callable[[], datetime]
    at_once: int = AT_ONCE
    _threads: ThreadPoolExecutor = field(init=False, repr=False)
    _under_way: set[Future[None]] = field(default_factory=set, repr=False)

    def __post_init__(self) -> None:
        self._threads = ThreadPoolExecutor(self.at_once, thread_name_prefix="courier")

    def step(self) -> None:
        """Gives out and bundles what has happened, and sets out with as many messages as there are free places.

        It waits for none of them. Safe to do twice, and to be killed anywhere: what was under way is tried again
        after its lease, with the same id.
        """
        with self.engine.begin() as connection:
            spread_news(connection, self.clock())
        with self.engine.begin() as connection:
            bundle_parts(connection, self.clock())
        self._under_way = {future for future in self._under_way if not future.done()}
        free = self.at_once - len(self._under_way)
        if free <= 0:
            return
        with self.engine.begin() as connection:
            taken = take_due(connection, self.clock(), free)
        self._under_way |= {self._threads.submit(self._carry, one) for one in taken}

    def settle(self) -> None:
        """Waits until nothing is under way; for tests and for commands that end."""
        for future in list(self._under_way):
            future.result()

    def close(self) -> None:
        """Takes nothing more; what is under way ends by itself or with the process."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _carry(self, taken: Taken) -> None:
        try:
            self._deliver(taken)
        except Exception:
            # Its lease runs out and it is tried again.
            log.exception("delivery_broken", delivery=str(taken.id))

    def _deliver(self, taken: Taken) -> None:
        with self.engine.begin() as connection:
            addressed = address_letter(connection, taken, self.public_url)
            if addressed is None:
                mark_skipped(connection, taken, self.clock())
                return
        try:
            self._send(addressed)
        except (SendFailed, SendRefused) as error:
            self._write_failure(taken, error)
            return
        with self.engine.begin() as connection:
            mark_sent(connection, taken, self.clock())
        log.info("delivery_sent", delivery=str(taken.id), channel=str(taken.channel_id), attempts=taken.attempts)

    def _send(self, addressed: Addressed) -> None:
        draft = addressed.channel.draft
        sender = self.senders.get(draft.kind)
        if sender is None:
            raise SendFailed(f"{draft.kind} is not set up; see docs/notifications.md")
        try:
            sender.send(addressed.letter, draft.address)
        except (SendFailed, SendRefused):
            raise
        except Exception as error:
            log.exception("sender_broken", kind=draft.kind.value)
            raise SendFailed(f"fault of the service ({type(error).__name__})") from None

    def _write_failure(self, taken: Taken, error: SendFailed | SendRefused) -> None:
        with self.engine.begin() as connection:
            given_up = mark_failed(connection, taken, self.clock(), error)
        event = "delivery_given_up" if given_up else "delivery_put_off"
        log.warning(event, delivery=str(taken.id), channel=str(taken.channel_id), reason=error.reason)
