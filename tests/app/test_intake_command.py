"""``diaban intake``: the report at the terminal and as JSON, its exit codes, and that nothing is changed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import pytest
import shapely
from sqlalchemy import text

from app.database import Database
from app.settings import CHECKOUT

pytestmark = pytest.mark.db
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def diaban(shared_database: Database, tmp_path: Path) -> Run:
    state = tmp_path / "state"
    state.mkdir()
    (state / "external-database-secret").write_text(shared_database.secret.hex())
    environment = os.environ | {
        "DATABASE_URL": shared_database.superuser_dsn,
        "DIABAN_STATE_DIR": str(state),
        "COLUMNS": "200",
    }

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "app.cli", "intake", *words]
        return subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, timeout=120)

    return run


def schools(path: Path, *points: tuple[float, float]) -> str:
    names = [f"Trường Tiểu học Nguyễn Huệ {n}" for n in range(len(points))]
    frame = gpd.GeoDataFrame(
        {"MATRUONG": [f"X{n}" for n in range(len(points))], "TENTRUONG": names, "CAPHOC": "Tiểu học"},
        geometry=[shapely.Point(*point) for point in points],
        crs=4326,
    )
    frame.to_file(path, driver="GeoJSON", engine="pyogrio")
    return str(path)


def test_a_file_from_question_to_ready_and_nothing_is_changed(
    shared_database: Database, diaban: Run, tmp_path: Path
) -> None:
    good = schools(tmp_path / "t.geojson", (105.97, 10.25), (105.98, 10.26))
    engine = shared_database.engine("diaban_owner")
    with engine.connect() as connection:
        before = connection.execute(text("SELECT slug, revision FROM catalogue.layers ORDER BY slug")).all()

    done = diaban(good, "--layer", "schools", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert told["is_ready"]
    assert told["totals"]["good"] == 2
    assert set(told["score"]) == {"right", "complete", "clean", "live", "uniform", "shared"}
    assert told["crs"]["chosen"]

    done = diaban(good, "--layer", "schools")
    assert done.returncode == 0
    assert "Nguyễn Huệ" in done.stdout
    assert "đạt 2" in done.stdout

    done = diaban(good, "--layer", "schools", "--field", "CAPHOC=", "--json")
    assert done.returncode == 3
    assert [question["id"] for question in json.loads(done.stdout)["questions"]] == ["field:level"]

    with engine.connect() as connection:
        assert connection.execute(text("SELECT slug, revision FROM catalogue.layers ORDER BY slug")).all() == before
    engine.dispose()


def test_exit_codes_of_what_cannot_be_taken(diaban: Run, tmp_path: Path) -> None:
    refused = diaban(schools(tmp_path / "t.geojson", (105.97, 10.25), (0, 0)), "--layer", "schools", "--json")
    assert refused.returncode == 4
    assert "geometry.zero" in {finding["code"] for finding in json.loads(refused.stdout)["findings"]}

    (tmp_path / "t.shp").write_text("<OGRVRTDataSource/>")
    rejected = diaban(str(tmp_path / "t.shp"), "--layer", "schools")
    assert rejected.returncode == 1
    assert "trỏ tới tệp khác" in rejected.stdout

    for words in (
        ["--layer", "none"],
        ["--layer", "schools", "--unit", "99999"],
        ["--layer", "schools", "--field", "x"],
    ):
        failed = diaban(str(tmp_path / "t.geojson"), *words)
        assert failed.returncode == 1
        assert "Traceback" not in failed.stderr
        assert failed.stderr.strip()
