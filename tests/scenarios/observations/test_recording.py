"""Values come in once, by period, with their corrections; a bad row keeps no other out."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from app.database import Database
from layers.access import Grant, Scope
from layers.rights import Action, Area, NotAllowed, Right
from scenarios.indicators.catalogue import get_indicator
from scenarios.observations.observation import Kept, Observation, Recorded
from scenarios.observations.reading import Freshness, Value, ValueFilter, list_newest, list_values
from scenarios.observations.recording import record_observations
from tests.layers.ask_world import commune_code
from tests.layers.conftest import store

__all__ = ["store"]
pytestmark = pytest.mark.db
HERE, THERE = commune_code(0, 0), commune_code(1, 0)
NOW = datetime(2026, 3, 20, 3, 0, tzinfo=UTC)
LATE = "documents-late-share"


def _scope(*actions: Action, units: frozenset[str] | None = frozenset({HERE, THERE})) -> Scope:
    return Scope("sender", (Grant(Right(frozenset(actions), areas=frozenset({Area.INDICATORS})), units),))


SENDER = _scope(Action.READ, Action.EDIT)


@pytest.fixture
def writer(store: Database) -> Iterator[Engine]:
    engine = store.engine("diaban_writer")
    yield engine
    engine.dispose()


def _row(value: float, *, indicator: str = LATE, place: str = HERE, at: datetime = NOW, **more: object) -> Observation:
    return Observation(indicator, place, at, value, **more)  # type: ignore[arg-type]


def _record(writer: Engine, *rows: Observation, at: datetime = NOW, scope: Scope = SENDER, **more: Kept) -> Recorded:
    with writer.begin() as connection:
        return record_observations(connection, scope, rows, at, source="test", **more)


def _values(writer: Engine, code: str, place: str, known_at: datetime = NOW) -> list[Value]:
    wanted = ValueFilter(datetime(2000, 1, 1, tzinfo=UTC), NOW + timedelta(days=9), known_at, place)
    with writer.connect() as connection:
        return list_values(connection, SENDER, get_indicator(code), wanted)


class TestTaking:
    def test_the_same_again_changes_nothing_and_another_value_is_a_further_version(self, writer: Engine) -> None:
        later, code = NOW + timedelta(days=1), "satisfaction-score"
        first = _record(writer, _row(80.0, indicator=code))
        again = _record(writer, _row(80.0, indicator=code), at=later)
        other = _record(writer, _row(81.5, indicator=code), at=later)
        assert [(one.added, one.corrected, one.same) for one in (first, again, other)] == [
            (1, 0, 0), (0, 0, 1), (0, 1, 0),
        ]  # fmt: skip
        assert [(v.value, v.version) for v in _values(writer, code, HERE, later)] == [(81.5, 2)]
        assert [(v.value, v.version) for v in _values(writer, code, HERE, NOW)] == [(80.0, 1)]

    def test_a_value_stands_at_the_first_moment_of_its_period_in_vietnam(self, writer: Engine) -> None:
        code = "staff-count"
        _record(writer, _row(40, indicator=code, at=datetime(2026, 2, 28, 17, 30, tzinfo=UTC)))
        assert [v.at for v in _values(writer, code, HERE)] == [datetime(2026, 2, 28, 17, tzinfo=UTC)]

    def test_out_of_order_and_twice_in_one_batch_the_last_counts(self, writer: Engine) -> None:
        code = "residence-changes"
        days = [NOW - timedelta(days=n) for n in (1, 5, 3)]
        done = _record(
            writer,
            *(_row(n, indicator=code, at=day) for n, day in enumerate(days)),
            _row(9, indicator=code, at=days[0]),
        )
        assert done.added == 3
        assert [v.value for v in _values(writer, code, HERE)] == [9, 2, 1]

    def test_a_clock_set_back_does_not_make_a_correction_older(self, writer: Engine) -> None:
        code = "budget-revenue"
        month = NOW - timedelta(days=30)
        _record(writer, _row(1, indicator=code, at=month))
        assert _record(writer, _row(2, indicator=code, at=month), at=NOW - timedelta(hours=1)).corrected == 1
        (value,) = _values(writer, code, HERE)
        assert (value.value, value.received_at) == (2, NOW)

    def test_a_place_of_its_own_is_made_with_who_answers_for_it(self, writer: Engine) -> None:
        code = "air-quality-index"
        sensor = _row(110, indicator=code, place="tram-1", unit_code=HERE, lon=106.1, lat=21.0)
        assert _record(writer, sensor).added == 1
        # Known by now, so that nobody has to say again where it stands.
        assert _record(writer, _row(120, indicator=code, place="tram-1", at=NOW - timedelta(hours=2))).added == 1
        assert {v.unit_code for v in _values(writer, code, "tram-1")} == {HERE}

    def test_targets_may_lie_ahead(self, writer: Engine) -> None:
        ahead = _row(100, indicator="budget-revenue", at=NOW + timedelta(days=200))
        assert _record(writer, ahead, kept=Kept.TARGET).added == 1
        assert _record(writer, ahead).refused[0].field == "at"


class TestRefusing:
    BAD = (
        ("indicator", {"indicator": "documents-late-shares"}),
        ("place", {"place": "00001"}),
        ("place", {"place": "16000\x00"}),
        ("value", {"value": math.nan}),
        ("value", {"value": math.inf}),
        ("value", {"value": 101.0}),
        ("unit", {"unit": "hồ sơ"}),
        ("at", {"at": NOW + timedelta(hours=1)}),
        ("at", {"at": datetime(2026, 3, 1)}),  # noqa: DTZ001 - what a sender forgets
        ("at", {"at": datetime(1800, 1, 1, tzinfo=UTC)}),
        ("unit_code", {"indicator": "air-quality-index", "place": "tram-mới", "value": 5.0}),
        ("lon", {"indicator": "air-quality-index", "place": "tram-x", "value": 5.0, "unit_code": HERE, "lon": 106.0}),
    )

    def test_each_bad_row_is_told_and_the_good_ones_are_in(self, writer: Engine) -> None:
        good = _row(3.0, at=NOW - timedelta(days=40))
        bad = [_row(**{"value": 1.0, **changes}) for _, changes in self.BAD]  # type: ignore[arg-type]
        done = _record(writer, *bad, good)
        assert done.added == 1
        assert [(row.row, row.field) for row in done.refused] == [
            (number, field) for number, (field, _) in enumerate(self.BAD, 1)
        ]
        assert all(row.vi and row.en for row in done.refused)

    def test_one_bad_row_among_very_many_keeps_none_out(self, writer: Engine) -> None:
        begin = datetime(2020, 1, 1, tzinfo=UTC)
        rows = [_row(n % 100, at=begin + timedelta(hours=n)) for n in range(20_000)]
        done = _record(writer, *rows[:5000], _row(math.nan), *rows[5000:])
        assert (done.added, [row.row for row in done.refused]) == (20_000, [5001])

    def test_another_unit_s_values_need_the_right_there(self, writer: Engine) -> None:
        scope = _scope(Action.EDIT, units=frozenset({HERE}))
        done = _record(writer, _row(2.0, place=THERE), _row(2.0, at=NOW - timedelta(days=70)), scope=scope)
        assert (done.added, [row.field for row in done.refused]) == (1, ["place"])
        with pytest.raises(NotAllowed):
            _record(writer, _row(2.0), scope=_scope(Action.READ))


class TestFreshness:
    def test_late_and_missing_are_visible(self, writer: Engine) -> None:
        code = "digital-signing-share"
        _record(writer, _row(95.0, indicator=code, at=NOW - timedelta(days=2)), at=NOW)
        with writer.connect() as connection:
            newest = {one.place: one for one in list_newest(connection, SENDER, get_indicator(code), NOW)}
            weeks_later = list_newest(connection, SENDER, get_indicator(code), NOW + timedelta(days=21))
            hidden = list_newest(connection, _scope(Action.READ, units=frozenset({THERE})), get_indicator(code), NOW)
        assert (newest[HERE].freshness, newest[HERE].value) == (Freshness.LATE, 95.0)
        assert newest[THERE].freshness is Freshness.MISSING
        assert {one.place: one.freshness for one in weeks_later}[HERE] is Freshness.STALE
        assert [one.place for one in hidden] == [THERE]
