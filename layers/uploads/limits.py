"""Which staged rows and which features an upload of one unit may touch; the others are set aside with a reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    MetaData,
    Select,
    Table,
    Text,
    any_,
    column,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    table,
    text,
)
from sqlalchemy.schema import CreateTable

from layers.definition import Definition, GeometryType
from layers.staging import stage_table
from layers.tables import STORAGE_SRID, StoredGeometry, feature_table

# A feature belongs to the commune with its largest share. A larger part than this in another commune makes it that
# commune's business too; boundaries drawn at another scale make smaller ones.
FOREIGN_SHARE: Final = {GeometryType.MULTIPOLYGON: 0.25, GeometryType.MULTILINESTRING: 0.05}

ASIDE: Final = Table(
    "aside",
    MetaData(),
    Column("row_no", BigInteger, nullable=False),
    Column("fid", BigInteger),
    Column("reason", Text, nullable=False),
    Column("unit_code", Text),
    prefixes=["TEMPORARY"],
    postgresql_on_commit="DROP",
)
_COMMUNES: Final = table(
    "communes",
    column("code", Text),
    column("parent_code", Text),
    column("geom", StoredGeometry.of("MULTIPOLYGON", STORAGE_SRID)),
    schema="features",
).alias("commune")
_NOT_THERE = """
INSERT INTO aside (row_no, fid, reason, unit_code)
SELECT s.row_no, s.fid, 'misplaced', s.unit_code
FROM stage s JOIN features.communes c ON c.code = s.unit_code
WHERE s.geom IS NOT NULL AND NOT ST_DWithin(c.geom, s.geom, 0.005)
"""


@dataclass(frozen=True, slots=True)
class SetAside:
    """A row that was not let through.

    Attributes:
        reason: ``unit`` (lies in another unit), ``owner`` (its feature is another unit's), ``shared`` (a large part
            lies in another commune), ``misplaced`` (says one commune and lies in another), ``exists`` (append only).
        unit_code: The other unit.
    """

    row: int
    reason: str
    unit_code: str | None


def of_unit(rows: Table, unit_code: str) -> ColumnElement[bool]:
    """Whether a row is of a commune (5 digits) or province (2 digits)."""
    return rows.c.province_code == unit_code if len(unit_code) == 2 else rows.c.unit_code == unit_code


def set_strangers_aside(connection: Connection, definition: Definition, unit_code: str | None) -> None:
    """Takes the rows out of the stage that a sender of this unit may not bring.

    Args:
        connection: The transaction that holds ``stage``, with units assigned and rows matched.
        definition: The layer.
        unit_code: Commune or province; None lets every row through.
    """
    connection.execute(CreateTable(ASIDE))
    if unit_code is None:
        return
    stage, features = stage_table(definition), feature_table(definition)
    foreign = select(stage.c.row_no, stage.c.fid, literal("unit"), stage.c.unit_code)
    _set_aside(connection, foreign.where(~of_unit(stage, unit_code)))
    owned = select(stage.c.row_no, stage.c.fid, literal("owner"), features.c.unit_code)
    _set_aside(connection, owned.where(stage.c.fid == features.c.fid, ~of_unit(features, unit_code)))
    if definition.geometry in FOREIGN_SHARE:
        shared = select(stage.c.row_no, stage.c.fid, literal("shared"), func.min(_COMMUNES.c.code))
        shared = shared.where(func.cardinality(stage.c.unit_codes) > 1, *_is_elsewhere(definition, stage, unit_code))
        _set_aside(connection, shared.group_by(stage.c.row_no, stage.c.fid))
    if definition.geometry is not None and definition.unit_field is not None:
        connection.execute(text(_NOT_THERE))
    _drop_rows(connection, definition)


def set_existing_aside(connection: Connection, definition: Definition) -> None:
    """Takes out of the stage, marked already, the rows that would change a feature instead of adding one."""
    stage = stage_table(definition)
    changed = select(stage.c.row_no, stage.c.fid, literal("exists"), stage.c.unit_code).where(stage.c.op == "update")
    _set_aside(connection, changed)
    _drop_rows(connection, definition)


def list_aside(connection: Connection, limit: int) -> tuple[int, list[SetAside]]:
    """How many rows were set aside, and the first of them with one reason each."""
    count = connection.execute(select(func.count(ASIDE.c.row_no.distinct()))).scalar_one()
    rows = connection.execute(
        select(ASIDE.c.row_no, func.min(ASIDE.c.reason), func.min(ASIDE.c.unit_code))
        .group_by(ASIDE.c.row_no)
        .order_by(ASIDE.c.row_no)
        .limit(limit)
    )
    return int(count), [SetAside(int(row[0]), row[1], row[2]) for row in rows]


def replaceable(definition: Definition, unit_code: str | None) -> list[ColumnElement[bool]]:
    """Conditions on the features that a replacement of this unit may delete.

    A feature whose row was set aside stays, and so does one with a large part in another commune.
    """
    features = feature_table(definition)
    named = select(ASIDE.c.fid).where(ASIDE.c.fid.is_not(None))
    conditions: list[ColumnElement[bool]] = [features.c.fid.not_in(named)]
    if unit_code is None:
        return conditions
    conditions.append(of_unit(features, unit_code))
    if definition.geometry in FOREIGN_SHARE:
        elsewhere = exists().where(*_is_elsewhere(definition, features, unit_code)).correlate(features)
        conditions.append(or_(func.cardinality(features.c.unit_codes) == 1, ~elsewhere))
    return conditions


def _is_elsewhere(definition: Definition, rows: Table, unit_code: str) -> list[ColumnElement[bool]]:
    """Conditions under which a commune besides the unit holds a large part of a row."""
    assert definition.geometry is not None  # noqa: S101 - asked of lines and polygons only
    measure = func.ST_Area if definition.geometry is GeometryType.MULTIPOLYGON else func.ST_Length
    common = measure(func.ST_Intersection(rows.c.geom, _COMMUNES.c.geom))
    share = common / func.nullif(measure(rows.c.geom), 0)
    other = _COMMUNES.c.parent_code != unit_code if len(unit_code) == 2 else _COMMUNES.c.code != unit_code
    return [_COMMUNES.c.code == any_(rows.c.unit_codes), other, share > FOREIGN_SHARE[definition.geometry]]


def _set_aside(connection: Connection, rows: Select[tuple[int, int | None, str, str]]) -> None:
    connection.execute(insert(ASIDE).from_select(["row_no", "fid", "reason", "unit_code"], rows))


def _drop_rows(connection: Connection, definition: Definition) -> None:
    stage = stage_table(definition)
    connection.execute(delete(stage).where(stage.c.row_no.in_(select(ASIDE.c.row_no))))
