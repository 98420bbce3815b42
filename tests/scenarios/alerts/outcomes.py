"""Outcomes of an invented rule, hour by hour."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

from scenarios.outcomes import Level, Outcome, Place, PlaceKind, Standing

_NUMBERS = itertools.count(1)
START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
COMMUNE = "16540"


def hour(number: float) -> datetime:
    """The moment so many hours after the beginning."""
    return START + timedelta(hours=number)


def fresh_place() -> Place:
    """A place that no other test uses."""
    return Place(PlaceKind.NODE, f"node-{next(_NUMBERS)}", COMMUNE, "junctions", 105.8, 19.8)


def outcome(
    place: Place, at: float, standing: Standing = Standing.HOLDS, *, since: float = 0, value: float | None = 21.0
) -> Outcome:
    """What the rule says of the place at an hour."""
    return Outcome(
        "S04", "node-rise", 1, place, standing, Level.WARNING, hour(at), hour(since), value, 20.0, {"value": value}
    )
