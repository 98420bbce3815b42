"""Property: the SQL of each shape over features gives the figures that its meaning in Python gives."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, text

from app.database import Database
from layers.tables import feature_table
from scenarios.definition import RuleScope
from scenarios.evaluation.feature_judging import test_values as values_of
from scenarios.outcomes import PlaceKind
from scenarios.rules.errors import UnusableTest
from scenarios.rules.feature_checks import check_test
from scenarios.rules.feature_figures import Item, PlaceKey, figures_of_items
from scenarios.rules.feature_shape import (
    Category,
    Counted,
    Deadline,
    FeatureTest,
    Match,
    feature_document,
    feature_from,
    feature_shape,
)
from scenarios.rules.feature_sql import Frame, Read, as_text, figures_select
from scenarios.work.calendar import WorkCalendar
from tests.layers.ask_world import commune_code
from tests.scenarios.rules.featured import ITEMS, layer, put_layers, store_items

pytestmark = pytest.mark.db
# A Friday evening in Vietnam before the holiday of 30 April and 1 May.
AT = datetime(2026, 4, 24, 12, 30, 15, 123457, tzinfo=UTC)
CALENDAR = WorkCalendar(days_off=frozenset({date(2026, 4, 27)}), days_on=frozenset({date(2026, 5, 2)}))
STATES = ("not_started", "in_progress", "done_late", "cancelled")
DAYS = st.integers(-400, 400).map(lambda days: AT.date() + timedelta(days=days))
NEAR_DAYS = st.integers(-3, 12).map(lambda days: AT.date() + timedelta(days=days))
MOMENTS = st.one_of(
    st.sampled_from([AT, AT + timedelta(hours=24), AT - timedelta(microseconds=1), AT.replace(hour=17, minute=0)]),
    st.integers(-(10**9), 10**9).map(lambda seconds: AT + timedelta(seconds=seconds, microseconds=seconds % 7)),
)


@pytest.fixture(scope="module")
def judging(store: Database) -> Iterator[Engine]:
    """The owner's engine on a database with the layers of these tests."""
    owner = store.engine("diaban_owner")
    put_layers(owner, [layer()])
    yield owner
    owner.dispose()


@st.composite
def items(draw: st.DrawFn) -> list[Item]:
    """A few features in three communes, many of their fields empty."""
    found = []
    for number in range(draw(st.integers(1, 6))):
        values = {
            "due_on": draw(st.none() | DAYS | NEAR_DAYS),
            "due_at": draw(st.none() | MOMENTS),
            "finished_at": draw(st.sampled_from([None, None, AT])),
            "state": draw(st.none() | st.sampled_from(STATES)),
            "is_passed": draw(st.none() | st.booleans()),
            "level": draw(st.none() | st.integers(1, 3)),
            "size": draw(st.none() | st.sampled_from([0.5, 1.0])),
        }
        unit = draw(st.sampled_from([commune_code(0, 0), commune_code(1, 0), commune_code(2, 0)]))
        found.append(Item(f"V{number}", unit, "99", values))
    return found


WHERE = st.sampled_from(
    [
        (),
        (Match("level", (1, 2)),),
        (Match("is_passed", (False,)), Match("size", (0.5, 1))),
        (Match("state", ("done_late",)),),
    ]
)
FINISHED = st.sampled_from([(None, ()), ("state", ("done_late", "cancelled"))])


@st.composite
def deadlines(draw: st.DrawFn) -> Deadline:
    """Deadlines and starts over both kinds of fields."""
    field = draw(st.sampled_from(["due_on", "due_at"]))
    named = draw(st.sampled_from(["due", "since"]))
    state, states = draw(FINISHED)
    finished = draw(st.sampled_from([None, "finished_at"]))
    counted = draw(st.sampled_from(list(Counted)))
    more = {named: field, "finished": finished, "state": state, "finished_states": states, "counted": counted}
    return Deadline(ITEMS, **more, where=draw(WHERE))  # type: ignore[arg-type]


CATEGORIES = st.one_of(
    st.builds(Category, st.just(ITEMS), st.just("is_passed"), st.just((False,)), where=WHERE),
    st.builds(Category, st.just(ITEMS), st.just("state"), st.just(("in_progress", "cancelled")), where=WHERE),
    st.builds(Category, st.just(ITEMS), st.just("level"), st.just((2, 3))),
)
SCOPES = st.sampled_from([RuleScope.ITEM, RuleScope.COMMUNE, RuleScope.PROVINCE])


def ask(connection: Connection, test: FeatureTest, scope: RuleScope) -> dict[PlaceKey, Decimal]:
    """The figures by SQL."""
    frame = Frame(scope, {ITEMS: Read(layer(), feature_table(layer()))})
    statement, bound = as_text(figures_select(test, frame))
    rows = connection.execute(text(statement), {**bound, **values_of(test, AT, CALENDAR)})
    return {(PlaceKind(row.kind), row.layer, row.key): row.figure for row in rows}


# Shrinking takes minutes where every try is a statement.
@settings(
    max_examples=60,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(told=items(), test=deadlines() | CATEGORIES, scope=SCOPES)
def test_sql_and_python_agree(judging: Engine, told: list[Item], test: FeatureTest, scope: RuleScope) -> None:
    with judging.connect() as connection:
        store_items(connection, layer(), told)
        asked = ask(connection, test, scope)
        connection.rollback()
    assert asked == figures_of_items(test, scope, {ITEMS: told}, AT, CALENDAR)


@given(test=deadlines() | CATEGORIES)
def test_a_test_is_read_again_from_its_document(test: FeatureTest) -> None:
    assert feature_from(feature_shape(test), feature_document(test)) == test
    check_test(test, {ITEMS: layer()})


def test_a_date_is_due_at_the_end_of_its_day_and_worked_days_leave_out_holidays() -> None:
    item = [Item("V", commune_code(0, 0), "99", {"due_on": date(2026, 5, 4)})]

    def figure(test: Deadline) -> Decimal:
        return figures_of_items(test, RuleScope.ITEM, {ITEMS: item}, AT, CALENDAR)[PlaceKind.FEATURE, ITEMS, "V"]

    # 24 April 19h30 to 5 May 0h00 in Vietnam; worked of the days between: 28 and 29 April, 2 and 4 May.
    left = datetime(2026, 5, 4, 17, tzinfo=UTC) - AT
    assert figure(Deadline(ITEMS, due="due_on")) == round(Decimal(left // timedelta(microseconds=1)) / 3_600_000_000, 9)
    assert figure(Deadline(ITEMS, due="due_on", counted=Counted.WORKED_DAYS)) == 4


@pytest.mark.parametrize(
    ("test", "member", "said"),
    [
        (Deadline("judged-itemz", due="due_on"), "layer", "there is no layer"),
        (Deadline(ITEMS), "due", "exactly one of"),
        (Deadline(ITEMS, due="due_on", since="due_at"), "due", "exactly one of"),
        (Deadline(ITEMS, due="state"), "due", "no date or time"),
        (Deadline(ITEMS, due="due_no"), "due", 'Did you mean "due_on"?'),
        (Deadline(ITEMS, due="due_on", finished="owner"), "finished", "is personal"),
        (Deadline(ITEMS, due="due_on", state="state"), "state", "belong together"),
        (Category(ITEMS, "state", ("canceled",)), "values", 'Did you mean "cancelled"?'),
        (Category(ITEMS, "is_passed", (1,)), "values", 'has no value "1"'),
        (Category(ITEMS, "level", (True,)), "values", 'has no value "True"'),
        (Category(ITEMS, "due_on", ("x",)), "values", "cannot be held against values"),
        (Category(ITEMS, "level", (1,), where=(Match("owner", ("x",)),)), "where", "is personal"),
    ],
)
def test_what_does_not_serve_is_refused_with_its_place(test: FeatureTest, member: str, said: str) -> None:
    with pytest.raises(UnusableTest) as refused:
        check_test(test, {ITEMS: layer()})
    assert refused.value.member == member
    assert said in refused.value.en
    assert refused.value.vi != refused.value.en
