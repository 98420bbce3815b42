"""make prove NAME=restore: a database killed while people write, and restored; what was stored must be there.

Each round writes from several threads, ends some WAL files, kills the server at a seeded moment, restores the newest
state into a new folder, and every third round a seeded instant too. What a client saw acknowledged before the end of
the last stored WAL file must be there; what began after the instant must not.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
from sqlalchemy import text

from app.backup.archiving import switch_off
from app.backup.checking import verify_repository
from app.backup.files import FileStore
from app.backup.key import read_passphrase
from app.backup.listing import Kind
from app.backup.making import back_up, file_store
from app.backup.place import STANZA, Place, find_place
from app.backup.program import list_names
from app.backup.replacing import replace_cluster
from app.backup.restoring import Restored, restore_to
from app.database import Database
from app.demo import DemoPlan, prepare
from layers.audit import Event, record_event
from tests.app.backup.world import Installation, installation, numbers_in, written
from tests.prove._house import write_report
from tests.prove._object_store import SECRET, object_store, options

WRITERS = 4
SEGMENT = 16 * 2**20


@dataclass(frozen=True, slots=True)
class Write:
    """An acknowledged write: its number, when it began and was acknowledged, and how far the WAL was then."""

    number: str
    began_at: datetime
    ended_at: datetime
    lsn: int


@dataclass(slots=True)
class Tally:
    """What the rounds found."""

    faults: list[str] = field(default_factory=list)
    acknowledged: int = 0
    lost: int = 0
    instants: int = 0
    rpo_s: list[float] = field(default_factory=list)
    rto_s: list[float] = field(default_factory=list)
    files_missing: int = 0


def main() -> None:
    """Runs the rounds and writes the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--seed", type=int, default=20261201)
    parser.add_argument("--parcels", type=int, default=100_000)
    asked = parser.parse_args()
    with installation(lambda database: prepare(database, DemoPlan(None, asked.parcels), reset=False)) as house:
        made = back_up(house.settings, house.database, Kind.FULL, actor="prove")
        full_s = (made.backup.stopped_at - made.backup.started_at).total_seconds()
        tally, writes = Tally(), Writes(house)
        for number in range(1, asked.rounds + 1):
            _round(writes, tally, random.Random(asked.seed * 1_000 + number), number)  # noqa: S311 - seeded on purpose
            sys.stdout.write(f"{number}/{asked.rounds}, {len(tally.faults)} faults\n")
            sys.stdout.flush()
        replaced = _replace(writes, tally)
        objects = _in_object_store(house, tally)
    sizes = (made.backup.database_bytes / 1e6, made.backup.stored_bytes / 1e6, full_s)
    lines = _report(tally, asked, sizes, (replaced, objects))
    write_report("restore", "Restored after the disk has died", lines)
    raise SystemExit(1 if tally.faults else 0)


class Writes:
    """Everything that was acknowledged so far, and who writes on."""

    def __init__(self, house: Installation) -> None:
        self.house = house
        self.place: Place = find_place(house.settings)
        self.store: FileStore = file_store(self.place, read_passphrase(self.place.key_file), house.settings)
        self.done: list[Write] = []
        self.files: list[tuple[Path, datetime]] = []
        self._count = 0
        self._lock = threading.Lock()

    def write_until(self, ended: threading.Event) -> list[threading.Thread]:
        """Starts writers that go on until the server dies under them or they are told."""
        database = self.house.database
        threads = [threading.Thread(target=self._write, args=(database, ended)) for _ in range(WRITERS)]
        for thread in threads:
            thread.start()
        return threads

    def _write(self, database: Database, ended: threading.Event) -> None:
        engine = database.engine("diaban_writer").execution_options(isolation_level="READ COMMITTED")
        try:
            while not ended.is_set():
                with self._lock:
                    self._count += 1
                    number = str(self._count)
                began_at = datetime.now(UTC)
                with engine.begin() as connection:
                    record_event(connection, Event("prove", "written", "number", number))
                ended_at = datetime.now(UTC)
                with engine.connect() as connection:
                    lsn = int(
                        connection.execute(text("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn")).scalar_one()
                    )
                with self._lock:
                    self.done.append(Write(number, began_at, ended_at, lsn))
        except Exception as error:
            # The server was killed, which is the point; anything else would end the proof with too few writes.
            if ended.is_set() or "OperationalError" in type(error).__name__:
                return
            raise
        finally:
            engine.dispose()

    def stored_until(self) -> int:
        """The end of the last WAL file that the repository holds."""
        names = [Path(name).name[:24] for name in list_names(self.place, f"archive/{STANZA}")]
        whole = [name for name in names if len(name) == 24 and "." not in name]
        last = max(int(name[8:16], 16) * 256 + int(name[16:24], 16) for name in whole)
        return (last + 1) * SEGMENT


def _round(writes: Writes, tally: Tally, dice: random.Random, number: int) -> None:
    house, ended = writes.house, threading.Event()
    if number % 5 == 0:
        back_up(house.settings, house.database, dice.choice([Kind.DIFF, Kind.INCR]), actor="prove")
    already = len(writes.done)
    threads = writes.write_until(ended)
    for _ in range(dice.randrange(1, 4)):
        time.sleep(dice.uniform(0.2, 1.0))
        writes.files.append((house.receive(dice.randbytes(dice.randrange(200_000))), datetime.now(UTC)))
        if dice.random() < 0.7:
            writes.store.copy_new()
        with psycopg.connect(house.database.superuser_dsn, autocommit=True) as connection:
            connection.execute("SELECT pg_switch_wal()")
    time.sleep(dice.uniform(0.0, 1.5))
    killed_at = datetime.now(UTC)
    house.kill()
    ended.set()
    for thread in threads:
        thread.join()
    tally.acknowledged += len(writes.done) - already
    _restore_newest(writes, tally, number, killed_at)
    if number % 3 == 0:
        _restore_instant(writes, tally, dice, number)


def _restore_newest(writes: Writes, tally: Tally, number: int, killed_at: datetime) -> None:
    until = writes.stored_until()
    state = writes.house.state.with_name(f"state-{number}")
    restored = restore_to(writes.house.settings, state, None)
    found = written(restored)
    lacking = [w.number for w in writes.done if w.lsn <= until and w.number not in found]
    if lacking:
        tally.faults.append(f"round {number}: {len(lacking)} stored writes are not there, such as {lacking[0]}")
    tally.lost += sum(write.number not in found for write in writes.done)
    _look(restored, tally, f"round {number}")
    if restored.last_change_at is not None:
        tally.rpo_s.append(max(0.0, (killed_at - restored.last_change_at).total_seconds()))
    tally.rto_s.append(restored.seconds)
    shutil.rmtree(state)


def _restore_instant(writes: Writes, tally: Tally, dice: random.Random, number: int) -> None:
    """An instant among the stored writes since the last back-up ended."""
    until = writes.stored_until()
    stored = [write for write in writes.done if write.lsn <= until]
    newest = max(write.ended_at for write in stored)
    at = newest - timedelta(seconds=dice.uniform(0.1, 1.0))
    state = writes.house.state.with_name(f"state-at-{number}")
    restored = restore_to(writes.house.settings, state, at)
    found = written(restored)
    wrong = [w.number for w in stored if w.ended_at < at and w.number not in found]
    wrong += [w.number for w in writes.done if w.began_at > at and w.number in found]
    if wrong:
        tally.faults.append(f"round {number}, {at.isoformat()}: {len(wrong)} writes on the wrong side, {wrong[0]}")
    _look(restored, tally, f"round {number} at an instant")
    tally.instants += 1
    shutil.rmtree(state)


def _look(restored: Restored, tally: Tally, where: str) -> None:
    for check in restored.checks:
        if check.is_well:
            continue
        if check.en.startswith("Files"):
            tally.files_missing += 1
        else:
            tally.faults.append(f"{where}: {check.en}: {check.found}")


def _replace(writes: Writes, tally: Tally) -> str:
    """The restored database in the place of the killed one; then people write on, and it is backed up and restored."""
    house = writes.house
    done = replace_cluster(house.settings, None)
    before = numbers_in(house.database)
    more = house.acknowledge(1_000_000, 50)
    house.archive()
    back_up(house.settings, house.database, Kind.DIFF, actor="prove")
    restored = restore_to(house.settings, house.state.with_name("state-after"), None)
    if not written(restored) >= before | set(more):
        tally.faults.append("after replacing: what was written since is not there")
    _look(restored, tally, "after replacing")
    return f"timeline {done.restored.timeline}, then {restored.timeline}"


def _in_object_store(house: Installation, tally: Tally) -> str:
    """The same database with its repository in an object store that an officer's file names."""
    folder = house.state.with_name("store")
    folder.mkdir()
    with object_store(folder) as store:
        file = folder / "store.conf"
        file.write_text(options(store))
        there = Installation(house.settings.model_copy(update={"backup_repo": file}))
        made = back_up(there.settings, there.database, Kind.FULL, actor="prove")
        more = there.acknowledge(2_000_000, 20)
        there.archive()
        restored = restore_to(there.settings, house.state.with_name("state-store"), None)
        place = find_place(there.settings)
        files = file_store(place, read_passphrase(place.key_file), there.settings)
        wrong = [en for _, en in verify_repository(place, files).faults]
        if not written(restored) >= set(more) or restored.file_count != len(made.files.listing):
            wrong.append("something written is not there")
        if SECRET in b"".join(path.read_bytes() for path in (place.folder / "log").iterdir()).decode():
            wrong.append("the store's secret is in a log")
        tally.faults += [f"object store: {found}" for found in wrong]
        _look(restored, tally, "object store")
        switch_off(there.database.superuser_dsn)
        return f"{len(store.objects)} objects, {restored.file_count} files, {len(wrong)} faults"


def _report(
    tally: Tally, asked: argparse.Namespace, sizes: tuple[float, float, float], more: tuple[str, str]
) -> list[str]:
    rpo, rto = sorted(tally.rpo_s), sorted(tally.rto_s)
    return [
        f"{asked.rounds} rounds, seed {asked.seed}, {asked.parcels:,} parcels: **{len(tally.faults)} faults**.",
        "",
        f"Each round: {WRITERS} threads write, each write a transaction of its own; 1 to 3 WAL files are ended while",
        "they do; the server is killed with SIGKILL; the newest state is restored into a new folder, and every third",
        "round an instant. What was acknowledged before the end of the last stored WAL file must be there; of an",
        "instant, all that was acknowledged before and nothing begun after it. Each copy is read through: features of",
        "every layer, a question, the audit trail, the files that the database names.",
        "",
        "| | |",
        "|---|---|",
        f"| writes acknowledged | {tally.acknowledged:,} |",
        f"| of those not in the newest copy, all of them after the last stored WAL file | {tally.lost:,} |",
        f"| restores to the newest state, to an instant | {len(rto)}, {tally.instants} |",
        f"| restores that name a file that came after the last copy of files | {tally.files_missing} |",
        f"| data, stored (MB); full back-up (s) | {sizes[0]:,.0f}, {sizes[1]:,.0f}; {sizes[2]:.0f} |",
        f"| RPO: last change restored to the kill (s), median, worst | {rpo[len(rpo) // 2]:.1f}, {rpo[-1]:.1f} |",
        f"| RTO: command to the end of all checks (s), median, worst | {rto[len(rto) // 2]:.1f}, {rto[-1]:.1f} |",
        f"| put in the place of the killed one, written on, backed up, restored | {more[0]} |",
        f"| the same with the repository in an object store (S3) | {more[1]} |",
        "",
        *(f"- {fault}" for fault in tally.faults),
        "",
        "The RPO is that of WAL files ended by hand a second apart; in service it is `DIABAN_BACKUP_WAL_EVERY` and a",
        "transfer. Lost writes of one round stay in the database that goes on and are there in the next.",
        "",
        "Run again: `make prove NAME=restore`.",
    ]


if __name__ == "__main__":
    main()
