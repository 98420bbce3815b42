"""Features as CSV, FlatGeobuf and JSON-FG, read back by programs that know nothing of the service."""

from __future__ import annotations

import csv
import io
import json
import subprocess
from pathlib import Path

import geopandas as gpd
import httpx
import pandas as pd
import psycopg
import pyogrio
import pytest
import shapely
from sqlalchemy import Engine, text

from tests.conftest import Service

pytestmark = [pytest.mark.db, pytest.mark.ogc]
ITEMS = "/ogc/collections/{}/items"


def get(service: Service, slug: str, form: str, **params: object) -> httpx.Response:
    response = service.client.get(ITEMS.format(slug), params={"f": form, **params})
    assert response.status_code == 200, response.text
    return response


def geojson(service: Service, slug: str, **params: object) -> dict:
    return get(service, slug, "json", **params).json()


def rows_of(response: httpx.Response) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"), newline="")))


class TestCSV:
    @pytest.mark.parametrize("slug", ["schools", "parcels", "ocop-producers"])
    def test_has_the_values_of_geojson(self, service: Service, slug: str) -> None:
        rows, features = rows_of(get(service, slug, "csv", limit=200)), geojson(service, slug, limit=200)["features"]
        assert len(rows) == len(features) > 0
        for row, feature in zip(rows, features, strict=True):
            assert int(row.pop("fid")) == feature["id"]
            shape = shapely.from_wkt(row.pop("WKT"))
            assert shape.equals_exact(shapely.from_geojson(json.dumps(feature["geometry"])), 1e-8)
            if shape.geom_type == "Point":
                assert (float(row.pop("LON")), float(row.pop("LAT"))) == pytest.approx((shape.x, shape.y), abs=1e-8)
            assert set(row) == set(feature["properties"])
            for name, value in feature["properties"].items():
                assert_same(row[name], value)

    def test_begins_with_a_mark_for_excel_and_ends_lines_as_rfc_4180_says(self, service: Service) -> None:
        response = get(service, "schools", "csv", limit=2)
        assert response.headers["content-type"] == "text/csv; charset=utf-8; header=present"
        assert response.content.startswith(b"\xef\xbb\xbffid,")
        assert response.content.count(b"\r\n") == 3

    def test_no_text_is_a_formula_and_quotes_hold(self, own_service: Service, owner: Engine) -> None:
        texts = ["=1+1", "+84", "-x", "@SUM(A1)", "\tx", 'a "b", c', "dòng 1\r\ndòng 2", "＝1", "x=1", ""]
        with owner.begin() as connection:
            fids = connection.execute(text("SELECT fid FROM features.schools ORDER BY fid LIMIT 10")).scalars().all()
            for fid, value in zip(fids, texts, strict=True):
                connection.execute(
                    text("UPDATE features.schools SET name = :value WHERE fid = :fid"), {"value": value, "fid": fid}
                )
        found = [row["name"] for row in rows_of(get(own_service, "schools", "csv", limit=10))]
        assert found == [f"'{value}" if value[:1] in "=+-@\t＝" and value else value for value in texts]

    def test_columns_are_those_asked_for_in_the_crs_asked_for(self, service: Service) -> None:
        response = get(service, "schools", "csv", limit=3, properties="name", crs="EPSG:5899")
        assert list(rows_of(response)[0]) == ["fid", "name", "X", "Y", "WKT"]
        first = geojson(service, "schools", limit=3, crs="EPSG:5899")["features"][0]
        row = rows_of(response)[0]
        assert [float(row["X"]), float(row["Y"])] == first["geometry"]["coordinates"]
        latitude_first = get(service, "schools", "csv", limit=1, properties="name", crs="EPSG:4326")
        assert list(rows_of(latitude_first)[0]) == ["fid", "name", "LAT", "LON", "WKT"]

    def test_without_features_is_a_header(self, service: Service) -> None:
        response = get(service, "schools", "csv", bbox="0,0,1,1")
        assert rows_of(response) == []
        assert response.headers["ogc-numbermatched"] == "0"

    def test_is_read_by_gdal_with_its_geometry(self, service: Service, tmp_path: Path) -> None:
        path = tmp_path / "schools.csv"
        path.write_bytes(get(service, "schools", "csv", limit=50).content)
        told = subprocess.run(["ogrinfo", "-ro", "-al", "-so", str(path)], capture_output=True, text=True, check=True)
        assert "Feature Count: 50" in told.stdout
        assert "WKT" in told.stdout
        assert len(gpd.GeoSeries.from_wkt(pd.read_csv(path, encoding="utf-8-sig")["WKT"])) == 50


def assert_same(cell: str, value: object) -> None:
    match value:
        case None:
            assert cell == ""
        case bool():
            assert cell == str(value).lower()
        case int() | float():
            assert float(cell) == value
        case list():
            assert cell == "; ".join(value)
        case _:
            assert cell.removeprefix("'") == value.removeprefix("'")


class TestFlatGeobuf:
    @pytest.mark.parametrize("slug", ["schools", "parcels", "roads"])
    def test_has_the_values_of_geojson(self, service: Service, slug: str) -> None:
        frame = gpd.read_file(io.BytesIO(get(service, slug, "fgb", limit=300).content), engine="pyogrio")
        features = {feature["id"]: feature for feature in geojson(service, slug, limit=300)["features"]}
        assert sorted(frame["fid"]) == sorted(features)
        assert frame.crs.to_epsg() == 4326
        for row in frame.itertuples():
            feature = features[row.fid]
            assert row.geometry.equals_exact(shapely.from_geojson(json.dumps(feature["geometry"])), 1e-8)
            for name, value in feature["properties"].items():
                found = getattr(row, name, None)
                if (isinstance(value, str) and isinstance(found, str)) or isinstance(value, int | float):
                    assert found == value

    def test_in_vn2000_names_the_crs_that_everybody_knows(self, service: Service) -> None:
        frame = gpd.read_file(
            io.BytesIO(get(service, "schools", "fgb", limit=20, crs="EPSG:9215").content), engine="pyogrio"
        ).sort_values("fid")
        assert frame.crs.to_epsg() == 9215
        expected = geojson(service, "schools", limit=20, crs="EPSG:9215")["features"]
        for shape, feature in zip(frame.geometry, expected, strict=True):
            assert [shape.x, shape.y] == pytest.approx(feature["geometry"]["coordinates"], abs=1e-4)

    def test_says_in_headers_what_qgis_needs(self, service: Service, db: psycopg.Connection) -> None:
        total = db.execute("SELECT count(*) FROM features.schools").fetchone()[0]
        seen: list[int] = []
        response = get(service, "schools", "fgb", limit=40)
        while True:
            assert response.headers["content-type"] == "application/flatgeobuf"
            assert response.headers["ogc-numbermatched"] == str(total)
            seen += list(gpd.read_file(io.BytesIO(response.content), engine="pyogrio")["fid"])
            following = response.links.get("next")
            if following is None:
                break
            assert following["type"] == "application/flatgeobuf"
            response = service.client.get(following["url"])
        assert len(seen) == total == len(set(seen))

    def test_has_an_index_that_finds_what_intersects(self, service: Service, tmp_path: Path) -> None:
        path = tmp_path / "parcels.fgb"
        path.write_bytes(get(service, "parcels", "fgb", limit=2000).content)
        info = pyogrio.read_info(path)
        assert info["features"] == 2000
        assert info["capabilities"]["fast_spatial_filter"]
        shape = gpd.read_file(path, engine="pyogrio").geometry
        box = shape.iloc[7].bounds
        assert len(gpd.read_file(path, bbox=box, engine="pyogrio")) == shape.intersects(shapely.box(*box)).sum()

    def test_sorted_keeps_its_order(self, service: Service) -> None:
        frame = gpd.read_file(io.BytesIO(get(service, "schools", "fgb", limit=30, sortby="-name").content))
        expected = geojson(service, "schools", limit=30, sortby="-name")["features"]
        assert list(frame["fid"]) == [feature["id"] for feature in expected]

    @pytest.mark.parametrize("params", [{"bbox": "0,0,1,1"}, {"resulttype": "hits"}])
    def test_without_features_has_the_columns(self, service: Service, params: dict[str, str]) -> None:
        response = get(service, "schools", "fgb", properties="name,pupils", crs="EPSG:5899", **params)
        frame = gpd.read_file(io.BytesIO(response.content), engine="pyogrio")
        assert len(frame) == 0
        assert set(frame.columns) == {"fid", "name", "pupils", "geometry"}
        assert frame.crs.to_epsg() == 5899

    def test_is_read_by_ogrinfo(self, service: Service, tmp_path: Path) -> None:
        path = tmp_path / "roads.fgb"
        path.write_bytes(get(service, "roads", "fgb", limit=50).content)
        told = subprocess.run(["ogrinfo", "-ro", "-al", "-so", str(path)], capture_output=True, text=True, check=True)
        assert "Feature Count: 50" in told.stdout
        assert "Multi Line String" in told.stdout

    def test_is_offered_by_the_collection(self, service: Service) -> None:
        links = service.client.get("/ogc/collections/schools").json()["links"]
        href = next(
            link["href"] for link in links if link["rel"] == "items" and link["type"] == "application/flatgeobuf"
        )
        assert service.client.get(href).headers["content-type"] == "application/flatgeobuf"


class TestJSONFG:
    def test_in_crs84_is_geojson_with_time_and_type(self, service: Service) -> None:
        response = get(service, "schools", "jsonfg", limit=20)
        document = response.json()
        plain = geojson(service, "schools", limit=20)
        assert response.headers["content-type"] == "application/fg+json"
        assert document["featureType"] == "schools"
        assert "http://www.opengis.net/spec/json-fg-1/1.0/conf/core" in document["conformsTo"]
        assert document["coordRefSys"].endswith("/OGC/1.3/CRS84")
        for feature, other in zip(document["features"], plain["features"], strict=True):
            assert feature["geometry"] == other["geometry"]
            assert feature["properties"] == other["properties"]
            assert feature["place"] is None
            assert feature["time"] == {"date": other["properties"]["data_on"]}

    def test_in_vn2000_has_its_place_there(self, service: Service) -> None:
        document = get(service, "schools", "jsonfg", limit=5, crs="EPSG:9215").json()
        moved = geojson(service, "schools", limit=5, crs="EPSG:9215")["features"]
        plain = geojson(service, "schools", limit=5)["features"]
        assert document["coordRefSys"] == "http://www.opengis.net/def/crs/EPSG/0/9215"
        for feature, there, here in zip(document["features"], moved, plain, strict=True):
            assert feature["place"] == there["geometry"]
            assert feature["geometry"] == here["geometry"]

    def test_is_read_by_gdals_own_driver(self, service: Service, tmp_path: Path) -> None:
        path = tmp_path / "schools.json"
        path.write_bytes(get(service, "schools", "jsonfg", limit=30, crs="EPSG:9215").content)
        info = pyogrio.read_info(path)
        assert info["driver"] == "JSONFG"
        frame = gpd.read_file(path, engine="pyogrio")
        assert frame.crs.to_epsg() == 9215
        expected = geojson(service, "schools", limit=30, crs="EPSG:9215")["features"]
        for shape, feature in zip(frame.geometry, expected, strict=True):
            assert [shape.x, shape.y] == pytest.approx(feature["geometry"]["coordinates"])
        told = subprocess.run(["ogrinfo", "-ro", "-al", "-so", str(path)], capture_output=True, text=True, check=True)
        assert "Feature Count: 30" in told.stdout

    def test_of_one_feature(self, service: Service) -> None:
        fid = geojson(service, "schools", limit=1)["features"][0]["id"]
        response = service.client.get(f"{ITEMS.format('schools')}/{fid}", params={"f": "jsonfg", "crs": "EPSG:9215"})
        document = response.json()
        assert response.headers["content-type"] == "application/fg+json"
        assert document["place"]["coordinates"] != document["geometry"]["coordinates"]
        assert document["featureType"] == "schools"


class TestNegotiation:
    CASES = (
        ("*/*", "application/geo+json"), ("text/csv", "text/csv; charset=utf-8; header=present"),
        ("application/flatgeobuf", "application/flatgeobuf"), ("application/fg+json", "application/fg+json"),
        ("application/vnd.ogc.fg+json;q=0.9, text/html;q=0.1", "application/fg+json"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html; charset=utf-8"),
        ("text/csv;q=0.1, application/geo+json;q=0.2", "application/geo+json"),
        ("text/csv;q=0, */*", "application/geo+json"), ("text/csv;q=x, image/png", "application/geo+json"),
    )  # fmt: skip

    @pytest.mark.parametrize(("accept", "kind"), CASES)
    def test_goes_by_accept(self, service: Service, accept: str, kind: str) -> None:
        response = service.client.get(ITEMS.format("schools"), params={"limit": 1}, headers={"Accept": accept})
        assert response.headers["content-type"] == kind
        assert "accept" in response.headers["vary"].lower()

    def test_forms_of_one_address_have_tags_of_their_own(self, service: Service) -> None:
        tags = set()
        for accept in ("application/geo+json", "text/csv", "application/flatgeobuf", "application/fg+json"):
            headers = {"Accept": accept}
            first = service.client.get(ITEMS.format("schools"), headers=headers)
            tags.add(first.headers["etag"])
            headers["If-None-Match"] = first.headers["etag"]
            assert service.client.get(ITEMS.format("schools"), headers=headers).status_code == 304
        assert len(tags) == 4

    @pytest.mark.parametrize("form", ["csv", "fgb"])
    def test_one_feature_has_no_table(self, service: Service, form: str) -> None:
        response = service.client.get(ITEMS.format("schools") + "/1", params={"f": form})
        assert response.status_code == 400
        assert response.json()["parameter"] == "f"

    @pytest.mark.parametrize("form", ["csv", "fgb", "jsonfg"])
    def test_no_form_carries_a_personal_field(self, service: Service, form: str) -> None:
        layer = service.client.get("/api/layers/parcels").json()["definition"]
        personal = [field["name"] for field in layer["fields"] if field.get("personal")]
        body = get(service, "parcels", form, limit=3).content
        assert personal
        assert not any(name.encode() in body for name in personal)
