"""Work on raster files themselves, done in a confined child: facts of a file, and its copy as a COG."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.enums import ColorInterp
from rasterio.io import DatasetReader
from rasterio.shutil import copy
from rasterio.windows import Window
from rio_cogeo.cogeo import cog_validate

# The one driver that may open a file, by the suffix that its first bytes have given it.
_DRIVERS: Final = {".tif": "GTiff", ".png": "PNG", ".jpg": "JPEG"}
_SAMPLE: Final = 1024
_BLOCK: Final = 512
_LOW_HIGH: Final = (2, 98)  # percentiles between which deep photographs are stretched to 8 bits


def read_facts(path: str) -> dict[str, Any]:
    """Returns what the file says of itself, without reading its pixels."""
    with _open(path) as source:
        return {
            "width": source.width,
            "height": source.height,
            "bands": source.count,
            "dtypes": list(source.dtypes),
            "nodata": None if source.nodata is None else repr(float(source.nodata)),
            "epsg": source.crs.to_epsg() if source.crs else None,
            "crs_name": _name(source),
            "transform": list(source.transform)[:6],
            "block": list(source.block_shapes[0]),
            "has_palette": ColorInterp.palette in source.colorinterp,
        }


def _open(path: str) -> DatasetReader:
    return rasterio.open(path, driver=_DRIVERS[Path(path).suffix])


def _name(source: DatasetReader) -> str | None:
    if not source.crs:
        return None
    wkt: str = source.crs.to_wkt()
    return wkt.split('"')[1] if '"' in wkt else wkt[:60]


def read_sample(path: str, nodata: float | None) -> dict[str, Any]:
    """Returns what an even sample of the first band holds: range, the most frequent value, the frame.

    Args:
        path: The file, found harmless in size by its facts.
        nodata: Value to be taken for absent, as declared; NaN is absent anyway.
    """
    with _open(path) as source:
        shape = (min(source.height, _SAMPLE), min(source.width, _SAMPLE))
        values = source.read(1, out_shape=shape).astype(np.float64)
    absent = np.isnan(values) if nodata is None or np.isnan(nodata) else np.isnan(values) | (values == nodata)
    present = values[~absent]
    frame = np.concatenate([absent[0], absent[-1], absent[:, 0], absent[:, -1]])
    found: dict[str, Any] = {"absent_share": float(absent.mean()), "absent_on_frame": bool(frame.any())}
    if present.size:
        low, high = float(present.min()), float(present.max())
        found |= {"low": low, "high": high}
        found |= {"low_share": float((values == low).mean()), "high_share": float((values == high).mean())}
    return found


def write_cog(path: str, target: str, *, crs: str, nodata: float | None, kind: str) -> dict[str, Any]:
    """Copies a raster into a cloud-optimised GeoTIFF in the given CRS and returns what it holds.

    Pixels stay where they are and are not resampled; palettes become colours, pictures of more than eight
    bits are stretched. The interim copy lies beside the target.

    Args:
        path: The checked file.
        target: File to be written.
        crs: PROJ or EPSG text that the pixels' CRS is declared as.
        nodata: Value that stands for absent, or None.
        kind: Value of RasterKind.
    """
    interim = Path(target).with_suffix(".interim.tif")
    try:
        with _open(path) as source:
            facts = _copy_blocks(source, interim, crs, nodata, kind)
        picture = kind in ("drawing", "photo")
        copy(
            interim,
            target,
            driver="COG",
            compress="DEFLATE",
            predictor="NO" if picture else "YES",
            resampling="NEAREST" if kind == "drawing" else "AVERAGE",
            blocksize=_BLOCK,
            bigtiff="IF_SAFER",
        )
    finally:
        interim.unlink(missing_ok=True)
    valid, errors, _ = cog_validate(target)
    if not valid:
        raise ValueError(f"not a valid COG: {errors}")
    return facts


def _copy_blocks(source: DatasetReader, interim: Path, crs: str, nodata: float | None, kind: str) -> dict[str, Any]:
    picture = kind in ("drawing", "photo")
    change = _Colours(source) if picture else None
    bands = change.bands if change else 1
    dtype = "uint8" if picture else source.dtypes[0]
    profile = {
        "driver": "GTiff",
        "width": source.width,
        "height": source.height,
        "count": bands,
        "dtype": dtype,
        "crs": crs,
        "transform": source.transform,
        "nodata": None if change and change.drops_nodata else nodata,
        "tiled": True,
        "blockxsize": _BLOCK,
        "blockysize": _BLOCK,
        "compress": "DEFLATE",
        "zlevel": 1,
        "bigtiff": "IF_SAFER",
    }
    low, high = np.inf, -np.inf
    with rasterio.open(interim, "w", **profile) as out:
        if bands in (2, 4):
            out.colorinterp = [*out.colorinterp[:-1], ColorInterp.alpha]
        for window in _windows(source):
            block = source.read(window=window) if change else source.read([1], window=window)
            if change:
                block = change.apply(block)
            else:
                present = block[~_absent(block, nodata)]
                if present.size:
                    low, high = min(low, float(present.min())), max(high, float(present.max()))
            out.write(block, window=window)
    has_range = np.isfinite(low) and np.isfinite(high)
    return {
        "bands": bands,
        "dtype": dtype,
        "low": float(low) if has_range else None,
        "high": float(high) if has_range else None,
    }


def _absent(block: NDArray[Any], nodata: float | None) -> NDArray[np.bool_]:
    nan = np.isnan(block) if np.issubdtype(block.dtype, np.floating) else np.zeros(block.shape, dtype=bool)
    return nan if nodata is None or np.isnan(nodata) else nan | (block == nodata)


def _windows(source: DatasetReader) -> list[Window]:
    """Windows of whole block rows: files in strips are read once from top to bottom."""
    step = max(source.block_shapes[0][0], _BLOCK)
    return [Window(0, top, source.width, min(step, source.height - top)) for top in range(0, source.height, step)]


class _Colours:
    """Turns the bands of a picture into eight-bit grey or colour, with alpha where the file has it."""

    def __init__(self, source: DatasetReader) -> None:
        self._palette: NDArray[np.uint8] | None = None
        self.drops_nodata = False
        if source.count == 1 and ColorInterp.palette in source.colorinterp:
            table = np.zeros((256, 4), dtype=np.uint8)
            for index, colour in source.colormap(1).items():
                table[index] = colour
            if source.nodata is not None and 0 <= source.nodata <= 255:
                table[int(source.nodata), 3] = 0
            self._palette, self.bands, self.drops_nodata = table, 4, True
            return
        self.bands = min(source.count, 4)
        self._low, self._span = self._stretch(source)

    def _stretch(self, source: DatasetReader) -> tuple[float, float]:
        bits = source.tags(1, ns="IMAGE_STRUCTURE").get("NBITS")
        if bits is not None and int(bits) < 8:
            return 0.0, float(2 ** int(bits) - 1)
        if source.dtypes[0] == "uint8":
            return 0.0, 255.0
        shape = (min(source.height, _SAMPLE), min(source.width, _SAMPLE))
        low, high = np.nanpercentile(source.read(1, out_shape=shape), _LOW_HIGH)
        return float(low), max(float(high - low), 1e-9)

    def apply(self, block: NDArray[Any]) -> NDArray[np.uint8]:
        if self._palette is not None:
            return np.moveaxis(self._palette[block[0]], -1, 0)
        block = block[: self.bands]
        if block.dtype == np.uint8 and self._span == 255.0:
            return block
        stretched: NDArray[np.uint8] = np.clip((block - self._low) / self._span * 255, 0, 255).astype(np.uint8)
        return stretched
