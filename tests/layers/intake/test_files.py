"""Files in every encoding, coordinate system and format come out as the same rows in the same place."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely

from layers.intake.model import FileKind, Intake, Severity
from layers.intake.run import run_intake
from tests.layers.intake.encoders import ENCODERS
from tests.layers.intake.factory import (
    WISH,
    Commune,
    as_file,
    make_commune,
    make_world,
    with_current,
    write_shapefile,
    zip_shapefile,
)

pytestmark = pytest.mark.filterwarnings("ignore:'crs' was not provided:UserWarning")
ZONES = (3405, 5897, 9209, 9210)
VARIANTS = ("loose", "zip", "folder", "upper")


@pytest.fixture(scope="module")
def commune() -> Commune:
    return make_commune()


def esri(code: int) -> str:
    return str(pyproj.CRS.from_epsg(code).to_wkt("WKT1_ESRI"))


def assert_same(found: Intake, commune: Commune, *, within_m: float = 0.01) -> None:
    assert [f for f in found.findings if f.severity is Severity.ERROR] == []
    assert found.totals.good == len(commune.parcels)
    assert list(found.rows["sheet"]) == list(commune.parcels["SHBANDO"])
    assert list(found.rows["owner_name"]) == list(commune.parcels["TENCHU"])
    here, there = (shapely.get_coordinates(np.asarray(f.geometry)).mean(axis=0) for f in (found.rows, commune.parcels))
    assert np.abs(here - there).max() * 111_000 < within_m


class TestShapefiles:
    @pytest.mark.parametrize("encoding", list(ENCODERS))
    @pytest.mark.parametrize("zone", ZONES)
    def test_every_encoding_in_every_zone(self, commune: Commune, tmp_path: Path, encoding: str, zone: int) -> None:
        path = write_shapefile(as_file(commune, f"EPSG:{zone}"), tmp_path / "t.shp", encoding=encoding, prj=esri(zone))
        found = run_intake(path, WISH, make_world(commune))
        assert found.is_ready
        assert found.encoding is not None
        assert found.encoding.encoding == encoding
        assert found.crs is not None
        assert found.crs.chosen == f"EPSG:{zone}"
        if encoding == "TCVN3":
            # Its capitals with tone marks are gone for good: “Ấp” comes back as “ấp”.
            assert set(found.rows["address"].str.lower()) <= set(commune.parcels["DIACHI"].str.lower())
        else:
            assert list(found.rows["address"]) == list(commune.parcels["DIACHI"])
        assert_same(found, commune)

    @pytest.mark.parametrize("variant", VARIANTS)
    def test_every_way_of_packing(self, commune: Commune, tmp_path: Path, variant: str) -> None:
        path = write_shapefile(as_file(commune, "EPSG:9209"), tmp_path / "thửa đất.shp", prj=esri(9209), cpg="UTF-8")
        if variant in ("zip", "upper"):
            path = zip_shapefile(path, tmp_path / "a.zip", inside="Dữ liệu/Tháng 11/", upper=variant == "upper")
        elif variant == "folder":
            path = tmp_path
        found = run_intake(path, WISH, make_world(commune))
        assert found.source is not None
        assert found.source.parts[0].name.casefold() == "thửa đất"
        assert_same(found, commune)

    @pytest.mark.parametrize("cpg", ["1258", "TCVN", "1252", "utf8", "nonsense", ""])
    def test_a_cpg_that_lies_changes_nothing(self, commune: Commune, tmp_path: Path, cpg: str) -> None:
        path = write_shapefile(
            as_file(commune, "EPSG:9209"), tmp_path / "t.shp", encoding="TCVN3", prj=esri(9209), cpg=cpg
        )
        found = run_intake(path, WISH, make_world(commune))
        assert found.encoding is not None
        assert found.encoding.encoding == "TCVN3"
        assert_same(found, commune)

    @pytest.mark.parametrize("missing", [".shx", ".dbf", ".prj", ".shp"])
    def test_a_missing_part_is_told_or_made_anew(self, commune: Commune, tmp_path: Path, missing: str) -> None:
        path = write_shapefile(as_file(commune, "EPSG:9209"), tmp_path / "t.shp", prj=esri(9209))
        path.with_suffix(missing).unlink()
        found = run_intake(tmp_path, WISH, make_world(commune))
        codes = {finding.code for finding in found.findings}
        asked = {question.id for question in found.questions}
        if missing == ".shx":
            assert_same(found, commune)
        elif missing == ".dbf":
            assert "shapefile.no-dbf" in codes
            assert {"field:sheet", "field:parcel"} <= asked
        elif missing == ".prj":
            assert "crs" in asked
        else:
            assert found.is_rejected
            assert codes == {"shapefile.no-shp"}

    def test_several_layers_are_asked_about_and_chosen(self, commune: Commune, tmp_path: Path) -> None:
        for name in ("a", "b"):
            write_shapefile(as_file(commune, "EPSG:9209"), tmp_path / f"{name}.shp", prj=esri(9209))
        found = run_intake(tmp_path, WISH, make_world(commune))
        assert [question.id for question in found.questions] == ["part"]
        assert not found.is_ready
        assert_same(run_intake(tmp_path, dataclasses.replace(WISH, part="b"), make_world(commune)), commune)

    def test_no_rows(self, commune: Commune, tmp_path: Path) -> None:
        path = write_shapefile(as_file(commune, "EPSG:9209").iloc[:0], tmp_path / "t.shp", prj=esri(9209))
        found = run_intake(path, WISH, make_world(commune))
        assert not found.is_ready
        assert "file.no-rows" in {finding.code for finding in found.findings}

    def test_two_hundred_and_fifty_five_fields(self, commune: Commune, tmp_path: Path) -> None:
        frame = as_file(commune, "EPSG:9209")
        extra = pd.DataFrame({f"F{n:03}": ["x"] * len(frame) for n in range(247)}, index=frame.index)
        wide = frame.join(extra).set_geometry("geometry")
        path = write_shapefile(wide, tmp_path / "t.shp", prj=esri(9209))
        found = run_intake(path, WISH, make_world(commune))
        assert found.mapping is not None
        assert len(found.mapping.unmapped) == 247
        assert_same(found, commune)


FORMATS = {
    "GPKG": (".gpkg", FileKind.GEOPACKAGE),
    "GeoJSON": (".geojson", FileKind.GEOJSON),
    "FlatGeobuf": (".fgb", FileKind.FLATGEOBUF),
    "KML": (".kml", FileKind.KML),
    "MapInfo File": (".tab", FileKind.MAPINFO_TAB),
    "GML": (".gml", FileKind.GML),
}


class TestFormats:
    @pytest.mark.parametrize("driver", list(FORMATS))
    def test_every_format_under_a_name_that_lies(self, commune: Commune, tmp_path: Path, driver: str) -> None:
        suffix, kind = FORMATS[driver]
        path = tmp_path / f"t{suffix}"
        # FlatGeobuf would order rows by place.
        options = {"GML": {"FORMAT": "GML3"}, "FlatGeobuf": {"SPATIAL_INDEX": "NO"}}.get(driver, {})
        commune.parcels.to_file(path, driver=driver, engine="pyogrio", **options)
        if driver not in ("MapInfo File",):
            path = path.rename(tmp_path / "dữ liệu.bin")
            for rest in tmp_path.glob("*.xsd"):
                rest.unlink()
        found = run_intake(path, WISH, make_world(commune))
        assert found.source is not None
        assert found.source.kind is kind
        assert_same(found, commune, within_m=0.1)

    def test_mif_in_vni(self, commune: Commune, tmp_path: Path) -> None:
        from tests.layers.intake.factory import encoded

        frame = encoded(as_file(commune, "EPSG:9209"), "VNI-Windows")
        path = tmp_path / "t.mif"
        frame.to_file(path, driver="MapInfo File", engine="pyogrio", FORMAT="MIF", ENCODING="ISO-8859-1")
        found = run_intake(path, dataclasses.replace(WISH, crs="EPSG:9209"), make_world(commune))
        assert found.source is not None
        assert found.source.kind is FileKind.MAPINFO_MIF
        assert_same(found, commune)

    def test_kmz(self, commune: Commune, tmp_path: Path) -> None:
        import zipfile

        commune.parcels.to_file(tmp_path / "doc.kml", driver="KML", engine="pyogrio")
        with zipfile.ZipFile(tmp_path / "t.kmz", "w") as archive:
            archive.write(tmp_path / "doc.kml", "doc.kml")
        assert_same(run_intake(tmp_path / "t.kmz", WISH, make_world(commune)), commune, within_m=0.1)

    def test_the_current_revision_proves_what_no_prj_says(self, commune: Commune, tmp_path: Path) -> None:
        path = write_shapefile(as_file(commune, "EPSG:9210"), tmp_path / "t.shp")
        found = run_intake(path, WISH, with_current(commune))
        assert found.crs is not None
        assert found.crs.chosen == "EPSG:9210"
        assert_same(found, commune)
