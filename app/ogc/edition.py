"""pygeoapi for one state of the catalogue and one set of visible layers, and the documents it has made."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

import orjson
from pygeoapi import api as pygeoapi
from pygeoapi.api import itemtypes, processes

from app.ogc import complete, tilesets
from app.ogc.config import LOCALES, is_collection, pygeoapi_config
from app.ogc.openapi import build_openapi
from layers.catalogue import Layer
from tiles.matrix import MATRIX_SETS

# It reports every 4xx as an error of its own; the access log has those already.
logging.getLogger("pygeoapi").setLevel(logging.CRITICAL)


class Document(StrEnum):
    """The documents of the OGC API."""

    LANDING = "landing"
    OPENAPI = "openapi"
    CONFORMANCE = "conformance"
    COLLECTIONS = "collections"
    COLLECTION = "collection"
    QUERYABLES = "queryables"
    SORTABLES = "sortables"
    SCHEMA = "schema"
    TILESETS = "tilesets"
    TILESET = "tileset"
    PROCESSES = "processes"
    PROCESS = "process"
    TILE_MATRIX_SETS = "tile-matrix-sets"
    TILE_MATRIX_SET = "tile-matrix-set"


class DocumentRefused(Exception):
    """pygeoapi answers with an error: its HTTP status and description."""

    def __init__(self, status: int, description: str) -> None:
        super().__init__(description)
        self.status = status
        self.description = description


class _Asked:
    """The little of an HTTP request that pygeoapi reads; fully decided by us, so that answers can be kept."""

    def __init__(self, *, english: bool) -> None:
        self.query_params = {"f": "json", "lang": LOCALES[1] if english else LOCALES[0]}
        self.headers: dict[str, str] = {}
        self.scope = {"path": "/"}


Handler = Callable[..., tuple[dict[str, str], int, str | bytes]]
Json = dict[str, Any]


@contextmanager
def _keeping_logs() -> Iterator[None]:
    """Undoes what pygeoapi does to the root logger when an API object is made."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)


@dataclass
class Edition:
    """One API object over a fixed set of layers.

    Every method calls pygeoapi and therefore belongs into a worker thread whose context holds the scope.

    Attributes:
        layers: All layers that the reader may know of, tables without geometry included.
        kept: Finished answers by whatever decided them.
    """

    public_url: str
    layers: Mapping[str, Layer]
    default_items: int
    max_items: int
    kept: dict[object, bytes] = field(default_factory=dict)

    @cached_property
    def collections(self) -> dict[str, Layer]:
        """The layers that are collections, by id."""
        return {slug: layer for slug, layer in self.layers.items() if is_collection(layer)}

    @cached_property
    def config(self) -> Json:
        """Pygeoapi's configuration."""
        return pygeoapi_config(
            list(self.collections.values()),
            self.public_url,
            default_items=self.default_items,
            max_items=self.max_items,
        )

    @cached_property
    def openapi(self) -> Json:
        """The OpenAPI document."""
        return build_openapi(self.config, list(self.collections.values()))

    @cached_property
    def api(self) -> pygeoapi.API:
        """Pygeoapi's API object."""
        with _keeping_logs():
            return pygeoapi.API(self.config, {})

    @property
    def is_synthetic(self) -> bool:
        """Whether any layer holds made-up data."""
        return any(layer.synthetic for layer in self.layers.values())

    def document(self, document: Document, arguments: tuple[str, ...], *, english: bool) -> Json:
        """The completed document.

        Raises:
            DocumentRefused: pygeoapi has no such document.
        """
        if document is Document.OPENAPI:
            return self.openapi
        if document is Document.CONFORMANCE:
            return complete.conformance_document()
        if arguments and document not in (Document.TILE_MATRIX_SET, Document.PROCESS):
            return self._of_layer(document, arguments, english=english)
        return self._of_service(document, arguments, english=english)

    def _of_service(self, document: Document, arguments: tuple[str, ...], *, english: bool) -> Json:
        if document is Document.LANDING:
            raw = self._call(pygeoapi.landing_page, english=english)
            return complete.complete_landing(raw, english=english, synthetic=self.is_synthetic)
        if document is Document.COLLECTIONS:
            raw = self._call(pygeoapi.describe_collections, english=english)
            return complete.complete_collections(raw, self.collections, english=english)
        if document is Document.PROCESSES:
            return complete.complete_processes(
                self._call(processes.describe_processes, english=english), english=english
            )
        if document is Document.PROCESS:
            raw = self._call(processes.describe_processes, *arguments, english=english)
            return complete.complete_process(raw, english=english)
        if document is Document.TILE_MATRIX_SETS:
            return tilesets.matrix_sets_document(self.public_url, english=english)
        return tilesets.matrix_set_document(arguments[0], self.public_url)

    def _of_layer(self, document: Document, arguments: tuple[str, ...], *, english: bool) -> Json:
        layer = self.collections[arguments[0]]
        url = f"{self.public_url}/ogc/collections/{layer.slug}"
        if document is Document.COLLECTION:
            raw = self._call(pygeoapi.describe_collections, layer.slug, english=english)
            return complete.complete_collection(raw, layer, english=english)
        if document is Document.SORTABLES:
            return complete.sortables_document(layer, url, english=english)
        if document is Document.TILESETS:
            return tilesets.tilesets_document(layer, url, english=english)
        if document is Document.TILESET:
            return tilesets.tileset_document(layer, url, MATRIX_SETS[arguments[1]], english=english)
        handler, finish = {
            Document.QUERYABLES: (itemtypes.get_collection_queryables, complete.complete_queryables),
            Document.SCHEMA: (pygeoapi.get_collection_schema, complete.complete_schema),
        }[document]
        return finish(self._call(handler, *arguments, english=english), layer, url, english=english)

    def _call(self, handler: Handler, *arguments: str, english: bool) -> Json:
        request = pygeoapi.APIRequest(_Asked(english=english), LOCALES)
        _, status, content = handler(self.api, request, *arguments)
        document: Json = orjson.loads(content)
        if status != 200:
            raise DocumentRefused(int(status), str(document.get("description", "")))
        return document
