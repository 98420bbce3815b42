"""Property: the SQL of each shape over observations gives the figures that its meaning in Python gives."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, text

from scenarios.rules.figures import Figure, History, Known, Reading, figures_of
from scenarios.rules.series import SERIES_SQL
from scenarios.rules.shape import (
    AgainstPlan,
    Anomaly,
    Change,
    Constant,
    Difference,
    Direction,
    Load,
    PeerGroup,
    Peers,
    PlanPeriod,
    RankDrop,
    Rolling,
    SamePeriod,
    SeriesTest,
    shape_of,
)
from scenarios.rules.statements import series_parameters
from tests.scenarios.rules.observed import CAPACITY, INDICATOR, store_histories

# The world's three communes of one province, and one code that no commune has.
KEYS = ("99901", "99902", "99903", "88888")
# Two leap years, 29 February among them, month ends, and days right after one another.
DAYS = (
    "2023-02-28",
    "2023-03-01",
    "2023-11-01",
    "2024-01-31",
    "2024-02-28",
    "2024-02-29",
    "2024-03-01",
    "2024-03-02",
)
MOMENTS = [datetime.fromisoformat(f"{day}T00:00:00+07:00").astimezone(UTC) for day in DAYS]
VALUES = st.one_of(
    st.sampled_from([0.0, 1.0, -1.0, 3.0, 50.0, 1 / 3, 0.1 + 0.2, 1e-10, 5e-10, 1e12, -2.5]),
    st.floats(-1e9, 1e9, allow_nan=False, width=32),
)
DIFFERENCES = st.sampled_from(list(Difference))
DIRECTIONS = st.sampled_from(list(Direction))


@st.composite
def known_values(draw: st.DrawFn) -> tuple[Known, ...]:
    """Values at some of the moments, some corrected, some coming in late."""
    told: list[Known] = []
    for at in draw(st.sets(st.sampled_from(MOMENTS), max_size=6)):
        received = at + timedelta(days=draw(st.sampled_from([0, 1, 40])))
        corrected = draw(st.none() | st.sampled_from([1, 30]))
        until = received + timedelta(days=corrected) if corrected else None
        told.append(Known(at, draw(VALUES), 1, received, until))
        if until:
            told.append(Known(at, draw(VALUES), 2, until))
    return tuple(told)


@st.composite
def histories(draw: st.DrawFn) -> list[History]:
    """One history each of some communes."""
    keys = draw(st.sets(st.sampled_from(KEYS), min_size=1))
    return [
        History(key, key if key == "88888" else "99", draw(known_values()), draw(known_values()), draw(known_values()))
        for key in sorted(keys)
    ]


INDICATORS = st.just(INDICATOR)
WINDOWS = st.sampled_from([2, 30, 400])
TESTS: dict[str, st.SearchStrategy[SeriesTest]] = {
    "constant": st.just(Constant(INDICATOR)),
    "plan": st.builds(AgainstPlan, INDICATORS, DIFFERENCES, st.sampled_from(list(PlanPeriod))),
    "same_period": st.builds(SamePeriod, INDICATORS, DIFFERENCES),
    "peers": st.builds(Peers, INDICATORS, DIFFERENCES, st.sampled_from(list(PeerGroup))),
    "rolling": st.builds(Rolling, INDICATORS, DIFFERENCES, WINDOWS, st.integers(1, 3)),
    "change": st.builds(Change, INDICATORS, DIFFERENCES, DIRECTIONS),
    "rank_drop": st.builds(RankDrop, INDICATORS, st.booleans()),
    "load": st.just(Load(INDICATOR, CAPACITY)),
    "anomaly": st.builds(Anomaly, INDICATORS, WINDOWS, DIRECTIONS, st.integers(2, 4)),
}
READINGS = st.builds(
    Reading,
    at=st.sampled_from(MOMENTS).map(lambda moment: moment + timedelta(hours=5)),
    known_at=st.sampled_from([datetime(2024, 3, 2, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC)]),
    stale=st.sampled_from([timedelta(days=3), timedelta(days=93), timedelta(days=1100)]),
    capacity_stale=st.sampled_from([timedelta(days=3), timedelta(days=1100)]),
    lag_years=st.sampled_from([1, 0]),
    lag_days=st.sampled_from([0, 1]),
)


def ask(connection: Connection, test: SeriesTest, reading: Reading) -> dict[str, Figure]:
    """The figures by SQL."""
    statement = text(SERIES_SQL[shape_of(test)] + " SELECT key, value, other, figure FROM figures ORDER BY key")
    parameters = series_parameters(test, reading, kinds=("unit",), key_length=5)
    # What a value that is not there was compared with is nobody's business.
    return {
        row.key: Figure(row.value, row.other if row.value is not None else None, row.figure)
        for row in connection.execute(statement, parameters)
    }


@pytest.mark.parametrize("shape", sorted(SERIES_SQL))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), told=histories(), reading=READINGS)
def test_sql_and_python_agree(
    observing: Engine, shape: str, data: st.DataObject, told: list[History], reading: Reading
) -> None:
    test = data.draw(TESTS[shape])
    with observing.connect() as connection:
        store_histories(connection, told)
        assert ask(connection, test, reading) == figures_of(test, told, reading)
        connection.rollback()


def test_a_quotient_that_divides_by_zero_is_no_signal(observing: Engine) -> None:
    at = MOMENTS[-1]
    told = [History("99901", "99", (Known(at, 5.0, 1, at),), (Known(at, 0.0, 1, at),))]
    reading = Reading(at, at, timedelta(days=3))
    with observing.connect() as connection:
        store_histories(connection, told)
        for difference, figure in ((Difference.PERCENT, None), (Difference.SHARE, None), (Difference.GAP, Decimal(5))):
            asked = ask(connection, AgainstPlan(INDICATOR, difference), reading)
            assert asked["99901"] == Figure(Decimal(5), Decimal(0), figure)
        connection.rollback()


def test_the_same_period_of_29_february_is_28_february(observing: Engine) -> None:
    leap, before = MOMENTS[5], MOMENTS[0]
    told = [History("99901", "99", (Known(leap, 8.0, 1, leap), Known(before, 10.0, 1, before)))]
    with observing.connect() as connection:
        store_histories(connection, told)
        asked = ask(connection, SamePeriod(INDICATOR, Difference.PERCENT), Reading(leap, leap, timedelta(days=3)))
        connection.rollback()
    assert asked["99901"].figure == Decimal(-20)
