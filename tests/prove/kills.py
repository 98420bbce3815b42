"""Publishes in a child process and ends it at seeded moments; the layer must be whole after each.

Run as a program it reads one JSON line (owner's URL, layer, seed, numbers) and prints one JSON line per kill. It is a
process of its own, without threads, because it forks.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time

import geopandas as gpd
import shapely
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool

from layers.definition_json import from_json
from layers.publish import ChangeNote, Mode, publish_rows
from layers.tables import rows_at_revision

ROWS = 400
NAME = "diaban fault proof"
KINDS = ("process killed", "backend terminated")
Content = set[tuple[str, int]]


def content(seed: int, attempt: int) -> Content:
    """Codes and values that an attempt publishes, replacing the layer."""
    dice = random.Random(seed * 1_000_003 + attempt)  # noqa: S311 - seeded on purpose
    return {(f"C{n}", dice.randrange(500)) for n in range(ROWS) if dice.random() < 0.8}


class Faults:
    """A layer whose publications are interrupted."""

    def __init__(self, url: str, slug: str, seed: int) -> None:
        self.url, self.slug, self.seed = url, slug, seed
        self.dice = random.Random(seed)  # noqa: S311 - seeded on purpose
        engine = self._engine()
        with engine.connect() as connection:
            row = connection.execute(
                text("SELECT definition, revision FROM catalogue.layers WHERE slug = :slug"), {"slug": slug}
            ).one()
            self.definition = from_json(row.definition)
            self.revision = int(row.revision)
            self.state = self._read(connection, self.revision)
        started = time.monotonic()
        self._in_child(0, lambda pid: None)
        self.seconds = time.monotonic() - started
        self.outcome(0)

    def _engine(self):  # type: ignore[no-untyped-def]
        return create_engine(self.url, poolclass=NullPool, connect_args={"application_name": NAME})

    def publish(self, attempt: int) -> None:
        """One publication of the whole layer."""
        rows = sorted(content(self.seed, attempt))
        points = [shapely.Point(105.9 + n / 1000, 9.95) for n in range(len(rows))]
        frame = gpd.GeoDataFrame(
            {"code": [row[0] for row in rows], "berths": [row[1] for row in rows]},
            geometry=points, crs=4326, index=range(1, len(rows) + 1),
        )  # fmt: skip
        with self._engine().begin() as connection:
            publish_rows(connection, self.slug, [frame], mode=Mode.REPLACE, note=ChangeNote("faults"))

    def _in_child(self, attempt: int, strike) -> None:  # type: ignore[no-untyped-def]
        pid = os.fork()
        if pid == 0:
            try:
                self.publish(attempt)
            except BaseException:
                os._exit(1)
            os._exit(0)
        strike(pid)
        os.waitpid(pid, 0)

    def run(self, attempt: int) -> dict[str, object]:
        """Publishes, interrupts at a seeded moment, and looks at what is left."""
        kind = KINDS[attempt % 2]
        delay = self.dice.random() * self.seconds

        def strike(pid: int) -> None:
            time.sleep(delay)
            if kind == KINDS[0]:
                os.kill(pid, signal.SIGKILL)
                return
            with create_engine(self.url, poolclass=NullPool).begin() as connection:
                connection.execute(
                    text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = :name"),
                    {"name": NAME},
                )

        self._in_child(attempt, strike)
        committed = self.outcome(attempt)
        return {"attempt": attempt, "kind": kind, "after_ms": round(delay * 1000), "committed": committed}

    def outcome(self, attempt: int) -> bool:
        """Whether the attempt went in; it must be all there or not at all."""
        with create_engine(self.url, poolclass=NullPool).connect() as connection:
            self._wait_for_backend(connection)
            row = connection.execute(
                text("SELECT revision, feature_count FROM catalogue.layers WHERE slug = :slug"), {"slug": self.slug}
            ).one()
            committed = row.revision == self.revision + 1
            before, at = self.state, self.revision
            if committed:
                self.state, self.revision = content(self.seed, attempt), self.revision + 1
            _require(row.revision == self.revision, "the revision rose by more than one")
            _require(self._read(connection, self.revision) == self.state, "the current rows are not of one revision")
            _require(self._read(connection, at) == before, "the revision before has changed")
            counted = connection.execute(
                text("SELECT coalesce(sum(feature_count), 0) FROM catalogue.feature_counts WHERE slug = :slug"),
                {"slug": self.slug},
            ).scalar_one()
            _require(row.feature_count == counted == len(self.state), "the maintained counts are wrong")
        return committed

    def _read(self, connection: Connection, revision: int) -> Content:
        then = rows_at_revision(self.definition).params(revision=revision).subquery()
        rows = connection.execute(then.select().with_only_columns(then.c.code, then.c.berths)).all()
        found = {(row[0], row[1]) for row in rows}
        _require(len(rows) == len(found), "a feature is there twice")
        return found

    def _wait_for_backend(self, connection: Connection) -> None:
        """The server notices a dead client when it next writes to it; until then its transaction is open."""
        alive = text("SELECT count(*) FROM pg_stat_activity WHERE application_name = :name")
        deadline = time.monotonic() + 60
        while connection.execute(alive, {"name": NAME}).scalar_one():
            connection.rollback()
            _require(time.monotonic() < deadline, "the backend of a dead process lives on")
            time.sleep(0.02)


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise AssertionError(what)


def main() -> None:
    """Runs the kills that the line on standard input asks for."""
    given = json.loads(sys.stdin.readline())
    faults = Faults(given["url"], given["slug"], given["seed"])
    for attempt in range(1, given["kills"] + 1):
        sys.stdout.write(json.dumps(faults.run(attempt)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
