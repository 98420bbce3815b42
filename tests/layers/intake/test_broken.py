"""Broken and hostile files end in findings, never in exceptions, and nothing of them lands outside their folder."""

from __future__ import annotations

from pathlib import Path
from tempfile import gettempdir

import pyproj
import pytest

from layers.intake.model import Intake, Severity
from layers.intake.run import run_intake
from tests.layers.intake.broken import FOUND, REJECTED
from tests.layers.intake.factory import WISH, Commune, as_file, make_commune, make_world, write_shapefile

pytestmark = pytest.mark.filterwarnings("ignore:'crs' was not provided:UserWarning")


@pytest.fixture(scope="module")
def commune() -> Commune:
    return make_commune(12)


@pytest.fixture(scope="module")
def sound(commune: Commune, tmp_path_factory: pytest.TempPathFactory) -> Path:
    prj = pyproj.CRS.from_epsg(9209).to_wkt("WKT1_ESRI")
    return write_shapefile(as_file(commune, "EPSG:9209"), tmp_path_factory.mktemp("sound") / "s.shp", prj=prj)


def taken(found: Intake) -> set[str]:
    """Codes of what was found, each with words in both languages and a remedy or a severity that needs none."""
    for finding in found.findings:
        assert finding.vi
        assert finding.en
        assert finding.remedy_vi or finding.severity in (Severity.INFO, Severity.WARNING)
        assert gettempdir() not in finding.vi + finding.en
    assert found.totals.read == found.totals.good + found.totals.refused
    return {finding.code for finding in found.findings}


@pytest.mark.parametrize("name", list(REJECTED))
def test_a_file_that_cannot_be_taken_is_refused_with_a_reason(
    name: str, commune: Commune, sound: Path, tmp_path: Path
) -> None:
    make, code = REJECTED[name]
    folder, work = tmp_path / "sent", tmp_path / "work"
    folder.mkdir()
    work.mkdir()
    found = run_intake(make(folder, sound), WISH, make_world(commune), work=work)
    codes = taken(found)
    assert found.is_rejected, codes
    assert code in codes or not code, codes
    assert not found.is_ready
    assert list(work.iterdir()) == []
    assert {entry.name for entry in tmp_path.iterdir()} == {"sent", "work"}


@pytest.mark.parametrize("name", list(FOUND))
def test_a_file_with_faults_is_read_and_they_are_told(name: str, commune: Commune, sound: Path, tmp_path: Path) -> None:
    make, code = FOUND[name]
    found = run_intake(make(tmp_path, sound), WISH, make_world(commune))
    codes = taken(found)
    assert codes or found.questions
    assert code in codes or not code, codes
