"""The ways by which features leave the service: each gives the ids that a reader gets, or None for an absent layer."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import httpx
import mapbox_vector_tile
import morecantile

from app.exports.run import Exporter
from tests.app.rights.readers import LAYERS, NOBODY, PUBLIC, RESTRICTED
from tests.layers.ask_world import INTERNAL, SIZE, SOUTH, WEST
from tests.people import WHO

# Four communes meet in the middle; the whole province has too many parcels for one page.
MIDDLE = (WEST + SIZE / 2 - 0.01, SOUTH + SIZE / 2 - 0.01, WEST + SIZE / 2 + 0.01, SOUTH + SIZE / 2 + 0.01)
ALL = (WEST, SOUTH, WEST + SIZE, SOUTH + SIZE)
WINDOWS = {INTERNAL: MIDDLE, PUBLIC: MIDDLE, RESTRICTED: ALL}
MOST = 1000
_TILES = morecantile.tms.get("WebMercatorQuad")


@dataclass(frozen=True)
class Asking:
    """One reader in front of the service."""

    client: httpx.Client
    who: str

    def get(self, path: str, **params: object) -> httpx.Response:
        return self.client.get(path, params=params, headers=self.headers)  # type: ignore[arg-type]

    def post(self, path: str, body: object) -> httpx.Response:
        return self.client.post(path, json=body, headers=self.headers)

    @property
    def headers(self) -> dict[str, str]:
        return {} if self.who == NOBODY else {WHO: self.who}


def _present(answer: httpx.Response) -> bool:
    assert answer.status_code in (200, 204, 404), (answer.url, answer.text)
    return answer.status_code != 404


def _box(slug: str) -> str:
    return ",".join(str(edge) for edge in WINDOWS[slug])


def _zone(slug: str) -> list[object]:
    west, south, east, north = WINDOWS[slug]
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return [{"zone": {"geometry": {"type": "Polygon", "coordinates": [ring]}}}]


def _items(form: str, **more: object) -> Callable[[Asking, str], set[int] | None]:
    def door(asking: Asking, slug: str) -> set[int] | None:
        path = f"/ogc/collections/{slug}/items"
        answer = asking.get(path, bbox=_box(slug), limit=MOST, f=form, **more)
        return {int(found["id"]) for found in answer.json()["features"]} if _present(answer) else None

    return door


def items_csv(asking: Asking, slug: str) -> set[int] | None:
    answer = asking.get(f"/ogc/collections/{slug}/items", bbox=_box(slug), limit=MOST, f="csv")
    if not _present(answer):
        return None
    rows = csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff")))
    return {int(row["fid"]) for row in rows}


def items_html(asking: Asking, slug: str) -> set[int] | None:
    answer = asking.get(f"/ogc/collections/{slug}/items", bbox=_box(slug), limit=MOST, f="html")
    if not _present(answer):
        return None
    return {int(found) for found in re.findall(rf"collections/{slug}/items/(\d+)", answer.text)}


def items_paged(asking: Asking, slug: str) -> set[int] | None:
    """By the links from page to page."""
    found: set[int] = set()
    answer = asking.get(f"/ogc/collections/{slug}/items", bbox=_box(slug), limit=17, f="json")
    if not _present(answer):
        return None
    while True:
        document = answer.json()
        found |= {feature["id"] for feature in document["features"]}
        following = next((link["href"] for link in document["links"] if link["rel"] == "next"), None)
        if following is None:
            return found
        answer = asking.client.get(following, headers=asking.headers)


def question(asking: Asking, slug: str) -> set[int] | None:
    asked = {"layer": slug, "where": _zone(slug), "features": {"limit": MOST, "geometry": False}, "format": "geojson"}
    answer = asking.post("/api/query", asked)
    return {int(found["id"]) for found in answer.json()["features"]} if _present(answer) else None


def process(asking: Asking, slug: str) -> set[int] | None:
    inputs = {"layer": slug, "where": _zone(slug), "features": {"limit": MOST, "geometry": False}, "format": "geojson"}
    answer = asking.post("/ogc/processes/ask_map/execution", {"inputs": inputs})
    if not _present(answer) or answer.status_code == 404:
        return None
    return {int(found["id"]) for found in answer.json()["features"]}


def one_by_one(asking: Asking, slug: str, candidates: list[int]) -> set[int] | None:
    """Each feature asked for by its id; absent ones count as not seen."""
    path = f"/ogc/collections/{slug}/items"
    return {fid for fid in candidates if _present(asking.get(f"{path}/{fid}", f="json"))}


def history(asking: Asking, slug: str, candidates: list[int]) -> set[int] | None:
    found = set()
    for fid in candidates:
        answer = asking.get(f"/api/layers/{slug}/features/{fid}/history")
        if _present(answer) and answer.json()["states"]:
            found.add(fid)
    return found


def tiles_of(slug: str) -> Iterator[morecantile.Tile]:
    """The tiles that cover the layer's window, where each feature is told by itself."""
    yield from _TILES.tiles(*WINDOWS[slug], zooms=14 if WINDOWS[slug] == MIDDLE else 12)


def tiles(asking: Asking, slug: str) -> set[int] | None:
    found: set[int] = set()
    for tile in tiles_of(slug):
        answer = asking.get(f"/tiles/{slug}/{tile.z}/{tile.x}/{tile.y}.pbf")
        if not _present(answer):
            return None
        layers = mapbox_vector_tile.decode(answer.content) if answer.content else {}
        found |= {
            feature["id"]
            for name in (slug, f"{slug}_labels")
            for feature in layers.get(name, {"features": ()})["features"]
        }
    return found


def export(asking: Asking, slug: str, exporter: Exporter) -> set[int] | None:
    """The whole layer as a file, made by the worker's own part; another person may not fetch it."""
    asked = asking.post("/api/exports", {"layer": slug, "format": "csv"})
    if asked.status_code == 404:
        return None
    assert asked.status_code == 202, asked.text
    address = f"/api/exports/{asked.json()['id']}"
    exporter.run(asked.json()["id"])
    if asking.who != NOBODY:
        for other in (NOBODY, "chairman.everywhere" if asking.who != "chairman.everywhere" else "police.here"):
            stranger = Asking(asking.client, other)
            assert [stranger.get(path).status_code for path in (address, f"{address}/file")] == [404, 404]
    rows = csv.DictReader(io.StringIO(asking.get(f"{address}/file").text.removeprefix("\ufeff")))
    return {int(row["fid"]) for row in rows}


SETS: dict[str, Callable[[Asking, str], set[int] | None]] = {
    "items": _items("json"),
    "items of a past revision": _items("json", revision=1),
    "items as JSON-FG": _items("jsonfg"),
    "items as CSV": items_csv,
    "items as HTML": items_html,
    "items page by page": items_paged,
    "question": question,
    "process": process,
}
"""Doors that give the features of a window."""


def counts(asking: Asking, slug: str) -> dict[str, int | None]:
    """How many features there are in the window, by every door that counts."""
    hits = asking.get(f"/ogc/collections/{slug}/items", bbox=_box(slug), resulttype="hits", f="json")
    asked = {"layer": slug, "where": _zone(slug), "figures": {"values": [{"op": "count"}]}, "format": "json"}
    total = asking.post("/api/query", asked)
    by_unit = asking.post("/api/query", {**asked, "figures": {"level": "commune", "values": [{"op": "count"}]}})
    return {
        "hits": hits.json()["numberMatched"] if _present(hits) else None,
        "figures": total.json()["figures"][0]["count"] if _present(total) else None,
        "figures by commune": sum(row["count"] for row in by_unit.json()["figures"]) if _present(by_unit) else None,
    }


def listed(asking: Asking) -> dict[str, set[str]]:
    """Which of the matrix's layers every catalogue names."""
    own = asking.get("/api/layers").json()["layers"]
    collections = asking.get("/ogc/collections", f="json").json()["collections"]
    api = asking.get("/ogc/openapi", f="json").text
    page = asking.get("/ogc/collections", f="html").text
    return {
        "layers": {layer["slug"] for layer in own} & set(LAYERS),
        "collections": {collection["id"] for collection in collections} & set(LAYERS),
        "openapi": {slug for slug in LAYERS if re.search(rf"collections/{slug}[/\"]", api)},
        "html": {slug for slug in LAYERS if re.search(rf"collections/{slug}[/\"?]", page)},
    }


DOCUMENTS = (
    "/api/layers/{slug}",
    "/api/layers/{slug}/revisions",
    "/tiles/{slug}.json",
    "/ogc/collections/{slug}",
    "/ogc/collections/{slug}/queryables",
    "/ogc/collections/{slug}/sortables",
    "/ogc/collections/{slug}/schema",
    "/ogc/collections/{slug}/tiles",
    "/ogc/collections/{slug}/tiles/WebMercatorQuad",
    "/ogc/styles/{slug}",
)
"""Addresses about a layer that exist only for those who may know of it."""
