"""Observations as they come in, and what became of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Kept(StrEnum):
    """Whether a value says what is, or what is planned."""

    OBSERVATION = "observation"
    TARGET = "target"


@dataclass(frozen=True, slots=True)
class Observation:
    """One value as somebody sends it.

    Attributes:
        place: Unit code, or the key of the feature, node, project or sensor.
        at: Any moment of the period, aware.
        unit: Unit of measure that the sender means; checked where it is given.
        unit_code: The commune or province that answers for the place; needed when a place that is no admin unit is
            named for the first time, with ``lon`` and ``lat`` (WGS 84 degrees) where it has a position.
    """

    indicator: str
    place: str
    at: datetime
    value: float
    unit: str | None = None
    unit_code: str | None = None
    lon: float | None = None
    lat: float | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that was not taken in, by its number from 1, with what is wrong and what to do."""

    row: int
    field: str
    vi: str
    en: str


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of the rows.

    Attributes:
        added: Values of periods that had none.
        corrected: Values that differ from the one before, which is kept as an earlier version.
        same: Values that were known already.
        refused: Rows left out; all others are in.
        indicators: Codes of the indicators of which anything was added or corrected.
    """

    added: int = 0
    corrected: int = 0
    same: int = 0
    refused: tuple[Refused, ...] = ()
    indicators: frozenset[str] = frozenset()
