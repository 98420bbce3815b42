"""Shares of late and of dissatisfying reports, recorded as the indicators that the rules of S12 look at."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Final

from sqlalchemy import Connection, text

from layers.access import Grant, Scope
from layers.rights import Action, Area, Right
from scenarios.observations.observation import Observation, Recorded
from scenarios.observations.recording import record_observations
from scenarios.work.calendar import at_local, local_day

LATE: Final = "citizen-reports-late-share"
DISSATISFIED: Final = "citizen-reports-dissatisfied-share"
# The source says neither over which time the late share is taken; a month keeps one report from being all of it.
LOOKED_BACK: Final = timedelta(days=30)
CONTENT_FROM: Final = 3
_LATE_SQL: Final = text(
    "SELECT unit_code, 100.0 * count(*) FILTER (WHERE due_at <= coalesce(answered_at, closed_at, :at)) / count(*)"
    " AS share FROM reports.reports WHERE due_at > :since AND due_at <= :at"
    " AND ending IS DISTINCT FROM 'duplicate' GROUP BY unit_code ORDER BY unit_code"
)
_RATED_SQL: Final = text(
    "SELECT unit_code, 100.0 * count(*) FILTER (WHERE rating < :content) / count(*) AS share"
    " FROM reports.reports WHERE rated_at >= :since AND rated_at <= :at GROUP BY unit_code ORDER BY unit_code"
)
_SCOPE: Final = Scope(
    "field-reports", (Grant(Right(frozenset({Action.EDIT}), areas=frozenset({Area.INDICATORS})), None),)
)


def record_shares(connection: Connection, at: datetime) -> Recorded:
    """Records both shares of every commune that has them; one that has not changed is not recorded again.

    Late: of the reports that were due in the last thirty days, those not answered in time, as the value of the day.
    Dissatisfied: of the ratings of this month so far, those of 1 and 2, as the value of the month.

    Args:
        connection: The writer's, in a transaction.
        at: Now, aware UTC.
    """
    month = at_local(local_day(at).replace(day=1), time(0))
    late = connection.execute(_LATE_SQL, {"since": at - LOOKED_BACK, "at": at}).all()
    rated = connection.execute(_RATED_SQL, {"since": month, "at": at, "content": CONTENT_FROM}).all()
    rows = [Observation(LATE, row.unit_code, at, _share(row.share)) for row in late]
    rows += [Observation(DISSATISFIED, row.unit_code, at, _share(row.share)) for row in rated]
    return record_observations(connection, _SCOPE, rows, source="field-reports")


def _share(value: object) -> float:
    return round(float(str(value)), 2)
