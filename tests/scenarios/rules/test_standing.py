"""Property: figure after figure, the SQL keeps the state that its meaning in Python gives."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, text

from scenarios.outcomes import Standing
from scenarios.rules.series import read_text
from scenarios.rules.speech import Quiet, Speech
from scenarios.rules.standing import Limit, State, is_quiet, next_state

START = datetime(2026, 3, 1, 10, tzinfo=UTC)
_STATEMENT = text(
    "WITH figures AS (SELECT 'unit' AS kind, '' AS layer, '99901' AS key, '99901' AS unit_code, 106.0 AS lon,"
    " 21.0 AS lat, 1 AS series_id, now() AS observed_at, 1 AS version, 1.0 AS value, 1.0 AS other, now() AS other_at,"
    " 1 AS other_version, 1 AS samples, CAST(NULL AS jsonb) AS detail, CAST(:figure AS numeric) AS figure"
    " WHERE :is_present)" + read_text("standing")
)
_KEPT = text(
    "SELECT standing, since_at, condition_since_at, is_engaged, told_at FROM judging.standings WHERE rule = 'T99'"
)
CLOCKS = st.sampled_from([time(17), time(18), time(20), time(0)])
SPEECHES = st.builds(
    Speech,
    min_duration_h=st.sampled_from([0.0, 1.0, 3.0]),
    rate_limit_h=st.sampled_from([0.0, 4.0]),
    quiet=st.none() | st.builds(Quiet, CLOCKS, CLOCKS),
)
LIMITS = st.one_of(
    st.builds(Limit, st.sampled_from([">", ">="]), st.just(10.0), st.none() | st.just(8.0)),
    st.builds(Limit, st.sampled_from(["<", "<="]), st.just(10.0), st.none() | st.just(12.0)),
    st.just(Limit()),
)
FIGURES = st.none() | st.sampled_from([Decimal(number) for number in ("7", "8", "9", "10", "10.000000001", "11", "12")])


def tell(connection: Connection, figure: Decimal | None, limit: Limit, speech: Speech, at: datetime) -> list[str]:
    """One step by SQL; returns the standings that an alert would be told."""
    values = {
        "figure": figure,
        "is_present": True,
        "scenario": "S99",
        "rule": "T99",
        "absent_is_clear": False,
        "operator": limit.operator,
        "limit": limit.number,
        "clear": limit.clear,
        "at": at,
        "min_duration": timedelta(hours=speech.min_duration_h),
        "rate_limit": timedelta(hours=speech.rate_limit_h),
        "is_quiet": is_quiet(speech.quiet, at),
    }
    return [row.standing for row in connection.execute(_STATEMENT, values)]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(FIGURES, st.integers(1, 5)), min_size=1, max_size=8), limit=LIMITS, speech=SPEECHES)
def test_sql_and_python_agree(
    observing: Engine, steps: list[tuple[Decimal | None, int]], limit: Limit, speech: Speech
) -> None:
    state: State | None = None
    at = START
    with observing.connect() as connection:
        for figure, hours in steps:
            at += timedelta(hours=hours)
            told = tell(connection, figure, limit, speech, at)
            before, state = state, next_state(state, figure, limit, speech, at)
            row = connection.execute(_KEPT).one()
            assert State(Standing(row[0]), *row[1:]) == state
            is_new = before is not None and before.standing is not state.standing
            assert told == ([state.standing.value] if state.standing is Standing.HOLDS or is_new else [])
        connection.rollback()


def test_one_episode_has_one_beginning_through_silence() -> None:
    limit, speech = Limit(">", 10.0, clear=8.0), Speech(min_duration_h=1.0)
    state = None
    told = []
    for hour, figure in enumerate(["11", "12", None, "9", "8", "9", "11"]):
        value = None if figure is None else Decimal(figure)
        state = next_state(state, value, limit, speech, START + timedelta(hours=hour))
        told.append((state.standing.value, (state.since_at - START) // timedelta(hours=1)))
    assert told == [
        ("clear", 0),
        ("holds", 0),
        ("no_signal", 2),
        ("holds", 0),
        ("clear", 4),
        ("clear", 4),
        ("clear", 4),
    ]


def test_what_begins_at_night_is_told_in_the_morning() -> None:
    night = Speech(quiet=Quiet(time(22), time(6)))
    state = next_state(None, Decimal(1), Limit(), night, datetime(2026, 3, 1, 16, tzinfo=UTC))
    assert state.standing is Standing.CLEAR
    state = next_state(state, Decimal(1), Limit(), night, datetime(2026, 3, 1, 23, tzinfo=UTC))
    assert (state.standing, state.since_at.hour) == (Standing.HOLDS, 16)
