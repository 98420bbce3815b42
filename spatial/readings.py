"""Ways in which the coordinates of a file may be meant, each with the step that brings them to longitude, latitude."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from spatial.crs import CRS, VN2000_CRS, crs_by_code, older_transformer, parse_crs, transformer
from spatial.crs import unshifted_transformer as unshifted
from spatial.crs_table import CRS84, EPSG_3857, EPSG_4756
from spatial.errors import InvalidCRS, shorten

Points = NDArray[np.float64]

OLDER: Final = {
    4147: "Hà Nội 1972 (độ)", 2044: "Hà Nội 1972 / Gauss-Kruger múi 18", 2045: "Hà Nội 1972 / Gauss-Kruger múi 19",
    2093: "Hà Nội 1972 / GK 106°", 4131: "Indian 1960 (độ)", 3148: "Indian 1960 / UTM múi 48",
    3149: "Indian 1960 / UTM múi 49", 3176: "Indian 1960 / TM 106",
}  # fmt: skip
"""EPSG codes of the datums before VN-2000 that archives hold, with the name shown."""

_SWAPPED, _ON_WGS84 = "swapped", "wgs84"
_MOST_PLACES: Final = 12


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read coordinates.

    Attributes:
        crs: The served CRS, or None for one of :data:`OLDER`.
        older: EPSG code of a CRS of an older datum.
        is_swapped: The file has northing (latitude) first.
        is_on_wgs84: The numbers are in the projection of the CRS but on the datum WGS 84: no shift.
        places: Decimal places that were lost: the numbers are divided by ten to this power first.
    """

    crs: CRS | None
    older: int | None = None
    is_swapped: bool = False
    is_on_wgs84: bool = False
    places: int = 0

    @property
    def value(self) -> str:
        """The name that people and programs choose it by, such as ``EPSG:9210/swapped``."""
        base = self.crs.curie if self.crs is not None else f"EPSG:{self.older}"
        marks = [_ON_WGS84] * self.is_on_wgs84 + [_SWAPPED] * self.is_swapped + [f"e{self.places}"] * bool(self.places)
        return "/".join([base, *marks])

    @property
    def title_vi(self) -> str:
        """Name for people, in Vietnamese."""
        return self._title(
            OLDER.get(self.older or 0, "") if self.crs is None else self.crs.name_vi,
            "trên WGS 84, không chuyển đổi datum",
            "đổi chỗ X/Y",
            "mất dấu thập phân",
        )

    @property
    def title_en(self) -> str:
        """Name for people, in English."""
        name = f"EPSG:{self.older}" if self.crs is None else self.crs.name_en
        return self._title(name, "on WGS 84, no datum shift", "X/Y exchanged", "lost decimal point")

    def _title(self, name: str, on_wgs84: str, swapped: str, places: str) -> str:
        if self.crs is not None and self.crs.is_geographic:
            name = name.split(",")[0]
        marks = [on_wgs84] * self.is_on_wgs84 + [swapped] * self.is_swapped + [places] * bool(self.places)
        return ", ".join([name, *marks])

    @property
    def is_geographic(self) -> bool:
        """Whether the coordinates are degrees."""
        return self.crs.is_geographic if self.crs is not None else self.older in (4147, 4131)

    def to_lonlat(self, points: Points) -> Points:
        """Returns longitude, latitude of points as the file has them; infinite where they are nowhere."""
        x, y = (points[:, 1], points[:, 0]) if self.is_swapped else (points[:, 0], points[:, 1])
        if self.places:
            x, y = x / 10.0**self.places, y / 10.0**self.places
        if self.crs is None:
            step = older_transformer(self.older or 0)
        else:
            step = unshifted(self.crs) if self.is_on_wgs84 else transformer(self.crs, CRS84)
        return np.column_stack(step.transform(x, y))


def parse_reading(value: str) -> Reading:
    """Returns the reading of this name.

    Raises:
        InvalidCRS: It is none.
    """
    base, *marks = value.strip().split("/") if "://" not in value else [value]
    places = 0
    for mark in marks:
        if mark[:1] == "e" and mark[1:].isdigit() and int(mark[1:]) <= _MOST_PLACES:
            places = int(mark[1:])
        elif mark not in (_SWAPPED, _ON_WGS84):
            raise InvalidCRS(
                f"Không hiểu “{shorten(mark)}” sau tên hệ tọa độ; dùng swapped hoặc wgs84.",
                f'"{shorten(mark)}" behind the name of a CRS is not understood; use swapped or wgs84.',
                parameter="crs",
            )
    number = base.upper().removeprefix("EPSG:")
    if number.isdigit() and int(number) in OLDER:
        return Reading(None, int(number), is_swapped=_SWAPPED in marks, places=places)
    if number in ("32648", "32649"):
        return Reading(crs_by_code(3405 if number == "32648" else 3406), is_on_wgs84=True, is_swapped=_SWAPPED in marks)
    crs = parse_crs(base)
    if crs.is_geographic and not crs.is_vn2000:
        crs = CRS84
    return Reading(crs, is_swapped=_SWAPPED in marks, is_on_wgs84=_ON_WGS84 in marks, places=places)


def readings_of_degrees() -> Iterator[Reading]:
    """Yields the ways to read degrees."""
    for crs in (CRS84, EPSG_4756):
        yield Reading(crs)
        yield Reading(crs, is_swapped=True)


def readings_of_metres() -> Iterator[Reading]:
    """Yields the ways to read metres: all VN-2000 zones, on its own datum or WGS 84, in both orders; Mercator."""
    for crs in VN2000_CRS:
        if not crs.is_geographic:
            for is_swapped in (False, True):
                yield Reading(crs, is_swapped=is_swapped)
                yield Reading(crs, is_swapped=is_swapped, is_on_wgs84=True)
    yield Reading(EPSG_3857)
