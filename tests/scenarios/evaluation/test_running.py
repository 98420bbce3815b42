"""From an observation to an alert and back: the rules of the sources over values of communes, projects and sensors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, text

from app.database import Database
from layers.access import Scope
from scenarios.alerts.reading import AlertFilter, ListedAlert, list_alerts, read_alert
from scenarios.evaluation import running
from scenarios.evaluation.judging import judged_rules
from scenarios.evaluation.replay import replay_alert
from scenarios.evaluation.running import evaluable_scenarios, evaluate_due
from scenarios.loader import get_scenario, load_builtin
from scenarios.observations.observation import Kept, Observation
from scenarios.observations.recording import record_observations
from scenarios.outcomes import Standing
from scenarios.rules.shape import SERIES_TESTS, shape_of
from scenarios.work.calendar import WorkCalendar
from tests.layers.ask_world import commune_code
from tests.layers.conftest import store

__all__ = ["store"]
pytestmark = pytest.mark.db
HERE, THERE = commune_code(0, 0), commune_code(1, 0)
ADMIN = Scope.local_admin()
START = datetime(2026, 4, 1, 2, 0, tzinfo=UTC)
NONE, MONTH = timedelta(), timedelta(days=31)


@dataclass
class Room:
    """An operations centre with a clock that a test turns."""

    engine: Engine
    now: datetime = START

    def send(self, indicator: str, value: float, *, place: str = HERE, ago: timedelta = NONE, **more: object) -> None:
        kept = Kept(more.pop("kept", Kept.OBSERVATION))
        row = Observation(indicator, place, self.now - ago, value, **more)  # type: ignore[arg-type]
        with self.engine.begin() as connection:
            done = record_observations(connection, ADMIN, [row], self.now, source="test", kept=kept)
        assert done.refused == ()

    def evaluate(self, after: timedelta = timedelta(minutes=1)) -> list[str]:
        """Lets time pass and evaluates what is due; returns the scenarios."""
        self.now += after
        return [done.scenario for done in evaluate_due(self.engine, lambda: self.now, WorkCalendar())]

    def alerts(self, scenario: str, rule: str, place: str = HERE) -> list[ListedAlert]:
        with self.engine.connect() as connection:
            found = list_alerts(connection, ADMIN, AlertFilter(scenario=scenario), limit=1000)
        return [one for one in found if (one.rule, one.place_key) == (rule, place)]


@pytest.fixture
def room(store: Database) -> Iterator[Room]:
    """The room of one test: what others have observed is gone."""
    engine = store.engine("diaban_writer")
    owner = store.engine("diaban_owner")
    with owner.begin() as connection:
        for tables in (
            "observing.places, observing.series, observing.observations, observing.targets",
            "judging.standings, judging.evaluations, judging.changes",
            "tasks.tasks, tasks.steps, alerts.alerts, alerts.evidence, alerts.steps",
        ):
            connection.execute(text(f"TRUNCATE {tables}"))
    owner.dispose()
    made = Room(engine)
    made.evaluate()
    yield made
    engine.dispose()


class TestThresholds:
    def test_documents_late_above_five_percent_raise_an_alert_that_clears_below(self, room: Room) -> None:
        room.send("documents-late-share", 5.0)
        assert room.evaluate() == ["S11"]
        assert room.alerts("S11", "T16") == []
        room.send("documents-late-share", 6.5)
        room.evaluate()
        (alert,) = room.alerts("S11", "T16")
        assert (alert.value, alert.threshold, alert.standing, alert.unit_code) == (6.5, 5.0, Standing.HOLDS, HERE)
        room.now += timedelta(hours=1)
        room.send("documents-late-share", 4.0)
        room.evaluate()
        (cleared,) = room.alerts("S11", "T16")
        assert (cleared.id, cleared.standing) == (alert.id, Standing.CLEAR)

    # Scenario and rule, what is observed as (indicator, value, months ago, kept), and the figure that passes the limit.
    CASES = (
        ("S20", "T11", (("budget-revenue", 100, 0, "target"), ("budget-revenue", 89, 0, "observation")), 89.0),
        ("S20", "T10", (("budget-spending", 100, 0, "target"), ("budget-spending", 101, 0, "observation")), 1.0),
        ("S22", "T24", (("staff-count", 50, 1, "observation"), ("staff-count", 44, 0, "observation")), 12.0),
        ("S23", "T01", (("unclean-population-share", 5.1, 0, "observation"),), 5.1),
        ("S11", "T17", (("digital-signing-share", 89.9, 0, "observation"),), 89.9),
        ("S12", "T26", (("citizen-reports-late-share", 5.5, 0, "observation"),), 5.5),
        (
            "S12",
            "T27",
            (
                ("citizen-reports-dissatisfied-share", 5, 1, "observation"),
                ("citizen-reports-dissatisfied-share", 15.5, 0, "observation"),
            ),
            10.5,
        ),
    )

    @pytest.mark.parametrize(("scenario", "rule", "seen", "figure"), CASES, ids=[f"{c[0]}-{c[1]}" for c in CASES])
    def test_of_a_commune(
        self, room: Room, scenario: str, rule: str, seen: tuple[tuple[str, float, int, str], ...], figure: float
    ) -> None:
        for indicator, value, months, kept in seen:
            room.send(indicator, value, ago=months * MONTH, kept=kept)
        room.evaluate()
        assert [alert.value for alert in room.alerts(scenario, rule)] == [figure]

    def test_of_places_of_their_own(self, room: Room) -> None:
        project = {"place": "DA-1", "unit_code": HERE, "lon": 106.1, "lat": 21.0}
        room.send("disbursement-share", 49.9, **project)
        room.send("construction-progress", 80, kept=Kept.TARGET, **project)
        room.send("construction-progress", 69.9, **project)
        bed = {"place": "BV-1", "unit_code": THERE}
        room.send("beds-planned", 100, **bed)
        room.send("beds-occupied", 111, **bed)
        for months, count in ((3, 10), (2, 10), (1, 10), (0, 12)):
            room.send("traffic-incidents-month", count, place="nut-1", unit_code=HERE, ago=months * MONTH)
        room.evaluate()
        found = {
            rule: [(alert.value, alert.lon) for alert in room.alerts(scenario, rule, place)]
            for scenario, rule, place in (
                ("S19", "T09", "DA-1"), ("S07", "T07", "DA-1"), ("S26", "T23", "BV-1"), ("S04", "T05", "nut-1"),
            )
        }  # fmt: skip
        assert found == {
            "T09": [(49.9, 106.1)], "T07": [(-10.1, 106.1)], "T23": [(111.0, None)], "T05": [(20.0, None)],
        }  # fmt: skip

    def test_below_the_mean_of_the_others_and_ranks_lost(self, room: Room) -> None:
        year = timedelta(days=366)
        for place, before, now in ((HERE, 90, 60), (THERE, 80, 81)):
            room.send("component-index", before, place=place, ago=year)
            room.send("component-index", now, place=place)
        room.evaluate()
        assert [alert.value for alert in room.alerts("S09", "T31")] == [1.0]
        assert [alert.value for alert in room.alerts("S09", "T32")] == [-10.5]
        assert room.alerts("S09", "T32", THERE) == []

    def test_an_empty_threshold_is_never_guessed(self, room: Room) -> None:
        room.send("air-quality-index", 999, place="tram-1", unit_code=HERE)
        room.send("dossiers-late-share", 100)
        room.evaluate()
        assert room.alerts("S37", "T33", "tram-1") == room.alerts("S10", "T14") == []


class TestEvidence:
    def test_tells_what_was_seen_and_gives_the_same_again_after_corrections(self, room: Room) -> None:
        room.send("documents-late-share", 6.5)
        room.evaluate()
        (alert,) = room.alerts("S11", "T16")
        room.now += timedelta(minutes=1)
        room.send("documents-late-share", 7.25)
        room.evaluate()
        with room.engine.connect() as connection:
            whole = read_alert(connection, ADMIN, alert.id)
            replayed = replay_alert(connection, ADMIN, alert.id)
        first = whole.evidence[0].evidence
        assert (first["unit"], first["value"], first["version"]) == ("%", 6.5, 1)
        assert first["stated"] == "Tỷ lệ văn bản xử lý quá hạn > 5%"
        assert [(one.frozen, one.is_passed, one.is_same) for one in replayed] == [
            ("6.500000000", True, True), ("7.250000000", True, True),
        ]  # fmt: skip

    def test_a_value_changed_behind_its_back_is_found_out(self, room: Room, store: Database) -> None:
        room.send("documents-late-share", 6.5)
        room.evaluate()
        (alert,) = room.alerts("S11", "T16")
        owner = store.engine("diaban_owner")
        with owner.begin() as connection:
            connection.execute(text("UPDATE observing.observations SET value = 6.4"))
        with room.engine.connect() as connection:
            assert [one.is_same for one in replay_alert(connection, ADMIN, alert.id)] == [False]
        owner.dispose()


class TestDue:
    def test_only_what_uses_the_indicator_and_everything_every_two_hours(self, room: Room) -> None:
        assert room.evaluate() == []
        room.send("staff-count", 40)
        assert room.evaluate() == ["S22"]
        assert room.evaluate() == []
        with room.engine.connect() as connection:
            every = sorted(evaluable_scenarios(connection, room.now))
        assert room.evaluate(timedelta(hours=2)) == every

    def test_after_a_standstill_the_newest_is_judged_once(self, room: Room) -> None:
        for hours in range(200, 0, -1):
            room.send("documents-late-share", 50 if hours > 1 else 1, ago=timedelta(hours=hours))
        room.evaluate(timedelta(days=2))
        assert room.alerts("S11", "T16") == []

    def test_a_value_that_stops_coming_is_no_signal(self, room: Room) -> None:
        room.send("documents-late-share", 9)
        room.evaluate()
        room.evaluate(timedelta(hours=4))
        (alert,) = room.alerts("S11", "T16")
        assert alert.standing is Standing.NO_SIGNAL

    def test_one_scenario_that_fails_stops_no_other_and_is_tried_later(
        self, room: Room, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        whole = running.judge

        def fails(connection: object, judged: object, at: datetime) -> object:
            if getattr(judged, "scenario", "") == "S11":
                raise RuntimeError("broken")
            return whole(connection, judged, at)  # type: ignore[arg-type]

        monkeypatch.setattr(running, "judge", fails)
        room.send("documents-late-share", 9)
        room.send("unclean-population-share", 9)
        assert room.evaluate() == ["S23"]
        monkeypatch.undo()
        assert room.evaluate(timedelta(seconds=10)) == []
        assert room.evaluate() == ["S11"]
        assert len(room.alerts("S11", "T16")) == 1

    def test_two_evaluators_at_once_raise_one_alert(self, room: Room) -> None:
        room.send("documents-late-share", 9)
        with room.engine.begin() as connection:
            running.evaluate(connection, get_scenario("S11"), lambda: room.now, WorkCalendar())
            with room.engine.begin() as other:
                assert running.evaluate(other, get_scenario("S11"), lambda: room.now, WorkCalendar()) is None
        assert len(room.alerts("S11", "T16")) == 1


def test_every_numeric_threshold_of_the_sources_over_values_is_evaluated() -> None:
    judged = [judged for scenario in load_builtin().values() for judged in judged_rules(scenario)]
    rules = {one.rule.register for one in judged}
    assert {"T01", "T05", "T07", "T09", "T10", "T11", "T16", "T17", "T23", "T24", "T26", "T27"} <= rules
    # No source gives a figure for an anomaly.
    assert {shape_of(one.test) for one in judged} == set(SERIES_TESTS) - {"anomaly"}
