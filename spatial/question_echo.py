"""A question written back as its document, defaults filled in and coordinates in CRS84."""

from __future__ import annotations

import math
from typing import Final

import shapely
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from spatial.question_model import (
    BoundaryCondition,
    Condition,
    Figures,
    Filter,
    NearestCondition,
    PointCondition,
    Question,
    RadiusCondition,
    RouteCondition,
    Source,
    Value,
    ZoneCondition,
)

# A longer geometry is told by its size, because the asker has it and an answer must stay small.
MAX_ECHOED: Final = 200


def question_document(question: Question, *, max_vertices: float = MAX_ECHOED) -> dict[str, object]:
    """Return the question as a JSON document with every default written out.

    Args:
        question: The question.
        max_vertices: A geometry with more vertices is replaced by its type, their number and its bbox.
    """
    features = question.features
    return {
        "layer": question.layer,
        "where": [_condition(item, max_vertices) for item in question.where],
        **_filter(question.filter),
        "figures": _figures(question.figures) if question.figures else None,
        "features": False
        if features is None
        else {
            "limit": features.limit,
            "cursor": features.cursor,
            "properties": None if features.properties is None else list(features.properties),
            "geometry": features.geometry,
        },
        "crs": question.crs.uri,
        "coordinates_crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84",
        "revision": question.revision,
        "at": question.at.isoformat() if question.at else None,
        "format": question.format.value,
    }


def whole_document(question: Question) -> dict[str, object]:
    """Return the document with every geometry whole: equal for two questions exactly where they ask the same."""
    return question_document(question, max_vertices=math.inf)


def _filter(condition: Filter | None) -> dict[str, object]:
    if condition is None:
        return {}
    return {"filter": condition.document, "filter_lang": condition.key.split(" ", 1)[0]}


def _condition(condition: Condition, most: float) -> dict[str, object]:
    match condition:
        case PointCondition():
            return {"point": list(condition.point.coords[0]), "tolerance_m": condition.tolerance_m}
        case NearestCondition():
            return {"nearest": {"to": list(condition.to.coords[0]), "k": condition.k}}
        case RadiusCondition():
            body = {"of": _place(condition.of, most), "metres": condition.metres, "outside": condition.outside}
            return {"radius": {**body, "straight_line": True}}
        case ZoneCondition():
            zone = _place(condition.zone, most)
            return {"zone": {"geometry": zone, "relation": condition.relation.value, "parts": condition.parts}}
        case RouteCondition():
            return {"route": {"line": _place(condition.line, most), "corridor_m": condition.corridor_m}}
        case BoundaryCondition():
            return {"boundary": {"units": list(condition.units), "outside": condition.outside}}


def _place(place: BaseGeometry | Source, most: float) -> object:
    if isinstance(place, Source):
        return {"layer": place.layer, **_filter(place.filter)}
    if place.geom_type == "Point":
        return list(place.coords[0])
    vertices = int(shapely.get_num_coordinates(place))
    if vertices > most:
        return {"type": place.geom_type, "vertices": vertices, "bbox": list(place.bounds)}
    return mapping(place)


def _figures(figures: Figures) -> dict[str, object]:
    return {
        "by": list(figures.by),
        "level": figures.level.value if figures.level else None,
        "values": [_value(value) for value in figures.values],
    }


def _value(value: Value) -> dict[str, object]:
    written: dict[str, object] = {"op": value.op.value}
    if value.of:
        written["of"] = value.of.value
    if value.field:
        written["field"] = value.field
    return written
