"""A rule run over history: what it would have told, with its own limit and with others, leaving nothing behind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from app.database import Database
from layers.access import Grant, Scope
from layers.rights import Action, Area, NotAllowed, Right
from scenarios.evaluation import backtest
from scenarios.evaluation.backtest import BackTest, Trial, back_test
from scenarios.evaluation.errors import RuleNotEvaluable, RuleNotFound, ThresholdNeeded, TooManyMoments
from scenarios.loader import get_scenario
from scenarios.observations.observation import Observation
from scenarios.observations.recording import record_observations
from scenarios.outcomes import Standing
from scenarios.rules.speech import Speech
from scenarios.rules.standing import Limit, State, next_state
from tests.layers.ask_world import commune_code
from tests.layers.conftest import store

__all__ = ["store"]
pytestmark = pytest.mark.db
HERE, THERE = commune_code(0, 0), commune_code(1, 0)
ADMIN = Scope.local_admin()
START, HOUR = datetime(2026, 4, 1, 0, 0, tzinfo=UTC), timedelta(hours=1)
LATER = START + timedelta(days=30)
TRIAL = Trial(START, START + timedelta(days=2), LATER)


@pytest.fixture
def engine(store: Database) -> Iterator[Engine]:
    """The writer's engine on a store without observations."""
    owner = store.engine("diaban_owner")
    with owner.begin() as connection:
        tables = "observing.places, observing.series, observing.observations, observing.targets, judging.standings"
        connection.execute(text(f"TRUNCATE {tables}"))
    owner.dispose()
    made = store.engine("diaban_writer")
    yield made
    made.dispose()


def send(engine: Engine, values: list[float], place: str = HERE, received_at: datetime = LATER) -> None:
    rows = [Observation("documents-late-share", place, START + hour * HOUR, value) for hour, value in enumerate(values)]
    with engine.begin() as connection:
        assert record_observations(connection, ADMIN, rows, received_at, source="test").refused == ()


def run(engine: Engine, trial: Trial = TRIAL, scope: Scope = ADMIN, rule: str = "T16") -> BackTest:
    with engine.connect() as connection:
        return back_test(connection, scope, get_scenario("S11"), rule, trial)


def spans(found: BackTest) -> list[tuple[str, int, int | None, float, float]]:
    return [
        (
            one.place.key,
            (one.began_at - START) // HOUR,
            None if one.ended_at is None else (one.ended_at - START) // HOUR,
            one.first,
            one.worst,
        )
        for one in found.episodes
    ]


def test_says_when_where_and_how_long(engine: Engine) -> None:
    send(engine, [1, 6, 9, 7, 2, 8])
    send(engine, [9, 1, 1, 1, 1, 1], THERE)
    found = run(engine)
    assert spans(found) == [(THERE, 0, 1, 9, 9), (HERE, 1, 4, 6, 9), (HERE, 5, None, 8, 8)]
    assert (found.moments, found.places, found.operator, found.threshold) == (6, 2, ">", 5.0)
    assert [one.hours(TRIAL.until) for one in found.episodes] == [1, 3, 43]
    point = found.episodes[1].place
    assert point.lon is not None
    assert point.lat is not None


def test_another_limit_hysteresis_and_duration_are_tried(engine: Engine) -> None:
    send(engine, [1, 6, 9, 7, 2, 8])
    assert spans(run(engine, replace(TRIAL, threshold=8))) == [(HERE, 2, 3, 9, 9)]
    assert spans(run(engine, replace(TRIAL, operator="<", threshold=2))) == [(HERE, 0, 1, 1, 1)]
    assert spans(run(engine, replace(TRIAL, clear=1.5))) == [(HERE, 1, None, 6, 9)]
    assert spans(run(engine, replace(TRIAL, min_duration_h=2))) == [(HERE, 1, 4, 7, 7)]


def test_leaves_nothing_behind_and_may_be_run_again(engine: Engine) -> None:
    send(engine, [6, 9])
    assert run(engine).episodes == run(engine).episodes != ()
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM judging.standings")).scalar_one() == 0


def test_only_the_readers_units_are_told(engine: Engine) -> None:
    send(engine, [6])
    send(engine, [7], THERE)
    right = Right(frozenset({Action.READ}), areas=frozenset({Area.INDICATORS}))
    found = run(engine, scope=Scope("reader", (Grant(right, frozenset({THERE})),)))
    assert ([one.place.key for one in found.episodes], found.places) == ([THERE], 1)
    with pytest.raises(NotAllowed):
        run(engine, scope=Scope("guest"))


def test_corrections_that_came_later_can_be_left_out(engine: Engine) -> None:
    send(engine, [6])
    send(engine, [4], received_at=LATER + HOUR)
    assert spans(run(engine)) == [(HERE, 0, None, 6, 6)]
    assert spans(run(engine, replace(TRIAL, known_at=LATER + HOUR))) == []


def test_what_cannot_be_run_is_said(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RuleNotFound, match="T61"):
        run(engine, rule="T61")
    with pytest.raises(RuleNotEvaluable), engine.connect() as connection:
        back_test(connection, ADMIN, get_scenario("S30"), "T40", TRIAL)
    with pytest.raises(ThresholdNeeded), engine.connect() as connection:
        back_test(connection, ADMIN, get_scenario("S10"), "T14", TRIAL)
    send(engine, [1, 2, 3])
    monkeypatch.setattr(backtest, "MOST_MOMENTS", 2)
    with pytest.raises(TooManyMoments):
        run(engine)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(st.integers(0, 10), min_size=12, max_size=12), duration=st.sampled_from([0.0, 1.0, 3.0]))
def test_agrees_with_the_plain_meaning(engine: Engine, values: list[int], duration: float) -> None:
    """Episodes are the stretches in which the state machine in Python says that the condition holds.

    Each example corrects the values of the one before.
    """
    send(engine, [float(value) for value in values], received_at=LATER)
    trial = replace(TRIAL, min_duration_h=duration, clear=3.0)
    state: State | None = None
    expected, held = [], None
    for hour, value in enumerate(values):
        at = START + hour * HOUR
        state = next_state(state, Decimal(value), Limit(">", 5.0, 3.0), Speech(min_duration_h=duration), at)
        if state.standing is Standing.HOLDS and held is None:
            held = (state.since_at - START) // HOUR
        elif state.standing is not Standing.HOLDS and held is not None:
            expected.append((held, hour))
            held = None
    if held is not None:
        expected.append((held, None))
    found = run(engine, trial)
    assert [(began, ended) for _, began, ended, _, _ in spans(found)] == expected
