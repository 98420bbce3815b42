"""Helpers of the tile tests: tiles over an area, decoded, and the table that they are held against."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import mapbox_vector_tile
import psycopg

from app.database import Database, open_gate
from app.settings import Settings
from app.watcher import CatalogueWatcher
from layers.access import Scope
from layers.catalogue import Catalogue
from layers.reader import Statements
from tests.conftest import Service
from tiles.address import TileAddress
from tiles.cache import TileCache
from tiles.matrix import WEB_MERCATOR, MatrixSet
from tiles.service import TileAnswer, TileService

Box = tuple[float, float, float, float]


def middle(db: psycopg.Connection, table: str) -> tuple[float, float]:
    """A point inside the feature in the middle of a layer."""
    return db.execute(
        f"SELECT ST_X(p), ST_Y(p) FROM (SELECT ST_PointOnSurface(geom) p FROM features.{table}"
        f" ORDER BY geom <-> (SELECT ST_Centroid(ST_Extent(geom))::geometry(Point, 4326) FROM features.{table}), fid"
        " LIMIT 1) q"
    ).fetchone()


def extent(db: psycopg.Connection, table: str) -> Box:
    """Bounds of a layer in EPSG:4326."""
    return db.execute(
        f"SELECT ST_XMin(e), ST_YMin(e), ST_XMax(e), ST_YMax(e) FROM (SELECT ST_Extent(geom) e FROM features.{table}) q"
    ).fetchone()


def addresses(box: Box, z: int, matrix: MatrixSet = WEB_MERCATOR) -> Iterator[TileAddress]:
    """The tiles that meet a box of EPSG:4326."""
    x0, x1, y0, y1 = matrix.matrix_range(matrix.from_lonlat(box), z=z)
    for y in range(y0, y1 + 1):
        for x in range(x0, x1 + 1):
            yield TileAddress.parse(z=z, x=x, y=y, matrix=matrix)


def around(point: tuple[float, float], z: int, reach: int, matrix: MatrixSet = WEB_MERCATOR) -> list[TileAddress]:
    """The square of tiles within ``reach`` of the one that holds a point."""
    middle_tile = next(addresses((*point, *point), z, matrix))
    steps = range(-reach, reach + 1)
    return [
        TileAddress.parse(z=z, x=middle_tile.x + i, y=middle_tile.y + j, matrix=matrix) for j in steps for i in steps
    ]


def read(service: Service, slug: str, address: TileAddress) -> dict:
    """The decoded tile, y downwards; without features an empty one."""
    if address.matrix is WEB_MERCATOR:
        path = f"/tiles/{slug}/{address.z}/{address.x}/{address.y}.pbf"
    else:
        path = f"/ogc/collections/{slug}/tiles/{address.matrix.id}/{address.z}/{address.y}/{address.x}"
    answer = service.client.get(path)
    assert answer.status_code in (200, 204, 404), answer.text
    if answer.status_code != 200:
        return {}
    return mapbox_vector_tile.decode(answer.content, default_options={"y_coord_down": True})


def to_crs(address: TileAddress, x: float, y: float) -> tuple[float, float]:
    """Tile coordinates (y down) in the CRS of the tile."""
    west, south, east, north = address.bounds
    return west + x / 4096 * (east - west), north - y / 4096 * (north - south)


@asynccontextmanager
async def tile_service(database: Database, **settings: object) -> AsyncIterator[tuple[TileService, Catalogue]]:
    """A tile service and the catalogue as they are now, without HTTP in between."""
    watcher = CatalogueWatcher(database.dsn("diaban_watcher"))
    async with open_gate(database, Settings(**settings)) as gate, watcher.running():
        assert gate.tiles is not None
        yield TileService(gate.tiles, Statements(), TileCache(2**24)), watcher.catalogue


def make_tile(database: Database, slug: str, address: TileAddress) -> tuple[TileAnswer, dict]:
    """The tile as the service makes it, and decoded."""

    async def make() -> TileAnswer:
        async with tile_service(database) as (service, catalogue):
            return await service.tile([catalogue.layers[slug]], address, Scope.public(), gzipped=False)

    answer = asyncio.run(make())
    return answer, mapbox_vector_tile.decode(answer.body, default_options={"y_coord_down": True})
