"""A layer's style in QGIS's own language (QML), with its classes, ranges, labels and field titles."""

from __future__ import annotations

from itertools import count
from typing import Final
from xml.etree import ElementTree as ET

from layers.definition import Definition, Field, FieldType, Style
from tiles.content import class_field, label_field
from tiles.errors import LayerHasNoTiles
from tiles.styles.maplibre import HALO, INK, OUTLINE
from tiles.styles.sld import SCALE_0

# QGIS brings documents of older releases up to date when it reads them.
_VERSION: Final = "3.22.0"
_LABEL_SCALE: Final = 50_000
# Beyond every figure that a layer holds: QGIS ranges have two ends.
_NO_END: Final = 1e300
_SYMBOLS: Final = {"circle": "marker", "line": "line", "fill": "fill"}
_GEOMETRY: Final = {"circle": "0", "line": "1", "fill": "2"}


def qml_style(definition: Definition) -> bytes:
    """The layer's default style for QGIS 3; field titles and class names are Vietnamese.

    Raises:
        LayerHasNoTiles: The definition has no style.
    """
    style = definition.style
    if style is None:
        raise LayerHasNoTiles(definition.slug)
    root = ET.Element("qgis", {"version": _VERSION, "styleCategories": "Symbology|Labeling|Fields|Rendering"})
    if style.min_zoom:
        scale = f"{SCALE_0 / 2 ** (style.min_zoom - 0.5):.0f}"
        root.attrib |= {"hasScaleBasedVisibilityFlag": "1", "minScale": scale, "maxScale": "0"}
    _renderer(root, definition, style)
    _labels(root, definition, style)
    _aliases(root, definition)
    ET.SubElement(root, "layerGeometryType").text = _GEOMETRY[style.type]
    body = ET.tostring(root, encoding="unicode")
    return f"<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n{body}\n".encode()


def _renderer(root: ET.Element, definition: Definition, style: Style) -> None:
    by = class_field(definition)
    if by is not None and style.breaks:
        _graduated(root, by, style)
    elif by is not None and style.classes:
        _categorized(root, by, style)
    else:
        renderer = ET.SubElement(root, "renderer-v2", {"type": "singleSymbol", "enableorderby": "0"})
        _symbols(renderer, style, [style.color])


def _categorized(root: ET.Element, by: Field, style: Style) -> None:
    renderer = ET.SubElement(root, "renderer-v2", {"type": "categorizedSymbol", "attr": by.name, "enableorderby": "0"})
    categories = ET.SubElement(renderer, "categories")
    kind = "string" if by.type is FieldType.TEXT else "bool" if by.type is FieldType.BOOLEAN else "long"
    numbers = count()
    for entry in style.classes:
        attributes = {"value": entry.value, "label": entry.label.vi, "type": kind}
        ET.SubElement(categories, "category", {**attributes, "symbol": str(next(numbers)), "render": "true"})
    rest = {"value": "", "label": "Khác", "type": "string", "symbol": str(next(numbers)), "render": "true"}
    ET.SubElement(categories, "category", rest)
    _symbols(renderer, style, [*(entry.color for entry in style.classes), style.color])


def _graduated(root: ET.Element, by: Field, style: Style) -> None:
    """Ranges of QGIS take both ends and the first that fits wins, so they are listed from the highest down."""
    attributes = {"type": "graduatedSymbol", "attr": by.name, "graduatedMethod": "GraduatedColor", "enableorderby": "0"}
    renderer = ET.SubElement(root, "renderer-v2", attributes)
    ranges = ET.SubElement(renderer, "ranges")
    ends = [*(entry.at_least for entry in style.breaks[1:]), _NO_END]
    spans = [(entry.at_least, end, entry.label.vi) for entry, end in zip(style.breaks, ends, strict=True)]
    below = (-_NO_END, style.breaks[0].at_least, "Khác")
    for number, (start, end, title) in enumerate(reversed([below, *spans])):
        bounds = {"lower": f"{start:.17g}", "upper": f"{end:.17g}", "label": title}
        ET.SubElement(ranges, "range", {**bounds, "symbol": str(number), "render": "true"})
    _symbols(renderer, style, [*(entry.color for entry in reversed(style.breaks)), style.color])


def _symbols(renderer: ET.Element, style: Style, colors: list[str]) -> None:
    symbols = ET.SubElement(renderer, "symbols")
    for number, color in enumerate(colors):
        kind = _SYMBOLS[style.type]
        symbol = ET.SubElement(symbols, "symbol", {"type": kind, "name": str(number), "alpha": "1"})
        drawn, options = _drawing(style.type, color)
        layer = ET.SubElement(symbol, "layer", {"class": drawn, "pass": "0", "enabled": "1", "locked": "0"})
        given = ET.SubElement(layer, "Option", {"type": "Map"})
        for name, value in options.items():
            ET.SubElement(given, "Option", {"type": "QString", "name": name, "value": value})
        # Releases before 3.26 read the older form.
        for name, value in options.items():
            ET.SubElement(layer, "prop", {"k": name, "v": value})


def _drawing(kind: str, color: str) -> tuple[str, dict[str, str]]:
    """The class of a symbol's one layer, and its options; widths in millimetres."""
    if kind == "line":
        line = {"line_color": _rgba(color), "line_width": "0.4", "line_width_unit": "MM", "line_style": "solid"}
        return "SimpleLine", {**line, "capstyle": "round"}
    edge = {"outline_style": "solid", "outline_width_unit": "MM"}
    if kind == "fill":
        filled = {"color": _rgba(color, alpha=178), "style": "solid", "outline_color": _rgba(OUTLINE)}
        return "SimpleFill", {**filled, "outline_width": "0.15", **edge}
    marker = {"name": "circle", "color": _rgba(color), "size": "2.4", "size_unit": "MM", "outline_color": _rgba(HALO)}
    return "SimpleMarker", {**marker, "outline_width": "0.2", **edge}


def _rgba(color: str, *, alpha: int = 255) -> str:
    red, green, blue = bytes.fromhex(color.removeprefix("#"))
    return f"{red},{green},{blue},{alpha}"


def _labels(root: ET.Element, definition: Definition, style: Style) -> None:
    field = label_field(definition)
    if field is None:
        return
    labeling = ET.SubElement(root, "labeling", {"type": "simple"})
    settings = ET.SubElement(labeling, "settings", {"calloutType": "simple"})
    text = {"fieldName": field.name, "fontFamily": "Noto Sans", "fontSize": "8", "fontSizeUnit": "Point"}
    drawn = ET.SubElement(settings, "text-style", {**text, "textColor": _rgba(INK), "isExpression": "0"})
    halo = {"bufferDraw": "1", "bufferSize": "0.8", "bufferSizeUnits": "MM", "bufferColor": _rgba(HALO)}
    ET.SubElement(drawn, "text-buffer", halo)
    placement = {"circle": "6", "line": "2", "fill": "1"}[style.type]
    ET.SubElement(settings, "placement", {"placement": placement, "dist": "0.5", "distUnits": "MM"})
    ET.SubElement(settings, "rendering", {"scaleVisibility": "1", "scaleMin": "0", "scaleMax": str(_LABEL_SCALE)})
    root.set("labelsEnabled", "1")


def _aliases(root: ET.Element, definition: Definition) -> None:
    aliases = ET.SubElement(root, "aliases")
    for index, field in enumerate(definition.public_fields):
        ET.SubElement(aliases, "alias", {"field": field.name, "index": str(index), "name": field.title.vi})
