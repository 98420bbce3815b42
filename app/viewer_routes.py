"""The viewer: its page under every address that it owns, and its files, which never change under their name."""

from __future__ import annotations

import hashlib
import mimetypes
from functools import lru_cache
from typing import Final

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response

from app.encoding import weights_of
from app.ogc.negotiation import language_wanted
from app.resources import ResourcesOf, ScopeOf
from web.environment import Site
from web.viewer_shell import FOLDER, PAGES, BaseMap, Build, content_policy, read_build, render_shell

IMMUTABLE: Final = "public, max-age=31536000, immutable"
READ_METHODS = ["GET", "HEAD"]

router = APIRouter(include_in_schema=False)


@lru_cache(maxsize=2)
def _build(changed_ns: int) -> Build | None:
    del changed_ns
    return read_build()


def find_build() -> Build | None:
    """The build in place now; a new one counts without a restart."""
    try:
        return _build((FOLDER / "manifest.json").stat().st_mtime_ns)
    except FileNotFoundError:
        return None


async def get_page(request: Request, resources: ResourcesOf, scope: ScopeOf) -> Response:
    """The page that starts the viewer; what lies below its path is the viewer's own affair."""
    settings = resources.settings
    base = BaseMap(settings.base_map_url, settings.base_map_credit) if settings.base_map_url else None
    english, lang = language_wanted(request)
    site = Site(settings.public_url, english=english, lang=lang)
    page = request.url.path.removeprefix(request.scope.get("root_path", "")).split("/")[1]
    layers = resources.catalogue.visible(scope)
    body = render_shell(find_build(), page, layers, base, site=site)
    headers = {
        "ETag": f'W/"{hashlib.blake2b(body, digest_size=12).hexdigest()}"',
        "Cache-Control": "no-cache",
        "Vary": "Accept-Language, Cookie",
        "Content-Language": "en" if english else "vi",
        "Content-Security-Policy": content_policy(base, is_secure=settings.public_url.startswith("https://")),
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
    }
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type="text/html")


for _name in PAGES:
    router.add_api_route(f"/{_name}", get_page, methods=READ_METHODS)
    router.add_api_route(f"/{_name}/{{rest:path}}", get_page, methods=READ_METHODS)


@router.api_route("/static/viewer/{name:path}", methods=READ_METHODS)
async def get_file(request: Request, name: str) -> Response:
    """A file of the build, packed beforehand where the client takes that."""
    path = (FOLDER / name).resolve()
    if not path.is_relative_to(FOLDER.resolve()) or not path.is_file():
        raise HTTPException(404)
    media = mimetypes.guess_type(name)[0] or "application/octet-stream"
    is_hashed = name.startswith("assets/")
    headers = {
        "Cache-Control": IMMUTABLE if is_hashed else "no-cache",
        "Vary": "Accept-Encoding",
        "X-Content-Type-Options": "nosniff",
    }
    packed = path.with_name(f"{path.name}.br")
    if weights_of(request.headers.get("accept-encoding", "")).get("br", 0) > 0 and packed.is_file():
        return FileResponse(packed, media_type=media, headers={**headers, "Content-Encoding": "br"})
    return FileResponse(path, media_type=media, headers=headers)
