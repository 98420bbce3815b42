"""A page of features put together in the form that is wanted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import orjson
from sqlalchemy import ColumnElement

from app.ogc.forms import MEDIA_TYPES, Form
from app.ogc.params import temporal_field
from layers.arrow import Table, flatgeobuf_bytes
from layers.catalogue import Layer
from layers.reader import current_target
from spatial.crs import CRS
from spatial.features import items_statement
from spatial.page import View
from spatial.page_formats import csv_header, csv_statement, jsonfg_statement, rows_statement
from spatial.sql import Rows
from spatial.target import Property, Target

# Excel takes CSV for the system's own encoding unless a mark says UTF-8; GDAL, QGIS and LibreOffice skip it.
BOM: Final = "\ufeff".encode()
JSONFG_CLASSES: Final = tuple(
    f"http://www.opengis.net/spec/json-fg-1/1.0/conf/{name}" for name in ("core", "types-schemas")
)
_DIMENSIONS: Final = {"Point": 0, "MultiLineString": 1, "MultiPolygon": 2}
Builder = Callable[[Target, Sequence[ColumnElement[bool]], View], Rows]


def builder_of(form: Form, layer: Layer) -> Builder:
    """What builds the statement of a page in this form."""
    if form is Form.JSONFG:
        instant = instant_of(layer)
        return lambda target, conditions, view: jsonfg_statement(target, conditions, view, instant)
    builders: dict[Form, Builder] = {Form.CSV: csv_statement, Form.FLATGEOBUF: rows_statement}
    return builders.get(form, items_statement)


def instant_of(layer: Layer) -> Property | None:
    """The property that dates the content of a feature, unless it is personal or hidden."""
    field = temporal_field(layer)
    if field is None or field not in layer.definition.public_fields:
        return None
    return Property(field.name, field.type.value)


def collection_document(body: bytes, members: Mapping[str, object]) -> bytes:
    """A FeatureCollection, its features spliced in as they came (OGC API - Features Part 1, 7.16)."""
    return b'{"type":"FeatureCollection","features":[' + body + b"]," + orjson.dumps(members)[1:]


def jsonfg_members(layer: Layer, crs: CRS, collection_url: str) -> dict[str, object]:
    """What JSON-FG says of a whole document (OGC 21-045r1, 7): classes, type of the features, schema, CRS."""
    return {
        "conformsTo": JSONFG_CLASSES,
        "featureType": layer.slug,
        "featureSchema": f"{collection_url}/schema?f=json",
        "geometryDimension": _DIMENSIONS.get(str(layer.definition.geometry)),
        "coordRefSys": crs.uri,
    }


def csv_document(layer: Layer, view: View, body: bytes) -> bytes:
    """CSV with its mark and header line."""
    header = csv_header(current_target(layer.definition), view).encode()
    lines = header + b"\r\n" + body
    return BOM + (lines + b"\r\n" if body else lines)


def flatgeobuf_document(layer: Layer, view: View, rows: Sequence[Sequence[Any]]) -> bytes:
    """A FlatGeobuf file, for a worker thread. An index would put sorted features in another order."""
    target = current_target(layer.definition)
    table = Table(view.shown(target), target.geometry_type, has_dates=False)
    return flatgeobuf_bytes(table, rows, view.crs, indexed=not view.sort)


def download_headers(layer: Layer, form: Form, returned: int, matched: int | None) -> dict[str, str]:
    """Headers that say what a form without members for it cannot: counts, and a name for the file."""
    headers = {
        "OGC-NumberReturned": str(returned),
        "Content-Disposition": f'attachment; filename="{layer.slug}.{form.value}"',
    }
    if matched is not None:
        headers["OGC-NumberMatched"] = str(matched)
    return headers


def link_header(links: Sequence[Mapping[str, str]]) -> str:
    """Links as one ``Link`` header (RFC 8288, 3); the addresses are percent-encoded already."""
    return ", ".join(f'<{link["href"]}>; rel="{link["rel"]}"; type="{link["type"]}"' for link in links)


def content_type(form: Form) -> str:
    """The media type as an answer names it."""
    if form is Form.CSV:
        return "text/csv; charset=utf-8; header=present"
    if form is Form.HTML:
        return "text/html; charset=utf-8"
    return MEDIA_TYPES[form]
