"""Forgets who sent a report some time after it was closed: names are kept as long as somebody may have to ask."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, text

from layers.audit import Event, record_event

RULES: Final = "rules"
MOST_AT_ONCE: Final = 1000
_FORGET: Final = text(
    "DELETE FROM reports.reporters WHERE report_id IN (SELECT reporter.report_id FROM reports.reporters AS reporter"
    " JOIN reports.reports AS report ON report.id = reporter.report_id WHERE report.closed_at <= :before"
    " ORDER BY report.closed_at, report.id LIMIT :most) RETURNING report_id"
)


def forget_reporters(connection: Connection, at: datetime, kept: timedelta) -> int:
    """Deletes name and telephone number of whoever sent reports that were closed so long ago; returns how many.

    A report that was opened again has not been closed. The audit trail keeps how many, at most :data:`MOST_AT_ONCE`
    at a time.

    Args:
        connection: Owner or writer, in a transaction.
        at: Now, aware UTC.
        kept: How long they are kept after the closing.
    """
    values = {"before": at - kept, "most": MOST_AT_ONCE}
    count = len(connection.execute(_FORGET, values).all())
    if count:
        record_event(connection, Event(RULES, "reporters_forgotten", "report", "reporters", detail={"count": count}))
    return count
