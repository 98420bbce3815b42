"""Pictures of scenes: map tiles in WebMercatorQuad, made by rio-tiler from the COGs."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cachetools import LRUCache
from rio_tiler.errors import EmptyMosaicError, TileOutsideBounds
from rio_tiler.io import Reader
from rio_tiler.models import ImageData
from rio_tiler.mosaic import mosaic_reader

from tiles.address import TileAddress
from tiles.raster.model import RasterKind, RasterLayer, Scene
from tiles.raster.ramps import ramp_colors

FORMATS: Final = {"png": ("PNG", "image/png"), "webp": ("WEBP", "image/webp")}
TILE_SIZE: Final = 256
_RESAMPLING: Final = {
    RasterKind.DRAWING: "nearest",
    RasterKind.PHOTO: "bilinear",
    RasterKind.ELEVATION: "bilinear",
    RasterKind.SURFACE: "nearest",
}


def value_range(layer: RasterLayer, scenes: list[Scene]) -> tuple[float, float]:
    """The values of the ramp's ends: as the layer says, else the range of the scenes."""
    lows = [scene.low for scene in scenes if scene.low is not None]
    highs = [scene.high for scene in scenes if scene.high is not None]
    low = layer.low if layer.low is not None else min(lows, default=0.0)
    high = layer.high if layer.high is not None else max(highs, default=1.0)
    return low, high if high > low else low + 1.0


def read_tile(layer: RasterLayer, scenes: list[Scene], store: Path, address: TileAddress) -> ImageData | None:
    """The pixels of a tile from all scenes that it meets, or None where there are none; blocks on files."""
    resampling = _RESAMPLING[layer.kind]

    def read(path: str, x: int, y: int, z: int) -> ImageData:
        with Reader(path) as reader:
            image: ImageData = reader.tile(
                x, y, z, tilesize=TILE_SIZE, resampling_method=resampling, reproject_method=resampling
            )
            return image

    paths = [str(scene.path(store)) for scene in scenes]
    try:
        if len(paths) == 1:
            return read(paths[0], address.x, address.y, address.z)
        image, _ = mosaic_reader(
            paths, read, address.x, address.y, address.z, threads=0, allowed_exceptions=(TileOutsideBounds,)
        )
    except (TileOutsideBounds, EmptyMosaicError):
        return None
    return image


def paint(layer: RasterLayer, scenes: list[Scene], image: ImageData, form: str) -> bytes:
    """The tile in an image format of :data:`FORMATS`; pixels without data are transparent."""
    driver, _ = FORMATS[form]
    if not layer.kind.has_values:
        return image.render(img_format=driver)
    image.rescale(in_range=(value_range(layer, scenes),))
    return image.render(img_format=driver, colormap=ramp_colors(layer.ramp))


@dataclass
class RasterTiles:
    """Painted tiles of one process within a number of bytes; files never change, so neither do tiles."""

    store: Path
    max_bytes: int
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _known: LRUCache[tuple[object, ...], bytes] = field(init=False)

    def __post_init__(self) -> None:
        self._known = LRUCache(self.max_bytes, getsizeof=lambda body: len(body) + 200)

    def tile(self, layer: RasterLayer, scenes: list[Scene], address: TileAddress, form: str) -> bytes:
        """One tile of the scenes of one day; empty where they do not reach. Blocks: call it in a thread."""
        look = (layer.ramp, layer.kind, *(value_range(layer, scenes) if layer.kind.has_values else ()))
        key = (tuple(scene.file for scene in scenes), look, address, form)
        with self._lock:
            known = self._known.get(key)
        if known is not None:
            return known
        image = read_tile(layer, scenes, self.store, address)
        body = b"" if image is None else paint(layer, scenes, image, form)
        if len(body) + 200 <= self.max_bytes:
            with self._lock:
                self._known[key] = body
        return body
