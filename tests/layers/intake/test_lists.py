"""Properties that are lists."""

from __future__ import annotations

import json
from pathlib import Path

from layers.intake.archive import ArchiveLimits
from layers.intake.opening import DEFAULT_OPENING, list_parts, read_part
from layers.intake.unpack import unpack


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
