"""JSON Schema of a layer's properties: what queryables and schema documents say of them."""

from __future__ import annotations

from typing import Any, Final

from layers.catalogue import Layer
from layers.definition import Field, FieldType, Label
from layers.reader import SYSTEM_PROPERTIES
from layers.tables import measure_column

# OGC API - Features Part 5, 7.8: the roles of properties.
ID: Final = "id"
GEOMETRY: Final = "primary-geometry"
INSTANT: Final = "primary-instant"
_TYPES: Final[dict[FieldType, dict[str, Any]]] = {
    FieldType.TEXT: {"type": "string"},
    FieldType.INTEGER: {"type": "integer", "format": "int64"},
    FieldType.NUMBER: {"type": "number", "format": "double"},
    FieldType.BOOLEAN: {"type": "boolean"},
    FieldType.DATE: {"type": "string", "format": "date"},
    FieldType.DATETIME: {"type": "string", "format": "date-time"},
    FieldType.TEXT_ARRAY: {"type": "array"},
}
_FID: Final = Label("Số định danh", "Feature id")
_SYSTEM: Final = {
    "unit_code": Label("Mã xã, phường nơi có đối tượng", "Code of the commune where the feature lies"),
    "province_code": Label("Mã tỉnh, thành phố", "Province code"),
    "geom_area_m2": Label("Diện tích trắc địa của hình", "Geodesic area of the geometry"),
    "geom_length_m": Label("Chiều dài trắc địa của hình", "Geodesic length of the geometry"),
}


def pick(label: Label, *, english: bool) -> str:
    """The label in the reader's language."""
    return label.en if english else label.vi


def field_schema(field: Field, *, english: bool) -> dict[str, Any]:
    """JSON Schema of one field, with its title, unit, codes, range and format."""
    schema: dict[str, Any] = {"title": pick(field.title, english=english)}
    if field.title.en != field.title.vi:
        schema["description"] = pick(field.title, english=not english)
    schema |= _TYPES[field.type]
    if field.unit is not None:
        schema["x-ogc-unit"] = field.unit
    bounds = {
        "minimum": field.minimum,
        "maximum": field.maximum,
        "maxLength": field.max_length,
        "pattern": field.pattern,
    }
    values: dict[str, Any] = {"type": "string"}
    values |= {name: value for name, value in bounds.items() if value is not None}
    if field.codes is not None:
        values["enum"] = list(field.codes.codes)
        schema["x-code-labels"] = {entry.code: pick(entry.label, english=english) for entry in field.codes.entries}
    if field.type is FieldType.TEXT_ARRAY:
        schema["items"] = values
    else:
        schema |= {name: value for name, value in values.items() if name != "type"}
    return schema


def layer_properties(layer: Layer, *, english: bool) -> dict[str, dict[str, Any]]:
    """Every property that is shown and may be asked for, in the order of the definition, system ones last.

    OGC API - Features Part 3, 6.3 and Part 5, 7: roles and the order (``x-ogc-propertySeq``) are said.
    """
    definition = layer.definition
    found = {"fid": _fid(english=english)}
    for field in definition.public_fields:
        found[field.name] = field_schema(field, english=english)
    for item in SYSTEM_PROPERTIES:
        found[item.name] = {"title": pick(_SYSTEM[item.name], english=english), "type": "string", "readOnly": True}
    measure = measure_column(definition)
    if measure is not None:
        found[measure[0]] = {
            "title": pick(_SYSTEM[measure[0]], english=english),
            "type": "number",
            "format": "double",
            "x-ogc-unit": "m²" if measure[0].endswith("m2") else "m",
            "readOnly": True,
        }
    if definition.data_date_field in found:
        found[str(definition.data_date_field)]["x-ogc-role"] = INSTANT
    for number, schema in enumerate(found.values(), start=1):
        schema["x-ogc-propertySeq"] = number
    return found


def _fid(*, english: bool) -> dict[str, Any]:
    schema: dict[str, Any] = {"title": pick(_FID, english=english), "type": "integer", "format": "int64"}
    return schema | {"minimum": 1, "readOnly": True, "x-ogc-role": ID}


def geometry_schema(layer: Layer, *, english: bool) -> dict[str, Any]:
    """Schema of the geometry; the format names its type (OGC API - Features Part 5, 7.6)."""
    geometry = layer.definition.geometry
    title = Label("Hình", "Geometry")
    kind = geometry.value.lower() if geometry is not None else "any"
    return {"title": pick(title, english=english), "format": f"geometry-{kind}", "x-ogc-role": GEOMETRY}
