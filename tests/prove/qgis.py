"""Opens the service in the system's QGIS without a screen and holds what it shows against the database.

``make prove NAME=qgis``; needs Debian's ``python3-qgis`` and ``qgis-providers``. Writes docs/proofs/qgis.md.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import psycopg
from pyproj import Transformer

from tests.app.test_items import ORACLE
from tests.prove._house import CHECKOUT, WORK, House, Seen, open_house, write_report

PARCELS = 2_000
BOX = (107.1, 11.0, 107.2, 11.1)
QGIS_PYTHON = "/usr/bin/python3"
TIMEOUT_S = 900
MISSING = (
    "Chưa có QGIS: apt-get install --no-install-recommends python3-qgis qgis-providers · "
    "QGIS is missing: install python3-qgis and qgis-providers, then run this again"
)


@dataclass(frozen=True, slots=True)
class Check:
    """One fact about QGIS: what was expected and what it said; ``must`` is False for what this version cannot do."""

    title: str
    passed: bool
    said: str
    must: bool = True


def has_qgis() -> bool:
    """Whether the system's Python finds QGIS."""
    return (
        subprocess.run([QGIS_PYTHON, "-I", "-c", "import qgis.core"], capture_output=True, check=False).returncode == 0
    )


def ask_qgis(house: House, question: dict[str, Any]) -> dict[str, Any]:
    """Runs the probe in QGIS's own Python, with a profile of its own."""
    home = WORK / "qgis-home"
    home.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [QGIS_PYTHON, "-I", str(CHECKOUT / "tests" / "prove" / "_qgis_probe.py"), json.dumps(question)],
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_S,
        env={"PATH": os.environ["PATH"], "HOME": str(home), "QT_QPA_PLATFORM": "offscreen", "LANG": "C.UTF-8"},
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if not lines:
        raise SystemExit(f"QGIS gave no answer (exit {done.returncode}):\n{done.stderr[-2000:]}")
    answer: dict[str, Any] = json.loads(lines[-1])
    return answer


def question_for(house: House, connection: psycopg.Connection[Any]) -> dict[str, Any]:
    """What the probe is to open: a name to filter by, a box, and a part of the province in Web Mercator."""
    row = connection.execute(
        "SELECT name, (SELECT ARRAY[ST_X(p) - 600, ST_Y(p) - 600, ST_X(p) + 600, ST_Y(p) + 600] FROM"
        " (SELECT ST_Transform(ST_PointOnSurface(geom), 3857) p FROM features.parcels ORDER BY fid LIMIT 1) q)"
        " FROM features.schools ORDER BY fid LIMIT 1"
    ).fetchone()
    assert row is not None
    return {"url": house.url, "box": BOX, "name": row[0], "extent": row[1]}


def check(told: dict[str, Any], seen: list[Seen], connection: psycopg.Connection[Any], name: str) -> list[Check]:
    """Holds the answers against SQL and PROJ, and against the requests that arrived."""

    def one(statement: str, *values: object) -> Any:
        row = connection.execute(statement, values).fetchone()
        assert row is not None
        return row[0]

    count = one("SELECT count(*) FROM features.parcels")
    in_box = one(
        "SELECT count(*) FROM features.parcels WHERE ST_Intersects(geom, ST_MakeEnvelope(%s, %s, %s, %s, 4326))", *BOX
    )
    east, north = connection.execute(
        "SELECT ST_X(geom), ST_Y(geom) FROM features.schools WHERE name = %s ORDER BY fid LIMIT 1", [told["point"][0]]
    ).fetchone() or (0, 0)
    metres = told["metres"]
    placed = Transformer.from_pipeline(ORACLE.format(lon=107.25, k=0.9999)).transform(east, north)
    items = [entry.line for entry in seen if entry.path.endswith("/items")]
    pages = sorted({int(found[1]) for line in items if (found := re.search(r"[?&]limit=(\d+)", line))})
    failed = [entry for entry in seen if entry.status >= 400]
    return [
        Check("the layers open by the service's address", told["valid"], "valid" if told["valid"] else "not valid"),
        Check("feature count", told["count"] == count, f"{told['count']} of {count}"),
        Check("every feature is read", told["read"] == count, f"{told['read']} of {count} in {told['read_s']} s"),
        Check("pages are large", max(pages, default=0) >= 1000, f"limit={pages}"),
        Check("a rectangle asks with bbox", any("bbox=" in line for line in items), _first(items, "bbox=")),
        Check("features in the rectangle", told["in_box"] >= in_box, f"{told['in_box']}, SQL {in_box}"),
        Check(
            "longitude before latitude",
            abs(told["point"][1] - east) < 1e-6 and abs(told["point"][2] - north) < 1e-6,
            f"{told['point'][1]:.7f}, {told['point'][2]:.7f}",
        ),
        Check(
            "a filter finds what SQL finds",
            bool(told["filtered"])
            and set(told["filtered"]) == {name}
            and len(told["filtered"]) == one("SELECT count(*) FROM features.schools WHERE name = %s", name),
            f"{len(told['filtered'])} features",
        ),
        Check(
            "the filter is evaluated by the server",
            any("filter=" in line or "name=" in line for line in items),
            _first(items, "filter=", "name=") or "evaluated by QGIS itself",
            must=False,
        ),
        Check(
            "VN-2000 is asked of the server and arrives as easting, northing",
            metres["crs"] == "EPSG:9215"
            and abs(metres["point"][1] - placed[0]) < 0.01
            and abs(metres["point"][2] - placed[1]) < 0.01,
            f"{metres['crs']} {metres['point'][1]:.3f}, {metres['point'][2]:.3f}; {_first(items, 'crs=')}",
            must=False,
        ),
        Check("reading only: no edit buttons", not told["editable"], f"editable: {told['editable']}"),
        Check("vector tiles are drawn", told["tiles"]["drawn"] > 0, f"{told['tiles']['drawn']} of 16384 points inked"),
        Check("no request was refused", not failed, ", ".join(f"{e.status} {e.method} {e.line}" for e in failed[:4])),
    ]


def _first(lines: list[str], *parts: str) -> str:
    return next((f"`{line}`" for line in lines if any(part in line for part in parts)), "")


def report(told: dict[str, Any], checks: list[Check], seen: list[Seen]) -> list[str]:
    """The report's lines."""
    marks = {(True, True): "yes", (True, False): "yes", (False, True): "**NO**", (False, False): "no (this version)"}
    rows = [f"| {item.title} | {marks[item.passed, item.must]} | {item.said} |" for item in checks]
    kinds: dict[str, int] = {}
    for entry in seen:
        shape = re.sub(r"/\d+(?=/|$|\.)", "/{n}", entry.path)
        kinds[f"{entry.method} {shape}"] = kinds.get(f"{entry.method} {shape}", 0) + 1
    return [
        f"QGIS {told['version']} (Debian's package, no screen) on a synthetic province of {PARCELS:,} parcels.",
        "",
        "| Fact | Held | What was seen |",
        "|---|---|---|",
        *rows,
        "",
        "Server-side filters came to QGIS's OAPIF provider after this version; where a row says"
        " “this version” QGIS evaluates on its own side, which newer versions do not.",
        "",
        "Requests: " + ", ".join(f"`{kind}` × {number}" for kind, number in sorted(kinds.items())) + ".",
    ]


def main() -> int:
    """Runs the proof; 1 where QGIS shows something else than the database holds, 2 without QGIS."""
    if not has_qgis():
        print(MISSING, file=sys.stderr)  # noqa: T201 - a command's answer
        return 2
    with open_house(PARCELS) as house, psycopg.connect(house.dsn, autocommit=True) as connection:
        question = question_for(house, connection)
        told = ask_qgis(house, question)
        checks = check(told, house.recorder.seen, connection, question["name"])
        place = write_report("qgis", "The service in QGIS", report(told, checks, house.recorder.seen))
    for item in checks:
        print("yes" if item.passed else "NO " if item.must else "no ", item.title, "|", item.said)  # noqa: T201
    print(place)  # noqa: T201
    return 0 if all(item.passed or not item.must for item in checks) else 1


if __name__ == "__main__":
    sys.exit(main())
