"""Tables that tile statements read besides the features: changed cells and the companions of low zooms."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Integer, MetaData, Table, Text

from layers.tables import TILE_SRID, StoredGeometry

FINEST_LEVEL: Final = 17
COARSEST_LEVEL: Final = 12
# Cells a side of a tile, as a power of two: 64, so 8 pixels each.
CELL_SHIFT: Final = 6
SHAPE_LEVELS: Final = (3, 5, 7, 9)
"""Zooms for which shapes are simplified; a tile reads the first that is not above its own."""

_META: Final = MetaData()
CHANGED: Final = Table(
    "changed_cells",
    _META,
    Column("slug", Text),
    Column("x", Integer),
    Column("y", Integer),
    Column("revision", BigInteger),
    schema="catalogue",
)
COMPANIONS: Final = Table(
    "companions",
    _META,
    Column("slug", Text, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("class_field", Text, nullable=False),
    schema="tiles",
)
CELLS: Final = Table(
    "cells",
    _META,
    Column("slug", Text),
    Column("level", Integer),
    Column("x", Integer),
    Column("y", Integer),
    Column("feature_count", BigInteger),
    Column("main_class", Text),
    schema="tiles",
)
SHAPES: Final = Table(
    "shapes",
    _META,
    Column("slug", Text),
    Column("level", Integer),
    Column("fid", BigInteger),
    Column("x", Integer),
    Column("y", Integer),
    Column("geom", StoredGeometry.of("GEOMETRY", TILE_SRID)),
    schema="tiles",
)


def shape_level(z: int) -> int:
    """The level of shapes that a tile of this zoom reads."""
    return next(level for level in SHAPE_LEVELS if level >= z)
