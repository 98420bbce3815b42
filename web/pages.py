"""Pages of features: a table and a map of one page of a layer, and everything about one feature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from layers.catalogue import Layer
from layers.definition import Definition, Field, FieldType, Label, Style
from spatial.crs import CRS, CRS84
from web.environment import Site, code_labels, format_value, render
from web.svg_map import ITEM_WIDTH, WIDTH, Drawing, Sketch, draw

DEFAULT_COLOR = "#4477aa"
SYSTEM_TITLES = {
    "unit_code": (Label("Mã xã, phường nơi có đối tượng", "Code of the commune where it lies"), None),
    "province_code": (Label("Mã tỉnh", "Province code"), None),
    "geom_area_m2": (Label("Diện tích của hình", "Area of the geometry"), "m²"),
    "geom_length_m": (Label("Chiều dài của hình", "Length of the geometry"), "m"),
}
PAGE_SIZES = (10, 50, 100, 500, 1000)


@dataclass(frozen=True, slots=True)
class Column:
    """A property as a table shows it.

    Attributes:
        codes: What the values mean, where they are codes.
    """

    name: str
    title: Label
    unit: str | None
    type: FieldType
    codes: Mapping[str, Label]

    @property
    def is_number(self) -> bool:
        """Whether values are set to the right."""
        return self.type in (FieldType.INTEGER, FieldType.NUMBER)


@dataclass(frozen=True, slots=True)
class Cell:
    """A value for people, and the code that it stands for."""

    text: str
    code: str | None


def render_items(
    layer: Layer, page: Mapping[str, Any], *, crs: CRS = CRS84, english: bool = False, lang: str | None = None
) -> bytes:
    """A page of features: table, map, filter form, link to the next page.

    Args:
        layer: The layer.
        page: The parsed GeoJSON FeatureCollection with its links, as the items route sends it.
        crs: CRS of the coordinates.
        english: English first, else Vietnamese.
        lang: The language that the address names, if it names one.
    """
    site, query = _place(page["links"], english=english, lang=lang)
    features = page["features"]
    columns = columns_of(layer, features)
    asked = dict(parse_qsl(query, keep_blank_values=True))
    return render(
        "items.html",
        site=site,
        path=f"/ogc/collections/{layer.slug}/items",
        query=query,
        synthetic=layer.synthetic,
        layer=layer,
        columns=columns,
        rows=[(feature["id"], _cells(feature, columns, site)) for feature in features],
        drawing=_drawing(layer, features, crs=crs, width=WIDTH),
        legend=_legend(layer.definition.style),
        matched=page.get("numberMatched"),
        first=int(asked.get("offset", "0")) + 1 if "cursor" not in asked else None,
        next_href=_next_href(page["links"], site),
        json_href=next(link["href"] for link in page["links"] if link["rel"] == "self"),
        asked=asked,
        kept=[(name, value) for name, value in asked.items() if name in ("bbox", "bbox-crs", "crs", "datetime")],
        sizes=PAGE_SIZES,
        examples=filter_examples(layer.definition),
    )


def render_item(
    layer: Layer, feature: Mapping[str, Any], *, crs: CRS = CRS84, english: bool = False, lang: str | None = None
) -> bytes:
    """One feature: its map and every property with title, unit and the meaning of codes.

    Args:
        layer: The layer.
        feature: The parsed GeoJSON Feature with its links, as the item route sends it.
        crs: CRS of the coordinates.
        english: English first, else Vietnamese.
        lang: The language that the address names, if it names one.
    """
    site, query = _place(feature["links"], english=english, lang=lang)
    columns = columns_of(layer, [feature])
    return render(
        "item.html",
        site=site,
        path=f"/ogc/collections/{layer.slug}/items/{feature['id']}",
        query=query,
        synthetic=layer.synthetic,
        layer=layer,
        feature=feature,
        heading=title_of(layer.definition, feature),
        pairs=list(zip(columns, _cells(feature, columns, site), strict=True)),
        drawing=_drawing(layer, [feature], crs=crs, width=ITEM_WIDTH),
        legend=(),
        json_href=next(link["href"] for link in feature["links"] if link["rel"] == "self"),
    )


def columns_of(layer: Layer, features: Sequence[Mapping[str, Any]]) -> list[Column]:
    """The properties that the features show, in the order of the definition."""
    shown = features[0]["properties"] if features else {}
    known = [_column(field) for field in layer.definition.public_fields if field.name in shown or not features]
    for name, (title, unit) in SYSTEM_TITLES.items():
        if name in shown:
            kind = FieldType.NUMBER if unit else FieldType.TEXT
            known.append(Column(name, title, unit, kind, {}))
    return known


def _column(field: Field) -> Column:
    codes = {entry.code: entry.label for entry in field.codes.entries} if field.codes else {}
    return Column(field.name, field.title, field.unit, field.type, codes)


def _cells(feature: Mapping[str, Any], columns: Sequence[Column], site: Site) -> list[Cell]:
    properties = feature["properties"]
    return [_cell(column, properties.get(column.name), site) for column in columns]


def _cell(column: Column, value: object, site: Site) -> Cell:
    meaning = code_labels(column.codes, value, site=site)
    if meaning is not None:
        return Cell(meaning, format_value(value, english=site.english))
    if column.type is FieldType.DATE and isinstance(value, str):
        value = date.fromisoformat(value)
    elif column.type is FieldType.DATETIME and isinstance(value, str):
        value = datetime.fromisoformat(value)
    return Cell(format_value(value, english=site.english), None)


def title_of(definition: Definition, feature: Mapping[str, Any]) -> str:
    """What a feature is called: its label field, its key, else its number."""
    properties = feature["properties"]
    style = definition.style
    if style is not None and style.label_field is not None and properties.get(style.label_field):
        return str(properties[style.label_field])
    key = [str(properties[name]) for name in definition.key if properties.get(name) is not None]
    return " / ".join(key) or str(feature["id"])


def _place(links: Sequence[Mapping[str, str]], *, english: bool, lang: str | None) -> tuple[Site, str]:
    here = next(link["href"] for link in links if link["rel"] == "self")
    base = here.partition("/ogc/collections/")[0]
    return Site(base, english=english, lang=lang), urlsplit(here).query


def _next_href(links: Sequence[Mapping[str, str]], site: Site) -> str | None:
    href = next((link["href"] for link in links if link["rel"] == "next"), None)
    if href is None:
        return None
    parts = urlsplit(href)
    kept = [(name, value) for name, value in parse_qsl(parts.query) if name not in ("f", "lang")]
    return site.href(f"{parts.path.removeprefix(site.root)}?{urlencode(kept)}")


def _drawing(layer: Layer, features: Sequence[Mapping[str, Any]], *, crs: CRS, width: int) -> Drawing | None:
    colors = _colors(layer.definition.style)
    style = layer.definition.style
    base = style.color if style is not None else DEFAULT_COLOR
    by = style.by if style is not None else None

    def color(feature: Mapping[str, Any]) -> str:
        return colors.get(str(feature["properties"].get(by)), base) if by else base

    return draw(
        [Sketch(item["id"], title_of(layer.definition, item), color(item), item["geometry"]) for item in features],
        crs=crs,
        width=width,
    )


def _colors(style: Style | None) -> dict[str, str]:
    return {item.value: item.color for item in style.classes} if style is not None else {}


def _legend(style: Style | None) -> tuple[tuple[str, Label], ...]:
    return tuple((item.color, item.label) for item in style.classes) if style is not None else ()


def filter_examples(definition: Definition) -> list[str]:
    """CQL2 filters over the layer's own fields that a reader may copy: by class, by name, by day, by number."""
    style, found = definition.style, list[str]()
    fields = {field.name: field for field in definition.public_fields}
    if style is not None and style.by in fields and style.classes:
        found.append(f"{style.by} = {_literal(fields[style.by], style.classes[0].value)}")
    if "name" in fields and fields["name"].type is FieldType.TEXT:
        found.append("CASEI(name) LIKE CASEI('%tân%')")
    for kind, condition in ((FieldType.DATE, ">= DATE('2025-07-01')"), (FieldType.NUMBER, "BETWEEN 1 AND 100")):
        found += [f"{field.name} {condition}" for field in fields.values() if field.type is kind][:1]
    return found or ["unit_code LIKE '0%'"]


def _literal(field: Field, value: str) -> str:
    is_text = field.type in (FieldType.TEXT, FieldType.TEXT_ARRAY)
    quoted = value.replace("'", "''")
    return f"'{quoted}'" if is_text else value
