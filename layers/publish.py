"""Bulk changes of a layer: rows replace, update or extend it, or an earlier revision comes back."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

import pandas as pd
from sqlalchemy import Connection

from layers.delta import classify_rows, restore_rows
from layers.errors import RevisionNotFound
from layers.matching import match_rows
from layers.publication import ChangeNote, Published, database_refusals, lock_layer, publish_delta
from layers.staging import stage_rows
from layers.unit_codes import assign_units

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
) -> Published:
    """Publishes rows as the layer's next revision; the caller's transaction makes it whole or absent.

    Args:
        connection: Owner or writer, inside a transaction.
        slug: The layer.
        frames: Checked rows (see :func:`layers.staging.stage_rows`), geometry in EPSG:4326. A row with a ``fid``
            is that feature under a new key; the others are told by their key.
        mode: Whether features that the rows do not name are deleted (replace) or kept.
        note: Author, source and date for the revision.

    Raises:
        LayerNotFound: There is no such layer.
        RowsRefused: A key is repeated, exists already (append), a ``fid`` is not one of the layer's, or the
            database refuses a value.
    """
    layer = lock_layer(connection, slug)
    with database_refusals(layer.definition):
        stage_rows(connection, layer.definition, frames)
        assign_units(connection, layer.definition)
        match_rows(connection, layer.definition, append=mode is Mode.APPEND)
        delta = classify_rows(connection, layer.definition, replace=mode is Mode.REPLACE)
        return publish_delta(connection, layer, delta, kind=mode.value, note=note)


def revert_layer(connection: Connection, slug: str, revision: int, *, note: ChangeNote) -> Published:
    """Publishes a new revision in which the layer is again as it was after ``revision``.

    Raises:
        LayerNotFound: There is no such layer.
        RevisionNotFound: The layer never had this revision.
        RowsRefused: The layer's definition has become stricter than the rows of that time.
    """
    layer = lock_layer(connection, slug)
    if not 0 <= revision <= layer.revision:
        raise RevisionNotFound(slug, revision, newest=layer.revision)
    with database_refusals(layer.definition):
        restore_rows(connection, layer.definition, revision)
        delta = classify_rows(connection, layer.definition, replace=True)
        return publish_delta(connection, layer, delta, kind="revert", note=note, reverts_to=revision)
