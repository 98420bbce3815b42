"""Coordinate reference systems: the one place that knows axis order, VN-2000 and SRIDs.

Every step between WGS 84 and VN-2000 names operation EPSG:6960. Left to itself PROJ takes EPSG:5194 inside
104.24-107.11 E, 9.35-11.04 N for some of the codes, and a layer jumps 0.8 m at latitude 11.04.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final, TypeVar

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Transformer
from pyproj.exceptions import ProjError
from shapely.geometry.base import BaseGeometry

from spatial.crs_table import (
    CRS,
    CRS84,
    DEPRECATED,
    EPSG_3857,
    EPSG_4326,
    EPSG_4756,
    PRIVATE_SRID_BASE,
    SERVED_CRS,
    STORAGE_SRID,
    TM3_MERIDIANS,
    VN2000_CRS,
)
from spatial.errors import InvalidCRS, InvalidGeometry, shorten

__all__ = [
    "CRS",
    "CRS84",
    "EPSG_3857",
    "EPSG_4326",
    "EPSG_4756",
    "PRIVATE_SRID_BASE",
    "SERVED_CRS",
    "STORAGE_SRID",
    "VN2000_CRS",
    "crs_by_code",
    "flip_axes",
    "older_transformer",
    "parse_crs",
    "private_srid_rows",
    "proj4_text",
    "sql_srid",
    "tm3_by_meridian",
    "to_xy",
    "transform_all",
    "transform_geometry",
    "transformer",
    "unshifted_transformer",
]

# EPSG:6960 as published: coordinate frame rotation (EPSG method 9607), VN-2000 to WGS 84.
_HELMERT_6960: Final = (
    "+proj=helmert +x=-191.90441429 +y=-39.30318279 +z=-111.45032835"
    " +rx=-0.00928836 +ry=0.01975479 +rz=-0.00427372 +s=0.252906278 +convention=coordinate_frame"
)
# The same operation in the sign convention of +towgs84, which is position vector (EPSG method 9606).
_TOWGS84_6960: Final = "-191.90441429,-39.30318279,-111.45032835,0.00928836,-0.01975479,0.00427372,0.252906278"
# auth_name must not be one that PROJ knows: PostGIS tries "auth_name:auth_srid" first, then srtext, then
# proj4text, and "EPSG:5897" would bring PROJ's own choice of datum operation back.
_PRIVATE_AUTHORITY: Final = "DIABAN"

_G = TypeVar("_G", bound=BaseGeometry)


_BY_CURIE: Final = {crs.curie: crs for crs in SERVED_CRS}
_CRS_FORMS: Final = (
    re.compile(r"https?://www\.opengis\.net/def/crs/(?P<authority>EPSG)/[0-9.]+/(?P<code>[0-9]{1,6})"),
    re.compile(r"https?://www\.opengis\.net/def/crs/(?P<authority>OGC)/[0-9.]+/(?P<code>CRS84)"),
    re.compile(r"urn:ogc:def:crs:(?P<authority>EPSG):[0-9.]*:(?P<code>[0-9]{1,6})", re.IGNORECASE),
    re.compile(r"urn:ogc:def:crs:(?P<authority>OGC):[0-9.]*:(?P<code>CRS84)", re.IGNORECASE),
    re.compile(r"(?P<authority>EPSG):(?P<code>[0-9]{1,6})", re.IGNORECASE),
    re.compile(r"\[(?P<authority>EPSG):(?P<code>[0-9]{1,6})\]", re.IGNORECASE),
    re.compile(r"(?P<authority>OGC):(?P<code>CRS84)", re.IGNORECASE),
    re.compile(r"\[(?P<authority>OGC):(?P<code>CRS84)\]", re.IGNORECASE),
)


def parse_crs(text: str | None, *, parameter: str = "crs") -> CRS:
    """Return the served CRS named by an OGC URI, a URN, a safe CURIE or ``EPSG:code``; CRS84 for None.

    OGC API - Features Part 2, 6.1. Only the CRSs of :data:`SERVED_CRS` are accepted.

    Raises:
        InvalidCRS: the text is no CRS name, or one that is deprecated or not served.
    """
    if text is None:
        return CRS84
    for form in _CRS_FORMS:
        if match := form.fullmatch(text.strip()):
            return _served(match["authority"].upper(), match["code"].upper(), parameter)
    raise InvalidCRS(
        f"'{shorten(text)}' không phải là tên hệ tọa độ. Hãy viết như {CRS84.uri} hoặc EPSG:5897.",
        f"'{shorten(text)}' is not the name of a CRS. Write it like {CRS84.uri} or EPSG:5897.",
        parameter=parameter,
    )


def crs_by_code(code: int, *, parameter: str = "crs") -> CRS:
    """Return the served CRS with this EPSG code.

    Raises:
        InvalidCRS: the code is deprecated or not served.
    """
    return _served("EPSG", str(code), parameter)


def _served(authority: str, code: str, parameter: str) -> CRS:
    crs = _BY_CURIE.get(f"{authority}:{code.lstrip('0')}")
    if crs is not None:
        return crs
    replacement = DEPRECATED.get(int(code)) if authority == "EPSG" else None
    if replacement is not None:
        raise InvalidCRS(
            f"EPSG:{code} đã bị hủy bỏ vì ghi đảo hằng số dời trục. Hãy dùng EPSG:{replacement}"
            " (mã 5896–5899 thay cho 6956–6959).",
            f"EPSG:{code} is deprecated because its false origin is exchanged. Use EPSG:{replacement}"
            " (5896-5899 replace 6956-6959).",
            parameter=parameter,
        )
    served = ", ".join(_BY_CURIE)
    raise InvalidCRS(
        f"Dịch vụ không phục vụ hệ tọa độ {authority}:{code}. Hãy dùng một trong: {served}.",
        f"{authority}:{code} is not served. Use one of: {served}.",
        parameter=parameter,
    )


def sql_srid(crs: CRS) -> int:
    """Return the SRID that names this CRS in PostGIS; the private one (900000 + code) for VN-2000."""
    return crs.srid


@lru_cache(maxsize=1024)
def transformer(src: CRS, dst: CRS) -> Transformer:
    """Return the cached transformer from one served CRS to another, always x, y (lon, lat or E, N).

    Degrees and metres, no heights. VN-2000 to or from WGS 84 goes through EPSG:6960; within one datum the
    step is pure projection.
    """
    # A round trip is not exact: the height that EPSG:6960 gives to a point without one is dropped between the
    # two steps, which moves it by up to 1.3 mm. PROJ and PostGIS do the same.
    datum = [] if src.is_vn2000 == dst.is_vn2000 else _datum_steps(inverse=dst.is_vn2000)
    if not datum and _projection(src) == _projection(dst):
        return Transformer.from_pipeline("+proj=noop")
    steps = [_to_radians(src), *datum, _from_radians(dst)]
    return Transformer.from_pipeline(" ".join(["+proj=pipeline", *(f"+step {step}" for step in steps)]))


@lru_cache(maxsize=64)
def unshifted_transformer(src: CRS) -> Transformer:
    """Return the transformer of coordinates in the projection of a VN-2000 CRS, but on the datum WGS 84, to lon, lat.

    Files made so say ``GCS_WGS_1984`` with the parameters of VN-2000; UTM zones 48N and 49N of WGS 84 are among them.
    """
    return Transformer.from_pipeline(f"+proj=pipeline +step {_to_radians(src)} +step {_from_radians(CRS84)}")


@lru_cache(maxsize=16)
def older_transformer(code: int) -> Transformer:
    """Return the transformer from a CRS of an older Vietnamese datum to lon, lat; only PROJ's published operations.

    Raises:
        ProjError: PROJ knows none, and a guess is not allowed.
    """
    return Transformer.from_crs(code, 4326, always_xy=True, allow_ballpark=False)


def _projection(crs: CRS) -> str | None:
    if crs.is_geographic:
        return None
    if crs.is_vn2000:
        return _tmerc(crs)
    return "+proj=webmerc +lat_0=0 +lon_0=0 +x_0=0 +y_0=0 +ellps=WGS84"


def _tmerc(crs: CRS) -> str:
    return f"+proj=tmerc +lat_0=0 +lon_0={crs.central_meridian:g} +k={crs.scale:g} +x_0=500000 +y_0=0 +ellps=WGS84"


def _to_radians(crs: CRS) -> str:
    projection = _projection(crs)
    return "+proj=unitconvert +xy_in=deg +xy_out=rad" if projection is None else f"+inv {projection}"


def _from_radians(crs: CRS) -> str:
    return _projection(crs) or "+proj=unitconvert +xy_in=rad +xy_out=deg"


def _datum_steps(*, inverse: bool) -> list[str]:
    helmert = f"+inv {_HELMERT_6960}" if inverse else _HELMERT_6960
    return [
        "+proj=push +v_3",
        "+proj=cart +ellps=WGS84",
        helmert,
        "+inv +proj=cart +ellps=WGS84",
        "+proj=pop +v_3",
    ]


def transform_geometry(geometry: _G, src: CRS, dst: CRS) -> _G:
    """Return the geometry in another served CRS, x, y before and after; heights are dropped.

    Only vertices move: an edge stays straight in the new CRS. Densify long edges first.

    Raises:
        InvalidGeometry: a vertex lies where the target CRS is not defined.
    """
    if src.srid == dst.srid:
        return geometry
    step = transformer(src, dst)

    def move(points: NDArray[np.float64]) -> NDArray[np.float64]:
        x, y = step.transform(points[:, 0], points[:, 1], errcheck=True)
        moved = np.column_stack((x, y))
        if not np.isfinite(moved).all():
            raise ProjError("not finite")
        return moved

    return _apply(geometry, move, src, dst)


def transform_all(geometries: NDArray[np.object_], src: CRS, dst: CRS) -> NDArray[np.object_]:
    """Return an array of geometries in another served CRS, x, y before and after; heights are dropped.

    A vertex outside the domain of either CRS becomes infinite, so that its row can be refused and the others kept.
    """
    if src.srid == dst.srid:
        return geometries
    step = transformer(src, dst)
    moved: NDArray[np.object_] = shapely.transform(
        geometries, lambda points: np.column_stack(step.transform(points[:, 0], points[:, 1]))
    )
    return moved


def _apply(geometry: _G, move: Callable[[NDArray[np.float64]], NDArray[np.float64]], src: CRS, dst: CRS) -> _G:
    if geometry.is_empty:
        return geometry
    try:
        moved: _G = shapely.transform(geometry, move)
    except ProjError as error:
        raise InvalidGeometry(
            f"Tọa độ nằm ngoài phạm vi của {src.curie} hoặc {dst.curie}. Hãy kiểm tra hệ tọa độ đã khai.",
            f"Coordinates lie outside the domain of {src.curie} or {dst.curie}. Check the declared CRS.",
        ) from error
    return moved


def to_xy(crs: CRS, first: float, second: float) -> tuple[float, float]:
    """Return x, y from two coordinates in the axis order of the CRS; also the way back."""
    return (second, first) if crs.axis_inverted else (first, second)


def flip_axes(geometry: _G) -> _G:
    """Return the geometry with x and y exchanged, for CRSs whose authority says latitude, longitude."""
    flipped: _G = shapely.transform(geometry, lambda points: points[:, ::-1])
    return flipped


def private_srid_rows() -> list[tuple[int, str, int, str, str]]:
    """Return the ``spatial_ref_sys`` rows (srid, auth_name, auth_srid, srtext, proj4text) of VN-2000.

    Through these, and only these, ``ST_Transform`` uses EPSG:6960 everywhere; PostGIS 3.3 has no rows for
    EPSG:9205-9218 at all.
    """
    return [(crs.srid, _PRIVATE_AUTHORITY, crs.srid, _srtext(crs), proj4_text(crs)) for crs in VN2000_CRS]


def proj4_text(crs: CRS) -> str:
    """Return PROJ text of a VN-2000 CRS that binds EPSG:6960 to it, so that GDAL takes no other operation.

    Coordinates are x, y whatever the authority says.
    """
    projection = "+proj=longlat +ellps=WGS84" if crs.is_geographic else f"{_tmerc(crs)} +units=m"
    return f"{projection} +towgs84={_TOWGS84_6960} +no_defs"


def _srtext(crs: CRS) -> str:
    geographic = (
        'GEOGCS["VN-2000",DATUM["Vietnam_2000",SPHEROID["WGS 84",6378137,298.257223563],'
        f'TOWGS84[{_TOWGS84_6960}]],PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433]]'
    )
    if crs.is_geographic:
        return geographic
    return (
        f'PROJCS["{_ascii_name(crs)}",{geographic},PROJECTION["Transverse_Mercator"],'
        f'PARAMETER["latitude_of_origin",0],PARAMETER["central_meridian",{crs.central_meridian:g}],'
        f'PARAMETER["scale_factor",{crs.scale:g}],PARAMETER["false_easting",500000],'
        'PARAMETER["false_northing",0],UNIT["metre",1],AXIS["Easting",EAST],AXIS["Northing",NORTH]]'
    )


def _ascii_name(crs: CRS) -> str:
    return crs.name_en.replace("°", "-").replace("′", "")


def tm3_by_meridian(meridian: float) -> CRS:
    """Return the TM-3 CRS with this central meridian, in degrees east.

    Raises:
        InvalidCRS: VN-2000 has no 3-degree zone with such a meridian.
    """
    for code, central in TM3_MERIDIANS.items():
        if central == meridian:
            return crs_by_code(code)
    known = ", ".join(f"{central:g}" for central in sorted(TM3_MERIDIANS.values()))
    raise InvalidCRS(
        f"VN-2000 không có kinh tuyến trục {meridian:g}°. Hãy dùng một trong: {known}.",
        f"VN-2000 has no central meridian {meridian:g}. Use one of: {known}.",
    )
