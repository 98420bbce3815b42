"""Opens what was unpacked, in a confined child whose GDAL knows no driver but those sniffed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray

from layers.confined import ChildEnded, Limits, run_confined
from layers.intake.child import GEOMETRY_COLUMN
from layers.intake.model import FileKind
from layers.intake.rejection import FileRejected
from layers.intake.unpack import Dataset, doctype_refused

_DRIVERS: Final = {
    FileKind.SHAPEFILE: ("ESRI Shapefile",),
    FileKind.GEOPACKAGE: ("GPKG",),
    FileKind.GEOJSON: ("GeoJSON",),
    FileKind.FLATGEOBUF: ("FlatGeobuf",),
    FileKind.KML: ("LIBKML",),
    FileKind.MAPINFO_TAB: ("MapInfo File",),
    FileKind.MAPINFO_MIF: ("MapInfo File",),
    FileKind.DXF: ("DXF",),
    FileKind.GML: ("GML",),
    FileKind.CSV: (),
    FileKind.XLSX: (),
}
_CHILD: Final = "layers.intake.child"
_CHILD_LIMITS: Final = Limits(memory_bytes=4 * 2**30, cpu_s=600, wall_s=900, file_bytes=6 * 2**30)


@dataclass(frozen=True, slots=True)
class OpeningLimits:
    """What may be read.

    Attributes:
        rows: Rows of one part.
        geometry_bytes: All geometry of one part as WKB; a vertex is 16 bytes.
        child: Memory and time of the child.
    """

    rows: int = 3_000_000
    geometry_bytes: int = 3 * 2**30
    child: Limits = _CHILD_LIMITS


DEFAULT_OPENING: Final = OpeningLimits()


@dataclass(frozen=True, slots=True)
class FoundPart:
    """One layer or sheet that can be read."""

    name: str
    dataset: Dataset
    layer: str | None
    rows: int | None
    geometry: str | None


@dataclass(frozen=True, slots=True)
class RawTable:
    """A part as read.

    Attributes:
        columns: Attributes by name as the file has them, still encoded.
        geometry: Shapely objects in the file's CRS, None where absent; None for a table.
        crs: WKT that the file declares.
        is_raw: Characters of text stand for the bytes of the file.
        broken: Positions of geometries that are no WKB.
        ragged: Numbers of rows of a CSV that are longer or shorter than its header.
    """

    columns: pa.Table
    geometry: NDArray[np.object_] | None
    crs: str | None
    is_raw: bool
    broken: NDArray[np.intp]
    ragged: tuple[int, ...] = ()


def list_parts(datasets: Sequence[Dataset], folder: Path, limits: OpeningLimits) -> list[FoundPart]:
    """Returns the layers and sheets of what was unpacked.

    Raises:
        FileRejected: None can be opened, the child crashed, or it ran into a limit.
    """
    request = [{"kind": str(dataset.kind), "path": str(dataset.path)} for dataset in datasets]
    answer = _ask("list_parts", folder, limits, {dataset.kind for dataset in datasets}, datasets=request)
    if any("DTDForbidden" in failure or "EntitiesForbidden" in failure for failure in answer["failures"]):
        raise doctype_refused()
    if not answer["parts"]:
        raise _unreadable("; ".join(answer["failures"]))
    counts = [part["dataset"] for part in answer["parts"]]
    return [
        FoundPart(
            name=_part_name(datasets[part["dataset"]], part["layer"], alone=counts.count(part["dataset"]) == 1),
            dataset=datasets[part["dataset"]],
            layer=part["layer"],
            rows=part["rows"],
            geometry=part["geometry"],
        )
        for part in answer["parts"]
    ]


def _part_name(dataset: Dataset, layer: str | None, *, alone: bool) -> str:
    ours = layer is None or layer == dataset.path.stem
    return dataset.name if ours or (alone and dataset.kind is not FileKind.XLSX) else str(layer)


def read_part(part: FoundPart, folder: Path, limits: OpeningLimits) -> RawTable:
    """Returns one part as read.

    Raises:
        FileRejected: It cannot be read, or holds more than the limits allow.
    """
    out = folder / "rows.arrow"
    answer = _ask(
        "read_part",
        folder,
        limits,
        {part.dataset.kind},
        kind=str(part.dataset.kind),
        path=str(part.dataset.path),
        layer=part.layer,
        out=str(out),
        max_rows=limits.rows,
        max_geometry_bytes=limits.geometry_bytes,
    )
    failure = answer.get("failure")
    if failure is not None:
        raise _too_much(failure) if failure.startswith("cap:") else _unreadable(failure)
    with pa.memory_map(str(out)) as source:
        table = pa.ipc.open_file(source).read_all()
    geometry, broken = _geometry(table)
    columns = table.drop_columns([GEOMETRY_COLUMN]) if geometry is not None else table
    is_raw = bool(answer["is_raw"]) or part.dataset.kind is FileKind.CSV
    return RawTable(columns, geometry, answer["crs"], is_raw, broken, tuple(answer.get("ragged", ())))


def _geometry(table: pa.Table) -> tuple[NDArray[np.object_] | None, NDArray[np.intp]]:
    if GEOMETRY_COLUMN not in table.column_names:
        return None, np.empty(0, dtype=np.intp)
    wkb = table.column(GEOMETRY_COLUMN).to_numpy()
    geometry: NDArray[np.object_] = shapely.from_wkb(wkb, on_invalid="ignore")
    present = np.fromiter((item is not None for item in wkb), dtype=bool, count=len(wkb))
    return geometry, np.flatnonzero(present & shapely.is_missing(geometry))


def _ask(function: str, folder: Path, limits: OpeningLimits, kinds: Iterable[FileKind], **arguments: object) -> Any:
    try:
        return run_confined(
            f"{_CHILD}:{function}",
            arguments,
            limits=limits.child,
            environment=_environment(frozenset(kinds)),
            folder=folder,
        )
    except ChildEnded as error:
        raise _ended(error.reason) from error


def _environment(kinds: frozenset[FileKind]) -> dict[str, str]:
    allowed = {driver for kind in kinds for driver in _DRIVERS[kind]}
    skipped = ",".join(name for name in _known_drivers() if name not in allowed)
    return {
        "GDAL_SKIP": skipped,
        "OGR_SKIP": skipped,
        "GDAL_VRT_ENABLE_PYTHON": "NO",
        "GDAL_DRIVER_PATH": "disable",
        "CPL_VSIL_CURL_HEADER_FILE_KVP_ENABLED": "NO",
        "OGR_SQLITE_LOAD_EXTENSIONS": "",
        "OGR_SQLITE_PRAGMA": "trusted_schema=OFF",
        "SHAPE_RESTORE_SHX": "YES",
        "DXF_ENCODING": "ISO-8859-1",
        "GML_SKIP_RESOLVE_ELEMS": "ALL",
        "GML_DOWNLOAD_SCHEMA": "NO",
        "GML_SAVE_RESOLVED_TO": "",
    }


@lru_cache(maxsize=1)
def _known_drivers() -> tuple[str, ...]:
    import pyogrio

    return tuple(pyogrio.list_drivers())


def _ended(reason: str) -> FileRejected:
    words = {
        "memory": ("cần quá nhiều bộ nhớ để đọc", "needs too much memory to be read"),
        "time": ("cần quá nhiều thời gian để đọc", "takes too long to read"),
        "crash": ("bị hỏng đến mức làm dừng chương trình đọc", "is damaged so that it stops the program that reads it"),
    }
    vi, en = words[reason]
    return FileRejected(
        f"file.child-{reason}",
        f"Tệp {vi}.",
        f"The file {en}.",
        "Hãy mở tệp bằng QGIS, xuất sang GeoPackage rồi gửi lại; nếu quá lớn, hãy chia theo xã.",
        "Open it in QGIS, export it as GeoPackage and send that; if it is very large, split it by commune.",
    )


def _unreadable(detail: str) -> FileRejected:
    return FileRejected(
        "file.unreadable",
        "Tệp bị hỏng hoặc không đúng định dạng của nó, không đọc được.",
        f"The file is damaged or not what its format says; it cannot be read ({_without_paths(detail)}).",
        "Hãy mở tệp bằng QGIS để kiểm tra, xuất lại rồi gửi.",
        "Open it in QGIS to check, export it again and send that.",
    )


def _without_paths(detail: str) -> str:
    return " ".join(word for word in detail.split() if "/" not in word)[:160]


def _too_much(failure: str) -> FileRejected:
    rows = failure == "cap:rows"
    return FileRejected(
        f"file.too-many-{'rows' if rows else 'vertices'}",
        f"Tệp có quá nhiều {'dòng' if rows else 'đỉnh'}.",
        f"The file has too many {'rows' if rows else 'vertices'}.",
        "Hãy chia nhỏ theo xã rồi gửi từng tệp.",
        "Split it by commune and send the files one by one.",
    )
