"""What rules over features of layers look at: one value for each of their four shapes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, Final

Scalar = str | bool | int | float


@dataclass(frozen=True, slots=True)
class Match:
    """That a field holds one of these values; a field without a value matches none."""

    field: str
    values: tuple[Scalar, ...]


class Counted(StrEnum):
    """How the time to a deadline is counted: by the clock, or in worked days of the calendar."""

    HOURS = "hours"
    WORKED_DAYS = "worked_days"


class Relation(StrEnum):
    """How a feature lies to those of another layer: inside one, meeting one, within metres of one, meeting none."""

    WITHIN = "within"
    CROSSING = "crossing"
    NEAR = "near"
    OUTSIDE = "outside"


@dataclass(frozen=True, slots=True)
class Deadline:
    """The time that each unfinished item of a layer has left (negative when over), or has taken since its start.

    Exactly one of ``due`` and ``since`` is given. A date stands for the end of its day in Vietnam where it is a
    deadline, for its beginning where it is a start.

    Args:
        due: field of the deadline; the figure is the time left.
        since: field of the start; the figure is the time taken.
        finished: field that has a value once the item is finished.
        state, finished_states: field and its values that say so; what is finished is not judged.
        counted: hours, or worked days between the two days.
    """

    layer: str
    due: str | None = None
    since: str | None = None
    finished: str | None = None
    state: str | None = None
    finished_states: tuple[Scalar, ...] = ()
    counted: Counted = Counted.HOURS
    where: tuple[Match, ...] = ()


@dataclass(frozen=True, slots=True)
class Category:
    """Features whose field holds one of the values: each by itself, or their number at each place of the scope.

    Args:
        places: layer of the nodes or zones of the scope.
        metres: around a node.
    """

    layer: str
    field: str
    values: tuple[Scalar, ...]
    places: str | None = None
    metres: float | None = None
    where: tuple[Match, ...] = ()


@dataclass(frozen=True, slots=True)
class NewEvent:
    """Events that have begun and are not over: each by itself, in clusters, or their number at each place of the scope.

    At scope ``item`` with ``metres``, the figure of a cluster is the number of events within so many metres of its
    first one, itself among them. Of events that each have enough around them, the first of all within reach of one
    another tells of the cluster: of two such events within the metres, the earlier one (then the lesser key).

    Args:
        at: field of the moment of the event; one without a moment, or of later than now, is none.
        window_h: events are forgotten so many hours after their moment; None for as long as they are not over.
        metres: how near the events of a cluster are; around a node, at scope ``node``.
        places: layer of the nodes or zones of the scope.
        finished, state, finished_states: what says that an event is over, as for a deadline.
    """

    layer: str
    at: str
    window_h: int | None = None
    metres: float | None = None
    places: str | None = None
    finished: str | None = None
    state: str | None = None
    finished_states: tuple[Scalar, ...] = ()
    where: tuple[Match, ...] = ()


@dataclass(frozen=True, slots=True)
class Spatial:
    """Features of a layer by how they lie to those of another; the figure is the number of those others.

    Outside them all the figure is 1. A feature is not set against itself where both layers are one.

    Args:
        metres: of the relation ``near``, the limit included.
        other_where: keeps features of the other layer.
    """

    layer: str
    other: str
    relation: Relation
    metres: float | None = None
    where: tuple[Match, ...] = ()
    other_where: tuple[Match, ...] = ()


FeatureTest = Deadline | Category | NewEvent | Spatial

FEATURE_TESTS: Final[Mapping[str, type[FeatureTest]]] = {
    "deadline": Deadline,
    "category": Category,
    "new_event": NewEvent,
    "spatial": Spatial,
}


def feature_shape(test: FeatureTest) -> str:
    """The word for the shape in definitions."""
    return next(name for name, kind in FEATURE_TESTS.items() if type(test) is kind)


def layers_of(test: FeatureTest) -> tuple[str, ...]:
    """Slugs of the layers that a test reads, the one that it is about first."""
    named = (getattr(test, name, None) for name in ("layer", "places", "other"))
    return tuple(dict.fromkeys(slug for slug in named if slug))


def feature_document(value: Any) -> Any:
    """A test, or a part of one, as plain JSON that :func:`feature_from` reads again."""
    if isinstance(value, tuple):
        return [feature_document(item) for item in value]
    if isinstance(value, (FeatureTest, Match)):
        return {item.name: feature_document(getattr(value, item.name)) for item in fields(value)}
    return str(value) if isinstance(value, StrEnum) else value


def feature_from(shape: str, document: Mapping[str, Any]) -> FeatureTest:
    """The test that :func:`feature_document` wrote."""
    enums = {"counted": Counted, "relation": Relation}
    values: dict[str, Any] = {}
    for name, value in document.items():
        if name in ("where", "other_where"):
            values[name] = tuple(Match(item["field"], tuple(item["values"])) for item in value)
        elif name in enums and value is not None:
            values[name] = enums[name](value)
        else:
            values[name] = tuple(value) if isinstance(value, list) else value
    return FEATURE_TESTS[shape](**values)
