"""Which page shows which document."""

from __future__ import annotations

from typing import Any

from app.ogc.complete import conformance_document
from app.ogc.edition import Document, Edition
from app.ogc.limits import tile_limits
from app.ogc.negotiation import Manner
from app.ogc.schemas import geometry_schema, layer_properties
from app.ogc.sorting import sortable_types
from layers.catalogue import Layer
from web import ogc_pages as pages
from web.environment import Site


def render_document(
    edition: Edition, document: Document, arguments: tuple[str, ...], found: dict[str, Any], manner: Manner
) -> bytes:
    """The page of a completed document."""
    site = Site(edition.public_url, english=manner.english, lang=manner.lang)
    if document is Document.TILE_MATRIX_SET:
        return pages.render_matrix_set(found, site=site)
    if arguments:
        return _of_layer(edition, document, edition.collections[arguments[0]], site)
    layers = list(edition.layers.values())
    if document is Document.LANDING:
        return pages.render_landing(layers, site=site)
    if document is Document.COLLECTIONS:
        return pages.render_collections(layers, site=site)
    if document is Document.CONFORMANCE:
        return pages.render_conformance(conformance_document()["conformsTo"], site=site)
    if document is Document.OPENAPI:
        return pages.render_openapi(found, site=site)
    return pages.render_matrix_sets(found["tileMatrixSets"], site=site)


def _of_layer(edition: Edition, document: Document, layer: Layer, site: Site) -> bytes:
    if document is Document.COLLECTION:
        return pages.render_collection(layer, communes=edition.layers.get("communes"), site=site)
    if document in (Document.TILESETS, Document.TILESET):
        limits = [(item.z, item.min_row, item.max_row, item.min_col, item.max_col) for item in tile_limits(layer)]
        return pages.render_tileset(layer, limits, site=site)
    properties = layer_properties(layer, english=site.english)
    if document is Document.SORTABLES:
        names = sortable_types(layer)
        kept = {name: schema for name, schema in properties.items() if name in names}
        return pages.render_sortables(layer, kept, site=site)
    properties["geometry"] = geometry_schema(layer, english=site.english)
    return pages.render_fields(layer, properties, site=site, filterable=document is Document.QUERYABLES)
