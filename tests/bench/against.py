"""``make bench-peers``: the walk of a map user and pages of features, ours against every peer that can be had here."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from app.cluster import Cluster, use_cluster
from app.console import console, say
from app.settings import CHECKOUT
from layers.definition_reader import load_builtin
from tests.bench.client import HttpAsk
from tests.bench.databases import PARCELS, Bed, bed_name, prepare_bed
from tests.bench.map_peers import mapserver, martin, pg_featureserv, pg_tileserv, qgis_server
from tests.bench.measure import AskMaker, Duel, OverHTTP, Refused, duel
from tests.bench.peers import VIEW, NotInstalled, Peer, make_peer
from tests.bench.places import Place, draw_places
from tests.bench.report import markdown_table
from tests.bench.servers import NotStarted, free_port, our_command, running
from tests.bench.service import CLUSTER
from tests.bench.setup import Setup, describe_setup
from tests.bench.walk import Step, record_walk

LANES = 4
CACHE_MB = 512
LIMIT = 1_000
BOX_HALF_M = 250.0
PROBE = "/ogc/collections/parcels/items?f=json&limit=1"
# How many times as many answers a second as each peer ours aims at.
AIMS = {
    "tiles cold": {"martin": 1.0, "pg_tileserv": 1.5},
    "tiles warm": {"martin": 1.0},
    "features": {"pg_featureserv": 1.5, "mapserver": 1.5, "tipg": 10.0},
}


@dataclass(frozen=True)
class Rival:
    """A peer in one discipline: how it is made for a database and port, and how it is asked."""

    name: str
    make: Callable[[Bed, int], Peer]
    asks: Sequence[AskMaker]


@dataclass(frozen=True)
class Discipline:
    """A kind of question: ours and the rivals', each request by each of our own.

    Attributes:
        cache_mb: Size of the tile cache of ours.
    """

    name: str
    titles: Sequence[str]
    ours: Sequence[AskMaker]
    rivals: Sequence[Rival]
    cache_mb: int = 0


@dataclass
class Outcome:
    """All that the run has found."""

    setup: Setup
    beds: list[str] = field(default_factory=list)
    lines: list[list[str]] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)


def main() -> None:
    """Reads the command line, measures, writes the report."""
    parser = argparse.ArgumentParser(prog="make bench-peers ARGS=…", description=__doc__)
    parser.add_argument("--parcels", default="300000,5000000", help="sizes of the databases")
    parser.add_argument("--seconds", type=float, default=4.0, help="for one comparison")
    parser.add_argument("--report", type=Path, default=CHECKOUT / "docs" / "bench-peers.md")
    words = parser.parse_args()
    with use_cluster(CHECKOUT, CLUSTER) as cluster:
        sizes = [int(word) for word in words.parcels.split(",")]
        outcome = asyncio.run(_measure(cluster, sizes, words.seconds))
    words.report.write_text(_report(outcome))
    say(f"Đã ghi {words.report}", f"written to {words.report}")


async def _measure(cluster: Cluster, sizes: Sequence[int], seconds: float) -> Outcome:
    beds = [prepare_bed(cluster, size) for size in sizes]
    outcome = Outcome(describe_setup(beds[0].database))
    places = draw_places(beds[0].database)
    for size, bed in zip(sizes, beds, strict=True):
        outcome.beds.append(f"{bed.parcels:,} parcels, {bed.size}")
        for discipline in _disciplines():
            subjects = record_walk(places) if discipline.name.startswith("tiles") else places
            await _compete(outcome, discipline, size, bed, subjects, seconds)
    return outcome


async def _compete(
    outcome: Outcome, discipline: Discipline, size: int, bed: Bed, subjects: Sequence[Place], seconds: float
) -> None:
    port = free_port()
    command = our_command(bed_name(size), port, tile_cache_mb=discipline.cache_mb)
    async with running("ours-peers", port, command, PROBE):
        for rival in discipline.rivals:
            async with AsyncExitStack() as stack:
                other = free_port()
                try:
                    peer = await asyncio.to_thread(rival.make, bed, other)
                    await stack.enter_async_context(running(rival.name, other, peer.command, peer.probe, peer.env))
                except (NotInstalled, NotStarted) as error:
                    outcome.missing[rival.name] = " / ".join(str(error).split(" / ")[:2])
                    continue
                outcome.versions[peer.name] = peer.version
                for title, ours, ask in zip(discipline.titles, discipline.ours, rival.asks, strict=True):
                    pair = OverHTTP(port, ours), OverHTTP(other, ask)
                    line = [discipline.name, f"{bed.parcels:,}", title, rival.name]
                    try:
                        if discipline.cache_mb:
                            await _fill_caches(pair, subjects)
                        found = await duel(*pair, subjects, lanes=LANES, seconds=seconds)
                        line += _figures(discipline.name, rival.name, found)
                    except Refused as refused:
                        line += [str(refused), "", "", "", ""]
                    outcome.lines.append(line)
                    console.print("  ", *line, highlight=False)
                    for contender in pair:
                        contender.close()


async def _fill_caches(contenders: Sequence[OverHTTP], subjects: Sequence[Place]) -> None:
    for contender in contenders:
        for subject in subjects:
            await contender.answer(0, subject)


def _figures(discipline: str, rival: str, found: Duel) -> list[str]:
    aim = AIMS[discipline].get(rival)
    held = "" if aim is None else f"{aim} {'held' if found.rate_ratio >= aim else '**missed**'}"
    return [
        f"{found.rate_ratio:.2f}",
        held,
        f"{found.ours.p50:.2f} / {found.other.p50:.2f}",
        f"{found.ours.p95:.2f} / {found.other.p95:.2f}",
        f"{found.ours.size / 1000:.0f} / {found.other.size / 1000:.0f}",
    ]


def _disciplines() -> list[Discipline]:
    definition = load_builtin()[PARCELS]
    ours, plain = [_tile("/tiles/parcels", ".pbf")], ["walk z12–z16"]
    tipg = Rival(
        "tipg",
        lambda bed, port: make_peer("tipg", bed.database, port),
        [_tile(f"/collections/{VIEW}/tiles/WebMercatorQuad", "")],
    )

    def rival(cache_mb: int) -> Rival:
        return Rival(
            "martin",
            lambda bed, port: martin(bed.database, port, definition, cache_mb=cache_mb),
            [_tile("/parcels", "")],
        )

    tileserv = Rival("pg_tileserv", lambda bed, port: pg_tileserv(bed.database, port), [_tile(f"/{VIEW}", ".pbf")])
    return [
        Discipline("tiles cold", plain, ours, [rival(0), tileserv, tipg]),
        Discipline("tiles warm", plain, ours, [rival(CACHE_MB)], cache_mb=CACHE_MB),
        _features(),
    ]


def _features() -> Discipline:
    def asks(path: str) -> list[AskMaker]:
        whole = HttpAsk.get(f"{path}limit={LIMIT}")

        def boxed(place: Place) -> HttpAsk:
            box = ",".join(f"{value:.7f}" for value in place.box(BOX_HALF_M))
            return HttpAsk.get(f"{path}limit={LIMIT}&bbox={box}")

        return [lambda place: whole, boxed]

    return Discipline(
        "features",
        [f"a page of {LIMIT:,}", f"a box of {2 * BOX_HALF_M:.0f} m"],
        asks("/ogc/collections/parcels/items?f=json&"),
        [
            Rival(
                "pg_featureserv",
                lambda bed, port: pg_featureserv(bed.database, port),
                asks(f"/collections/{VIEW}/items.json?"),
            ),
            Rival(
                "mapserver",
                lambda bed, port: mapserver(bed.database, port),
                asks("/parcels/ogcapi/collections/parcels/items?f=json&"),
            ),
            Rival(
                "qgis",
                lambda bed, port: qgis_server(bed.database, port),
                asks("/wfs3/collections/parcels/items.json?"),
            ),
            Rival(
                "tipg",
                lambda bed, port: make_peer("tipg", bed.database, port),
                asks(f"/collections/{VIEW}/items?f=geojson&"),
            ),
            Rival(
                "pygeoapi",
                lambda bed, port: make_peer("pygeoapi", bed.database, port),
                asks("/collections/parcels/items?f=json&"),
            ),
        ],
    )


def _tile(path: str, ending: str) -> AskMaker:
    def ask(place: Place) -> HttpAsk:
        assert isinstance(place, Step)
        z, x, y = place.address()
        return HttpAsk.get(f"{path}/{z}/{x}/{y}{ending}")

    return ask


def _report(outcome: Outcome) -> str:
    head = ("discipline", "parcels", "question", "against", "rate ours / theirs", "aim", "p50 ms", "p95 ms", "KB")
    return "\n".join(
        [
            "# Ours against the peers",
            "",
            "Written by `make bench-peers`. Only the ratios tell: each comes from two servers asked the same requests"
            " in turn on four connections, in bursts of a quarter of a second, on a machine that others use too."
            " Above 1, ours answers more a second.",
            "",
            *outcome.setup.lines(),
            *(f"- {bed}" for bed in outcome.beds),
            f"- ours: one worker; *cold*: tile caches off on both sides; *warm*: {CACHE_MB} MB each, the whole walk"
            " made once before; Martin, MapServer and QGIS Server use both cores",
            "- the walk: six towns, zoom 12 to 16, nine tiles a screen; peers send at every zoom the fields that ours"
            " sends at z16, in a view without our stored tile geometry",
            *(f"- {name} {version}" for name, version in outcome.versions.items()),
            *(f"- **not measured**: {name}: {reason}" for name, reason in outcome.missing.items()),
            "",
            *markdown_table(head, outcome.lines),
            "",
        ]
    )


if __name__ == "__main__":
    main()
