"""Compares staged rows with the current revision and moves features, history and private values."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    MetaData,
    Table,
    Text,
    case,
    cast,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.schema import CreateTable

from layers.ddl import sequence_name
from layers.definition import Definition
from layers.personal.sealing import mark_personal_changes, restore_sealed, write_personal
from layers.staging import stage_table
from layers.tables import (
    common_columns,
    feature_table,
    field_columns,
    has_unit_codes,
    history_table,
    rows_at_revision,
)


@dataclass(frozen=True, slots=True)
class Delta:
    """Numbers of features that a publication inserts, updates and deletes."""

    inserted: int
    updated: int
    deleted: int

    @property
    def changed(self) -> int:
        """Features that differ from the revision before."""
        return self.inserted + self.updated + self.deleted


@lru_cache(maxsize=1)
def closed_table() -> Table:
    """The temporary table of fids whose current row ends with this revision."""
    fid = Column("fid", BigInteger, primary_key=True)
    op = Column("op", Text, nullable=False)
    return Table("closed", MetaData(), fid, op, prefixes=["TEMPORARY"], postgresql_on_commit="DROP")


def restore_rows(connection: Connection, definition: Definition, revision: int) -> None:
    """Stages the layer as it stood after ``revision``, each row with its own fid."""
    stage = stage_table(definition)
    connection.execute(CreateTable(stage))
    then = rows_at_revision(definition).params(revision=revision).subquery()
    names = [name for name in common_columns(definition) if name != "from_revision"]
    listed = [then.c[name] for name in names]
    connection.execute(insert(stage).from_select(["row_no", *names], select(then.c.fid, *listed)))
    restore_sealed(connection, definition, revision)


def classify_rows(
    connection: Connection,
    definition: Definition,
    *,
    replace: bool,
    deleted: Collection[int] = (),
    among: Sequence[ColumnElement[bool]] = (),
) -> Delta:
    """Marks each staged row as insert, update or same, and lists the fids whose current row ends.

    Args:
        connection: The transaction that holds ``stage``.
        definition: The layer.
        replace: Whether current features that no staged row names are deleted.
        deleted: Fids of current features that are deleted besides.
        among: Conditions on the feature table; with ``replace`` only features that meet them are deleted.
    """
    mark_rows(connection, definition)
    give_fids(connection, definition)
    return close_rows(connection, definition, replace=replace, deleted=deleted, among=among)


def mark_rows(connection: Connection, definition: Definition) -> None:
    """Marks each staged row as insert, update or same; new features have no fid yet."""
    stage, features = stage_table(definition), feature_table(definition)
    connection.execute(
        update(stage)
        .values(op=case((_differs(definition), "update"), else_="same"))
        .where(stage.c.fid == features.c.fid)
    )
    mark_personal_changes(connection, definition)
    connection.execute(update(stage).values(op="insert").where(stage.c.op.is_(None)))


def close_rows(
    connection: Connection,
    definition: Definition,
    *,
    replace: bool,
    deleted: Collection[int] = (),
    among: Sequence[ColumnElement[bool]] = (),
) -> Delta:
    """Lists the fids whose current row ends, and counts what the marked rows come to.

    Args:
        connection: The transaction that holds ``stage``, marked by :func:`mark_rows`.
        definition: The layer.
        replace: Whether current features that no staged row names are deleted.
        deleted: Fids of current features that are deleted besides.
        among: Conditions on the feature table; with ``replace`` only features that meet them are deleted.
    """
    stage, features, closed = stage_table(definition), feature_table(definition), closed_table()
    connection.execute(CreateTable(closed))
    connection.execute(
        insert(closed).from_select(["fid", "op"], select(stage.c.fid, stage.c.op).where(stage.c.op == "update"))
    )
    if replace:
        absent = ~exists().where(stage.c.fid == features.c.fid)
        gone = select(features.c.fid, literal("delete")).where(absent, *among)
        connection.execute(insert(closed).from_select(["fid", "op"], gone))
    elif deleted:
        connection.execute(insert(closed), [{"fid": fid, "op": "delete"} for fid in sorted(deleted)])
    grouped = connection.execute(select(stage.c.op, func.count()).group_by(stage.c.op))
    counts: dict[str | None, int] = {row[0]: row[1] for row in grouped}
    gone_count = connection.execute(select(func.count()).where(closed.c.op == "delete")).scalar_one()
    connection.execute(text("ANALYZE stage"))
    connection.execute(text("ANALYZE closed"))
    return Delta(counts.get("insert", 0), counts.get("update", 0), gone_count)


def give_fids(connection: Connection, definition: Definition) -> None:
    """New features get rising fids in the order of their rows, so that paging follows the file."""
    stage = stage_table(definition)
    new = select(stage.c.row_no).where(stage.c.fid.is_(None)).order_by(stage.c.row_no).subquery("new")
    next_fid = func.nextval(literal(sequence_name(definition), Text)).label("fid")
    given = select(new.c.row_no, next_fid).subquery("given")
    connection.execute(update(stage).values(fid=given.c.fid).where(stage.c.row_no == given.c.row_no))


def _differs(definition: Definition) -> ColumnElement[bool]:
    stage, features = stage_table(definition), feature_table(definition)
    names = [column.name for column in field_columns(definition)] + ["province_code", "unit_code", "key_ordinal"]
    if has_unit_codes(definition):
        names.append("unit_codes")
    pairs = [stage.c[name].is_distinct_from(features.c[name]) for name in names]
    if definition.geometry is not None:
        left, right = (func.ST_AsBinary(table.c.geom) for table in (stage, features))
        pairs.append(left.is_distinct_from(right))
    return or_(*pairs)


def apply_delta(connection: Connection, definition: Definition, revision: int) -> None:
    """Moves closed rows to history and writes the new ones, all as of ``revision``."""
    features, history = feature_table(definition), history_table(definition)
    stage, closed = stage_table(definition), closed_table()
    names = list(common_columns(definition))
    ended = select(*(features.c[name] for name in names), literal(revision, BigInteger)).where(
        features.c.fid == closed.c.fid
    )
    connection.execute(insert(history).from_select([*names, "to_revision"], ended))
    connection.execute(delete(features).where(features.c.fid.in_(select(closed.c.fid))))
    # An updated feature is written anew under its fid: one statement for inserts and updates.
    written = [name for name in names if name != "from_revision"]
    values = [_staged(definition, stage, name) for name in written]
    rows = select(*values, literal(revision, BigInteger)).where(stage.c.op != "same").order_by(stage.c.fid)
    connection.execute(insert(features).from_select([*written, "from_revision"], rows))
    write_personal(connection, definition, revision)


def _staged(definition: Definition, stage: Table, name: str) -> ColumnElement[object]:
    if name == "geom":
        return cast(stage.c.geom, feature_table(definition).c.geom.type)
    return stage.c[name]
