"""What the shapes over features mean, in plain Python: for previews, and to hold the SQL against."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

import shapely
from shapely import affinity
from shapely.geometry.base import BaseGeometry

from scenarios.definition import RuleScope
from scenarios.outcomes import PlaceKind
from scenarios.rules.feature_shape import Category, Counted, Deadline, FeatureTest, Match, NewEvent, Relation, Spatial
from scenarios.rules.numbers import rounded
from scenarios.rules.standing import Limit
from scenarios.work.calendar import WorkCalendar, at_local, local_day
from spatial.geodesy import point_distance_m

_MICROSECOND: Final = timedelta(microseconds=1)
_HOUR: Final = timedelta(hours=1)
REACH_DAYS: Final = 370
"""Worked days are counted no further than so many days from today."""
_CALENDAR: Final = WorkCalendar()
_ANYTHING: Final = Limit(">", 0.0)
PlaceKey = tuple[PlaceKind, str, str]


@dataclass(frozen=True)
class Item:
    """A feature as a rule sees it.

    Attributes:
        key: Its business key as text.
        values: By name of the field.
        geometry: WGS 84 degrees.
    """

    key: str
    unit_code: str
    province: str
    values: Mapping[str, Any]
    geometry: BaseGeometry | None = None


@dataclass(frozen=True)
class Preview:
    """What figures are told for.

    Attributes:
        scope: The places that are judged.
        at: The moment of evaluation, aware.
        calendar: Which days are worked.
        limit: What figures are held against; a cluster is told of by the first event that has enough.
    """

    scope: RuleScope
    at: datetime
    calendar: WorkCalendar = _CALENDAR
    limit: Limit = _ANYTHING


def figures_of_items(
    test: FeatureTest, items: Mapping[str, Sequence[Item]], preview: Preview
) -> dict[PlaceKey, Decimal]:
    """The figure of every place that has one.

    Args:
        test: What the rule looks at.
        items: The features of each layer that the test names, by slug.
        preview: When, at which places, against what.

    Returns:
        Figures by kind, layer and key of the place; the layer is empty for a unit.
    """
    own = [item for item in items[test.layer] if matches(item, test.where)]
    match test:
        case Deadline():
            return _deadlines(test, own, preview)
        case Category():
            found = [item for item in own if matches(item, (Match(test.field, test.values),))]
            return _counted(test, found, items, preview)
        case NewEvent():
            return _events(test, own, items, preview)
        case Spatial():
            return _spatial(test, own, items)


def _deadlines(test: Deadline, own: Sequence[Item], preview: Preview) -> dict[PlaceKey, Decimal]:
    times = {item.key: _time_of(test, item, preview.at, preview.calendar) for item in own}
    return {(PlaceKind.FEATURE, test.layer, key): time for key, time in times.items() if time is not None}


def _time_of(test: Deadline, item: Item, at: datetime, calendar: WorkCalendar) -> Decimal | None:
    value = item.values.get(test.due or test.since or "")
    if value is None or _is_finished(test, item):
        return None
    moment = _moment(value, ends=test.due is not None)
    if test.counted is Counted.WORKED_DAYS:
        last = local_day(moment - _MICROSECOND if test.due else moment)
        days = _worked_between(local_day(at), last, calendar)
        return rounded(Fraction(days if test.due else -days), 0)
    span = moment - at if test.due else at - moment
    return rounded(Fraction(span // _MICROSECOND, _HOUR // _MICROSECOND))


def _is_finished(test: Deadline | NewEvent, item: Item) -> bool:
    if test.finished and item.values.get(test.finished) is not None:
        return True
    return bool(test.state and item.values.get(test.state) in test.finished_states)


def _moment(value: datetime | date, *, ends: bool) -> datetime:
    if isinstance(value, datetime):
        return value
    return at_local(value + timedelta(days=1) if ends else value, time())


def _worked_between(today: date, day: date, calendar: WorkCalendar) -> int:
    """Worked days after ``today`` up to ``day``; negative for a day before."""
    reach = timedelta(days=REACH_DAYS)
    day = min(max(day, today - reach), today + reach)
    first, last = min(today, day), max(today, day)
    days = (first + timedelta(days=number) for number in range(1, (last - first).days + 1))
    return sum(map(calendar.is_worked, days)) * (1 if day >= today else -1)


def worked_counts(at: datetime, calendar: WorkCalendar) -> tuple[date, list[int]]:
    """The first day within reach of a moment, and for each day from it on the worked days up to it."""
    first = local_day(at) - timedelta(days=REACH_DAYS)
    counts, total = [], 0
    for number in range(2 * REACH_DAYS + 1):
        total += calendar.is_worked(first + timedelta(days=number))
        counts.append(total)
    return first, counts


def _counted(
    test: Category | NewEvent, found: Sequence[Item], items: Mapping[str, Sequence[Item]], preview: Preview
) -> dict[PlaceKey, Decimal]:
    match preview.scope:
        case RuleScope.ITEM:
            return {(PlaceKind.FEATURE, test.layer, item.key): Decimal(1) for item in found}
        case RuleScope.COMMUNE:
            counts = Counter((PlaceKind.UNIT, "", item.unit_code) for item in found)
        case RuleScope.PROVINCE:
            counts = Counter((PlaceKind.UNIT, "", item.province) for item in found)
        case RuleScope.NODE | RuleScope.ZONE:
            counts = _around(test, found, items[test.places or ""], preview.scope)
    return {place: Decimal(count) for place, count in counts.items()}


def _around(
    test: Category | NewEvent, found: Sequence[Item], places: Sequence[Item], scope: RuleScope
) -> Counter[PlaceKey]:
    kind = PlaceKind.NODE if scope is RuleScope.NODE else PlaceKind.FEATURE
    relation = Relation.NEAR if scope is RuleScope.NODE else Relation.CROSSING
    return Counter(
        (kind, test.places or "", place.key)
        for place in places
        for item in found
        if is_related(place, item, relation, test.metres)
    )


def _events(
    test: NewEvent, own: Sequence[Item], items: Mapping[str, Sequence[Item]], preview: Preview
) -> dict[PlaceKey, Decimal]:
    begun = [item for item in own if not _is_finished(test, item) and _has_begun(test, item, preview.at)]
    if preview.scope is not RuleScope.ITEM or test.metres is None:
        return _counted(test, begun, items, preview)
    counts = [(sum(is_related(one, other, Relation.NEAR, test.metres) for other in begun), one) for one in begun]
    dense = [(count, one) for count, one in counts if preview.limit.is_passed(Decimal(count), engaged=True)]
    return {
        (PlaceKind.CLUSTER, test.layer, one.key): Decimal(count)
        for count, one in dense
        if not any(
            _order(test, other) < _order(test, one) and is_related(one, other, Relation.NEAR, test.metres)
            for _, other in dense
        )
    }


def _has_begun(test: NewEvent, item: Item, at: datetime) -> bool:
    value = item.values.get(test.at)
    if value is None:
        return False
    moment = _moment(value, ends=False)
    return moment <= at and (test.window_h is None or moment > at - test.window_h * _HOUR)


def _order(test: NewEvent, item: Item) -> tuple[datetime, str]:
    return _moment(item.values[test.at], ends=False), item.key


def _spatial(test: Spatial, own: Sequence[Item], items: Mapping[str, Sequence[Item]]) -> dict[PlaceKey, Decimal]:
    others = [item for item in items[test.other] if matches(item, test.other_where)]
    is_outside = test.relation is Relation.OUTSIDE
    relation = Relation.CROSSING if is_outside else test.relation
    figures = {}
    for item in own:
        met = [other for other in others if other is not item and is_related(item, other, relation, test.metres)]
        figure = int(not met and item.geometry is not None) if is_outside else len(met)
        if figure:
            figures[PlaceKind.FEATURE, test.layer, item.key] = Decimal(figure)
    return figures


def is_related(one: Item, other: Item, relation: Relation, metres: float | None) -> bool:
    """Whether a feature lies so to another; metres are geodesic on WGS 84, the limit included."""
    if one.geometry is None or other.geometry is None:
        return False
    match relation:
        case Relation.WITHIN:
            return bool(other.geometry.covers(one.geometry))
        case Relation.NEAR:
            return geodesic_m(one.geometry, other.geometry) <= (metres or 0.0)
    return bool(one.geometry.intersects(other.geometry))


def geodesic_m(one: BaseGeometry, other: BaseGeometry) -> float:
    """The distance in metres between the places that are nearest in a plane stretched to their latitude."""
    stretch = math.cos(math.radians((one.centroid.y + other.centroid.y) / 2))
    flat = [affinity.scale(shape, stretch, 1.0, origin=(0.0, 0.0)) for shape in (one, other)]
    (lon_a, lat_a), (lon_b, lat_b) = shapely.shortest_line(*flat).coords
    return point_distance_m(lon_a / stretch, lat_a, lon_b / stretch, lat_b)


def matches(item: Item, where: Sequence[Match]) -> bool:
    """Whether the feature holds one of the values of each field."""
    return all(item.values.get(match.field) in match.values for match in where)
