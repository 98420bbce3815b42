"""What the worker does of evaluations, in a process of its own, so that it can be ended at any moment.

Run as a program it reads one JSON line (the writer's URL, scenarios, moment) and evaluates what is due, over and over,
until it is killed or nothing is due; it prints a line as each turn begins.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import datetime, timedelta

from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from scenarios.evaluation.running import evaluate_due
from scenarios.work.calendar import WorkCalendar

NAME = "diaban evaluation proof"


def main() -> None:
    """Evaluates in turns, as the worker does; a database that is away is waited for."""
    given = json.loads(sys.stdin.readline())
    engine = create_engine(given["url"], poolclass=NullPool, connect_args={"application_name": NAME})
    at = datetime.fromisoformat(given["at"])
    for turn in range(given["turns"]):
        sys.stdout.write(f"{turn}\n")
        sys.stdout.flush()
        moment = at + timedelta(seconds=turn)
        try:
            evaluate_due(engine, lambda moment=moment: moment, WorkCalendar())  # type: ignore[misc]
        except OperationalError:
            time.sleep(0.05)


if __name__ == "__main__":
    main()
