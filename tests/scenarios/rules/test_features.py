"""Property: the SQL of each shape over features gives the figures that its meaning in Python gives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
import shapely
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, text

from app.database import Database
from layers.tables import feature_table
from scenarios.definition import RuleScope
from scenarios.evaluation.feature_judging import test_values as values_of
from scenarios.outcomes import PlaceKind
from scenarios.rules.errors import UnusableTest
from scenarios.rules.feature_checks import check_scope, check_test
from scenarios.rules.feature_figures import Item, PlaceKey, Preview, figures_of_items, geodesic_m
from scenarios.rules.feature_rows import Frame, Read, as_text
from scenarios.rules.feature_shape import (
    Category,
    Counted,
    Deadline,
    FeatureTest,
    Match,
    NewEvent,
    Relation,
    Spatial,
    feature_document,
    feature_from,
    feature_shape,
)
from scenarios.rules.feature_sql import figures_select
from scenarios.rules.standing import Limit
from scenarios.work.calendar import WorkCalendar
from tests.layers.ask_world import commune_code
from tests.scenarios.rules.featured import ITEMS, LINES, POINTS, ZONES, layer, layers, put_layers, store_items

pytestmark = pytest.mark.db
# A Friday evening in Vietnam before the holiday of 30 April and 1 May.
AT = datetime(2026, 4, 24, 12, 30, 15, 123457, tzinfo=UTC)
CALENDAR = WorkCalendar(days_off=frozenset({date(2026, 4, 27)}), days_on=frozenset({date(2026, 5, 2)}))
ANYTHING = Limit(">", 0.0)
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
    put_layers(owner, list(layers().values()))
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


def ask(
    connection: Connection, test: FeatureTest, scope: RuleScope, limit: Limit = ANYTHING
) -> dict[PlaceKey, Decimal]:
    """The figures by SQL."""
    reads = {slug: Read(definition, feature_table(definition)) for slug, definition in layers().items()}
    frame = Frame(scope, reads, operator=limit.operator or ">")
    statement, bound = as_text(figures_select(test, frame))
    values = {**bound, **values_of(test, AT, CALENDAR), "lax": Decimal(limit.number)}
    rows = connection.execute(text(statement), values)
    return {(PlaceKind(row.kind), row.layer, row.key): row.figure for row in rows}


# Shrinking takes minutes where every try is a statement.
often = settings(
    max_examples=60,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@often
@given(told=items(), test=deadlines() | CATEGORIES, scope=SCOPES)
def test_sql_and_python_agree(judging: Engine, told: list[Item], test: FeatureTest, scope: RuleScope) -> None:
    with judging.connect() as connection:
        store_items(connection, layer(), told)
        asked = ask(connection, test, scope)
        connection.rollback()
    assert asked == figures_of_items(test, {ITEMS: told}, Preview(scope, AT, CALENDAR))


# Points on a lattice of about 110 m; zones and lines between its points, so that nothing merely touches.
STEP = 0.001
CELLS = st.tuples(st.integers(0, 5), st.integers(0, 5))
METRES = st.sampled_from([60.0, 150.0, 300.0])


def point(cell: tuple[int, int]) -> shapely.Point:
    return shapely.Point(106 + cell[0] * STEP, 10 + cell[1] * STEP)


def zone(cell: tuple[int, int], size: tuple[int, int]) -> shapely.MultiPolygon:
    west, south = 106 + (cell[0] - 0.4) * STEP, 10 + (cell[1] - 0.4) * STEP
    return shapely.MultiPolygon([shapely.box(west, south, west + size[0] * STEP, south + size[1] * STEP)])


def line(start: tuple[int, int], end: tuple[int, int]) -> shapely.MultiLineString:
    ends = [(106 + (x + 0.23) * STEP, 10 + (y + 0.31) * STEP) for x, y in (start, end)]
    return shapely.MultiLineString([[ends[0], (ends[1][0], ends[0][1]), ends[1]]])


SHAPES = {
    POINTS: CELLS.map(point),
    ZONES: st.builds(zone, CELLS, st.tuples(st.integers(1, 3), st.integers(1, 3))),
    LINES: st.builds(line, CELLS, CELLS).filter(lambda shape: shape.length > 0),
}


@st.composite
def placed(draw: st.DrawFn, slug: str, most: int = 6) -> list[Item]:
    """Features on the map, one in a while without a geometry."""
    found = []
    for number in range(draw(st.integers(0, most))):
        values = {
            "due_at": draw(
                st.none() | st.sampled_from([AT - timedelta(hours=hours) for hours in (-1, 0, 5, 5, 24, 30)])
            ),
            "due_on": draw(st.sampled_from([AT.date() - timedelta(days=days) for days in (-1, 0, 1, 3)])),
            "finished_at": draw(st.sampled_from([None, None, None, AT])),
            "state": draw(st.none() | st.sampled_from(STATES)),
            "level": draw(st.sampled_from([1, 2])),
        }
        geometry = draw(st.integers(0, 9).flatmap(lambda dice: SHAPES[slug] if dice else st.none()))
        unit = draw(st.sampled_from([commune_code(0, 0), commune_code(1, 0)]))
        found.append(Item(f"{slug[7]}{number}", unit, "99", values, geometry))
    return found


@st.composite
def events(draw: st.DrawFn) -> tuple[NewEvent | Category, RuleScope]:
    """Events and categories at every scope that they have."""
    scope = draw(st.sampled_from(list(RuleScope)))
    state, states = draw(FINISHED)
    metres = draw(METRES) if scope is RuleScope.NODE else None
    places = {RuleScope.NODE: draw(st.sampled_from([POINTS, LINES, ZONES])), RuleScope.ZONE: ZONES}.get(scope)
    where = draw(st.sampled_from([(), (Match("level", (1,)),)]))
    if draw(st.booleans()) and scope in (RuleScope.NODE, RuleScope.ZONE):
        return Category(POINTS, "level", (2,), places=places, metres=metres), scope
    if scope is RuleScope.ITEM:
        metres = draw(st.none() | METRES)
    window = draw(st.none() | st.sampled_from([5, 24, 48]))
    finished = draw(st.sampled_from([None, "finished_at"]))
    at = draw(st.sampled_from(["due_at", "due_on"]))
    return NewEvent(POINTS, at, window, metres, places, finished, state, states, where), scope


@st.composite
def relations(draw: st.DrawFn) -> Spatial:
    """Every relation between every two kinds of layers that can have it."""
    relation = draw(st.sampled_from(list(Relation)))
    own = draw(st.sampled_from([POINTS, LINES, ZONES]))
    other = ZONES if relation is Relation.WITHIN else draw(st.sampled_from([POINTS, LINES, ZONES]))
    metres = draw(METRES) if relation is Relation.NEAR else None
    wheres = st.sampled_from([(), (Match("level", (1,)),)])
    return Spatial(own, other, relation, metres, draw(wheres), draw(wheres))


def store_all(connection: Connection, told: Mapping[str, list[Item]]) -> None:
    for slug, found in told.items():
        store_items(connection, layers()[slug], found)


@often
@given(given_test=events(), points=placed(POINTS, 9), lines=placed(LINES), zones=placed(ZONES), least=st.integers(1, 4))
def test_events_in_sql_and_python_agree(
    judging: Engine,
    given_test: tuple[NewEvent | Category, RuleScope],
    points: list[Item],
    lines: list[Item],
    zones: list[Item],
    least: int,
) -> None:
    (test, scope), told = given_test, {POINTS: points, LINES: lines, ZONES: zones}
    check_test(test, layers())
    check_scope(test, scope, layers())
    limit = Limit(">=", least)
    with judging.connect() as connection:
        store_all(connection, told)
        asked = ask(connection, test, scope, limit)
        connection.rollback()
    assert asked == figures_of_items(test, told, Preview(scope, AT, CALENDAR, limit))


@often
@given(test=relations(), points=placed(POINTS), lines=placed(LINES), zones=placed(ZONES))
def test_relations_in_sql_and_python_agree(
    judging: Engine, test: Spatial, points: list[Item], lines: list[Item], zones: list[Item]
) -> None:
    told = {POINTS: points, LINES: lines, ZONES: zones}
    check_test(test, layers())
    check_scope(test, RuleScope.ITEM, layers())
    with judging.connect() as connection:
        store_all(connection, told)
        asked = ask(connection, test, RuleScope.ITEM)
        connection.rollback()
    assert asked == figures_of_items(test, told, Preview(RuleScope.ITEM, AT, CALENDAR))


@given(test=relations() | events().map(lambda drawn: drawn[0]))
def test_places_and_relations_are_read_again_from_their_document(test: FeatureTest) -> None:
    assert feature_from(feature_shape(test), feature_document(test)) == test


def test_the_first_of_those_with_enough_around_tells_of_a_cluster() -> None:
    cells = [(0, 0), (1, 0), (2, 0), (5, 5)]
    told = [
        Item(f"E{n}", "99901", "99", {"due_at": AT - timedelta(hours=9 - n)}, point(c)) for n, c in enumerate(cells)
    ]
    preview = Preview(RuleScope.ITEM, AT, CALENDAR, Limit(">=", 3))
    # Only the middle one has two others within 150 m.
    found = figures_of_items(NewEvent(POINTS, "due_at", 24, 150.0), {POINTS: told}, preview)
    assert found == {(PlaceKind.CLUSTER, POINTS, "E1"): Decimal(3)}


def test_a_distance_is_geodesic() -> None:
    one, other = shapely.Point(106, 10), shapely.Point(106, 10.001)
    assert geodesic_m(one, other) == pytest.approx(110.6, abs=0.05)
    assert geodesic_m(one, line((3, 0), (3, 1))) == pytest.approx(355.8, abs=0.5)


@pytest.mark.parametrize(
    ("test", "scope"),
    [
        (Spatial(POINTS, ZONES, Relation.WITHIN), RuleScope.ITEM),
        (Spatial(POINTS, POINTS, Relation.NEAR, 40.0), RuleScope.ITEM),
        (Spatial(POINTS, ZONES, Relation.OUTSIDE), RuleScope.ITEM),
        (NewEvent(POINTS, "due_at", None, 40.0), RuleScope.ITEM),
        (NewEvent(POINTS, "due_at", None, 40.0, POINTS), RuleScope.NODE),
        (NewEvent(POINTS, "due_at", None, None, ZONES), RuleScope.ZONE),
    ],
)
def test_the_index_finds_what_is_near(judging: Engine, store: Database, test: FeatureTest, scope: RuleScope) -> None:
    reads = {slug: Read(definition, feature_table(definition)) for slug, definition in layers().items()}
    statement, bound = as_text(figures_select(test, Frame(scope, reads)))
    engine = store.superuser_engine()
    with engine.connect() as connection:
        connection.execute(text(_MANY_POINTS))
        connection.execute(text(_MANY_ZONES))
        connection.execute(text("ANALYZE features.judged_points, features.judged_zones"))
        connection.execute(text("SET LOCAL ROLE diaban_writer"))
        values = {**bound, **values_of(test, AT, CALENDAR), "lax": Decimal(0)}
        plan = "\n".join(connection.execute(text(f"EXPLAIN {statement}"), values).scalars())
        connection.rollback()
    engine.dispose()
    assert "_geom on judged" in plan


_PLACES = (
    " generate_series(1, 20000) AS n, LATERAL (SELECT ST_SetSRID(ST_MakePoint("
    " 106 + (n % 141) * 0.001, 10 + (n / 141) * 0.001), 4326) AS at) AS place"
)
_MANY_POINTS = (
    "INSERT INTO features.judged_points (fid, province_code, unit_code, from_revision, code, due_at, geom)"
    " SELECT n, '99', '99901', 1, n::text, now() - interval '9 years', at FROM" + _PLACES
)
_MANY_ZONES = (
    "INSERT INTO features.judged_zones (fid, province_code, unit_code, unit_codes, from_revision, code, geom)"
    " SELECT n, '99', '99901', ARRAY['99901'], 1, n::text, ST_Multi(ST_Expand(at, 0.0004)) FROM" + _PLACES
)


def test_a_date_is_due_at_the_end_of_its_day_and_worked_days_leave_out_holidays() -> None:
    item = [Item("V", commune_code(0, 0), "99", {"due_on": date(2026, 5, 4)})]

    def figure(test: Deadline) -> Decimal:
        found = figures_of_items(test, {ITEMS: item}, Preview(RuleScope.ITEM, AT, CALENDAR))
        return found[PlaceKind.FEATURE, ITEMS, "V"]

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
        (NewEvent(POINTS, "state"), "at", "no date or time"),
        (NewEvent(POINTS, "due_at", finished="ownr"), "finished", 'has no field "ownr"'),
        (Spatial(POINTS, ITEMS, Relation.CROSSING), "other", "a table without geometry"),
        (Spatial(POINTS, ZONES, Relation.NEAR), "metres", "belongs to the relation"),
        (Spatial(POINTS, LINES, Relation.WITHIN), "other", "holds no polygons"),
        (Spatial(POINTS, ZONES, Relation.WITHIN, other_where=(Match("level", ("1",)),)), "other_where", "no value"),
    ],
)
def test_what_does_not_serve_is_refused_with_its_place(test: FeatureTest, member: str, said: str) -> None:
    with pytest.raises(UnusableTest) as refused:
        check_test(test, layers())
    assert refused.value.member == member
    assert said in refused.value.en
    assert refused.value.vi != refused.value.en


@pytest.mark.parametrize(
    ("test", "scope", "member"),
    [
        (Deadline(ITEMS, due="due_on"), RuleScope.COMMUNE, "layer"),
        (Spatial(POINTS, ZONES, Relation.WITHIN), RuleScope.ZONE, "layer"),
        (Category(POINTS, "level", (1,), metres=5.0), RuleScope.NODE, "places"),
        (Category(POINTS, "level", (1,), places=POINTS), RuleScope.NODE, "metres"),
        (Category(POINTS, "level", (1,), places=POINTS), RuleScope.ZONE, "places"),
        (Category(ITEMS, "level", (1,), places=ZONES), RuleScope.ZONE, "layer"),
        (Category(POINTS, "level", (1,), places=ZONES), RuleScope.COMMUNE, "places"),
        (NewEvent(LINES, "due_at", metres=5.0), RuleScope.ITEM, "layer"),
        (NewEvent(POINTS, "due_at", metres=5.0), RuleScope.COMMUNE, "metres"),
    ],
)
def test_a_scope_that_does_not_serve_is_refused(test: FeatureTest, scope: RuleScope, member: str) -> None:
    with pytest.raises(UnusableTest) as refused:
        check_scope(test, scope, layers())
    assert refused.value.member == member
    assert refused.value.vi != refused.value.en
