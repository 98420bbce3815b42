"""What the service is made of, and what is known against it: make sbom, make audit.

sbom   writes build/sbom-python.json and build/sbom-web.json (CycloneDX) from the lock files, without a network.
audit  asks the registries for advisories on every locked package. What SECURITY.md sets aside, with a reason and a
       last day, does not count; anything else ends with exit code 1, and so does a row whose day is over. Packages
       that could not be looked up (no network, a mirror without advisories) are counted and named as such: nothing is
       known about them, which is not the same as nothing being wrong, and the exit code stays 0.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from app.viewer_build import SOURCES, ViewerNotBuilt, run_npm

CHECKOUT = Path(__file__).resolve().parent.parent
PROGRAMS = Path(sys.executable).parent
LONGEST_S = 900
_ROW = re.compile(r"^\| ((?:CVE|GHSA|PYSEC)-[\w-]+) \| ([\w.@/-]+) \| (.+) \| (\d{4}-\d{2}-\d{2}) \|$", re.MULTILINE)
_ADVISORY_URL = re.compile(r"GHSA-[\w-]+$")


@dataclass(frozen=True)
class Advisory:
    """Something known against a package; ``ids`` are all its names."""

    package: str
    ids: frozenset[str]


@dataclass(frozen=True)
class SetAside:
    """A row of SECURITY.md: an advisory that does not concern us, why, and until when that is believed."""

    id: str
    package: str
    reason: str
    until: date


@dataclass(frozen=True)
class Found:
    """What a registry said; ``unseen`` are packages that it said nothing of."""

    advisories: tuple[Advisory, ...]
    unseen: tuple[str, ...]
    asked: int


def read_set_aside(page: str) -> list[SetAside]:
    """The rows of the page's table."""
    return [SetAside(*row[:3], date.fromisoformat(row[3])) for row in _ROW.findall(page)]


def judge(found: Found, rows: Sequence[SetAside], today: date) -> list[str]:
    """Sentences on what needs somebody's work; none where all is known or nothing was found."""
    said = []
    for advisory in found.advisories:
        row = next((r for r in rows if r.package == advisory.package and r.id in advisory.ids), None)
        if row is None:
            said.append(f"{advisory.package}: {', '.join(sorted(advisory.ids))}")
        elif row.until < today:
            said.append(f"{advisory.package}: {row.id} was set aside until {row.until}; look at it again")
    return said


def read_pip_audit(text: str) -> Found:
    """What ``pip-audit --format json`` found."""
    packages = json.loads(text)["dependencies"]
    advisories = tuple(
        Advisory(package["name"], frozenset((flaw["id"], *flaw["aliases"])))
        for package in packages
        for flaw in package.get("vulns", ())
    )
    return Found(advisories, tuple(p["name"] for p in packages if "skip_reason" in p), len(packages))


def read_npm_audit(text: str, names: Sequence[str]) -> Found:
    """What ``npm audit --json`` found for these packages."""
    said: dict[str, Any] = json.loads(text)
    if "vulnerabilities" not in said:
        return Found((), tuple(names), len(names))
    advisories = {
        (via["name"], match[0])
        for package in said["vulnerabilities"].values()
        for via in package["via"]
        if isinstance(via, dict) and (match := _ADVISORY_URL.search(via.get("url", "")))
    }
    return Found(tuple(Advisory(name, frozenset((i,))) for name, i in sorted(advisories)), (), len(names))


def ask_pip() -> Found:
    """Advisories on the packages of requirements.lock."""
    lock = CHECKOUT / "requirements.lock"
    words = ["-r", lock, "--require-hashes", "--disable-pip", "--format", "json", "--progress-spinner", "off"]
    done = subprocess.run(  # noqa: S603 - constant arguments
        [PROGRAMS / "pip-audit", *words], capture_output=True, text=True, timeout=LONGEST_S, check=False
    )
    try:
        return read_pip_audit(done.stdout)
    except ValueError:
        names = re.findall(r"^([a-z0-9][\w.-]*)==", lock.read_text(encoding="utf-8"), re.MULTILINE)
        return Found((), tuple(names), len(names))


def ask_npm() -> Found:
    """Advisories on the packages that the pages are built from."""
    lock = json.loads((SOURCES / "package-lock.json").read_text(encoding="utf-8"))
    names = sorted({path.rpartition("node_modules/")[2] for path in lock["packages"] if path})
    try:
        said = run_npm("audit", "--json", "--package-lock-only")
    except ViewerNotBuilt as failure:
        # It ends with an error where it found something, and where nobody answered.
        said = failure.output[: failure.output.rfind("}") + 1]
    try:
        return read_npm_audit(said, names)
    except ValueError:
        return Found((), tuple(names), len(names))


def audit() -> int:
    """Prints what was found; 1 where something needs work."""
    rows = read_set_aside((CHECKOUT / "SECURITY.md").read_text(encoding="utf-8"))
    wanting = 0
    for name, found in (("Python", ask_pip()), ("npm", ask_npm())):
        looked_up = found.asked - len(found.unseen)
        print(f"{name}: {looked_up} of {found.asked} packages looked up, {len(found.advisories)} advisories")
        if found.unseen:
            print(f"  không tra được · not looked up (no network, or a mirror without advisories): {len(found.unseen)}")
        for sentence in judge(found, rows, datetime.now(UTC).date()):
            wanting += 1
            print(f"  ✗ {sentence}")
    return 1 if wanting else 0


def sbom() -> int:
    """Writes both bills of materials."""
    folder = CHECKOUT / "build"
    folder.mkdir(exist_ok=True)
    words = ["requirements", "requirements.lock", "--pyproject", "pyproject.toml", "--output-reproducible"]
    target = folder / "sbom-python.json"
    program = [PROGRAMS / "cyclonedx-py", *words, "-o", target]
    subprocess.run(program, cwd=CHECKOUT, check=True, timeout=LONGEST_S)  # noqa: S603 - constant arguments
    web = folder / "sbom-web.json"
    web.write_text(run_npm("sbom", "--sbom-format", "cyclonedx", "--package-lock-only"), encoding="utf-8")
    for path in (target, web):
        print(f"{path.relative_to(CHECKOUT)}: {len(json.loads(path.read_text())['components'])} components")
    return 0


if __name__ == "__main__":
    sys.exit({"audit": audit, "sbom": sbom}[sys.argv[1]]())
