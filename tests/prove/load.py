"""``make prove NAME=load``: map users on two processes while publishes go on and heavy requests come.

Proved: no 5xx, no tile older than a publish of a second ago on either process, bounded memory, and heavy requests
answered by limits while light ones go on. Traffic stays on the loopback, bounded in users and minutes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg
from psycopg import sql
from sqlalchemy import Engine

from app.cluster import Cluster, use_cluster
from app.console import console, say
from app.database import Database, cluster_database
from app.settings import CHECKOUT
from layers.edit import UpdateFeature, edit_features
from layers.publication import ChangeNote
from tests.bench.client import Connection, ConnectionLost, HttpAsk
from tests.bench.databases import bed_name, prepare_bed
from tests.bench.measure import percentile
from tests.bench.places import Place, draw_places
from tests.bench.servers import Server, free_port, our_command, resident_mb, running
from tests.bench.service import CLUSTER
from tests.prove._house import write_report
from tests.prove._map_users import MapUser, Tally

PARCELS = 300_000
MAX_USERS, MAX_MINUTES = 500, 60
NAME = "load"
TILE_CACHE_MB = 64
PUBLISH_EVERY_S, FRESH_S = 5.0, 1.0
HEAVY_EVERY_S, SAMPLE_S = 7.0, 2.0
# Beside the tile cache a process may hold a page of 10,000 features for each connection of its pools.
MEMORY_AIM_MB = TILE_CACHE_MB + 350
PROBE = "/ogc/collections/parcels/items?f=json&limit=1"


@dataclass
class Proof:
    """What the run has seen.

    Attributes:
        heavy: Of each heavy request: its name, status and seconds.
        fresh_ms: Time from the end of a publish to the first tile that shows it, one a process and publish.
        memory_mb: Resident memory of every process, sampled.
        light_ms: Times of the health check beside everything else.
    """

    tally: Tally = field(default_factory=Tally)
    heavy: list[tuple[str, int, float]] = field(default_factory=list)
    publishes: int = 0
    stale: int = 0
    fresh_ms: list[float] = field(default_factory=list)
    memory_mb: dict[int, list[float]] = field(default_factory=dict)
    light_ms: list[float] = field(default_factory=list)

    @property
    def claims(self) -> list[tuple[str, str, bool]]:
        """What was to be shown, what was seen, whether it holds."""
        refused = [status for _, status, _ in self.heavy]
        growth = max((max(seen) - seen[0] for seen in self.memory_mb.values()), default=0.0)
        return [
            ("no 5xx and no lost connection", f"{self.tally.failures} of {self.tally.answers:,}", self._calm),
            (
                f"no tile older than a publish of {FRESH_S:.0f} s ago",
                f"{self.stale} stale of {2 * self.publishes}",
                self.publishes > 0 and self.stale == 0,
            ),
            (f"a process grows by at most {MEMORY_AIM_MB} MB", f"{growth:.0f} MB", growth <= MEMORY_AIM_MB),
            (
                "heavy requests end in an answer or a refusal, never in an error of ours",
                f"{len(refused)}: statuses {sorted(set(refused))}",
                bool(refused) and all(status < 500 for status in refused),
            ),
        ]

    @property
    def _calm(self) -> bool:
        return self.tally.answers > 0 and self.tally.failures == 0


def main() -> None:
    """Runs the proof, writes its report, and ends with 1 where a claim does not hold."""
    parser = argparse.ArgumentParser(prog="make prove NAME=load ARGS=…", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--users", type=int, default=200)
    words = parser.parse_args()
    minutes, users = min(words.minutes, MAX_MINUTES), min(words.users, MAX_USERS)
    with use_cluster(CHECKOUT, CLUSTER) as cluster, _own_copy(cluster) as database:
        proof = asyncio.run(_run(database, users, 60 * minutes))
    place = write_report(NAME, "Map users, publishes and heavy requests at once", _lines(proof, users, minutes))
    for claim, seen, holds in proof.claims:
        console.print(f"  {'✓' if holds else '✗'} {claim}: {seen}", highlight=False)
    say(f"Đã ghi {place}", f"written to {place}")
    sys.exit(0 if all(holds for *_, holds in proof.claims) else 1)


@contextmanager
def _own_copy(cluster: Cluster) -> Iterator[Database]:
    """A copy of the measuring database, which publishes may change, dropped at the end."""
    prepare_bed(cluster, PARCELS)
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(NAME))
    copy = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(NAME), sql.Identifier(bed_name(PARCELS)))
    with psycopg.connect(cluster.superuser_dsn(), autocommit=True) as connection:
        connection.execute(drop)
        connection.execute(copy)
        yield cluster_database(cluster, NAME)
        connection.execute(drop)


async def _run(database: Database, users: int, seconds: float) -> Proof:
    proof, places = Proof(), draw_places(database)
    ports = [free_port(), free_port()]
    commands = [our_command(NAME, port, tile_cache_mb=TILE_CACHE_MB) for port in ports]
    async with (
        running("load-0", ports[0], commands[0], PROBE) as first,
        running("load-1", ports[1], commands[1], PROBE) as second,
    ):
        until = time.monotonic() + seconds
        walkers = [MapUser(number, ports[number % 2], places, proof.tally) for number in range(users)]
        owner = database.engine("diaban_owner")
        async with asyncio.TaskGroup() as group:
            for walker in walkers:
                group.create_task(walker.use_map(until))
            group.create_task(_publish(proof, owner, places, ports, until))
            group.create_task(_ask_heavily(proof, places[0], ports[0], until))
            group.create_task(_sample(proof, (first, second), until))
        owner.dispose()
    return proof


async def _publish(proof: Proof, owner: Engine, places: Sequence[Place], ports: Sequence[int], until: float) -> None:
    """Changes a parcel's address every few seconds and looks for it in a tile of every process."""
    number = 0
    while time.monotonic() < until:
        await asyncio.sleep(PUBLISH_EVERY_S)
        place, mark = places[number % len(places)], f"load-{number:06d}"
        await asyncio.to_thread(_edit, owner, place, mark)
        ended = time.perf_counter()
        proof.publishes += 1
        number += 1
        await asyncio.gather(*(_look_for(proof, port, place, mark.encode(), ended) for port in ports))


def _edit(owner: Engine, place: Place, mark: str) -> None:
    with owner.begin() as connection:
        edit = UpdateFeature(place.fid, {"address": mark})
        edit_features(connection, "parcels", [edit], note=ChangeNote("load", message=mark))


async def _look_for(proof: Proof, port: int, place: Place, mark: bytes, ended: float) -> None:
    """Asks for the tile until it shows the change; an answer to a request sent a second after must show it."""
    z, x, y = place.tile(16)
    connection = await Connection.open(port)
    while True:
        asked = time.perf_counter() - ended
        reply = await connection.ask(HttpAsk.get(f"/tiles/parcels/{z}/{x}/{y}.pbf"), keep=True)
        if mark in reply.body:
            proof.fresh_ms.append(1000 * (time.perf_counter() - ended))
            break
        if asked >= FRESH_S:
            proof.stale += 1
            break
        await asyncio.sleep(0.05)
    connection.close()


def heavy_requests(place: Place) -> list[tuple[str, HttpAsk]]:
    """Requests that cost far more than a map user's."""
    ors = " OR ".join(f"parcel='{number}'" for number in range(10_000))
    ring = [[place.lon + number * 1e-9, place.lat] for number in range(200_000)]
    zone = {"type": "Polygon", "coordinates": [[*ring, [place.lon, place.lat + 0.1], ring[0]]]}
    z, x, y = place.tile(12)
    question = {"layer": "parcels", "where": [{"zone": {"geometry": zone}}], "figures": {"values": [{"op": "count"}]}}
    filtered = {"layer": "parcels", "filter": ors, "figures": {"values": [{"op": "count"}]}}
    return [
        ("the whole province in one tile", HttpAsk.get("/tiles/parcels/0/0/0.pbf")),
        (
            "10,000 features of the world",
            HttpAsk.get("/ogc/collections/parcels/items?f=json&limit=10000&bbox=-180,-90,180,90"),
        ),
        ("10,000 ORs", HttpAsk.post("/api/query", json.dumps(filtered).encode())),
        ("a zone of 200,000 vertices", HttpAsk.post("/api/query", json.dumps(question).encode())),
        ("one layer 50 times in a tile", HttpAsk.get(f"/tiles/{','.join(['parcels'] * 50)}/{z}/{x}/{y}.pbf")),
        ("a body of 9 MB", HttpAsk.post("/api/query", b" " * (9 * 2**20))),
    ]


async def _ask_heavily(proof: Proof, place: Place, port: int, until: float) -> None:
    asks = heavy_requests(place)
    number = 0
    while time.monotonic() < until:
        name, request = asks[number % len(asks)]
        number += 1
        started = time.perf_counter()
        status = await _status(port, request)
        proof.heavy.append((name, status, time.perf_counter() - started))
        await asyncio.sleep(HEAVY_EVERY_S)


async def _status(port: int, request: HttpAsk) -> int:
    connection = await Connection.open(port)
    try:
        return (await connection.ask(request)).status
    except (ConnectionLost, OSError):
        # Refused before the body was read: the connection is closed, which a writer of nine megabytes may see first.
        return 413 if len(request.raw) > 2**23 else 599
    finally:
        connection.close()


async def _sample(proof: Proof, servers: Sequence[Server], until: float) -> None:
    while time.monotonic() < until:
        for server in servers:
            proof.memory_mb.setdefault(server.pid, []).append(resident_mb(server.pid))
        started = time.perf_counter()
        await _status(servers[0].port, HttpAsk.get("/healthz"))
        proof.light_ms.append(1000 * (time.perf_counter() - started))
        await asyncio.sleep(SAMPLE_S)


def _lines(proof: Proof, users: int, minutes: float) -> list[str]:
    lines = [
        f"{users} users for {minutes:g} minutes on {PARCELS:,} parcels, two processes, tile cache {TILE_CACHE_MB} MB"
        f" each; a publish every {PUBLISH_EVERY_S:g} s, a heavy request every {HEAVY_EVERY_S:g} s."
        " Users, service and database share the machine, so the times tell of it more than of the service.",
        "",
        "| claim | seen | holds |",
        "|---|---|---|",
        *(f"| {claim} | {seen} | {'yes' if holds else '**no**'} |" for claim, seen, holds in proof.claims),
        "",
        f"Statuses: {', '.join(f'{status} × {count:,}' for status, count in sorted(proof.tally.statuses.items()))}.",
        "",
        "| request | number | p50 ms | p95 ms |",
        "|---|---|---|---|",
        *(_timed(kind, times) for kind, times in sorted(proof.tally.times.items())),
        _timed("health check beside them", proof.light_ms),
        _timed("publish to seen in a tile", proof.fresh_ms),
        "",
        "| heavy request | number | statuses | longest s |",
        "|---|---|---|---|",
    ]
    for name in dict.fromkeys(name for name, *_ in proof.heavy):
        seen = [(status, seconds) for other, status, seconds in proof.heavy if other == name]
        statuses = ", ".join(str(status) for status in sorted({status for status, _ in seen}))
        lines.append(f"| {name} | {len(seen)} | {statuses} | {max(seconds for _, seconds in seen):.1f} |")
    memory = "; ".join(f"{seen[0]:.0f} at first, {max(seen):.0f} at most" for seen in proof.memory_mb.values())
    return [*lines, "", f"Resident memory in MB: {memory}."]


def _timed(kind: str, times: Sequence[float]) -> str:
    if not times:
        return f"| {kind} | 0 | – | – |"
    return f"| {kind} | {len(times):,} | {percentile(times, 0.5):.0f} | {percentile(times, 0.95):.0f} |"


if __name__ == "__main__":
    main()
