"""The programs that people really use: GDAL's ogrinfo and ogr2ogr, OWSLib, and GDAL again on vector tiles."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import psycopg
import pytest
from owslib.ogcapi.features import Features
from pyproj import Transformer

from tests.app.test_items import ORACLE
from tests.app.test_tiles import any_parcel, tile_of
from tests.conftest import Service

pytestmark = [
    pytest.mark.db,
    pytest.mark.ogc,
    pytest.mark.skipif(shutil.which("ogr2ogr") is None, reason="needs GDAL's programs (gdal-bin)"),
]
TABLE = "features.schools"


def run(*words: str | Path) -> str:
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    # GDAL says on standard error what it could not understand, and goes on.
    assert "ERROR" not in done.stderr, done.stderr
    return done.stdout


def fetch_layer(service: Service, place: Path, layer: str, *options: str) -> list[dict]:
    run("ogr2ogr", "-f", "GeoJSON", place, f"OAPIF:{service.url}/ogc", layer, *options)
    return json.loads(place.read_text())["features"]


def names_of(features: list[dict]) -> list[str]:
    return sorted(feature["properties"]["name"] for feature in features)


def stored_names(db: psycopg.Connection, condition: str = "true") -> list[str]:
    return sorted(row[0] for row in db.execute(f"SELECT name FROM {TABLE} WHERE {condition}").fetchall())


class TestGDAL:
    def test_ogrinfo_lists_every_layer_with_its_count_fields_and_extent(
        self, service: Service, db: psycopg.Connection
    ) -> None:
        told = run("ogrinfo", "-ro", "-so", f"OAPIF:{service.url}/ogc", "parcels")
        count = db.execute("SELECT count(*) FROM features.parcels").fetchone()[0]
        assert f"Feature Count: {count}" in told
        assert re.search(r"area_legal_m2: Real", told)
        assert re.search(r"data_on: Date", told)
        extent = re.search(r"Extent: \(([-\d.]+), ([-\d.]+)\) - \(([-\d.]+), ([-\d.]+)\)", told)
        assert extent is not None
        stored = db.execute(
            "SELECT ST_XMin(e), ST_YMin(e), ST_XMax(e), ST_YMax(e) FROM (SELECT ST_Extent(geom) e"
            " FROM features.parcels) q"
        ).fetchone()
        assert [float(part) for part in extent.groups()] == pytest.approx(stored, abs=2e-6)
        listed = run("ogrinfo", "-ro", f"OAPIF:{service.url}/ogc")
        served = service.client.get("/ogc/collections", params={"f": "json"}).json()["collections"]
        assert listed.count("\n") >= len(served)
        assert all(re.search(rf"^\d+: {re.escape(entry['id'])} ", listed, re.M) for entry in served)

    def test_ogr2ogr_pages_through_a_whole_layer(
        self, service: Service, db: psycopg.Connection, tmp_path: Path
    ) -> None:
        found = fetch_layer(service, tmp_path / "all.json", "schools", "-oo", "PAGE_SIZE=7")
        assert names_of(found) == stored_names(db)

    def test_a_rectangle_is_asked_of_the_server(self, service: Service, db: psycopg.Connection, tmp_path: Path) -> None:
        box = ("107.0", "10.9", "107.15", "11.1")
        found = fetch_layer(service, tmp_path / "box.json", "schools", "-spat", *box)
        expected = stored_names(db, f"ST_Intersects(geom, ST_MakeEnvelope({','.join(box)}, 4326))")
        assert 0 < len(expected) < len(stored_names(db))
        assert names_of(found) == expected

    def test_a_condition_gives_what_sql_gives(self, service: Service, db: psycopg.Connection, tmp_path: Path) -> None:
        some = stored_names(db)[0]
        condition = f"name = '{some.replace(chr(39), chr(39) * 2)}'"
        found = fetch_layer(service, tmp_path / "where.json", "schools", "-where", condition)
        assert names_of(found) == stored_names(db, condition.replace("%", "%%"))

    def test_vn2000_arrives_as_easting_and_northing(self, service: Service, tmp_path: Path) -> None:
        # GDAL learnt the option in 3.8; before it, -t_srs moves the axes but through PROJ's own choice of operation.
        place = tmp_path / "metres.json"
        asked = f"{service.url}/ogc/collections/schools/items?limit=1000&crs=EPSG:9215"
        place.write_text(service.client.get(asked).text)
        oracle = Transformer.from_pipeline(ORACLE.format(lon=107.25, k=0.9999))
        degrees = {
            feature["properties"]["fid"] if "fid" in feature["properties"] else feature["id"]: feature
            for feature in service.client.get("/ogc/collections/schools/items?limit=1000").json()["features"]
        }
        copy = tmp_path / "copy.json"
        run("ogr2ogr", "-f", "GeoJSONSeq", "-lco", "COORDINATE_PRECISION=4", copy, place)
        for line in copy.read_text().splitlines():
            feature = json.loads(line)
            known = degrees[feature["id"]]["geometry"]["coordinates"]
            assert feature["geometry"]["coordinates"] == pytest.approx(oracle.transform(*known), abs=0.001)

    def test_a_vector_tile_opens(self, service: Service, db: psycopg.Connection, tmp_path: Path) -> None:
        x, y = tile_of(*any_parcel(db), 14)
        place = tmp_path / f"{y}.pbf"
        place.write_bytes(service.client.get(f"/tiles/parcels/14/{x}/{y}.pbf").content)
        told = run("ogrinfo", "-ro", "-al", "-so", "-oo", f"X={x}", "-oo", f"Y={y}", "-oo", "Z=14", place)
        assert "Layer name: parcels" in told
        count = re.search(r"Feature Count: (\d+)", told)
        assert count is not None
        assert int(count[1]) > 0


class TestOWSLib:
    def test_finds_collections_features_and_queryables(self, service: Service, db: psycopg.Connection) -> None:
        found = Features(f"{service.url}/ogc")
        assert "schools" in found.feature_collections()
        assert any(name.endswith("/features-filter") for name in found.conformance()["conformsTo"])
        page = found.collection_items("schools", limit=1000)
        assert sorted(feature["properties"]["name"] for feature in page["features"]) == stored_names(db)
        one = found.collection_item("schools", str(page["features"][0]["id"]))
        assert one["properties"] == page["features"][0]["properties"]
        assert "name" in found.collection_queryables("schools")["properties"]

    def test_filters_and_boxes_reach_the_server(self, service: Service, db: psycopg.Connection) -> None:
        found = Features(f"{service.url}/ogc")
        name = stored_names(db)[0]
        page = found.collection_items("schools", filter=f"name = '{name}'")
        assert {feature["properties"]["name"] for feature in page["features"]} == {name}
        box = [107.0, 10.9, 107.15, 11.1]
        page = found.collection_items("schools", bbox=box, limit=1000)
        expected = stored_names(db, "ST_Intersects(geom, ST_MakeEnvelope(107.0, 10.9, 107.15, 11.1, 4326))")
        assert names_of(page["features"]) == expected
