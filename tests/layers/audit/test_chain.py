"""The hash chain: sealed without gaps, followed by checkpoints, and whatever is done to it is found."""

from __future__ import annotations

import random
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text

from layers.audit import Event, record_event
from layers.audit.checkpoints import CheckpointFile, Kind, read_checkpoints
from layers.audit.keeper import Keeper, LogRolledBack, UnknownSigningKey
from layers.audit.keys import public_bytes
from layers.audit.log import read_head, seal_events
from layers.audit.verify import FaultKind, verify_log
from tests.layers.audit.world import NOW, Log, make_log, mutate, seal_and_mark, write_events

pytestmark = pytest.mark.db
SAMPLE = 500


@pytest.fixture(scope="module")
def log(world_template: str, copy_database, tmp_path_factory: pytest.TempPathFactory) -> Log:  # type: ignore[no-untyped-def]
    """A log that tests leave as they found it."""
    return make_log(copy_database(world_template), tmp_path_factory.mktemp("audit"), events=24)


@pytest.fixture
def own_log(world_template: str, copy_database, tmp_path: Path) -> Log:  # type: ignore[no-untyped-def]
    """A log of one test's own."""
    return make_log(copy_database(world_template), tmp_path, events=12)


def kinds(log: Log) -> set[FaultKind]:
    with log.database.superuser_engine().connect() as connection:
        return {fault.kind for fault in log.verify(connection).faults}


class TestWhole:
    def test_a_log_as_it_was_written_has_no_fault(self, log: Log) -> None:
        with log.database.superuser_engine().connect() as connection:
            verdict = log.verify(connection)
        assert verdict.faults == []
        assert verdict.head.seq == verdict.covered >= 24
        assert verdict.waiting == 0

    def test_events_of_a_transaction_that_goes_on_hold_nobody_up(self, own_log: Log) -> None:
        engine = own_log.database.engine("diaban_writer")
        with engine.connect() as slow, engine.connect() as quick:
            record_event(slow, Event("slow", "signed_in", "account", "1"))
            record_event(quick, Event("quick", "signed_in", "account", "2"))
            quick.commit()
            assert seal_events(quick) == 1
            quick.commit()
            slow.commit()
            assert seal_events(quick) == 1
            quick.commit()
        assert kinds(own_log) == set()

    def test_a_clock_set_back_changes_nothing_about_the_order(self, own_log: Log) -> None:
        with own_log.database.superuser_engine().begin() as connection:
            connection.execute(text("ALTER TABLE audit.events ALTER at SET DEFAULT now() - interval '1 day'"))
            record_event(connection, Event("late", "signed_in", "account", "1"))
        engine = own_log.database.engine("diaban_writer")
        with engine.begin() as connection:
            seal_events(connection)
        with engine.begin() as connection:
            line = own_log.keeper.keep(connection, NOW - timedelta(days=1), at_once=True)
        assert line is not None
        assert kinds(own_log) == set()


class TestWritersAtOnce:
    def test_many_writers_and_sequencers_make_one_chain(self, own_log: Log) -> None:
        ended = threading.Event()

        def write(number: int) -> None:
            write_events(own_log.database, random.Random(number), 20)

        def sealing() -> None:
            engine = own_log.database.engine("diaban_writer")
            while not ended.is_set():
                with engine.begin() as connection:
                    seal_events(connection, most=7)
            engine.dispose()

        before = _seq(own_log)
        sealers = [threading.Thread(target=sealing) for _ in range(3)]
        writers = [threading.Thread(target=write, args=(number,)) for number in range(20)]
        for thread in (*sealers, *writers):
            thread.start()
        for thread in writers:
            thread.join()
        ended.set()
        for thread in sealers:
            thread.join()
        seal_and_mark(own_log)
        assert _seq(own_log) == before + 400
        assert kinds(own_log) == set()

    def test_a_sequencer_with_an_old_snapshot_is_refused_rather_than_forking(self, own_log: Log) -> None:
        engine = own_log.database.engine("diaban_writer")
        write_events(own_log.database, random.Random(3), 2)
        with engine.connect().execution_options(isolation_level="REPEATABLE READ") as old:
            old.execute(text("SELECT 1 FROM audit.chain"))
            with engine.begin() as other:
                seal_events(other)
            with pytest.raises(Exception, match=r"duplicate key|could not serialize"):
                seal_events(old)
        assert kinds(own_log) == set()


class TestMutations:
    def test_a_sample_of_all_mutations_is_found(self, log: Log) -> None:
        assert run_mutations(log, seed=20261125, count=SAMPLE) == []

    def test_no_login_may_do_any_of_it(self, log: Log) -> None:
        for login in ("diaban_owner", "diaban_writer"):
            engine = log.database.engine(login)
            for statement in (
                "UPDATE audit.chain SET hash = hash",
                "DELETE FROM audit.waiting",
                "INSERT INTO audit.checkpoints (line) VALUES ('x')",
                "ALTER TABLE audit.chain DISABLE TRIGGER append_only",
                "SET session_replication_role = replica",
            ):
                with engine.connect() as connection, pytest.raises(Exception, match=r"permission denied|must be owner"):
                    connection.execute(text(statement))

    @pytest.mark.parametrize("table", ["events", "chain", "log", "checkpoints"])
    def test_the_superuser_is_stopped_by_a_guard_first(self, log: Log, table: str) -> None:
        with log.database.superuser_engine().connect() as connection:
            connection.execute(text("SET session_replication_role = replica"))
            for statement in (f"DELETE FROM audit.{table}", f"TRUNCATE audit.{table} CASCADE"):
                with pytest.raises(Exception, match="append-only"):
                    connection.execute(text(statement))
                connection.rollback()


def run_mutations(log: Log, *, seed: int, count: int) -> list[str]:
    """Mutations that were not found, each by its number and name."""
    missed = []
    engine = log.database.superuser_engine()
    with engine.connect() as connection:
        for number in range(count):
            dice = random.Random(seed * 1_000_003 + number)
            name = mutate(connection, dice)
            if not log.verify(connection).faults:
                missed.append(f"{number}: {name}")
            connection.rollback()
    engine.dispose()
    return missed


class TestCheckpoints:
    def test_nothing_is_written_where_nothing_happened(self, own_log: Log) -> None:
        with own_log.database.engine("diaban_writer").begin() as connection:
            assert own_log.keeper.keep(connection, NOW) is None
            later = own_log.keeper.keep(connection, NOW + timedelta(hours=2))
        assert later is not None

    def test_an_older_state_of_the_database_is_not_signed(self, own_log: Log) -> None:
        with own_log.database.superuser_engine().connect() as connection:
            connection.execute(text("ALTER TABLE audit.chain DISABLE TRIGGER append_only"))
            connection.execute(text("DELETE FROM audit.chain WHERE seq > 3"))
            with pytest.raises(LogRolledBack):
                own_log.keeper.keep(connection, NOW)
            connection.rollback()

    def test_a_log_resumed_after_a_restore_says_what_is_lost(self, own_log: Log) -> None:
        with own_log.database.superuser_engine().connect() as connection:
            for name in ("chain", "events"):
                connection.execute(text(f"ALTER TABLE audit.{name} DISABLE TRIGGER append_only"))
            connection.execute(text("SET LOCAL session_replication_role = replica"))
            connection.execute(
                text("DELETE FROM audit.events WHERE id IN (SELECT event_id FROM audit.chain WHERE seq > 9)")
            )
            connection.execute(text("DELETE FROM audit.chain WHERE seq > 9"))
            lost = _seq(own_log) - 9
            own_log.keeper.resume(connection, NOW)
            record_event(connection, Event("after", "signed_in", "account", "1"))
            seal_events(connection)
            own_log.keeper.keep(connection, NOW)
            verdict = own_log.verify(connection)
            connection.rollback()
        assert verdict.faults == []
        assert [en for _, en in verdict.notices] == [
            f"2026-11-25 08:00 UTC: resumed from an older state at 9; at least {lost} events are lost"
        ]

    def test_the_old_key_vouches_for_the_new_one(self, own_log: Log) -> None:
        successor = Ed25519PrivateKey.generate()
        with own_log.database.engine("diaban_writer").begin() as connection:
            own_log.keeper.rotate(connection, successor, NOW)
            with pytest.raises(UnknownSigningKey):
                own_log.keeper.keep(connection, NOW, at_once=True)
            Keeper(own_log.keeper.file, successor).keep(connection, NOW, at_once=True)
            verdict = verify_log(connection, own_log.keeper.file, known_key=public_bytes(successor))
            assert verdict.faults == []
            old = verify_log(connection, own_log.keeper.file, known_key=own_log.key)
        assert {fault.kind for fault in old.faults} == {FaultKind.OTHER_KEY}

    def test_a_lost_key_is_replaced_in_everybodys_sight(self, own_log: Log) -> None:
        new = Keeper(own_log.keeper.file, Ed25519PrivateKey.generate())
        with own_log.database.engine("diaban_writer").begin() as connection:
            new.replace_lost(connection, NOW)
            verdict = verify_log(connection, new.file, known_key=public_bytes(new.key))
        assert verdict.faults == []
        assert len(verdict.notices) == 1
        assert "lost" in verdict.notices[0][1]

    def test_every_change_of_the_file_is_found(self, own_log: Log) -> None:
        path = own_log.keeper.file.path
        whole = path.read_bytes()
        lines = whole.splitlines(keepends=True)
        assert len(lines) >= 3
        dice = random.Random(5)
        attempts = [b"".join(lines[:-1]), b"".join(lines[1:]), b"", b"".join([lines[0], *lines[2:]])]
        attempts += [b"".join([lines[1], lines[0], *lines[2:]])]
        for _ in range(200):
            place = dice.randrange(len(whole))
            changed = bytearray(whole)
            changed[place] ^= 1 << dice.randrange(7)
            attempts.append(bytes(changed))
        missed = []
        for number, content in enumerate(attempts):
            path.write_bytes(content)
            if not kinds(own_log):
                missed.append(number)
        path.write_bytes(whole)
        assert kinds(own_log) == set()
        assert missed == []

    def test_a_line_torn_by_a_power_cut_is_no_fault(self, own_log: Log) -> None:
        path = own_log.keeper.file.path
        with path.open("ab") as file:
            file.write(b"diaban-checkpoint/1 mark 0000")
        with own_log.database.engine("diaban_writer").begin() as connection:
            own_log.keeper.keep(connection, NOW, at_once=True)
        assert kinds(own_log) == set()

    def test_the_copy_is_brought_up_and_misses_nothing(self, own_log: Log, tmp_path: Path) -> None:
        second = tmp_path / "second"
        file = CheckpointFile(own_log.keeper.file.path, second / "checkpoints.log")
        keeper = Keeper(file, own_log.keeper.key)
        with own_log.database.engine("diaban_writer").begin() as connection:
            keeper.keep(connection, NOW, at_once=True)  # The place is away: the file itself goes on.
            second.mkdir()
            keeper.keep(connection, NOW, at_once=True)
            assert read_checkpoints(second / "checkpoints.log") == read_checkpoints(file.path)
            whole = file.path.read_text()
            file.path.write_text("".join(whole.splitlines(keepends=True)[:2]))
            verdict = verify_log(connection, file, known_key=keeper.key.public_key().public_bytes_raw())
        assert FaultKind.CHECKPOINTS_CUT in {fault.kind for fault in verdict.faults}

    def test_a_database_made_anew_begins_another_log(self, own_log: Log, world_template: str, copy_database) -> None:  # type: ignore[no-untyped-def]
        other = copy_database(world_template)
        with other.superuser_engine().begin() as connection:
            connection.execute(text("ALTER TABLE audit.log DISABLE TRIGGER append_only"))
            connection.execute(text("UPDATE audit.log SET log_id = gen_random_uuid()"))
        with other.engine("diaban_writer").begin() as connection:
            seal_events(connection)
            line = own_log.keeper.keep(connection, datetime.now(UTC))
            verdict = own_log.verify(connection)
        assert line is not None
        assert line.kind is Kind.BEGIN
        assert verdict.faults == []
        assert "a new log begins" in verdict.notices[0][1]


def _seq(log: Log) -> int:
    with log.database.superuser_engine().connect() as connection:
        return read_head(connection).seq
