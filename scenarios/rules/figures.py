"""What the shapes over observations mean, in plain Python: for previews, and to hold the SQL against."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from scenarios.rules.numbers import deviation, exact, mean, quotient
from scenarios.rules.shape import (
    AgainstPlan,
    Anomaly,
    Change,
    Constant,
    Difference,
    Direction,
    Load,
    PeerGroup,
    Peers,
    PlanPeriod,
    RankDrop,
    Rolling,
    SamePeriod,
    SeriesTest,
)

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")


@dataclass(frozen=True, slots=True)
class Known:
    """A value at a moment, or a target at the start of its period, and when it was known."""

    at: datetime
    value: float
    version: int
    received_at: datetime
    superseded_at: datetime | None = None

    def is_known(self, at: datetime) -> bool:
        """Whether this is the version that was known at a moment."""
        return self.received_at <= at and (self.superseded_at is None or self.superseded_at > at)


@dataclass(frozen=True, slots=True)
class History:
    """What is known of one place; ``peers`` names the places that it is compared and ranked with."""

    key: str
    peers: str
    values: tuple[Known, ...] = ()
    targets: tuple[Known, ...] = ()
    capacities: tuple[Known, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """How observations are read: when, as known when, how old they may be, and how far back the same period is."""

    at: datetime
    known_at: datetime
    stale: timedelta
    capacity_stale: timedelta = timedelta(days=1100)
    lag_years: int = 1
    lag_days: int = 0


@dataclass(frozen=True, slots=True)
class Figure:
    """What a shape says of a place: the newest value, what it was compared with, and the figure; None is no signal."""

    value: Decimal | None = None
    other: Decimal | None = None
    figure: Decimal | None = None


@dataclass(frozen=True, slots=True)
class _Point:
    at: datetime
    value: Decimal


def figures_of(test: SeriesTest, histories: Sequence[History], reading: Reading) -> dict[str, Figure]:
    """The figure of every place, by its key."""
    points = {history.key: _points(history.values, reading.known_at) for history in histories}
    newest = {key: _newest(known, reading.at, reading.stale) for key, known in points.items()}
    if isinstance(test, Peers):
        return _against_peers(test, histories, newest)
    if isinstance(test, RankDrop):
        return _rank_drops(test, histories, points, newest, reading)
    return {
        history.key: _alone(test, history, points[history.key], newest[history.key], reading) for history in histories
    }


def _alone(test: SeriesTest, history: History, points: list[_Point], now: _Point | None, reading: Reading) -> Figure:
    if now is None:
        return Figure()
    match test:
        case Constant():
            return Figure(now.value, None, now.value)
        case AgainstPlan():
            return _compared(now, _plan(test, history, now, reading), test.difference)
        case SamePeriod():
            moment = _lagged(now.at, reading)
            same = [point.value for point in points if point.at == moment]
            return _compared(now, same[0] if same else None, test.difference)
        case Rolling():
            past = _window(points, now, test.window_days)
            enough = len(past) >= test.min_samples
            return _compared(now, mean(past) if enough else None, test.difference)
        case Change():
            told = _compared(now, _before(points, now, reading.stale), test.difference)
            return replace(told, figure=_directed(told.figure, test.direction))
        case Load():
            capacity = _newest(_points(history.capacities, reading.known_at), reading.at, reading.capacity_stale)
            return _compared(now, capacity.value if capacity else None, Difference.SHARE)
        case Anomaly():
            return _anomaly(test, points, now)
        case _:
            raise TypeError(test)


def _points(values: Iterable[Known], known_at: datetime) -> list[_Point]:
    return sorted((_Point(v.at, exact(v.value)) for v in values if v.is_known(known_at)), key=lambda point: point.at)


def _newest(points: list[_Point], at: datetime, stale: timedelta) -> _Point | None:
    fresh = [point for point in points if at - stale < point.at <= at]
    return fresh[-1] if fresh else None


def _before(points: list[_Point], now: _Point, stale: timedelta) -> Decimal | None:
    earlier = [point.value for point in points if now.at - stale < point.at < now.at]
    return earlier[-1] if earlier else None


def _window(points: list[_Point], now: _Point, days: int) -> list[Decimal]:
    return [point.value for point in points if now.at - timedelta(days=days) <= point.at < now.at]


def _plan(test: AgainstPlan, history: History, now: _Point, reading: Reading) -> Decimal | None:
    begun = [point for point in _points(history.targets, reading.known_at) if point.at <= now.at]
    if test.plan_period is PlanPeriod.SAME:
        begun = [point for point in begun if point.at == now.at]
    return begun[-1].value if begun else None


def _lagged(at: datetime, reading: Reading) -> datetime:
    """The same period a year before by the Vietnamese calendar; 29 February has 28 February for it."""
    local = at.astimezone(VIETNAM).replace(tzinfo=None)
    year = local.year - reading.lag_years
    try:
        earlier = local.replace(year=year)
    except ValueError:
        earlier = local.replace(year=year, day=28)
    return (earlier - timedelta(days=reading.lag_days)).replace(tzinfo=VIETNAM)


def _compared(now: _Point, other: Decimal | None, difference: Difference) -> Figure:
    if other is None:
        return Figure(now.value)
    match difference:
        case Difference.GAP:
            figure: Decimal | None = now.value - other
        case Difference.PERCENT:
            figure = quotient(now.value - other, abs(other), 100)
        case Difference.SHARE:
            figure = quotient(now.value, other, 100)
    return Figure(now.value, other, figure)


def _directed(figure: Decimal | None, direction: Direction) -> Decimal | None:
    if figure is None or direction is Direction.UP:
        return figure
    return -figure if direction is Direction.DOWN else abs(figure)


def _anomaly(test: Anomaly, points: list[_Point], now: _Point) -> Figure:
    past = _window(points, now, test.window_days)
    average = mean(past)
    spread = deviation(past) if len(past) >= test.min_samples else None
    if average is None or spread is None:
        return Figure(now.value, average)
    return Figure(now.value, average, _directed(quotient(now.value - average, spread), test.direction))


def _against_peers(test: Peers, histories: Sequence[History], newest: dict[str, _Point | None]) -> dict[str, Figure]:
    groups: dict[str, dict[str, Decimal]] = defaultdict(dict)
    for history in histories:
        point = newest[history.key]
        if point is not None:
            groups[history.peers][history.key] = point.value
    told: dict[str, Figure] = {}
    for history in histories:
        point = newest[history.key]
        group = groups[history.peers]
        others = [value for key, value in group.items() if test.peers is PeerGroup.ALL or key != history.key]
        told[history.key] = _compared(point, mean(others), test.difference) if point else Figure(None)
    return told


def _rank_drops(
    test: RankDrop,
    histories: Sequence[History],
    points: dict[str, list[_Point]],
    newest: dict[str, _Point | None],
    reading: Reading,
) -> dict[str, Figure]:
    told: dict[str, Figure] = {}
    for history in histories:
        kin = [other.key for other in histories if other.peers == history.peers]
        now = {key: point.value for key in kin if (point := newest[key])}
        then = {
            key: value
            for key in kin
            if (point := newest[key]) and (value := _before(points[key], point, reading.stale)) is not None
        }
        told[history.key] = Figure(now.get(history.key), _rank(then, history.key, test))
        ranks = (_rank(now, history.key, test), told[history.key].other)
        if ranks[0] is not None and ranks[1] is not None:
            told[history.key] = replace(told[history.key], figure=ranks[0] - ranks[1])
    return told


def _rank(values: dict[str, Decimal], key: str, test: RankDrop) -> Decimal | None:
    if key not in values:
        return None
    own = values[key]
    better = sum(value > own if test.higher_is_better else value < own for value in values.values())
    return Decimal(better + 1)
