"""Values of indicators as they are known, or were known at a moment, and where they are late or missing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import Connection, text

from layers.access import Scope
from layers.rights import Action, Area, NotAllowed
from scenarios.indicators.indicator import Indicator
from scenarios.outcomes import PlaceKind

MOST: Final = 10_000
_SEEN: Final = "(CAST(:units AS text[]) IS NULL OR place.unit_code = ANY (CAST(:units AS text[])))"
_VALUES: Final = text(
    "SELECT place.key AS place, place.unit_code, observation.at, observation.value, observation.version,"  # noqa: S608
    " observation.received_at, observation.source"
    " FROM observing.series AS series JOIN observing.places AS place ON place.id = series.place_id"
    " JOIN observing.observations AS observation ON observation.series_id = series.id"
    f" WHERE series.indicator = :indicator AND {_SEEN}"
    " AND (CAST(:place AS text) IS NULL OR place.key = :place)"
    " AND observation.at >= :since AND observation.at < :until AND observation.received_at <= :known_at"
    " AND (observation.superseded_at IS NULL OR observation.superseded_at > :known_at)"
    " ORDER BY observation.at DESC, place.key, series.id LIMIT :limit"
)
_NEWEST: Final = text(
    "WITH expected AS ("  # noqa: S608 - constants
    " SELECT code AS key, code AS unit_code, name FROM features.communes WHERE :is_of_communes"
    " UNION SELECT place.key, place.unit_code, NULL FROM observing.places AS place"
    " JOIN observing.series AS series ON series.place_id = place.id AND series.indicator = :indicator"
    " WHERE NOT :is_of_communes)"
    " SELECT place.key AS place, place.unit_code, place.name, seen.at, seen.value FROM expected AS place"
    " LEFT JOIN LATERAL (SELECT observation.at, observation.value FROM observing.places AS held"
    " JOIN observing.series AS series ON series.place_id = held.id AND series.indicator = :indicator"
    " JOIN observing.observations AS observation ON observation.series_id = series.id"
    " WHERE (held.kind, held.layer, held.key) = (:kind, :layer, place.key) AND observation.at <= :at"
    " AND observation.superseded_at IS NULL ORDER BY observation.at DESC LIMIT 1) AS seen ON true"
    f" WHERE {_SEEN} ORDER BY place.key, place.unit_code"
)


class Freshness(StrEnum):
    """Whether the newest value of a place is of the running period or the one before, older, too old, or absent."""

    FRESH = "fresh"
    LATE = "late"
    STALE = "stale"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Value:
    """One value at a place; ``version`` counts its corrections from 1."""

    place: str
    unit_code: str
    at: datetime
    value: float
    version: int
    received_at: datetime
    source: str


@dataclass(frozen=True, slots=True)
class Newest:
    """How a place stands: its newest value, where there is one, and whether that is still fresh."""

    place: str
    unit_code: str
    name: str | None
    at: datetime | None
    value: float | None
    freshness: Freshness


@dataclass(frozen=True, slots=True)
class ValueFilter:
    """Which values are wanted: half-open in time, as known at a moment."""

    since: datetime
    until: datetime
    known_at: datetime
    place: str | None = None


def list_values(
    connection: Connection, scope: Scope, indicator: Indicator, wanted: ValueFilter, *, limit: int = 1000
) -> list[Value]:
    """Values that match and that the reader may see, newest first, at most :data:`MOST`.

    Raises:
        NotAllowed: The reader may read indicators in no unit at all.
    """
    values = {
        "indicator": indicator.code,
        "units": readable_units(scope),
        "place": wanted.place,
        "since": wanted.since,
        "until": wanted.until,
        "known_at": wanted.known_at,
        "limit": min(limit, MOST),
    }
    return [Value(**row) for row in connection.execute(_VALUES, values).mappings()]


def list_newest(connection: Connection, scope: Scope, indicator: Indicator, at: datetime) -> list[Newest]:
    """The newest value of every commune, or of every place that has ever been observed, and how fresh it is.

    Args:
        connection: Owner or writer.
        scope: The reader's.
        indicator: Whose values.
        at: The moment of looking.

    Raises:
        NotAllowed: The reader may read indicators in no unit at all.
    """
    values = {
        "indicator": indicator.code,
        "units": readable_units(scope),
        "kind": indicator.place.value,
        "layer": indicator.layer or "",
        "is_of_communes": indicator.place is PlaceKind.UNIT,
        "at": at,
    }
    rows = connection.execute(_NEWEST, values).mappings()
    return [Newest(**row, freshness=freshness_of(indicator, row["at"], at)) for row in rows]


def freshness_of(indicator: Indicator, seen: datetime | None, at: datetime) -> Freshness:
    """How fresh a value of the period that began at ``seen`` is at a moment; None for no value."""
    if seen is None:
        return Freshness.MISSING
    age = at - seen
    if age <= 2 * indicator.period.longest:
        return Freshness.FRESH
    return Freshness.LATE if age <= indicator.stale_after else Freshness.STALE


def readable_units(scope: Scope) -> list[str] | None:
    """Codes of the units whose indicators may be read, in order; None for all.

    Raises:
        NotAllowed: There is none.
    """
    if not scope.may_somewhere(Action.READ, Area.INDICATORS):
        raise NotAllowed(Action.READ, Area.INDICATORS)
    units = scope.units_of(Action.READ, Area.INDICATORS)
    return None if units is None else sorted(units)
