"""Staged personal values: kept from before, compared with what is held, and sealed as of a revision."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    LargeBinary,
    MetaData,
    Row,
    Select,
    Table,
    and_,
    exists,
    insert,
    literal,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.schema import CreateTable

from layers.definition import Definition
from layers.personal.keys import Keyring, keyring_of
from layers.personal.people_keys import PeopleKeys, copy_lines, take_turn
from layers.personal.staged import require_sealed
from layers.personal.values import person_of, seal, stage, terms_of, unseal, unstage
from layers.staging import PERSONAL, SEALED, stage_table
from layers.tables import PEOPLE, latest_private, private_table

BATCH: Final = 10_000
_KEPT: Final = Table(
    "kept_personal",
    MetaData(),
    Column("row_no", BigInteger, nullable=False),
    Column("personal", LargeBinary),
    prefixes=["TEMPORARY"],
    postgresql_on_commit="DROP",
)


def restore_sealed(connection: Connection, definition: Definition, revision: int) -> None:
    """Gives staged rows the sealed values that their features had after a revision; nothing is opened."""
    private = private_table(definition)
    if private is None:
        return
    require_sealed(connection, definition)
    _carry(connection, definition, latest_private(private, revision), None)


def keep_personal(
    connection: Connection, definition: Definition, said: Collection[str], *, rows: Collection[int] | None = None
) -> None:
    """Gives staged rows, for personal fields that they do not say, what the matched features hold.

    Args:
        connection: The transaction that holds ``stage``, matched.
        definition: The layer.
        said: Names of the fields that the rows say.
        rows: Numbers of the rows; None for all.
    """
    private = private_table(definition)
    unsaid = [field.name for field in definition.personal_fields if field.name not in said]
    if private is None or not unsaid:
        return
    kept = latest_private(private, of=stage_table(definition))
    if len(unsaid) == len(definition.personal_fields):
        _carry(connection, definition, kept, rows)
        return
    _merge(connection, definition, frozenset(unsaid), rows)


def _carry(connection: Connection, definition: Definition, kept: Any, rows: Collection[int] | None) -> None:
    stage_rows = stage_table(definition)
    values = {ours: kept.c[theirs] for theirs, ours in SEALED.items()}
    among = [] if rows is None else [stage_rows.c.row_no.in_(rows)]
    connection.execute(update(stage_rows).values(values).where(stage_rows.c.fid == kept.c.fid, *among))


def _merge(
    connection: Connection, definition: Definition, unsaid: frozenset[str], rows: Collection[int] | None
) -> None:
    """Where a file says some personal fields only, the others are opened and sealed anew with them."""
    ring, staged = keyring_of(connection), stage_table(definition)
    among = [] if rows is None else [staged.c.row_no.in_(rows)]
    connection.execute(CreateTable(_KEPT))
    for batch in _batches(connection, _beside_held(definition).where(*among)):
        lines = []
        for row in batch:
            held = held_values(ring, definition, row)
            said = {} if row.personal is None else unstage(ring, row.personal)
            whole = stage(ring, {name: held[name] for name in unsaid if name in held} | said)
            lines.append(f"{row.row_no}\t" + ("\\N" if whole is None else f"\\\\x{whole.hex()}") + "\n")
        copy_lines(connection, "COPY kept_personal FROM STDIN", lines)
    connection.execute(update(staged).values({PERSONAL: _KEPT.c.personal}).where(staged.c.row_no == _KEPT.c.row_no))
    connection.execute(text("DROP TABLE kept_personal"))


def _beside_held(definition: Definition) -> Select[Any]:
    """Staged rows beside what their features hold, sealed."""
    private, staged = private_table(definition), stage_table(definition)
    if private is None:
        raise ValueError(definition.slug)
    kept = latest_private(private, of=staged)
    joined = staged.join(kept, kept.c.fid == staged.c.fid).join(PEOPLE, PEOPLE.c.id == kept.c.key_id, isouter=True)
    columns = (
        staged.c.row_no,
        staged.c.fid,
        staged.c[PERSONAL].label("personal"),
        kept.c.sealed,
        PEOPLE.c.person,
        PEOPLE.c.wrapped,
    )
    return select(*columns).select_from(joined)


def held_values(ring: Keyring, definition: Definition, row: Row[Any]) -> dict[str, object]:
    """Opens what a row holds: ``fid``, ``sealed``, ``person``, ``wrapped``; nothing where the key was destroyed.

    Raises:
        SealBroken: It is not as it was written.
    """
    if row.sealed is None or row.wrapped is None:
        return {}
    key = ring.unwrap(bytes(row.person), bytes(row.wrapped))
    return unseal(key, definition.slug, row.fid, row.sealed)


def mark_personal_changes(connection: Connection, definition: Definition) -> None:
    """Marks staged rows that are the same but for their personal values as updates."""
    private, staged = private_table(definition), stage_table(definition)
    if private is None:
        return
    kept = latest_private(private, of=staged)
    same = staged.c.op == "same"
    unstaged = staged.c[PERSONAL].is_(None)
    moved = and_(unstaged, staged.c[SEALED["sealed"]].is_distinct_from(kept.c.sealed))
    connection.execute(update(staged).values(op="update").where(same, staged.c.fid == kept.c.fid, moved))
    unknown = ~exists().where(private.c.fid == staged.c.fid)
    brings = or_(staged.c[PERSONAL].is_not(None), staged.c[SEALED["sealed"]].is_not(None))
    connection.execute(update(staged).values(op="update").where(same, unknown, brings))
    differing = list(_differing(connection, definition))
    for start in range(0, len(differing), BATCH):
        part = differing[start : start + BATCH]
        connection.execute(update(staged).values(op="update").where(staged.c.row_no.in_(part)))


def _differing(connection: Connection, definition: Definition) -> Iterator[int]:
    staged = stage_table(definition)
    brought = _beside_held(definition).where(staged.c.op == "same", staged.c[PERSONAL].is_not(None))
    ring = None
    for batch in _batches(connection, brought):
        ring = ring or keyring_of(connection)
        for row in batch:
            if held_values(ring, definition, row) != unstage(ring, row.personal):
                yield int(row.row_no)


def write_personal(connection: Connection, definition: Definition, revision: int) -> None:
    """Seals staged values as of a revision; values that were carried over are written as they are."""
    private, staged = private_table(definition), stage_table(definition)
    if private is None:
        return
    # A row without values is written too where an older row would otherwise be taken for the feature's.
    known = exists().where(private.c.fid == staged.c.fid)
    carried = and_(
        staged.c[PERSONAL].is_(None), or_(staged.c[SEALED["sealed"]].is_not(None), known), staged.c.op != "same"
    )
    source = select(staged.c.fid, literal(revision, BigInteger), *(staged.c[name] for name in SEALED.values())).where(
        carried
    )
    connection.execute(insert(private).from_select(["fid", "revision", *SEALED], source))
    brought = select(staged.c.fid, staged.c[PERSONAL].label("personal")).where(
        staged.c[PERSONAL].is_not(None), staged.c.op != "same"
    )
    keys: PeopleKeys | None = None
    for batch in _batches(connection, brought.order_by(staged.c.fid)):
        if keys is None:
            take_turn(connection)
            keys = PeopleKeys(connection, keyring_of(connection))
        seal_rows(keys, definition, revision, [(int(row.fid), unstage(keys.ring, row.personal)) for row in batch])


def seal_rows(
    keys: PeopleKeys, definition: Definition, revision: int, rows: Sequence[tuple[int, dict[str, object]]]
) -> None:
    """Writes values of features, sealed, as of a revision; a feature without any gets an empty row."""
    ring, slug = keys.ring, definition.slug
    people = [person_of(ring, definition, values) or ring.person_at(slug, fid) for fid, values in rows]
    known = keys.of(people)
    lines = []
    for person, (fid, values) in zip(people, rows, strict=True):
        number, key = known[person]
        terms = ",".join(terms_of(ring, definition, values))
        if not values:
            lines.append(f"{fid}\t{revision}\t\\N\t\\N\t\\N\n")
            continue
        lines.append(f"{fid}\t{revision}\t{number}\t\\\\x{seal(key, slug, fid, values).hex()}\t{{{terms}}}\n")
    name = keys.connection.dialect.identifier_preparer.quote(definition.table)
    copy_lines(keys.connection, f"COPY private.{name} (fid, revision, key_id, sealed, terms) FROM STDIN", lines)


def _batches(connection: Connection, statement: Select[Any]) -> Iterator[Sequence[Row[Any]]]:
    """Rows of a statement, some thousands at a time; the connection is free for others between them.

    A temporary table of the same transaction is read, so a page is fetched whole and the next asked for after it.
    """
    yield from connection.execute(statement, execution_options={"yield_per": BATCH}).partitions()
