"""OGC Styled Layer Descriptor 1.0 of a layer, as QGIS, GeoServer and ArcGIS read it."""

from __future__ import annotations

from typing import Final
from xml.etree import ElementTree as ET

from layers.definition import Definition, Style
from tiles.content import class_field, label_field
from tiles.errors import LayerHasNoTiles
from tiles.styles.maplibre import HALO, INK, OUTLINE

_SLD: Final = "http://www.opengis.net/sld"
_OGC: Final = "http://www.opengis.net/ogc"
# Scale denominator of WebMercatorQuad at zoom 0 (OGC 2D Tile Matrix Set 2.0, annex D.1).
SCALE_0: Final = 559_082_264.0287178
_LABEL_SCALE: Final = 50_000
_POINT_PIXELS: Final = 8

ET.register_namespace("sld", _SLD)
ET.register_namespace("ogc", _OGC)


def sld_style(definition: Definition) -> bytes:
    """The layer's default style; rules are titled in Vietnamese, their abstract is English.

    Raises:
        LayerHasNoTiles: The definition has no style.
    """
    style = definition.style
    if style is None:
        raise LayerHasNoTiles(definition.slug)
    root = ET.Element(f"{{{_SLD}}}StyledLayerDescriptor", {"version": "1.0.0"})
    named = _sub(root, "NamedLayer")
    _sub(named, "Name", definition.slug)
    user = _sub(named, "UserStyle")
    _sub(user, "Name", definition.slug)
    _sub(user, "Title", definition.title.vi)
    _sub(user, "Abstract", definition.title.en)
    rules = _sub(user, "FeatureTypeStyle")
    _class_rules(rules, definition, style)
    _label_rule(rules, definition)
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def _class_rules(parent: ET.Element, definition: Definition, style: Style) -> None:
    by = class_field(definition)
    if by is None or not (style.classes or style.breaks):
        _symbol(_rule(parent, definition.slug, definition.title.vi, definition.title.en), style.type, style.color)
        return
    for entry in style.classes:
        rule = _rule(parent, entry.value, entry.label.vi, entry.label.en)
        equal = ET.SubElement(ET.SubElement(rule, f"{{{_OGC}}}Filter"), f"{{{_OGC}}}PropertyIsEqualTo")
        ET.SubElement(equal, f"{{{_OGC}}}PropertyName").text = by.name
        ET.SubElement(equal, f"{{{_OGC}}}Literal").text = entry.value
        _scale(rule, style)
        _symbol(rule, style.type, entry.color)
    for number, span in enumerate(style.breaks):
        rule = _rule(parent, f"{span.at_least:g}", span.label.vi, span.label.en)
        end = style.breaks[number + 1].at_least if number + 1 < len(style.breaks) else None
        _range_filter(rule, by.name, span.at_least, end)
        _scale(rule, style)
        _symbol(rule, style.type, span.color)
    rule = _rule(parent, "other", "Khác", "Other")
    _sub(rule, "ElseFilter")
    _scale(rule, style)
    _symbol(rule, style.type, style.color)


def _range_filter(rule: ET.Element, name: str, start: float, end: float | None) -> None:
    """From ``start``, inclusive, to ``end``, exclusive, or without an end."""
    both = ET.SubElement(ET.SubElement(rule, f"{{{_OGC}}}Filter"), f"{{{_OGC}}}And")
    for operator, bound in (("PropertyIsGreaterThanOrEqualTo", start), ("PropertyIsLessThan", end)):
        if bound is not None:
            compared = ET.SubElement(both, f"{{{_OGC}}}{operator}")
            ET.SubElement(compared, f"{{{_OGC}}}PropertyName").text = name
            ET.SubElement(compared, f"{{{_OGC}}}Literal").text = f"{bound:.17g}"


def _rule(parent: ET.Element, name: str, vi: str, en: str) -> ET.Element:
    rule = _sub(parent, "Rule")
    _sub(rule, "Name", name)
    _sub(rule, "Title", vi)
    _sub(rule, "Abstract", en)
    return rule


def _scale(rule: ET.Element, style: Style) -> None:
    if style.min_zoom:
        # Half a zoom of grace: desktop programs stop between zooms.
        _sub(rule, "MaxScaleDenominator", f"{SCALE_0 / 2 ** (style.min_zoom - 0.5):.0f}")


def _symbol(rule: ET.Element, kind: str, color: str) -> None:
    if kind == "line":
        _stroke(_sub(rule, "LineSymbolizer"), color, 1.2)
        return
    if kind == "fill":
        polygon = _sub(rule, "PolygonSymbolizer")
        _css(_sub(polygon, "Fill"), {"fill": color, "fill-opacity": "0.7"})
        _stroke(polygon, OUTLINE, 0.4)
        return
    graphic = _sub(_sub(rule, "PointSymbolizer"), "Graphic")
    mark = _sub(graphic, "Mark")
    _sub(mark, "WellKnownName", "circle")
    _css(_sub(mark, "Fill"), {"fill": color})
    _stroke(mark, HALO, 0.8)
    _sub(graphic, "Size", str(_POINT_PIXELS))


def _label_rule(parent: ET.Element, definition: Definition) -> None:
    field = label_field(definition)
    if field is None:
        return
    rule = _rule(parent, "label", f"Nhãn: {field.title.vi}", f"Label: {field.title.en}")
    _sub(rule, "MaxScaleDenominator", str(_LABEL_SCALE))
    text = _sub(rule, "TextSymbolizer")
    ET.SubElement(_sub(text, "Label"), f"{{{_OGC}}}PropertyName").text = field.name
    _css(_sub(text, "Font"), {"font-family": "Noto Sans", "font-size": "10"})
    halo = _sub(text, "Halo")
    _sub(halo, "Radius", "1")
    _css(_sub(halo, "Fill"), {"fill": HALO})
    _css(_sub(text, "Fill"), {"fill": INK})


def _stroke(parent: ET.Element, color: str, width: float) -> None:
    _css(_sub(parent, "Stroke"), {"stroke": color, "stroke-width": str(width)})


def _css(parent: ET.Element, values: dict[str, str]) -> None:
    for name, value in values.items():
        ET.SubElement(parent, f"{{{_SLD}}}CssParameter", {"name": name}).text = value


def _sub(parent: ET.Element, name: str, value: str | None = None) -> ET.Element:
    made = ET.SubElement(parent, f"{{{_SLD}}}{name}")
    made.text = value
    return made
