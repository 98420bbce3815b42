"""Moments of items and events in SQL: time left and taken, by the clock or in worked days; what is over."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Date,
    DateTime,
    Integer,
    Interval,
    Numeric,
    Text,
    bindparam,
    cast,
    extract,
    false,
    func,
    literal,
    literal_column,
)
from sqlalchemy.sql.elements import Grouping

from layers.definition import FieldType
from scenarios.rules.feature_rows import PLACES, Read, Sql, holds, matching
from scenarios.rules.feature_shape import (
    Deadline,
    NewEvent,
)

_CARRIED: Final = 40
_AT: Final = cast(bindparam("at"), DateTime(timezone=True))


def moment_of(read: Read, name: str, *, ends: bool) -> Sql:
    """The moment of a date or time; a date is the end of its day in Vietnam where ``ends``, else its beginning."""
    value: Sql = read.rows.c[name]
    if read.definition.field(name).type is not FieldType.DATE:
        return value
    day = value + literal_column("1", Integer) if ends else value
    return func.timezone("Asia/Ho_Chi_Minh", cast(day, DateTime()), type_=DateTime(timezone=True))


def hours_of(test: Deadline, moment: Sql) -> Sql:
    """Hours left until a moment, or taken since, by the clock."""
    span = moment - _AT if test.due else _AT - moment
    seconds: Sql = extract("epoch", cast(span, Interval))
    return func.round(func.round(seconds, _CARRIED) / 3600, PLACES)


def worked_days_of(test: Deadline, moment: Sql) -> Sql:
    """Worked days between today and the day of the moment, by the running count that is bound for each day."""
    last = cast(func.timezone("Asia/Ho_Chi_Minh", moment - _ONE_MICROSECOND if test.due else moment), Date)
    left = _count_to(last) - _count_to(cast(bindparam("today"), Date))
    return cast(left if test.due else -left, Numeric)


_ONE_MICROSECOND: Final = literal_column("interval '1 microsecond'", Interval)


def _count_to(day: Sql) -> Sql:
    counts: Sql = Grouping(cast(bindparam("worked_counts"), ARRAY(Integer)))
    place = day - cast(bindparam("first_day"), Date) + literal_column("1", Integer)
    within = func.least(func.greatest(place, 1), func.cardinality(counts))
    return func.coalesce(counts[cast(within, Integer)], 0)


def unfinished(test: Deadline | NewEvent, read: Read) -> list[ColumnElement[bool]]:
    """That nothing says the item is finished."""
    kept: list[ColumnElement[bool]] = []
    if test.finished:
        kept.append(read.rows.c[test.finished].is_(None))
    if test.state:
        kept.append(func.coalesce(holds(read, test.state, test.finished_states), false()).is_(false()))
    return kept


def begun(test: NewEvent, read: Read) -> tuple[Sql, list[ColumnElement[bool]]]:
    """The moment of an event, and that it has begun and is neither over nor forgotten."""
    moment = moment_of(read, test.at, ends=False)
    kept = [moment <= _AT, *unfinished(test, read), *matching(read, test.where)]
    if test.window_h is not None:
        kept.append(moment > _AT - cast(literal(f"{test.window_h} hours", Text), Interval))
    return moment, kept
