"""What one evaluation of a rule says about one place: the values that rules hand on to alerts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class PlaceKind(StrEnum):
    """What a rule is told about: an admin unit, a feature of a layer, a node, a project, a sensor or a cluster."""

    UNIT = "unit"
    FEATURE = "feature"
    NODE = "node"
    PROJECT = "project"
    SENSOR = "sensor"
    CLUSTER = "cluster"


class Standing(StrEnum):
    """What the rule says: its condition holds, it does not, or there is no figure to tell by."""

    HOLDS = "holds"
    CLEAR = "clear"
    NO_SIGNAL = "no_signal"


class Level(StrEnum):
    """How grave an alert is, from lowest to highest."""

    NOTICE = "notice"
    WARNING = "warning"
    ALARM = "alarm"


@dataclass(frozen=True)
class Place:
    """One place that a rule judges.

    Args:
        key: unit code, feature key, or the key of the node, project, sensor or cluster.
        layer: the layer that the key belongs to, None for an admin unit.
        unit_code: the commune, or the province, that answers for the place; rights follow it.
        lon, lat: WGS 84 degrees of a point inside the place, None where it has no geometry.
    """

    kind: PlaceKind
    key: str
    unit_code: str
    layer: str | None = None
    lon: float | None = None
    lat: float | None = None


@dataclass(frozen=True)
class Outcome:
    """What one rule of one scenario says about one place at one moment, with what it was told by.

    Hysteresis, minimum duration and the like have been applied: ``standing`` is what an alert follows.

    Args:
        scenario: code of the scenario, ``S01``…
        rule: key of the rule inside its scenario.
        rule_version: version of the scenario's definition that the rule was taken from.
        since: the moment from which the standing holds, aware UTC.
        value, threshold: in the indicator's unit; None where there is none.
        evidence: frozen facts as JSON (layer revisions, observation versions, query, parts of the value), enough
            to evaluate the rule again and get the same value; nothing personal.
    """

    scenario: str
    rule: str
    rule_version: int
    place: Place
    standing: Standing
    level: Level
    at: datetime
    since: datetime
    value: float | None = None
    threshold: float | None = None
    evidence: Mapping[str, object] = field(default_factory=dict)
