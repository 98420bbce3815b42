"""One publication under way: the layer locked, its delta applied, the revision recorded and announced."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, text
from sqlalchemy.exc import DataError, IntegrityError

from layers.audit import Detail, Event, record_event
from layers.bookkeeping import record_revision
from layers.ddl import create_indexes, drop_indexes
from layers.definition import Definition
from layers.definition_json import from_json
from layers.delta import Delta, apply_delta
from layers.errors import LayerNotFound, RowsRefused
from layers.registry import announce

# Below this many rows it is cheaper to keep the indexes than to build them anew.
BULK_ROWS = 10_000


@dataclass(frozen=True, slots=True)
class ChangeNote:
    """Who changes a layer, from what, and why; kept with the revision.

    Attributes:
        request_source: Address and port that the change came from, for the audit trail.
    """

    author: str
    message: str = ""
    approver: str | None = None
    source_name: str | None = None
    source_sha256: str | None = None
    data_date: date | None = None
    request_source: str | None = None


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


@dataclass(frozen=True, slots=True)
class LockedLayer:
    """A layer that no other transaction can publish to or redefine until this one ends."""

    definition: Definition
    definition_version: int
    revision: int
    feature_count: int

    @property
    def slug(self) -> str:
        """Id of the layer."""
        return self.definition.slug


def lock_layer(connection: Connection, slug: str) -> LockedLayer:
    """Serialises writers of one layer: the row lock lasts until the transaction ends; readers do not wait.

    The definition is read under the same lock, so that it cannot change between the first staged row and the last.

    Raises:
        LayerNotFound: There is no such layer.
    """
    row = connection.execute(
        text(
            "SELECT definition, definition_version, revision, feature_count"
            " FROM catalogue.layers WHERE slug = :slug FOR UPDATE"
        ),
        {"slug": slug},
    ).one_or_none()
    if row is None:
        raise LayerNotFound(slug)
    return LockedLayer(from_json(row.definition), row.definition_version, row.revision, row.feature_count)


def publish_delta(
    connection: Connection,
    layer: LockedLayer,
    delta: Delta,
    *,
    kind: str,
    note: ChangeNote,
    reverts_to: int | None = None,
) -> Published:
    """Makes the staged delta the layer's next revision; without a difference the old one stays.

    The temporary tables of the delta are gone afterwards, so that one transaction can hold several publications.
    """
    definition = layer.definition
    if not delta.changed:
        connection.execute(text("DROP TABLE stage, closed"))
        return Published(layer.slug, layer.revision, 0, 0, 0, layer.feature_count)
    revision = layer.revision + 1
    bulk = layer.feature_count == 0 and delta.inserted >= BULK_ROWS and _owns_tables(connection)
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
    record_event(connection, _event(layer.slug, revision, delta, kind, note))
    announce(connection, layer.slug)
    connection.execute(text("DROP TABLE stage"))
    return Published(layer.slug, revision, delta.inserted, delta.updated, delta.deleted, count)


def _event(slug: str, revision: int, delta: Delta, kind: str, note: ChangeNote) -> Event:
    action = {"edit": "layer_edited", "revert": "layer_reverted"}.get(kind, "layer_published")
    detail: Detail = {
        "revision": revision,
        "kind": kind,
        "inserted": delta.inserted,
        "updated": delta.updated,
        "deleted": delta.deleted,
        "approver": note.approver,
        "source_sha256": note.source_sha256,
    }
    return Event(note.author, action, "layer", slug, source=note.request_source, detail=detail)


@contextmanager
def database_refusals(definition: Definition) -> Iterator[None]:
    """Turns what the layer's tables refuse into :class:`RowsRefused`; the values stay out of the message."""
    try:
        yield
    except (IntegrityError, DataError) as error:
        diagnostics = getattr(error.orig, "diag", None)
        rule = getattr(diagnostics, "constraint_name", None) or getattr(diagnostics, "column_name", None) or "?"
        raise RowsRefused(
            definition.slug,
            f"cơ sở dữ liệu từ chối vì vi phạm quy tắc “{rule}”. Hãy kiểm tra lại dữ liệu theo định nghĩa lớp.",
            f'the database refuses a row that breaks the rule "{rule}". Check the rows against the definition.',
        ) from None


def _owns_tables(connection: Connection) -> bool:
    return bool(connection.execute(text("SELECT pg_has_role(current_user, 'diaban_owner', 'MEMBER')")).scalar_one())
