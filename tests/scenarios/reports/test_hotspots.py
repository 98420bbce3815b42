"""Where reports crowd, against the time before; shares as indicators."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from pyproj import Geod
from sqlalchemy import Connection, Engine, text

from app.database import Database
from layers.access import Grant, Scope
from layers.rights import Action, Area, NotAllowed, Right
from scenarios.reports.acting import ReportAct, ReportStep, act_on_report
from scenarios.reports.hotspots import SpotQuestion, count_by_kind, find_hot_spots
from scenarios.reports.intake import NewReport, Receipt, receive_report
from scenarios.reports.own import rate_report
from scenarios.reports.routing import ReportPlace
from scenarios.reports.sealing import SealingKey
from scenarios.reports.shares import DISSATISFIED, LATE, record_shares
from scenarios.work.calendar import WorkCalendar
from tests.layers.ask_world import SIZE, SOUTH, WEST, commune_code

pytestmark = pytest.mark.db
NOW = datetime(2026, 3, 30, 5, 0, tzinfo=UTC)
CALENDAR = WorkCalendar()
KEY = SealingKey(bytes(32))
ALL = Scope.local_admin()
HERE, ELSEWHERE = commune_code(0, 0), commune_code(3, 3)
LON, LAT = WEST + 0.05, SOUTH + 0.05
STEP = 0.0009  # degrees of longitude, about 99 m here
_GEOD = Geod(ellps="WGS84")


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


def _receive(
    connection: Connection, lon: float, lat: float = LAT, *, kind: str = "waste", days_ago: float = 3
) -> Receipt:
    new = NewReport(kind, "Rác", ReportPlace(lon, lat))
    return receive_report(connection, KEY, new, NOW - timedelta(days=days_ago), CALENDAR, actor="public")


def _metres(lon: float, other: float) -> float:
    """Geodesic metres between two points of the parallel that the reports lie on."""
    return float(_GEOD.inv(lon, LAT, other, LAT)[2])


def _question(**changes: object) -> SpotQuestion:
    values = {"since": NOW - timedelta(days=30), "until": NOW, "radius_m": 150.0, "least": 3, **changes}
    return SpotQuestion(**values)  # type: ignore[arg-type]


class TestHotSpots:
    def test_are_chains_of_close_reports_of_one_kind(self, writer: Connection) -> None:
        for number in range(4):
            _receive(writer, LON + number * STEP)
        _receive(writer, LON, kind="flood")
        _receive(writer, LON + 0.02)
        (spot,) = find_hot_spots(writer, ALL, _question())
        assert (spot.kind, spot.unit_code, spot.count, spot.before) == ("waste", HERE, 4, 0)
        middle = LON + 1.5 * STEP
        assert (spot.lon, spot.lat) == (pytest.approx(middle, abs=1e-6), pytest.approx(LAT, abs=1e-6))
        expected = _metres(middle, LON)
        assert spot.spread_m == pytest.approx(expected, rel=1e-6)

    def test_fall_apart_where_the_radius_is_smaller_than_their_gaps(self, writer: Connection) -> None:
        gap = _metres(LON, LON + STEP)
        for number in range(3):
            _receive(writer, LON + number * STEP)
        assert len(find_hot_spots(writer, ALL, _question(radius_m=gap + 0.5))) == 1
        assert find_hot_spots(writer, ALL, _question(radius_m=gap - 0.5)) == []

    def test_are_compared_with_the_time_before_at_the_same_place(self, writer: Connection) -> None:
        for number in range(3):
            _receive(writer, LON + number * STEP / 3)
        for days in (31, 45, 59.9):
            _receive(writer, LON, days_ago=days)
        _receive(writer, LON, days_ago=61)
        _receive(writer, LON, days_ago=40, kind="flood")
        _receive(writer, LON + 0.02, days_ago=40)
        (spot,) = find_hot_spots(writer, ALL, _question())
        assert (spot.count, spot.before) == (3, 3)

    def test_leave_out_what_was_declined_and_what_the_reader_may_not_see(self, writer: Connection) -> None:
        numbers = [_receive(writer, LON + number * STEP / 3).number for number in range(3)]
        reading = Right(frozenset({Action.READ}), areas=frozenset({Area.FIELD_REPORTS}))
        elsewhere = Scope("x", (Grant(reading, frozenset({ELSEWHERE})),))
        assert find_hot_spots(writer, elsewhere, _question()) == []
        assert count_by_kind(writer, elsewhere, _question()) == []
        with pytest.raises(NotAllowed):
            find_hot_spots(writer, Scope.public(), _question())
        act_on_report(writer, ALL, numbers[0], ReportStep(ReportAct.DECLINE, 1, "Không đúng"), NOW, CALENDAR)
        assert find_hot_spots(writer, ALL, _question()) == []

    def test_without_reports_there_are_none(self, writer: Connection) -> None:
        assert find_hot_spots(writer, ALL, _question()) == []
        assert count_by_kind(writer, ALL, _question()) == []

    def test_filters_hold(self, writer: Connection) -> None:
        for lon, lat in ((LON, LAT), (WEST + SIZE - 0.01, SOUTH + SIZE - 0.01)):
            for _ in range(3):
                _receive(writer, lon, lat)
        found = {spot.unit_code: spot.count for spot in find_hot_spots(writer, ALL, _question())}
        assert found == {HERE: 3, ELSEWHERE: 3}
        assert [s.unit_code for s in find_hot_spots(writer, ALL, _question(unit_code=HERE))] == [HERE]
        assert find_hot_spots(writer, ALL, _question(kind="flood")) == []
        assert find_hot_spots(writer, ALL, _question(least=4)) == []


class TestCounts:
    def test_tell_count_late_and_before(self, writer: Connection) -> None:
        answered = _receive(writer, LON, days_ago=3)
        for step in (
            ReportStep(ReportAct.ROUTE, 1),
            ReportStep(ReportAct.START, 2),
            ReportStep(ReportAct.ANSWER, 3, "Xong"),
        ):
            act_on_report(writer, ALL, answered.number, step, NOW - timedelta(days=2.5), CALENDAR)
        _receive(writer, LON, days_ago=2)
        _receive(writer, LON, days_ago=0.5)
        _receive(writer, LON, days_ago=40)
        (count,) = count_by_kind(writer, ALL, _question())
        assert (count.unit_code, count.kind, count.count, count.late, count.before) == (HERE, "waste", 3, 1, 1)


class TestShares:
    def _values(self, connection: Connection, indicator: str) -> dict[str, float]:
        rows = connection.execute(
            text(
                "SELECT place.key, observation.value FROM observing.observations AS observation"
                " JOIN observing.series ON series.id = observation.series_id"
                " JOIN observing.places AS place ON place.id = series.place_id"
                " WHERE series.indicator = :indicator AND observation.superseded_at IS NULL"
            ),
            {"indicator": indicator},
        )
        return {row.key: row.value for row in rows}

    def test_are_recorded_for_each_commune_that_has_any(self, writer: Connection) -> None:
        for days in (3, 5, 40):
            _receive(writer, LON, days_ago=days)
        good = _receive(writer, LON, days_ago=2)
        for step in (
            ReportStep(ReportAct.ROUTE, 1),
            ReportStep(ReportAct.START, 2),
            ReportStep(ReportAct.ANSWER, 3, "Xong"),
        ):
            act_on_report(writer, ALL, good.number, step, NOW - timedelta(days=1.5), CALENDAR)
        rate_report(writer, good.number, good.code, 2, NOW)
        recorded = record_shares(writer, NOW)
        assert (recorded.added, recorded.refused) == (2, ())
        assert self._values(writer, LATE) == {HERE: 66.67}
        assert self._values(writer, DISSATISFIED) == {HERE: 100.0}
        assert record_shares(writer, NOW).same == 2

    def test_without_reports_nothing_is_recorded(self, writer: Connection) -> None:
        assert record_shares(writer, NOW).added == 0
