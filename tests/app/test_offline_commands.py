"""Commands that make files for rooms without a network: packed tiles, and rasters taken in and given out."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from pmtiles.reader import MmapSource, Reader
from rio_cogeo.cogeo import cog_validate

from app.database import Database
from app.settings import CHECKOUT
from tests.tiles.raster.scenes import plane

pytestmark = pytest.mark.db


@pytest.fixture(scope="module")
def own(make_clone: Callable[[], Database]) -> Database:
    return make_clone()


@pytest.fixture
def run(own: Database, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    (tmp_path / "external-database-secret").write_text(own.secret.hex())
    environment = os.environ | {"DATABASE_URL": own.superuser_dsn, "DIABAN_STATE_DIR": str(tmp_path)}

    def call(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "app.cli", *words]
        return subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, timeout=120)

    return call


class TestPackedTiles:
    def test_are_written_and_described(self, run: Callable, tmp_path: Path) -> None:
        file = tmp_path / "schools.pmtiles"
        done = run("tiles", "pack", str(file), "--layer", "schools", "--max-zoom", "10")
        assert done.returncode == 0, done.stderr
        with file.open("rb") as stream:
            assert Reader(MmapSource(stream)).header()["max_zoom"] == 10

    def test_of_an_unknown_layer_end_in_a_sentence(self, run: Callable, tmp_path: Path) -> None:
        done = run("tiles", "pack", str(tmp_path / "x.pmtiles"), "--layer", "shcools")
        assert done.returncode == 1
        assert "schools" in done.stderr
        assert "Traceback" not in done.stderr


class TestRasters:
    def test_are_taken_in_listed_and_given_out_as_cog(self, run: Callable, tmp_path: Path) -> None:
        plane(tmp_path / "dem.tif")
        words = ("--kind", "elevation", "--on", "2026-05-01", "--title", "Mô hình số độ cao", "--unit", "m")
        done = run("rasters", "add", "ground", str(tmp_path / "dem.tif"), *words)
        assert done.returncode == 0, done.stderr
        assert "dem.tif" in run("rasters", "list").stdout
        given = run("rasters", "export", "ground", str(tmp_path / "out"))
        assert given.returncode == 0, given.stderr
        assert [cog_validate(file)[0] for file in (tmp_path / "out").iterdir()] == [True]
        again = run("rasters", "add", "ground", str(tmp_path / "dem.tif"), *words)
        assert again.returncode == 1
        assert "Traceback" not in again.stderr
