"""Who sent a report is forgotten after its time, and not before."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from app.database import Database
from layers.access import Scope
from scenarios.reports.acting import ReportAct, ReportStep, act_on_report
from scenarios.reports.forgetting import forget_reporters
from scenarios.reports.intake import NewReport, receive_report
from scenarios.reports.routing import ReportPlace
from scenarios.reports.sealing import Reporter, SealingKey
from scenarios.work.calendar import WorkCalendar
from tests.layers.ask_world import SOUTH, WEST

pytestmark = pytest.mark.db
CLOSED = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
KEPT = timedelta(days=365)
CALENDAR = WorkCalendar()


def test_from_the_day_on_of_closed_reports_only(copy_database: Callable[[str], Database], world_template: str) -> None:
    engine = copy_database(world_template).engine("diaban_writer")
    with engine.connect() as connection:
        numbers = [
            receive_report(
                connection,
                SealingKey(bytes(32)),
                NewReport("waste", "Rác", ReportPlace(WEST + 0.01, SOUTH + 0.01), Reporter("Kín", "0912")),
                CLOSED,
                CALENDAR,
                actor="public",
            ).number
            for _ in range(3)
        ]
        admin = Scope.local_admin()
        for number in numbers[:2]:
            act_on_report(connection, admin, number, ReportStep(ReportAct.DECLINE, 1, "Không đúng"), CLOSED, CALENDAR)
        act_on_report(connection, admin, numbers[1], ReportStep(ReportAct.REOPEN, 2, "Có"), CLOSED, CALENDAR)
        assert forget_reporters(connection, CLOSED + KEPT - timedelta(seconds=1), KEPT) == 0
        assert forget_reporters(connection, CLOSED + KEPT, KEPT) == 1
        assert forget_reporters(connection, CLOSED + 9 * KEPT, KEPT) == 0
        left = connection.execute(
            text(
                "SELECT report.number FROM reports.reporters JOIN reports.reports AS report ON report.id = report_id"
                " ORDER BY report.id"
            )
        ).scalars()
        assert list(left) == numbers[1:]
        event = connection.execute(text("SELECT action, detail::text FROM audit.events ORDER BY id DESC LIMIT 1")).one()
        assert tuple(event) == ("reporters_forgotten", '{"count": 1}')
    engine.dispose()
