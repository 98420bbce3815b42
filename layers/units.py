"""Administrative units: which one holds a point, what lies above and below, what came before and after."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING

from shapely import MultiPolygon, from_wkb
from sqlalchemy import Connection as SyncConnection
from sqlalchemy import text

from layers.errors import LayerError

if TYPE_CHECKING:
    from asyncpg import Connection, Record


class Level(StrEnum):
    """Levels of administration; districts exist only among units no longer in force."""

    PROVINCE = "province"
    DISTRICT = "district"
    COMMUNE = "commune"
    HAMLET = "hamlet"


class UnitNotFound(LayerError):
    """No unit, in force or former, has this code."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(
            f"Không có đơn vị hành chính mã “{code[:20]}”. Mã tỉnh có 2 chữ số, mã xã có 5 chữ số, giữ cả số 0 ở đầu.",
            f'There is no administrative unit "{code[:20]}". Province codes have 2 digits, commune codes 5,'
            " leading zeros kept.",
            parameter="code",
        )


@dataclass(frozen=True, slots=True)
class AdminUnit:
    """A unit with its dates, in force on ``[valid_from, valid_to)``; None is an open end."""

    level: Level
    code: str
    name: str
    unit_type: str | None
    parent_code: str | None
    valid_from: date | None
    valid_to: date | None


@dataclass(frozen=True, slots=True)
class Succession:
    """One line of a merger: territory of the old unit is in the new one since ``effective_on``."""

    old_level: str
    old_code: str
    new_level: str
    new_code: str
    effective_on: date
    source: str


_UNITS = """
SELECT 'province' AS level, code, name, unit_type, NULL AS parent_code, valid_from, NULL::date AS valid_to, geom
FROM features.provinces
UNION ALL
SELECT 'commune', code, name, unit_type, parent_code, valid_from, NULL, geom FROM features.communes
UNION ALL
SELECT 'hamlet', code, name, unit_type, parent_code, valid_from, NULL, geom FROM features.hamlets
UNION ALL
SELECT level, code, name, unit_type, parent_code, valid_from, valid_to, geom FROM features.former_units
"""
_COLUMNS = "level, code, name, unit_type, parent_code, valid_from, valid_to"
_IN_FORCE = "(valid_from IS NULL OR valid_from <= $1::date) AND (valid_to IS NULL OR valid_to > $1::date)"
_ORDER = "CASE level WHEN 'province' THEN 1 WHEN 'district' THEN 2 WHEN 'commune' THEN 3 ELSE 4 END, code"
_POINT = "ST_SetSRID(ST_MakePoint($2::float8, $3::float8), 4326)"
# The parts are constants of this module; every value is bound.
AT_SQL = (
    f"SELECT {_COLUMNS} FROM ({_UNITS}) units WHERE {_IN_FORCE}"  # noqa: S608
    f" AND geom && {_POINT} AND ST_Intersects(geom, {_POINT}) ORDER BY {_ORDER}"
)
BY_CODE_SQL = (
    f"SELECT {_COLUMNS} FROM ({_UNITS}) units WHERE code = $1::text"  # noqa: S608
    f" ORDER BY valid_to DESC NULLS FIRST, {_ORDER}"
)
CHILDREN_SQL = (
    f"SELECT {_COLUMNS} FROM ({_UNITS}) units WHERE {_IN_FORCE} AND parent_code = $2::text"  # noqa: S608
    f" ORDER BY {_ORDER}"
)
LEVEL_SQL = (
    f"SELECT {_COLUMNS} FROM ({_UNITS}) units WHERE {_IN_FORCE} AND level = $2::text"  # noqa: S608
    f" ORDER BY {_ORDER}"
)
_GEOMETRY_SQL = (
    f"SELECT ST_AsBinary(geom) FROM ({_UNITS}) units WHERE {_IN_FORCE} AND code = $2::text"  # noqa: S608
    f" AND geom IS NOT NULL ORDER BY {_ORDER} LIMIT 1"
)
_SUCCESSIONS = """
SELECT old_level, old_code, new_level, new_code, effective_on, source
FROM catalogue.unit_successions
"""
PREDECESSORS_SQL = _SUCCESSIONS + "WHERE new_code = $1::text ORDER BY effective_on, old_level, old_code"
SUCCESSORS_SQL = _SUCCESSIONS + "WHERE old_code = $1::text ORDER BY effective_on, new_level, new_code"


async def units_at(connection: Connection[Record], lon: float, lat: float, *, on: date) -> list[AdminUnit]:
    """The units that hold a point (EPSG:4326) on a day, province first; both where it lies on a border."""
    return [_unit(row) for row in await connection.fetch(AT_SQL, on, lon, lat)]


async def find_units(connection: Connection[Record], code: str) -> list[AdminUnit]:
    """The units that have or had this code, those in force first, because codes are used again.

    Raises:
        UnitNotFound: None ever had it.
    """
    rows = await connection.fetch(BY_CODE_SQL, code)
    if not rows:
        raise UnitNotFound(code)
    return [_unit(row) for row in rows]


async def list_children(connection: Connection[Record], code: str, *, on: date) -> list[AdminUnit]:
    """The units right below this one on a day."""
    return [_unit(row) for row in await connection.fetch(CHILDREN_SQL, on, code)]


async def list_level(connection: Connection[Record], level: Level, *, on: date) -> list[AdminUnit]:
    """All units of a level on a day."""
    return [_unit(row) for row in await connection.fetch(LEVEL_SQL, on, level.value)]


async def unit_geometry(connection: Connection[Record], code: str, *, on: date) -> MultiPolygon:
    """The territory (EPSG:4326) of the unit with this code on a day.

    Raises:
        UnitNotFound: No unit in force then has the code, or its territory is not known.
    """
    wkb = await connection.fetchval(_GEOMETRY_SQL, on, code)
    if wkb is None:
        raise UnitNotFound(code)
    territory = from_wkb(wkb)
    return territory if isinstance(territory, MultiPolygon) else MultiPolygon([territory])


async def list_parents(connection: Connection[Record], unit: AdminUnit) -> list[AdminUnit]:
    """The units above this one, nearest first."""
    above: list[AdminUnit] = []
    parent = unit.parent_code
    while parent and len(above) < len(Level):
        found = await connection.fetch(BY_CODE_SQL, parent)
        if not found:
            break
        above.append(_unit(found[0]))
        parent = above[-1].parent_code
    return above


async def list_predecessors(connection: Connection[Record], code: str) -> list[Mapping[str, object]]:
    """The units whose territory came to this one, with the day and the legal source."""
    return await _successions(connection, PREDECESSORS_SQL, code, "old")


async def list_successors(connection: Connection[Record], code: str) -> list[Mapping[str, object]]:
    """The units that this one's territory went to, with the day and the legal source."""
    return await _successions(connection, SUCCESSORS_SQL, code, "new")


async def _successions(
    connection: Connection[Record], statement: str, code: str, side: str
) -> list[Mapping[str, object]]:
    found: list[Mapping[str, object]] = []
    for row in await connection.fetch(statement, code):
        units = await connection.fetch(BY_CODE_SQL, row[f"{side}_code"])
        named = [_unit(unit) for unit in units if unit["level"] == row[f"{side}_level"]]
        found.append(
            {
                "level": row[f"{side}_level"],
                "code": row[f"{side}_code"],
                "name": _named(named, former=side == "old"),
                "effective_on": row["effective_on"].isoformat(),
                "source": row["source"],
            }
        )
    return found


def _named(units: list[AdminUnit], *, former: bool) -> str | None:
    """The name under which the unit had the code: codes are used again with another name."""
    fitting = [unit for unit in units if (unit.valid_to is not None) == former] or units
    return fitting[0].name if fitting else None


def _unit(row: Record) -> AdminUnit:
    return AdminUnit(
        Level(row["level"]),
        row["code"],
        row["name"],
        row["unit_type"],
        row["parent_code"],
        row["valid_from"],
        row["valid_to"],
    )


def put_successions(connection: SyncConnection, lines: Iterable[Succession]) -> None:
    """Writes lines of mergers; a line that is there already stays as it is.

    Args:
        connection: An owner connection; the caller commits.
        lines: Old and new units, with the day and the legal source.
    """
    statement = text(
        "INSERT INTO catalogue.unit_successions (old_level, old_code, new_level, new_code, effective_on, source)"
        " VALUES (:old_level, :old_code, :new_level, :new_code, :effective_on, :source) ON CONFLICT DO NOTHING"
    )
    for line in lines:
        connection.execute(statement, asdict(line))
