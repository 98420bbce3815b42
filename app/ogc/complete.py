"""Completes pygeoapi's documents: what it lacks is added, what the service does not offer is taken out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from app.ogc.config import MVT
from app.ogc.conformance import CONFORMANCE
from app.ogc.forms import MEDIA_TYPES, Form
from app.ogc.schemas import geometry_schema, layer_properties, pick
from app.ogc.sorting import sortable_types
from layers.catalogue import Layer
from layers.definition import Label

REL: Final = "http://www.opengis.net/def/rel/ogc/1.0"
JSON: Final = "application/json"
HTML: Final = "text/html"
SCHEMA_JSON: Final = "application/schema+json"
# Written without a blank: the CITE suite for Tiles compares character by character.
OPENAPI_JSON: Final = "application/vnd.oai.openapi+json;version=3.0"
JSON_SCHEMA: Final = "https://json-schema.org/draft/2020-12/schema"
_MORE_FORMS: Final = (Form.FLATGEOBUF, Form.JSONFG, Form.CSV)
_NOT_OFFERED: Final = {"about"}
_TITLES: Final = {
    "self": Label("Tài liệu này", "This document"),
    "alternate": Label("Tài liệu này ở dạng khác", "This document in another form"),
    "root": Label("Trang đầu của dịch vụ", "Landing page of the service"),
    "service-desc": Label("Mô tả API theo OpenAPI 3.0", "The API as OpenAPI 3.0"),
    "service-doc": Label("Mô tả API để đọc", "The API for people"),
    "conformance": Label("Các lớp tuân thủ chuẩn", "Conformance classes"),
    "data": Label("Các lớp dữ liệu", "Collections"),
    "items": Label("Các đối tượng", "Features"),
    "item": Label("Ô bản đồ vectơ", "Vector tiles"),
    f"{REL}/queryables": Label("Các trường lọc được", "Queryables"),
    f"{REL}/processes": Label("Các quy trình", "Processes"),
    f"{REL}/job-list": Label("Các công việc của bạn", "Your jobs"),
    f"{REL}/execute": Label("Chạy quy trình", "Execution of the process"),
    f"{REL}/sortables": Label("Các trường sắp xếp được", "Sortables"),
    f"{REL}/schema": Label("Lược đồ dữ liệu", "Schema"),
    f"{REL}/tilesets-vector": Label("Ô bản đồ vectơ", "Vector tile sets"),
    f"{REL}/tiling-schemes": Label("Các hệ ô bản đồ", "Tile matrix sets"),
    f"{REL}/tiling-scheme": Label("Hệ ô bản đồ", "Tile matrix set"),
}

Document = dict[str, Any]


def tidy_links(links: Iterable[Document], *, english: bool) -> list[Document]:
    """The links that lead somewhere, titled in the reader's language."""
    kept = []
    for link in links:
        if link["rel"] in _NOT_OFFERED or link["type"] == "application/ld+json":
            continue
        title = _TITLES.get(link["rel"])
        tidied = {**link, "href": link["href"].replace("/TileMatrixSets", "/tileMatrixSets")}
        if link["rel"] == f"{REL}/job-list":
            tidied["href"] = link["href"].partition("?")[0]
        tidied.pop("hreflang", None)
        if title is not None:
            tidied["title"] = f"{pick(title, english=english)} ({_form(link['type'])})"
        kept.append(tidied)
    return kept


def _form(media_type: str) -> str:
    names = {JSON: "JSON", HTML: "HTML", SCHEMA_JSON: "JSON Schema", MVT: "MVT", "application/geo+json": "GeoJSON"}
    names |= {MEDIA_TYPES[Form.FLATGEOBUF]: "FlatGeobuf", MEDIA_TYPES[Form.JSONFG]: "JSON-FG", "text/csv": "CSV"}
    return names.get(media_type, "OpenAPI" if media_type == OPENAPI_JSON else media_type)


def complete_landing(document: Document, *, english: bool, synthetic: bool) -> Document:
    """The landing page (OGC API - Features Part 1, 7.2)."""
    links = [
        link
        for link in tidy_links(document["links"], english=english)
        if link["rel"] not in (f"{REL}/processes", f"{REL}/job-list") or link["type"] == JSON
    ]
    for link in links:
        if link["rel"] == "service-desc":
            link["type"] = OPENAPI_JSON
    return {**document, "links": links, "synthetic": synthetic}


def conformance_document() -> Document:
    """The conformance declaration (Part 1, 7.4).

    pygeoapi's own names classes that nobody here implements, and extends a global list with every request.
    """
    return {"conformsTo": list(CONFORMANCE)}


def complete_collections(document: Document, layers: dict[str, Layer], *, english: bool) -> Document:
    """All collections; each entry equals the collection's own document (Part 1, 7.13)."""
    return {
        "links": tidy_links(document["links"], english=english),
        "collections": [
            complete_collection(entry, layers[entry["id"]], english=english) for entry in document["collections"]
        ],
    }


def complete_collection(document: Document, layer: Layer, *, english: bool) -> Document:
    """One collection: with ``itemCount`` QGIS need not count, the rest tells people what they look at."""
    definition = layer.definition
    about: Document = {
        "itemCount": layer.feature_count,
        "synthetic": layer.synthetic,
        "revision": layer.revision,
        "dataDate": layer.newest_data_at.isoformat() if layer.newest_data_at else None,
        "publishedAt": layer.published_at.isoformat() if layer.published_at else None,
        "dataGroup": definition.group.value,
        "steward": definition.steward,
        "updateFrequency": definition.frequency.value,
        "sensitivity": definition.sensitivity.value,
        "source": definition.source,
    }
    if layer.synthetic:
        about["syntheticNotice"] = "Dữ liệu mô phỏng, không phải dữ liệu thật · Synthetic data"
    links = tidy_links([*document["links"], *_own_links(document["links"])], english=english)
    return {**document, "links": links, **about}


def _own_links(links: Iterable[Document]) -> list[Document]:
    """Links of a collection that pygeoapi does not know of: its sortables, and its features in more forms."""
    found = []
    for link in links:
        if link["rel"] == f"{REL}/queryables":
            href = link["href"].replace("/queryables", "/sortables")
            found.append({**link, "rel": f"{REL}/sortables", "href": href})
        if link["rel"] == "items" and link["type"] == MEDIA_TYPES[Form.GEOJSON]:
            base = link["href"].partition("?")[0]
            # QGIS chooses among the formats that these links name.
            found += [{**link, "type": MEDIA_TYPES[form], "href": f"{base}?f={form}"} for form in _MORE_FORMS]
    return found


def complete_queryables(document: Document, layer: Layer, url: str, *, english: bool) -> Document:
    """Queryables (Part 3, 6.2): titles, units, codes and ranges from the definition."""
    return _schema(document, layer, f"{url}/queryables", english=english) | {"additionalProperties": False}


def sortables_document(layer: Layer, url: str, *, english: bool) -> Document:
    """Sortables (OGC API - Features Part 8, sortables): what ``sortby`` may name."""
    names = sortable_types(layer)
    known = layer_properties(layer, english=english)
    return {
        "$schema": JSON_SCHEMA,
        "$id": f"{url}/sortables",
        "type": "object",
        "title": pick(layer.definition.title, english=english),
        "description": pick(layer.definition.description, english=english),
        "properties": {name: schema for name, schema in known.items() if name in names},
        "additionalProperties": False,
    }


def complete_schema(document: Document, layer: Layer, url: str, *, english: bool) -> Document:
    """The schema of the features (Part 5, 7): as the queryables, and which fields are never empty."""
    required = [field.name for field in layer.definition.public_fields if field.required]
    return _schema(document, layer, f"{url}/schema", english=english) | {"required": required}


def _schema(document: Document, layer: Layer, address: str, *, english: bool) -> Document:
    properties = layer_properties(layer, english=english)
    geometry = geometry_schema(layer, english=english) | {"x-ogc-propertySeq": len(properties) + 1}
    return {
        **document,
        "$schema": JSON_SCHEMA,
        "$id": address,
        "title": pick(layer.definition.title, english=english),
        "description": pick(layer.definition.description, english=english),
        "properties": {**properties, "geometry": geometry},
    }


def complete_processes(document: Document, *, english: bool) -> Document:
    """The list of processes (OGC API - Processes Part 1, 7.8); JSON is its only form."""
    return {
        "processes": [complete_process(entry, english=english) for entry in document["processes"]],
        "links": _json_only(document["links"], english=english),
    }


def complete_process(document: Document, *, english: bool) -> Document:
    """The description of a process (Part 1, 7.10)."""
    kept = {name: value for name, value in document.items() if name != "example"}
    links = [
        {**link, "href": link["href"].partition("?")[0]} for link in document["links"] if "execution" in link["href"]
    ]
    rest = [link for link in document["links"] if "execution" not in link["href"]]
    return {**kept, "links": _json_only([*rest, *links], english=english)}


def _json_only(links: Iterable[Document], *, english: bool) -> list[Document]:
    return [link for link in tidy_links(links, english=english) if link["type"] == JSON]
