"""Administrative units over HTTP."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Annotated

from fastapi import APIRouter, Query

from app.problems import BadParameter
from app.resources import ResourcesOf, ScopeOf
from layers.units import (
    AdminUnit,
    Level,
    find_units,
    list_children,
    list_level,
    list_parents,
    list_predecessors,
    list_successors,
    units_at,
)
from spatial.crs import parse_crs
from spatial.geometry import parse_point

router = APIRouter(prefix="/api/units", tags=["units"])
On = Annotated[date | None, Query(description="Ngày hiệu lực (mặc định: hôm nay) · day in force (default: today)")]


def _day(on: date | None) -> date:
    return on or datetime.now(UTC).date()


def _document(unit: AdminUnit) -> dict[str, object]:
    return asdict(unit)


@router.get("", summary="Đơn vị hành chính chứa một điểm, hoặc theo cấp · Units that hold a point, or of a level")
async def get_units(
    resources: ResourcesOf,
    scope: ScopeOf,
    at: Annotated[str | None, Query(description="lon,lat (hoặc theo crs · or as crs says)")] = None,
    crs: str | None = None,
    level: Level | None = None,
    on: On = None,
) -> dict[str, object]:
    """The units that hold a point on a day, province first; or all units of a level."""
    if (at is None) == (level is None):
        raise BadParameter(
            "at",
            "Hãy gửi một trong hai: at=kinh độ,vĩ độ hoặc level=province|commune|hamlet.",
            "Send one of the two: at=lon,lat or level=province|commune|hamlet.",
        )
    async with resources.gate.read(scope) as connection:
        if level is not None:
            found = await list_level(connection, level, on=_day(on))
        else:
            point = parse_point(at or "", parameter="at", crs=parse_crs(crs))
            found = await units_at(connection, point.x, point.y, on=_day(on))
    return {"on": _day(on), "units": [_document(unit) for unit in found]}


@router.get("/{code}", summary="Một đơn vị: cấp trên, cấp dưới, trước và sau sáp nhập · One unit and its kin")
async def get_unit(resources: ResourcesOf, scope: ScopeOf, code: str, on: On = None) -> dict[str, object]:
    """A unit with its parents, children, predecessors and successors across mergers."""
    async with resources.gate.read(scope) as connection:
        units = await find_units(connection, code)
        return {
            "unit": _document(units[0]),
            "also": [_document(unit) for unit in units[1:]],
            "parents": [_document(unit) for unit in await list_parents(connection, units[0])],
            "children": [_document(unit) for unit in await list_children(connection, code, on=_day(on))],
            "predecessors": await list_predecessors(connection, code),
            "successors": await list_successors(connection, code),
        }
