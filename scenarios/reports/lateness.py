"""Reports that are late are told to whoever approves their assignment, once."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import Connection, text

from layers.audit import Event, record_event
from layers.notices import Audience, Message, add_notice
from layers.rights import Action, Area

RULES: Final = "rules"
MOST_AT_ONCE: Final = 500
_LATE: Final = text(
    "UPDATE reports.reports SET told_late_at = :at WHERE id IN (SELECT id FROM reports.reports WHERE due_at <= :at"
    " AND told_late_at IS NULL AND state IN ('received', 'routed', 'in_progress')"
    " ORDER BY due_at, id LIMIT :most FOR UPDATE SKIP LOCKED) RETURNING number, unit_code, office"
)


def tell_late_reports(connection: Connection, at: datetime) -> int:
    """Tells leaders of reports that have become late, each once; returns how many.

    Args:
        connection: Owner or writer, in a transaction.
        at: Now, aware UTC.
    """
    late = connection.execute(_LATE, {"at": at, "most": MOST_AT_ONCE}).all()
    for row in late:
        message = Message(
            "report_late",
            f"Phản ánh {row.number} đã quá hạn xử lý ({row.office}).",
            f"Field report {row.number} is late ({row.office}).",
            f"/desk/reports/{row.number}",
        )
        add_notice(connection, Audience(Action.APPROVE, Area.FIELD_REPORTS, row.unit_code), message)
        record_event(connection, Event(RULES, "report_late", "report", row.number, unit_code=row.unit_code))
    return len(late)
