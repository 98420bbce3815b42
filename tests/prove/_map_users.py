"""People at a map: each looks at a town, pans and zooms, asks for features and figures, and pauses in between."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.bench.client import Connection, ConnectionLost, HttpAsk
from tests.bench.places import Place

ZOOMS = (10, 12, 13, 14, 15, 16)
VIEW = ((0, 0), (1, 0), (0, 1), (1, 1))
THINK_S = (0.5, 3.0)
LAYERS = "parcels,communes"
HOT_PLACES = 24


@dataclass
class Tally:
    """What all users together have seen: answers by status, lost connections, milliseconds by kind of request."""

    statuses: Counter[int] = field(default_factory=Counter)
    lost: int = 0
    times: dict[str, list[float]] = field(default_factory=dict)

    @property
    def answers(self) -> int:
        """Number of answers."""
        return self.statuses.total()

    @property
    def failures(self) -> int:
        """Answers of class 5xx and connections lost."""
        return self.lost + sum(count for status, count in self.statuses.items() if status >= 500)


@dataclass
class MapUser:
    """One user with one connection to one of the processes."""

    number: int
    port: int
    places: Sequence[Place]
    tally: Tally
    _connection: Connection | None = None

    async def use_map(self, until: float) -> None:
        """Uses the map until a moment of the monotonic clock."""
        chance = random.Random(self.number)  # noqa: S311 - a walk, no secret
        await asyncio.sleep(chance.uniform(0, THINK_S[1]))
        while time.monotonic() < until:
            place = self.places[chance.randrange(min(HOT_PLACES, len(self.places)))]
            for z in ZOOMS[chance.randrange(3) :]:
                await self._look(place, z)
                await asyncio.sleep(chance.uniform(*THINK_S))
                if time.monotonic() >= until:
                    break
            await self._ask("items", _box(place))
            if chance.random() < 0.3:
                await self._ask("question", _radius(place))
        if self._connection is not None:
            self._connection.close()

    async def _look(self, place: Place, z: int) -> None:
        _, x, y = place.tile(z)
        for right, down in VIEW:
            await self._ask("tile", HttpAsk.get(f"/tiles/{LAYERS}/{z}/{x + right}/{y + down}.pbf"))

    async def _ask(self, kind: str, request: HttpAsk) -> None:
        started = time.perf_counter()
        try:
            if self._connection is None:
                self._connection = await Connection.open(self.port)
            reply = await self._connection.ask(request)
        except (ConnectionLost, OSError):
            self._connection = None
            self.tally.lost += 1
            return
        self.tally.statuses[reply.status] += 1
        self.tally.times.setdefault(kind, []).append(1000 * (time.perf_counter() - started))


def _box(place: Place) -> HttpAsk:
    box = ",".join(f"{value:.6f}" for value in place.box(300))
    return HttpAsk.get(f"/ogc/collections/parcels/items?f=json&limit=100&bbox={box}")


def _radius(place: Place) -> HttpAsk:
    near = [{"radius": {"of": [place.lon, place.lat], "metres": 300}}]
    question = {"layer": "parcels", "where": near, "figures": {"by": ["land_use_main"], "values": [{"op": "count"}]}}
    return HttpAsk.post("/api/query", json.dumps(question).encode())
