"""Keeps the companions of low zooms: counts by cell and simplified shapes, remade for what changed only."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Integer,
    MetaData,
    Row,
    Table,
    delete,
    exists,
    func,
    insert,
    literal,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.schema import CreateTable, CreateTableAs

from layers.definition import Definition
from layers.definition_json import from_json
from layers.errors import LayerNotFound
from tiles.address import CELL_ZOOM
from tiles.content import class_key, has_cells, has_shapes
from tiles.frame import constant
from tiles.overview import finest_counts, in_cells, rolled_up
from tiles.shapes import make_shapes
from tiles.tables import CELLS, CHANGED, COARSEST_LEVEL, COMPANIONS, FINEST_LEVEL, SHAPES

_NEVER = -1
_STALE = """
SELECT layers.slug, layers.definition, companions.slug IS NOT NULL AS kept
FROM catalogue.layers LEFT JOIN tiles.companions ON companions.slug = layers.slug
WHERE companions.revision IS DISTINCT FROM layers.revision ORDER BY layers.feature_count, layers.slug
"""
_LAYER = "SELECT definition, revision FROM catalogue.layers WHERE slug = :slug"
DIRTY = Table(
    "dirty_cells",
    MetaData(),
    Column("x", Integer, nullable=False),
    Column("y", Integer, nullable=False),
    prefixes=["TEMPORARY"],
    postgresql_on_commit="DROP",
)


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What a refresh did.

    Attributes:
        cells: Zoom-12 cells that were made anew; None where the whole layer was.
    """

    slug: str
    revision: int
    cells: int | None


def stale_layers(connection: Connection) -> list[str]:
    """Slugs of the layers whose companions are older than the layer or have no business to be, the small first."""
    rows = connection.execute(text(_STALE)).all()
    return [row.slug for row in rows if row.kept or _has_companions(from_json(row.definition))]


def _has_companions(definition: Definition) -> bool:
    return has_cells(definition) or has_shapes(definition)


def refresh_companions(connection: Connection, slug: str) -> Refreshed | None:
    """Brings a layer's companions to its newest revision; None where there was nothing to do.

    Costs time in the features of the zoom-12 cells that changed, except that polygons of a boundary layer are
    simplified together. Doing it twice, or in two processes at once, does no harm.

    Args:
        connection: Owner or writer, inside a transaction; in the transaction of a publication the companions are
            never behind.
        slug: The layer.

    Raises:
        LayerNotFound: There is no such layer.
    """
    row = connection.execute(text(_LAYER), {"slug": slug}).one_or_none()
    if row is None:
        raise LayerNotFound(slug)
    definition, revision = from_json(row.definition), int(row.revision)
    if not _has_companions(definition):
        _forget(connection, slug)
        return None
    classes = class_key(definition)
    known = _lock(connection, slug, classes)
    if known.revision == revision and known.class_field == classes:
        return None
    whole = known.revision == _NEVER or known.class_field != classes
    count = _find_dirty(connection, slug, int(known.revision))
    whole = whole or count is None
    if has_cells(definition):
        _remake_cells(connection, definition, whole=whole)
    if has_shapes(definition):
        make_shapes(connection, definition, None if whole else DIRTY)
    connection.execute(text("DROP TABLE dirty_cells"))
    connection.execute(
        update(COMPANIONS).where(COMPANIONS.c.slug == slug).values(revision=revision, class_field=classes)
    )
    return Refreshed(slug, revision, None if whole else count)


def _lock(connection: Connection, slug: str, classes: str) -> Row[tuple[object, ...]]:
    """The companion's state; whoever else would refresh the layer waits until this transaction ends."""
    new = upsert(COMPANIONS).values(slug=slug, revision=_NEVER, class_field=classes)
    connection.execute(new.on_conflict_do_nothing())
    return connection.execute(select(COMPANIONS).where(COMPANIONS.c.slug == slug).with_for_update()).one()


def _forget(connection: Connection, slug: str) -> None:
    for table in (CELLS, SHAPES, COMPANIONS):
        connection.execute(delete(table).where(table.c.slug == slug))


def _find_dirty(connection: Connection, slug: str, revision: int) -> int | None:
    """Lists the zoom-12 cells that changed since a revision; None where one change counts for all of them."""
    connection.execute(CreateTable(DIRTY))
    changed = select(CHANGED.c.x, CHANGED.c.y).where(CHANGED.c.slug == slug, CHANGED.c.revision > revision)
    connection.execute(insert(DIRTY).from_select(["x", "y"], changed))
    connection.execute(text("ANALYZE dirty_cells"))
    count, lowest = connection.execute(select(func.count(), func.min(DIRTY.c.x))).one()
    return None if lowest is not None and lowest < 0 else int(count)


def _remake_cells(connection: Connection, definition: Definition, *, whole: bool) -> None:
    slug = definition.slug
    finest = finest_counts(definition)
    if whole:
        connection.execute(delete(CELLS).where(CELLS.c.slug == slug))
    else:
        finest = finest.where(in_cells(definition, DIRTY))
        for level in range(COARSEST_LEVEL, FINEST_LEVEL + 1):
            connection.execute(delete(CELLS).where(CELLS.c.slug == slug, CELLS.c.level == level, _within(level)))
    made = CreateTableAs(finest, "finest_cells", temporary=True)
    connection.execute(made)
    for level in range(COARSEST_LEVEL, FINEST_LEVEL + 1):
        cells = rolled_up(made.table, level).subquery("rolled")
        names = ["slug", "level", "x", "y", "feature_count", "main_class"]
        connection.execute(
            insert(CELLS).from_select(names, select(literal(slug), *(cells.c[name] for name in names[1:])))
        )
    connection.execute(text("DROP TABLE finest_cells"))


def _within(level: int) -> ColumnElement[bool]:
    shift = constant(level - CELL_ZOOM)
    return exists().where(DIRTY.c.x == CELLS.c.x.op(">>")(shift), DIRTY.c.y == CELLS.c.y.op(">>")(shift))
