"""The closed table of served coordinate reference systems; import it from :mod:`spatial.crs`."""

from dataclasses import dataclass
from typing import Final

STORAGE_SRID: Final = 4326
PRIVATE_SRID_BASE: Final = 900_000


@dataclass(frozen=True, slots=True)
class CRS:
    """A served coordinate reference system.

    Attributes:
        code: EPSG code; 84 for OGC CRS84.
        authority: ``EPSG`` or ``OGC``.
        uri: the OGC http URI, as in ``Content-Crs``.
        srid: the SRID to use in SQL; the private one for VN-2000.
        axis_inverted: the authority orders the axes latitude, longitude.
        central_meridian: degrees east, for projected VN-2000.
        scale: scale factor on the central meridian, for projected VN-2000.
        unit: ``degree`` or ``metre``.
    """

    code: int
    authority: str
    uri: str
    name_vi: str
    name_en: str
    srid: int
    is_vn2000: bool
    is_geographic: bool
    axis_inverted: bool
    central_meridian: float | None
    scale: float | None
    unit: str

    @property
    def curie(self) -> str:
        """The short name: ``EPSG:5897`` or ``OGC:CRS84``."""
        return "OGC:CRS84" if self.authority == "OGC" else f"EPSG:{self.code}"


def _degrees(meridian: float) -> tuple[int, int]:
    return int(meridian), round((meridian % 1) * 60)


def _epsg(code: int, name_vi: str, name_en: str, *, geographic: bool, srid: int | None = None) -> CRS:
    return CRS(
        code=code,
        authority="EPSG",
        uri=f"http://www.opengis.net/def/crs/EPSG/0/{code}",
        name_vi=name_vi,
        name_en=name_en,
        srid=code if srid is None else srid,
        is_vn2000=srid is not None,
        is_geographic=geographic,
        axis_inverted=geographic,
        central_meridian=None,
        scale=None,
        unit="degree" if geographic else "metre",
    )


def _vn2000(code: int, meridian: float, scale: float, name_vi: str, name_en: str) -> CRS:
    return CRS(
        code=code,
        authority="EPSG",
        uri=f"http://www.opengis.net/def/crs/EPSG/0/{code}",
        name_vi=name_vi,
        name_en=name_en,
        srid=PRIVATE_SRID_BASE + code,
        is_vn2000=True,
        is_geographic=False,
        axis_inverted=False,
        central_meridian=meridian,
        scale=scale,
        unit="metre",
    )


def _tm3(code: int, meridian: float) -> CRS:
    degree, minute = _degrees(meridian)
    return _vn2000(
        code,
        meridian,
        0.9999,
        f"VN-2000 / TM-3, kinh tuyến trục {degree}°{minute:02d}′",
        f"VN-2000 / TM-3, central meridian {degree}°{minute:02d}′",
    )


def _utm(code: int, meridian: float, zone: int) -> CRS:
    return _vn2000(code, meridian, 0.9996, f"VN-2000 / UTM múi {zone} bắc", f"VN-2000 / UTM zone {zone}N")


CRS84: Final = CRS(
    code=84,
    authority="OGC",
    uri="http://www.opengis.net/def/crs/OGC/1.3/CRS84",
    name_vi="WGS 84, kinh độ trước vĩ độ",
    name_en="WGS 84, longitude before latitude",
    srid=STORAGE_SRID,
    is_vn2000=False,
    is_geographic=True,
    axis_inverted=False,
    central_meridian=None,
    scale=None,
    unit="degree",
)
EPSG_4326: Final = _epsg(4326, "WGS 84, vĩ độ trước kinh độ", "WGS 84, latitude before longitude", geographic=True)
EPSG_3857: Final = _epsg(3857, "WGS 84 / Pseudo-Mercator", "WGS 84 / Pseudo-Mercator", geographic=False)
EPSG_4756: Final = _epsg(
    4756,
    "VN-2000, vĩ độ trước kinh độ",
    "VN-2000, latitude before longitude",
    geographic=True,
    srid=PRIVATE_SRID_BASE + 4756,
)

# EPSG code and central meridian of the 3-degree zones, as in the EPSG dataset since 9.8.2.
TM3_MERIDIANS: Final = {
    5896: 102.0, 5897: 105.0, 5898: 108.0, 5899: 107.75,
    9205: 103.0, 9206: 104.0, 9207: 104.5, 9208: 104.75, 9209: 105.5, 9210: 105.75, 9211: 106.0,
    9212: 106.25, 9213: 106.5, 9214: 107.0, 9215: 107.25, 9216: 107.5, 9217: 108.25, 9218: 108.5,
}  # fmt: skip

SERVED_CRS: Final[tuple[CRS, ...]] = (
    CRS84,
    EPSG_4326,
    EPSG_3857,
    EPSG_4756,
    _utm(3405, 105.0, 48),
    _utm(3406, 111.0, 49),
    *(_tm3(code, meridian) for code, meridian in TM3_MERIDIANS.items()),
)
VN2000_CRS: Final[tuple[CRS, ...]] = tuple(crs for crs in SERVED_CRS if crs.is_vn2000)

# Withdrawn by EPSG: false easting and northing are exchanged under the same names.
DEPRECATED: Final = {6956: 5896, 6957: 5897, 6958: 5898, 6959: 5899}
