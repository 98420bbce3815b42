"""Questions on the command line, as a person types them."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from app.database import Database
from app.settings import CHECKOUT

pytestmark = pytest.mark.db
QUESTION = {
    "layer": "schools",
    "where": [{"boundary": {"units": ["99901"]}}],
    "features": {"limit": 3, "properties": ["name"]},
}


def run(database: Database, state: Path, *words: str, typed: str | None = None) -> subprocess.CompletedProcess[bytes]:
    environment = os.environ | {
        "DATABASE_URL": database.superuser_dsn,
        "DIABAN_STATE_DIR": str(state),
        "PYTHONUTF8": "1",
    }
    command = [sys.executable, "-m", "app.cli", "query", *words]
    given = typed.encode() if typed is not None else None
    return subprocess.run(command, cwd=CHECKOUT, env=environment, input=given, capture_output=True, timeout=120)


@pytest.fixture
def state(world: Database, tmp_path: Path) -> Path:
    """A state folder that knows the secret of the world's logins."""
    secret = tmp_path / "external-database-secret"
    secret.write_text(world.secret.hex())
    return tmp_path


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "question.json"
    path.write_text(json.dumps(QUESTION, ensure_ascii=False), encoding="utf-8")
    return str(path)


def test_from_a_file_inline_and_standard_input_is_the_same(world: Database, state: Path, file: str) -> None:
    text = json.dumps(QUESTION)
    answers = [run(world, state, file), run(world, state, text), run(world, state, "-", typed=text)]
    found: list[Any] = []
    for answer in answers:
        assert answer.returncode == 0, answer.stderr.decode()
        found.append(json.loads(answer.stdout))
    assert found[0] == found[1] == found[2]
    assert len(found[0]["features"]) == 3
    assert found[0]["numberMatched"] > 3


def test_in_the_other_formats(world: Database, state: Path, file: str) -> None:
    geojson = run(world, state, file, "--format", "geojson")
    assert json.loads(geojson.stdout)["type"] == "FeatureCollection"
    table = list(csv.reader(io.StringIO(run(world, state, file, "--format", "csv").stdout.decode("utf-8-sig"))))
    assert table[0] == ["fid", "name", "geometry"]
    assert [len(line) for line in table if line] == [3, 3, 3, 3]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["{"], "malformed"),
        (["[]"], "object"),
        (["no-such-file.json"], "no-such-file.json"),
        (['{"layer": "school"}'], "school"),
        (['{"layer": "schools"}', "--format", "shp"], "geojson, csv, json"),
        (['{"layer": "schools", "where": [{"radius": {"of": [1, 2], "metres": -1}}]}'], "more than 0"),
    ],
)
def test_a_mistake_ends_in_a_sentence(world: Database, state: Path, words: list[str], said: str) -> None:
    answer = run(world, state, *words)
    told = (answer.stderr + answer.stdout).decode()
    assert answer.returncode == 1
    assert said in " ".join(told.split())
    assert "Traceback" not in told
