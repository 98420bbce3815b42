"""Merging an alert into another one of the same thing: both keep their history, one is worked on."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, text

from layers.access import Scope
from layers.rights import Action, Area
from scenarios.alerts.errors import AlertNotFound, NotMergeable

# Of two people who merge two alerts into each other, both wait here in the same order.
_LOCK_BOTH: Final = text("SELECT id FROM alerts.alerts WHERE id IN (:one, :other) ORDER BY id FOR UPDATE")
_OTHER: Final = text(
    "SELECT id, scenario, place_kind, place_layer, place_key, unit_code, state FROM alerts.alerts WHERE id = :id"
)
_HAS_MERGED: Final = text("SELECT EXISTS (SELECT FROM alerts.alerts WHERE merged_into = :id)")
_SEEN: Final = text("UPDATE alerts.alerts SET version = version + 1 WHERE id = :id")
_TELL: Final = text(
    "INSERT INTO alerts.steps (alert_id, number, actor, act, from_state, to_state, comment, at)"
    " SELECT :id, coalesce(max(number), 0) + 1, :actor, 'merged', :state, :state, :comment, :at"
    " FROM alerts.steps WHERE alert_id = :id"
)


def lock_both(connection: Connection, alert_id: int, into: int) -> None:
    """Holds both alerts until the transaction ends."""
    connection.execute(_LOCK_BOTH, {"one": alert_id, "other": into})


def merge_into(connection: Connection, scope: Scope, alert: Row[Any], into: int, at: datetime) -> None:
    """Notes in the history of the alert that stays which one is worked on with it.

    Args:
        connection: Owner or writer, in the transaction of the act; both alerts are locked.
        scope: Of whoever merges.
        alert: The one that is to be closed.
        into: Id of the one that stays.
        at: The moment of the act, aware UTC.

    Raises:
        AlertNotFound: The other one is none that the reader may see.
        NotMergeable: It is closed, the same, or of another scenario and place; or others were merged into this one.
    """
    other = connection.execute(_OTHER, {"id": into}).one_or_none()
    if other is None or not scope.may(Action.READ, Area.ALERTS, other.unit_code):
        raise AlertNotFound(into)
    has_merged = connection.execute(_HAS_MERGED, {"id": alert.id}).scalar_one()
    if other.id == alert.id or other.state == "closed" or has_merged or not _is_akin(alert, other):
        raise NotMergeable(alert.id, into)
    connection.execute(_SEEN, {"id": into})
    told = {"actor": scope.subject, "state": other.state, "comment": f"#{alert.id}", "at": at}
    connection.execute(_TELL, {"id": into, **told})


def _is_akin(alert: Row[Any], other: Row[Any]) -> bool:
    """Whether both are of one unit, and of the same scenario or the same place."""
    place = (alert.place_kind, alert.place_layer, alert.place_key)
    is_same_place = place == (other.place_kind, other.place_layer, other.place_key)
    return alert.unit_code == other.unit_code and (alert.scenario == other.scenario or is_same_place)
