"""Properties that are lists."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from layers.definition_reader import load_builtin
from layers.intake.archive import ArchiveLimits
from layers.intake.opening import DEFAULT_OPENING, list_parts, read_part
from layers.intake.unpack import unpack
from layers.intake.values import ValueContext, convert


class TestAList:
    def test_does_not_keep_a_file_from_being_read(self, tmp_path: Path) -> None:
        place = {"type": "Point", "coordinates": [105.9, 10.2]}
        feature = {"type": "Feature", "properties": {"levels": ["MN", "TH"], "name": "A"}, "geometry": place}
        path, work = tmp_path / "x.geojson", tmp_path / "work"
        path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}), encoding="utf-8")
        work.mkdir()
        package = unpack(path, work, ArchiveLimits())
        (part,) = list_parts(package.datasets, work, DEFAULT_OPENING)
        geometry = read_part(part, work, DEFAULT_OPENING).geometry
        assert geometry is not None
        assert len(geometry) == 1
        assert read_part(part, work, DEFAULT_OPENING).columns.column("levels").to_pylist() == ["MN; TH"]

    @pytest.mark.parametrize("written", ["MN; TH", '["MN", "TH"]', "MN+TH", "mn, th"])
    def test_of_codes_is_read_in_every_usual_form(self, written: str) -> None:
        field = next(field for field in load_builtin()["schools"].fields if field.name == "levels")
        context = ValueContext(date(2026, 11, 1), frozenset())
        values, _ = convert(field, pd.Series([written], name="levels"), context)
        assert values.tolist() == [("MN", "TH")]
