"""Routes of the OGC API at /ogc: documents by pygeoapi, features and tiles by our own statements."""

from __future__ import annotations

import anyio.to_thread
import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from app.ogc.documents import Document, OGCDocuments
from app.ogc.forms import FEATURE_FORMS, MEDIA_TYPES, Form, choose_form
from app.ogc.items import (
    REVALIDATE,
    ItemsPage,
    etag_of,
    feature_links,
    is_known,
    not_modified,
    page_document,
    page_links,
    page_members,
    read_feature,
    read_page,
    view_of,
)
from app.ogc.limits import is_inside
from app.ogc.pages import (
    collection_document,
    content_type,
    csv_document,
    download_headers,
    flatgeobuf_document,
    jsonfg_members,
    link_header,
)
from app.ogc.params import FEATURE_PARAMETERS, ItemsRequest, parse_items_request, single_values
from app.problems import wants_english
from app.resources import Resources, ResourcesOf, ScopeOf
from app.tile_routes import answer_tile
from layers.access import Scope
from layers.catalogue import Layer
from layers.errors import FeatureNotFound, LayerNotFound
from spatial.crs import parse_crs
from tiles.address import TileAddress
from tiles.errors import MatrixSetNotFound, TileOutsideLimits, TileOutsideMatrix
from tiles.matrix import MATRIX_SETS
from web.pages import render_item, render_items

router = APIRouter(prefix="/ogc", include_in_schema=False)
ITEMS = "/collections/{collection_id}/items"
TILE = "/collections/{collection_id}/tiles/{tms_id}/{z}/{y}/{x}"
READ_METHODS = ["GET", "HEAD"]
ALLOW = {"Allow": "GET, HEAD, OPTIONS"}
VARY = "Accept, Accept-Encoding"
MAX_FID = 2**63 - 1


def _documents(request: Request) -> OGCDocuments:
    documents = request.app.state.ogc
    assert isinstance(documents, OGCDocuments)  # noqa: S101 - the lifespan sets it before any request
    return documents


def find_collection(resources: Resources, scope: Scope, collection_id: str) -> Layer:
    """The layer behind a collection.

    Raises:
        LayerNotFound: No such layer, one that the reader may not know of, or one without geometry.
    """
    layer = resources.catalogue.get(collection_id, scope)
    if layer.definition.geometry is None:
        raise LayerNotFound(collection_id)
    return layer


@router.api_route(ITEMS, methods=READ_METHODS)
async def get_items(request: Request, resources: ResourcesOf, scope: ScopeOf, collection_id: str) -> Response:
    """A page of features (OGC API - Features Part 1, 7.15)."""
    layer = find_collection(resources, scope, collection_id)
    form = choose_form(request)
    settings = resources.settings
    asked = parse_items_request(request, layer, default_limit=settings.default_items, max_limit=settings.max_items)
    headers = {"Content-Crs": f"<{asked.crs.uri}>", "Cache-Control": REVALIDATE, "Vary": VARY}
    etag = etag_of(request, layer, layer.revision, form)
    if form is not Form.HTML and is_known(request, etag):
        return not_modified({**headers, "ETag": etag})
    page = await read_page(resources, scope, layer, asked, form)
    url = _collection_url(resources, layer)
    links = page_links(request, f"{url}/items", asked, page, Form.GEOJSON if form is Form.HTML else form)
    if form is Form.HTML:
        return _html_page(request, layer, asked, page_document(page, links, synthetic=layer.synthetic), headers)
    headers |= {"ETag": etag_of(request, layer, page.revision, form), "Content-Type": content_type(form)}
    if form in (Form.CSV, Form.FLATGEOBUF):
        headers |= download_headers(layer, form, page.returned, page.matched) | {"Link": link_header(links)}
    return Response(await _page_body(layer, asked, page, form, links, url), headers=headers)


async def _page_body(
    layer: Layer, asked: ItemsRequest, page: ItemsPage, form: Form, links: list[dict[str, str]], url: str
) -> bytes:
    if form is Form.CSV:
        return csv_document(layer, view_of(asked), page.body)
    if form is Form.FLATGEOBUF:
        return await anyio.to_thread.run_sync(flatgeobuf_document, layer, view_of(asked), page.rows)
    members = page_members(page, links, synthetic=layer.synthetic)
    if form is Form.JSONFG:
        members = jsonfg_members(layer, asked.crs, url) | members
    return collection_document(page.body, members)


def _html_page(
    request: Request, layer: Layer, asked: ItemsRequest, document: bytes, headers: dict[str, str]
) -> Response:
    english = wants_english(request.headers.get("accept-language"))
    body = render_items(layer, orjson.loads(document), crs=asked.crs, english=english)
    return Response(body, media_type="text/html; charset=utf-8", headers=headers)


@router.api_route(ITEMS + "/{feature_id}", methods=READ_METHODS)
async def get_item(
    request: Request, resources: ResourcesOf, scope: ScopeOf, collection_id: str, feature_id: str
) -> Response:
    """One feature (OGC API - Features Part 1, 7.16)."""
    layer = find_collection(resources, scope, collection_id)
    form = choose_form(request, FEATURE_FORMS)
    values = single_values(request, FEATURE_PARAMETERS)
    crs = parse_crs(values.get("crs"))
    if not (feature_id.isascii() and feature_id.isdigit()) or int(feature_id) > MAX_FID:
        raise FeatureNotFound(layer.slug, feature_id)
    body, revision = await read_feature(resources, scope, layer, int(feature_id), crs, form)
    headers = {"Content-Crs": f"<{crs.uri}>", "Cache-Control": REVALIDATE, "Vary": VARY}
    headers["ETag"] = etag_of(request, layer, revision, form)
    url = _collection_url(resources, layer)
    members: dict[str, object] = {
        "links": feature_links(url, int(feature_id), Form.GEOJSON if form is Form.HTML else form)
    }
    if form is Form.JSONFG:
        members = jsonfg_members(layer, crs, url) | members
    document = body + b"," + orjson.dumps(members)[1:]
    if form is Form.HTML:
        english = wants_english(request.headers.get("accept-language"))
        page = render_item(layer, orjson.loads(document), crs=crs, english=english)
        del headers["ETag"]
        return Response(page, media_type="text/html; charset=utf-8", headers=headers)
    if is_known(request, headers["ETag"]):
        return not_modified(headers)
    return Response(document, media_type=MEDIA_TYPES[form], headers=headers)


def _collection_url(resources: Resources, layer: Layer) -> str:
    return f"{resources.settings.public_url}/ogc/collections/{layer.slug}"


@router.api_route(TILE, methods=READ_METHODS)
async def get_tile(
    request: Request, resources: ResourcesOf, scope: ScopeOf, collection_id: str, tms_id: str, z: str, y: str, x: str
) -> Response:
    """A vector tile at OGC's order of path parts: tile matrix, row, column (OGC API - Tiles, 7.1)."""
    layer = find_collection(resources, scope, collection_id)
    single_values(request, ("f", "lang"))
    matrix = MATRIX_SETS.get(tms_id)
    if matrix is None:
        raise MatrixSetNotFound(tms_id, known=MATRIX_SETS)
    if not all(part.isascii() and part.isdigit() and len(part) < 12 for part in (z, x, y)):
        raise TileOutsideMatrix(-1, -1, -1, max_zoom=matrix.max_zoom)
    address = TileAddress.parse(z=int(z), x=int(x), y=int(y), matrix=matrix)
    if layer.definition.tiles is not None and not is_inside(layer, address):
        raise TileOutsideLimits(layer.slug, address.z, address.x, address.y)
    return await answer_tile(request, resources, scope, [layer], address)


_DOCUMENTS = (
    ("", Document.LANDING),
    ("/", Document.LANDING),
    ("/openapi", Document.OPENAPI),
    ("/conformance", Document.CONFORMANCE),
    ("/collections", Document.COLLECTIONS),
    ("/collections/", Document.COLLECTIONS),
    ("/collections/{collection_id}", Document.COLLECTION),
    ("/collections/{collection_id}/queryables", Document.QUERYABLES),
    ("/collections/{collection_id}/sortables", Document.SORTABLES),
    ("/collections/{collection_id}/schema", Document.SCHEMA),
    ("/collections/{collection_id}/tiles", Document.TILESETS),
    ("/collections/{collection_id}/tiles/{tms_id}", Document.TILESET),
    ("/processes", Document.PROCESSES),
    ("/processes/{process_id}", Document.PROCESS),
    ("/tileMatrixSets", Document.TILE_MATRIX_SETS),
    ("/tileMatrixSets/{tms_id}", Document.TILE_MATRIX_SET),
)


async def get_document_options() -> Response:
    """Tells which methods a document takes: reading only."""
    return Response(status_code=204, headers=ALLOW)


def _add_document(path: str, document: Document) -> None:
    async def get_document(request: Request, resources: ResourcesOf, scope: ScopeOf) -> Response:
        arguments = [
            request.path_params[name] for name in ("collection_id", "tms_id", "process_id") if f"{{{name}}}" in path
        ]
        return await _documents(request).answer(request, resources, scope, document, *arguments)

    router.add_api_route(path, get_document, methods=READ_METHODS, name=document.value)
    router.add_api_route(path, get_document_options, methods=["OPTIONS"], name=f"{document.value}-options")


for _path, _document in _DOCUMENTS:
    _add_document(_path, _document)
