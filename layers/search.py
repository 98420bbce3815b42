"""Finds units, features by name or code, and parcels by their numbers, as far as the reader's scope lets see."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import (
    BigInteger,
    Double,
    String,
    and_,
    bindparam,
    case,
    cast,
    column,
    func,
    literal,
    null,
    select,
    table,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY, array
from sqlalchemy.sql import ColumnElement, Select, Subquery

from layers.catalogue import Layer
from layers.definition import Definition
from layers.search_fields import code_field, is_parcel_layer, name_field
from layers.search_text import Parcel, folded, search_words
from layers.tables import feature_table
from layers.unit_codes import COMMUNES, FORMER_UNITS, HAMLETS, PROVINCES
from spatial.sql import Statement, compile_statement

if TYPE_CHECKING:
    from asyncpg import Connection, Record

UNITS: Final = (PROVINCES, COMMUNES, HAMLETS, FORMER_UNITS)
MAX_RESULTS: Final = 20
# An index of three-letter groups cannot help with less.
MIN_INDEXED: Final = 3
_COMMUNES: Final = table("communes", column("name"), column("code"), schema="features")
_PROVINCES_SQL: Final = "SELECT DISTINCT province_code FROM catalogue.feature_counts ORDER BY province_code"


@dataclass(frozen=True, slots=True)
class Found:
    """A feature that fits.

    Attributes:
        bbox: West, south, east and north in EPSG:4326.
        commune: Name of its commune, where it lies in one.
    """

    slug: str
    fid: int
    title: str
    commune: str | None
    bbox: tuple[float, float, float, float]


async def search(
    connection: Connection[Record], layers: Sequence[Layer], text: str, near: tuple[float, float] | None
) -> list[Found]:
    """Features of the layers that fit a text by name or code; units first, then the nearest and shortest names.

    Args:
        connection: A connection that carries the reader's scope.
        layers: Layers that the reader may know of.
        text: What was typed.
        near: Longitude and latitude that the reader looks at.
    """
    words = search_words(text)
    if not words:
        return []
    provinces = [row["province_code"] for row in await connection.fetch(_PROVINCES_SQL)]
    drawn = [layer.definition for layer in layers if layer.definition.geometry and layer.feature_count]
    searched = [item for item in drawn if len(words[0]) >= MIN_INDEXED or item.slug in UNITS]
    parts = [part for item in searched if (part := _by_name(item, len(words))) is not None]
    parts += [part for item in drawn if (part := _by_code(item)) is not None]
    values: dict[str, Any] = {f"word{number}": f"%{_escaped(word)}%" for number, word in enumerate(words)}
    values |= {"start": f"{_escaped(folded(text.strip()))}%", "code": text.strip(), "provinces": provinces}
    return await _found(connection, parts, values, near)


async def search_parcels(
    connection: Connection[Record], layers: Sequence[Layer], parcel: Parcel, near: tuple[float, float] | None
) -> list[Found]:
    """Parcels with these numbers, the nearest first: they restart in every old commune."""
    parts = [
        _by_parcel(layer.definition) for layer in layers if is_parcel_layer(layer.definition) and layer.feature_count
    ]
    return await _found(connection, parts, {"sheet": parcel.sheet.upper(), "parcel": parcel.parcel.upper()}, near)


async def _found(
    connection: Connection[Record],
    parts: Iterable[Select[Any]],
    values: dict[str, Any],
    near: tuple[float, float] | None,
) -> list[Found]:
    parts = list(parts)
    if not parts:
        return []
    statement = _ranked(parts)
    lon, lat = near or (None, None)
    rows = await connection.fetch(statement.text, *statement.args({**values, "lon": lon, "lat": lat}))
    return [Found(row["slug"], row["fid"], row["title"], row["commune"], tuple(row["bbox"])) for row in rows]


def _ranked(parts: Sequence[Select[Any]]) -> Statement:
    """All parts together, the best first; the commune's name is read for those alone that are shown."""
    found = union_all(*(select(part.subquery()) for part in parts)).subquery("found")
    lon, lat = bindparam("lon", type_=Double), bindparam("lat", type_=Double)
    best = select(found).order_by(*_order(found, lon, lat)).limit(MAX_RESULTS).subquery("best")
    commune = (
        select(column("name", String))
        .select_from(_COMMUNES)
        .where(column("code", String) == best.c.unit_code)
        .limit(1)
        .scalar_subquery()
    )
    shown = select(best.c.slug, best.c.fid, best.c.title, commune.label("commune"), best.c.bbox)
    return compile_statement(shown.order_by(*_order(best, lon, lat)))


def _order(found: Subquery, lon: ColumnElement[float], lat: ColumnElement[float]) -> tuple[ColumnElement[Any], ...]:
    # Ordering needs no true distance: a degree is nearly the same everywhere in a province.
    away = func.coalesce(func.abs(found.c.bbox[1] - lon) + func.abs(found.c.bbox[2] - lat), 0.0)
    steps = func.round(cast(away * 20, Double))
    return found.c.rank, steps, func.length(found.c.title), found.c.title, found.c.slug, found.c.fid


def _by_name(definition: Definition, words: int) -> Select[Any] | None:
    field = name_field(definition)
    if field is None:
        return None
    rows = feature_table(definition)
    plain = func.catalogue.folded(rows.c[field])
    fits = and_(*(plain.like(bindparam(f"word{number}", type_=String)) for number in range(words)))
    starts = plain.like(bindparam("start", type_=String))
    base = _rank_of(definition)
    return _hits(
        definition, rows, rows.c[field], case((starts, base), else_=base + 1), fits, func.length(rows.c[field])
    )


def _by_code(definition: Definition) -> Select[Any] | None:
    field = code_field(definition)
    if field is None:
        return None
    rows = feature_table(definition)
    name = name_field(definition)
    title = func.coalesce(rows.c[name], rows.c[field]) if name else rows.c[field]
    # The key's index begins with the province.
    fits = and_(
        rows.c.province_code == func.any(bindparam("provinces", type_=ARRAY(String))),
        rows.c[field] == bindparam("code", type_=String),
    )
    return _hits(definition, rows, title, literal(0, BigInteger), fits, rows.c.fid)


def _by_parcel(definition: Definition) -> Select[Any]:
    rows = feature_table(definition)
    fits = and_(
        func.upper(rows.c.parcel) == bindparam("parcel", type_=String),
        func.upper(rows.c.sheet) == bindparam("sheet", type_=String),
    )
    title = func.concat("Tờ ", rows.c.sheet, " thửa ", rows.c.parcel)
    return _hits(definition, rows, title, literal(0, BigInteger), fits, rows.c.fid)


def _rank_of(definition: Definition) -> Any:
    """Units in force come before everything, former ones after everything of the same fit."""
    order = {PROVINCES: 1, COMMUNES: 1, HAMLETS: 3, FORMER_UNITS: 7}
    return literal(order.get(definition.slug, 5), BigInteger)


def _hits(
    definition: Definition, rows: Any, title: Any, rank: Any, fits: ColumnElement[bool], order: Any
) -> Select[Any]:
    geom = rows.c.geom
    bbox = array([func.ST_XMin(geom), func.ST_YMin(geom), func.ST_XMax(geom), func.ST_YMax(geom)], type_=Double)
    unit = null() if definition.slug in UNITS and definition.slug != HAMLETS else rows.c.unit_code
    return (
        select(
            literal(definition.slug, String).label("slug"),
            rows.c.fid,
            func.left(title, 200).label("title"),
            rank.label("rank"),
            cast(unit, String).label("unit_code"),
            bbox.label("bbox"),
        )
        .where(fits, geom.is_not(None))
        .order_by(rank, order, rows.c.fid)
        .limit(MAX_RESULTS)
    )


def _escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
