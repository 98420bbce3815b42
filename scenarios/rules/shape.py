"""What rules look at: one value for each of the thirteen shapes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


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


class DeadlineState(StrEnum):
    """Whether a rule looks for deadlines that are near, or over."""

    NEAR = "near"
    OVER = "over"


class Relation(StrEnum):
    """How an item lies to the features of another layer; ``within`` and ``beyond`` a distance of the nearest."""

    INSIDE = "inside"
    OUTSIDE = "outside"
    WITHIN = "within"
    BEYOND = "beyond"


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


@dataclass(frozen=True, slots=True)
class Deadline:
    """Hours to the deadline of each unfinished item; negative where it is over.

    Args:
        finished_field: holds a value as soon as the item is done.
        due_field: holds the deadline; None where it is counted from ``start_field``.
        start_field: the threshold's hours count from here.
    """

    layer: str
    state: DeadlineState
    finished_field: str
    due_field: str | None = None
    start_field: str | None = None


@dataclass(frozen=True, slots=True)
class Category:
    """A field of each item holds one of these values; truth is written ``true`` and ``false``."""

    layer: str
    field: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NewEvent:
    """Items of the hours before: each by itself, or clusters of them.

    Args:
        at_field: date or moment of the event; a date begins at midnight in Vietnam.
        window_h: how long an event is new.
        min_count: events that make a cluster; 1 for each by itself.
        radius_m: no event of a cluster is further than this from another one of it, straight line on the map sheet.
    """

    layer: str
    at_field: str
    window_h: int
    min_count: int = 1
    radius_m: float | None = None


@dataclass(frozen=True, slots=True)
class Spatial:
    """How each item lies to the features of another layer; distances are geodesic metres."""

    layer: str
    relation: Relation
    target: str
    distance_m: float | None = None


SeriesTest = Constant | AgainstPlan | SamePeriod | Peers | Rolling | Change | RankDrop | Load | Anomaly
ItemTest = Deadline | Category | NewEvent | Spatial
Test = SeriesTest | ItemTest

TESTS: dict[str, type[Test]] = {
    "constant": Constant,
    "plan": AgainstPlan,
    "same_period": SamePeriod,
    "peers": Peers,
    "rolling": Rolling,
    "change": Change,
    "rank_drop": RankDrop,
    "load": Load,
    "deadline": Deadline,
    "category": Category,
    "new_event": NewEvent,
    "anomaly": Anomaly,
    "spatial": Spatial,
}


def shape_of(test: Test) -> str:
    """The word for the shape in definitions."""
    return next(name for name, kind in TESTS.items() if type(test) is kind)
