"""The home page, the documentation, the overview map, and files that do not change."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Request
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles

from app.ogc.negotiation import language_wanted
from app.problems import problem
from app.resources import Resources, ResourcesOf, ScopeOf
from layers.access import Scope
from layers.catalogue import Layer
from web.environment import STATIC_FOLDER, Site
from web.home import Outline, Overview, render_docs, render_home, render_overview
from web.svg_map import outline_statement, outline_values, overview_frame

COMMUNES = "communes"
NAME = "name"
HTML = "text/html; charset=utf-8"
SVG = "image/svg+xml"

router = APIRouter(include_in_schema=False)
_static = StaticFiles(directory=STATIC_FOLDER)


@dataclass(frozen=True, slots=True)
class _Kept:
    """The overview of the newest revision seen, as it is and as a document."""

    key: tuple[object, ...] = ()
    overview: Overview | None = None
    document: bytes = b""


def _site(request: Request, resources: Resources) -> Site:
    english, lang = language_wanted(request)
    return Site(resources.settings.public_url, english=english, lang=lang)


def _page(body: bytes, site: Site) -> Response:
    headers = {
        "Cache-Control": "no-cache",
        "Vary": "Accept-Language",
        "Content-Language": "en" if site.english else "vi",
        "Content-Type": HTML,
    }
    return Response(body, headers=headers)


@router.api_route("/", methods=["GET", "HEAD"])
async def get_home(request: Request, resources: ResourcesOf, scope: ScopeOf) -> Response:
    """What the service is, what it holds, and how to reach it."""
    site = _site(request, resources)
    layers = resources.catalogue.visible(scope)
    overview = (await _overview(request, resources, scope, layers)).overview
    return _page(render_home(layers, overview=overview, is_current=resources.watcher.is_current, site=site), site)


@router.api_route("/docs", methods=["GET", "HEAD"])
async def get_docs(request: Request, resources: ResourcesOf, scope: ScopeOf) -> Response:
    """The endpoints of the service."""
    site = _site(request, resources)
    synthetic = any(layer.synthetic for layer in resources.catalogue.visible(scope))
    return _page(render_docs(request.app.openapi(), synthetic=synthetic, site=site), site)


@router.api_route("/overview.svg", methods=["GET", "HEAD"])
async def get_overview(request: Request, resources: ResourcesOf, scope: ScopeOf) -> Response:
    """The outlines of all communes."""
    kept = await _overview(request, resources, scope, resources.catalogue.visible(scope))
    if kept.overview is None:
        return problem(
            request,
            404,
            "Chưa có địa giới xã, phường. Hãy nạp lớp “communes”.",
            'There are no commune boundaries yet. Load the layer "communes".',
        )
    headers = {"ETag": f'W/"overview-{kept.overview.revision}"', "Cache-Control": "no-cache"}
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(kept.document, media_type=SVG, headers=headers)


@router.api_route("/favicon.ico", methods=["GET", "HEAD"])
async def get_icon() -> Response:
    """The mark of the service."""
    return FileResponse(STATIC_FOLDER / "mark.svg", media_type=SVG)


@router.api_route("/static/{path:path}", methods=["GET", "HEAD"])
async def get_static(request: Request, path: str) -> Response:
    """Styles and marks; a mount would be lost when the router is included."""
    return await _static.get_response(path, request.scope)


async def _overview(request: Request, resources: Resources, scope: Scope, layers: list[Layer]) -> _Kept:
    communes = next((layer for layer in layers if layer.slug == COMMUNES), None)
    if communes is None or communes.extent is None:
        return _Kept()
    key = (communes.reach, communes.definition_version, communes.revision)
    kept: _Kept = getattr(request.app.state, "overview", _Kept())
    if kept.key != key:
        overview = await _read_overview(resources, scope, communes)
        kept = _Kept(key, overview, render_overview(overview))
        request.app.state.overview = kept
    return kept


async def _read_overview(resources: Resources, scope: Scope, communes: Layer) -> Overview:
    assert communes.extent is not None  # noqa: S101 - the caller has looked
    frame = overview_frame(communes.extent)
    statement = resources.statements.get(communes, "overview", lambda target: outline_statement(target, NAME))
    async with resources.gate.read(communes.reader(scope)) as connection:
        rows = await connection.fetch(statement.text, *statement.args(outline_values(frame)))
    outlines = tuple(Outline(row["fid"], row["name"] or "", row["path"]) for row in rows)
    return Overview(frame, communes.revision, communes.feature_count, outlines)
