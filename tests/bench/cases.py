"""What is measured: each question as we are asked it, as a bare statement, and as every peer is asked it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from layers.definition import Definition
from tests.bench import bare
from tests.bench.client import HttpAsk
from tests.bench.measure import AskMaker, BareMaker
from tests.bench.peers import VIEW
from tests.bench.places import Place

ITEM_LIMITS = (10, 100, 1_000, 10_000)
BOX_HALF_M, BOX_LIMIT = 250.0, 1_000
RADIUS_M = 500.0
NEAREST_K = 10
TILE_ZOOMS = (12, 14, 16)


@dataclass(frozen=True)
class Case:
    """One question.

    Attributes:
        bare: The bare statement that answers it.
        peers: How each peer that can answer it is asked.
        indexed: Whether an index finds the answer, so that it must not slow down as the table grows.
    """

    name: str
    title: str
    ours: AskMaker
    bare: BareMaker
    peers: Mapping[str, AskMaker] = field(default_factory=dict)
    indexed: bool = True


def make_cases(definition: Definition) -> list[Case]:
    """All questions, cheapest first."""
    return [
        *(_items(definition, limit) for limit in ITEM_LIMITS),
        _box(definition),
        _feature(definition),
        _radius(),
        _boundary(),
        _nearest(),
        *(_tile(definition, z) for z in TILE_ZOOMS),
    ]


def _items(definition: Definition, limit: int) -> Case:
    return Case(
        f"items-{limit}",
        f"items, limit {limit:,}",
        _get(f"/ogc/collections/parcels/items?f=json&limit={limit}"),
        bare.items(definition, limit),
        {
            "floor": _get(f"/items/{limit}"),
            "pygeoapi": _get(f"/collections/parcels/items?f=json&limit={limit}"),
            "tipg": _get(f"/collections/{VIEW}/items?f=geojson&limit={limit}"),
        },
    )


def _box(definition: Definition) -> Case:
    def asked(path: str) -> AskMaker:
        def ask(place: Place) -> HttpAsk:
            box = ",".join(f"{value:.7f}" for value in place.box(BOX_HALF_M))
            return HttpAsk.get(f"{path}limit={BOX_LIMIT}&bbox={box}")

        return ask

    return Case(
        "bbox",
        f"items in a box of {2 * BOX_HALF_M:.0f} m, limit {BOX_LIMIT:,}",
        asked("/ogc/collections/parcels/items?f=json&"),
        bare.boxed_items(definition, BOX_LIMIT, BOX_HALF_M),
        {
            "pygeoapi": asked("/collections/parcels/items?f=json&"),
            "tipg": asked(f"/collections/{VIEW}/items?f=geojson&"),
        },
    )


def _feature(definition: Definition) -> Case:
    return Case(
        "feature",
        "one feature by id",
        lambda place: HttpAsk.get(f"/ogc/collections/parcels/items/{place.fid}?f=json"),
        bare.feature(definition),
        {
            "pygeoapi": lambda place: HttpAsk.get(f"/collections/parcels/items/{place.fid}?f=json"),
            "tipg": lambda place: HttpAsk.get(f"/collections/{VIEW}/items/{place.fid}?f=geojson"),
        },
    )


def _radius() -> Case:
    def ask(place: Place) -> HttpAsk:
        return _query([{"radius": {"of": [place.lon, place.lat], "metres": RADIUS_M}}])

    title = f"radius {RADIUS_M:.0f} m: number and area by land use"
    return Case("radius", title, ask, bare.radius_figures(RADIUS_M))


def _boundary() -> Case:
    def ask(place: Place) -> HttpAsk:
        return _query([{"boundary": {"units": [place.commune]}}])

    return Case("boundary", "a commune: number and area by land use", ask, bare.boundary_figures())


def _nearest() -> Case:
    def ask(place: Place) -> HttpAsk:
        near = [{"nearest": {"to": [place.lon, place.lat], "k": NEAREST_K}}]
        page = {"limit": NEAREST_K, "properties": []}
        return _post({"layer": "parcels", "where": near, "features": page, "format": "geojson"})

    return Case("nearest", f"the nearest {NEAREST_K} with distances", ask, bare.nearest(NEAREST_K))


def _tile(definition: Definition, z: int) -> Case:
    def asked(path: str, *, row_first: bool = False, query: str = "") -> AskMaker:
        def ask(place: Place) -> HttpAsk:
            _, x, y = place.tile(z)
            return HttpAsk.get(f"{path}/{z}/{y}/{x}{query}" if row_first else f"{path}/{z}/{x}/{y}{query}")

        return ask

    return Case(
        f"tile-{z}",
        f"vector tile z{z}, not cached",
        asked("/tiles/parcels", query=".pbf"),
        bare.tile(definition, z),
        {
            "pygeoapi": asked("/collections/parcels/tiles/WebMercatorQuad", row_first=True, query="?f=mvt"),
            "tipg": asked(f"/collections/{VIEW}/tiles/WebMercatorQuad"),
        },
    )


def _get(path: str) -> AskMaker:
    request = HttpAsk.get(path)
    return lambda place: request


def _query(where: list[dict[str, object]]) -> HttpAsk:
    values = [{"op": "count"}, {"op": "area_m2"}]
    return _post({"layer": "parcels", "where": where, "figures": {"by": ["land_use_main"], "values": values}})


def _post(question: dict[str, object]) -> HttpAsk:
    return HttpAsk.post("/api/query", json.dumps(question).encode())
