"""The feature store as plain Python: what current rows, history, counts, extent and cells should be."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field, replace

from tests.layers.ask_world import COMMUNES, SIZE, SOUTH, WEST, commune_code

ZOOM_CELLS = 4096


@dataclass(frozen=True)
class Place:
    """One state of a feature."""

    code: str
    berths: int | None
    owner: str | None
    x: float
    y: float

    @property
    def unit(self) -> str:
        column = math.floor((self.x - WEST) / SIZE * COMMUNES)
        row = math.floor((self.y - SOUTH) / SIZE * COMMUNES)
        inside = 0 <= column < COMMUNES and 0 <= row < COMMUNES
        return commune_code(column, row) if inside else "00000"

    @property
    def cell(self) -> tuple[int, int]:
        row = (1 - math.asinh(math.tan(math.radians(self.y))) / math.pi) / 2 * ZOOM_CELLS
        return math.floor((self.x + 180) / 360 * ZOOM_CELLS), math.floor(row)


def make_place(code: str, dice: random.Random) -> Place:
    """A place in the middle of a random square of a grid that reaches beyond the province."""
    x = WEST + SIZE / 32 * (dice.randrange(-3, 35) + 0.5)
    y = SOUTH + SIZE / 32 * (dice.randrange(-3, 35) + 0.5)
    return Place(code, dice.choice((None, 1, 2)), dice.choice((None, "Nguyễn Văn A", "Lê Thị B")), x, y)


@dataclass
class Model:
    """All revisions of a layer: each maps fids to states."""

    revisions: list[dict[int, Place]] = field(default_factory=lambda: [{}])
    cells: dict[tuple[int, int], int] = field(default_factory=dict)
    next_fid: int = 1
    changes: list[tuple[int, int, int]] = field(default_factory=list)

    @property
    def now(self) -> dict[int, Place]:
        return self.revisions[-1]

    def fid_of(self, code: str) -> int | None:
        return next((fid for fid, place in self.now.items() if place.code == code), None)

    def take(self) -> int:
        self.next_fid += 1
        return self.next_fid - 1

    def replace(self, rows: list[Place]) -> None:
        self._become({self._fid(place): place for place in rows})

    def upsert(self, rows: list[Place]) -> None:
        self._become({**self.now, **{self._fid(place): place for place in rows}})

    def revert(self, revision: int) -> None:
        self._become(dict(self.revisions[revision]))

    def edit(self, inserts: list[Place], updates: dict[int, Place], deletes: set[int]) -> None:
        kept = {fid: place for fid, place in self.now.items() if fid not in deletes}
        self._become({**kept, **updates, **{self.take(): place for place in inserts}})

    def _fid(self, place: Place) -> int:
        known = self.fid_of(place.code)
        return self.take() if known is None else known

    def _become(self, then: dict[int, Place]) -> None:
        before = self.now
        inserted = [fid for fid in then if fid not in before]
        deleted = [fid for fid in before if fid not in then]
        updated = [fid for fid in then if fid in before and then[fid] != before[fid]]
        if not inserted and not deleted and not updated:
            return
        self.revisions.append(dict(then))
        self.changes.append((len(inserted), len(updated), len(deleted)))
        touched = [then[fid] for fid in (*inserted, *updated)] + [before[fid] for fid in (*deleted, *updated)]
        self.cells.update({place.cell: len(self.revisions) - 1 for place in touched})

    @property
    def counts(self) -> dict[str, int]:
        units = [place.unit for place in self.now.values()]
        return {unit: units.count(unit) for unit in set(units)}

    @property
    def extent(self) -> list[float] | None:
        xs, ys = [p.x for p in self.now.values()], [p.y for p in self.now.values()]
        return [min(xs), min(ys), max(xs), max(ys)] if xs else None


def moved(place: Place, dice: random.Random, code: str | None = None) -> Place:
    """The same place with new values, perhaps under another code."""
    return replace(make_place(place.code, dice), code=code or place.code)
