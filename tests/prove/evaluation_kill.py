"""make prove NAME=evaluation_kill: evaluations struck before every kind of statement; no alert is lost or doubled."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import URL

from app.cluster import use_cluster
from app.database import Database
from app.settings import CHECKOUT
from layers.definition_reader import load_builtin
from layers.registry import put_layer
from tests.layers.store_world import store_database
from tests.prove._house import CLUSTER, commit, write_report

ROUND = 60


def run_strikes(database: Database, *, seed: int, strikes: int, cluster: str = "") -> Iterator[dict[str, object]]:
    """Strikes evaluations of a database in a process of their own and gives what came of each.

    Args:
        database: A database of :func:`tests.layers.store_world.store_database`; what it holds of alerts is lost.
        seed: Chooses the values, and the statements before which is struck.
        strikes: How many evaluations are struck.
        cluster: Name of a cluster that nobody else uses, whose server is killed too; empty for none.

    Raises:
        CalledProcessError: Something was lost or doubled; standard error says what.
    """
    owner = database.engine("diaban_owner")
    with owner.begin() as connection:
        put_layer(connection, load_builtin()["documents"], author="proof")
    owner.dispose()
    urls = {"owner": database.url("diaban_owner"), "writer": database.url("diaban_writer")}
    given = {name: _address(url) for name, url in urls.items()}
    given["superuser"] = database.superuser_dsn.replace("postgresql://", "postgresql+psycopg://")
    asked = json.dumps({**given, "seed": seed, "strikes": strikes, "cluster": cluster}) + "\n"
    command = [sys.executable, "-m", "tests.prove._evaluation_strikes"]
    done = subprocess.run(command, input=asked, stdout=subprocess.PIPE, text=True, check=True, cwd=CHECKOUT)
    yield from (json.loads(line) for line in done.stdout.splitlines())


def _address(url: URL) -> str:
    return url.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


def main() -> None:
    """Runs rounds until the number of strikes is reached; what earlier runs of this commit did counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--strikes", type=int, default=300)
    parser.add_argument("--seed", type=int, default=2026)
    asked = parser.parse_args()
    log = CHECKOUT / ".diaban" / "proofs" / f"evaluation-kill-{asked.seed}-{commit()}.jsonl"
    log.parent.mkdir(parents=True, exist_ok=True)
    done = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    with (
        use_cluster(CHECKOUT, CLUSTER) as cluster,
        tempfile.TemporaryDirectory() as folder,
        store_database(cluster, Path(folder)) as database,
    ):
        while len(done) < asked.strikes:
            count = min(ROUND, asked.strikes - len(done))
            found = list(run_strikes(database, seed=asked.seed + len(done), strikes=count, cluster=CLUSTER))
            with log.open("a") as file:
                file.writelines(json.dumps(item) + "\n" for item in found)
            done += found
            sys.stdout.write(f"{len(done)}/{asked.strikes}\n")
            sys.stdout.flush()
    write_report("evaluation_kill", "Evaluations interrupted", _lines(done, asked.seed))


def _lines(done: list[dict[str, object]], seed: int) -> list[str]:
    counts = Counter((item["kind"], item["wave"]) for item in done)
    places = {(item["wave"], item["before"]) for item in done}
    kinds = sorted({str(item["kind"]) for item in done})
    return [
        f"{len(done)} interruptions before {len(places)} different statements, seed {seed}:",
        "0 alerts or tasks lost, 0 doubled.",
        "",
        "Each time two waves of values of 16 communes and of 30 documents were evaluated by what the worker runs;",
        "the second ends some of what the first one raised. One of the two evaluations was struck before a statement",
        "drawn by lot: its process killed with SIGKILL, its connection ended by the server, or the database's",
        "postmaster killed with SIGKILL and started again. The next evaluation followed, as after a restart of the",
        "worker. Then alerts with their standing, state, evidence, steps and audit events, and tasks with their steps,",
        "had to be one by one those of evaluations that nothing had been done to.",
        "",
        "| interruption | as alerts are raised | as they are raised and cleared |",
        "|---|---|---|",
        *(f"| {kind} | {counts[kind, 0]} | {counts[kind, 1]} |" for kind in kinds),
        "",
        "Run again: `make prove NAME=evaluation_kill`.",
    ]


if __name__ == "__main__":
    main()
