"""The hub by itself: a reader who takes nothing is let go, and the others get everything."""

from __future__ import annotations

import asyncio

import pytest

from app.live.hub import MOST_SUBSCRIBERS, MOST_WAITING, LiveHub, TooManyListeners
from layers.access import Scope


def _hub() -> LiveHub:
    hub = LiveHub(lambda _: None)
    hub.place = "1:1:"
    return hub


def test_who_takes_nothing_is_let_go_and_nobody_else() -> None:
    async def play() -> None:
        hub = _hub()
        with hub.subscription(Scope.public()) as slow, hub.subscription(Scope.public()) as quick:
            taken = b""
            for number in range(MOST_WAITING + 1):
                for subscriber in (slow, quick):
                    subscriber.offer([b"%d," % number], f"{number}")
                taken += await quick.take()
            assert (slow.is_gone, quick.is_gone) == (True, False)
            assert await slow.take() == b""
            assert taken == b"".join(b"%d," % number for number in range(MOST_WAITING + 1))

    asyncio.run(play())


def test_everybody_is_let_go_when_the_service_ends() -> None:
    async def play() -> None:
        hub = _hub()
        with hub.subscription(Scope.public()) as waiting:
            taking = asyncio.ensure_future(waiting.take())
            await asyncio.sleep(0)
            hub.close()
            assert await taking == b""
            assert waiting.is_gone
        with hub.subscription(Scope.public()) as late:
            assert late.is_gone

    asyncio.run(play())


def test_there_is_an_end_to_how_many_look_on_and_who_leaves_makes_room() -> None:
    hub = _hub()
    held = [hub.subscription(Scope.public()) for _ in range(MOST_SUBSCRIBERS)]
    for one in held:
        one.__enter__()
    with pytest.raises(TooManyListeners), hub.subscription(Scope.public()):
        pass
    held[0].__exit__(None, None, None)
    with hub.subscription(Scope.public()):
        pass
