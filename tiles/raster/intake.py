"""Takes a raster file in: looked at in a confined child, checked, copied into a COG, entered as a scene."""

from __future__ import annotations

import hashlib
import math
import os
import shutil
import tempfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Engine

from layers.confined import ChildEnded, Limits, run_confined
from tiles.raster.catalogue import add_scene
from tiles.raster.checks import Facts, Placement, check_kind, check_nodata, check_size, check_values, place
from tiles.raster.errors import RasterRefused
from tiles.raster.model import RasterLayer, Scene

COGS: Final = "cog"
ORIGINALS: Final = "original"
_WORLD_FILES: Final = {".tif": ".tfw", ".tiff": ".tfw", ".png": ".pgw", ".jpg": ".jgw", ".jpeg": ".jgw"}
_MAGIC: Final = {
    b"II*\0": ".tif",
    b"MM\0*": ".tif",
    b"II+\0": ".tif",
    b"MM\0+": ".tif",
    b"\x89PNG": ".png",
    b"\xff\xd8\xff": ".jpg",
}
_METRES_PER_DEGREE: Final = 111_320.0
_QUICK: Final = Limits(memory_bytes=2 * 2**30, cpu_s=60, wall_s=120)


@dataclass(frozen=True, slots=True)
class Declared:
    """What a person says of a file.

    Attributes:
        dated_on: The day that the pixels show.
        epsg: The CRS; wins over what the file says.
        nodata: Value that stands for absent; wins over the file's. None leaves the file's in force.
        no_nodata: No value stands for absent, whatever the file says.
    """

    dated_on: date
    epsg: int | None = None
    nodata: float | None = None
    no_nodata: bool = False


@dataclass(frozen=True, slots=True)
class _Checked:
    facts: Facts
    place: Placement
    nodata: float | None


def take_scene(
    engine: Engine, store: Path, layer: RasterLayer, file: Path, declared: Declared, *, author: str
) -> tuple[int, Scene]:
    """Enters a file as a scene of a layer and returns the scene's id and what it is.

    The original is kept, hashed, under the store; the COG is written before the scene is entered and
    taken away if it is not.

    Args:
        engine: An owner's engine.
        store: Folder of the raster store.
        layer: A layer of the catalogue.
        file: GeoTIFF, or PNG or JPEG with its world file beside it.
        declared: What a person says of it.
        author: Who enters it.

    Raises:
        RasterRefused: The file may not become a scene; says why and what to do.
    """
    kind = _sniff(file)
    digest = _sha256(file)
    for folder in (COGS, ORIGINALS):
        (store / folder).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=store, prefix="intake-") as folder:
        work = _own_copy(file, Path(folder), kind)
        checked = _check(work, layer, declared)
        made = Path(folder) / "scene.tif"
        found = _confined(
            "tiles.raster.files:write_cog",
            Limits(),
            path=str(work),
            target=str(made),
            crs=checked.place.crs_text,
            nodata=checked.nodata,
            kind=layer.kind.value,
        )
        cog = store / COGS / f"{_sha256(made)}.tif"
        scene = _scene(layer, file, declared, checked, found, cog)
        existed = cog.exists()
        _keep(made, cog)
        _keep(work, store / ORIGINALS / f"{digest}{kind}")
    try:
        with engine.begin() as connection:
            scene_id = add_scene(connection, scene, author=author, source_sha256=digest)
    except BaseException:
        if not existed:
            cog.unlink(missing_ok=True)
        raise
    return scene_id, scene


def _check(work: Path, layer: RasterLayer, declared: Declared) -> _Checked:
    facts = Facts.read(_confined("tiles.raster.files:read_facts", _QUICK, path=str(work)))
    check_size(facts, work.stat().st_size)
    check_kind(facts, layer.kind)
    placement = place(facts, declared.epsg)
    nodata = declared.nodata if declared.nodata is not None else facts.nodata
    if declared.no_nodata:
        nodata = None
    check_nodata(facts, nodata)
    if layer.kind.has_values:
        sample = _confined("tiles.raster.files:read_sample", _QUICK, path=str(work), nodata=nodata)
        check_values(layer.kind, sample, nodata, declared=declared.nodata is not None)
    return _Checked(facts, placement, nodata)


def _scene(
    layer: RasterLayer, file: Path, declared: Declared, checked: _Checked, found: dict[str, Any], cog: Path
) -> Scene:
    return Scene(
        slug=layer.slug,
        scene_id=0,
        dated_on=declared.dated_on,
        bounds=checked.place.bounds,
        crs=checked.place.crs,
        width=checked.facts.width,
        height=checked.facts.height,
        bands=found["bands"],
        dtype=found["dtype"],
        nodata=checked.nodata,
        resolution_m=_resolution_m(checked),
        low=found["low"],
        high=found["high"],
        file=f"{COGS}/{cog.name}",
        source_name=file.name,
    )


def _resolution_m(checked: _Checked) -> float:
    """Height of a pixel in metres, from the bounds: near enough to choose zooms and to tell people."""
    _, south, _, north = checked.place.bounds
    return round((north - south) * _METRES_PER_DEGREE / checked.facts.height, 4)


def _sniff(file: Path) -> str:
    with file.open("rb") as stream:
        head = stream.read(4)
    for magic, suffix in _MAGIC.items():
        if head.startswith(magic):
            return suffix
    raise RasterRefused(
        "not-an-image",
        f"“{file.name}” không phải GeoTIFF, PNG hay JPEG. Hãy xuất ảnh sang GeoTIFF.",
        f'"{file.name}" is no GeoTIFF, PNG or JPEG. Export the image as GeoTIFF.',
    )


def _own_copy(file: Path, folder: Path, kind: str) -> Path:
    """A copy under a name of ours, with the world file that lies beside the original under any letter case."""
    work = folder / f"original{kind}"
    shutil.copyfile(file, work)
    suffixes = {_WORLD_FILES[kind], ".wld"}
    for path in sorted(file.parent.iterdir()):
        if path.stem == file.stem and path.suffix.lower() in suffixes and path.stat().st_size < 10_000:
            shutil.copyfile(path, work.with_suffix(_WORLD_FILES[kind]))
            break
    return work


def _confined(call: str, limits: Limits, **arguments: object) -> dict[str, Any]:
    try:
        found: dict[str, Any] = run_confined(call, arguments, limits=limits)
    except ChildEnded as error:
        reasons = {
            "memory": ("cần quá nhiều bộ nhớ", "needs too much memory"),
            "time": ("cần quá nhiều thời gian", "takes too long"),
            "crash": ("bị hỏng hoặc không đọc được", "is damaged or cannot be read"),
        }
        vi, en = reasons[error.reason]
        raise RasterRefused(
            f"unreadable-{error.reason}",
            f"Tệp {vi}. Hãy mở lại bằng QGIS và xuất sang GeoTIFF.",
            f"The file {en}. Open it in QGIS and export it as GeoTIFF.",
        ) from error
    return found


def _keep(made: Path, target: Path) -> None:
    """Puts a file in its place so that a crash leaves either nothing or the whole file."""
    part = target.with_name(target.name + ".part")
    shutil.copyfile(made, part)
    with part.open("rb") as stream:
        os.fsync(stream.fileno())
    part.replace(target)


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def parse_nodata(text: str | None) -> tuple[float | None, bool]:
    """Reads a declared nodata value: a number, ``nan``, or ``none`` for no such value.

    Returns:
        The value, and whether a person has said that there is none.

    Raises:
        RasterRefused: It is neither.
    """
    if text is None:
        return None, False
    if text.strip().lower() == "none":
        return None, True
    try:
        value = float(text)
    except ValueError:
        value = math.inf
    if math.isinf(value):
        raise RasterRefused(
            "nodata",
            f"“{text[:40]}” không phải số. Viết một số, nan, hoặc none.",
            f'"{text[:40]}" is not a number. Write a number, nan, or none.',
            parameter="nodata",
        )
    return value, False
