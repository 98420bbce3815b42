"""Figures by unit: a hand-counted province, rights, and the same digits that rules have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine

from layers.access import Grant, Scope
from layers.definition import Label
from layers.rights import Action, Area, NotAllowed, Right
from scenarios.definition import RuleScope
from scenarios.figures.figure import Asked, UnitFigure
from scenarios.figures.periods import parse_period
from scenarios.figures.reading import compared, list_figures
from scenarios.indicators.indicator import Aggregation, Better, Indicator, IndicatorGroup, Period
from scenarios.observations.reading import Freshness
from scenarios.outcomes import PlaceKind
from scenarios.rules.figures import History, Known, Reading, figures_of
from scenarios.rules.shape import AgainstPlan, Difference, Peers, PlanPeriod, RankDrop, SamePeriod
from tests.layers.ask_world import commune_code
from tests.scenarios.rules.observed import INDICATOR, store_histories
from tests.scenarios.rules.test_series import MOMENTS, known_values

pytestmark = pytest.mark.db
MONTHLY = Indicator(
    INDICATOR, Label("Thu", "Revenue"), IndicatorGroup.SECTOR, "triệu đồng", PlaceKind.UNIT, Period.MONTHLY,
    Aggregation.SUM, Better.HIGHER, "BN-6",
)  # fmt: skip
NOW = datetime(2026, 3, 20, 3, 0, tzinfo=UTC)
A, B, C, D, E, F = (commune_code(number % 4, number // 4) for number in range(6))


def _reader(*units: str) -> Scope:
    right = Right(frozenset({Action.READ}), areas=frozenset({Area.INDICATORS}))
    return Scope("reader", (Grant(right, frozenset(units) if units else None),))


def _month(year: int, month: int, value: float, **more: object) -> Known:
    at = datetime.fromisoformat(f"{year}-{month:02d}-01T00:00:00+07:00").astimezone(UTC)
    return Known(at, value, 1, at + timedelta(days=1), **more)  # type: ignore[arg-type]


def _correction(year: int, month: int, first: float, second: float, known: datetime) -> tuple[Known, Known]:
    told = _month(year, month, first, superseded_at=known)
    return told, Known(told.at, second, 2, known)


KNOWN = datetime(2026, 3, 15, tzinfo=UTC)
PROVINCE = (
    # Corrected from 80 to 90; the plan of March is 100, and a year ago there were 60.
    History(
        A,
        "99",
        (*_correction(2026, 3, 80, 90, KNOWN), _month(2026, 2, 45), _month(2025, 3, 60)),
        (_month(2026, 3, 100), _month(2026, 1, 999)),
    ),
    # The plan running is that of January.
    History(B, "99", (_month(2026, 3, 120),), (_month(2026, 1, 100),)),
    History(C, "99", (_month(2026, 2, 50),)),
    History(D, "99", (_month(2025, 11, 70),), (_month(2026, 3, 10),)),
    History(E, "99", (_month(2026, 1, 40),)),
    History(F, "99", (_month(2026, 3, 75),)),
)


@pytest.fixture
def province(observing: Engine) -> Iterator[Connection]:
    with observing.connect() as connection:
        store_histories(connection, PROVINCE)
        yield connection
        connection.rollback()


def _asked(period: str | None = None, **more: object) -> Asked:
    span = parse_period(period) if period else None
    return replace(Asked(NOW, NOW, span), **more)  # type: ignore[arg-type]


def _listed(
    connection: Connection, scope: Scope | None = None, asked: Asked | None = None, indicator: Indicator = MONTHLY,
    **more: object,
) -> dict[str, UnitFigure]:  # fmt: skip
    found = list_figures(connection, scope or _reader(), indicator, asked or _asked(), **more)  # type: ignore[arg-type]
    return {figure.code: figure for figure in found}


class TestAProvince:
    def test_values_plan_same_period_and_freshness(self, province: Connection) -> None:
        found = _listed(province)
        assert [found[code].value for code in (A, B, C, D, E, F)] == [90, 120, 50, 70, 40, 75]
        assert [found[code].freshness.value for code in (A, B, C, D, E, F)] == [
            "fresh", "fresh", "fresh", "stale", "late", "fresh",
        ]  # fmt: skip
        assert (found[A].target, found[A].plan_percent, found[A].meets_plan) == (100, 90, False)
        assert (found[B].target, found[B].plan_percent, found[B].meets_plan) == (100, 120, True)
        assert (found[D].target, found[D].plan_percent) == (10, None)
        assert (found[A].same_period, found[A].same_period_gap, found[A].same_period_percent) == (60, 30, 50)
        assert (found[B].same_period, found[B].same_period_percent) == (None, None)
        missing = found[commune_code(2, 1)]
        assert (missing.value, missing.freshness, missing.rank, missing.trend) == (None, Freshness.MISSING, None, ())
        assert len([unit for unit in found.values() if unit.level == "commune"]) == 16

    def test_mean_and_rank_are_of_the_units_that_have_a_value(self, province: Connection) -> None:
        found = _listed(province)
        # (90 + 120 + 50 + 40 + 75) / 5, the stale 70 left out.
        assert (found[A].mean, found[A].mean_gap, found[A].mean_percent) == (75, 15, 20)
        assert [found[code].rank for code in (A, B, C, D, E, F)] == [2, 1, 4, None, 5, 3]
        assert {found[code].ranked for code in (A, B, C)} == {5}
        lower = _listed(province, indicator=replace(MONTHLY, better=Better.LOWER))
        assert [lower[code].rank for code in (A, B, E)] == [4, 5, 1]
        assert (lower[A].meets_plan, lower[B].meets_plan) == (True, False)
        neither = _listed(province, indicator=replace(MONTHLY, better=Better.NEITHER))
        assert (neither[A].rank, neither[A].meets_plan, neither[A].mean) == (None, None, 75)

    def test_a_period_holds_its_own_values_only(self, province: Connection) -> None:
        found = _listed(province, asked=_asked("2026-02"))
        assert {code: found[code].value for code in (A, B, C, E)} == {A: 45, B: None, C: 50, E: None}
        assert (found[B].freshness, found[A].freshness) == (Freshness.MISSING, Freshness.FRESH)
        quarter = _listed(province, asked=_asked("2026-Q1"))
        assert {code: quarter[code].value for code in (A, C, D, E)} == {A: 90, C: 50, D: None, E: 40}

    def test_what_was_known_before_a_correction(self, province: Connection) -> None:
        found = _listed(province, asked=_asked(known_at=KNOWN - timedelta(hours=1)))
        assert (found[A].value, found[A].version) == (80, 1)
        assert _listed(province)[A].version == 2

    def test_the_trend_is_oldest_first_and_as_long_as_asked(self, province: Connection) -> None:
        assert [value for _, value in _listed(province)[A].trend] == [60, 45, 90]
        assert [value for _, value in _listed(province, asked=_asked(trend=2))[A].trend] == [45, 90]
        assert [value for _, value in _listed(province, asked=_asked(trend=1))[A].trend] == [90]
        assert _listed(province, asked=_asked(trend=0))[A].trend == ()

    def test_another_period_beside_it(self, province: Connection) -> None:
        now, before = _listed(province), _listed(province, asked=_asked("2026-02"))
        one = compared(now[A], before[A])
        assert (one.against, one.against_gap, one.against_percent) == (45, 45, 100)
        assert compared(now[B], before[B]) == now[B]

    def test_what_is_told_of_provinces_alone_lists_no_commune(self, province: Connection) -> None:
        found = _listed(province, level=RuleScope.PROVINCE, indicator=replace(MONTHLY, code="told-of-provinces"))
        assert {unit.level for unit in found.values()} == {"province"}


class TestRights:
    def test_a_clerk_sees_the_own_unit_with_mean_and_rank_among_all(self, province: Connection) -> None:
        found = _listed(province, _reader(A))
        assert list(found) == [A]
        assert (found[A].value, found[A].mean, found[A].rank, found[A].ranked) == (90, 75, 2, 5)
        assert len(found[A].trend) == 3

    def test_a_mean_of_few_would_give_others_away(self, province: Connection) -> None:
        found = _listed(province, _reader(A), _asked("2026-02"))
        assert (found[A].value, found[A].mean, found[A].mean_gap, found[A].rank, found[A].ranked) == (
            45, None, None, None, None,
        )  # fmt: skip
        assert _listed(province, asked=_asked("2026-02"))[A].mean == 47.5

    def test_without_any_right_there_is_nothing_to_see(self, province: Connection) -> None:
        with pytest.raises(NotAllowed):
            _listed(province, Scope("nobody"))


class TestPlacesInsideUnits:
    def test_shares_are_averaged_and_counts_added(self, observing: Engine) -> None:
        kinds = {"sum": Aggregation.SUM, "mean": Aggregation.LAST}
        sums = {"sum": (30, 40, 75), "mean": (15, 40, 25)}
        with observing.connect() as connection:
            _projects(connection)
            for name, aggregation in kinds.items():
                indicator = replace(MONTHLY, place=PlaceKind.PROJECT, aggregation=aggregation)
                one = _listed(connection, indicator=indicator)[A]
                # Only the first project has a plan: 10 of 40.
                assert (one.value, one.target, one.plan_percent) == (sums[name][0], 40, 25)
                assert (one.places, one.observed) == (3, 2)
            connection.rollback()


def _projects(connection: Connection) -> None:
    """Projects of one commune: with plan, without, and one that has fallen silent."""
    now, past = _month(2026, 3, 0).at, _month(2025, 6, 0).at
    connection.exec_driver_sql("SELECT observing.keep_months('{2026-03-01,2025-06-01}'::date[])")
    for key, at, value, target in (("p1", now, 10, 40), ("p2", now, 20, None), ("p3", past, 500, None)):
        series = connection.exec_driver_sql(
            "WITH place AS (INSERT INTO observing.places (kind, layer, key, unit_code) VALUES ('project', '', %s, %s)"
            " RETURNING id) INSERT INTO observing.series (indicator, place_id) SELECT %s, id FROM place RETURNING id",
            (f"figures-{key}", A, INDICATOR),
        ).scalar_one()
        for table, column, amount in (("observations", "at", value), ("targets", "period_start", target)):
            if amount is not None:
                connection.exec_driver_sql(
                    f"INSERT INTO observing.{table} (series_id, {column}, version, value, received_at, source)"
                    " VALUES (%s, %s, 1, %s, %s, 'test')",
                    (series, at, amount, at),
                )


KEYS = ("99901", "99902", "99903")
DAILY = replace(MONTHLY, period=Period.DAILY)


@st.composite
def _histories(draw: st.DrawFn) -> list[History]:
    keys = draw(st.sets(st.sampled_from(KEYS), min_size=1))
    return [History(key, "99", draw(known_values()), draw(known_values())) for key in sorted(keys)]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    told=_histories(),
    at=st.sampled_from(MOMENTS).map(lambda moment: moment + timedelta(hours=5)),
    known_at=st.sampled_from([datetime(2024, 3, 2, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC)]),
    plan_period=st.sampled_from(list(PlanPeriod)),
)
def test_figures_are_those_that_rules_compare(
    observing: Engine, told: list[History], at: datetime, known_at: datetime, plan_period: PlanPeriod
) -> None:
    reading = Reading(at, known_at, DAILY.stale_after)
    with observing.connect() as connection:
        store_histories(connection, told)
        found = _listed(connection, asked=Asked(at, known_at, trend=0), indicator=DAILY, plan_period=plan_period)
        connection.rollback()
    _compare(found, told, reading, plan_period)


def _compare(found: dict[str, UnitFigure], told: Sequence[History], reading: Reading, plan_period: PlanPeriod) -> None:
    plan = figures_of(AgainstPlan(INDICATOR, Difference.SHARE, plan_period), told, reading)
    same = figures_of(SamePeriod(INDICATOR, Difference.PERCENT), told, reading)
    mean = figures_of(Peers(INDICATOR, Difference.GAP), told, reading)
    for history in told:
        one, key = found[history.key], history.key
        if not one.counts:
            assert plan[key].value is None
            continue
        assert (one.value, one.plan_percent) == (_float(plan[key].value), _float(plan[key].figure))
        assert (one.same_period, one.same_period_percent) == (_float(same[key].other), _float(same[key].figure))
        assert (one.mean, one.mean_gap) == (_float(mean[key].other), _float(mean[key].figure))


def _float(figure: object) -> float | None:
    return None if figure is None else float(figure)  # type: ignore[arg-type]


def test_the_rank_is_that_of_the_rank_rule(province: Connection) -> None:
    reading = Reading(NOW, NOW, MONTHLY.stale_after)
    ranks = {key: figure.value for key, figure in figures_of(RankDrop(INDICATOR), PROVINCE, reading).items()}
    ordered = sorted((key for key, value in ranks.items() if value is not None), key=lambda key: -(ranks[key] or 0))
    found = _listed(province)
    assert [found[key].rank for key in ordered] == [1, 2, 3, 4, 5]
