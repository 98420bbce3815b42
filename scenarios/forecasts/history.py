"""The past of an indicator in a unit as a regular series, inside the reader's scope."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, text

from layers.access import Scope
from layers.rights import Action, Area, NotAllowed
from layers.units import UnitNotFound
from scenarios.forecasts.errors import HistoryTooShort
from scenarios.indicators.indicator import Aggregation, Indicator, Period

FEWEST: Final = 4
MOST_GAPS: Final = 0.25
LONGEST: Final = {
    Period.HOURLY: 336,
    Period.DAILY: 182,
    Period.WEEKLY: 156,
    Period.MONTHLY: 96,
    Period.QUARTERLY: 40,
    Period.YEARLY: 30,
}
"""How many past periods are looked at."""
_MEMBERS: Final = text(
    "SELECT code FROM features.communes WHERE :unit IN (code, parent_code)"
    " UNION SELECT code FROM features.provinces WHERE code = :unit"
)
_VALUES: Final = text(
    "SELECT observation.at, CASE WHEN :is_sum THEN sum(observation.value) ELSE avg(observation.value) END AS value,"
    " count(*) AS places FROM observing.series AS series"
    " JOIN observing.places AS place ON place.id = series.place_id"
    " JOIN observing.observations AS observation ON observation.series_id = series.id"
    " WHERE series.indicator = :indicator AND (place.kind, place.layer) = (:kind, :layer)"
    " AND place.unit_code = ANY (:members) AND observation.at >= :since AND observation.at < :until"
    " AND observation.received_at <= :known_at"
    " AND (observation.superseded_at IS NULL OR observation.superseded_at > :known_at)"
    " GROUP BY observation.at ORDER BY observation.at"
)


@dataclass(frozen=True, slots=True)
class History:
    """A regular series.

    Attributes:
        starts: First moments of periods, one after the other.
        values: A value for each; those at the places of ``filled`` are interpolated.
        filled: Which of them had none.
    """

    starts: tuple[datetime, ...]
    values: tuple[float, ...]
    filled: frozenset[int]

    def rows(self) -> Iterable[tuple[datetime, float, bool]]:
        """Each period with its value, and whether that is interpolated."""
        for number, (start, value) in enumerate(zip(self.starts, self.values, strict=True)):
            yield start, value, number in self.filled


def read_history(connection: Connection, scope: Scope, indicator: Indicator, unit: str, at: datetime) -> History:
    """The periods over by a moment, as they were known then; the running one says nothing whole yet.

    A province that is not observed itself is the sum or mean of the communes that the reader may see, over periods in
    which all of them have a value.

    Raises:
        NotAllowed: The reader may read indicators in no unit at all.
        UnitNotFound: There is no such unit, or the reader may not see it.
        HistoryTooShort: Fewer than four periods, or more than a quarter missing.
    """
    seen = _members(connection, scope, unit)
    until = indicator.start_of_period(at)
    values = {
        "indicator": indicator.code,
        "kind": indicator.place.value,
        "layer": indicator.layer or "",
        "is_sum": indicator.aggregation is Aggregation.SUM,
        "since": until - LONGEST[indicator.period] * indicator.period.longest,
        "until": until,
        "known_at": at,
    }
    rows = connection.execute(_VALUES, {**values, "members": [unit]}).all() if unit in seen else []
    if not rows:
        rows = connection.execute(_VALUES, {**values, "members": sorted(seen)}).all()
    most = max((row.places for row in rows), default=0)
    known = {row.at: float(row.value) for row in rows if row.places == most}
    return _regular(indicator, unit, known)


def _members(connection: Connection, scope: Scope, unit: str) -> frozenset[str]:
    if not scope.may_somewhere(Action.READ, Area.INDICATORS):
        raise NotAllowed(Action.READ, Area.INDICATORS)
    found = connection.execute(_MEMBERS, {"unit": unit}).scalars()
    seen = frozenset(code for code in found if scope.may(Action.READ, Area.INDICATORS, code))
    if not seen:
        raise UnitNotFound(unit)
    return seen


def _regular(indicator: Indicator, unit: str, known: dict[datetime, float]) -> History:
    if len(known) < FEWEST:
        raise HistoryTooShort(unit, known=len(known), needed=FEWEST)
    starts = list(periods_after(indicator, min(known), until=max(known)))
    starts.insert(0, min(known))
    if len(known) < (1 - MOST_GAPS) * len(starts):
        raise HistoryTooShort(unit, known=len(known), needed=FEWEST)
    values = [known.get(start) for start in starts]
    filled = frozenset(number for number, value in enumerate(values) if value is None)
    return History(tuple(starts), tuple(_interpolated(values)), filled)


def periods_after(
    indicator: Indicator, start: datetime, *, until: datetime | None = None, count: int | None = None
) -> Iterable[datetime]:
    """First moments of the periods that follow one, up to a moment (inclusive) or so many."""
    left = count
    while left is None or left > 0:
        start = indicator.start_of_period(start + indicator.period.longest)
        if until is not None and start > until:
            return
        yield start
        left = None if left is None else left - 1


def _interpolated(values: list[float | None]) -> Iterable[float]:
    """The values with straight lines over gaps; the first and the last are there."""
    before = 0
    for number, value in enumerate(values):
        if value is not None:
            before = number
            yield value
            continue
        after = next(place for place in range(number, len(values)) if values[place] is not None)
        low, high = values[before], values[after]
        assert low is not None  # noqa: S101 - both ends of a gap are values
        assert high is not None  # noqa: S101
        yield low + (high - low) * (number - before) / (after - before)
