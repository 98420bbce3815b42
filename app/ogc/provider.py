"""What pygeoapi may know of our layers: their fields, and features through the reader everybody uses."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import anyio.from_thread
import orjson
from pygeoapi.provider.base import BaseProvider, ProviderInvalidQueryError, ProviderItemNotFoundError
from pygeoapi.provider.base_mvt import BaseMVTProvider
from pygeoapi.provider.tile import ProviderTileNotFoundError
from shapely import box

from app.ogc.config import MVT, TILE_MATRIX_SET
from app.ogc.items import page_document, read_feature, read_page
from app.ogc.params import ItemsRequest
from app.ogc.schemas import layer_properties
from app.resources import Resources
from layers.access import Scope
from layers.catalogue import Catalogue, Layer
from layers.errors import FeatureNotFound, ScopeMissing
from spatial.crs import CRS84


@dataclass(frozen=True, slots=True)
class Reading:
    """Who reads, and what: set by a route, found again in the worker thread that runs pygeoapi."""

    resources: Resources
    catalogue: Catalogue
    scope: Scope


READING: ContextVar[Reading | None] = ContextVar("ogc_reading", default=None)


def reading() -> Reading:
    """Who reads now.

    Raises:
        ScopeMissing: Nobody's scope is set.
    """
    found = READING.get()
    if found is None:
        raise ScopeMissing
    return found


class CatalogueProvider(BaseProvider):  # type: ignore[misc]  # pygeoapi carries no types
    """pygeoapi's feature provider over any layer; raises ScopeMissing wherever nobody's scope is set."""

    def __init__(self, provider_def: dict[str, Any]) -> None:
        super().__init__(provider_def)
        self.slug = str(provider_def["data"])
        self._fields = self.get_fields()

    @property
    def _layer(self) -> Layer:
        now = reading()
        return now.catalogue.get(self.slug, now.scope)

    def get_fields(self) -> dict[str, dict[str, Any]]:
        """JSON Schema of every public property, titles in Vietnamese."""
        return layer_properties(self._layer, english=False)

    def query(
        self,
        offset: int = 0,
        limit: int = 100,
        resulttype: str = "results",
        bbox: list[float] | None = None,
        **rest: Any,
    ) -> dict[str, Any]:
        """A page of features in CRS84; called in a worker thread of the event loop.

        Raises:
            ProviderInvalidQueryError: A kind of question that the items routes answer, and this one does not.
        """
        asked = [name for name, value in rest.items() if value]
        if asked:
            raise ProviderInvalidQueryError(f"not answered here: {', '.join(asked)}")
        now = reading()
        layer = self._layer
        request = ItemsRequest(
            crs=CRS84,
            limit=limit,
            offset=offset,
            after=-1,
            bbox=box(bbox[0], bbox[1], bbox[2], bbox[3]).wkb if bbox else None,
            interval=None,
            filter_text=None,
            filter_lang="cql2-text",
            filter_crs=CRS84,
            properties=None,
            equals={},
            hits_only=resulttype == "hits",
            revision=None,
        )
        page = anyio.from_thread.run(read_page, now.resources, now.scope, layer, request)
        document: dict[str, Any] = orjson.loads(page_document(page, [], synthetic=layer.synthetic))
        return document

    def get(self, identifier: str, **rest: Any) -> dict[str, Any]:
        """One feature in CRS84; called in a worker thread of the event loop.

        Raises:
            ProviderItemNotFoundError: There is no such feature.
        """
        now = reading()
        layer = self._layer
        try:
            body, _ = anyio.from_thread.run(read_feature, now.resources, now.scope, layer, int(identifier), CRS84)
        except (FeatureNotFound, ValueError) as error:
            raise ProviderItemNotFoundError(f"no feature {identifier}") from error
        feature: dict[str, Any] = orjson.loads(body + b"}")
        return feature


class CatalogueTiles(BaseMVTProvider):  # type: ignore[misc]  # pygeoapi carries no types
    """pygeoapi's view of a layer's vector tiles: metadata only, the tiles have their own route."""

    def __init__(self, provider_def: dict[str, Any]) -> None:
        super().__init__(provider_def)
        self.slug = str(provider_def["data"])
        now = reading()
        now.catalogue.get(self.slug, now.scope)

    def get_layer(self) -> str:
        """Name of the layer inside a tile."""
        return self.slug

    def get_tiles_service(self, baseurl: str, servicepath: str, **_: Any) -> dict[str, Any]:
        """The link template of the tiles."""
        href = servicepath.partition("?")[0].replace("{tileMatrixSetId}", TILE_MATRIX_SET)
        return {"links": [{"rel": "item", "type": MVT, "title": self.slug, "href": href, "templated": True}]}

    def get_default_metadata(
        self, dataset: str, server_url: str, layer: str, tileset: str, title: str, description: str, *_: Any, **__: Any
    ) -> dict[str, Any]:
        """Tile set metadata (OGC 2D Tile Matrix Set 2.0, 7): what the collection itself does not say."""
        scheme = next(item for item in self.get_tiling_schemes() if item.tileMatrixSet == tileset)
        template = f"{server_url}/collections/{dataset}/tiles/{tileset}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}"
        return {
            "title": title,
            "description": description,
            "dataType": "vector",
            "crs": scheme.crs,
            "tileMatrixSetURI": scheme.tileMatrixSetURI,
            "links": [{"rel": "item", "type": MVT, "title": layer, "href": template, "templated": True}],
        }

    def get_tiles(self, **_: Any) -> bytes:
        """Refuses: tiles are read at their own route, through the gate and the cache.

        Raises:
            ProviderTileNotFoundError: Always.
        """
        raise ProviderTileNotFoundError
