"""Bulk changes of a layer: rows replace, update or extend it, or an earlier revision comes back."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

import pandas as pd
from sqlalchemy import Connection

from layers.access import Scope
from layers.delta import classify_rows, restore_rows
from layers.errors import RevisionNotFound
from layers.matching import match_rows
from layers.publication import ChangeNote, Published, database_refusals, lock_layer, publish_delta
from layers.rights import Action, NotAllowed
from layers.staging import stage_rows
from layers.tables import feature_table
from layers.unit_codes import assign_units
from layers.writing import lies_within, refuse_outside, writing_units

__all__ = ["ChangeNote", "Mode", "Published", "publish_rows", "revert_layer"]


class Mode(StrEnum):
    """What staged rows mean for the features that they do not name."""

    REPLACE = "replace"
    UPSERT = "upsert"
    APPEND = "append"


def publish_rows(
    connection: Connection,
    slug: str,
    frames: Iterable[pd.DataFrame],
    *,
    mode: Mode,
    note: ChangeNote,
    scope: Scope | None = None,
    action: Action = Action.PUBLISH,
) -> Published:
    """Publishes rows as the layer's next revision; the caller's transaction makes it whole or absent.

    Args:
        connection: Owner or writer, inside a transaction.
        slug: The layer.
        frames: Checked rows (see :func:`layers.staging.stage_rows`), geometry in EPSG:4326. A row with a ``fid``
            is that feature under a new key; the others are told by their key.
        mode: Whether features that the rows do not name are deleted (replace) or kept.
        note: Author, source and date for the revision.
        scope: On whose behalf; only features in communes where the scope holds ``action`` may change, and
            ``replace`` replaces those alone. None leaves the scope that the transaction has; the owner login
            needs none, the writer login is refused without.
        action: The right that the publication rests on.

    Raises:
        LayerNotFound: There is no such layer.
        NotAllowed: The scope may not do this to the layer anywhere.
        OutsideUnits: Rows lie outside those communes.
        RowsRefused: A key is repeated, exists already (append), a ``fid`` is not one of the layer's, or the
            database refuses a value.
    """
    layer = lock_layer(connection, slug)
    definition = layer.definition
    units = None if scope is None else writing_units(connection, definition, scope, action)
    with database_refusals(definition):
        stage_rows(connection, definition, frames)
        assign_units(connection, definition)
        match_rows(connection, definition, append=mode is Mode.APPEND)
        refuse_outside(connection, definition, units)
        within = lies_within(definition, feature_table(definition), units)
        among = () if within is None else (within,)
        delta = classify_rows(connection, definition, replace=mode is Mode.REPLACE, among=among)
        return publish_delta(connection, layer, delta, kind=mode.value, note=note)


def revert_layer(
    connection: Connection, slug: str, revision: int, *, note: ChangeNote, scope: Scope | None = None
) -> Published:
    """Publishes a new revision in which the layer is again as it was after ``revision``.

    Args:
        connection: Owner or writer, inside a transaction.
        slug: The layer.
        revision: The revision to go back to.
        note: Author and reason for the revision.
        scope: On whose behalf, as in :func:`publish_rows`; it must hold PUBLISH in every commune.

    Raises:
        LayerNotFound: There is no such layer.
        NotAllowed: The scope may publish in some communes only.
        RevisionNotFound: The layer never had this revision.
        RowsRefused: The layer's definition has become stricter than the rows of that time.
    """
    layer = lock_layer(connection, slug)
    if scope is not None and writing_units(connection, layer.definition, scope, Action.PUBLISH) is not None:
        raise NotAllowed(Action.PUBLISH, slug)
    if not 0 <= revision <= layer.revision:
        raise RevisionNotFound(slug, revision, newest=layer.revision)
    with database_refusals(layer.definition):
        restore_rows(connection, layer.definition, revision)
        delta = classify_rows(connection, layer.definition, replace=True)
        return publish_delta(connection, layer, delta, kind="revert", note=note, reverts_to=revision)
