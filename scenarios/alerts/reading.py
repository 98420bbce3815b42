"""Alerts as they are shown: those of the units in which the reader may read alerts, and no others."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, text

from layers.access import Scope
from layers.rights import Action, Area, NotAllowed
from scenarios.alerts.errors import AlertNotFound
from scenarios.alerts.lifecycle import Act, State, possible_acts
from scenarios.outcomes import Level, PlaceKind, Standing
from scenarios.photos.store import Photo, list_photos

MOST: Final = 1000
_COLUMNS: Final = (
    "id, scenario, rule, rule_version, place_kind, place_layer, place_key, unit_code, lon, lat, level, standing, state,"
    " version, since_at, opened_at, evaluated_at, cleared_at, closed_at, value, threshold, assignee, rating,"
    " merged_into"
)
_LIST: Final = text(
    f"SELECT {_COLUMNS} FROM alerts.alerts"  # noqa: S608 - the columns are a constant
    " WHERE (CAST(:units AS text[]) IS NULL OR unit_code = ANY (CAST(:units AS text[])))"
    " AND (CAST(:scenario AS text) IS NULL OR scenario = :scenario)"
    " AND (CAST(:standing AS text) IS NULL OR standing = :standing)"
    " AND (CAST(:states AS text[]) IS NULL OR state = ANY (CAST(:states AS text[])))"
    " AND (CAST(:unit AS text) IS NULL OR unit_code = :unit)"
    " AND (CAST(:before AS bigint) IS NULL OR id < :before)"
    " ORDER BY id DESC LIMIT :limit"
)
_ONE: Final = text(f"SELECT {_COLUMNS} FROM alerts.alerts WHERE id = :id")  # noqa: S608 - the columns are a constant
_EVIDENCE: Final = text(
    "SELECT at, rule_version, standing, level, value, threshold, evidence FROM alerts.evidence"
    " WHERE alert_id = :id ORDER BY at, alert_id"
)
_STEPS: Final = text(
    "SELECT number, actor, act, from_state, to_state, comment, at FROM alerts.steps"
    " WHERE alert_id = :id ORDER BY number, alert_id"
)
_MERGED: Final = text("SELECT id FROM alerts.alerts WHERE merged_into = :id ORDER BY id")


@dataclass(frozen=True)
class AlertFilter:
    """Which alerts are wanted; what is not given leaves all.

    Args:
        states: Any of these; empty for all.
        unit_code: The commune or province that answers for the place, exactly.
        before: Only alerts with a smaller id: the last one of the page before.
    """

    scenario: str | None = None
    standing: Standing | None = None
    states: tuple[State, ...] = ()
    unit_code: str | None = None
    before: int | None = None


@dataclass(frozen=True)
class ListedAlert:
    """An alert as it stands now; ``place_layer`` is empty for an admin unit, lon and lat are WGS 84 degrees."""

    id: int
    scenario: str
    rule: str
    rule_version: int
    place_kind: PlaceKind
    place_layer: str
    place_key: str
    unit_code: str
    lon: float | None
    lat: float | None
    level: Level
    standing: Standing
    state: State
    version: int
    since_at: datetime
    opened_at: datetime
    evaluated_at: datetime
    cleared_at: datetime | None
    closed_at: datetime | None
    value: float | None
    threshold: float | None
    assignee: str | None
    rating: int | None
    merged_into: int | None


@dataclass(frozen=True)
class FrozenEvidence:
    """What the rule said at a moment, and by what it was told."""

    at: datetime
    rule_version: int
    standing: Standing
    level: Level
    value: float | None
    threshold: float | None
    evidence: dict[str, Any]


@dataclass(frozen=True)
class TakenStep:
    """One thing that a person, or the evaluation (actor ``rules``), did with an alert."""

    number: int
    actor: str
    act: str
    from_state: State | None
    to_state: State
    comment: str
    at: datetime


@dataclass(frozen=True)
class WholeAlert:
    """An alert with its evidence, steps and photos, oldest first, and the acts that the reader may do next.

    Attributes:
        merged: Ids of the alerts that were merged into this one.
    """

    alert: ListedAlert
    evidence: tuple[FrozenEvidence, ...]
    steps: tuple[TakenStep, ...]
    acts: tuple[Act, ...]
    photos: tuple[Photo, ...]
    merged: tuple[int, ...]


def list_alerts(connection: Connection, scope: Scope, wanted: AlertFilter, *, limit: int = 100) -> list[ListedAlert]:
    """Alerts that match and that the reader may see, newest first, at most :data:`MOST`.

    Raises:
        NotAllowed: The reader may read alerts in no unit at all.
    """
    if not scope.may_somewhere(Action.READ, Area.ALERTS):
        raise NotAllowed(Action.READ, Area.ALERTS)
    units = scope.units_of(Action.READ, Area.ALERTS)
    values = {
        "units": None if units is None else sorted(units),
        "scenario": wanted.scenario,
        "standing": wanted.standing.value if wanted.standing else None,
        "states": [state.value for state in wanted.states] or None,
        "unit": wanted.unit_code,
        "before": wanted.before,
        "limit": min(limit, MOST),
    }
    return [_listed(row) for row in connection.execute(_LIST, values).mappings()]


def read_alert(connection: Connection, scope: Scope, alert_id: int) -> WholeAlert:
    """One alert with all that is known of it.

    Args:
        connection: In a transaction that sees one state of the database (REPEATABLE READ), or that has locked the
            alert; otherwise a step taken meanwhile may be shown with the version before it.
        scope: The reader's.
        alert_id: The alert.

    Raises:
        AlertNotFound: There is none, or none that the reader may see.
    """
    row = connection.execute(_ONE, {"id": alert_id}).mappings().one_or_none()
    if row is None or not scope.may(Action.READ, Area.ALERTS, row["unit_code"]):
        raise AlertNotFound(alert_id)
    alert = _listed(row)
    evidence = connection.execute(_EVIDENCE, {"id": alert_id}).mappings()
    steps = connection.execute(_STEPS, {"id": alert_id}).mappings()
    return WholeAlert(
        alert,
        tuple(
            FrozenEvidence(**{**e, "standing": Standing(e["standing"]), "level": Level(e["level"])}) for e in evidence
        ),
        tuple(_taken(step) for step in steps),
        possible_acts(scope, alert.unit_code, alert.state),
        tuple(list_photos(connection, "alert", alert_id)),
        tuple(connection.execute(_MERGED, {"id": alert_id}).scalars()),
    )


def _listed(row: Any) -> ListedAlert:
    words = {
        "place_kind": PlaceKind(row["place_kind"]),
        "level": Level(row["level"]),
        "standing": Standing(row["standing"]),
        "state": State(row["state"]),
    }
    return ListedAlert(**{**row, **words})


def _taken(row: Any) -> TakenStep:
    before = State(row["from_state"]) if row["from_state"] else None
    return TakenStep(**{**row, "from_state": before, "to_state": State(row["to_state"])})
