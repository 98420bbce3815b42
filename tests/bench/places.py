"""Places to ask about: parcels drawn once, the same in every database, since the larger ones hold the smallest."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

import psycopg

from app.database import Database

SEED = 2026
EVERY = 1_499
EARTH_M = 6_371_008.8


@dataclass(frozen=True, slots=True)
class Place:
    """A parcel: its id, its commune and a point in it (EPSG:4326)."""

    fid: int
    commune: str
    lon: float
    lat: float

    def box(self, half_m: float) -> tuple[float, float, float, float]:
        """A box of so many metres to each side: west, south, east, north."""
        height = math.degrees(half_m / EARTH_M)
        width = height / math.cos(math.radians(self.lat))
        return self.lon - width, self.lat - height, self.lon + width, self.lat + height

    def tile(self, z: int) -> tuple[int, int, int]:
        """The WebMercatorQuad tile that holds the point: zoom, column, row."""
        count = 1 << z
        angle = math.radians(self.lat)
        row = (1 - math.asinh(math.tan(angle)) / math.pi) / 2 * count
        return z, int((self.lon + 180) / 360 * count), int(row)


def draw_places(database: Database) -> list[Place]:
    """Some two hundred parcels of the first province, shuffled in the same way in every run."""
    statement = """
        SELECT fid, unit_code, ST_X(inside), ST_Y(inside)
        FROM (SELECT fid, unit_code, ST_PointOnSurface(geom) AS inside FROM features.parcels
              WHERE mod(fid, %s) = 0 ORDER BY fid LIMIT 200) AS drawn
    """
    with psycopg.connect(database.superuser_dsn) as connection:
        places = [Place(*row) for row in connection.execute(statement, (EVERY,))]
    random.Random(SEED).shuffle(places)  # noqa: S311 - an order, no secret
    return places
