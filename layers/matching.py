"""Tells which feature each staged row means, and refuses rows that mean none or the same."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, exists, func, select, union_all, update

from layers.definition import Definition
from layers.errors import RowsRefused
from layers.staging import stage_table
from layers.tables import feature_table
from layers.unit_codes import NO_PROVINCE

MAX_NAMED_ROWS = 20


def match_rows(connection: Connection, definition: Definition, *, append: bool) -> None:
    """Gives staged rows the fid of the feature with the same business key.

    Raises:
        RowsRefused: Rows repeat a key, or with ``append`` name a feature that exists.
    """
    stage, features = stage_table(definition), feature_table(definition)
    if definition.key_ordinals:
        _number_repeats(connection, definition)
    _refuse_repeats(connection, definition)
    _refuse_strangers(connection, definition)
    same = [stage.c[name] == features.c[name] for name in ("province_code", *definition.key, "key_ordinal")]
    matched = connection.execute(
        update(stage).values(fid=features.c.fid).where(stage.c.fid.is_(None), *same).returning(stage.c.row_no)
    )
    rows = [int(row[0]) for row in matched.fetchmany(MAX_NAMED_ROWS)]
    rows += _match_across_no_province(connection, definition)
    if append and rows:
        raise RowsRefused(
            definition.slug,
            f"các dòng {rows} trùng khóa với đối tượng đã có; hãy dùng chế độ cập nhật.",
            f"rows {rows} name features that exist already; use mode upsert.",
            rows=tuple(rows),
        )
    _refuse_twice_named(connection, definition)


def _match_across_no_province(connection: Connection, definition: Definition) -> list[int]:
    """Matches rows with the one feature of their key where either lies in no known province.

    A point put right, from outside every commune to inside one, is the same feature at another place.
    """
    stage, features = stage_table(definition), feature_table(definition)
    same = [stage.c[name] == features.c[name] for name in (*definition.key, "key_ordinal")]
    named = stage.alias("named")
    free = ~exists().where(named.c.fid == features.c.fid)
    # The key's index begins with the province: each side is asked for by itself, and the first only where it can be.
    sides = [(features.c.province_code == NO_PROVINCE, stage.c.province_code != NO_PROVINCE)]
    placeless = select(exists().where(stage.c.province_code == NO_PROVINCE, stage.c.fid.is_(None)))
    if connection.execute(placeless).scalar_one():
        sides.append((stage.c.province_code == NO_PROVINCE, features.c.province_code != NO_PROVINCE))
    found_pairs = union_all(
        *(select(stage.c.row_no, features.c.fid).where(stage.c.fid.is_(None), *same, *side, free) for side in sides)
    ).subquery("pairs")
    pairs = select(found_pairs.c.row_no, func.min(found_pairs.c.fid).label("fid"))
    only = pairs.group_by(found_pairs.c.row_no).having(func.count() == 1).subquery("only")
    # Two rows that mean one feature are both left to be new: the key does not tell which of them it became.
    single = select(func.min(only.c.row_no).label("row_no"), only.c.fid).group_by(only.c.fid).having(func.count() == 1)
    found = single.subquery("found")
    matched = connection.execute(
        update(stage).values(fid=found.c.fid).where(stage.c.row_no == found.c.row_no).returning(stage.c.row_no)
    )
    return [int(row[0]) for row in matched.fetchmany(MAX_NAMED_ROWS)]


def match_edits(connection: Connection, definition: Definition, *, deleted: Collection[int]) -> None:
    """Readies edited rows, whose fids are known: a new feature must bring a key that no other one has.

    Args:
        connection: The transaction that holds ``stage``.
        definition: The layer.
        deleted: Fids that the same edits delete; their keys are free.

    Raises:
        RowsRefused: Rows repeat a key, or take the key of a feature that keeps it.
    """
    stage, features = stage_table(definition), feature_table(definition)
    if definition.key_ordinals:
        _number_inserts(connection, definition)
    _refuse_repeats(connection, definition)
    _refuse_strangers(connection, definition)
    same = [stage.c[name] == features.c[name] for name in ("province_code", *definition.key, "key_ordinal")]
    leaving = features.c.fid.in_(select(stage.c.fid).where(stage.c.fid.is_not(None)))
    other = stage.c.fid.is_distinct_from(features.c.fid)
    taken = select(stage.c.row_no).where(*same, other, ~leaving, features.c.fid.not_in(sorted(deleted)))
    rows = tuple(connection.execute(taken.order_by(stage.c.row_no).limit(MAX_NAMED_ROWS)).scalars())
    if rows:
        raise RowsRefused(
            definition.slug,
            f"các dòng {list(rows)} mang khóa của đối tượng khác đã có; hãy sửa đối tượng đó hoặc đổi khóa.",
            f"rows {list(rows)} bear the key of another feature; edit that one, or give another key.",
            rows=rows,
        )


def _number_inserts(connection: Connection, definition: Definition) -> None:
    """Gives each new feature the first ordinal after all that its key has, now or among the edited rows."""
    stage, features = stage_table(definition), feature_table(definition)
    names = ("province_code", *definition.key)
    key = [stage.c[name] for name in names]
    new = stage.c.fid.is_(None)
    ordinal = func.row_number().over(partition_by=key, order_by=stage.c.row_no).label("ordinal")
    numbered = select(stage.c.row_no, ordinal).where(new).subquery()
    last = (
        select(func.max(features.c.key_ordinal))
        .where(*(features.c[name] == stage.c[name] for name in names))
        .correlate(stage)
        .scalar_subquery()
    )
    connection.execute(
        update(stage)
        .values(key_ordinal=func.coalesce(last, -1) + numbered.c.ordinal)
        .where(stage.c.row_no == numbered.c.row_no)
    )


def _refuse_strangers(connection: Connection, definition: Definition) -> None:
    """A fid is the service's to give: a row may only name one that a feature has now."""
    stage, features = stage_table(definition), feature_table(definition)
    unknown = select(stage.c.row_no).where(stage.c.fid.is_not(None), ~exists().where(features.c.fid == stage.c.fid))
    rows = tuple(connection.execute(unknown.order_by(stage.c.row_no).limit(MAX_NAMED_ROWS)).scalars())
    if rows:
        raise RowsRefused(
            definition.slug,
            f"các dòng {list(rows)} mang số fid không có trong lớp; hãy bỏ cột fid để thêm mới.",
            f"rows {list(rows)} bear a fid that no feature of the layer has; leave fid out to insert.",
            rows=rows,
        )


def _refuse_twice_named(connection: Connection, definition: Definition) -> None:
    """One row names a feature by its fid and another by the key that it has now."""
    stage = stage_table(definition)
    named = (
        select(func.max(stage.c.row_no)).where(stage.c.fid.is_not(None)).group_by(stage.c.fid).having(func.count() > 1)
    )
    rows = tuple(connection.execute(named.limit(MAX_NAMED_ROWS)).scalars())
    if rows:
        raise RowsRefused(
            definition.slug,
            f"các dòng {list(rows)} và một dòng khác cùng chỉ một đối tượng; mỗi đối tượng chỉ được có một dòng.",
            f"rows {list(rows)} mean the same feature as another row; keep one row for each feature.",
            rows=rows,
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
