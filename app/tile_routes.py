"""Vector tiles and TileJSON at short addresses, as map clients want them."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.resources import Resources, ResourcesOf, ScopeOf
from layers.access import Scope
from layers.catalogue import Layer
from tiles.address import TileAddress
from tiles.service import tilejson

router = APIRouter(prefix="/tiles", tags=["tiles"])
MVT = "application/vnd.mapbox-vector-tile"
# Shared caches keep nothing that a scope decides, and everybody asks again: a publish is seen at once.
REVALIDATE = "no-cache"
# Names the layers whose counts by cell in this tile are older than the layer.
BEHIND = "Diaban-Tile-Behind"


def find_layers(resources: Resources, scope: Scope, names: str) -> list[Layer]:
    """The layers that a comma-separated list names, in its order."""
    return [resources.catalogue.get(name, scope) for name in names.split(",")]


async def answer_tile(
    request: Request, resources: Resources, scope: Scope, layers: list[Layer], address: TileAddress
) -> Response:
    """The tile as an HTTP answer: 204 where it is empty, 304 where the client has it."""
    gzipped = "gzip" in request.headers.get("accept-encoding", "")
    answer = await resources.tiles.tile(layers, address, scope, gzipped=gzipped)
    headers = {"ETag": answer.etag, "Cache-Control": REVALIDATE, "Vary": "Accept-Encoding"}
    if answer.behind:
        headers[BEHIND] = ", ".join(answer.behind)
    if answer.etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    if not answer.body:
        return Response(status_code=204, headers=headers)
    if gzipped:
        headers["Content-Encoding"] = "gzip"
    return Response(answer.body, media_type=MVT, headers=headers)


@router.head("/{layers}/{z}/{x}/{y}.pbf", include_in_schema=False)
@router.get("/{layers}/{z}/{x}/{y}.pbf", summary="Ô bản đồ vectơ · Vector tile")
async def get_tile(
    request: Request, resources: ResourcesOf, scope: ScopeOf, layers: str, z: int, x: int, y: int
) -> Response:
    """One WebMercatorQuad tile of one or several layers (comma-separated), in MVT 2.1."""
    found = find_layers(resources, scope, layers)
    return await answer_tile(request, resources, scope, found, TileAddress.parse(z=z, x=x, y=y))


@router.head("/{layers}.json", include_in_schema=False)
@router.get("/{layers}.json", summary="TileJSON")
async def get_tilejson(request: Request, resources: ResourcesOf, scope: ScopeOf, layers: str) -> Response:
    """TileJSON 3.0 of one or several layers (comma-separated)."""
    found = find_layers(resources, scope, layers)
    names = ",".join(layer.slug for layer in found)
    url = resources.settings.public_url
    body = tilejson(found, f"{url}/tiles/{names}/{{z}}/{{x}}/{{y}}.pbf", f"{url}/ogc/styles/{names}")
    tag = "+".join(f"{layer.edition}-{layer.revision}" for layer in found)
    headers = {"ETag": f'"{tag}"', "Cache-Control": REVALIDATE}
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)
