"""Reads when each unit last renewed its part of each layer, and judges it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, text

from layers.access import Units
from layers.definition import Frequency
from layers.freshness.state import Freshness, judge

# Renewed is what a revision changed, or what its unit has confirmed to stand as it is. "00000" is no commune.
RENEWALS: Final = """
SELECT slug AS layer, unit_code, changed_at AS at FROM catalogue.unit_changes WHERE unit_code <> '00000'
UNION ALL
SELECT layer, unit_code, at FROM uploads.confirmations WHERE length(unit_code) = 5
"""
_LAST: Final = text(
    f"SELECT layer, unit_code, max(at) AS renewed_at FROM ({RENEWALS}) AS renewals"  # noqa: S608 - a constant
    " WHERE at <= :at AND layer = ANY (CAST(:layers AS text[]))"
    " AND (CAST(:unit AS text) IS NULL OR unit_code = :unit)"
    " GROUP BY layer, unit_code ORDER BY unit_code, layer"
)
_NAMES: Final = text("SELECT code, name, parent_code FROM features.communes ORDER BY code")


@dataclass(frozen=True, slots=True)
class Promise:
    """A layer as far as freshness goes.

    Attributes:
        units: Communes whose parts the reader may read; None for all.
    """

    layer: str
    frequency: Frequency
    units: Units = None


@dataclass(frozen=True, slots=True)
class Part:
    """A commune's part of a layer: when it was last renewed, how fresh it is, by when it is to be renewed."""

    layer: str
    unit_code: str
    renewed_at: datetime
    freshness: Freshness
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class UnitFreshness:
    """A commune's parts counted by freshness; those without a promise are left out of the share."""

    unit_code: str
    name: str | None
    fresh: int
    due: int
    overdue: int
    unpromised: int

    @property
    def on_time_percent(self) -> float | None:
        """Share of the promised parts that are not overdue; None where nothing is promised."""
        promised = self.fresh + self.due + self.overdue
        return round(100 * (promised - self.overdue) / promised, 1) if promised else None


def list_parts(
    connection: Connection, promises: Iterable[Promise], at: datetime, *, unit_code: str | None = None
) -> list[Part]:
    """Every part that was ever renewed, in the order of unit and layer, as far as the promises' units reach.

    Args:
        connection: Writer or owner.
        promises: The layers looked at.
        at: The moment of judging; later renewals are not seen.
        unit_code: Only this commune.
    """
    known = {promise.layer: promise for promise in promises}
    values = {"at": at, "layers": sorted(known), "unit": unit_code}
    parts = []
    for row in connection.execute(_LAST, values):
        promise = known[row.layer]
        if promise.units is not None and row.unit_code not in promise.units:
            continue
        judged = judge(promise.frequency, row.renewed_at, at)
        parts.append(Part(row.layer, row.unit_code, row.renewed_at, judged.freshness, judged.due_at))
    return parts


def count_by_unit(parts: Sequence[Part], names: Mapping[str, str]) -> list[UnitFreshness]:
    """The parts of each commune counted, by code."""
    counts: dict[str, Counter[Freshness]] = {}
    for part in parts:
        counts.setdefault(part.unit_code, Counter())[part.freshness] += 1
    return [
        UnitFreshness(
            code,
            names.get(code),
            held[Freshness.FRESH],
            held[Freshness.DUE],
            held[Freshness.OVERDUE],
            held[Freshness.UNPROMISED],
        )
        for code, held in sorted(counts.items())
    ]


def commune_names(connection: Connection) -> dict[str, str]:
    """Names of the communes in force by code; they are public."""
    return {row.code: row.name for row in connection.execute(_NAMES)}
