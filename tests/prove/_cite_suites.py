"""Runs OGC's official executable test suites and reads what they found.

The suites come from a folder of their all-in-one jars (``CITE_JARS``) or from Maven Central, where they can be had.
Their controllers end with 0 whatever they found, so the result is read from ``testng-results.xml``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import xml.etree.ElementTree as ET
import zipfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import escape

import yaml

from spatial.crs import VN2000_CRS
from tests.prove._house import WORK

HERE = Path(__file__).parent / "cite"
PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:build-classpath"
MAVEN_S = 600
SUITE_S = 1800
NAD = "proj4/nad/epsg"
# Position-vector signs of EPSG:6960, in the words of proj4.
TOWGS84 = "-191.90441429,-39.30318279,-111.45032835,0.00928836,-0.01975479,0.00427372,0.252906278"


@dataclass(frozen=True, slots=True)
class Suite:
    """One executable test suite."""

    name: str
    artifact: str
    version: str
    main_class: str


SUITES = (
    Suite("features", "ets-ogcapi-features10", "1.9", "org.opengis.cite.ogcapifeatures10.TestNGController"),
    Suite("tiles", "ets-ogcapi-tiles10", "1.2", "org.opengis.cite.ogcapitiles10.TestNGController"),
)


class SuiteMissing(Exception):
    """A suite or a program that it needs is not on the machine; the message names the remedy."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a suite found: the number of each outcome, and everything that stands against a pass."""

    counts: dict[str, int]
    against: list[str] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)


def find_class_path(suite: Suite) -> str:
    """The class path of a suite, its all-in-one jar first.

    Raises:
        SuiteMissing: Java, Maven or the suite itself cannot be had.
    """
    if shutil.which("java") is None:
        raise SuiteMissing("java is missing: install a JDK 17 or newer (Debian: default-jdk-headless)")
    folder = os.environ.get("CITE_JARS")
    if folder:
        jar = Path(folder) / f"{suite.artifact}-{suite.version}-aio.jar"
        if not jar.is_file():
            raise SuiteMissing(f"there is no {jar.name} in the folder that CITE_JARS names")
        return str(jar)
    if shutil.which("mvn") is None:
        raise SuiteMissing("mvn is missing: install Maven (Debian: maven), or set CITE_JARS to a folder of aio jars")
    return _by_maven(suite)


def _by_maven(suite: Suite) -> str:
    found = WORK / f"{suite.name}.classpath"
    found.parent.mkdir(parents=True, exist_ok=True)
    found.unlink(missing_ok=True)
    words = ["mvn", "-B", "-U", "-q", "-f", str(HERE / "pom.xml"), PLUGIN, f"-Dmdep.outputFile={found}"]
    words += [f"-Dsuite.artifact={suite.artifact}", f"-Dsuite.version={suite.version}"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=MAVEN_S)
    if done.returncode or not found.is_file():
        said = next((line for line in done.stdout.splitlines() if "ERROR" in line), "no reason given")
        reason = said.partition("ERROR] ")[2].partition(" -> ")[0][:300]
        raise SuiteMissing(
            f"Maven does not find org.opengis.cite:{suite.artifact}:{suite.version} ({reason});"
            f" build {suite.artifact}-{suite.version}-aio.jar from its release and set CITE_JARS to its folder"
        )
    return found.read_text().strip()


def overlay_projections(class_path: str, folder: Path) -> None:
    """Writes the suite's own list of projections with VN-2000's added, which it lacks.

    Without them a declared CRS makes the suite itself throw. Four withdrawn codes of the list stay as they are.
    """
    for place in class_path.split(os.pathsep):
        with zipfile.ZipFile(place) as archive:
            if NAD in archive.namelist():
                known = archive.read(NAD).decode("latin-1")
                break
    else:
        raise SuiteMissing(f"no jar of the suite holds {NAD}")
    missing = (crs for crs in VN2000_CRS if crs.central_meridian is not None and f"<{crs.code}>" not in known)
    added = [
        f"<{crs.code}> +proj=tmerc +lat_0=0 +lon_0={crs.central_meridian} +k={crs.scale} +x_0=500000 +y_0=0"
        f" +ellps=WGS84 +towgs84={TOWGS84} +units=m +no_defs <>"
        for crs in missing
    ]
    target = folder / NAD
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("\n".join([known.rstrip(), *added]) + "\n", encoding="latin-1")


def run_suite(suite: Suite, values: dict[str, str]) -> Path:
    """Runs a suite against a service and returns its results file.

    Args:
        suite: Which.
        values: Its properties, in its own words.

    Raises:
        SuiteMissing: It cannot be had here.
    """
    class_path = find_class_path(suite)
    folder = WORK / "cite" / suite.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    overlay = folder / "overlay"
    if suite.name == "features":
        overlay_projections(class_path, overlay)
    # No DOCTYPE: the JDK would try to load it from the Internet.
    entries = "".join(f'  <entry key="{name}">{escape(value)}</entry>\n' for name, value in values.items())
    properties = folder / "properties.xml"
    properties.write_text(
        f'<?xml version="1.0" encoding="UTF-8"?>\n<properties version="1.0">\n{entries}</properties>\n'
    )
    words = ["java", "-Xmx1500m", "-Duser.language=en", "-cp", f"{overlay}{os.pathsep}{class_path}", suite.main_class]
    words += ["-o", str(folder / "out"), "-h", "true", str(properties)]
    with (folder / "log.txt").open("w") as log:
        subprocess.run(words, stdout=log, stderr=subprocess.STDOUT, check=False, timeout=SUITE_S)
    results = sorted((folder / "out").glob("**/testng-results.xml"), key=lambda place: place.stat().st_mtime)
    if not results:
        raise RuntimeError(f"the suite left no results; see {folder / 'log.txt'}")
    return results[-1]


def read_gate(name: str) -> tuple[int, dict[str, str]]:
    """The least number of passes and the explained skips of a suite."""
    gate = yaml.safe_load((HERE / "gate.yaml").read_text())[name]
    return int(gate["min_passed"]), {str(key): str(reason) for key, reason in gate["skips"].items()}


def judge(results: Path, *, min_passed: int, skips: dict[str, str]) -> Verdict:
    """Holds a results file against the gate: no failure, no unexplained skip, enough passes."""
    counts: Counter[str] = Counter()
    against: list[str] = []
    skipped: dict[str, str] = {}
    root = ET.parse(results).getroot()  # noqa: S314 - written by the suite that we ran
    for owner in root.iter("class"):
        for method in owner.iter("test-method"):
            status, name = (
                str(method.get("status")),
                f"{str(owner.get('name')).rpartition('.')[2]}.{method.get('name')}",
            )
            if method.get("is-config") == "true":
                if status == "FAIL":
                    against.append(f"set-up failed: {name}: {_message(method)}")
                continue
            counts[status] += 1
            if status == "FAIL":
                against.append(f"failed: {name}: {_message(method)}")
            elif status == "SKIP" and name in skips:
                skipped[name] = skips[name]
            elif status == "SKIP":
                against.append(f"skipped without an explanation in gate.yaml: {name}: {_message(method)}")
    if counts["PASS"] < min_passed:
        against.append(f"only {counts['PASS']} passed, the gate wants {min_passed}")
    return Verdict(dict(counts), against, skipped)


def _message(method: ET.Element) -> str:
    return " ".join((method.findtext("exception/message") or "").split())[:300]
