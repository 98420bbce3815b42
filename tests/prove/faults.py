"""make prove NAME=faults: publications killed at seeded moments; the old revision must stay whole each time."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from app.cluster import use_cluster
from app.database import Database
from app.settings import CHECKOUT
from tests.layers.store_world import PLACES, store_database

ROUND = 50
REPORT = CHECKOUT / "docs" / "proofs" / "faults.md"


def run_kills(database: Database, slug: str, *, seed: int, kills: int) -> Iterator[dict[str, object]]:
    """Runs kills against a layer in a process of their own and gives what came of each.

    Raises:
        CalledProcessError: After a kill the layer was not whole; standard error says what was found.
    """
    url = database.url("diaban_owner").set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
    given = json.dumps({"url": url, "slug": slug, "seed": seed, "kills": kills}) + "\n"
    command = [sys.executable, "-m", "tests.prove.kills"]
    done = subprocess.run(command, input=given, stdout=subprocess.PIPE, text=True, check=True, cwd=CHECKOUT)
    yield from (json.loads(line) for line in done.stdout.splitlines())


def main() -> None:
    """Runs rounds until the number of kills is reached; what earlier runs did counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100, help="more take longer: 300 is some half an hour")
    parser.add_argument("--seed", type=int, default=2025)
    asked = parser.parse_args()
    log = CHECKOUT / ".diaban" / "proofs" / f"faults-{asked.seed}-{_commit()}.jsonl"
    log.parent.mkdir(parents=True, exist_ok=True)
    done = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    with (
        use_cluster(CHECKOUT, "test") as cluster,
        tempfile.TemporaryDirectory() as folder,
        store_database(cluster, Path(folder)) as database,
    ):
        while len(done) < asked.kills:
            done += _one_round(database, log, seed=asked.seed + len(done), kills=min(ROUND, asked.kills - len(done)))
            sys.stdout.write(f"{len(done)}/{asked.kills}\n")
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text(report(done, asked.seed), encoding="utf-8")


def _one_round(database: Database, log: Path, *, seed: int, kills: int) -> list[dict[str, object]]:
    found = list(run_kills(database, PLACES, seed=seed, kills=kills))
    with log.open("a") as file:
        file.writelines(json.dumps(item) + "\n" for item in found)
    return found


def report(done: list[dict[str, object]], seed: int) -> str:
    """The proof as a page."""
    counts = Counter((item["kind"], item["committed"]) for item in done)
    lines = [
        "# Publications interrupted",
        "",
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, commit {_commit()}, seed {seed}:",
        f"{len(done)} interruptions, 0 faults.",
        "",
        "Each publication replaced a layer of some 320 features; a child process was killed with SIGKILL, or its",
        "backend terminated, at a random moment of the time that a publication takes. After each, the current rows,",
        "the revision before and the maintained counts were read and had to be those of one whole revision.",
        "",
        "| interruption | came before the commit | came after |",
        "|---|---|---|",
    ]
    kinds = sorted({str(item["kind"]) for item in done})
    lines += [f"| {kind} | {counts[kind, False]} | {counts[kind, True]} |" for kind in kinds]
    return "\n".join([*lines, "", "Run again: `make prove NAME=faults`.", ""])


def _commit() -> str:
    command = ["git", "rev-parse", "--short", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=CHECKOUT).stdout.strip()


if __name__ == "__main__":
    main()
