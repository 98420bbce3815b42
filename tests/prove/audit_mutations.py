"""make prove NAME=audit_mutations: random single mutations of the audit trail by a superuser; each must be found."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from sqlalchemy import text

from app.cluster import use_cluster
from app.database import Database, cluster_database
from app.settings import CHECKOUT
from layers.audit.log import seal_events
from migrations.run import migrate
from tests.layers.audit.world import Log, make_log, mutate, seal_and_mark, write_events
from tests.prove._house import CLUSTER, write_report

EVENTS = 40
WRITERS = 50


def main() -> None:
    """Runs the mutations, then writers at once, and writes the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mutations", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=20261125)
    parser.add_argument("--events", type=int, default=200, help="of each of the writers at once")
    asked = parser.parse_args()
    with use_cluster(CHECKOUT, CLUSTER) as cluster, tempfile.TemporaryDirectory() as folder:
        database = cluster_database(cluster, "prove_audit")
        migrate(database.superuser_engine(), database.passwords)
        log = make_log(database, Path(folder) / str(asked.seed), events=EVENTS, seed=asked.seed)
        started = time.monotonic()
        done, missed = _mutations(log, asked.seed, asked.mutations)
        per_second = asked.mutations / (time.monotonic() - started)
        lines = _writers(log, asked.events)
    lines = [
        f"{sum(done.values()):,} mutations, seed {asked.seed}, {len(missed)} not found"
        f" (0 of n means at most 3/n at 95 %: {3 / asked.mutations:.4%}); {per_second:.0f} a second.",
        "",
        f"Each by a superuser with the guards switched off, on a log of {EVENTS} sealed events with checkpoints, then",
        "verified and rolled back. A mutation is one of:",
        "",
        "| mutation | times | not found |",
        "|---|---|---|",
        *(f"| {name} | {count} | {sum(name in item for item in missed)} |" for name, count in sorted(done.items())),
        "",
        *lines,
        "",
        "Run again: `make prove NAME=audit_mutations`.",
    ]
    write_report("audit_mutations", "The audit trail, mutated", lines)
    raise SystemExit(1 if missed else 0)


def _mutations(log: Log, seed: int, count: int) -> tuple[Counter[str], list[str]]:
    done: Counter[str] = Counter()
    missed: list[str] = []
    with log.database.superuser_engine().connect() as connection:
        for number in range(count):
            dice = random.Random(seed * 1_000_003 + number)  # noqa: S311 - seeded on purpose
            name = mutate(connection, dice)
            done[name] += 1
            if not log.verify(connection).faults:
                missed.append(f"{number}: {name}")
            connection.rollback()
            if number % 1000 == 999:
                sys.stdout.write(f"{number + 1}/{count}, {len(missed)} not found\n")
                sys.stdout.flush()
    return done, missed


def _writers(log: Log, events: int) -> list[str]:
    """Fifty writers and two sequencers at once; then the whole log is verified."""
    ended = threading.Event()
    sealers = [threading.Thread(target=_seal, args=(log.database, ended)) for _ in range(2)]
    writers = [
        threading.Thread(target=write_events, args=(log.database, random.Random(number), events))  # noqa: S311
        for number in range(WRITERS)
    ]
    before = _count(log.database)
    started = time.monotonic()
    for thread in (*sealers, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    written_s = time.monotonic() - started
    ended.set()
    for thread in sealers:
        thread.join()
    seal_and_mark(log)
    sealed_s = time.monotonic() - started
    started = time.monotonic()
    with log.database.superuser_engine().connect() as connection:
        verdict = log.verify(connection)
    verified_s = time.monotonic() - started
    total = WRITERS * events
    whole = verdict.head.seq == before + total and not verdict.faults
    return [
        f"**{WRITERS} writers × {events} events and two sequencers at once**:",
        "one chain without gap or fork." if whole else "BROKEN.",
        f"All was sealed after {sealed_s / written_s:.2f} × the time that writing took, and verified in"
        f" {verified_s / written_s:.2f} × that time.",
    ]


def _seal(database: Database, ended: threading.Event) -> None:
    engine = database.engine("diaban_writer")
    while not ended.is_set():
        with engine.begin() as connection:
            seal_events(connection)
    engine.dispose()


def _count(database: Database) -> int:
    with database.superuser_engine().connect() as connection:
        return int(connection.execute(text("SELECT count(*) FROM audit.events")).scalar_one())


if __name__ == "__main__":
    main()
