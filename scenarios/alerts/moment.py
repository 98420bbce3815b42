"""Alerts as they stood at a moment, told by their frozen evidence and steps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, text

from layers.access import Scope
from layers.rights import Action, Area, NotAllowed
from scenarios.alerts.lifecycle import State
from scenarios.outcomes import Level, PlaceKind, Standing

# What an alert says at a moment stands in the last evidence before it, where it is worked on in the last step.
_SQL: Final = text("""
SELECT a.id, a.rule, a.place_kind, a.place_layer, a.place_key, a.unit_code, a.lon, a.lat, e.level, e.standing,
       coalesce(s.to_state, 'open') AS state, a.opened_at, e.value, e.threshold
FROM alerts.alerts a
CROSS JOIN LATERAL (
    SELECT level, standing, value, threshold FROM alerts.evidence
    WHERE alert_id = a.id AND at <= :at ORDER BY at DESC LIMIT 1
) e
LEFT JOIN LATERAL (
    SELECT to_state FROM alerts.steps WHERE alert_id = a.id AND at <= :at ORDER BY number DESC LIMIT 1
) s ON true
WHERE a.scenario = :scenario AND a.opened_at <= :at AND (a.closed_at IS NULL OR a.closed_at > :at)
AND (CAST(:units AS text[]) IS NULL OR a.unit_code = ANY (CAST(:units AS text[])))
ORDER BY CASE e.level WHEN 'alarm' THEN 1 WHEN 'warning' THEN 2 ELSE 3 END, a.opened_at DESC, a.id LIMIT :limit
""")


@dataclass(frozen=True, slots=True)
class AlertThen:
    """An alert that was not closed at a moment, as it stood; lon and lat are WGS 84 degrees."""

    id: int
    rule: str
    place_kind: PlaceKind
    place_layer: str
    place_key: str
    unit_code: str
    lon: float | None
    lat: float | None
    level: Level
    standing: Standing
    state: State
    opened_at: datetime
    value: float | None
    threshold: float | None


def list_alerts_at(connection: Connection, scope: Scope, scenario: str, at: datetime, *, limit: int) -> list[AlertThen]:
    """Alerts of a scenario that the reader may see and that were not closed at a moment, gravest first.

    Raises:
        NotAllowed: The reader may read alerts in no unit at all.
    """
    if not scope.may_somewhere(Action.READ, Area.ALERTS):
        raise NotAllowed(Action.READ, Area.ALERTS)
    units = scope.units_of(Action.READ, Area.ALERTS)
    values = {"scenario": scenario, "at": at, "units": None if units is None else sorted(units), "limit": limit}
    return [
        AlertThen(
            **{
                **row,
                "place_kind": PlaceKind(row["place_kind"]),
                "level": Level(row["level"]),
                "standing": Standing(row["standing"]),
                "state": State(row["state"]),
            }
        )
        for row in connection.execute(_SQL, values).mappings()
    ]
