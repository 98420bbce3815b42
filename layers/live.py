"""Live events: what has just happened, who may be told of it, and a reader's place in the sequence."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection, text

from layers.access import Scope
from layers.definition import Sensitivity
from layers.rights import Action

if TYPE_CHECKING:
    from asyncpg import Record

LIVE_CHANNEL: Final = "diaban_live"
KEPT: Final = timedelta(days=1)
"""How long events are kept for those who were away."""
MOST_AT_ONCE: Final = 500
"""Whoever has missed more than so many events is better off reading everything anew."""

_COLUMNS: Final = "id, kind, recipient, actions, target, unit_code, object_id, detail::text AS detail, at"
_SINCE: Final = "xid >= pg_snapshot_xmin(since) AND NOT pg_visible_in_snapshot(xid, since)"
# Both snapshots are those of this one statement, so that no event falls between two looks or into both.
NEWS_SQL: Final = f"""
SELECT look.now::text AS snapshot, pg_snapshot_xmax(look.now) < pg_snapshot_xmax(look.since) AS went_back, {_COLUMNS}
FROM (SELECT pg_current_snapshot() AS now, CAST($1::text AS pg_snapshot) AS since) AS look
LEFT JOIN live.events ON {_SINCE} ORDER BY id LIMIT {MOST_AT_ONCE + 1}
"""  # noqa: S608 - constants
MISSED_SQL: Final = f"""
SELECT {_COLUMNS} FROM live.events,
    (SELECT CAST($1::text AS pg_snapshot) AS since, CAST($2::text AS pg_snapshot) AS upto) AS look
WHERE {_SINCE} AND pg_visible_in_snapshot(xid, upto) ORDER BY id LIMIT {MOST_AT_ONCE + 1}
"""  # noqa: S608 - constants
REACHES_SQL: Final = """
SELECT pg_snapshot_xmin(since) > xid AND pg_snapshot_xmax(since) <= pg_snapshot_xmax(pg_current_snapshot())
FROM live.horizon, (SELECT CAST($1::text AS pg_snapshot) AS since) AS look
"""
_PRUNE: Final = text(
    "WITH gone AS (DELETE FROM live.events WHERE at < now() - CAST(:kept AS interval) RETURNING xid)"
    " UPDATE live.horizon SET xid = newest.xid FROM (SELECT xid FROM gone ORDER BY xid DESC LIMIT 1) AS newest"
    " WHERE newest.xid > horizon.xid"
)
_PLACE: Final = re.compile(r"(\d{1,19}):(\d{1,19}):((?:\d{1,19}(?:,\d{1,19}){0,200})?)")
_BIGGEST: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class LiveEvent:
    """Something that has just happened.

    Attributes:
        recipient: A subject who is told of it whatever rights they hold.
        actions: Who may do one of these to the target, for the unit, is told of it too.
        target: Slug of a layer or an area; None where only the recipient is told.
        object_id: What it happened to.
    """

    id: int
    kind: str
    recipient: str | None
    actions: tuple[Action, ...]
    target: str | None
    unit_code: str | None
    object_id: str
    detail: Mapping[str, Any]
    at: datetime


def event_from(row: Record) -> LiveEvent:
    """The event of a row of :data:`NEWS_SQL` or :data:`MISSED_SQL`."""
    return LiveEvent(
        row["id"],
        row["kind"],
        row["recipient"],
        tuple(Action(word) for word in row["actions"] or ()),
        row["target"],
        row["unit_code"],
        row["object_id"],
        json.loads(row["detail"]),
        row["at"],
    )


def is_for(event: LiveEvent, scope: Scope, sensitivity_of: Callable[[str], Sensitivity | None]) -> bool:
    """Whether the reader may be told of an event.

    Args:
        event: The event.
        scope: The reader's.
        sensitivity_of: The sensitivity of a layer that exists.
    """
    if event.recipient is not None and event.recipient == scope.subject:
        return True
    if event.target is None:
        return False
    if event.actions == (Action.READ,) and not event.target.startswith("@"):
        # That a layer has a new revision is seen by everybody who sees anything of the layer.
        sensitivity = sensitivity_of(event.target)
        return sensitivity is not None and scope.reach(event.target, sensitivity).exists
    return any(scope.may(action, event.target, event.unit_code) for action in event.actions)


def is_place(value: str) -> bool:
    """Whether a text from outside is a snapshot as PostgreSQL writes it, fit to be sent to the database."""
    found = _PLACE.fullmatch(value)
    if found is None:
        return False
    first, end = int(found[1]), int(found[2])
    going_on = [int(number) for number in found[3].split(",")] if found[3] else []
    is_sorted = all(one < other for one, other in itertools.pairwise(going_on))
    return 0 < first <= end <= _BIGGEST and is_sorted and all(first <= number < end for number in going_on)


def prune_events(connection: Connection, kept: timedelta = KEPT) -> None:
    """Deletes events older than those kept, and remembers how far back readers may still come."""
    connection.execute(_PRUNE, {"kept": kept})
