"""An indicator as a value, and the moments of its periods."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum

from layers.definition import Label
from scenarios.outcomes import PlaceKind
from scenarios.work.calendar import VIETNAM_TIME, at_local


class IndicatorGroup(StrEnum):
    """The groups of the catalogue (A6): for the Government, long term, by sector, thematic."""

    GOVERNMENT = "government"
    LONG_TERM = "long-term"
    SECTOR = "sector"
    THEMATIC = "thematic"


class Aggregation(StrEnum):
    """How values of lower units or shorter periods make one of a higher unit or a longer period."""

    SUM = "sum"
    MEAN = "mean"
    LAST = "last"


class Period(StrEnum):
    """How often a value is due."""

    MOMENT = "moment"
    HOURLY = "hourly"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    QUARTERLY = "quarterly"
    YEARLY = "yearly"

    @property
    def longest(self) -> timedelta:
        """The longest that a period lasts; for moments, how often one is expected at least."""
        return _LONGEST[self]


class Better(StrEnum):
    """Which way is better, for marks and ranks."""

    HIGHER = "higher"
    LOWER = "lower"
    NEITHER = "neither"


_LONGEST = {
    Period.MOMENT: timedelta(hours=1),
    Period.HOURLY: timedelta(hours=1),
    Period.DAILY: timedelta(days=1),
    Period.WEEKLY: timedelta(days=7),
    Period.MONTHLY: timedelta(days=31),
    Period.QUARTERLY: timedelta(days=92),
    Period.YEARLY: timedelta(days=366),
}
_PERIODS_UNTIL_STALE = 3


@dataclass(frozen=True, slots=True)
class Indicator:
    """One indicator of the catalogue.

    Attributes:
        unit: Unit of measure as users write it (``%``, ``đồng``).
        place: The kind of place that it is observed at.
        layer: Slug of the layer that the places belong to; None for admin units and for places of no layer.
        lowest, highest: Closed range of possible values; outside it a value is refused.
        source: Clauses that ask for it.
    """

    code: str
    title: Label
    group: IndicatorGroup
    unit: str
    place: PlaceKind
    period: Period
    aggregation: Aggregation
    better: Better
    source: str
    layer: str | None = None
    lowest: float | None = None
    highest: float | None = None

    @property
    def stale_after(self) -> timedelta:
        """How old the newest value may be and still say how things stand: three periods."""
        return _PERIODS_UNTIL_STALE * self.period.longest

    def start_of_period(self, at: datetime) -> datetime:
        """The first moment of the period that holds a moment, by the Vietnamese calendar, aware UTC."""
        local = at.astimezone(VIETNAM_TIME)
        day = local.date()
        match self.period:
            case Period.MOMENT:
                return at
            case Period.HOURLY:
                return at_local(day, time(local.hour))
            case Period.WEEKLY:
                day -= timedelta(days=day.weekday())
            case Period.MONTHLY:
                day = day.replace(day=1)
            case Period.QUARTERLY:
                day = day.replace(month=day.month - (day.month - 1) % 3, day=1)
            case Period.YEARLY:
                day = day.replace(month=1, day=1)
            case Period.DAILY:
                pass
        return at_local(day, time())
