"""A recorded walk of a map user: zooming in on towns, panning a screen, on to the next town; the same in every run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.bench.places import Place

ZOOMS = (12, 13, 14, 15, 16)
SCREEN = tuple((right, down) for down in (-1, 0, 1) for right in (-1, 0, 1))
TOWNS = 6


@dataclass(frozen=True, slots=True)
class Step(Place):
    """One tile that the map asks for."""

    z: int
    right: int
    down: int

    def address(self) -> tuple[int, int, int]:
        """Zoom, column and row of the tile."""
        z, x, y = self.tile(self.z)
        return z, x + self.right, y + self.down


def record_walk(places: Sequence[Place], zooms: Sequence[int] = ZOOMS) -> list[Step]:
    """The tiles of the walk, in order."""
    return [
        Step(place.fid, place.commune, place.lon, place.lat, z, right, down)
        for place in places[:TOWNS]
        for z in zooms
        for right, down in SCREEN
    ]
