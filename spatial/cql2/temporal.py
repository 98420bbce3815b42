"""Temporal operators (OGC 21-065r2, 7.8): relations of closed intervals; an instant is one of no length."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy import TIMESTAMP, ColumnElement, and_, cast, func, literal_column, or_

from spatial.cql2.expression import Expr, IntervalLiteral, Literal, Operation, Property
from spatial.cql2.fields import TIMES, Scope, Sql, Typed, ValueType, bound, literal, mismatch
from spatial.datetime_interval import day_end, day_start
from spatial.errors import InvalidFilter

_TIMESTAMPTZ: Final = TIMESTAMP(timezone=True)
_Bool = ColumnElement[bool]


@dataclass(frozen=True, slots=True)
class _Span:
    """First and last instant, both inclusive; of the same SQL type."""

    start: Sql
    end: Sql


_RELATIONS: Final[Mapping[str, Callable[[_Span, _Span], _Bool]]] = {
    "t_after": lambda a, b: a.start > b.end,
    "t_before": lambda a, b: a.end < b.start,
    "t_contains": lambda a, b: and_(a.start < b.start, a.end > b.end),
    "t_disjoint": lambda a, b: or_(a.end < b.start, a.start > b.end),
    "t_during": lambda a, b: and_(a.start > b.start, a.end < b.end),
    "t_equals": lambda a, b: and_(a.start == b.start, a.end == b.end),
    "t_finishedby": lambda a, b: and_(a.start < b.start, a.end == b.end),
    "t_finishes": lambda a, b: and_(a.start > b.start, a.end == b.end),
    "t_intersects": lambda a, b: and_(a.start <= b.end, a.end >= b.start),
    "t_meets": lambda a, b: a.end == b.start,
    "t_metby": lambda a, b: a.start == b.end,
    "t_overlappedby": lambda a, b: and_(a.start > b.start, a.start < b.end, a.end > b.end),
    "t_overlaps": lambda a, b: and_(a.start < b.start, a.end > b.start, a.end < b.end),
    "t_startedby": lambda a, b: and_(a.start == b.start, a.end > b.end),
    "t_starts": lambda a, b: and_(a.start == b.start, a.end < b.end),
}


def temporal(node: Operation, scope: Scope) -> _Bool:
    """Return the SQL of a temporal operator.

    Where a date meets a timestamp the date is its whole day in UTC.

    Raises:
        InvalidFilter: an argument is no date, timestamp or interval.
    """
    ends = [_ends(arg, scope) for arg in node.args]
    dates_only = all(end is None or end.type is ValueType.DATE for pair in ends for end in pair)
    first, second = (_span(pair, dates_only=dates_only) for pair in ends)
    return _RELATIONS[node.op](first, second)


def start_of_day(value: Typed) -> Sql:
    """Return a date as the first instant of its day in UTC, and a timestamp as it is."""
    if value.type is ValueType.DATETIME:
        return value.sql
    if (day := _bound_date(value.sql)) is not None:
        return bound(day_start(day), _TIMESTAMPTZ)
    return func.timezone(literal_column("'UTC'"), cast(value.sql, TIMESTAMP()))


def _end_of_day(value: Typed) -> Sql:
    if value.type is ValueType.DATETIME:
        return value.sql
    if (day := _bound_date(value.sql)) is not None:
        return bound(day_end(day), _TIMESTAMPTZ)
    return start_of_day(value) + literal_column("interval '86399.999999 seconds'")


def _bound_date(sql: Sql) -> date | None:
    value = getattr(sql, "value", None)
    return value if isinstance(value, date) else None


def _ends(node: Expr, scope: Scope) -> tuple[Typed | None, Typed | None]:
    if isinstance(node, IntervalLiteral):
        return _end(node.start, scope), _end(node.end, scope)
    if isinstance(node, Literal | Property):
        instant = _end(node, scope)
        return instant, instant
    raise InvalidFilter(
        "Phép thời gian cần DATE, TIMESTAMP, INTERVAL hoặc trường thời gian. Hãy sửa đối số",
        "A temporal operator takes DATE, TIMESTAMP, INTERVAL or a field that holds a time. Correct the argument",
        parameter=scope.parameter,
        position=node.position,
    )


def _end(node: Literal | Property | None, scope: Scope) -> Typed | None:
    if node is None:
        return None
    value = scope.property(node) if isinstance(node, Property) else literal(node)
    if value.type not in TIMES:
        raise mismatch(
            value,
            TIMES,
            "Hãy ghi DATE('2025-07-01') hoặc TIMESTAMP('2025-07-01T00:00:00Z')",
            "Write DATE('2025-07-01') or TIMESTAMP('2025-07-01T00:00:00Z')",
        )
    return value


def _span(pair: tuple[Typed | None, Typed | None], *, dates_only: bool) -> _Span:
    start, end = pair
    kind = "date" if dates_only else "timestamptz"
    first: Sql = literal_column(f"'-infinity'::{kind}")
    last: Sql = literal_column(f"'infinity'::{kind}")
    if dates_only:
        return _Span(first if start is None else start.sql, last if end is None else end.sql)
    return _Span(first if start is None else start_of_day(start), last if end is None else _end_of_day(end))
