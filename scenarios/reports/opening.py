"""Opening the seal on who sent a report: with a right of its own, a reason, and an event each time."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, text

from layers.access import Scope, joined
from layers.audit import Event, record_event
from layers.rights import Action, Area, Attributes, NotAllowed
from scenarios.reports.errors import ReportActIncomplete, ReporterUnknown, ReportNotFound
from scenarios.reports.sealing import Reporter, Sealed, SealingKey

MAX_REASON: Final = 500
_ONE: Final = text(
    "SELECT report.id, report.unit_code, reporter.nonce, reporter.sealed FROM reports.reports AS report"
    " LEFT JOIN reports.reporters AS reporter ON reporter.report_id = report.id WHERE report.number = :number"
)


def may_open_reporter(scope: Scope, unit_code: str) -> bool:
    """Whether the reader may learn who sent reports of a commune: READ on them with personal attributes."""
    units = joined(
        grant.units
        for grant in scope.grants
        if Action.READ in grant.right.actions
        and Area.FIELD_REPORTS in grant.right.areas
        and grant.right.attributes is Attributes.PERSONAL
    )
    return units is None or unit_code in units


def open_reporter(
    connection: Connection, key: SealingKey, scope: Scope, number: str, reason: str, *, source: str | None = None
) -> Reporter:
    """Name and telephone number of whoever sent a report; the audit trail keeps who looked, and why.

    Raises:
        ReportNotFound: There is no such report, or none that the reader may see.
        NotAllowed: The reader may see it, but not who sent it.
        ReportActIncomplete: No reason was given.
        ReporterUnknown: The sender did not say.
    """
    row = connection.execute(_ONE, {"number": number}).one_or_none()
    if row is None or not scope.may(Action.READ, Area.FIELD_REPORTS, row.unit_code):
        raise ReportNotFound
    if not may_open_reporter(scope, row.unit_code):
        raise NotAllowed(Action.READ, Area.FIELD_REPORTS)
    said = reason.strip()
    if not said or len(said) > MAX_REASON or "\x00" in said:
        raise ReportActIncomplete("open", "reason")
    if row.sealed is None:
        raise ReporterUnknown(number)
    event = Event(
        scope.subject,
        "reporter_opened",
        "report",
        number,
        unit_code=row.unit_code,
        source=source,
        detail={"reason": said},
    )
    record_event(connection, event)
    return key.open(Sealed(bytes(row.nonce), bytes(row.sealed)), number)
