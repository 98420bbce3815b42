"""Personal values of frames made unreadable, before they leave the process for a temporary table."""

from __future__ import annotations

from typing import Final

import pandas as pd
from sqlalchemy import Connection, text

from layers.definition import Definition
from layers.personal.errors import ValuesUnsealed
from layers.personal.keys import keyring_of
from layers.personal.values import documents, stage

_PLAIN: Final = text("SELECT to_regclass(format('plain.%I', CAST(:name AS text))) IS NOT NULL")


def hide_personal(connection: Connection, definition: Definition, frame: pd.DataFrame) -> list[str | None] | None:
    """One unreadable document for each row, as COPY takes it; None where the frame brings no personal field.

    Raises:
        PersonalKeyError: There is no key.
    """
    if not any(field.name in frame.columns for field in definition.personal_fields):
        return None
    ring = keyring_of(connection)
    staged = (stage(ring, values) for values in documents(definition, frame))
    return [None if value is None else f"\\x{value.hex()}" for value in staged]


def require_sealed(connection: Connection, definition: Definition) -> None:
    """Makes sure that an older version left nothing of the layer unsealed.

    Raises:
        ValuesUnsealed: It did.
    """
    if connection.execute(_PLAIN, {"name": definition.table}).scalar_one():
        raise ValuesUnsealed(definition.slug)
