"""Reports as officers see them: those of the units in which they may read field reports, without who sent them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, text

from layers.access import Scope
from layers.rights import Action, Area, NotAllowed
from scenarios.photos.store import Photo, list_photos
from scenarios.reports.acting import ReportAct, possible_report_acts
from scenarios.reports.errors import ReportNotFound
from scenarios.reports.near import NearReport, find_near
from scenarios.reports.opening import may_open_reporter
from scenarios.reports.report import COLUMNS, Report, ReportState, report_from

MOST: Final = 1000
_LIST: Final = text(
    f"SELECT {COLUMNS} FROM reports.reports"  # noqa: S608 - the columns are a constant
    " WHERE (CAST(:units AS text[]) IS NULL OR unit_code = ANY (CAST(:units AS text[])))"
    " AND (CAST(:kind AS text) IS NULL OR kind = :kind)"
    " AND (CAST(:states AS text[]) IS NULL OR state = ANY (CAST(:states AS text[])))"
    " AND (CAST(:unit AS text) IS NULL OR unit_code = :unit)"
    " AND (CAST(:assignee AS text) IS NULL OR assignee = :assignee)"
    " AND (NOT :late OR coalesce(answered_at, closed_at, :at) >= due_at)"
    " AND (CAST(:before AS bigint) IS NULL OR id < :before)"
    " ORDER BY id DESC LIMIT :limit"
)
_ONE: Final = text(f"SELECT {COLUMNS} FROM reports.reports WHERE number = :number")  # noqa: S608 - as above
_STEPS: Final = text(
    "SELECT number, actor, act, from_state, to_state, comment, at FROM reports.steps"
    " WHERE report_id = :id ORDER BY number, report_id"
)
_NUMBER_OF: Final = text("SELECT number FROM reports.reports WHERE id = :id")
_HAS_REPORTER: Final = text("SELECT EXISTS (SELECT FROM reports.reporters WHERE report_id = :id)")


@dataclass(frozen=True, slots=True)
class ReportFilter:
    """Which reports are wanted; what is not given leaves all.

    Attributes:
        before: Only reports with a smaller id: the last one of the page before.
    """

    kind: str | None = None
    states: tuple[ReportState, ...] = ()
    unit_code: str | None = None
    assignee: str | None = None
    is_late: bool = False
    before: int | None = None


@dataclass(frozen=True, slots=True)
class TakenReportStep:
    """One thing that somebody did with a report."""

    number: int
    actor: str
    act: str
    from_state: str | None
    to_state: str
    comment: str
    at: datetime


@dataclass(frozen=True, slots=True)
class WholeReport:
    """A report with its history, oldest first, its photos, reports like it nearby, and what the reader may do.

    Attributes:
        duplicate_of: Number of the report that it was joined to.
        has_reporter: Whether the sender said who they are.
        may_open_reporter: Whether the reader may open that.
    """

    report: Report
    steps: tuple[TakenReportStep, ...]
    photos: tuple[Photo, ...]
    near: tuple[NearReport, ...]
    acts: tuple[ReportAct, ...]
    duplicate_of: str | None
    has_reporter: bool
    may_open_reporter: bool


def list_reports(
    connection: Connection, scope: Scope, wanted: ReportFilter, at: datetime, *, limit: int = 100
) -> list[Report]:
    """Reports that match and that the reader may see, newest first, at most :data:`MOST`.

    Raises:
        NotAllowed: The reader may read field reports in no unit at all.
    """
    if not scope.may_somewhere(Action.READ, Area.FIELD_REPORTS):
        raise NotAllowed(Action.READ, Area.FIELD_REPORTS)
    units = scope.units_of(Action.READ, Area.FIELD_REPORTS)
    values = {
        "units": None if units is None else sorted(units),
        "kind": wanted.kind,
        "states": [state.value for state in wanted.states] or None,
        "unit": wanted.unit_code,
        "assignee": wanted.assignee,
        "late": wanted.is_late,
        "at": at,
        "before": wanted.before,
        "limit": min(limit, MOST),
    }
    return [report_from(row) for row in connection.execute(_LIST, values).mappings()]


def get_report(connection: Connection, scope: Scope, number: str) -> Report:
    """One report.

    Raises:
        ReportNotFound: There is none, or none that the reader may see.
    """
    row = connection.execute(_ONE, {"number": number}).mappings().one_or_none()
    if row is None or not scope.may(Action.READ, Area.FIELD_REPORTS, row["unit_code"]):
        raise ReportNotFound
    return report_from(row)


def read_report(connection: Connection, scope: Scope, number: str) -> WholeReport:
    """One report with all that officers know of it.

    Args:
        connection: In a transaction that sees one state of the database (REPEATABLE READ), or that has locked the
            report.
        scope: The reader's.
        number: The report's.

    Raises:
        ReportNotFound: There is none, or none that the reader may see.
    """
    report = get_report(connection, scope, number)
    steps = connection.execute(_STEPS, {"id": report.id}).mappings()
    joined: str | None = connection.execute(_NUMBER_OF, {"id": report.duplicate_of}).scalar_one_or_none()
    return WholeReport(
        report,
        tuple(TakenReportStep(**step) for step in steps),
        tuple(list_photos(connection, "report", report.id)),
        tuple(find_near(connection, report, scope.units_of(Action.READ, Area.FIELD_REPORTS))),
        possible_report_acts(scope, report.unit_code, report.state),
        joined,
        bool(connection.execute(_HAS_REPORTER, {"id": report.id}).scalar_one()),
        may_open_reporter(scope, report.unit_code),
    )
