"""What the shapes over features mean, in plain Python: for previews, and to hold the SQL against."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from scenarios.definition import RuleScope
from scenarios.outcomes import PlaceKind
from scenarios.rules.feature_shape import Category, Counted, Deadline, FeatureTest, Match
from scenarios.rules.numbers import rounded
from scenarios.work.calendar import WorkCalendar, at_local, local_day

_MICROSECOND: Final = timedelta(microseconds=1)
_HOUR: Final = timedelta(hours=1)
REACH_DAYS: Final = 370
"""Worked days are counted no further than so many days from today."""
PlaceKey = tuple[PlaceKind, str, str]


@dataclass(frozen=True)
class Item:
    """A feature as a rule sees it.

    Attributes:
        key: Its business key as text.
        values: By name of the field.
    """

    key: str
    unit_code: str
    province: str
    values: Mapping[str, Any]


def figures_of_items(
    test: FeatureTest, scope: RuleScope, items: Mapping[str, Sequence[Item]], at: datetime, calendar: WorkCalendar
) -> dict[PlaceKey, Decimal]:
    """The figure of every place that has one.

    Args:
        test: What the rule looks at.
        scope: The places that it judges.
        items: The features of each layer that the test names, by slug.
        at: The moment of evaluation, aware.
        calendar: Which days are worked.

    Returns:
        Figures by kind, layer and key of the place; the layer is empty for a unit.
    """
    if isinstance(test, Deadline):
        return {
            (PlaceKind.FEATURE, test.layer, item.key): figure
            for item in items[test.layer]
            if matches(item, test.where) and (figure := _time_of(test, item, at, calendar)) is not None
        }
    return _categories(test, scope, items[test.layer])


def _time_of(test: Deadline, item: Item, at: datetime, calendar: WorkCalendar) -> Decimal | None:
    value = item.values.get(test.due or test.since or "")
    finished = bool(test.finished and item.values.get(test.finished) is not None)
    if value is None or finished or (test.state and item.values.get(test.state) in test.finished_states):
        return None
    moment = _moment(value, ends=test.due is not None)
    if test.counted is Counted.WORKED_DAYS:
        last = local_day(moment - _MICROSECOND if test.due else moment)
        days = _worked_between(local_day(at), last, calendar)
        return rounded(Fraction(days if test.due else -days), 0)
    span = moment - at if test.due else at - moment
    return rounded(Fraction(span // _MICROSECOND, _HOUR // _MICROSECOND))


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


def _categories(test: Category, scope: RuleScope, items: Iterable[Item]) -> dict[PlaceKey, Decimal]:
    own = (Match(test.field, test.values),)
    found = [item for item in items if matches(item, own) and matches(item, test.where)]
    if scope is RuleScope.ITEM:
        return {(PlaceKind.FEATURE, test.layer, item.key): Decimal(1) for item in found}
    codes = Counter(item.unit_code if scope is RuleScope.COMMUNE else item.province for item in found)
    return {(PlaceKind.UNIT, "", code): Decimal(count) for code, count in codes.items()}


def matches(item: Item, where: Sequence[Match]) -> bool:
    """Whether the feature holds one of the values of each field."""
    return all(item.values.get(match.field) in match.values for match in where)
