"""Late reports are told once; addresses are forgotten; the seal holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from sqlalchemy import Connection, Engine, text

from app.database import Database
from layers.access import Scope
from layers.notices import list_notices
from scenarios.reports.acting import ReportAct, ReportStep, act_on_report
from scenarios.reports.errors import BadReport, TooManyReports
from scenarios.reports.flood import WINDOW, count_attempt, prune_attempts
from scenarios.reports.intake import NewReport, Receipt, receive_report
from scenarios.reports.lateness import tell_late_reports
from scenarios.reports.routing import ReportPlace
from scenarios.reports.sealing import Reporter, SealingKey, open_sealing_key
from scenarios.work.calendar import WorkCalendar
from tests.layers.ask_world import SOUTH, WEST

pytestmark = pytest.mark.db
START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
CALENDAR = WorkCalendar()
KEY = SealingKey(bytes(range(32)))
LEADER = Scope.local_admin()


@pytest.fixture(scope="module")
def engine(copy_database: Callable[[str], Database], world_template: str) -> Iterator[Engine]:
    engine = copy_database(world_template).engine("diaban_writer")
    yield engine
    engine.dispose()


@pytest.fixture
def writer(engine: Engine) -> Iterator[Connection]:
    """A connection whose transaction leaves nothing behind."""
    with engine.connect() as connection:
        yield connection


def _receive(connection: Connection, at: datetime = START) -> Receipt:
    new = NewReport("waste", "Rác", ReportPlace(WEST + 0.01, SOUTH + 0.01))
    return receive_report(connection, KEY, new, at, CALENDAR, actor="public")


def _late_notices(connection: Connection) -> list[str]:
    return [n.message.vi for n in list_notices(connection, LEADER) if n.message.kind == "report_late"]


class TestLateness:
    def test_is_told_from_the_hour_on_and_once(self, writer: Connection) -> None:
        receipt = _receive(writer)
        day = timedelta(hours=24)
        assert tell_late_reports(writer, START + day - timedelta(seconds=1)) == 0
        assert tell_late_reports(writer, START + day) == 1
        assert tell_late_reports(writer, START + 2 * day) == 0
        assert _late_notices(writer) == [f"Phản ánh {receipt.number} đã quá hạn xử lý (Địa chính - Môi trường)."]

    def test_one_that_was_answered_is_not_late(self, writer: Connection) -> None:
        number = _receive(writer).number
        steps = (
            ReportStep(ReportAct.ROUTE, 1),
            ReportStep(ReportAct.START, 2),
            ReportStep(ReportAct.ANSWER, 3, "Đã dọn."),
        )
        for step in steps:
            act_on_report(writer, LEADER, number, step, START + timedelta(hours=1), CALENDAR)
        assert tell_late_reports(writer, START + timedelta(days=9)) == 0

    def test_a_day_off_changes_nothing(self, writer: Connection) -> None:
        # 24 hours are by the clock: Saturday and Sunday count.
        saturday = datetime(2026, 3, 7, 2, 0, tzinfo=UTC)
        assert _receive(writer, saturday).due_at == saturday + timedelta(hours=24)


class TestAttempts:
    def test_count_again_after_the_window(self, writer: Connection) -> None:
        for minute in range(3):
            count_attempt(writer, KEY, "192.0.2.1", START + timedelta(minutes=minute), 3)
        with pytest.raises(TooManyReports):
            count_attempt(writer, KEY, "192.0.2.1", START + timedelta(minutes=3), 3)
        count_attempt(writer, KEY, "::ffff:192.0.2.2", START, 3)
        count_attempt(writer, KEY, "192.0.2.1", START + WINDOW, 3)

    def test_are_forgotten_when_over(self, writer: Connection) -> None:
        count_attempt(writer, KEY, "192.0.2.1", START, 3)
        assert prune_attempts(writer, START + WINDOW) == 0
        assert prune_attempts(writer, START + WINDOW + timedelta(seconds=1)) == 1
        assert writer.execute(text("SELECT count(*) FROM reports.attempts")).scalar_one() == 0


class TestSeal:
    def test_holds_for_one_report_and_one_key(self) -> None:
        sealed = KEY.seal(Reporter("Nguyễn Thị Kín", "0912"), "PA260302-00000001")
        assert KEY.open(sealed, "PA260302-00000001").name == "Nguyễn Thị Kín"
        with pytest.raises(InvalidTag):
            KEY.open(sealed, "PA260302-00000002")
        with pytest.raises(InvalidTag):
            SealingKey(bytes(32)).open(sealed, "PA260302-00000001")

    def test_a_reporter_is_not_printed(self) -> None:
        assert "Kín" not in repr(Reporter("Nguyễn Thị Kín", "0912"))
        assert "Kín" not in repr(NewReport("waste", "x", ReportPlace(), Reporter("Nguyễn Thị Kín")))

    def test_the_key_is_made_once_for_its_owner_only(self, tmp_path: Path) -> None:
        path = tmp_path / "secrets" / "reports.key"
        sealed = open_sealing_key(path).seal(Reporter("A"), "N")
        assert path.stat().st_mode & 0o777 == 0o600
        assert open_sealing_key(path).open(sealed, "N") == Reporter("A")
        assert list(path.parent.iterdir()) == [path]

    def test_a_file_that_is_no_key_stops_with_words(self, tmp_path: Path) -> None:
        path = tmp_path / "reports.key"
        path.write_bytes(b"c2hvcnQ=")
        with pytest.raises(BadReport, match=r"reports\.key"):
            open_sealing_key(path)


def test_the_database_refuses_what_must_not_be(writer: Connection) -> None:
    report = _receive(writer)
    for change in ("state = 'closed'", "state = 'answered'", "rating = 6", "rating = 3", "duplicate_of = id"):
        with pytest.raises(Exception, match="check constraint"), writer.begin_nested():
            writer.execute(text(f"UPDATE reports.reports SET {change} WHERE id = :id"), {"id": report.id})
