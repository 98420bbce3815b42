"""The reusable parts of the OpenAPI document; nothing refers to a file outside of it."""

from __future__ import annotations

from typing import Any

from app.ogc.complete import HTML, JSON, SCHEMA_JSON
from app.ogc.forms import FEATURE_FORMS, GEOJSON, MEDIA_TYPES, PAGE_FORMS, Form
from app.problems import MEDIA_TYPE
from spatial.crs import CRS84, SERVED_CRS
from tiles.matrix import MATRIX_SETS

Part = dict[str, Any]


def query_parameter(name: str, description: str, schema: Part) -> Part:
    """A query parameter in the only style that the CITE suite and QGIS read."""
    return {
        "name": name,
        "in": "query",
        "description": description,
        "required": False,
        "style": "form",
        "explode": False,
        "schema": schema,
    }


def path_parameter(name: str, description: str, schema: Part) -> Part:
    """A part of the path."""
    return {"name": name, "in": "path", "description": description, "required": True, "schema": schema}


def parameters(*, default_items: int, max_items: int) -> Part:
    """All shared parameters; QGIS takes its page size from ``limit`` here, and from nowhere else."""
    crs: Part = {"type": "string", "format": "uri", "enum": [item.uri for item in SERVED_CRS], "default": CRS84.uri}
    limit: Part = {"type": "integer", "minimum": 1, "maximum": max_items, "default": default_items}
    box: Part = {"type": "array", "minItems": 4, "maxItems": 6, "items": {"type": "number"}}
    names: Part = {"type": "array", "items": {"type": "string"}}
    text: Part = {"type": "string"}
    queries = [
        query_parameter("f", "Dạng trả về · Form of the answer", text | {"enum": ["json", "html"], "default": "json"}),
        query_parameter("lang", "Ngôn ngữ · Language", text | {"enum": ["vi", "en"], "default": "vi"}),
        query_parameter("limit", "Số đối tượng một trang · Features in a page", limit),
        query_parameter(
            "offset",
            "Bỏ qua bấy nhiêu đối tượng · Features to skip",
            {"type": "integer", "minimum": 0, "maximum": 10_000_000, "default": 0},
        ),
        query_parameter("cursor", "Vị trí lấy từ liên kết next · Place taken from a next link", text),
        query_parameter("bbox", "Khung bao, theo bbox-crs · Bounding box, in bbox-crs", box),
        query_parameter("bbox-crs", "Hệ tọa độ của bbox · CRS of bbox", crs),
        query_parameter("crs", "Hệ tọa độ trả về · CRS of the answer", crs),
        query_parameter("datetime", "Thời điểm hoặc khoảng (RFC 3339) · Instant or interval (RFC 3339)", text),
        query_parameter("filter", "Bộ lọc CQL2 · CQL2 filter", text),
        query_parameter(
            "filter-lang",
            "Ngôn ngữ của bộ lọc · Language of the filter",
            text | {"enum": ["cql2-text", "cql2-json"], "default": "cql2-text"},
        ),
        query_parameter("filter-crs", "Hệ tọa độ trong bộ lọc · CRS of geometries in the filter", crs),
        query_parameter("properties", "Các trường cần trả về · Properties to return", names),
        query_parameter(
            "sortby",
            "Sắp xếp theo các trường, dấu trừ là giảm dần · Properties to sort by, descending after a minus",
            _array(text | {"pattern": "^[+-]?[a-z][a-z0-9_]*$"}),
        ),
        query_parameter(
            "resulttype",
            "hits: chỉ đếm · hits: count only",
            text | {"enum": ["results", "hits"], "default": "results"},
        ),
        query_parameter("revision", "Phiên bản đã công bố · A published revision", {"type": "integer", "minimum": 1}),
    ]
    whole = {"type": "integer", "minimum": 0}
    paths = [
        path_parameter("featureId", "Số định danh · Feature id", {"type": "string", "pattern": "^[0-9]{1,19}$"}),
        path_parameter(
            "tileMatrixSetId", "Hệ ô bản đồ · Tile matrix set", {"type": "string", "enum": list(MATRIX_SETS)}
        ),
        path_parameter("tileMatrix", "Mức thu phóng · Zoom", whole | {"maximum": 22}),
        path_parameter("tileRow", "Hàng, từ phía bắc · Row, from the north", whole),
        path_parameter("tileCol", "Cột, từ phía tây · Column, from the west", whole),
    ]
    forms = {
        key: query_parameter(
            "f",
            "Dạng trả về · Form of the answer",
            text | {"enum": [form.value for form in offered], "default": "json"},
        )
        for key, offered in (("f-items", PAGE_FORMS), ("f-feature", FEATURE_FORMS))
    }
    return {item["name"]: item for item in (*queries, *paths)} | forms


def _schema(name: str) -> Part:
    return {"$ref": f"#/components/schemas/{name}"}


def _response(description: str, schema: str, *kinds: str) -> Part:
    content: Part = {kind: {"schema": _schema(schema)} for kind in kinds}
    if kinds != (MEDIA_TYPE,):
        content[HTML] = {"schema": {"type": "string"}}
    return {"description": description, "content": content}


def responses() -> Part:
    """All shared responses, under the names that pygeoapi's references end in."""
    kinds = {
        "LandingPage": ("Trang đầu · Landing page", "landingPage", JSON),
        "ConformanceDeclaration": ("Tuân thủ · Conformance", "confClasses", JSON),
        "Collections": ("Các lớp · Collections", "collections", JSON),
        "Collection": ("Một lớp · One collection", "collection", JSON),
        "Features": ("Một trang đối tượng · A page of features", "featureCollectionGeoJSON", GEOJSON),
        "Feature": ("Một đối tượng · One feature", "featureGeoJSON", GEOJSON),
        "Queryables": ("Các trường lọc được · Queryables", "jsonSchema", SCHEMA_JSON),
        "Schema": ("Lược đồ · Schema", "jsonSchema", SCHEMA_JSON),
        "Tiles": ("Các bộ ô bản đồ · Tile sets", "tileSets", JSON),
        "TileSet": ("Một bộ ô bản đồ · One tile set", "tileSet", JSON),
        "TileMatrixSets": ("Các hệ ô bản đồ · Tile matrix sets", "object", JSON),
        "TileMatrixSet": ("Một hệ ô bản đồ · One tile matrix set", "object", JSON),
        "200": ("Trả lời · Answer", "object", JSON),
        "InvalidParameter": ("Tham số không hợp lệ · Invalid parameter", "exception", MEDIA_TYPE),
        "NotFound": ("Không tìm thấy · Not found", "exception", MEDIA_TYPE),
        "ServerError": ("Lỗi của dịch vụ · Server error", "exception", MEDIA_TYPE),
        "default": ("Lỗi · Error", "exception", MEDIA_TYPE),
    }
    found = {name: _response(*parts) for name, parts in kinds.items()}
    for name, schema in (("Features", "featureCollectionGeoJSON"), ("Feature", "featureGeoJSON")):
        found[name]["content"][MEDIA_TYPES[Form.JSONFG]] = {"schema": _schema(schema)}
    found["Features"]["content"] |= {
        MEDIA_TYPES[Form.CSV]: {"schema": {"type": "string"}},
        MEDIA_TYPES[Form.FLATGEOBUF]: {"schema": {"type": "string", "format": "binary"}},
    }
    return found


def _object(required: tuple[str, ...], **properties: Part) -> Part:
    schema: Part = {"type": "object", "properties": properties}
    return schema | {"required": list(required)} if required else schema


def _array(items: Part) -> Part:
    return {"type": "array", "items": items}


def schemas() -> Part:
    """All shared schemas."""
    text: Part = {"type": "string"}
    whole: Part = {"type": "integer"}
    links = _array(_schema("link"))
    return {
        "object": {"type": "object"},
        "jsonSchema": {"type": "object"},
        "link": _object(("href", "rel"), href=text, rel=text, type=text, title=text, templated={"type": "boolean"}),
        "landingPage": _object(("links",), title=text, description=text, links=links),
        "confClasses": _object(("conformsTo",), conformsTo=_array(text)),
        "extent": _object((), spatial=_object((), bbox=_array(_array({"type": "number"})), crs=text)),
        "collection": _object(
            ("id", "links"),
            id=text,
            title=text,
            description=text,
            links=links,
            extent=_schema("extent"),
            itemType=text,
            itemCount=whole,
            crs=_array(text),
            storageCrs=text,
        ),
        "collections": _object(("links", "collections"), links=links, collections=_array(_schema("collection"))),
        "geometryGeoJSON": _object(("type", "coordinates"), type=text, coordinates={"type": "array", "items": {}}),
        "featureGeoJSON": _object(
            ("type", "geometry", "properties"),
            type=text | {"enum": ["Feature"]},
            id=whole,
            geometry={"nullable": True, "allOf": [_schema("geometryGeoJSON")]},
            properties={"type": "object", "nullable": True},
            links=links,
        ),
        "featureCollectionGeoJSON": _object(
            ("type", "features"),
            type=text | {"enum": ["FeatureCollection"]},
            features=_array(_schema("featureGeoJSON")),
            links=links,
            timeStamp=text | {"format": "date-time"},
            numberMatched=whole | {"minimum": 0},
            numberReturned=whole | {"minimum": 0},
        ),
        "tileSet": _object(
            ("dataType", "crs", "links"),
            title=text,
            dataType=text,
            crs=text,
            tileMatrixSetURI=text,
            tileMatrixSetId=text,
            tileMatrixSetLimits=_array(_schema("object")),
            links=links,
        ),
        "tileSets": _object(("tilesets",), links=links, tilesets=_array(_schema("tileSet"))),
        "exception": _object(
            ("type", "title", "status"), type=text, title=text, status=whole, detail=text, instance=text, parameter=text
        ),
    }
