"""Outlines of communes for a small drawing, simplified in the database."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

from sqlalchemy import Connection, text

_SQL: Final = text(files(__package__).joinpath("outlines.sql").read_text(encoding="utf-8"))
_SYNTHETIC: Final = text("SELECT synthetic FROM catalogue.layers WHERE slug = 'communes'")


@dataclass(frozen=True, slots=True)
class Outline:
    """One commune: its outline as the ``d`` of an SVG path and a point inside, in metres of EPSG:3857, y downwards."""

    code: str
    name: str
    path: str
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Territory:
    """The communes drawn, and the extent of all of them in metres of EPSG:3857, y upwards; None without any."""

    outlines: tuple[Outline, ...] = ()
    extent: tuple[float, float, float, float] | None = None
    is_synthetic: bool = False


def read_territory(connection: Connection, codes: Collection[str]) -> Territory:
    """The communes of every province that one of the units (communes or provinces) belongs to."""
    rows = connection.execute(_SQL, {"codes": sorted(codes)}).mappings().all()
    if not rows:
        return Territory()
    first = rows[0]
    return Territory(
        tuple(Outline(row["code"], row["name"], row["path"], row["x"], row["y"]) for row in rows),
        (first["west"], first["south"], first["east"], first["north"]),
        bool(connection.execute(_SYNTHETIC).scalar_one_or_none()),
    )
