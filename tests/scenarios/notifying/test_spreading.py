"""Whatever happens is in the outbox with it, and reaches exactly the channels that want it and may be told."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from sqlalchemy import Engine, text

from app.database import Database
from layers.access import Scope
from layers.grants import load_scope
from layers.notices import Audience, Message, add_notice
from layers.rights import Action, Area, NotAllowed
from scenarios.notifying.channel import ChannelKind, Draft, Wanted
from scenarios.notifying.channels import MOST_OWN, add_channel, list_channels, remove_channel
from scenarios.notifying.errors import ChannelExists, ChannelNotFound, InvalidChannel
from scenarios.notifying.spreading import spread_news
from scenarios.outcomes import Level, Standing
from tests.scenarios.alerts.outcomes import fresh_place
from tests.scenarios.notifying.conftest import ADMIN, AddChannel, OpenAlert, waiting

pytestmark = pytest.mark.db


def _spread(writer: Engine) -> int:
    with writer.begin() as connection:
        return spread_news(connection, datetime.now(UTC))


def _outbox(database: Database) -> int:
    with psycopg.connect(database.superuser_dsn) as connection:
        row = connection.execute("SELECT count(*) FROM notifying.outbox").fetchone()
    assert row is not None
    return int(row[0])


def _account(database: Database, *, state: str = "active", role: str = "commune-officer", unit: str = "16540") -> str:
    account = str(uuid.uuid4())
    with psycopg.connect(database.superuser_dsn) as connection:
        connection.execute(
            "INSERT INTO access.accounts (id, username, display_name, state, created_by)"
            " VALUES (%s, %s, 'Cán bộ', %s, 'test')",
            [account, account, state],
        )
        connection.execute(
            "INSERT INTO access.grants (holder_kind, holder, role, units, starts_on, given_by)"
            " VALUES ('account', %s, %s, %s, '2020-01-01', 'test')",
            [account, role, [unit]],
        )
    return account


def _own(writer: Engine, account: str, address: str = "") -> uuid.UUID:
    draft = Draft("Thư của tôi", ChannelKind.EMAIL, address or f"{account}@example.vn", account=uuid.UUID(account))
    with writer.begin() as connection:
        return add_channel(connection, Scope(account), draft).id


class TestOutbox:
    def test_nothing_is_kept_while_there_is_no_channel(
        self, store: Database, writer: Engine, open_alert: OpenAlert
    ) -> None:
        open_alert()
        assert _outbox(store) == 0
        assert _spread(writer) == 0

    def test_an_alert_and_its_news_are_written_together_or_not_at_all(
        self, store: Database, writer: Engine, add: AddChannel, open_alert: OpenAlert
    ) -> None:
        add("one")
        with writer.connect() as connection:
            add_notice(connection, "somebody", Message("task_late", "Trễ", "Late"))
            connection.rollback()
        assert _outbox(store) == 0
        open_alert()
        assert _outbox(store) == 1

    def test_an_alert_is_told_when_it_opens_and_when_it_rises_and_when_it_is_back(
        self, store: Database, writer: Engine, add: AddChannel, open_alert: OpenAlert
    ) -> None:
        channel, place, now = add("one"), fresh_place(), datetime.now(UTC)
        levels = [Level.WARNING, Level.WARNING, Level.ALARM, Level.NOTICE]
        (alert, *_) = [open_alert(level, place=place, at=now + timedelta(hours=n)) for n, level in enumerate(levels)]
        with writer.begin() as connection:
            connection.execute(text("UPDATE alerts.alerts SET state = 'acknowledged' WHERE id = :id"), {"id": alert})
        open_alert(place=place, at=now + timedelta(hours=5), standing=Standing.CLEAR)
        open_alert(Level.NOTICE, place=place, at=now + timedelta(hours=6))
        assert _spread(writer) == 3
        assert waiting(store, channel.id) == [
            ("alert_opened", "warning"),
            ("alert_raised", "alarm"),
            ("alert_back", "notice"),
        ]

    def test_nothing_is_given_out_twice(
        self, store: Database, writer: Engine, add: AddChannel, open_alert: OpenAlert
    ) -> None:
        channel = add("one")
        open_alert()
        assert [_spread(writer), _spread(writer)] == [1, 0]
        with psycopg.connect(store.superuser_dsn) as connection:
            # As after a restore from a moment before it was marked.
            connection.execute("UPDATE notifying.outbox SET spread_at = NULL")
        assert _spread(writer) == 1
        assert waiting(store, channel.id) == [("alert_opened", "warning")]

    def test_one_address_with_two_channels_is_told_once(
        self, store: Database, writer: Engine, add: AddChannel, open_alert: OpenAlert
    ) -> None:
        first = add("one", address="http://127.0.0.1:9/same")
        second = add("two", address="http://127.0.0.1:9/same", wanted=Wanted(scenario="S37"))
        open_alert()
        _spread(writer)
        assert (waiting(store, first.id), waiting(store, second.id)) == ([("alert_opened", "warning")], [])


class TestWanted:
    def test_unit_scenario_level_and_kind_each_leave_something_out(
        self, store: Database, writer: Engine, add: AddChannel, open_alert: OpenAlert
    ) -> None:
        wanted = {
            "all": Wanted(),
            "unit": Wanted(unit_code="16540"),
            "scenario": Wanted(scenario="S37"),
            "level": Wanted(least_level=Level.ALARM),
            "kind": Wanted(kinds=frozenset({"task_late"})),
        }
        channels = {name: add(name, wanted=one) for name, one in wanted.items()}
        open_alert(Level.NOTICE)
        open_alert(Level.ALARM, unit="16543", scenario="S11")
        _spread(writer)
        levels = {name: [level for _, level in waiting(store, channel.id)] for name, channel in channels.items()}
        assert levels == {
            "all": ["notice", "alarm"],
            "unit": ["notice"],
            "scenario": ["notice"],
            "level": ["alarm"],
            "kind": [],
        }

    def test_a_late_task_goes_where_its_scenario_is_wanted(
        self, store: Database, writer: Engine, add: AddChannel, open_alert: OpenAlert
    ) -> None:
        mine = add("mine", wanted=Wanted(scenario="S37", kinds=frozenset({"task_late"})))
        other = add("other", wanted=Wanted(scenario="S11", kinds=frozenset({"task_late"})))
        alert = open_alert(Level.ALARM)
        with writer.begin() as connection:
            late = Message("task_late", "Quá hạn", "Late", f"/board?s=S37&a={alert}")
            add_notice(connection, Audience(Action.EDIT, Area.ALERTS, "16540"), late)
        _spread(writer)
        assert (waiting(store, mine.id), waiting(store, other.id)) == ([("task_late", "alarm")], [])

    def test_tasks_that_are_given_are_told_by_name_only(
        self, store: Database, writer: Engine, add: AddChannel, open_alert: OpenAlert
    ) -> None:
        everything = add("all")
        open_alert(scenario="S11")
        reminded = add("zalo", wanted=Wanted(scenario="S11", kinds=frozenset({"task_given"})))
        open_alert(scenario="S11")
        _spread(writer)
        # Of S11 the extraction is given first, and beside it the daily watch.
        assert waiting(store, reminded.id) == [("task_given", "warning")] * 2
        assert waiting(store, everything.id) == [("alert_opened", "warning")] * 2

    def test_an_office_hears_nothing_of_files_and_of_what_is_meant_for_one_person(
        self, store: Database, writer: Engine, add: AddChannel
    ) -> None:
        office = add("office")
        with writer.begin() as connection:
            add_notice(connection, Audience(Action.APPROVE, "schools", "16540"), Message("upload_submitted", "a", "b"))
            add_notice(connection, "somebody", Message("task_handed_over", "a", "b"))
        assert _spread(writer) == 2
        assert waiting(store, office.id) == []


class TestPeople:
    def test_are_told_what_is_theirs_and_what_they_may_read(
        self, store: Database, writer: Engine, open_alert: OpenAlert
    ) -> None:
        officer, stranger = _account(store), _account(store, unit="16543")
        closed = _account(store, state="disabled")
        channels = [_own(writer, account) for account in (officer, stranger, closed)]
        open_alert()
        with writer.begin() as connection:
            for account in (officer, closed):
                add_notice(connection, account, Message("task_handed_over", "Giao", "Given"))
        _spread(writer)
        told = [[kind for kind, _ in waiting(store, channel)] for channel in channels]
        assert told == [["alert_opened", "task_handed_over"], [], []]


class TestKeeping:
    def test_people_keep_their_own_and_administrators_those_of_their_units(
        self, store: Database, writer: Engine, add: AddChannel
    ) -> None:
        officer, here = _account(store), _account(store, role="administrator")
        own = _own(writer, officer)
        add("province")
        commune = add("commune", wanted=Wanted(unit_code="16540"))
        with writer.begin() as connection:
            scopes = [Scope(officer), Scope.public(), ADMIN]
            scopes.append(load_scope(connection, uuid.UUID(here)).scope)
            seen = [[channel.draft.name for channel in list_channels(connection, scope)] for scope in scopes]
            with pytest.raises(ChannelNotFound):
                remove_channel(connection, Scope(officer), commune.id, datetime.now(UTC))
            remove_channel(connection, Scope(officer), own, datetime.now(UTC))
        assert seen == [["Thư của tôi"], [], ["Thư của tôi", "province", "commune"], ["commune"]]

    def test_nobody_adds_one_for_another_or_for_an_office_that_is_not_theirs(
        self, store: Database, writer: Engine
    ) -> None:
        officer = _account(store)
        drafts = [
            Draft("x", ChannelKind.EMAIL, "a@example.vn", account=uuid.uuid4()),
            Draft("x", ChannelKind.EMAIL, "a@example.vn", wanted=Wanted(unit_code="16540")),
        ]
        for draft in drafts:
            with writer.begin() as connection, pytest.raises(NotAllowed):
                add_channel(connection, Scope(officer), draft)

    @pytest.mark.parametrize(
        ("changes", "parameter"),
        [
            ({"address": "ftp://example.vn/x"}, "address"),
            ({"address": "http://user:secret@example.vn/"}, "address"),
            ({"address": "http:///x"}, "address"),
            ({"address": "http://example.vn/\nX: y"}, "address"),
            ({"kind": ChannelKind.EMAIL, "address": "a@example.vn,b@example.vn"}, "address"),
            ({"kind": ChannelKind.EMAIL, "address": "a@example.vn\r\nBcc: b@example.vn"}, "address"),
            ({"kind": ChannelKind.SMS, "address": "0912"}, "address"),
            ({"name": " "}, "name"),
            ({"wanted": Wanted(unit_code="165")}, "unit_code"),
            ({"wanted": Wanted(scenario="S99")}, "scenario"),
            ({"wanted": Wanted(kinds=frozenset({"alert_opend"}))}, "kinds"),
        ],
    )
    def test_what_cannot_be_used_is_named(self, writer: Engine, changes: dict[str, object], parameter: str) -> None:
        draft = replace(Draft("x", ChannelKind.WEBHOOK, "http://example.vn/"), **changes)  # type: ignore[arg-type]
        with writer.begin() as connection, pytest.raises(InvalidChannel) as caught:
            add_channel(connection, ADMIN, draft)
        assert caught.value.parameter == parameter

    def test_the_same_twice_and_too_many_are_refused(self, store: Database, writer: Engine, add: AddChannel) -> None:
        add("one")
        with pytest.raises(ChannelExists):
            add("one")
        officer = _account(store)
        for number in range(MOST_OWN):
            _own(writer, officer, f"a{number}@example.vn")
        with pytest.raises(InvalidChannel):
            _own(writer, officer)

    def test_a_persons_webhook_goes_only_to_machines_that_the_office_names(
        self, store: Database, writer: Engine
    ) -> None:
        officer = uuid.UUID(_account(store))
        draft = Draft("x", ChannelKind.WEBHOOK, "http://10.0.0.5:6379/", account=officer)
        with writer.begin() as connection:
            with pytest.raises(InvalidChannel):
                add_channel(connection, Scope(str(officer)), draft)
            assert add_channel(connection, Scope(str(officer)), draft, hosts=("10.0.0.5",)).draft.account == officer
