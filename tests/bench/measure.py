"""Two contenders in turn: short bursts of the same requests, so that a neighbour's noise strikes both alike."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import asyncpg

from tests.bench.client import Connection, ConnectionLost, HttpAsk
from tests.bench.places import Place

BURST_S = 0.25
LEAST_ROUNDS = 4
# A contender that is far slower than the other ends the comparison here, whatever the rounds.
MOST_S = 60.0


class Refused(Exception):
    """A contender did not answer the question."""


class Contender(Protocol):
    """Somebody who answers a question about a place, on several lanes at once."""

    async def answer(self, lane: int, place: Place) -> int:
        """Answers and tells the number of bytes."""


class AskMaker(Protocol):
    """Writes the request about a place."""

    def __call__(self, place: Place, /) -> HttpAsk: ...


class BareMaker(Protocol):
    """The bare statement about a place, with its parameters."""

    def __call__(self, place: Place, /) -> tuple[str, Sequence[object]]: ...


@dataclass
class OverHTTP:
    """A server that is asked over kept-alive connections, one a lane."""

    port: int
    ask: AskMaker
    _connections: dict[int, Connection] = field(default_factory=dict)

    async def answer(self, lane: int, place: Place) -> int:
        """Asks the server; every answer must be a success."""
        try:
            connection = self._connections.get(lane)
            if connection is None:
                connection = self._connections[lane] = await Connection.open(self.port)
            reply = await connection.ask(self.ask(place))
        except (ConnectionLost, OSError) as error:
            self.close()
            raise Refused(f"connection lost: {error}") from error
        if reply.status not in (200, 204):
            self.close()
            raise Refused(f"HTTP {reply.status}")
        return reply.size

    def close(self) -> None:
        """Closes the connections."""
        while self._connections:
            self._connections.popitem()[1].close()


@dataclass(frozen=True)
class Bare:
    """The bare statement through asyncpg, prepared as asyncpg does by itself."""

    connection: asyncpg.Connection[asyncpg.Record]
    statement: BareMaker

    async def answer(self, lane: int, place: Place) -> int:
        """Runs the statement; there is one lane."""
        text, args = self.statement(place)
        rows = await self.connection.fetch(text, *args)
        return sum(len(value) for row in rows for value in row if isinstance(value, bytes | str))


@dataclass(frozen=True, slots=True)
class Speed:
    """What was seen of one contender: times in milliseconds, answers a second, bytes of a typical answer."""

    p50: float
    p95: float
    rate: float
    size: int
    count: int


@dataclass(frozen=True, slots=True)
class Duel:
    """Two contenders side by side.

    Attributes:
        rate_ratio: Median over the rounds of our answers a second by the other's in the same round.
    """

    ours: Speed
    other: Speed
    rate_ratio: float

    @property
    def p50_ratio(self) -> float:
        """Our median time by the other's."""
        return self.ours.p50 / self.other.p50

    @property
    def p95_ratio(self) -> float:
        """Our 95th percentile by the other's."""
        return self.ours.p95 / self.other.p95


@dataclass
class _Tally:
    times: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)

    def speed(self) -> Speed:
        return Speed(
            p50=1000 * statistics.median(self.times),
            p95=1000 * percentile(self.times, 0.95),
            rate=statistics.median(self.rates),
            size=int(statistics.median(self.sizes)),
            count=len(self.times),
        )


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-int(share * 1000) * len(ordered) // 1000) - 1)]


async def duel(ours: Contender, other: Contender, places: Sequence[Place], *, lanes: int, seconds: float) -> Duel:
    """Lets both answer the same bursts of questions in turn, each beginning every other round.

    Raises:
        Refused: one of them cannot answer.
    """
    each = await _burst_size(ours, other, places, lanes)
    tallies = (_Tally(), _Tally())
    order = [(ours, tallies[0]), (other, tallies[1])]
    started, rounds = time.perf_counter(), 0
    while True:
        asked = [places[(rounds * each + number) % len(places)] for number in range(each)]
        for contender, tally in order:
            await _burst(contender, asked, lanes, tally)
        order.reverse()
        rounds += 1
        spent = time.perf_counter() - started
        if spent > MOST_S or (spent > seconds and rounds >= LEAST_ROUNDS):
            break
    ratios = [mine / theirs for mine, theirs in zip(tallies[0].rates, tallies[1].rates, strict=True)]
    return Duel(tallies[0].speed(), tallies[1].speed(), statistics.median(ratios))


async def _burst_size(ours: Contender, other: Contender, places: Sequence[Place], lanes: int) -> int:
    """Questions of a burst: as many as the slower of the two answers in about a quarter of a second."""
    slowest = 0.0
    for contender in (ours, other):
        # The first burst opens connections, prepares statements and reads pages from the disk.
        await _burst(contender, places[: 2 * lanes], lanes, _Tally())
        started = time.perf_counter()
        await _burst(contender, places[: 2 * lanes], lanes, _Tally())
        slowest = max(slowest, (time.perf_counter() - started) / (2 * lanes))
    return max(lanes, min(400, int(BURST_S / slowest)))


async def _burst(contender: Contender, asked: Sequence[Place], lanes: int, tally: _Tally) -> None:
    async def run(lane: int) -> None:
        for place in asked[lane::lanes]:
            started = time.perf_counter()
            tally.sizes.append(await contender.answer(lane, place))
            tally.times.append(time.perf_counter() - started)

    started = time.perf_counter()
    await asyncio.gather(*(run(lane) for lane in range(lanes)))
    tally.rates.append(len(asked) / (time.perf_counter() - started))
