"""MapLibre styles of one layer or of a map of several, made from their definitions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from layers.catalogue import Layer
from layers.definition import Definition, GeometryType, Style
from tiles.content import CELL_COUNT, class_field, has_cells, label_field, label_layer
from tiles.errors import LayerHasNoTiles

SOURCE: Final = "diaban"
OUTLINE: Final = "#6e6e6e"
HALO: Final = "#ffffff"
INK: Final = "#222222"
_IS_CELL: Final[list[object]] = ["has", CELL_COUNT]
_NOT_CELL: Final[list[object]] = ["!", _IS_CELL]

Document = dict[str, Any]


def maplibre_style(layers: Sequence[Layer], tilejson_url: str) -> Document:
    """A style of version 8: areas below lines below points, labels on top.

    No glyphs are named: since its 2025 versions MapLibre draws text with fonts of the machine, so that nothing
    is fetched from elsewhere.

    Args:
        layers: In drawing order within each kind of geometry.
        tilejson_url: TileJSON of one tile set that holds all of them.

    Raises:
        LayerHasNoTiles: A layer has no tiles.
    """
    for layer in layers:
        if layer.definition.tiles is None or layer.definition.style is None:
            raise LayerHasNoTiles(layer.slug)
    definitions = [layer.definition for layer in layers]
    drawn = [item for kind in ("fill", "line", "circle") for d in definitions for item in _drawing(d, kind)]
    labels = [item for definition in definitions for item in _labels(definition)]
    return {
        "version": 8,
        "name": ", ".join(definition.title.vi for definition in definitions),
        "metadata": {
            "diaban:title_en": ", ".join(definition.title.en for definition in definitions),
            "diaban:synthetic": any(layer.synthetic for layer in layers),
            "diaban:legend": {definition.slug: legend(definition) for definition in definitions},
        },
        "sources": {SOURCE: {"type": "vector", "url": tilejson_url}},
        "layers": drawn + labels,
    }


def legend(definition: Definition) -> list[Document]:
    """Colour and text of every class or range, in both languages; one entry for a layer without either."""
    style = definition.style
    if style is None or not (style.classes or style.breaks):
        color = style.color if style else OUTLINE
        return [{"value": None, "color": color, "vi": definition.title.vi, "en": definition.title.en}]
    ranges = [
        {"at_least": entry.at_least, "color": entry.color, "vi": entry.label.vi, "en": entry.label.en}
        for entry in style.breaks
    ]
    return ranges or [
        {"value": entry.value, "color": entry.color, "vi": entry.label.vi, "en": entry.label.en}
        for entry in style.classes
    ]


def color_of(definition: Definition, style: Style) -> object:
    """The colour as a MapLibre expression: by class or by range where the style goes by a field.

    The class of a cell is the range's lower end as text, so a text is read as a number and nothing else is.
    """
    by = class_field(definition)
    if by is not None and style.breaks:
        steps = [part for entry in style.breaks for part in (entry.at_least, entry.color)]
        ranges = ["step", ["to-number", ["get", by.name]], style.color, *steps]
        return ["case", ["has", by.name], ranges, style.color]
    if by is None or not style.classes:
        return style.color
    pairs = [part for entry in style.classes for part in (entry.value, entry.color)]
    return ["match", ["to-string", ["get", by.name]], *pairs, style.color]


def _drawing(definition: Definition, kind: str) -> list[Document]:
    style = definition.style
    if style is None or style.type != kind:
        return []
    color = color_of(definition, style)
    if kind == "fill":
        return _fills(definition, color)
    if kind == "line":
        return [_layer(definition, "line", "line", _line_paint(color), layout={"line-cap": "round"})]
    return _circles(definition, color)


def _fills(definition: Definition, color: object) -> list[Document]:
    fill = {"fill-color": color, "fill-opacity": 0.7}
    edge = {"line-color": OUTLINE, "line-width": ["interpolate", ["linear"], ["zoom"], 6, 0.3, 14, 1]}
    drawn = [
        _layer(definition, "fill", "fill", fill, when=_NOT_CELL),
        _layer(definition, "outline", "line", edge, when=_NOT_CELL),
    ]
    if has_cells(definition):
        # The fuller a cell, the stronger its colour.
        opacity = ["interpolate", ["linear"], ["get", CELL_COUNT], 1, 0.35, 50, 0.8]
        drawn.append(_layer(definition, "cells", "fill", {"fill-color": color, "fill-opacity": opacity}, when=_IS_CELL))
    return drawn


def _circles(definition: Definition, color: object) -> list[Document]:
    edge = {"circle-stroke-color": HALO, "circle-stroke-width": 1}
    radius = ["interpolate", ["linear"], ["zoom"], 8, 2.5, 16, 7]
    drawn = [
        _layer(definition, "circle", "circle", {"circle-color": color, "circle-radius": radius, **edge}, when=_NOT_CELL)
    ]
    if has_cells(definition):
        grown = ["interpolate", ["linear"], ["sqrt", ["get", CELL_COUNT]], 1, 2.5, 30, 14]
        paint = {"circle-color": color, "circle-radius": grown, "circle-opacity": 0.75}
        drawn.append(_layer(definition, "cells", "circle", paint, when=_IS_CELL))
    return drawn


def _line_paint(color: object) -> Document:
    return {"line-color": color, "line-width": ["interpolate", ["exponential", 1.4], ["zoom"], 6, 0.6, 16, 5]}


def _labels(definition: Definition) -> list[Document]:
    field = label_field(definition)
    if field is None:
        return []
    layout: Document = {
        "text-field": ["coalesce", ["get", field.name], ""],
        "text-size": ["interpolate", ["linear"], ["zoom"], 8, 11, 16, 14],
        "text-max-width": 8,
    }
    when: list[object] | None = _NOT_CELL
    if definition.geometry is GeometryType.MULTILINESTRING:
        layout["symbol-placement"] = "line"
    elif definition.geometry is GeometryType.POINT:
        layout |= {"text-variable-anchor": ["top", "bottom", "left", "right"], "text-radial-offset": 0.8}
    else:
        when = None
    paint = {"text-color": INK, "text-halo-color": HALO, "text-halo-width": 1.2}
    return [_layer(definition, "label", "symbol", paint, when=when, layout=layout, of=label_layer(definition))]


def _layer(
    definition: Definition,
    part: str,
    kind: str,
    paint: Document,
    *,
    when: list[object] | None = None,
    layout: Document | None = None,
    of: str | None = None,
) -> Document:
    made: Document = {
        "id": f"{definition.slug}-{part}",
        "type": kind,
        "source": SOURCE,
        "source-layer": of or definition.slug,
        "paint": paint,
    }
    if when is not None:
        made["filter"] = when
    if layout is not None:
        made["layout"] = layout
    first = definition.style.min_zoom if definition.style else 0
    if part != "cells" and first:
        made["minzoom"] = first
    return made
