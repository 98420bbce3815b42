"""Evaluations struck down before a seeded statement; afterwards every alert and task must be there, and there once.

Run as a program it reads one JSON line (URLs, seed, number of strikes, cluster) and prints one JSON line per strike. It
is a process of its own, without threads, because it forks.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.pool import NullPool

from app.cluster import ensure_cluster
from app.settings import CHECKOUT
from layers.access import Scope
from layers.publish import ChangeNote, Mode, publish_rows
from scenarios.evaluation.running import evaluate_due
from scenarios.observations.observation import Observation
from scenarios.observations.recording import record_observations
from scenarios.work.calendar import WorkCalendar
from tests.layers.ask_world import commune_code

PROCESS, BACKEND, DATABASE = "worker killed", "connection ended by the server", "database killed"
START = datetime(2026, 4, 1, 2, 0, tzinfo=UTC)
COMMUNES = [commune_code(column, row) for column in range(4) for row in range(4)]
INDICATORS = ("documents-late-share", "citizen-reports-late-share", "unclean-population-share")
DOCUMENTS = 30
TABLES = (
    "observing.places, observing.series, observing.observations, observing.targets, judging.standings,"
    " judging.evaluations, judging.changes, alerts.alerts"
)
_ALERTS = text(
    "SELECT 'alert', scenario, rule, place_layer, place_key, alert.standing, alert.state,"
    " (SELECT string_agg(told.standing, ',' ORDER BY told.at) FROM alerts.evidence AS told WHERE alert_id = alert.id),"
    " (SELECT string_agg(act, ',' ORDER BY number) FROM alerts.steps WHERE alert_id = alert.id),"
    " (SELECT string_agg(action, ',' ORDER BY id) FROM audit.events"
    " WHERE object_kind = 'alert' AND object_id = alert.id::text)"
    " FROM alerts.alerts AS alert"
)
_TASKS = text(
    "SELECT 'task', alert.scenario, alert.rule, alert.place_key, task.step, task.state,"
    " (SELECT string_agg(act, ',' ORDER BY number) FROM tasks.steps WHERE task_id = task.id)"
    " FROM tasks.tasks AS task JOIN alerts.alerts AS alert ON alert.id = task.alert_id"
)
Left = Counter[tuple[Any, ...]]


class Strikes:
    """Two waves of values and documents, evaluated again and again."""

    def __init__(self, given: dict[str, Any]) -> None:
        self.given = given
        self.dice = random.Random(given["seed"])  # noqa: S311 - seeded on purpose
        self.kinds = (PROCESS, BACKEND, DATABASE) if given["cluster"] else (PROCESS, BACKEND)
        self.expected: list[Left] = []
        self.statements: list[int] = []
        self._reset()
        for wave in range(2):
            self._send(wave)
            self.statements.append(self._evaluate(wave, minutes=0))
            self.expected.append(self._left())
        _require(len(self.expected[0]) > DOCUMENTS and self.expected[0] != self.expected[1], "nothing to lose")

    def _engine(self, login: str) -> Engine:
        return create_engine(self.given[login], poolclass=NullPool)

    def run(self, attempt: int) -> dict[str, object]:
        """Evaluates both waves, one of them struck, and holds what is left against evaluations that went well."""
        kind, struck = self.kinds[attempt % len(self.kinds)], attempt // len(self.kinds) % 2
        before = self.dice.randrange(self.statements[struck])
        self._reset()
        for wave in range(2):
            self._send(wave)
            if wave == struck:
                self._evaluate(wave, minutes=0, strike=(kind, before))
                if kind == DATABASE:
                    ensure_cluster(CHECKOUT, self.given["cluster"])
            # What failed is tried again after a minute.
            self._evaluate(wave, minutes=5)
            left, expected = self._left(), self.expected[wave]
            lost, more = expected - left, left - expected
            _require(left == expected, f"{kind} before {before}: lost {list(lost)[:3]}, too many {list(more)[:3]}")
        return {"kind": kind, "wave": struck, "before": before, "of": self.statements[struck]}

    def _reset(self) -> None:
        with self._engine("owner").begin() as connection:
            connection.execute(text(f"TRUNCATE {TABLES} CASCADE"))
            publish_rows(connection, "documents", [_documents(())], mode=Mode.REPLACE, note=ChangeNote("proof"))

    def _send(self, wave: int) -> None:
        """Values and documents of a wave; some of what the first one raised is over in the second."""
        at = _moment(wave)
        dice = random.Random(f"{self.given['seed']} {wave}")  # noqa: S311 - seeded on purpose
        values = [
            Observation(indicator, commune, at, dice.choice([1.0, 9.0]))
            for indicator in INDICATORS
            for commune in COMMUNES
        ]
        rows = [
            (number, at + timedelta(hours=dice.choice([5, 90])), dice.random() < 0.3 * wave)
            for number in range(DOCUMENTS)
        ]
        with self._engine("writer").begin() as connection:
            record_observations(connection, Scope.local_admin(), values, at, source="proof")
        with self._engine("owner").begin() as connection:
            publish_rows(connection, "documents", [_documents(rows)], mode=Mode.REPLACE, note=ChangeNote("proof"))

    def _evaluate(self, wave: int, *, minutes: int, strike: tuple[str, int] | None = None) -> int:
        """Evaluates in a child process and returns how many statements it sent, where it came to its end."""
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                # What is logged has no place among the lines that go to standard output.
                os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
                os.write(writing, b"%d" % self._evaluated(_moment(wave) + timedelta(minutes=minutes), strike))
            except BaseException:
                os._exit(1)
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as told:
            count = told.read()
        _, status = os.waitpid(pid, 0)
        ended_by = signal.SIGKILL if strike is not None and strike[0] == PROCESS else 0
        _require(os.WTERMSIG(status) == ended_by, "the process was not ended as it should have been")
        _require(strike is not None or status == 0, "an evaluation that nothing was done to has failed")
        return int(count or 0)

    def _evaluated(self, at: datetime, strike: tuple[str, int] | None) -> int:
        engine = self._engine("writer")
        sent = 0

        @event.listens_for(engine, "before_cursor_execute")
        def _before(connection: Connection, *_: object) -> None:
            nonlocal sent
            if strike is not None and sent == strike[1]:
                self._strike(strike[0], connection)
            sent += 1

        evaluate_due(engine, lambda: at, WorkCalendar())
        return sent

    def _strike(self, kind: str, connection: Connection) -> None:
        if kind == PROCESS:
            os.kill(os.getpid(), signal.SIGKILL)
        elif kind == DATABASE:
            os.kill(self.given["postmaster"](), signal.SIGKILL)
        else:
            pid = connection.connection.driver_connection.info.backend_pid  # type: ignore[union-attr]
            with self._engine("writer").begin() as other:
                other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})

    def _left(self) -> Left:
        with self._engine("superuser").connect() as connection:
            return Counter(tuple(row) for which in (_ALERTS, _TASKS) for row in connection.execute(which))


def _moment(wave: int) -> datetime:
    return START + timedelta(hours=30 * wave)


def _documents(rows: object) -> pd.DataFrame:
    made = [
        {
            "document_code": f"VB-{number}", "commune_code": COMMUNES[number % len(COMMUNES)], "is_outgoing": False,
            "received_at": START, "due_at": due_at, "state": "done_on_time" if is_finished else "in_progress",
        }
        for number, due_at, is_finished in rows  # type: ignore[attr-defined]
    ]  # fmt: skip
    return pd.DataFrame(made, columns=None if made else ["document_code"])


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise AssertionError(what)


def main() -> None:
    """Runs the strikes that the line on standard input asks for."""
    given = json.loads(sys.stdin.readline())
    if given["cluster"]:
        cluster = ensure_cluster(CHECKOUT, given["cluster"])
        given["postmaster"] = lambda: int((cluster.data_dir / "postmaster.pid").read_text().split()[0])
    strikes = Strikes(given)
    for attempt in range(given["strikes"]):
        sys.stdout.write(json.dumps(strikes.run(attempt)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
