"""Documents of tile sets and tile matrix sets: pygeoapi knows a closed list of matrix sets, VN-2000 is not on it."""

from __future__ import annotations

from app.ogc.complete import HTML, JSON, REL, Document, tidy_links
from app.ogc.config import MVT
from app.ogc.limits import tile_limits
from app.ogc.schemas import layer_properties, pick
from layers.catalogue import Layer
from tiles.content import first_zoom, label_layer
from tiles.matrix import MATRIX_SETS, MatrixSet, matrix_document

_DIMENSIONS = {"Point": 0, "MultiLineString": 1}


def tilesets_document(layer: Layer, url: str, *, english: bool) -> Document:
    """The list of a collection's tile sets (OGC API - Tiles, 9.2); ``url`` is the collection's."""
    links: list[Document] = [
        {"rel": "self", "type": JSON, "href": f"{url}/tiles?f=json"},
        {"rel": "alternate", "type": HTML, "href": f"{url}/tiles?f=html"},
    ]
    tilesets = [_tileset(layer, url, matrix, english=english) for matrix in MATRIX_SETS.values()]
    return {"links": tidy_links(links, english=english), "tilesets": tilesets}


def tileset_document(layer: Layer, url: str, matrix: MatrixSet, *, english: bool) -> Document:
    """Metadata of one tile set (OGC 2D Tile Matrix Set 2.0, 7)."""
    definition, options = layer.definition, layer.definition.tiles
    first = max(0, (first_zoom(definition) if options else 0) - matrix.offset)
    entry: Document = {
        "id": layer.slug,
        "title": pick(definition.title, english=english),
        "dataType": "vector",
        "geometryDimension": _DIMENSIONS.get(str(definition.geometry), 2),
        "minTileMatrix": str(first),
        "maxTileMatrix": str(matrix.max_zoom),
        "propertiesSchema": {"type": "object", "properties": layer_properties(layer, english=english)},
    }
    layers = [entry]
    labels = label_layer(definition)
    if labels is not None:
        layers.append({**entry, "id": labels, "geometryDimension": 0})
    return _tileset(layer, url, matrix, english=english) | {"layers": layers}


def _tileset(layer: Layer, url: str, matrix: MatrixSet, *, english: bool) -> Document:
    here = f"{url}/tiles/{matrix.id}"
    base, _, _ = url.partition("/ogc/")
    document: Document = {
        "title": f"{pick(layer.definition.title, english=english)} ({matrix.id})",
        "dataType": "vector",
        "crs": matrix.crs.uri,
        "tileMatrixSetURI": matrix_uri(matrix, base),
        "tileMatrixSetId": matrix.id,
        "tileMatrixSetLimits": [limits.as_json() for limits in tile_limits(layer, matrix)],
    }
    links: list[Document] = [
        {"rel": "self", "type": JSON, "href": f"{here}?f=json"},
        {"rel": "alternate", "type": HTML, "href": f"{here}?f=html"},
        {"rel": f"{REL}/tiling-scheme", "type": JSON, "href": f"{base}/ogc/tileMatrixSets/{matrix.id}?f=json"},
        {"rel": "item", "type": MVT, "href": f"{here}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}", "templated": True},
    ]
    tidied = tidy_links(links, english=english)
    if matrix.offset == 0:
        tilejson = f"{base}/tiles/{layer.slug}.json"
        tidied.append({"rel": "describedby", "type": JSON, "title": "TileJSON 3.0", "href": tilejson})
    return {**document, "links": tidied}


def matrix_uri(matrix: MatrixSet, base: str) -> str:
    """The registered URI of a tile matrix set, else the address of its definition here."""
    return str(matrix_document(matrix.id).get("uri") or f"{base}/ogc/tileMatrixSets/{matrix.id}")


def matrix_sets_document(base: str, *, english: bool) -> Document:
    """The tile matrix sets that have tiles (OGC API - Tiles, 10)."""
    here = f"{base}/ogc/tileMatrixSets"
    entries = []
    for matrix in MATRIX_SETS.values():
        links: list[Document] = [
            {"rel": "self", "type": JSON, "href": f"{here}/{matrix.id}?f=json"},
            {"rel": "alternate", "type": HTML, "href": f"{here}/{matrix.id}?f=html"},
        ]
        entries.append(
            {
                "id": matrix.id,
                "title": pick(matrix.title, english=english),
                "uri": matrix_uri(matrix, base),
                "crs": matrix.crs.uri,
                "links": tidy_links(links, english=english),
            }
        )
    links = [
        {"rel": "self", "type": JSON, "href": f"{here}?f=json"},
        {"rel": "alternate", "type": HTML, "href": f"{here}?f=html"},
    ]
    return {"tileMatrixSets": entries, "links": tidy_links(links, english=english)}


def matrix_set_document(matrix_id: str, base: str) -> Document:
    """The definition of a tile matrix set, to the deepest zoom that has tiles."""
    return matrix_document(matrix_id) | {"uri": matrix_uri(MATRIX_SETS[matrix_id], base)}
