"""Rows that pass every check by themselves, but not beside the other rows of their source or its territory.

A register drawn by hand holds features that lie in another province, things entered twice, and placeholders:
one line given to several roads, one point to three things or more. Nothing tells which of them lies right, so that
none is published. Two things at one point may well be two facilities in one building: they are published and counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from collections.abc import Mapping as Table
from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from layers.geometry_checks import GEOMETRY
from layers.refusals import Refusal
from spatial.geodesy import point_distance_m


@dataclass(frozen=True, slots=True)
class Territory:
    """Where the features of a source must lie.

    Attributes:
        geometry: Polygon in EPSG:4326.
        margin_m: How far outside a vertex may lie, for boundaries that are simplified (metres).
    """

    geometry: BaseGeometry
    margin_m: float


@dataclass(frozen=True, slots=True)
class Doubts:
    """What to hold against rows of one source.

    Attributes:
        copies: Rows equal to an earlier one in every column but those that number rows, and in geometry:
            row → the earlier row.
        territory: Where the features must lie; None for anywhere.
        distinct_places: No three points, and no two other geometries, may be the same.
    """

    copies: Table[int, int] = field(default_factory=dict)
    territory: Territory | None = None
    distinct_places: bool = False


NO_DOUBTS = Doubts()
_PLAUSIBLE_AT_ONE_POINT = 2


def find_copies(frame: gpd.GeoDataFrame, ids: Iterable[str]) -> dict[int, int]:
    """Returns the rows that repeat an earlier row in geometry and every column but ``ids``: row → earlier row."""
    compared = pd.DataFrame(frame.drop(columns=[frame.active_geometry_name, *ids], errors="ignore"))
    compared["wkb"] = frame.geometry.to_wkb()
    group = compared.groupby(list(compared.columns), dropna=False, sort=False).ngroup().to_numpy()
    _, first = np.unique(group, return_index=True)
    numbers = np.asarray(frame.index)
    originals = numbers[first][group]
    return {int(row): int(original) for row, original in zip(numbers, originals, strict=True) if row != original}


def refuse_doubtful(rows: pd.DataFrame, doubts: Doubts) -> tuple[pd.DataFrame, list[Refusal]]:
    """Returns the rows beyond doubt, and reasons against the others; rows are those that passed their checks."""
    if rows.empty or not isinstance(rows, gpd.GeoDataFrame):
        return rows, []
    refused: list[Refusal] = []
    for find in (_copies, _outside, _shared):
        found = list(find(rows, doubts))
        rows = rows.drop(index=[refusal.row for refusal in found])
        refused += found
    return rows, refused


def _copies(rows: gpd.GeoDataFrame, doubts: Doubts) -> Iterator[Refusal]:
    for row, original in doubts.copies.items():
        if row in rows.index and original in rows.index:
            yield Refusal(
                row=row,
                field=None,
                value="",
                reason_vi=f"lặp lại dòng {original}: cùng vị trí và mọi cột trừ mã; chỉ giữ dòng đầu tiên.",
                reason_en=f"repeats row {original} in place and every column but its id; the first row is kept.",
            )


def _outside(rows: gpd.GeoDataFrame, doubts: Doubts) -> Iterator[Refusal]:
    if doubts.territory is None:
        return
    territory = doubts.territory
    shapely.prepare(territory.geometry)
    outside = rows[~shapely.covers(territory.geometry, rows.geometry.to_numpy())]
    for row, geometry in outside.geometry.items():
        distance_m, x, y = _farthest(geometry, territory.geometry)
        if distance_m > territory.margin_m:
            far = f"{distance_m / 1000:.1f} km" if distance_m >= 1_000 else f"{distance_m:.0f} m"
            yield Refusal(
                row=int(str(row)),
                field=GEOMETRY,
                value=f"{x:.15g} {y:.15g}",
                reason_vi=f"nằm ngoài địa bàn của nguồn dữ liệu {far}; hãy sửa tọa độ.",
                reason_en=f"lies {far} outside the territory of its source; correct the coordinates.",
            )


def _farthest(geometry: BaseGeometry, territory: BaseGeometry) -> tuple[float, float, float]:
    """Returns the vertex farthest outside, with its distance in metres; the nearest place is sought in degrees."""
    points = [shapely.Point(place) for place in shapely.get_coordinates(geometry)]
    lines = shapely.get_coordinates(shapely.shortest_line(points, territory)).reshape(-1, 4)
    return max((point_distance_m(x, y, *foot), float(x), float(y)) for x, y, *foot in lines)


def _shared(rows: gpd.GeoDataFrame, doubts: Doubts) -> Iterator[Refusal]:
    if not doubts.distinct_places:
        return
    for members in _together(rows):
        for row in () if _is_plausible(rows, members) else members:
            others = ", ".join(str(other) for other in members[:6] if other != row)
            yield Refusal(
                row=int(row),
                field=GEOMETRY,
                value=_place(rows.geometry[row]),
                reason_vi=f"đúng một vị trí với dòng {others} dù thông tin khác nhau; hãy đặt lại cho từng đối tượng.",
                reason_en=f"has exactly the place of row {others} though they differ; place each where it is.",
            )


def count_paired(rows: pd.DataFrame, doubts: Doubts) -> int:
    """Returns how many of the rows beyond doubt share their point with one other, where places should be distinct."""
    if not doubts.distinct_places or rows.empty or not isinstance(rows, gpd.GeoDataFrame):
        return 0
    return sum(len(members) for members in _together(rows))


def _together(rows: gpd.GeoDataFrame) -> list[pd.Index]:
    """Returns the rows of each geometry that several rows have."""
    groups = rows.groupby(rows.geometry.to_wkb(), sort=False).groups.values()
    return [members for members in groups if len(members) > 1]


def _is_plausible(rows: gpd.GeoDataFrame, members: pd.Index) -> bool:
    return len(members) <= _PLAUSIBLE_AT_ONE_POINT and rows.geometry[members[0]].geom_type == "Point"


def _place(geometry: BaseGeometry) -> str:
    x, y = shapely.get_coordinates(geometry)[0]
    return f"{x:.15g} {y:.15g}"
