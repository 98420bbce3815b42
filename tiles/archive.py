"""Packs the vector tiles of layers into one PMTiles file, for rooms without a network and for object storage."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from pmtiles.tile import Compression, TileType, zxy_to_tileid
from pmtiles.writer import Writer
from sqlalchemy import exists, select

from layers.access import Gate, Scope
from layers.catalogue import Layer
from layers.reader import Statements
from layers.tables import feature_table
from spatial.sql import Rows
from spatial.target import Target
from tiles.address import MAX_ZOOM, TileAddress
from tiles.cache import CachedTile, gzip_joined
from tiles.content import first_zoom
from tiles.errors import LayerHasNoTiles, TileError
from tiles.frame import near_box, tile_parameters
from tiles.matrix import WEB_MERCATOR
from tiles.overview import cell_level
from tiles.service import tilejson
from tiles.vector import tile_statement

if TYPE_CHECKING:
    from asyncpg import Connection, Record

Box = tuple[float, float, float, float]
_E7: Final = 10_000_000


class NothingToPack(TileError):
    """No layer has a tile in the zooms and the area asked for."""

    def __init__(self) -> None:
        super().__init__(
            "Không có ô bản đồ nào trong phạm vi và mức thu phóng này. Hãy kiểm tra lớp, mức và khung bao.",
            "There is no tile in this area and these zooms. Check layers, zooms and bounding box.",
            parameter="layers",
        )


class ChangedMeanwhile(TileError):
    """A layer was published, or its companions were behind, while its tiles were being packed."""

    def __init__(self, slug: str) -> None:
        super().__init__(
            f"Lớp “{slug}” vừa được công bố hoặc chưa làm mới ô bản đồ. Chạy diaban tiles refresh rồi làm lại.",
            f'Layer "{slug}" was just published, or its tiles are behind. Run diaban tiles refresh, then again.',
            parameter="layers",
        )


@dataclass(frozen=True, slots=True)
class Packing:
    """What to pack: WebMercatorQuad zooms, both included, and the area in EPSG:4326 (lon, lat)."""

    layers: tuple[Layer, ...]
    min_zoom: int
    max_zoom: int
    bbox: Box


@dataclass(frozen=True, slots=True)
class Packed:
    """What a file holds."""

    tiles: int
    bytes: int
    revisions: dict[str, int]


def plan_packing(
    layers: Sequence[Layer], *, min_zoom: int | None = None, max_zoom: int | None = None, bbox: Box | None = None
) -> Packing:
    """Fills in what was not asked for: the layers' own zooms and extents.

    Raises:
        LayerHasNoTiles: A layer offers no tiles.
        NothingToPack: The layers are empty, or the zooms are the wrong way round.
    """
    for layer in layers:
        if layer.definition.tiles is None:
            raise LayerHasNoTiles(layer.slug)
    extents = [layer.extent for layer in layers if layer.extent is not None]
    low = min(first_zoom(layer.definition) for layer in layers) if min_zoom is None else min_zoom
    high = max(layer.definition.tiles.max_zoom for layer in layers if layer.definition.tiles)
    high = high if max_zoom is None else max_zoom
    if not extents or not 0 <= low <= high <= MAX_ZOOM:
        raise NothingToPack
    whole = (
        min(box[0] for box in extents),
        min(box[1] for box in extents),
        max(box[2] for box in extents),
        max(box[3] for box in extents),
    )
    return Packing(tuple(layers), low, high, bbox or whole)


async def write_archive(
    gate: Gate, statements: Statements, scope: Scope, packing: Packing, path: Path, *, tell: Callable[[int], None]
) -> Packed:
    """Writes a PMTiles 3 file of one state of the layers.

    Public layers are read in one snapshot. For others every tile must be of the same revision. The file
    appears whole or not at all.

    Args:
        gate: Where tiles are read.
        statements: Compiled statements.
        scope: What the file may show; whoever holds the file sees it.
        packing: Layers, zooms and area.
        path: The file to be written.
        tell: Receives the number of tiles made so far.

    Raises:
        ChangedMeanwhile: A layer changed while it was read.
        NothingToPack: No tile holds anything.
    """
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as file, _writer(file) as writer:
            packed = await _write(gate, statements, scope, packing, writer, tell)
            file.flush()
            os.fsync(file.fileno())
        size = part.stat().st_size
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return Packed(packed.tiles, size, packed.revisions)


@contextmanager
def _writer(file: BinaryIO) -> Iterator[Any]:
    writer = Writer(file)  # type: ignore[no-untyped-call]
    try:
        yield writer
    finally:
        # Only a file that is finished closes its store of tiles.
        writer.tile_f.close()


async def _write(
    gate: Gate, statements: Statements, scope: Scope, packing: Packing, writer: Any, tell: Callable[[int], None]
) -> Packed:
    count = 0
    revisions: dict[str, int] = {}
    async with _snapshot(gate, scope) as connection:
        level = [TileAddress(0, 0, 0)]
        for zoom in range(packing.max_zoom + 1):
            kept = []
            # The ids of PMTiles go zoom by zoom along a Hilbert curve; in their order a reader asks for few ranges.
            for address in sorted(level, key=lambda item: zxy_to_tileid(item.z, item.x, item.y)):
                if not await _holds_anything(connection, statements, packing.layers, address):
                    continue
                kept.append(address)
                if zoom < packing.min_zoom:
                    continue
                body = await _body(connection, statements, packing.layers, address, revisions)
                if body:
                    writer.write_tile(zxy_to_tileid(address.z, address.x, address.y), body)
                    count += 1
                    tell(count)
            level = [child for address in kept for child in _children(address) if _meets(child, packing.bbox)]
    if count == 0:
        raise NothingToPack
    writer.finalize(_header(packing), _metadata(packing, revisions))
    return Packed(count, 0, revisions)


@asynccontextmanager
async def _snapshot(gate: Gate, scope: Scope) -> AsyncIterator[Connection[Record]]:
    async with gate.read(scope) as connection:
        if not scope.is_public:
            yield connection
            return
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            await connection.execute("SET LOCAL statement_timeout = '60s'")
            yield connection


async def _holds_anything(
    connection: Connection[Record], statements: Statements, layers: Sequence[Layer], address: TileAddress
) -> bool:
    for layer in layers:
        statement = statements.get(layer, "tile holds anything", partial(_near_exists, layer))
        values = tile_parameters(address, cell_level(address.web_zoom))
        if await connection.fetchval(statement.text, *statement.args(values)):
            return True
    return False


def _near_exists(layer: Layer, _target: Target) -> Rows:
    table = feature_table(layer.definition)
    return select(exists().where(table.c.tile_geom.op("&&")(near_box())))


async def _body(
    connection: Connection[Record],
    statements: Statements,
    layers: Sequence[Layer],
    address: TileAddress,
    revisions: dict[str, int],
) -> bytes:
    filled = []
    values = tile_parameters(address, cell_level(address.web_zoom))
    for layer in layers:
        if address.z < first_zoom(layer.definition):
            continue
        statement = statements.get(
            layer,
            ("tile", address.matrix.id, address.z),
            partial(tile_statement, layer=layer, matrix=address.matrix, z=address.z),
        )
        row = await connection.fetchrow(statement.text, *statement.args(values))
        if row["shown"] is not None or revisions.setdefault(layer.slug, row["revision"]) != row["revision"]:
            raise ChangedMeanwhile(layer.slug)
        if row["body"]:
            filled.append(CachedTile(row["body"], row["version"], row["revision"]))
    return gzip_joined(filled) if filled else b""


def _children(address: TileAddress) -> list[TileAddress]:
    z, x, y = address.z + 1, 2 * address.x, 2 * address.y
    return [TileAddress(z, x + dx, y + dy) for dy in (0, 1) for dx in (0, 1)]


def _meets(address: TileAddress, box: Box) -> bool:
    west, south, east, north = WEB_MERCATOR.lonlat_bounds(address.bounds)
    return west <= box[2] and east >= box[0] and south <= box[3] and north >= box[1]


def _header(packing: Packing) -> dict[str, Any]:
    west, south, east, north = packing.bbox
    return {
        "tile_type": TileType.MVT,
        "tile_compression": Compression.GZIP,
        "min_lon_e7": int(west * _E7),
        "min_lat_e7": int(south * _E7),
        "max_lon_e7": int(east * _E7),
        "max_lat_e7": int(north * _E7),
        "center_zoom": packing.min_zoom,
        "center_lon_e7": int((west + east) / 2 * _E7),
        "center_lat_e7": int((south + north) / 2 * _E7),
    }


def _metadata(packing: Packing, revisions: dict[str, int]) -> dict[str, Any]:
    """What viewers read (PMTiles 3, 5): TileJSON's layers, and of which revisions they are."""
    document = json.loads(tilejson(packing.layers, "", ""))
    kept = {name: document[name] for name in ("name", "description", "vector_layers", "synthetic")}
    return kept | {
        "type": "overlay",
        "format": "pbf",
        "generator": "Địa Bàn",
        "diaban:revisions": revisions,
        "attribution": "; ".join(dict.fromkeys(layer.definition.steward for layer in packing.layers)),
    }
