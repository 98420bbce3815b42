"""Query parameters of the items resource, strictly: what is not understood is refused by name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, TypeVar
from urllib.parse import unquote_to_bytes

from starlette.requests import Request

from app.ogc.sorting import parse_cursor, parse_sortby, parse_sorted_cursor
from app.problems import BadParameter
from layers.catalogue import Layer
from layers.definition import Field, FieldType
from layers.reader import SYSTEM_PROPERTIES
from layers.tables import measure_column
from spatial.bbox import parse_bbox, to_storage_polygon
from spatial.cql2 import FilterLanguage
from spatial.crs import CRS, parse_crs
from spatial.datetime_interval import Interval, parse_date, parse_datetime_interval, parse_timestamp
from spatial.sorting import SortKey

Word = TypeVar("Word", bound=str)

MAX_OFFSET = 10_000_000
FILTER_LANGUAGES: Final[tuple[FilterLanguage, ...]] = ("cql2-text", "cql2-json")
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
ITEMS_PARAMETERS = (
    "bbox",
    "bbox-crs",
    "crs",
    "limit",
    "offset",
    "cursor",
    "datetime",
    "filter",
    "filter-lang",
    "filter-crs",
    "properties",
    "sortby",
    "resulttype",
    "revision",
    "f",
    "lang",
)
FEATURE_PARAMETERS = ("crs", "f", "lang")


@dataclass(frozen=True, slots=True)
class ItemsRequest:
    """A parsed request for a page of features.

    Attributes:
        bbox: WKB of the box in EPSG:4326, or None.
        after: Fid of the last feature of the page before.
        equals: Values that queryables must have, by name.
        revision: Past revision to read, or None for the current one.
        sort: Keys of the order; by fid alone where there are none.
        place: Sort values and fid of the last feature of the page before, where features are sorted.
    """

    crs: CRS
    limit: int
    offset: int
    after: int
    bbox: bytes | None
    interval: Interval | None
    filter_text: str | None
    filter_lang: FilterLanguage
    filter_crs: CRS
    properties: tuple[str, ...] | None
    equals: Mapping[str, object]
    hits_only: bool
    revision: int | None
    sort: tuple[SortKey, ...] = ()
    place: tuple[object, ...] | None = None

    @property
    def has_conditions(self) -> bool:
        """Whether anything but the layer decides which features match."""
        return bool(self.bbox or self.interval or self.filter_text or self.equals)


def parse_items_request(request: Request, layer: Layer, *, default_limit: int, max_limit: int) -> ItemsRequest:
    """Parses the query string (OGC API - Features Part 1, 7.15; Part 2, 6.2; Part 3, 8.2).

    Raises:
        BadParameter: A parameter is unknown, repeated or malformed.
        SpatialError: A CRS, box or interval is not valid.
    """
    queryables = queryable_types(layer)
    values = single_values(request, (*ITEMS_PARAMETERS, *queryables))
    bbox_crs = parse_crs(values.get("bbox-crs"), parameter="bbox-crs")
    bbox = None
    if "bbox" in values:
        bbox = to_storage_polygon(parse_bbox(values["bbox"], bbox_crs), bbox_crs).wkb
    sort = parse_sortby(values.get("sortby"), layer)
    return ItemsRequest(
        crs=parse_crs(values.get("crs")),
        limit=min(_integer(values, "limit", default_limit, low=1, high=2**31), max_limit),
        offset=_integer(values, "offset", 0, low=0, high=MAX_OFFSET),
        after=-1 if sort else parse_cursor(values.get("cursor")),
        bbox=bbox,
        interval=parse_datetime_interval(values["datetime"]) if "datetime" in values else None,
        filter_text=values.get("filter"),
        filter_lang=_one_of(values, "filter-lang", FILTER_LANGUAGES),
        filter_crs=parse_crs(values.get("filter-crs"), parameter="filter-crs"),
        properties=_properties(values, queryables),
        equals={name: parse_value(name, values[name], kind) for name, kind in queryables.items() if name in values},
        hits_only=_one_of(values, "resulttype", ("results", "hits")) == "hits",
        revision=_integer(values, "revision", 0, low=1, high=2**62) if "revision" in values else None,
        sort=sort,
        place=parse_sorted_cursor(values.get("cursor"), sort) if sort else None,
    )


def queryable_types(layer: Layer) -> dict[str, FieldType]:
    """Types of the properties that may be asked for by name."""
    types = {field.name: field.type for field in layer.definition.public_fields}
    types |= {item.name: FieldType.TEXT for item in SYSTEM_PROPERTIES}
    measure = measure_column(layer.definition)
    if measure:
        types[measure[0]] = FieldType.NUMBER
    return types


def single_values(request: Request, allowed: tuple[str, ...]) -> dict[str, str]:
    """The query string as one value per name.

    Raises:
        BadParameter: A name is not among ``allowed`` or is given twice, or the bytes are no UTF-8.
    """
    _check_encoding(request)
    values: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name not in allowed:
            listed = ", ".join(allowed)
            raise BadParameter(
                name,
                f"Không có tham số “{name}”. Các tham số dùng được: {listed}.",
                f'There is no parameter "{name}". Use: {listed}.',
            )
        if name in values:
            raise BadParameter(
                name,
                f"Tham số “{name}” xuất hiện nhiều lần; chỉ gửi một lần.",
                f'Parameter "{name}" is repeated; send it once.',
            )
        if "\x00" in value:
            raise BadParameter(
                name,
                f"Tham số “{name}” chứa ký tự NUL; hãy bỏ ký tự đó.",
                f'Parameter "{name}" holds a NUL character; remove it.',
            )
        values[name] = value
    return values


def _check_encoding(request: Request) -> None:
    """Refuses what the framework would quietly turn into replacement characters and search for."""
    try:
        unquote_to_bytes(request.scope["query_string"]).decode()
    except UnicodeDecodeError:
        raise BadParameter(
            "query",
            "Phần sau dấu “?” của địa chỉ không phải UTF-8; hãy mã hóa từng giá trị theo phần trăm từ UTF-8.",
            'What follows "?" is not UTF-8; percent-encode each value from UTF-8.',
        ) from None


def _integer(values: Mapping[str, str], name: str, default: int, *, low: int, high: int) -> int:
    text = values.get(name)
    if text is None:
        return default
    if not _INTEGER.fullmatch(text) or not low <= int(text) <= high:
        raise BadParameter(
            name,
            f"“{name}” phải là số nguyên từ {low} đến {high}, không phải “{text[:40]}”.",
            f'"{name}" must be an integer from {low} to {high}, not "{text[:40]}".',
        )
    return int(text)


def _one_of(values: Mapping[str, str], name: str, allowed: tuple[Word, ...]) -> Word:
    given = values.get(name, allowed[0])
    for word in allowed:
        if word == given:
            return word
    listed = ", ".join(allowed)
    raise BadParameter(
        name,
        f"“{name}” phải là một trong: {listed}.",
        f'"{name}" must be one of: {listed}.',
    )


def _properties(values: Mapping[str, str], known: Mapping[str, FieldType]) -> tuple[str, ...] | None:
    if "properties" not in values:
        return None
    names = tuple(name for name in values["properties"].split(",") if name)
    unknown = [name for name in names if name not in known]
    if unknown:
        listed = ", ".join(known)
        raise BadParameter(
            "properties",
            f"Lớp không có thuộc tính {unknown}. Các thuộc tính: {listed}.",
            f"The layer has no property {unknown}. Its properties: {listed}.",
        )
    return names


def parse_value(name: str, text: str, kind: FieldType) -> object:
    """The value of a queryable as its column's type.

    Raises:
        BadParameter: The text is no value of this type.
    """
    value: object | None
    if kind in (FieldType.TEXT, FieldType.TEXT_ARRAY):
        value = text
    elif kind is FieldType.INTEGER:
        value = int(text) if _INTEGER.fullmatch(text) else None
    elif kind is FieldType.NUMBER:
        value = float(text) if _NUMBER.fullmatch(text) else None
    elif kind is FieldType.BOOLEAN:
        value = {"true": True, "false": False}.get(text.lower())
    else:
        value = _moment(text, kind)
    if value is None:
        raise BadParameter(
            name,
            f"Giá trị “{text[:40]}” của “{name}” không phải kiểu {kind.value}.",
            f'Value "{text[:40]}" of "{name}" is not of type {kind.value}.',
        )
    return value


def _moment(text: str, kind: FieldType) -> date | datetime | None:
    return parse_date(text) if kind is FieldType.DATE else parse_timestamp(text)


def temporal_field(layer: Layer) -> Field | None:
    """The field that ``datetime`` compares: the one that dates the content of a feature."""
    name = layer.definition.data_date_field
    return layer.definition.field(name) if name is not None else None
