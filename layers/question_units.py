"""Admin units of a question: what its codes stand for, and which units a group of figures must show."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import shapely
from shapely.geometry.base import BaseGeometry

from spatial.boundary import BoundaryUnits
from spatial.errors import InvalidQuestion
from spatial.question_model import BoundaryCondition, Level, Question

if TYPE_CHECKING:
    from asyncpg import Connection, Record

_PROVINCES = """
SELECT code, ST_XMin(geom) AS west, ST_YMin(geom) AS south, ST_XMax(geom) AS east, ST_YMax(geom) AS north
FROM features.provinces WHERE province_code = ANY($1::text[])
"""
_COMMUNES = """
SELECT unit_code AS code, province_code,
       ST_XMin(geom) AS west, ST_YMin(geom) AS south, ST_XMax(geom) AS east, ST_YMax(geom) AS north
FROM features.communes WHERE province_code = ANY($1::text[]) OR unit_code = ANY($2::text[])
"""
_HAMLETS = (
    "SELECT code, ST_AsBinary(geom) AS wkb FROM features.hamlets"
    " WHERE unit_code = ANY($1::text[]) AND code = ANY($2::text[])"
)
_NAMES = {
    Level.PROVINCE: "SELECT code, name FROM features.provinces WHERE province_code = ANY($1::text[])",
    Level.COMMUNE: "SELECT unit_code AS code, name FROM features.communes"
    " WHERE province_code = ANY($1::text[]) OR unit_code = ANY($2::text[])",
    Level.HAMLET: "SELECT code, name FROM features.hamlets WHERE province_code = ANY($1::text[])"
    " OR unit_code = ANY($2::text[]) OR code = ANY($3::text[])",
}
_PARENTS = "SELECT DISTINCT province_code FROM features.communes WHERE unit_code = ANY($1::text[])"
_WITH_DATA = "SELECT DISTINCT province_code FROM catalogue.feature_counts WHERE slug = $1 AND feature_count > 0"
_SUCCESSORS = (
    "SELECT DISTINCT new_code FROM catalogue.unit_successions WHERE old_code = $1 AND old_code <> new_code ORDER BY 1"
)
_SIMILAR = {
    2: "SELECT code, name FROM features.provinces",
    5: "SELECT unit_code AS code, name FROM features.communes WHERE left(unit_code, 2) = left($1, 2)",
    9: "SELECT code, name FROM features.hamlets WHERE unit_code = left($1, 5)",
}


@dataclass(frozen=True, slots=True)
class AskedUnits:
    """The units within which a question's figures lie; empty where no boundary was asked.

    Attributes:
        provinces: Provinces asked as a whole.
        inner: Communes asked, and all communes of ``provinces``.
        hamlets: Hamlets asked one by one.
        outside: Communes, provinces and hamlets that the question leaves out.
    """

    provinces: frozenset[str]
    inner: frozenset[str]
    hamlets: frozenset[str]
    bounded: bool
    outside: frozenset[str]

    @property
    def communes(self) -> set[str]:
        """``inner``, and the communes that the hamlets are in."""
        return {*self.inner, *(code.split("-")[0] for code in self.hamlets)}

    @property
    def values(self) -> dict[str, object]:
        """Parameters of the statement of figures."""
        return {
            "asked_provinces": sorted(self.provinces),
            "asked_communes": sorted(self.communes),
            "asked_inner": sorted(self.inner),
            "asked_hamlets": sorted(self.hamlets),
        }


async def resolve_boundary(connection: Connection[Record], condition: BoundaryCondition) -> BoundaryUnits:
    """Looks the codes of a boundary up.

    Raises:
        InvalidQuestion: no such unit is in force; the message says what became of it, or names a close code.
    """
    provinces = [code for code in condition.units if len(code) == 2]
    communes = [code for code in condition.units if len(code) == 5]
    hamlets = [code for code in condition.units if "-" in code]
    found = list(await connection.fetch(_PROVINCES, provinces)) if provinces else []
    inner = list(await connection.fetch(_COMMUNES, provinces, communes)) if provinces or communes else []
    zones = await connection.fetch(_HAMLETS, [code[:5] for code in hamlets], hamlets) if hamlets else []
    known = {row["code"] for row in (*found, *inner, *zones)} | {row["province_code"] for row in inner}
    for index, code in enumerate(condition.units):
        if code not in known:
            raise await _unknown(connection, code, f"{condition.path}.units[{index}]")
    asked = set(condition.units)
    boxed = found + [row for row in inner if row["code"] in asked or row["province_code"] in asked]
    shape = shapely.union_all([shapely.from_wkb(row["wkb"]) for row in zones]) if zones else None
    return BoundaryUnits(
        provinces=tuple(provinces),
        communes=tuple(communes),
        inner=tuple(sorted(row["code"] for row in inner)),
        hamlets=tuple(hamlets),
        hamlet_zone=shape,
        extent=_extent([tuple(row[side] for side in ("west", "south", "east", "north")) for row in boxed], shape),
    )


def _extent(boxes: Iterable[tuple[float, ...]], shape: BaseGeometry | None) -> tuple[float, float, float, float]:
    boxes = [box for box in boxes if box[0] is not None]
    if shape is not None:
        boxes.append(shape.bounds)
    if not boxes:
        return (0.0, 0.0, 0.0, 0.0)
    wests, souths, easts, norths = zip(*boxes, strict=True)
    return (min(wests), min(souths), max(easts), max(norths))


async def _unknown(connection: Connection[Record], code: str, path: str) -> InvalidQuestion:
    successors = [row["new_code"] for row in await connection.fetch(_SUCCESSORS, code)]
    if successors:
        listed = ", ".join(successors[:10])
        return InvalidQuestion(
            f"Đơn vị '{code}' không còn hiệu lực. Hãy dùng đơn vị kế thừa: {listed}.",
            f"Unit '{code}' is no longer in force. Use its successors: {listed}.",
            parameter=path,
        )
    width = 9 if "-" in code else len(code)
    arguments = [] if width == 2 else [code]
    names = {row["code"]: row["name"] for row in await connection.fetch(_SIMILAR[width], *arguments)}
    close = [f"{item} ({names[item]})" for item in difflib.get_close_matches(code, names, n=3)]
    hint_vi = f" Mã gần giống: {', '.join(close)}." if close else ""
    hint_en = f" Close codes: {', '.join(close)}." if close else ""
    return InvalidQuestion(
        f"Không có đơn vị hành chính '{code}' đang hiệu lực.{hint_vi} Tra mã tại lớp provinces, communes, hamlets.",
        f"There is no admin unit '{code}' in force.{hint_en} Look codes up in provinces, communes, hamlets.",
        parameter=path,
    )


def asked_units(question: Question, units: dict[str, BoundaryUnits]) -> AskedUnits:
    """Returns the units inside every boundary of the question."""
    inside = [item for item in question.where if isinstance(item, BoundaryCondition) and not item.outside]
    outside = [item for item in question.where if isinstance(item, BoundaryCondition) and item.outside]
    left_out = {code for item in outside for code in (*units[item.path].inner, *item.units)}
    if not inside:
        return AskedUnits(frozenset(), frozenset(), frozenset(), bounded=False, outside=frozenset(left_out))
    found = [units[item.path] for item in inside]
    return AskedUnits(
        provinces=frozenset.intersection(*(frozenset(item.provinces) for item in found)),
        inner=frozenset.intersection(*(frozenset(item.inner) for item in found)),
        hamlets=frozenset.intersection(*(frozenset(item.hamlets) for item in found)),
        bounded=True,
        outside=frozenset(left_out),
    )


async def units_to_show(connection: Connection[Record], level: Level, asked: AskedUnits, slug: str) -> dict[str, str]:
    """Returns code and name of every unit that figures must show, those with nothing included.

    Those within the asked boundary; without one, those of the provinces that the layer has data in.
    """
    provinces, communes, hamlets = await _within(connection, level, asked, slug)
    arguments = {
        Level.PROVINCE: (provinces,),
        Level.COMMUNE: (provinces, communes),
        Level.HAMLET: (provinces, communes, hamlets),
    }[level]
    rows = await connection.fetch(_NAMES[level], *arguments)
    return {
        row["code"]: row["name"]
        for row in rows
        if row["code"] not in asked.outside and row["code"].split("-")[0] not in asked.outside
    }


async def _within(
    connection: Connection[Record], level: Level, asked: AskedUnits, slug: str
) -> tuple[Sequence[str], Sequence[str], Sequence[str]]:
    if not asked.bounded:
        return [row["province_code"] for row in await connection.fetch(_WITH_DATA, slug)], [], []
    if level is Level.HAMLET:
        return [], sorted(asked.inner), sorted(asked.hamlets)
    if level is Level.COMMUNE:
        return [], sorted(asked.communes), []
    parents = [row["province_code"] for row in await connection.fetch(_PARENTS, sorted(asked.communes))]
    return sorted({*asked.provinces, *parents}), [], []


async def unit_names(connection: Connection[Record], level: Level, codes: Sequence[str]) -> dict[str, str]:
    """Returns the names of units that are in force, by code."""
    arguments = {
        Level.PROVINCE: (codes,),
        Level.COMMUNE: ([], codes),
        Level.HAMLET: ([], [], codes),
    }[level]
    return {row["code"]: row["name"] for row in await connection.fetch(_NAMES[level], *arguments)}
