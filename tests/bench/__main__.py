"""``python -m tests.bench``: measures ours, the bare statements and the peers in one run, and writes the report."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from app.cluster import Cluster, use_cluster
from app.console import console, say
from app.settings import CHECKOUT
from layers.definition_reader import load_builtin
from tests.bench.cases import Case, make_cases
from tests.bench.client import Connection, HttpAsk
from tests.bench.databases import PARCELS, Bed, bed_name, prepare_bed
from tests.bench.floor import DSN_VARIABLE
from tests.bench.measure import Bare, OverHTTP, Refused, duel
from tests.bench.peers import LOGIN, NotInstalled, make_peer, uvicorn_command
from tests.bench.places import Place, draw_places
from tests.bench.report import Memory, Results, Row, show, write
from tests.bench.servers import NotStarted, Server, free_port, our_command, peak_mb, reset_peak, resident_mb, running
from tests.bench.service import CLUSTER
from tests.bench.setup import describe_setup

PEERS = ("pygeoapi", "tipg")
LANES = 4
PROBE = "/ogc/collections/parcels/items?f=json&limit=1"
SMALL_PAGE = HttpAsk.get(PROBE)
BIG_PAGE = HttpAsk.get("/ogc/collections/parcels/items?f=json&limit=10000")
PAGES_A_LANE = 5


@dataclass(frozen=True)
class Options:
    """What the command line asked for."""

    parcels: tuple[int, ...]
    seconds: float
    only: str
    report: Path


@dataclass(frozen=True)
class Run:
    """What the steps of a run share."""

    options: Options
    cases: Sequence[Case]
    places: Sequence[Place]
    results: Results


def main() -> None:
    """Reads the command line and runs."""
    options = _options()
    with use_cluster(CHECKOUT, CLUSTER) as cluster:
        results = asyncio.run(_measure(options, cluster))
    show(results)
    options.report.parent.mkdir(parents=True, exist_ok=True)
    options.report.write_text(write(results))
    say(f"Đã ghi {options.report}", f"written to {options.report}")


def _options() -> Options:
    parser = argparse.ArgumentParser(prog="make bench ARGS=…", description=__doc__)
    parser.add_argument("--parcels", default="300000,5000000", help="sizes of the databases, smallest first")
    parser.add_argument("--seconds", type=float, default=4.0, help="for one comparison")
    parser.add_argument("--only", default="", help="questions whose name begins so")
    parser.add_argument("--report", type=Path, default=CHECKOUT / "docs" / "bench.md")
    words = parser.parse_args()
    sizes = tuple(sorted(int(word) for word in words.parcels.split(",")))
    return Options(sizes, words.seconds, words.only, words.report)


async def _measure(options: Options, cluster: Cluster) -> Results:
    beds = [prepare_bed(cluster, parcels) for parcels in options.parcels]
    cases = [case for case in make_cases(load_builtin()[PARCELS]) if case.name.startswith(options.only)]
    results = Results(describe_setup(beds[0].database))
    run = Run(options, cases, draw_places(beds[0].database), results)
    for asked, bed in zip(options.parcels, beds, strict=True):
        results.beds.append(f"{bed.parcels:,} parcels: {bed.size}, filled in {bed.load_s:.0f} s")
        await _measure_bed(run, asked, bed)
    if len(beds) > 1:
        await _measure_growth(run, options.parcels[0], options.parcels[-1])
    return results


async def _measure_bed(run: Run, asked: int, bed: Bed) -> None:
    async with AsyncExitStack() as stack:
        ours = await stack.enter_async_context(_ours(asked))
        run.results.memory.append(await _memory_of_pages(bed.parcels, ours))
        ports = {"floor": await stack.enter_async_context(_floor(bed))}
        for name in PEERS:
            port = free_port()
            try:
                peer = make_peer(name, bed.database, port)
                await stack.enter_async_context(running(name, port, peer.command, peer.probe, peer.env))
            except (NotInstalled, NotStarted) as error:
                run.results.missing[name] = str(error)
                continue
            run.results.versions[name] = peer.version
            ports[name] = port
        connection = await asyncpg.connect(bed.database.dsn(LOGIN), server_settings={"jit": "off"})
        for case in run.cases:
            await _measure_case(run, case, bed, ours.port, ports, connection)
        await connection.close()


@asynccontextmanager
async def _ours(parcels: int) -> AsyncIterator[Server]:
    port = free_port()
    async with running(f"ours-{parcels}", port, our_command(bed_name(parcels), port, tile_cache_mb=0), PROBE) as server:
        yield server


@asynccontextmanager
async def _floor(bed: Bed) -> AsyncIterator[int]:
    port = free_port()
    command = uvicorn_command("tests.bench.floor:app", port)
    env = {DSN_VARIABLE: bed.database.dsn(LOGIN)}
    async with running("floor", port, command, "/items/1", env):
        yield port


async def _measure_case(
    run: Run, case: Case, bed: Bed, port: int, ports: dict[str, int], connection: asyncpg.Connection[asyncpg.Record]
) -> None:
    seconds, places = run.options.seconds, run.places
    ours = OverHTTP(port, case.ours)
    found = await duel(ours, Bare(connection, case.bare), places, lanes=1, seconds=seconds)
    _note(run, Row(bed.parcels, case, "bare", found))
    for name, ask in case.peers.items():
        if name not in ports:
            continue
        other = OverHTTP(ports[name], ask)
        try:
            found = await duel(ours, other, places, lanes=LANES, seconds=seconds)
            _note(run, Row(bed.parcels, case, name, found))
        except Refused as error:
            _note(run, Row(bed.parcels, case, name, None, str(error)))
        other.close()
    ours.close()


def _note(run: Run, row: Row) -> None:
    run.results.rows.append(row)
    ratio = f"p50 × {row.duel.p50_ratio:.2f}, rate × {row.duel.rate_ratio:.2f}" if row.duel else row.refusal
    console.print(f"  {row.parcels:>9,}  {row.case.title:<48} {row.other:<9} {ratio}", highlight=False)


async def _measure_growth(run: Run, small: int, large: int) -> None:
    async with _ours(small) as smaller, _ours(large) as larger:
        for case in run.cases:
            if not case.indexed:
                continue
            pair = OverHTTP(larger.port, case.ours), OverHTTP(smaller.port, case.ours)
            found = await duel(*pair, run.places, lanes=1, seconds=run.options.seconds)
            run.results.growth.append((case, found))
            for contender in pair:
                contender.close()


async def _memory_of_pages(parcels: int, server: Server) -> Memory:
    await _peak_growth(server, 1, SMALL_PAGE)
    return Memory(parcels, await _peak_growth(server, 1, BIG_PAGE), await _peak_growth(server, LANES, BIG_PAGE))


async def _peak_growth(server: Server, count: int, page: HttpAsk) -> float:
    """Megabytes by which reading a page on so many lanes raises the resident memory at its peak."""
    lanes = [await Connection.open(server.port) for _ in range(count)]
    before = resident_mb(server.pid)
    reset_peak(server.pid)

    async def read(lane: Connection) -> None:
        for _ in range(PAGES_A_LANE):
            await lane.ask(page)
        lane.close()

    await asyncio.gather(*(read(lane) for lane in lanes))
    return peak_mb(server.pid) - before


if __name__ == "__main__":
    main()
