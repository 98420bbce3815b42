"""Answers requests for the documents of the OGC API, as JSON or as a page, from pygeoapi kept per catalogue."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass, replace

import anyio
import anyio.to_thread
import orjson
from starlette.requests import Request
from starlette.responses import Response

from app.ogc.complete import JSON, OPENAPI_JSON, SCHEMA_JSON
from app.ogc.config import PROCESS_ID, is_collection
from app.ogc.edition import Document, DocumentRefused, Edition
from app.ogc.html import render_document
from app.ogc.negotiation import Manner, manner_of
from app.ogc.provider import READING, Reading
from app.problems import problem
from app.resources import Resources
from layers.access import Scope
from layers.catalogue import Catalogue
from layers.errors import LayerNotFound
from tiles.errors import MatrixSetNotFound
from tiles.matrix import MATRIX_SETS

__all__ = ["Document", "OGCDocuments"]

# Scopes are few; the catalogues of the last seconds are kept for requests that began under them.
MAX_EDITIONS = 8
_MEDIA_TYPES = {
    Document.OPENAPI: OPENAPI_JSON,
    Document.QUERYABLES: SCHEMA_JSON,
    Document.SORTABLES: SCHEMA_JSON,
    Document.SCHEMA: SCHEMA_JSON,
}
_JSON_ONLY = (Document.PROCESSES, Document.PROCESS)
_OF_TILES = (Document.TILESETS, Document.TILESET)


@dataclass(frozen=True, slots=True)
class _NotThere(Exception):
    """A tile set or tile matrix set that does not exist; names what was asked for."""

    vi: str
    en: str


class OGCDocuments:
    """pygeoapi's documents for whatever the catalogue holds and the reader may know of.

    Args:
        public_url: Scheme, host and path under which clients reach the service, without a final slash.
    """

    def __init__(self, public_url: str) -> None:
        self._public_url = public_url
        self._editions: OrderedDict[tuple[int, frozenset[str]], Edition] = OrderedDict()

    async def answer(
        self, request: Request, resources: Resources, scope: Scope, document: Document, *arguments: str
    ) -> Response:
        """The document in the form and language that the client asks for.

        Args:
            request: The request; only ``f`` and ``lang`` are known to it.
            resources: What the process holds.
            scope: What the reader may know of; other layers do not exist.
            document: Which document.
            arguments: Collection id and tile matrix set id, where the path has them.

        Raises:
            BadParameter: A parameter is unknown or malformed.
            LayerNotFound: There is no such collection for this reader.
        """
        manner = manner_of(request)
        if document in _JSON_ONLY:
            manner = replace(manner, html=False)
        catalogue = resources.catalogue
        try:
            _check(catalogue, scope, document, arguments)
            body = await self._body(resources, catalogue, scope, document, arguments, manner)
        except _NotThere as error:
            return problem(request, 404, error.vi, error.en, kind="not-found")
        except DocumentRefused as error:
            return problem(request, error.status, error.description, error.description, kind="document-refused")
        return _response(request, document, manner, body)

    async def _body(
        self,
        resources: Resources,
        catalogue: Catalogue,
        scope: Scope,
        document: Document,
        arguments: tuple[str, ...],
        manner: Manner,
    ) -> bytes:
        edition = self._edition(resources, catalogue, scope)
        key = (document, arguments, manner)
        body = edition.kept.get(key)
        if body is not None:
            return body

        def make() -> bytes:
            found = edition.document(document, arguments, english=manner.english)
            if manner.html:
                return render_document(edition, document, arguments, found, manner)
            return orjson.dumps(found)

        token = READING.set(Reading(resources, catalogue, scope))
        try:
            body = await anyio.to_thread.run_sync(make)
        finally:
            READING.reset(token)
        edition.kept[key] = body
        return body

    def _edition(self, resources: Resources, catalogue: Catalogue, scope: Scope) -> Edition:
        visible = {layer.slug: layer for layer in catalogue.visible(scope)}
        key = (catalogue.version, frozenset(visible))
        edition = self._editions.get(key)
        if edition is None:
            settings = resources.settings
            edition = Edition(self._public_url, visible, settings.default_items, settings.max_items)
            self._editions[key] = edition
            while len(self._editions) > MAX_EDITIONS:
                self._editions.popitem(last=False)
        return edition


def _check(catalogue: Catalogue, scope: Scope, document: Document, arguments: tuple[str, ...]) -> None:
    if document is Document.TILE_MATRIX_SET:
        _check_matrix_set(arguments[0])
        return
    if document is Document.PROCESS:
        _check_process(arguments[0])
        return
    if not arguments:
        return
    layer = catalogue.get(arguments[0], scope)
    if not is_collection(layer):
        raise LayerNotFound(layer.slug)
    if document in _OF_TILES and layer.definition.tiles is None:
        raise _NotThere(
            f"Lớp “{layer.slug}” không có ô bản đồ. Hãy đọc lớp này qua /ogc/collections/{layer.slug}/items.",
            f'Layer "{layer.slug}" has no tiles. Read it through /ogc/collections/{layer.slug}/items.',
        )
    if document is Document.TILESET:
        _check_matrix_set(arguments[1])


def _check_process(name: str) -> None:
    if name != PROCESS_ID:
        raise _NotThere(
            f"Không có quy trình “{name[:60]}”. Hãy dùng {PROCESS_ID}.",
            f'There is no process "{name[:60]}". Use {PROCESS_ID}.',
        )


def _check_matrix_set(name: str) -> None:
    if name not in MATRIX_SETS:
        raise MatrixSetNotFound(name, known=MATRIX_SETS)


def _response(request: Request, document: Document, manner: Manner, body: bytes) -> Response:
    etag = f'W/"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    headers = {
        "ETag": etag,
        "Cache-Control": "no-cache",
        "Vary": "Accept, Accept-Language",
        "Content-Language": "en" if manner.english else "vi",
    }
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    kind = "text/html; charset=utf-8" if manner.html else _MEDIA_TYPES.get(document, JSON)
    return Response(body, headers={**headers, "Content-Type": kind})
