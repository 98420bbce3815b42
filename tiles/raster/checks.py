"""Decides whether a raster file may become a scene, from what the file says of itself and what a person declares."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from rasterio import crs as rasterio_crs
from rasterio.errors import CRSError
from rasterio.warp import transform_bounds

from spatial.crs import crs_by_code, proj4_text
from spatial.errors import InvalidCRS
from tiles.raster.errors import RasterRefused
from tiles.raster.model import Bounds, RasterKind

MAX_BYTES: Final = 64 * 2**30
MAX_BLOCK_BYTES: Final = 512 * 2**20
# A file that inflates more than this is made to exhaust a machine, unless it is small all the same.
MAX_RATIO: Final = 2_000
SMALL_BYTES: Final = 256 * 2**20
# Mainland, Hoàng Sa, Trường Sa and the continental shelf, in degrees.
VIETNAM: Final[Bounds] = (101.0, 5.0, 119.0, 24.5)
# Vietnam's land lies between its mines below the sea and Fansipan (3,147 m).
ELEVATIONS_M: Final = (-300.0, 3_500.0)
_SENTINELS: Final = (-9999.0, -99999.0, -32768.0, -32767.0, 32767.0, 65535.0, 9999.0, 99999.0)
_HUGE: Final = 1e19
_WGS84_UTM: Final = {32648: "WGS 84 / UTM 48N", 32649: "WGS 84 / UTM 49N"}


@dataclass(frozen=True, slots=True)
class Facts:
    """What a file says of itself: see ``tiles.raster.files.read_facts``."""

    width: int
    height: int
    bands: int
    dtypes: tuple[str, ...]
    nodata: float | None
    epsg: int | None
    crs_name: str | None
    transform: tuple[float, float, float, float, float, float]
    block: tuple[int, int]
    has_palette: bool

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Facts:
        """The facts that a child has found."""
        nodata = document["nodata"]
        return cls(
            width=document["width"],
            height=document["height"],
            bands=document["bands"],
            dtypes=tuple(document["dtypes"]),
            nodata=None if nodata is None else float(nodata),
            epsg=document["epsg"],
            crs_name=document["crs_name"],
            transform=tuple(document["transform"]),
            block=tuple(document["block"]),
            has_palette=document["has_palette"],
        )

    @property
    def pixel_bytes(self) -> int:
        """Bytes of one pixel of all bands."""
        return sum(np.dtype(dtype).itemsize for dtype in self.dtypes)


def check_size(facts: Facts, file_bytes: int) -> None:
    """Refuses files whose pixels would exhaust the machine; nothing has been decoded yet.

    Raises:
        RasterRefused: More pixels, larger blocks or more inflation than is reasonable.
    """
    total = facts.width * facts.height * facts.pixel_bytes
    block = facts.block[0] * facts.block[1] * facts.pixel_bytes
    bomb = total > SMALL_BYTES and total > MAX_RATIO * max(file_bytes, 1)
    if total > MAX_BYTES or block > MAX_BLOCK_BYTES or bomb:
        raise RasterRefused(
            "pixel-bomb",
            f"Ảnh {facts.width} × {facts.height} điểm, {facts.bands} kênh sẽ bung ra {total / 2**30:,.1f} GB từ tệp"
            f" {file_bytes / 2**20:,.1f} MB; không mở. Hãy chia thành nhiều mảnh, lưu theo khối (tiled).",
            f"The image of {facts.width} x {facts.height} pixels in {facts.bands} bands would inflate to"
            f" {total / 2**30:,.1f} GB from {file_bytes / 2**20:,.1f} MB; it is not opened. Split it, store it tiled.",
        )


def check_kind(facts: Facts, kind: RasterKind) -> None:
    """Refuses what cannot be of the kind.

    Raises:
        RasterRefused: Values from colours, or bands without pixels' meaning.
    """
    if kind.has_values and (facts.bands != 1 or facts.has_palette):
        raise RasterRefused(
            "not-values",
            f"Lớp loại “{kind}” cần đúng một kênh số liệu; tệp có {facts.bands} kênh"
            f"{' và bảng màu' if facts.has_palette else ''}. Hãy chọn kênh hoặc đổi loại thành photo, drawing.",
            f'A layer of kind "{kind}" needs exactly one band of values; the file has {facts.bands} bands'
            f"{' and a palette' if facts.has_palette else ''}. Choose a band, or the kind photo or drawing.",
        )
    if any(dtype.startswith("complex") for dtype in facts.dtypes):
        raise RasterRefused("complex", "Ảnh có số phức; không hiển thị được.", "The pixels are complex numbers.")


def check_nodata(facts: Facts, nodata: float | None) -> None:
    """Refuses a value for absent pixels that the pixels' type cannot hold.

    Raises:
        RasterRefused: The declared value would mark nothing.
    """
    if nodata is None:
        return
    dtype = np.dtype(facts.dtypes[0])
    if np.issubdtype(dtype, np.integer):
        info = np.iinfo(dtype)
        holds = math.isfinite(nodata) and nodata.is_integer() and info.min <= nodata <= info.max
    else:
        with np.errstate(over="ignore"):
            holds = math.isnan(nodata) or float(dtype.type(nodata)) == nodata
    if not holds:
        raise RasterRefused(
            "nodata-outside-type",
            f"Giá trị “không có dữ liệu” {nodata:g} không biểu diễn được bằng kiểu {dtype.name}, nên không điểm nào"
            " được đánh dấu. Hãy khai lại --nodata.",
            f"The nodata value {nodata:g} cannot be held by the type {dtype.name}: it marks no pixel."
            " Declare --nodata again.",
            parameter="nodata",
        )


def check_values(kind: RasterKind, sample: Mapping[str, Any], nodata: float | None, *, declared: bool) -> None:
    """Refuses fields of values whose absent pixels pass for values, or whose values pass for absent.

    Args:
        kind: A kind that has values.
        sample: See ``tiles.raster.files.read_sample``.
        nodata: The value in force.
        declared: A person has named it; then it is not doubted for lying among the others.

    Raises:
        RasterRefused: Names the value and the share of pixels that carry it.
    """
    if "low" not in sample:
        raise RasterRefused(
            "empty",
            "Ảnh không có điểm nào có giá trị. Hãy kiểm tra --nodata.",
            "No pixel has a value. Check --nodata.",
            parameter="nodata",
        )
    low, high = sample["low"], sample["high"]
    for value, share in ((low, sample["low_share"]), (high, sample["high_share"])):
        outside = kind is RasterKind.ELEVATION and not ELEVATIONS_M[0] <= value <= ELEVATIONS_M[1]
        if outside or abs(value) > _HUGE or (value in _SENTINELS and share > 0.001):
            raise RasterRefused(
                "undeclared-nodata",
                f"Giá trị {value:g} ở {share:.1%} số điểm không phải số đo mà là “không có dữ liệu” chưa khai"
                f" (đang khai: {_shown(nodata)}). Hãy thêm --nodata {value:g}, hoặc sửa tệp.",
                f"The value {value:g} at {share:.1%} of the pixels is no measurement but an undeclared nodata value"
                f" (declared: {_shown(nodata)}). Add --nodata {value:g}, or mend the file.",
                parameter="nodata",
            )
    inside = not declared and nodata is not None and low < nodata < high
    if inside and sample["absent_share"] > 0 and not sample["absent_on_frame"]:
        raise RasterRefused(
            "nodata-inside-values",
            f"Giá trị “không có dữ liệu” {nodata:g} nằm giữa các số đo ({low:g} đến {high:g}) và xóa"
            f" {sample['absent_share']:.1%} số điểm ở giữa ảnh: có thể là số đo thật. Nếu đúng là số đo, khai"
            " --nodata none; nếu không, khai lại chính giá trị đó.",
            f"The nodata value {nodata:g} lies among the measurements ({low:g} to {high:g}) and takes away"
            f" {sample['absent_share']:.1%} of the pixels inside the image: they may be real. If they are, declare"
            " --nodata none; if not, declare the value yourself.",
            parameter="nodata",
        )


def _shown(nodata: float | None) -> str:
    return "không · none" if nodata is None else f"{nodata:g}"


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the pixels lie: CRS as people name it, as GDAL is told it, and bounds in EPSG:4326."""

    crs: str
    crs_text: str
    bounds: Bounds


def place(facts: Facts, declared_epsg: int | None) -> Placement:
    """Returns where a raster lies; VN-2000 is bound to operation EPSG:6960.

    Args:
        facts: What the file says.
        declared_epsg: What a person says; wins over the file.

    Raises:
        RasterRefused: No CRS, one that is not served, no georeference, or a place outside Vietnam.
    """
    epsg = declared_epsg if declared_epsg is not None else facts.epsg
    if epsg is None:
        named = f" (“{facts.crs_name}”)" if facts.crs_name else ""
        raise RasterRefused(
            "no-crs",
            f"Không xác định được hệ tọa độ của tệp{named}. Hãy khai --crs, ví dụ EPSG:5899 cho VN-2000 kinh tuyến"
            " trục 107°45′.",
            f"The CRS of the file is not known{f' ({facts.crs_name})' if facts.crs_name else ''}. Declare --crs, such"
            " as EPSG:5899 for VN-2000 with central meridian 107°45′.",
            parameter="crs",
        )
    a, b, c, d, e, f = facts.transform
    if (a, b, c, d, e, f) == (1.0, 0.0, 0.0, 0.0, 1.0, 0.0):
        raise RasterRefused(
            "no-georeference",
            "Tệp không có tọa độ: cần GeoTIFF, hoặc ảnh kèm tệp .tfw, .pgw, .jgw.",
            "The file has no georeference: send a GeoTIFF, or an image with its world file (.tfw, .pgw, .jgw).",
        )
    text = _crs_text(epsg)
    corners = [(c + a * x + b * y, f + d * x + e * y) for x in (0, facts.width) for y in (0, facts.height)]
    xs, ys = [x for x, _ in corners], [y for _, y in corners]
    bounds = _bounds(text, (min(xs), min(ys), max(xs), max(ys)))
    if bounds is None or not _within(bounds):
        raise _outside(epsg, bounds, _bounds(text, (min(ys), min(xs), max(ys), max(xs))))
    return Placement(f"EPSG:{epsg}", text, bounds)


def _crs_text(epsg: int) -> str:
    if epsg in _WGS84_UTM:
        return f"EPSG:{epsg}"
    try:
        crs = crs_by_code(epsg)
    except InvalidCRS as error:
        raise RasterRefused("crs-not-served", error.vi, error.en, parameter="crs") from error
    return proj4_text(crs) if crs.is_vn2000 else f"EPSG:{epsg}"


def _bounds(text: str, bounds: Bounds) -> Bounds | None:
    try:
        found = transform_bounds(rasterio_crs.CRS.from_string(text), rasterio_crs.CRS.from_epsg(4326), *bounds)
    except (CRSError, ValueError):
        return None
    west, south, east, north = (float(value) for value in found)
    return (west, south, east, north) if all(map(math.isfinite, (west, south, east, north))) else None


def _within(bounds: Bounds) -> bool:
    return bounds[0] >= VIETNAM[0] and bounds[1] >= VIETNAM[1] and bounds[2] <= VIETNAM[2] and bounds[3] <= VIETNAM[3]


def _outside(epsg: int, bounds: Bounds | None, exchanged: Bounds | None) -> RasterRefused:
    where = ", ".join(f"{value:.4f}" for value in bounds) if bounds else "?"
    swapped = exchanged is not None and _within(exchanged)
    hint_vi = " Hai trục tọa độ có vẻ bị đổi chỗ." if swapped else ""
    hint_en = " The two axes seem to be exchanged." if swapped else ""
    return RasterRefused(
        "outside-vietnam",
        f"Với EPSG:{epsg}, ảnh nằm tại {where} (tây, nam, đông, bắc), ngoài Việt Nam: hệ tọa độ hoặc tọa độ sai."
        f"{hint_vi} Hãy kiểm tra kinh tuyến trục và múi chiếu, khai lại --crs.",
        f"In EPSG:{epsg} the image lies at {where} (west, south, east, north), outside Vietnam: the CRS or the"
        f" coordinates are wrong.{hint_en} Check central meridian and zone, declare --crs again.",
        parameter="crs",
    )
