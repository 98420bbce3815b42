"""What rules over observations look at: one value for each of their nine shapes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Difference(StrEnum):
    """How a figure is set against another: by subtraction, as percent of the other, or as its share in percent."""

    GAP = "gap"
    PERCENT = "percent"
    SHARE = "share"


class Direction(StrEnum):
    """Which way a change or an anomaly counts."""

    UP = "up"
    DOWN = "down"
    BOTH = "both"


class PlanPeriod(StrEnum):
    """Which target is the plan: that of the figure's own period, or the newest one begun by then."""

    SAME = "same"
    RUNNING = "running"


class PeerGroup(StrEnum):
    """Whose mean: of all places judged in the province, or of all others there."""

    ALL = "all"
    OTHERS = "others"


@dataclass(frozen=True, slots=True)
class Constant:
    """The newest value itself."""

    indicator: str


@dataclass(frozen=True, slots=True)
class AgainstPlan:
    """The newest value against the plan of its place."""

    indicator: str
    difference: Difference
    plan_period: PlanPeriod = PlanPeriod.SAME


@dataclass(frozen=True, slots=True)
class SamePeriod:
    """The newest value against that of the same period a year before, by the Vietnamese calendar."""

    indicator: str
    difference: Difference


@dataclass(frozen=True, slots=True)
class Peers:
    """The newest value against the mean of the newest values of places of the same kind in the province."""

    indicator: str
    difference: Difference
    peers: PeerGroup = PeerGroup.ALL


@dataclass(frozen=True, slots=True)
class Rolling:
    """The newest value against the mean of the place's own values in the days before it, itself left out."""

    indicator: str
    difference: Difference
    window_days: int
    min_samples: int = 1


@dataclass(frozen=True, slots=True)
class Change:
    """The newest value against the one before it; ``down`` counts a fall as positive, ``both`` its size."""

    indicator: str
    difference: Difference
    direction: Direction = Direction.UP


@dataclass(frozen=True, slots=True)
class RankDrop:
    """Ranks lost since the values before; equal values share the better rank."""

    indicator: str
    higher_is_better: bool = True


@dataclass(frozen=True, slots=True)
class Load:
    """The newest value as percent of the newest capacity."""

    indicator: str
    capacity: str


@dataclass(frozen=True, slots=True)
class Anomaly:
    """How many sample standard deviations the newest value is from the mean of the days before it."""

    indicator: str
    window_days: int
    direction: Direction = Direction.BOTH
    min_samples: int = 3


SeriesTest = Constant | AgainstPlan | SamePeriod | Peers | Rolling | Change | RankDrop | Load | Anomaly

SERIES_TESTS: Final[Mapping[str, type[SeriesTest]]] = {
    "constant": Constant,
    "plan": AgainstPlan,
    "same_period": SamePeriod,
    "peers": Peers,
    "rolling": Rolling,
    "change": Change,
    "rank_drop": RankDrop,
    "load": Load,
    "anomaly": Anomaly,
}


def shape_of(test: SeriesTest) -> str:
    """The word for the shape in definitions."""
    return next(name for name, kind in SERIES_TESTS.items() if type(test) is kind)
