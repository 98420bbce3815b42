"""Compares staged rows with the current revision and moves features, history and private values."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    MetaData,
    Subquery,
    Table,
    Text,
    and_,
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
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.schema import CreateTable

from layers.ddl import sequence_name
from layers.definition import Definition
from layers.errors import RowsRefused
from layers.staging import stage_table
from layers.tables import (
    common_columns,
    feature_table,
    field_columns,
    history_table,
    private_table,
    rows_at_revision,
)

MAX_NAMED_ROWS = 20


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


def match_rows(connection: Connection, definition: Definition, *, append: bool) -> None:
    """Gives staged rows the fid of the feature with the same business key.

    Raises:
        RowsRefused: Rows repeat a key, or with ``append`` name a feature that exists.
    """
    stage, features = stage_table(definition), feature_table(definition)
    if definition.key_ordinals:
        _number_repeats(connection, definition)
    _refuse_repeats(connection, definition)
    same = [stage.c[name] == features.c[name] for name in ("province_code", *definition.key, "key_ordinal")]
    matched = connection.execute(
        update(stage).values(fid=features.c.fid).where(stage.c.fid.is_(None), *same).returning(stage.c.row_no)
    )
    rows = [int(row[0]) for row in matched.fetchmany(MAX_NAMED_ROWS)]
    if append and rows:
        raise RowsRefused(
            definition.slug,
            f"các dòng {rows} trùng khóa với đối tượng đã có; hãy dùng chế độ cập nhật.",
            f"rows {rows} name features that exist already; use mode upsert.",
            rows=tuple(rows),
        )


def _number_repeats(connection: Connection, definition: Definition) -> None:
    stage = stage_table(definition)
    key = [stage.c.province_code, *(stage.c[name] for name in definition.key)]
    ordinal = (func.row_number().over(partition_by=key, order_by=stage.c.row_no) - 1).label("ordinal")
    numbered = select(stage.c.row_no, ordinal).subquery()
    connection.execute(
        update(stage)
        .values(key_ordinal=numbered.c.ordinal)
        .where(stage.c.row_no == numbered.c.row_no, numbered.c.ordinal > 0)
    )


def _refuse_repeats(connection: Connection, definition: Definition) -> None:
    stage = stage_table(definition)
    key = [stage.c[name] for name in ("province_code", *definition.key, "key_ordinal")]
    repeated = select(func.min(stage.c.row_no)).group_by(*key).having(func.count() > 1).limit(MAX_NAMED_ROWS)
    rows = tuple(connection.execute(repeated).scalars())
    if rows:
        listed = ", ".join(definition.key)
        raise RowsRefused(
            definition.slug,
            f"khóa ({listed}) bị lặp lại, bắt đầu ở các dòng {list(rows)}; mỗi khóa chỉ được có một dòng.",
            f"the key ({listed}) is repeated, first at rows {list(rows)}; keep one row for each key.",
            rows=rows,
        )


def restore_rows(connection: Connection, definition: Definition, revision: int) -> None:
    """Stages the layer as it stood after ``revision``, each row with its own fid."""
    stage = stage_table(definition)
    connection.execute(CreateTable(stage))
    then = rows_at_revision(definition).params(revision=revision).subquery()
    names = [name for name in common_columns(definition) if name != "from_revision"]
    listed = [then.c[name] for name in names]
    connection.execute(insert(stage).from_select(["row_no", *names], select(then.c.fid, *listed)))
    private = private_table(definition)
    if private is None:
        return
    kept = _latest_private(private, revision)
    values = {field.name: kept.c[field.name] for field in definition.personal_fields}
    connection.execute(update(stage).values(values).where(stage.c.fid == kept.c.fid))


def _latest_private(private: Table, revision: int | None = None) -> Subquery:
    statement = select(private).ext(distinct_on(private.c.fid)).order_by(private.c.fid, private.c.revision.desc())
    if revision is not None:
        statement = statement.where(private.c.revision <= revision)
    return statement.subquery("latest_private")


def classify_rows(connection: Connection, definition: Definition, *, replace: bool) -> Delta:
    """Marks each staged row as insert, update or same, and lists the fids whose current row ends.

    Args:
        connection: The transaction that holds ``stage``.
        definition: The layer.
        replace: Whether current features that no staged row names are deleted.
    """
    stage, features, closed = stage_table(definition), feature_table(definition), closed_table()
    connection.execute(CreateTable(closed))
    connection.execute(
        update(stage)
        .values(op=case((_differs(definition), "update"), else_="same"))
        .where(stage.c.fid == features.c.fid)
    )
    private = private_table(definition)
    if private is not None:
        _mark_private_changes(connection, definition, private)
    next_fid = func.nextval(literal(sequence_name(definition), Text))
    connection.execute(
        update(stage).values(op="insert", fid=func.coalesce(stage.c.fid, next_fid)).where(stage.c.op.is_(None))
    )
    connection.execute(
        insert(closed).from_select(["fid", "op"], select(stage.c.fid, stage.c.op).where(stage.c.op == "update"))
    )
    if replace:
        absent = ~exists().where(stage.c.fid == features.c.fid)
        gone = select(features.c.fid, literal("delete")).where(absent)
        connection.execute(insert(closed).from_select(["fid", "op"], gone))
    grouped = connection.execute(select(stage.c.op, func.count()).group_by(stage.c.op))
    counts: dict[str | None, int] = {row[0]: row[1] for row in grouped}
    deleted = connection.execute(select(func.count()).where(closed.c.op == "delete")).scalar_one()
    connection.execute(text("ANALYZE stage"))
    return Delta(counts.get("insert", 0), counts.get("update", 0), deleted)


def _differs(definition: Definition) -> ColumnElement[bool]:
    stage, features = stage_table(definition), feature_table(definition)
    names = [column.name for column in field_columns(definition)] + ["province_code", "unit_code"]
    pairs = [stage.c[name].is_distinct_from(features.c[name]) for name in names]
    if definition.geometry is not None:
        left, right = (func.ST_AsBinary(table.c.geom) for table in (stage, features))
        pairs.append(left.is_distinct_from(right))
    return or_(*pairs)


def _mark_private_changes(connection: Connection, definition: Definition, private: Table) -> None:
    stage, kept = stage_table(definition), _latest_private(private)
    names = [field.name for field in definition.personal_fields]
    differs = or_(*(stage.c[name].is_distinct_from(kept.c[name]) for name in names))
    connection.execute(
        update(stage).values(op="update").where(stage.c.op == "same", stage.c.fid == kept.c.fid, differs)
    )
    unknown = ~exists().where(kept.c.fid == stage.c.fid)
    filled = or_(*(stage.c[name].is_not(None) for name in names))
    connection.execute(update(stage).values(op="update").where(stage.c.op == "same", unknown, filled))


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
    private = private_table(definition)
    if private is not None:
        personal = [field.name for field in definition.personal_fields]
        kept = or_(*(stage.c[name].is_not(None) for name in personal), stage.c.op == "update")
        source = select(stage.c.fid, literal(revision, BigInteger), *(stage.c[name] for name in personal))
        connection.execute(
            insert(private).from_select(["fid", "revision", *personal], source.where(and_(stage.c.op != "same", kept)))
        )


def _staged(definition: Definition, stage: Table, name: str) -> ColumnElement[object]:
    if name == "geom":
        return cast(stage.c.geom, feature_table(definition).c.geom.type)
    return stage.c[name]
