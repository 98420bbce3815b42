"""OGC API - Styles: every layer's style as MapLibre JSON, SLD 1.0 and QML, and styles of maps of several layers."""

from __future__ import annotations

import hashlib
from typing import Final

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from app.ogc.complete import JSON
from app.ogc.params import single_values
from app.problems import BadParameter
from app.resources import Resources, ResourcesOf, ScopeOf
from app.tile_routes import REVALIDATE, find_layers
from layers.access import Scope
from layers.catalogue import Layer
from tiles.errors import LayerHasNoTiles, StyleNotFound
from tiles.styles.maplibre import maplibre_style
from tiles.styles.qml import qml_style
from tiles.styles.sld import sld_style

router = APIRouter(prefix="/ogc", include_in_schema=False)
MAPLIBRE: Final = "application/vnd.mapbox.style+json"
SLD: Final = "application/vnd.ogc.sld+xml;version=1.0"
QML: Final = "application/vnd.qgis.qml+xml"
_FORMS: Final = {
    "mapbox": MAPLIBRE,
    "maplibre": MAPLIBRE,
    "json": MAPLIBRE,
    "sld10": SLD,
    "sld": SLD,
    "qml": QML,
}
_VERSIONS: Final = {MAPLIBRE: "8", SLD: "1.0.0", QML: "3"}
READ_METHODS = ["GET", "HEAD"]


def _has_style(layer: Layer) -> bool:
    return layer.definition.tiles is not None and layer.definition.style is not None


@router.api_route("/styles", methods=READ_METHODS)
async def get_styles(request: Request, resources: ResourcesOf, scope: ScopeOf) -> Response:
    """The styles (OGC API - Styles, 7.2): one for each layer; ``a,b`` names that of a map of layers."""
    single_values(request, ("f", "lang"))
    layers = [layer for layer in resources.catalogue.visible(scope) if _has_style(layer)]
    url = resources.settings.public_url
    return _json(request, {"styles": [_entry(layer, url) for layer in layers], "links": [_self(f"{url}/ogc/styles")]})


@router.api_route("/collections/{collection_id}/styles", methods=READ_METHODS)
async def get_collection_styles(
    request: Request, resources: ResourcesOf, scope: ScopeOf, collection_id: str
) -> Response:
    """The styles that suit a collection."""
    single_values(request, ("f", "lang"))
    layer = _one(resources, scope, collection_id)
    url = resources.settings.public_url
    here = f"{url}/ogc/collections/{layer.slug}/styles"
    return _json(request, {"styles": [_entry(layer, url)], "default": layer.slug, "links": [_self(here)]})


@router.api_route("/styles/{style_id}", methods=READ_METHODS)
async def get_style(request: Request, resources: ResourcesOf, scope: ScopeOf, style_id: str) -> Response:
    """A style sheet, by ``f`` (mapbox, sld10, qml) and else by ``Accept``."""
    return _sheet(request, resources, find_layers(resources, scope, style_id))


@router.api_route("/collections/{collection_id}/styles/{style_id}", methods=READ_METHODS)
async def get_collection_style(
    request: Request, resources: ResourcesOf, scope: ScopeOf, collection_id: str, style_id: str
) -> Response:
    """The style sheet of a collection; its id is the collection's."""
    layer = _one(resources, scope, collection_id)
    if style_id not in (layer.slug, "default"):
        raise StyleNotFound(style_id, known=layer.slug)
    return _sheet(request, resources, [layer])


@router.api_route("/styles/{style_id}/metadata", methods=READ_METHODS)
async def get_style_metadata(request: Request, resources: ResourcesOf, scope: ScopeOf, style_id: str) -> Response:
    """Metadata of a style (OGC API - Styles, 7.4)."""
    single_values(request, ("f", "lang"))
    layers = find_layers(resources, scope, style_id)
    url = resources.settings.public_url
    maplibre = maplibre_style(layers, _tilejson(url, layers))
    document = {
        "id": style_id,
        "title": maplibre["name"],
        "description": maplibre["metadata"]["diaban:title_en"],
        "scope": "style",
        "stylesheets": [
            {
                "title": link["title"],
                "native": link["type"] == MAPLIBRE,
                "version": _VERSIONS[link["type"]],
                "link": link,
            }
            for link in _sheets(layers, url)
        ],
        "layers": [{"id": layer.slug, "type": str(layer.definition.geometry).lower()} for layer in layers],
    }
    return _json(request, document)


def _one(resources: Resources, scope: Scope, slug: str) -> Layer:
    layer = resources.catalogue.get(slug, scope)
    if not _has_style(layer):
        raise LayerHasNoTiles(slug)
    return layer


def _sheet(request: Request, resources: Resources, layers: list[Layer]) -> Response:
    kind = _choose(request)
    if kind == MAPLIBRE:
        body = orjson.dumps(maplibre_style(layers, _tilejson(resources.settings.public_url, layers)))
        return _tagged(request, body, MAPLIBRE)
    if len(layers) > 1:
        raise BadParameter(
            "f",
            "Kiểu SLD và QML chỉ có cho từng lớp; hãy yêu cầu từng lớp một hoặc dùng f=mapbox.",
            "SLD and QML exist for single layers; ask for one layer at a time or use f=mapbox.",
        )
    write = qml_style if kind == QML else sld_style
    return _tagged(request, write(layers[0].definition), kind)


def _choose(request: Request) -> str:
    asked = single_values(request, ("f", "lang")).get("f")
    if asked is None:
        accepted = request.headers.get("accept", "")
        return SLD if "sld" in accepted else QML if "qml" in accepted else MAPLIBRE
    if asked not in _FORMS:
        raise BadParameter("f", "“f” phải là mapbox, sld10 hoặc qml.", '"f" must be mapbox, sld10 or qml.')
    return _FORMS[asked]


def _tilejson(url: str, layers: list[Layer]) -> str:
    return f"{url}/tiles/{','.join(layer.slug for layer in layers)}.json"


def _sheets(layers: list[Layer], url: str) -> list[dict[str, str]]:
    here = f"{url}/ogc/styles/{','.join(layer.slug for layer in layers)}"
    sheets = [{"rel": "stylesheet", "type": MAPLIBRE, "title": "MapLibre", "href": f"{here}?f=mapbox"}]
    if len(layers) == 1:
        sheets.append({"rel": "stylesheet", "type": SLD, "title": "SLD 1.0 (QGIS)", "href": f"{here}?f=sld10"})
        sheets.append({"rel": "stylesheet", "type": QML, "title": "QML (QGIS)", "href": f"{here}?f=qml"})
    return sheets


def _entry(layer: Layer, url: str) -> dict[str, object]:
    title = layer.definition.title
    about = {"rel": "describedby", "type": JSON, "href": f"{url}/ogc/styles/{layer.slug}/metadata"}
    return {"id": layer.slug, "title": f"{title.vi} · {title.en}", "links": [*_sheets([layer], url), about]}


def _self(href: str) -> dict[str, str]:
    return {"rel": "self", "type": JSON, "href": href}


def _json(request: Request, document: dict[str, object]) -> Response:
    return _tagged(request, orjson.dumps(document), JSON)


def _tagged(request: Request, body: bytes, kind: str) -> Response:
    headers = {
        "ETag": f'W/"{hashlib.blake2b(body, digest_size=12).hexdigest()}"',
        "Cache-Control": REVALIDATE,
        "Vary": "Accept",
        "Content-Type": kind,
    }
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers)
