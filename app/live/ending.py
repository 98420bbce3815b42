"""Does something as soon as the service is told to end: the server waits for its open answers before anything else."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import FrameType


@asynccontextmanager
async def before_the_end(act: Callable[[], None]) -> AsyncIterator[None]:
    """Calls ``act`` in the event loop on SIGTERM or SIGINT, before the server's own handler, and when the block ends.

    Where the server runs beside the main thread no signal reaches it, and only the end of the block counts.
    """
    loop = asyncio.get_running_loop()
    is_main = threading.current_thread() is threading.main_thread()
    for number in (signal.SIGTERM, signal.SIGINT) if is_main else ():
        _chain(number, lambda: loop.call_soon_threadsafe(act))
    try:
        yield
    finally:
        act()


def _chain(number: signal.Signals, first: Callable[[], object]) -> None:
    following = signal.getsignal(number)

    def handle(received: int, frame: FrameType | None) -> None:
        first()
        if callable(following):
            following(received, frame)

    # A handler that is not ours to call in turn, such as the default one, stays.
    if callable(following):
        signal.signal(number, handle)
