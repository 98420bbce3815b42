"""Requests of persons: found, told, corrected, restricted, erased for good; in time, once, and on record."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from app.database import Database
from layers.access import Grant, Scope
from layers.definition import Definition
from layers.edit import UpdateFeature, edit_features
from layers.errors import LayerNotFound
from layers.personal.acts import erase, gather, lift, restrict
from layers.personal.counts import Limits, PeopleCounts, count_people
from layers.personal.erasures import erasures_file, keep_erasures, repeat_erasures
from layers.personal.errors import PersonalNotFound, SealBroken
from layers.personal.keys import KeyFile, keyring_of, make_key
from layers.personal.opening import open_values
from layers.personal.people import By, PersonNotFound, UnusableValue, find_at, find_holdings, get_person
from layers.personal.reading import read_masked
from layers.personal.requests import (
    CLOCKS,
    ExtendedAlready,
    ReasonNeeded,
    RequestDecided,
    RequestKind,
    RequestNotFound,
    count_requests,
    extend,
    finish,
    get_request,
    list_requests,
    receive,
    refuse,
)
from layers.personal.retention import InvalidKeeping, Keeping, clear_keeping, end_keeping, list_keepings, set_keeping
from layers.publish import revert_layer
from layers.rights import Action, Attributes, Right
from scenarios.work.calendar import WorkCalendar
from tests.layers.conftest import MakeLayer
from tests.layers.personal.conftest import everything, publish
from tests.layers.store_world import NOTE, PLACES

pytestmark = pytest.mark.db
MARK = "Trần Văn Dấu Mờ"
NOW = datetime(2026, 12, 1, 4, tzinfo=UTC)
TODAY = date(2026, 12, 1)
AFTER = WorkCalendar().after
_NUMBERS = iter(range(100_000, 200_000))


@pytest.fixture
def number() -> str:
    """An identification number that nobody else has."""
    return f"079099{next(_NUMBERS)}"


@pytest.fixture
def mark(store_owner: Engine, known_people: Definition, make_layer: MakeLayer, number: str) -> str:
    """A person with values in two layers and two revisions; a neighbour has some beside them."""
    other = make_layer(PLACES, fields=known_people.fields)
    publish(
        store_owner,
        known_people,
        code=["A", "B"],
        owner=[MARK, "B"],
        owner_id_number=[number, None],
        phone=["0900 111 222", None],
    )
    publish(
        store_owner,
        known_people,
        code=["A", "B"],
        owner=[MARK + " 2", "B"],
        owner_id_number=[number, None],
        phone=["0900 111 222", None],
    )
    publish(store_owner, other, code=["Z"], owner=[MARK], owner_id_number=[number[:3] + " " + number[3:]])
    with store_owner.connect() as connection:
        return find_holdings(connection, By.ID, number)[0].person


class TestFinding:
    @pytest.mark.parametrize("spelt", ["0900111222", "+84 900 111 222", "0900.111.222"])
    def test_by_telephone_however_it_is_written(
        self, store_owner: Engine, known_people: Definition, mark: str, spelt: str
    ) -> None:
        with store_owner.connect() as connection:
            found = find_holdings(connection, By.PHONE, spelt)
        assert (known_people.slug, 1, mark) in {(one.slug, one.fid, one.person) for one in found}
        assert 2 not in {one.fid for one in found if one.slug == known_people.slug}

    def test_by_number_in_every_layer_and_by_feature(
        self, store_owner: Engine, known_people: Definition, mark: str, number: str
    ) -> None:
        with store_owner.connect() as connection:
            found = find_holdings(connection, By.ID, number)
            assert find_at(connection, known_people.slug, 1) == found
            assert find_at(connection, known_people.slug, 999) == []
        assert {one.person for one in found} == {mark}
        assert len({one.slug for one in found}) == 2

    @pytest.mark.parametrize("value", ["", "12", "079", "\x00", "000000000000"])
    def test_by_too_little_is_refused(self, store_owner: Engine, value: str) -> None:
        with store_owner.connect() as connection, pytest.raises(UnusableValue):
            find_holdings(connection, By.ID, value)

    @pytest.mark.parametrize("mark", ["", "zz", "00" * 16, "Nguyễn"])
    def test_of_nobody(self, store_owner: Engine, mark: str) -> None:
        with store_owner.connect() as connection, pytest.raises(PersonNotFound):
            get_person(connection, mark)


class TestGathering:
    def test_gives_all_layers_and_nobody_elses(self, store_owner: Engine, known_people: Definition, mark: str) -> None:
        with store_owner.begin() as connection:
            held = gather(connection, get_person(connection, mark), author="tester", act="personal_data_given")
        assert {owner["owner"] for rows in held.values() for owner in rows.values()} == {MARK, MARK + " 2"}
        assert set(held[known_people.slug]) == {1}

    def test_leaves_out_what_has_passed_to_somebody_else(
        self, store_owner: Engine, known_people: Definition, mark: str
    ) -> None:
        with store_owner.begin() as connection:
            change = UpdateFeature(1, {"owner": "Người mua", "owner_id_number": "079099999999"})
            edit_features(connection, known_people.slug, [change], note=NOTE)
            held = gather(connection, get_person(connection, mark), author="tester", act="personal_data_given")
        assert known_people.slug not in held

    def test_is_on_record_without_values(self, store_owner: Engine, mark: str) -> None:
        with store_owner.begin() as connection:
            gather(connection, get_person(connection, mark), author="tester", act="personal_data_told")
            events = connection.execute(
                text("SELECT e::text FROM audit.events e WHERE object_id = :mark"), {"mark": mark}
            ).scalars()
            kept = "\n".join(events)
        assert "personal_data_told" in kept
        assert MARK not in kept


class TestRestricting:
    def test_shows_the_values_to_nobody_until_it_is_lifted(
        self, store: Database, store_owner: Engine, known_people: Definition, mark: str
    ) -> None:
        right = Right(frozenset({Action.READ}), frozenset({known_people.slug}), attributes=Attributes.PERSONAL)
        scope, opening = Scope("reader", (Grant(right, None),)), store.engine("diaban_personal")

        def shown() -> tuple[bool, dict[str, object]]:
            with opening.begin() as connection:
                opened = read_masked(connection, scope, known_people, 1)
                return opened.restricted, opened.values

        assert shown()[1]["owner"] == "Trần V. D. M. 2."
        with store_owner.begin() as connection:
            person = get_person(connection, mark)
            assert restrict(connection, person, at=NOW, author="tester")
            assert not restrict(connection, person, at=NOW, author="tester")
        assert shown() == (True, {})
        with store_owner.begin() as connection:
            assert lift(connection, get_person(connection, mark), author="tester")
            assert not lift(connection, get_person(connection, mark), author="tester")
        assert not shown()[0]
        opening.dispose()


class TestErasing:
    def test_leaves_nothing_that_can_be_read(
        self, store_owner: Engine, known_people: Definition, mark: str, number: str
    ) -> None:
        with store_owner.begin() as connection:
            sealed = connection.execute(
                text(f"SELECT fid, key_id, sealed FROM private.{known_people.table} WHERE fid = 1")
            ).all()
            numbers = erase(connection, get_person(connection, mark), at=NOW, author="tester")
        assert {row.key_id for row in sealed} == set(numbers)
        with store_owner.connect() as connection:
            assert MARK not in everything(connection)
            assert open_values(connection, known_people) == {1: {}, 2: {"owner": "B"}}
            assert open_values(connection, known_people, revision=1)[1] == {}
            # What a back-up of the sealed values holds opens under no key that is left.
            ring = keyring_of(connection)
            keys = connection.execute(text("SELECT person, wrapped FROM personal.keys WHERE wrapped IS NOT NULL")).all()
            from layers.personal.values import unseal

            for person, wrapped in keys:
                with pytest.raises(SealBroken):
                    unseal(ring.unwrap(bytes(person), bytes(wrapped)), known_people.slug, 1, sealed[0].sealed)
            features = connection.execute(text(f"SELECT count(*) FROM features.{known_people.table}")).scalar_one()
            found = find_holdings(connection, By.PHONE, "0900111222")
            assert known_people.slug not in {one.slug for one in found}
            assert all(one.erased for one in find_holdings(connection, By.ID, number))
        assert features == 2

    def test_again_does_nothing(self, store_owner: Engine, mark: str) -> None:
        with store_owner.begin() as connection:
            assert erase(connection, get_person(connection, mark), at=NOW, author="tester")
            assert erase(connection, get_person(connection, mark), at=NOW, author="tester") == ()
            count = connection.execute(
                text("SELECT count(*) FROM audit.events WHERE action = 'personal_data_erased' AND object_id = :mark"),
                {"mark": mark},
            ).scalar_one()
        assert count == 1

    def test_is_not_undone_by_reverting_the_layer(
        self, store_owner: Engine, known_people: Definition, mark: str
    ) -> None:
        with store_owner.begin() as connection:
            erase(connection, get_person(connection, mark), at=NOW, author="tester")
            revert_layer(connection, known_people.slug, 1, note=NOTE)
            assert open_values(connection, known_people)[1] == {}

    def test_lets_the_person_be_entered_anew_under_another_key(
        self, store_owner: Engine, known_people: Definition, mark: str, number: str
    ) -> None:
        with store_owner.begin() as connection:
            gone = erase(connection, get_person(connection, mark), at=NOW, author="tester")
        publish(store_owner, known_people, code=["A"], owner=["Mới"], owner_id_number=[number])
        with store_owner.connect() as connection:
            assert open_values(connection, known_people)[1]["owner"] == "Mới"
            person = get_person(connection, mark)
        assert person.gone == gone
        assert set(person.keys).isdisjoint(gone)

    def test_beside_readers_gives_them_all_or_nothing(
        self, store: Database, store_owner: Engine, known_people: Definition, mark: str
    ) -> None:
        right = Right(frozenset({Action.READ}), frozenset({known_people.slug}), attributes=Attributes.PERSONAL)
        scope, opening = Scope("reader", (Grant(right, None),)), store.engine("diaban_personal")
        seen: list[int] = []
        failures: list[BaseException] = []
        erased = threading.Event()

        def read() -> None:
            try:
                while True:
                    last = erased.is_set()
                    with opening.begin() as connection:
                        seen.append(len(read_masked(connection, scope, known_people, 1).values))
                    if last:
                        return
            except BaseException as error:
                failures.append(error)

        readers = [threading.Thread(target=read) for _ in range(3)]
        for reader in readers:
            reader.start()
        with store_owner.begin() as connection:
            erase(connection, get_person(connection, mark), at=NOW, author="tester")
        erased.set()
        for reader in readers:
            reader.join(30)
        opening.dispose()
        assert not failures
        assert set(seen) <= {0, 3}
        assert seen[-1] == 0

    def test_waits_for_who_is_sealing(
        self, store_owner: Engine, known_people: Definition, mark: str, number: str
    ) -> None:
        started, done = threading.Event(), threading.Event()

        def run() -> None:
            started.set()
            with store_owner.begin() as connection:
                erase(connection, get_person(connection, mark), at=NOW, author="tester")
            done.set()

        with store_owner.begin() as connection:
            edit_features(connection, known_people.slug, [UpdateFeature(1, {"owner": MARK + " 3"})], note=NOTE)
            thread = threading.Thread(target=run)
            thread.start()
            started.wait(10)
            assert not done.wait(0.3)
        thread.join(30)
        assert done.is_set()
        with store_owner.connect() as connection:
            assert open_values(connection, known_people)[1] == {}


class TestARestoredBackUp:
    @pytest.fixture
    def engine(self, store: Database, tmp_path: Path) -> Iterator[Engine]:
        """The same key in a place of this test's own, so that its record of erasures is too."""
        assert store.personal_key is not None
        path = tmp_path / "personal.key"
        path.write_bytes(make_key(store.personal_key.path).read_bytes())
        engine = replace(store, personal_key=KeyFile(path)).engine("diaban_owner")
        yield engine
        engine.dispose()

    def test_does_not_bring_anybody_back(
        self, engine: Engine, known_people: Definition, mark: str, tmp_path: Path
    ) -> None:
        table = f"private.{known_people.table}"
        with engine.begin() as connection:
            keys = connection.execute(
                text("SELECT * FROM personal.keys WHERE person = :p"), {"p": bytes.fromhex(mark)}
            ).all()
            rows = connection.execute(text(f"SELECT fid, revision, sealed FROM {table} WHERE fid = 1")).all()
            erase(connection, get_person(connection, mark), at=NOW, author="tester")
        with engine.begin() as connection:
            keep_erasures(connection)
            keep_erasures(connection)
        kept = erasures_file(KeyFile(tmp_path / "personal.key")).read_text()
        assert kept.count(mark) == 1
        with engine.begin() as connection:
            # What was backed up before.
            for key in keys:
                connection.execute(
                    text("UPDATE personal.keys SET wrapped = :wrapped, erased_at = NULL WHERE id = :id"),
                    {"wrapped": key.wrapped, "id": key.id},
                )
            for row in rows:
                connection.execute(
                    text(f"UPDATE {table} SET sealed = :sealed WHERE fid = :fid AND revision = :revision"), row._mapping
                )
            assert open_values(connection, known_people)[1]["owner"] == MARK + " 2"
        with engine.begin() as connection:
            assert repeat_erasures(connection, author="tester") == tuple(key.id for key in keys)
            assert open_values(connection, known_people)[1] == {}
            assert repeat_erasures(connection, author="tester") == ()


def _receive(engine: Engine, kind: RequestKind, mark: str):  # type: ignore[no-untyped-def]
    with engine.begin() as connection:
        return receive(connection, kind, mark, at=NOW, day=TODAY, after=AFTER, author="tester")


class TestARequest:
    @pytest.mark.parametrize(("kind", "days"), [("see", 10), ("correct", 10), ("restrict", 15), ("erase", 20)])
    def test_has_the_clock_of_the_law(self, store_owner: Engine, mark: str, kind: str, days: int) -> None:
        request = _receive(store_owner, RequestKind(kind), mark)
        # A Tuesday; the second worked day after it is the Thursday.
        assert request.answer_due_on == date(2026, 12, 3)
        assert request.due_on == TODAY + timedelta(days=days)
        assert not request.is_late(request.due_on)
        assert request.is_late(request.due_on + timedelta(days=1))

    def test_answer_is_counted_in_worked_days(self, store_owner: Engine, mark: str) -> None:
        with store_owner.begin() as connection:
            # Friday, 12 February 2027: Tết of 2027 follows the weekend's first days.
            request = receive(
                connection, RequestKind.SEE, mark, at=NOW, day=date(2027, 2, 4), after=AFTER, author="tester"
            )
        assert request.answer_due_on > date(2027, 2, 8)

    def test_that_waits_is_not_received_twice(self, store_owner: Engine, mark: str) -> None:
        assert _receive(store_owner, RequestKind.ERASE, mark) == _receive(store_owner, RequestKind.ERASE, mark)

    def test_is_done_once(self, store_owner: Engine, mark: str) -> None:
        request = _receive(store_owner, RequestKind.SEE, mark)
        with store_owner.begin() as connection:
            finish(connection, request, at=NOW, author="tester")
        with store_owner.begin() as connection, pytest.raises(RequestDecided):
            finish(connection, get_request(connection, request.id, RequestKind.SEE), at=NOW, author="tester")
        with store_owner.begin() as connection, pytest.raises(RequestDecided):
            refuse(connection, request.id, "không đúng người", at=NOW, author="tester")

    def test_of_another_kind_is_not_taken(self, store_owner: Engine, mark: str) -> None:
        request = _receive(store_owner, RequestKind.SEE, mark)
        with store_owner.begin() as connection, pytest.raises(RequestNotFound):
            get_request(connection, request.id, RequestKind.ERASE)

    def test_is_refused_for_a_reason_only(self, store_owner: Engine, mark: str) -> None:
        request = _receive(store_owner, RequestKind.ERASE, mark)
        with store_owner.begin() as connection, pytest.raises(ReasonNeeded):
            refuse(connection, request.id, "không", at=NOW, author="tester")
        with store_owner.begin() as connection:
            refuse(connection, request.id, "Luật Đất đai buộc lưu hồ sơ", at=NOW, author="tester")
            kept = get_request(connection, request.id)
        assert (kept.state, kept.reason, kept.decided_at) == ("refused", "Luật Đất đai buộc lưu hồ sơ", NOW)

    def test_is_extended_once(self, store_owner: Engine, mark: str) -> None:
        request = _receive(store_owner, RequestKind.ERASE, mark)
        with store_owner.begin() as connection:
            longer = extend(connection, request.id, "hồ sơ phức tạp", day=TODAY, author="tester")
        assert longer.due_on == TODAY + timedelta(days=CLOCKS[RequestKind.ERASE].extended)
        with store_owner.begin() as connection, pytest.raises(ExtendedAlready):
            extend(connection, request.id, "hồ sơ phức tạp", day=TODAY, author="tester")

    def test_that_is_late_is_counted_and_listed(self, store_owner: Engine, mark: str) -> None:
        request = _receive(store_owner, RequestKind.EXPORT, mark)
        late_day = request.due_on + timedelta(days=1)
        with store_owner.connect() as connection:
            waiting, late = count_requests(connection, late_day)
            listed = {one.id for one in list_requests(connection, late_on=late_day)}
            early = {one.id for one in list_requests(connection, late_on=request.due_on)}
            assert request.id in {one.id for one in list_requests(connection, waiting=True)}
        assert waiting >= late >= 1
        assert request.id in listed
        assert request.id not in early


class TestKeeping:
    def test_takes_out_what_is_past_its_time_and_no_more(
        self, store_owner: Engine, known_people: Definition, mark: str
    ) -> None:
        slug, table = known_people.slug, known_people.table
        with store_owner.begin() as connection:
            set_keeping(connection, Keeping(slug, 30, "QĐ 1"), author="tester")
            set_keeping(connection, Keeping(slug, 90, "QĐ 2/2026"), author="tester")
            assert Keeping(slug, 90, "QĐ 2/2026") in list_keepings(connection)
            connection.execute(
                text(
                    "UPDATE catalogue.revisions SET published_at = published_at - interval '91 days'"
                    " WHERE slug = :slug AND revision = 1"
                ),
                {"slug": slug},
            )
            now = datetime.now(UTC)
            assert end_keeping(connection, now, author="tester") == 2
            assert end_keeping(connection, now, author="tester") == 0
            assert open_values(connection, known_people, revision=1) == {1: {}, 2: {}}
            assert open_values(connection, known_people)[1]["owner"] == MARK + " 2"
            # The neighbour, whose values did not change in between, has nothing left, and so no key.
            gone = connection.execute(
                text(
                    f"SELECT k.wrapped IS NULL FROM private.{table} p JOIN personal.keys k ON k.id = p.key_id"
                    " WHERE fid = 2"
                )
            ).scalars()
            assert set(gone) == {True}
            assert clear_keeping(connection, slug, author="tester")
            assert not clear_keeping(connection, slug, author="tester")

    @pytest.mark.parametrize(
        ("days", "basis"), [(0, "QĐ 1"), (-1, "QĐ 1"), (36_501, "QĐ 1"), (10, ""), (10, "x" * 301)]
    )
    def test_of_no_sense_is_refused(self, store_owner: Engine, known_people: Definition, days: int, basis: str) -> None:
        with store_owner.begin() as connection, pytest.raises(InvalidKeeping):
            set_keeping(connection, Keeping(known_people.slug, days, basis), author="tester")

    def test_of_a_layer_without_people_is_refused(self, store_owner: Engine) -> None:
        with store_owner.begin() as connection, pytest.raises(LayerNotFound):
            set_keeping(connection, Keeping("provinces", 10, "QĐ 1"), author="tester")


class TestCounting:
    def test_counts_persons_not_features(self, store_owner: Engine, known_people: Definition, mark: str) -> None:
        with store_owner.connect() as connection:
            counts = count_people(connection)
        assert counts.by_layer[known_people.slug] == 2
        assert counts.people >= 2

    @pytest.mark.parametrize(
        ("people", "sensitive", "expected"),
        [(79, 7, []), (80, 7, ["basic"]), (10, 8, ["sensitive"]), (200, 20, ["basic", "sensitive"])],
    )
    def test_warns_at_four_fifths(self, people: int, sensitive: int, expected: list[str]) -> None:
        counts = PeopleCounts(people, sensitive, {})
        assert counts.warnings(Limits(100, 10)) == expected
        assert counts.warnings(Limits(0, 0)) == []


def test_what_is_not_there_is_not_found(store: Database, known_people: Definition) -> None:
    opening = store.engine("diaban_personal")
    with opening.begin() as connection, pytest.raises(PersonalNotFound):
        read_masked(connection, Scope.local_admin(), known_people, 1)
    opening.dispose()
