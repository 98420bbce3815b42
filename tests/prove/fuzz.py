"""Schemathesis over both API descriptions, looking for answers of 500 and above; ``make prove NAME=fuzz``.

Installs schemathesis from a registry into an environment of its own under ``.diaban``. Writes docs/proofs/fuzz.md.
"""

from __future__ import annotations

import re
import subprocess
import sys
import venv
from pathlib import Path

from tests.prove._house import WORK, House, open_house, write_report

PACKAGE = "schemathesis==4.32.5"
PARCELS = 2_000
SEED = 20261124
BUDGET_S = 150
# One layer of points and one of polygons stand for the others, whose paths are made by the same code.
OGC_PATHS = r"/(schools|parcels)(/|$)|^/(|conformance|collections|tileMatrixSets|processes.*|jobs.*)$"
RUNS = (("/ogc/openapi", "/ogc", ["-n", "5", "--include-path-regex", OGC_PATHS]), ("/openapi.json", "", ["-n", "30"]))
_COUNTS = r"^ *(Selected|Tested|Seed): .*$|^ *\d+ generated.*$"


def program() -> Path:
    """The fuzzer, installed once."""
    home = WORK.parent / "fuzz-venv"
    found = home / "bin" / "schemathesis"
    if not found.exists():
        venv.create(home, with_pip=True)
        subprocess.run([home / "bin" / "python", "-m", "pip", "install", "-q", PACKAGE], check=True)
    return found


def run(house: House, description: str, root: str, options: list[str]) -> tuple[int, list[str]]:
    """The exit status and the counts of one run."""
    words = [
        *(str(program()), "run", house.url + description, "--url", house.url + root),
        *("--checks", "not_a_server_error", "--phases", "examples,coverage,fuzzing", "--continue-on-failure"),
        *("--seed", str(SEED), "--max-time", str(BUDGET_S), "--no-color", "--generation-database", "none"),
        *("--suppress-health-check", "all", *options),
    ]
    done = subprocess.run(words, cwd=WORK, capture_output=True, text=True, check=False, timeout=BUDGET_S * 4)
    return done.returncode, [found[0].strip() for found in re.finditer(_COUNTS, done.stdout, re.MULTILINE)]


def main() -> int:
    """Runs the proof; 1 where an answer was an error of the service."""
    WORK.mkdir(parents=True, exist_ok=True)
    with open_house(PARCELS) as house:
        results = [(description, *run(house, description, root, options)) for description, root, options in RUNS]
        broken = [seen for seen in house.recorder.seen if seen.status >= 500 and seen.status != 503]
        asked = len(house.recorder.seen)
    lines = [f"{PACKAGE}, seed {SEED}, at most {BUDGET_S} s for each description, check `not_a_server_error`.", ""]
    for description, status, counts in results:
        lines.append(f"- `{description}`: {'; '.join(counts)}; exit {status}")
    lines += [f"- {asked} requests reached the service; {len(broken)} were answered 500 or above (503 apart)."]
    lines += [f"  - {seen.status} {seen.method} `{seen.line[:300]}`" for seen in broken[:20]]
    print("\n".join([*lines, str(write_report("fuzz", "Fuzzing of both APIs", lines))]))  # noqa: T201
    return 1 if broken or any(status for _, status, _ in results) else 0


if __name__ == "__main__":
    sys.exit(main())
