"""Definitions of layers that no catalogue foresees, made from the columns of their source."""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections.abc import Mapping as Table
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import geopandas as gpd
import pandas as pd

from layers.definition import (
    DataGroup,
    Definition,
    Drawing,
    Field,
    FieldType,
    Frequency,
    GeometryType,
    Label,
    Sensitivity,
    Style,
    TileOptions,
)
from layers.definition_checks import RESERVED_NAMES
from layers.mapping.model import UserLayer

KEY: Final = "source_id"
_LONGEST_NAME: Final = 40
_GEOMETRIES: Final = {
    "Point": GeometryType.POINT,
    "MultiPoint": GeometryType.POINT,
    "LineString": GeometryType.MULTILINESTRING,
    "MultiLineString": GeometryType.MULTILINESTRING,
    "Polygon": GeometryType.MULTIPOLYGON,
    "MultiPolygon": GeometryType.MULTIPOLYGON,
}
_DRAWN: Final[dict[GeometryType, tuple[Drawing, int]]] = {
    GeometryType.POINT: ("circle", 8),
    GeometryType.MULTILINESTRING: ("line", 7),
    GeometryType.MULTIPOLYGON: ("fill", 8),
}
_COLORS: Final = ("#1b9e77", "#d95f02", "#7570b3", "#e7298a", "#66a61e", "#e6ab02", "#a6761d", "#1f78b4")
_MIDDLE_DIGITS: Final = 15
_WHOLE: Final = re.compile(r"0|[+-]?[1-9]\d{0,14}")
_DECIMAL: Final = re.compile(r"[+-]?(0|[1-9]\d*)\.\d+")
# Titles under which people, not things, are written; such columns never become public fields by themselves.
_PERSONAL: Final = re.compile(
    r"(^|_)(dien_thoai|so_dt|sdt|dt|phone|mobile|email|thu_dien_tu|hieu_truong|bi_thu|chu_tich|giam_doc|ho_ten"
    r"|ho_va_ten|nguoi|chu_ho|chu_so_huu|chu_su_dung|chu_co_so|ten_chu|owner|cccd|cmnd|can_cuoc|ngay_sinh)(_|$)"
)
_CODE_TITLE: Final = re.compile(r"(^|_)(ma|so_hieu|so_giay|so_gp|id|code)(_|$)")


@dataclass(frozen=True, slots=True)
class UserField:
    """A column of a user layer before its type is known: name, titles, and the type if a rule fixes it."""

    name: str
    title: Label
    type: FieldType | None = None


def ascii_name(title: str) -> str:
    """Returns a Vietnamese column title as a field name: lower case, no marks, underscores."""
    plain = unicodedata.normalize("NFD", title.lower().replace("đ", "d"))
    words = re.sub(r"[^a-z0-9]+", "_", "".join(c for c in plain if not unicodedata.combining(c))).strip("_")
    name = words[:_LONGEST_NAME].strip("_")
    if not name or not name[0].isalpha():
        name = f"c_{name}".strip("_")
    return f"{name}_value" if name in RESERVED_NAMES else name


def free_name(title: str, taken: set[str]) -> str:
    """Returns a field name for a title that none of the taken names equals."""
    base = name = ascii_name(title)
    number = 2
    while name in taken:
        name, number = f"{base}_{number}", number + 1
    return name


def make_definition(
    layer: UserLayer, fields: Sequence[UserField], frame: gpd.GeoDataFrame, *, steward: str, source: str
) -> Definition:
    """Returns the definition of a layer made from its source.

    Types are those that every value fits; columns without any value are left out; columns whose title
    names a person or how to reach one become personal fields.

    Args:
        layer: Slug, title and group.
        fields: Columns of the frame in order, the key ``source_id`` first.
        frame: All rows of all sources of the layer, columns named as the fields.
        steward: Who answers for the data.
        source: Where the data come from.
    """
    made = [_key_field()]
    for field in fields:
        if field.name == KEY or field.name not in frame.columns:
            continue
        kind = field.type or infer_type(field.name, frame[field.name])
        if kind is not None:
            personal = _PERSONAL.search(ascii_name(field.title.vi)) is not None
            made.append(Field(field.name, field.name, field.title, kind, personal=personal))
    geometry = _geometry_type(frame)
    return Definition(
        slug=layer.slug,
        codes=(),
        title=layer.title,
        description=Label(f"Lớp lập từ nguồn có sẵn: {source}.", f"Layer made from a source as it stands: {source}."),
        group=DataGroup(layer.group),
        geometry=geometry,
        geometry_required=True,
        key=(KEY,),
        key_ordinals=False,
        unit_field=None,
        data_date_field=None,
        steward=steward,
        frequency=Frequency.AS_CHANGED,
        sensitivity=Sensitivity.PUBLIC,
        source=source,
        fields=tuple(made),
        tiles=TileOptions(min_zoom=_DRAWN[geometry][1], max_zoom=16, max_features=20_000),
        style=_style(layer, geometry, made),
    )


def infer_type(name: str, values: pd.Series) -> FieldType | None:
    """Returns the type that all values fit, or None where there is none; codes stay text for their zeros."""
    present = values.dropna()
    if present.empty:
        return None
    if pd.api.types.is_bool_dtype(present.dtype):
        return FieldType.BOOLEAN
    if pd.api.types.is_datetime64_any_dtype(present.dtype):
        return FieldType.DATETIME
    if all(isinstance(value, date) for value in present):
        return FieldType.DATE
    if _CODE_TITLE.search(name):
        return FieldType.TEXT
    if pd.api.types.is_numeric_dtype(present.dtype):
        return FieldType.INTEGER if (present % 1 == 0).all() else FieldType.NUMBER
    texts = [str(value) for value in present.unique()]
    if all(_WHOLE.fullmatch(text) for text in texts):
        return FieldType.INTEGER
    if all((_WHOLE.fullmatch(text) or _DECIMAL.fullmatch(text)) and len(text) <= _MIDDLE_DIGITS for text in texts):
        return FieldType.NUMBER
    return FieldType.TEXT


def english_title(title: str, english: Table[str, str]) -> str:
    """Returns the English title of a column, or the Vietnamese one where the mapping gives none."""
    return english.get(title, title)


def _key_field() -> Field:
    title = Label("Mã trong hệ thống nguồn", "Id in the source system")
    return Field(KEY, KEY, title, FieldType.TEXT, required=True, max_length=80)


def _geometry_type(frame: gpd.GeoDataFrame) -> GeometryType:
    kinds = frame.geometry.geom_type.dropna().map(_GEOMETRIES).dropna()
    return GeometryType(kinds.mode().iloc[0]) if not kinds.empty else GeometryType.POINT


def _style(layer: UserLayer, geometry: GeometryType, fields: Sequence[Field]) -> Style:
    kind, min_zoom = _DRAWN[geometry]
    named = (field.name for field in fields if field.type is FieldType.TEXT and not field.personal)
    label = next((name for name in named if name != KEY), None)
    color = layer.color or _COLORS[zlib.crc32(layer.slug.encode()) % len(_COLORS)]
    return Style(type=kind, color=color, label_field=label, min_zoom=min_zoom)
