"""The one delta path: staged rows are compared with the current revision and published as the next one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import pandas as pd
from sqlalchemy import Connection, Row, text
from sqlalchemy.exc import IntegrityError

from layers.bookkeeping import record_revision
from layers.ddl import create_indexes, drop_indexes
from layers.definition import Definition
from layers.definition_json import from_json
from layers.delta import Delta, apply_delta, classify_rows, match_rows, restore_rows
from layers.errors import LayerNotFound, RevisionNotFound, RowsRefused
from layers.registry import announce
from layers.staging import stage_rows
from layers.unit_codes import assign_units

# Below this many rows it is cheaper to keep the indexes than to build them anew.
BULK_ROWS = 10_000


class Mode(StrEnum):
    """What staged rows mean for the features that they do not name."""

    REPLACE = "replace"
    UPSERT = "upsert"
    APPEND = "append"


@dataclass(frozen=True, slots=True)
class ChangeNote:
    """Who changes a layer, from what, and why; kept with the revision."""

    author: str
    message: str = ""
    approver: str | None = None
    source_name: str | None = None
    source_sha256: str | None = None
    data_date: date | None = None


@dataclass(frozen=True, slots=True)
class Published:
    """What a publication did; ``revision`` is the old one where nothing differed."""

    slug: str
    revision: int
    inserted: int
    updated: int
    deleted: int
    feature_count: int

    @property
    def changed(self) -> int:
        """Number of features that differ from the revision before."""
        return self.inserted + self.updated + self.deleted


def publish_rows(
    connection: Connection,
    slug: str,
    frames: Iterable[pd.DataFrame],
    *,
    mode: Mode,
    note: ChangeNote,
) -> Published:
    """Publishes rows as the layer's next revision; the caller's transaction makes it whole or absent.

    Args:
        connection: Owner or writer, inside a transaction.
        slug: The layer.
        frames: Checked rows (see :func:`layers.staging.stage_rows`), geometry in EPSG:4326.
        mode: Whether features that the rows do not name are deleted (replace) or kept.
        note: Author, source and date for the revision.

    Raises:
        LayerNotFound: There is no such layer.
        RowsRefused: A key is repeated, exists already (append), or the database refuses a value.
    """
    definition = _read_definition(connection, slug)
    try:
        staged = stage_rows(connection, definition, frames)
        assign_units(connection, definition)
        layer = _lock_layer(connection, slug)
        match_rows(connection, definition, append=mode is Mode.APPEND)
        delta = classify_rows(connection, definition, replace=mode is Mode.REPLACE)
        return _publish_delta(connection, definition, layer, delta, kind=mode.value, note=note, staged=staged)
    except IntegrityError as error:
        raise _refusal(definition, error) from None


def revert_layer(connection: Connection, slug: str, revision: int, *, note: ChangeNote) -> Published:
    """Publishes a new revision in which the layer is again as it was after ``revision``.

    Raises:
        LayerNotFound: There is no such layer.
        RevisionNotFound: The layer never had this revision.
    """
    definition = _read_definition(connection, slug)
    layer = _lock_layer(connection, slug)
    if not 0 <= revision <= layer.revision:
        raise RevisionNotFound(slug, revision, newest=layer.revision)
    restore_rows(connection, definition, revision)
    delta = classify_rows(connection, definition, replace=True)
    return _publish_delta(connection, definition, layer, delta, kind="revert", note=note, staged=0, reverts_to=revision)


def _publish_delta(
    connection: Connection,
    definition: Definition,
    layer: Row[tuple[object, ...]],
    delta: Delta,
    *,
    kind: str,
    note: ChangeNote,
    staged: int,
    reverts_to: int | None = None,
) -> Published:
    if not delta.changed:
        return Published(definition.slug, layer.revision, 0, 0, 0, layer.feature_count)
    revision = int(layer.revision) + 1
    bulk = layer.feature_count == 0 and staged >= BULK_ROWS and _owns_tables(connection)
    if bulk:
        drop_indexes(connection, definition)
    apply_delta(connection, definition, revision)
    if bulk:
        create_indexes(connection, definition)
    count = record_revision(
        connection,
        definition,
        revision=revision,
        delta=delta,
        values={
            "kind": kind,
            "author": note.author,
            "approver": note.approver,
            "message": note.message,
            "source_name": note.source_name,
            "source_sha256": note.source_sha256,
            "data_date": note.data_date,
            "definition_version": layer.definition_version,
            "reverts_to": reverts_to,
        },
    )
    announce(connection, definition.slug)
    connection.execute(text("DROP TABLE stage"))
    return Published(definition.slug, revision, delta.inserted, delta.updated, delta.deleted, count)


def _read_definition(connection: Connection, slug: str) -> Definition:
    document = connection.execute(
        text("SELECT definition FROM catalogue.layers WHERE slug = :slug"), {"slug": slug}
    ).scalar_one_or_none()
    if document is None:
        raise LayerNotFound(slug)
    return from_json(document)


def _lock_layer(connection: Connection, slug: str) -> Row[tuple[object, ...]]:
    """Serialises writers of one layer: the row lock lasts until the transaction ends."""
    return connection.execute(
        text("SELECT revision, feature_count, definition_version FROM catalogue.layers WHERE slug = :slug FOR UPDATE"),
        {"slug": slug},
    ).one()


def _owns_tables(connection: Connection) -> bool:
    return bool(connection.execute(text("SELECT pg_has_role(current_user, 'diaban_owner', 'MEMBER')")).scalar_one())


def _refusal(definition: Definition, error: IntegrityError) -> RowsRefused:
    """Says which rule of the table a row breaks; the values stay out of the message."""
    diagnostics = getattr(error.orig, "diag", None)
    rule = getattr(diagnostics, "constraint_name", None) or getattr(diagnostics, "column_name", None) or "?"
    return RowsRefused(
        definition.slug,
        f"cơ sở dữ liệu từ chối vì vi phạm quy tắc “{rule}”. Hãy kiểm tra lại dữ liệu theo định nghĩa lớp.",
        f'the database refuses a row that breaks the rule "{rule}". Check the rows against the definition.',
    )
