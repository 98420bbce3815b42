"""Compares what an upload brings with the current revision: staged, limited to its unit, matched, marked, counted."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pandas as pd
from sqlalchemy import Connection, bindparam, delete, func, select, text, update

from layers.definition import Definition
from layers.delta import Delta, close_rows, closed_table, mark_rows, restore_rows
from layers.matching import match_rows
from layers.publish import Mode
from layers.staging import stage_rows, stage_table
from layers.tables import feature_table
from layers.unit_codes import assign_units
from layers.uploads.kinship import Kin, Kinship, find_overlaps, relate
from layers.uploads.limits import (
    SetAside,
    list_aside,
    of_unit,
    replaceable,
    set_existing_aside,
    set_strangers_aside,
)
from layers.uploads.settling import DEFAULT, Tolerance, keep_geometry, keep_unsaid, settle_rows

MAX_ASIDE: Final = 10_000
IDLE_TIMEOUT: Final = "15min"
_BEFORE: Final = """
SELECT coalesce(sum(feature_count), 0) FROM catalogue.feature_counts WHERE slug = :slug
AND (CAST(:unit AS text) IS NULL OR CASE length(:unit) WHEN 2 THEN province_code ELSE unit_code END = :unit)
"""


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms rows become a change.

    Attributes:
        unit_code: The unit whose features may change; None for all.
        said: Fields that the rows bring; the others stay as they are.
        tolerance: Differences that are none.
    """

    mode: Mode
    unit_code: str | None
    said: frozenset[str]
    tolerance: Tolerance = DEFAULT


@dataclass(frozen=True, slots=True)
class Comparison:
    """What publishing would do; the temporary tables of the transaction hold it row by row.

    Attributes:
        same: Rows that change nothing.
        features_before: Features of the unit before.
        aside_count: Rows set aside because they are not the sender's to bring.
        aside: The first of these.
        kin: Renamed, split and merged features.
        digest: Equal for two comparisons exactly where they would do the same to the same states.
    """

    delta: Delta
    same: int
    features_before: int
    aside_count: int
    aside: tuple[SetAside, ...]
    kin: tuple[Kin, ...]
    digest: str

    @property
    def deleted_share(self) -> float:
        """Deleted features as a share of those that the unit had."""
        return self.delta.deleted / self.features_before if self.features_before else 0.0

    def numbers(self) -> dict[str, object]:
        """The change in numbers, as it is kept and shown."""
        kinds = Counter(kin.kind for kin in self.kin)
        parents = {kin.old_fid for kin in self.kin if kin.kind is Kinship.SPLIT}
        heirs = {kin.row for kin in self.kin if kin.kind is Kinship.MERGED}
        return {
            "inserted": self.delta.inserted,
            "updated": self.delta.updated,
            "deleted": self.delta.deleted,
            "same": self.same,
            "changed": self.delta.changed,
            "renamed": kinds[Kinship.RENAMED],
            "split": len(parents),
            "merged": len(heirs),
            "set_aside": self.aside_count,
            "features_before": self.features_before,
            "deleted_share": round(self.deleted_share, 6),
        }


def compare_rows(
    connection: Connection, definition: Definition, frames: Iterable[pd.DataFrame], terms: Terms
) -> Comparison:
    """Stages rows and marks what each would do; nothing is changed.

    Args:
        connection: Owner or writer, inside a transaction; its temporary tables are left for who goes on.
        definition: The layer.
        frames: Checked rows (see :func:`layers.staging.stage_rows`).
        terms: Mode, unit and tolerance.

    Raises:
        RowsRefused: A key is repeated, or a ``fid`` is none of the layer's.
    """
    _wait_for_python(connection)
    stage_rows(connection, definition, frames)
    if definition.geometry is not None:
        keep_geometry(connection, definition)
    assign_units(connection, definition)
    match_rows(connection, definition, append=False)
    return _mark(connection, definition, terms)


def compare_revision(
    connection: Connection, definition: Definition, revision: int, unit_code: str | None
) -> Comparison:
    """Stages the layer, or one unit of it, as it stood after a revision, and marks what bringing it back would do."""
    _wait_for_python(connection)
    restore_rows(connection, definition, revision)
    stage = stage_table(definition)
    if unit_code is not None:
        connection.execute(delete(stage).where(~of_unit(stage, unit_code)))
    connection.execute(text("ANALYZE stage"))
    every = frozenset(field.name for field in definition.fields)
    exact = Tolerance(degrees=0.0, relative=0.0)
    return _mark(connection, definition, Terms(Mode.REPLACE, unit_code, every, exact))


def compare_known(
    connection: Connection,
    definition: Definition,
    frames: Iterable[pd.DataFrame],
    deleted: Collection[int],
    terms: Terms,
) -> Delta:
    """Stages rows of a comparison made before on the same revision: only those that change, with their fids.

    Costs time in the size of the change. The caller compares :func:`digest_of` with that of the comparison.
    """
    _wait_for_python(connection)
    stage_rows(connection, definition, frames)
    if definition.geometry is not None:
        keep_geometry(connection, definition)
    assign_units(connection, definition)
    connection.execute(text("ANALYZE stage"))
    keep_unsaid(connection, definition, terms.said)
    settle_rows(connection, definition, terms.tolerance)
    mark_rows(connection, definition)
    return close_rows(connection, definition, replace=False, deleted=deleted)


def digest_of(connection: Connection, definition: Definition) -> str:
    """Names the marked change: its rows, what they do, and the states of the features that they do it to."""
    stage, features, closed = stage_table(definition), feature_table(definition), closed_table()
    marked = (
        select(stage.c.row_no, stage.c.op, func.coalesce(features.c.from_revision, -1))
        .select_from(stage.outerjoin(features, features.c.fid == stage.c.fid))
        .where(stage.c.op != "same")
        .order_by(stage.c.row_no)
    )
    gone = select(closed.c.fid, features.c.from_revision).where(closed.c.fid == features.c.fid, closed.c.op == "delete")
    digest = hashlib.sha256()
    for statement in (marked, gone.order_by(closed.c.fid)):
        for batch in connection.execute(statement, execution_options={"yield_per": 10_000}).partitions():
            digest.update("\n".join(map(str, batch)).encode())
        digest.update(b"--")
    return digest.hexdigest()


def _mark(connection: Connection, definition: Definition, terms: Terms) -> Comparison:
    stage = stage_table(definition)
    set_strangers_aside(connection, definition, terms.unit_code)
    may_go = replaceable(definition, terms.unit_code) if terms.mode is Mode.REPLACE else None
    keep_unsaid(connection, definition, terms.said)
    settle_rows(connection, definition, terms.tolerance)
    kin = relate(find_overlaps(connection, definition, gone=may_go))
    _rename(connection, definition, kin, terms)
    mark_rows(connection, definition)
    if terms.mode is Mode.APPEND:
        set_existing_aside(connection, definition)
    delta = close_rows(connection, definition, replace=may_go is not None, among=may_go or ())
    same = connection.execute(select(func.count()).where(stage.c.op == "same")).scalar_one()
    before = connection.execute(text(_BEFORE), {"slug": definition.slug, "unit": terms.unit_code}).scalar_one()
    aside_count, aside = list_aside(connection, MAX_ASIDE)
    digest = digest_of(connection, definition)
    return Comparison(delta, int(same), int(before), aside_count, tuple(aside), tuple(kin), digest)


def _rename(connection: Connection, definition: Definition, kin: Sequence[Kin], terms: Terms) -> None:
    """A renamed feature keeps its fid: its row is the same feature under another key."""
    stage = stage_table(definition)
    given: list[Mapping[str, int]] = [
        {"row_wanted": one.row, "old_fid": one.old_fid} for one in kin if one.kind is Kinship.RENAMED
    ]
    if not given:
        return
    connection.execute(
        update(stage).values(fid=bindparam("old_fid")).where(stage.c.row_no == bindparam("row_wanted")), given
    )
    # Their unsaid values and shapes settle on the feature that they turned out to be.
    keep_unsaid(connection, definition, terms.said)
    settle_rows(connection, definition, terms.tolerance)


def _wait_for_python(connection: Connection) -> None:
    connection.execute(
        text("SELECT set_config('idle_in_transaction_session_timeout', :value, true)"), {"value": IDLE_TIMEOUT}
    )
