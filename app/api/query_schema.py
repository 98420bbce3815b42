"""The description of a spatial question for OpenAPI: a JSON Schema and examples that can be sent as they are."""

from __future__ import annotations

from typing import Any, Final

from spatial.crs_table import SERVED_CRS
from spatial.geometry import MAX_RADIUS_M
from spatial.question import DEFAULT_PAGE, MAX_BY, MAX_CONDITIONS, MAX_PAGE, MAX_VALUES
from spatial.question_conditions import (
    DEFAULT_NEAREST,
    DEFAULT_TOLERANCE_M,
    MAX_CORRIDOR_M,
    MAX_NEAREST,
    MAX_TOLERANCE_M,
    MAX_UNITS,
)
from spatial.question_model import Format, Level, Op, Relation

Schema = dict[str, Any]
CRS_NAMES: Final = [crs.curie for crs in SERVED_CRS]
POSITION: Final[Schema] = {
    "description": "x, y theo coordinates_crs · in the axis order of coordinates_crs",
    "type": "array",
    "items": {"type": "number"},
    "minItems": 2,
    "maxItems": 2,
}
GEOMETRY: Final[Schema] = {
    "description": "Hình học GeoJSON · a GeoJSON geometry (RFC 7946) or Feature",
    "type": "object",
    "properties": {"type": {"type": "string"}},
    "required": ["type"],
    "not": {"required": ["layer"]},
}
FILTER: Final[Schema] = {
    "description": "Bộ lọc CQL2, dạng văn bản hoặc JSON · a CQL2 filter, as text or JSON",
    "type": ["string", "object"],
}
LANGUAGE: Final[Schema] = {"enum": ["cql2-text", "cql2-json"]}


def _object(required: tuple[str, ...], **members: Schema) -> Schema:
    return {"type": "object", "properties": members, "required": list(required), "additionalProperties": False}


def _metres(above: float, most: float, **more: object) -> Schema:
    return {"type": "number", "exclusiveMinimum": above, "maximum": most, **more}


def _words(kind: type[Format | Level | Op | Relation]) -> Schema:
    return {"enum": [word.value for word in kind]}


SOURCE: Final = _object(("layer",), layer={"type": "string"}, filter=FILTER, filter_lang=LANGUAGE)
CONDITIONS: Final[list[Schema]] = [
    _object(("point",), point=POSITION, tolerance_m=_metres(0, MAX_TOLERANCE_M, default=DEFAULT_TOLERANCE_M)),
    _object(
        ("nearest",),
        nearest=_object(
            ("to",),
            to=POSITION,
            k={"type": "integer", "minimum": 1, "maximum": MAX_NEAREST, "default": DEFAULT_NEAREST},
        ),
    ),
    _object(
        ("radius",),
        radius=_object(
            ("of", "metres"),
            of={"anyOf": [POSITION, GEOMETRY, SOURCE]},
            metres=_metres(0, MAX_RADIUS_M),
            outside={"type": "boolean", "default": False},
            straight_line={"const": True},
        ),
    ),
    _object(
        ("zone",),
        zone=_object(
            ("geometry",),
            geometry={"anyOf": [GEOMETRY, SOURCE]},
            relation={**_words(Relation), "default": Relation.INTERSECTS.value},
            parts={"type": "boolean", "default": False},
        ),
    ),
    _object(
        ("route",),
        route=_object(
            ("line", "corridor_m"), line={"anyOf": [GEOMETRY, SOURCE]}, corridor_m=_metres(0, MAX_CORRIDOR_M)
        ),
    ),
    _object(
        ("boundary",),
        boundary=_object(
            ("units",),
            units={
                "type": "array",
                "items": {"type": "string", "pattern": "^([0-9]{2}|[0-9]{5}|[0-9]{5}-[0-9]{2,3})$"},
                "minItems": 1,
                "maxItems": MAX_UNITS,
            },
            outside={"type": "boolean", "default": False},
        ),
    ),
]
FIGURES: Final = _object(
    (),
    by={"type": "array", "items": {"type": "string"}, "maxItems": MAX_BY},
    level=_words(Level),
    values={
        "type": "array",
        "items": _object(("op",), op=_words(Op), field={"type": "string"}, of=_words(Op)),
        "minItems": 1,
        "maxItems": MAX_VALUES,
    },
)
PAGE: Final = _object(
    (),
    limit={"type": "integer", "minimum": 1, "maximum": MAX_PAGE, "default": DEFAULT_PAGE},
    cursor={"type": ["string", "null"]},
    properties={"type": ["array", "null"], "items": {"type": "string"}},
    geometry={"type": "boolean", "default": True},
)
QUESTION: Final[Schema] = {
    **_object(
        ("layer",),
        layer={"description": "Tên lớp · slug of the layer, see /api/layers", "type": "string"},
        where={"type": "array", "items": {"oneOf": CONDITIONS}, "maxItems": MAX_CONDITIONS},
        filter=FILTER,
        filter_lang=LANGUAGE,
        figures=FIGURES,
        features={"anyOf": [{"type": "boolean"}, PAGE]},
        crs={"description": "Hệ tọa độ của kết quả · CRS of the answer", "examples": CRS_NAMES},
        coordinates_crs={"description": "Hệ tọa độ của câu hỏi · CRS of the question", "examples": CRS_NAMES},
        revision={"type": ["integer", "null"], "minimum": 1},
        at={"type": ["string", "null"], "format": "date-time"},
        format=_words(Format),
    ),
    "title": "Câu hỏi không gian · Spatial question",
}


def _example(vi: str, en: str, **question: object) -> Schema:
    return {"summary": f"{vi} · {en}", "value": question}


EXAMPLES: Final[dict[str, Schema]] = {
    "radius": _example(
        "Trường trong 3 km quanh một điểm, số học sinh theo cấp",
        "Schools within 3 km of a point, pupils by level",
        layer="schools",
        where=[{"radius": {"of": [107.15, 11.05], "metres": 3000}}],
        figures={"by": ["level"], "values": [{"op": "count"}, {"op": "sum", "field": "pupils"}]},
        features={"limit": 10},
        format="json",
    ),
    "outside": _example(
        "Trường không có cơ sở y tế trong 3 km, theo xã",
        "Schools with no clinic within 3 km, by commune",
        layer="schools",
        where=[{"radius": {"of": {"layer": "clinics"}, "metres": 3000, "outside": True}}],
        figures={"level": "commune"},
        features=False,
    ),
    "point": _example(
        "Thửa đất tại một điểm", "The parcel at a point", layer="parcels", where=[{"point": [107.15, 11.05]}]
    ),
    "nearest": _example(
        "Năm cơ sở y tế gần nhất",
        "The five nearest clinics",
        layer="clinics",
        where=[{"nearest": {"to": [107.15, 11.05], "k": 5}}],
    ),
    "zone": _example(
        "Diện tích đất bị ngập theo loại đất",
        "Flooded area of parcels by land use",
        layer="parcels",
        where=[{"zone": {"geometry": {"layer": "flood-areas"}, "relation": "intersects", "parts": True}}],
        figures={"by": ["land_use_main"], "values": [{"op": "count"}, {"op": "part_area_m2"}]},
        features=False,
    ),
    "route": _example(
        "Đèn đường dọc một tuyến, theo lý trình",
        "Street lights along a line, by chainage",
        layer="street-lights",
        where=[
            {
                "route": {
                    "line": {"type": "LineString", "coordinates": [[107.05, 11.0], [107.2, 11.1], [107.3, 11.12]]},
                    "corridor_m": 500,
                }
            }
        ],
        format="csv",
    ),
    "boundary": _example(
        "Trường của hai xã, chia theo thôn",
        "Schools of two communes, down to hamlets",
        layer="schools",
        where=[{"boundary": {"units": ["99901", "99902"]}}],
        filter="level IN ('MN', 'TH')",
        figures={"level": "hamlet"},
        features=False,
    ),
}
