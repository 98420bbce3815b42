"""Roles given to accounts and agencies, and the scope that follows from them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, Engine, text

import layers
from layers.access import Grant, Scope
from layers.definition import Sensitivity
from layers.definition_reader import load_builtin
from layers.grants import (
    Giving,
    GrantNotFound,
    Holder,
    OwnRights,
    built_in_roles,
    give,
    list_grants,
    list_roles,
    load_scope,
    take,
)
from layers.registry import put_layer
from layers.rights import Action, Area, Attributes, InvalidRight, NotAllowed, Right, right_from_json, right_to_json
from tests.layers.ask_world import commune_code

pytestmark = pytest.mark.db
HERE, THERE = commune_code(0, 0), commune_code(1, 0)
ADMIN = Scope.local_admin()
READ = frozenset({Action.READ})


def giving(holder: UUID, **changes: object) -> Giving:
    return Giving(Holder.ACCOUNT, holder, **{"role": "commune-clerk", "units": frozenset({HERE}), **changes})  # type: ignore[arg-type]


def administrator(units: frozenset[str] | None) -> Scope:
    """Somebody who holds the shipped role in these communes."""
    (role,) = (role for role in built_in_roles() if role.slug == "administrator")
    grants = tuple(Grant(right, None if right.everywhere else units) for right in role.rights)
    return Scope(str(uuid4()), grants)


@pytest.fixture
def connection(store_owner: Engine):  # type: ignore[no-untyped-def]
    with store_owner.connect() as opened, opened.begin() as transaction:
        yield opened
        transaction.rollback()


class TestTheShippedRoles:
    def test_are_in_the_database_and_name_layers_that_exist(self, connection: Connection) -> None:
        assert list_roles(connection) == sorted(built_in_roles(), key=lambda role: role.slug)
        known = {path.stem for path in (Path(layers.__file__).parent / "builtin").glob("*.yaml")}
        for role in built_in_roles():
            for right in role.rights:
                assert right.layers <= known, role.slug
                assert right_from_json(right_to_json(right)) == right

    def test_only_people_who_need_them_may_open_personal_fields(self) -> None:
        opening = {r.slug for r in built_in_roles() if any(x.attributes is Attributes.PERSONAL for x in r.rights)}
        assert opening == {"data-steward", "police", "commune-clerk"}


class TestAScope:
    def test_is_that_of_todays_grants(self, connection: Connection) -> None:
        account, today = uuid4(), date.today()  # noqa: DTZ011 - the day in Vietnam may be the next one
        give(connection, giving(account), ADMIN)
        give(connection, giving(account, role="auditor", units=None, starts_on=today + timedelta(days=3)), ADMIN)
        give(connection, giving(account, role="police", starts_on=today - timedelta(days=9), ends_on=today), ADMIN)
        loaded = load_scope(connection, account)
        assert loaded.roles == ("commune-clerk",)
        scope = loaded.scope
        assert scope.may(Action.EDIT, "communes", HERE)
        assert not scope.may(Action.EDIT, "communes", THERE)
        assert not scope.may(Action.EDIT, "communes")
        assert scope.may(Action.READ, Area.DEFINITIONS), "a right that holds everywhere"
        assert not scope.may(Action.READ, Area.AUDIT)
        assert scope.subject == str(account)

    def test_of_a_province_is_that_of_its_communes(self, connection: Connection) -> None:
        account = uuid4()
        give(connection, giving(account, units=frozenset({HERE[:2]})), ADMIN)
        scope = load_scope(connection, account).scope
        parent = connection.execute(text("SELECT parent_code FROM features.communes WHERE code = :c"), {"c": HERE})
        assert parent.scalar_one() == HERE[:2]
        assert scope.may(Action.EDIT, "communes", HERE)
        assert scope.may(Action.EDIT, "communes", THERE)

    def test_comes_from_agencies_too_and_ends_when_taken_back(self, connection: Connection) -> None:
        account, agency = uuid4(), uuid4()
        grant = give(connection, Giving(Holder.AGENCY, agency, role="auditor"), ADMIN)
        assert load_scope(connection, account, [agency]).scope.may(Action.READ, Area.AUDIT)
        assert not load_scope(connection, account).scope.may(Action.READ, Area.AUDIT)
        take(connection, grant, ADMIN)
        assert not load_scope(connection, account, [agency]).scope.may(Action.READ, Area.AUDIT)
        with pytest.raises(GrantNotFound):
            take(connection, grant, ADMIN)
        assert [given.taken_by for given in list_grants(connection, agency, ended=True)] == [ADMIN.subject]

    def test_never_pieces_two_grants_together(self) -> None:
        near, far = frozenset({HERE}), frozenset({THERE})
        plain = Grant(Right(READ, frozenset({"a"}), hides=frozenset({("a", "pay")})), near)
        full = Grant(Right(READ, frozenset({"a"}), attributes=Attributes.PERSONAL), far)
        both = Scope("x", (plain, full)).reach("a", Sensitivity.RESTRICTED)
        assert (both.read, both.personal, both.hidden) == (near | far, far, {"pay"})
        assert Scope("x", (full,)).reach("a", Sensitivity.RESTRICTED).hidden == frozenset()
        other = Scope("x", (plain, Grant(Right(READ, frozenset({"b"})), far)))
        assert other.reach("b", Sensitivity.RESTRICTED).read == far
        assert other.reach("a", Sensitivity.RESTRICTED).read == near

    def test_has_the_key_of_what_it_shows(self) -> None:
        reading = Scope.reading
        inner, one = [Sensitivity.INTERNAL], frozenset({HERE})
        kept = (Sensitivity.INTERNAL,)
        assert reading("a", classes=inner).reach("x", *kept).key == reading("b", layers=["x"]).reach("x", *kept).key
        keys = {reading("a", classes=inner, units=units).reach("x", *kept).key for units in (None, one, one | {THERE})}
        assert len(keys) == 3
        assert reading("a", layers=["y"], units=one).reach("x", Sensitivity.PUBLIC).key == ""

    def test_of_a_token_may_only_read(self) -> None:
        only = ADMIN.only([Action.READ])
        assert only.may(Action.READ, Area.AUDIT)
        assert not only.may(Action.EDIT, Area.ALERTS)


class TestGiving:
    def test_to_oneself_is_refused(self, connection: Connection) -> None:
        me, agency = uuid4(), uuid4()
        giver = Scope(str(me), ADMIN.grants)
        with pytest.raises(OwnRights):
            give(connection, giving(me), giver)
        with pytest.raises(OwnRights):
            give(connection, Giving(Holder.AGENCY, agency, role="auditor"), giver, own_agencies=[agency])

    def test_needs_the_right_to_administer_people_there(self, connection: Connection) -> None:
        giver = administrator(frozenset({HERE}))
        give(connection, giving(uuid4()), giver)
        for units in (None, frozenset({THERE}), frozenset({HERE, THERE})):
            with pytest.raises(NotAllowed):
                give(connection, giving(uuid4(), units=units), giver)

    def test_is_never_of_more_than_one_holds_or_administers(self, connection: Connection) -> None:
        here = frozenset({HERE})
        mayor, everybody = administrator(here), administrator(None)
        steward = right_from_json({"actions": ["edit"], "areas": ["@definitions"], "everywhere": True})
        own = giving(uuid4(), role=None, own_right=steward, units=here)
        with pytest.raises(NotAllowed) as refused:
            give(connection, own, mayor)
        assert (refused.value.action, refused.value.target) == (Action.EDIT, "@definitions")
        give(connection, own, everybody)
        only_people = Right(frozenset({Action.ADMINISTER}), areas=frozenset({Area.PEOPLE}))
        clerk_of_people = Scope(str(uuid4()), (Grant(only_people, here),))
        with pytest.raises(NotAllowed):
            give(connection, giving(uuid4()), clerk_of_people)
        plain = Right(READ, frozenset({"communes"}))
        reader = Scope(str(uuid4()), (*clerk_of_people.grants, Grant(plain, here)))
        give(connection, giving(uuid4(), role=None, own_right=plain), reader)
        with pytest.raises(NotAllowed):
            give(connection, giving(uuid4(), role=None, own_right=replace(plain, attributes=Attributes.MASKED)), reader)

    def test_of_every_role_is_open_to_the_administrator_of_everything(self, connection: Connection) -> None:
        for role in built_in_roles():
            assert give(connection, giving(uuid4(), role=role.slug, units=None), administrator(None))

    def test_with_an_end_that_has_passed_is_refused(self, connection: Connection) -> None:
        with pytest.raises(InvalidRight):
            give(connection, giving(uuid4(), ends_on=date(2026, 1, 1)), ADMIN)

    @pytest.mark.parametrize("changes", [
        {"role": "emperor"}, {"units": frozenset()}, {"units": frozenset({"hà nội"})}, {"role": None},
        {"own_right": Right(READ, frozenset({"communes"}))},
        {"starts_on": date(2026, 5, 2), "ends_on": date(2026, 5, 2)},
    ])  # fmt: skip
    def test_nonsense_is_refused(self, connection: Connection, changes: dict[str, object]) -> None:
        with pytest.raises(InvalidRight):
            give(connection, giving(uuid4(), **changes), ADMIN)

    def test_is_on_record(self, connection: Connection) -> None:
        grant = give(connection, giving(uuid4()), ADMIN)
        found = connection.execute(
            text("SELECT has_table_privilege('diaban_writer', 'access.grants', 'DELETE')")
        ).scalar_one()
        assert found is False
        assert str(grant)


class TestALayerThatComesLater:
    def test_is_covered_by_its_class(self, connection: Connection) -> None:
        account = uuid4()
        give(connection, giving(account, role="provincial-office", units=None), ADMIN)
        put_layer(connection, load_builtin()["budgets"], author="test")
        assert load_scope(connection, account).scope.may(Action.READ, "budgets")


@pytest.mark.parametrize("document", [
    {}, {"actions": ["read"]}, {"actions": ["fly"], "layers": ["a"]}, {"actions": ["read"], "layers": "a"},
    {"actions": ["read"], "layers": ["a"], "more": 1}, {"actions": ["read"], "classes": ["secret"]},
])  # fmt: skip
def test_a_malformed_right_is_refused(document: dict[str, object]) -> None:
    with pytest.raises(InvalidRight):
        right_from_json(document)
