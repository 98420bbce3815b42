"""Runs OGC's official suites for Features and Tiles, and our own reading of their abstract tests, and reports both.

``make conformance``. Ends with 0 only where everything passed, with 1 where something stands against it, and with 2
where an official suite could not be had; then the report says so and what is missing. Writes
docs/proofs/conformance.md.
"""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import dataclass

import httpx

from tests.prove._cite_suites import SUITES, Suite, SuiteMissing, Verdict, judge, read_gate, run_suite
from tests.prove._house import CHECKOUT, WORK, House, open_house, write_report

PARCELS = 2_000
OWN = ("tests/app/test_conformance_features.py", "tests/app/test_conformance_tiles.py")
OWN_S = 1800
TILED = "communes"
OWN_NAME = "our reading of the abstract tests"


@dataclass(frozen=True, slots=True)
class Result:
    """What one suite found, or why it did not run."""

    name: str
    verdict: Verdict | None = None
    missing: str = ""


def properties_of(suite: Suite, house: House) -> dict[str, str]:
    """A suite's properties for this service; for tiles the first matrix in which the layer is met."""
    if suite.name == "features":
        return {"iut": f"{house.url}/ogc", "noofcollections": "-1"}
    tilesets = f"{house.url}/ogc/collections/{TILED}/tiles"
    limits = httpx.get(tilesets, params={"f": "json"}).json()["tilesets"][0]["tileMatrixSetLimits"][0]
    template = f"{tilesets}/WebMercatorQuad/{{tileMatrix}}/{{tileRow}}/{{tileCol}}"
    return {
        "iut": f"{house.url}/ogc",
        "tilematrixsetdefinitionuri": "http://www.opengis.net/def/tilematrixset/OGC/1.0/WebMercatorQuad",
        "urltemplatefortiles": template,
        "tilematrix": limits["tileMatrix"],
        "mintilerow": str(limits["minTileRow"]),
        "maxtilerow": str(limits["maxTileRow"]),
        "mintilecol": str(limits["minTileCol"]),
        "maxtilecol": str(limits["maxTileCol"]),
    }


def run_official(suite: Suite, house: House) -> Result:
    """Runs one official suite and judges it by the gate."""
    name = f"{suite.artifact} {suite.version}"
    try:
        results = run_suite(suite, properties_of(suite, house))
    except SuiteMissing as error:
        return Result(name, missing=str(error))
    min_passed, skips = read_gate(suite.name)
    return Result(name, judge(results, min_passed=min_passed, skips=skips))


def run_own() -> Result:
    """Runs our own abstract tests on a service and database of their own."""
    found = WORK / "own.xml"
    found.parent.mkdir(parents=True, exist_ok=True)
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:logging", f"--junitxml={found}", *OWN]
    subprocess.run(words, cwd=CHECKOUT, stdout=subprocess.DEVNULL, check=False, timeout=OWN_S)
    counts = {"PASS": 0, "FAIL": 0, "SKIP": 0}
    against = []
    for case in ET.parse(found).getroot().iter("testcase"):  # noqa: S314 - written by pytest just now
        outcome = "FAIL" if case.find("failure") is not None or case.find("error") is not None else "PASS"
        outcome = "SKIP" if case.find("skipped") is not None else outcome
        counts[outcome] += 1
        if outcome != "PASS":
            against.append(f"{outcome.lower()}: {case.get('name')}")
    if not counts["PASS"]:
        against.append("nothing passed")
    return Result(OWN_NAME, Verdict(counts, against))


def report(results: list[Result]) -> list[str]:
    """The report's lines."""
    lines = ["| Suite | Passed | Failed | Skipped | |", "|---|---|---|---|---|"]
    for item in results:
        if item.verdict is None:
            lines.append(f"| {item.name} | – | – | – | **not run** |")
            continue
        counts = item.verdict.counts
        numbers = " | ".join(str(counts.get(kind, 0)) for kind in ("PASS", "FAIL", "SKIP"))
        lines.append(f"| {item.name} | {numbers} | {'**against it**' if item.verdict.against else 'passed'} |")
    lines.append("")
    for item in results:
        lines += [f"- {item.name} did not run: {item.missing}." for _ in range(bool(item.missing))]
        if item.verdict is not None:
            lines += [f"- {item.name}: {text}" for text in item.verdict.against]
            lines += [f"- {item.name}: skipped {name}: {why}" for name, why in item.verdict.skipped.items()]
    lines += [
        "",
        "A suite that did not run proves nothing. Our own tests are written from the standards and from what the"
        " official suites are known to ask; they are no certificate.",
    ]
    return lines


def main() -> int:
    """Runs the proof."""
    with open_house(PARCELS) as house:
        results = [run_official(suite, house) for suite in SUITES]
    results.append(run_own())
    lines = report(results)
    place = write_report("conformance", "Conformance to OGC API - Features and Tiles", lines)
    print("\n".join([*lines, "", str(place)]))  # noqa: T201 - a command's answer
    if any(item.verdict is not None and item.verdict.against for item in results):
        return 1
    return 2 if any(item.missing for item in results) else 0


if __name__ == "__main__":
    sys.exit(main())
