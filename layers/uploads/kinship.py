"""Which new features come from which old ones where keys have changed: parcels renamed, split and merged."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    MetaData,
    Table,
    exists,
    false,
    func,
    insert,
    literal,
    or_,
    select,
    text,
    true,
)
from sqlalchemy.schema import CreateTable

from layers.definition import Definition, GeometryType
from layers.staging import stage_table
from layers.tables import STORAGE_SRID, StoredGeometry, feature_table
from spatial.sql import Rows

# A child lies in its parent, and the children together make up the parent, up to what surveys differ by.
WHOLE: Final = 0.8
SAME: Final = 0.9
NOISE: Final = 0.05
NEAR_DEGREES: Final = 1e-5  # about 1 m

_OLD_SHAPES: Final = Table(
    "old_shapes",
    MetaData(),
    Column("fid", BigInteger, nullable=False),
    Column("geom", StoredGeometry.of("GEOMETRY", STORAGE_SRID)),
    Column("is_gone", Boolean, nullable=False),
    prefixes=["TEMPORARY"],
    postgresql_on_commit="DROP",
)


class Kinship(StrEnum):
    """How new features come from old ones."""

    RENAMED = "renamed"
    SPLIT = "split"
    MERGED = "merged"


@dataclass(frozen=True, slots=True)
class Overlap:
    """A staged row and an old feature at the same place.

    Attributes:
        fid: Fid of the staged row where its key is known.
        old_fid: The old feature.
        is_gone: Whether the old feature ends with this upload.
        new_share: Part of the new shape that the old one covers.
        old_share: Part of the old shape that the new one covers.
    """

    row: int
    fid: int | None
    old_fid: int
    is_gone: bool
    new_share: float
    old_share: float


@dataclass(frozen=True, slots=True)
class Kin:
    """One old feature and one new row that belong together."""

    kind: Kinship
    row: int
    old_fid: int
    new_share: float
    old_share: float


def find_overlaps(
    connection: Connection, definition: Definition, *, gone: Sequence[ColumnElement[bool]] | None
) -> list[Overlap]:
    """Pairs of changed rows and changed or ending features at the same place.

    Costs time in the number of rows with a new key or another shape, and of features that end.

    Args:
        connection: The transaction that holds ``stage``, matched and settled.
        definition: The layer.
        gone: Conditions under which an unnamed feature ends; None where none does.
    """
    if definition.geometry is None:
        return []
    stage, features = stage_table(definition), feature_table(definition)
    moved = func.ST_AsBinary(stage.c.geom) != func.ST_AsBinary(features.c.geom)
    changed = select(features.c.fid, features.c.geom, false().label("is_gone")).where(
        stage.c.fid == features.c.fid, moved
    )
    sources = [changed]
    if gone is not None:
        absent = ~exists().where(stage.c.fid == features.c.fid)
        sources.append(select(features.c.fid, features.c.geom, true().label("is_gone")).where(absent, *gone))
    connection.execute(CreateTable(_OLD_SHAPES))
    for source in sources:
        connection.execute(insert(_OLD_SHAPES).from_select(["fid", "geom", "is_gone"], source))
    connection.execute(text("CREATE INDEX ON old_shapes USING gist (geom)"))
    connection.execute(text("ANALYZE old_shapes"))
    new = or_(stage.c.fid.is_(None), stage.c.fid.in_(select(_OLD_SHAPES.c.fid)))
    return [Overlap(*row) for row in connection.execute(_pairs(definition, new))]


def _pairs(definition: Definition, new: ColumnElement[bool]) -> Rows:
    stage, old = stage_table(definition), _OLD_SHAPES
    columns = [stage.c.row_no, stage.c.fid, old.c.fid, old.c.is_gone]
    order = (stage.c.row_no, old.c.fid)
    if definition.geometry is not GeometryType.MULTIPOLYGON:
        near = func.ST_Expand(stage.c.geom, NEAR_DEGREES).bool_op("&&")(old.c.geom)
        apart = func.ST_HausdorffDistance(stage.c.geom, old.c.geom)
        one = literal(1.0)
        return select(*columns, one, one).where(new, near, apart <= NEAR_DEGREES).order_by(*order)
    common = func.ST_Area(func.ST_Intersection(stage.c.geom, old.c.geom))
    touching = stage.c.geom.bool_op("&&")(old.c.geom)
    measured = (
        select(
            *(
                column.label(name)
                for column, name in zip(columns, ("row_no", "fid", "old_fid", "is_gone"), strict=True)
            ),
            (common / func.nullif(func.ST_Area(stage.c.geom), 0)).label("new_share"),
            (common / func.nullif(func.ST_Area(old.c.geom), 0)).label("old_share"),
        )
        .where(new, touching, func.ST_Intersects(stage.c.geom, old.c.geom))
        .subquery("measured")
    )
    large = func.greatest(measured.c.new_share, measured.c.old_share) > NOISE
    return select(measured).where(large).order_by(measured.c.row_no, measured.c.old_fid)


def relate(overlaps: Iterable[Overlap]) -> list[Kin]:
    """Tells renamed, split and merged features from pairs that overlap.

    Renamed: one old feature that ends and one new row that are each other's only match and nearly the same shape.
    Split: an old feature whose shape is made up of two or more rows that lie in it; the row that keeps its key counts.
    Merged: a row whose shape is made up of two or more old features that lie in it.
    """
    by_old: dict[int, list[Overlap]] = defaultdict(list)
    by_row: dict[int, list[Overlap]] = defaultdict(list)
    for pair in overlaps:
        by_old[pair.old_fid].append(pair)
        by_row[pair.row].append(pair)
    found = [kin for pairs in by_old.values() for kin in _split(pairs)]
    found += [kin for pairs in by_row.values() for kin in _merged(pairs)]
    taken_rows, taken_old = {kin.row for kin in found}, {kin.old_fid for kin in found}
    free = [p for pairs in by_row.values() for p in pairs if p.row not in taken_rows and p.old_fid not in taken_old]
    return [*found, *_renamed(free)]


def _split(pairs: Sequence[Overlap]) -> list[Kin]:
    children = [p for p in pairs if p.new_share >= WHOLE and (p.fid is None or p.fid == p.old_fid)]
    # A parent that goes on under its key must be among its children; one that only lost a strip has not been split.
    is_heir_missing = not pairs[0].is_gone and not any(p.fid == p.old_fid for p in children)
    if len(children) < 2 or is_heir_missing or sum(p.old_share for p in children) < WHOLE:
        return []
    return [Kin(Kinship.SPLIT, p.row, p.old_fid, p.new_share, p.old_share) for p in children]


def _merged(pairs: Sequence[Overlap]) -> list[Kin]:
    parents = [p for p in pairs if p.old_share >= WHOLE and (p.is_gone or p.fid == p.old_fid)]
    if len(parents) < 2 or sum(p.new_share for p in parents) < WHOLE:
        return []
    return [Kin(Kinship.MERGED, p.row, p.old_fid, p.new_share, p.old_share) for p in parents]


def _renamed(pairs: Sequence[Overlap]) -> list[Kin]:
    same = [p for p in pairs if p.is_gone and p.fid is None and min(p.new_share, p.old_share) >= SAME]
    rows: dict[int, int] = defaultdict(int)
    olds: dict[int, int] = defaultdict(int)
    for pair in same:
        rows[pair.row] += 1
        olds[pair.old_fid] += 1
    return [
        Kin(Kinship.RENAMED, p.row, p.old_fid, p.new_share, p.old_share)
        for p in same
        if rows[p.row] == 1 and olds[p.old_fid] == 1
    ]
