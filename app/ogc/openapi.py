"""The OpenAPI 3.0 document: pygeoapi's, without its remote references, with the parameters that really exist."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from pygeoapi.openapi import get_oas_30

from app.ogc.components import Part, parameters, query_parameter, responses, schemas
from app.ogc.config import MVT
from app.ogc.openapi_processes import process_paths
from app.ogc.params import ITEMS_PARAMETERS
from app.ogc.schemas import layer_properties
from layers.catalogue import Layer

_ERRORS: Final = {"400": "InvalidParameter", "404": "NotFound", "500": "ServerError"}
_TILE_PATH: Final = ("tileMatrixSetId", "tileMatrix", "tileRow", "tileCol")
# What pygeoapi describes well enough, and with which response of ours.
_KEPT: Final = {
    "/": "LandingPage",
    "/openapi": "200",
    "/conformance": "ConformanceDeclaration",
    "/collections": "Collections",
    "/collections/{id}": "Collection",
    "/collections/{id}/schema": "Schema",
    "/collections/{id}/queryables": "Queryables",
    "/collections/{id}/tiles": "Tiles",
}
# Not words of a JSON Schema in OpenAPI 3.0, or of no use in a query parameter.
_LEFT_OUT: Final = ("readOnly", "title", "description", "x-code-labels", "x-ogc-role", "x-ogc-propertySeq")


def build_openapi(config: dict[str, Any], layers: Sequence[Layer]) -> Part:
    """The document for these layers, self-contained: no reference leaves it.

    Args:
        config: pygeoapi's configuration, whose resources are the layers.
        layers: The same layers.
    """
    document: Part = get_oas_30(config)
    limits = config["server"]["limits"]
    document["info"] = {
        name: document["info"][name] for name in ("title", "description", "version", "x-keywords", "termsOfService")
    }
    document["tags"] = [{"name": "server"}, *(_tag(layer) for layer in layers)]
    document["components"] = {
        "parameters": parameters(default_items=limits["default_items"], max_items=limits["max_items"]),
        "responses": responses(),
        "schemas": schemas(),
    }
    document["paths"] = {
        path: _tidied(path, item) for path, item in document["paths"].items() if _template(path) in _KEPT
    }
    document["paths"] |= _matrix_set_paths() | process_paths()
    for layer in layers:
        document["paths"] |= _feature_paths(layer)
        if layer.definition.tiles is not None:
            document["paths"] |= _tile_paths(layer)
    return document


def _tag(layer: Layer) -> Part:
    title = layer.definition.title
    return {"name": layer.slug, "description": f"{title.vi} · {title.en}"}


def _template(path: str) -> str:
    return re.sub(r"^/collections/[^/]+", "/collections/{id}", path)


def _reference(kind: str, name: str) -> Part:
    return {"$ref": f"#/components/{kind}/{name}"}


def _answers(success: str) -> Part:
    answers = {"200": _reference("responses", success)}
    return answers | {status: _reference("responses", name) for status, name in _ERRORS.items()}


def _tidied(path: str, item: Part) -> Part:
    """Pygeoapi's path with our parameters and responses in place of those that are kept elsewhere."""
    operation = item["get"]
    return {
        "get": {
            "summary": operation["summary"],
            "description": operation["description"],
            "tags": operation["tags"],
            "operationId": operation["operationId"],
            "parameters": _parameters("f", "lang"),
            "responses": _answers(_KEPT[_template(path)]),
        }
    }


def _parameters(*names: str) -> list[Part]:
    return [_reference("parameters", name) for name in names]


def _items_parameters() -> list[Part]:
    return _parameters(*("f-items" if name == "f" else name for name in ITEMS_PARAMETERS))


def _operation(layer: Layer, summary: str, operation: str, given: list[Part], answers: Part) -> Part:
    title = layer.definition.title
    return {
        "get": {
            "summary": f"{title.vi}: {summary}",
            "description": f"{title.en}",
            "tags": [layer.slug],
            "operationId": f"{layer.slug}.{operation}",
            "parameters": given,
            "responses": answers,
        }
    }


def _feature_paths(layer: Layer) -> Part:
    items = f"/collections/{layer.slug}/items"
    given = [*_items_parameters(), *_queryable_parameters(layer)]
    one = _parameters("featureId", "crs", "f-feature", "lang")
    sortables = f"/collections/{layer.slug}/sortables"
    return {
        sortables: _operation(
            layer, "các trường sắp xếp được · sortables", "getSortables", _parameters("f", "lang"), _answers("Schema")
        ),
        items: _operation(layer, "các đối tượng · features", "getFeatures", given, _answers("Features")),
        f"{items}/{{featureId}}": _operation(
            layer, "một đối tượng · one feature", "getFeature", one, _answers("Feature")
        ),
    }


def _queryable_parameters(layer: Layer) -> list[Part]:
    """One parameter a queryable: QGIS reads simple filters from here (Part 3, 8.1)."""
    found = []
    for name, schema in layer_properties(layer, english=False).items():
        # The id is asked for by path or filter; a name of the standard's own never means a property.
        if name == "fid" or name in ITEMS_PARAMETERS:
            continue
        value = {key: part for key, part in schema.items() if key not in _LEFT_OUT}
        if value["type"] == "array":
            value = {"type": "string"}
        found.append(query_parameter(name, schema["title"], value))
    return found


def _tile_paths(layer: Layer) -> Part:
    tiles = f"/collections/{layer.slug}/tiles"
    tile_answers = _answers("TileSet") | {
        "200": {
            "description": "Ô bản đồ · A tile",
            "content": {MVT: {"schema": {"type": "string", "format": "binary"}}},
        },
        "204": {"description": "Ô không có đối tượng · An empty tile"},
    }
    return {
        f"{tiles}/{{tileMatrixSetId}}": _operation(
            layer,
            "bộ ô bản đồ · tile set",
            "collection.vector.getTileSet",
            _parameters("tileMatrixSetId", "f", "lang"),
            _answers("TileSet"),
        ),
        f"{tiles}/{{tileMatrixSetId}}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}": _operation(
            layer, "ô bản đồ · tile", "collection.vector.getTile", _parameters(*_TILE_PATH), tile_answers
        ),
    }


def _matrix_set_paths() -> Part:
    def path(summary: str, operation: str, given: list[Part], success: str) -> Part:
        return {
            "get": {
                "summary": summary,
                "tags": ["server"],
                "operationId": operation,
                "parameters": given,
                "responses": _answers(success),
            }
        }

    return {
        "/tileMatrixSets": path(
            "Các hệ ô bản đồ · Tile matrix sets", "getTileMatrixSetsList", _parameters("f", "lang"), "TileMatrixSets"
        ),
        "/tileMatrixSets/{tileMatrixSetId}": path(
            "Một hệ ô bản đồ · One tile matrix set",
            "getTileMatrixSet",
            _parameters("tileMatrixSetId", "f", "lang"),
            "TileMatrixSet",
        ),
    }
