"""Features over HTTP, held against the database and against PROJ."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlparse

import httpx
import psycopg
import pytest
from pyproj import Transformer

from tests.conftest import Service

pytestmark = [pytest.mark.db, pytest.mark.ogc]
ITEMS = "/ogc/collections/{}/items"
DASHED = {"bbox_crs": "bbox-crs", "filter_lang": "filter-lang", "filter_crs": "filter-crs"}
# Coordinate frame rotation with the published signs of EPSG:6960, written here apart from the product's own.
ORACLE = (
    "+proj=pipeline +step +proj=unitconvert +xy_in=deg +xy_out=rad +step +proj=push +v_3"
    " +step +proj=cart +ellps=WGS84 +step +inv +proj=helmert +x=-191.90441429 +y=-39.30318279 +z=-111.45032835"
    " +rx=-0.00928836 +ry=0.01975479 +rz=-0.00427372 +s=0.252906278 +convention=coordinate_frame"
    " +step +inv +proj=cart +ellps=WGS84 +step +proj=pop +v_3"
    " +step +proj=tmerc +lat_0=0 +lon_0={lon} +k={k} +x_0=500000 +y_0=0 +ellps=WGS84"
)


def get(service: Service, slug: str, **params: object) -> httpx.Response:
    return service.client.get(ITEMS.format(slug), params={DASHED.get(k, k): v for k, v in params.items()})


def page(service: Service, slug: str, **params: object) -> dict:
    response = get(service, slug, **params)
    assert response.status_code == 200, response.text
    return response.json()


class TestAPage:
    def test_holds_features_of_the_table_with_all_public_fields(self, service: Service, db: psycopg.Connection) -> None:
        found = page(service, "schools", limit=5)
        assert found["numberReturned"] == 5 == len(found["features"])
        stored = db.execute("SELECT count(*), min(fid) FROM features.schools").fetchone()
        assert found["numberMatched"] == stored[0]
        first = found["features"][0]
        assert first["id"] == stored[1]
        row = db.execute(
            "SELECT name, ST_X(geom), ST_Y(geom) FROM features.schools WHERE fid = %s", [first["id"]]
        ).fetchone()
        assert first["properties"]["name"] == row[0]
        assert first["geometry"]["coordinates"] == pytest.approx(row[1:], abs=1e-9)

    def test_carries_no_personal_field(self, service: Service) -> None:
        layer = service.client.get("/api/layers/parcels").json()["definition"]
        personal = {field["name"] for field in layer["fields"] if field.get("personal")}
        assert personal
        assert not personal & set(page(service, "parcels", limit=1)["features"][0]["properties"])

    def test_leads_through_the_whole_layer_by_next(self, service: Service, db: psycopg.Connection) -> None:
        seen: list[int] = []
        url: str | None = ITEMS.format("street-lights") + "?limit=700"
        while url:
            found = service.client.get(url).json()
            seen += [feature["id"] for feature in found["features"]]
            url = next((link["href"] for link in found["links"] if link["rel"] == "next"), None)
        stored = [row[0] for row in db.execute("SELECT fid FROM features.street_lights ORDER BY fid").fetchall()]
        assert seen == stored

    def test_says_that_its_data_are_synthetic(self, service: Service) -> None:
        assert page(service, "schools", limit=1)["synthetic"] is True

    def test_is_told_apart_by_its_tag(self, service: Service) -> None:
        first = get(service, "schools", limit=3)
        again = service.client.get(
            ITEMS.format("schools"), params={"limit": 3}, headers={"If-None-Match": first.headers["etag"]}
        )
        assert again.status_code == 304
        other = get(service, "schools", limit=4)
        assert other.headers["etag"] != first.headers["etag"]

    def test_next_keeps_the_question(self, service: Service) -> None:
        found = page(service, "parcels", limit=2, bbox="107.0,10.9,107.3,11.2", crs="EPSG:9215")
        following = next(link["href"] for link in found["links"] if link["rel"] == "next")
        asked = parse_qs(urlparse(following).query)
        assert asked["bbox"] == ["107.0,10.9,107.3,11.2"]
        assert asked["crs"] == ["EPSG:9215"]


class TestBBox:
    BOXES = ("107.1,11.0,107.2,11.1", "107.1,11.0,0,107.12,11.02,9", "107.05,11.02,107.05,11.3", "0,0,1,1")

    @pytest.mark.parametrize("box", BOXES)
    def test_returns_exactly_what_intersects(self, service: Service, db: psycopg.Connection, box: str) -> None:
        numbers = [float(part) for part in box.split(",")]
        corners = numbers if len(numbers) == 4 else [numbers[0], numbers[1], numbers[3], numbers[4]]
        shape = "ST_MakeEnvelope(%s,%s,%s,%s,4326)"
        if corners[0] == corners[2]:
            shape = "ST_SetSRID(ST_MakeLine(ST_MakePoint(%s,%s), ST_MakePoint(%s,%s)), 4326)"
        expected = [
            row[0]
            for row in db.execute(
                f"SELECT fid FROM features.parcels WHERE ST_Intersects(geom, {shape}) ORDER BY fid",
                corners,
            ).fetchall()
        ]
        found = page(service, "parcels", bbox=box, limit=10000)
        assert [feature["id"] for feature in found["features"]] == expected
        assert found["numberMatched"] == len(expected)

    def test_in_vn2000_finds_the_same_as_its_shape_in_degrees(self, service: Service, db: psycopg.Connection) -> None:
        east, north = Transformer.from_pipeline(ORACLE.format(lon=107.75, k=0.9999)).transform(107.15, 11.05)
        box = f"{east},{north},{east + 2000},{north + 2000}"
        found = page(service, "parcels", bbox=box, bbox_crs="EPSG:5899", limit=10000)
        expected = db.execute(
            "SELECT count(*) FROM features.parcels WHERE ST_Intersects(geom,"
            " ST_Transform(ST_Segmentize(ST_MakeEnvelope(%s,%s,%s,%s,905899), 50), 4326))",
            [east, north, east + 2000, north + 2000],
        ).fetchone()[0]
        assert expected > 0
        assert found["numberMatched"] == expected

    def test_across_the_antimeridian_is_empty_here_and_not_an_error(self, service: Service) -> None:
        assert page(service, "schools", bbox="177,65,-177,70")["features"] == []


class TestCRS:
    CASES = ((5897, 105.0, 0.9999), (5899, 107.75, 0.9999), (3405, 105.0, 0.9996), (3406, 111.0, 0.9996))

    @pytest.mark.parametrize(("code", "meridian", "scale"), CASES)
    def test_vn2000_is_exact_to_a_millimetre_on_both_sides(
        self, service: Service, code: int, meridian: float, scale: float
    ) -> None:
        oracle = Transformer.from_pipeline(ORACLE.format(lon=meridian, k=scale))
        degrees = page(service, "street-lights", limit=3000)["features"]
        metres = page(service, "street-lights", limit=3000, crs=f"EPSG:{code}")["features"]
        west = [f for f in degrees if f["geometry"]["coordinates"][0] < 107.11]
        assert west
        assert len(west) < len(degrees)
        for a, b in zip(degrees, metres, strict=True):
            expected = oracle.transform(*a["geometry"]["coordinates"])
            assert b["geometry"]["coordinates"] == pytest.approx(expected, abs=0.001)

    def test_epsg_4326_has_latitude_first_and_says_so(self, service: Service) -> None:
        lon, lat = page(service, "schools", limit=1)["features"][0]["geometry"]["coordinates"]
        uri = "http://www.opengis.net/def/crs/EPSG/0/4326"
        response = get(service, "schools", limit=1, crs=uri)
        assert response.headers["content-crs"] == f"<{uri}>"
        assert response.json()["features"][0]["geometry"]["coordinates"] == [lat, lon]

    def test_without_crs_is_crs84(self, service: Service) -> None:
        header = get(service, "schools", limit=1).headers["content-crs"]
        assert header == "<http://www.opengis.net/def/crs/OGC/1.3/CRS84>"


class TestFilter:
    CASES = (
        ("area_legal_m2 > 5000", "area_legal_m2 > 5000"),
        ("land_use_main IN ('ONT','LUC')", "land_use_main IN ('ONT','LUC')"),
        ("sheet LIKE '1%'", "sheet LIKE '1%%'"),
        ("NOT (land_use_main = 'CLN') AND area_legal_m2 BETWEEN 100 AND 200000",
         "NOT (land_use_main = 'CLN') AND area_legal_m2 BETWEEN 100 AND 200000"),
        ("S_INTERSECTS(geometry, BBOX(107.1,11.0,107.2,11.1))",
         "ST_Intersects(geom, ST_MakeEnvelope(107.1,11.0,107.2,11.1,4326))"),
    )  # fmt: skip

    @pytest.mark.parametrize(("cql", "sql"), CASES)
    def test_finds_what_sql_finds(self, service: Service, db: psycopg.Connection, cql: str, sql: str) -> None:
        expected = db.execute(f"SELECT count(*) FROM features.parcels WHERE {sql}", []).fetchone()[0]
        assert expected > 0
        assert page(service, "parcels", filter=cql, limit=1)["numberMatched"] == expected
        hits = page(service, "parcels", filter=cql, resulttype="hits")
        assert (hits["numberMatched"], hits["numberReturned"]) == (expected, 0)

    def test_a_quote_in_a_value_stays_a_value(self, service: Service) -> None:
        found = page(service, "schools", filter="name = 'x''; DROP TABLE features.schools; --'")
        assert found["numberMatched"] == 0
        assert page(service, "schools", limit=1)["numberReturned"] == 1

    def test_a_property_may_be_asked_for_by_name(self, service: Service, db: psycopg.Connection) -> None:
        expected = db.execute("SELECT count(*) FROM features.parcels WHERE land_use_main = 'LUC'").fetchone()[0]
        assert page(service, "parcels", land_use_main="LUC", limit=1)["numberMatched"] == expected


class TestOneFeature:
    @pytest.mark.parametrize(("code", "meridian", "scale"), TestCRS.CASES)
    def test_in_vn2000_is_exact_to_a_millimetre(
        self, service: Service, code: int, meridian: float, scale: float
    ) -> None:
        uri = f"http://www.opengis.net/def/crs/EPSG/0/{code}"
        for listed in page(service, "schools", limit=2)["features"]:
            answer = service.client.get(f"{ITEMS.format('schools')}/{listed['id']}", params={"crs": uri})
            assert answer.headers["content-crs"] == f"<{uri}>"
            expected = Transformer.from_pipeline(ORACLE.format(lon=meridian, k=scale)).transform(
                *listed["geometry"]["coordinates"]
            )
            assert answer.json()["geometry"]["coordinates"] == pytest.approx(expected, abs=0.001)

    def test_is_the_same_as_on_its_page(self, service: Service) -> None:
        listed = page(service, "plans", limit=1)["features"][0]
        alone = service.client.get(f"{ITEMS.format('plans')}/{listed['id']}").json()
        assert {key: alone[key] for key in listed} == listed
        assert {link["rel"] for link in alone["links"]} == {"self", "alternate", "collection"}

    @pytest.mark.parametrize("fid", ["0", "999999999", "-1", "abc", "1.5", "9" * 30, "%00"])
    def test_that_is_not_there_is_404(self, service: Service, fid: str) -> None:
        response = service.client.get(f"{ITEMS.format('plans')}/{fid}")
        assert response.status_code == 404
        assert response.headers["content-type"] == "application/problem+json"


class TestBadInput:
    CASES = (
        ("limit", "0"), ("limit", "-1"), ("limit", "unlimited"), ("limit", "1e3"), ("limit", "9" * 40),
        ("offset", "-1"), ("cursor", "../../"), ("cursor", "zzzzzzzzzzzzz"), ("bbox", "1,2,3"),
        ("bbox", "nan,1,2,3"), ("bbox", "107,11,106"), ("bbox", "10.5,106,10.6,107"), ("bbox", "107,12,108,11"),
        ("bbox", "1e309,1,2,3"), ("crs", "EPSG:6956"), ("crs", "nonsense"), ("bbox-crs", "EPSG:99999"),
        ("filter", "name ="), ("filter", "nosuch = 1"), ("filter", "owner_name = 'x'"), ("filter", "("*5000),
        ("filter-lang", "sql"), ("filter-crs", "EPSG:1"), ("datetime", "yesterday"), ("datetime", "2026/2025"),
        ("properties", "owner_name"), ("resulttype", "all"), ("f", "exe"), ("unknownQueryParameter1", "1"),
        ("revision", "0"), ("sheet\x00", "1"), ("area_legal_m2", "many"), ("data_on", "32/13/2026"),
    )  # fmt: skip

    @pytest.mark.parametrize(("name", "value"), CASES)
    def test_is_a_problem_in_both_languages_that_names_the_parameter(
        self, service: Service, name: str, value: str
    ) -> None:
        told = {}
        for language in ("vi", "en"):
            response = service.client.get(
                ITEMS.format("parcels"), params={name: value}, headers={"Accept-Language": language}
            )
            assert response.status_code in (400, 404), response.text
            assert response.headers["content-type"] == "application/problem+json"
            body = response.json()
            assert body["parameter"]
            told[language] = body["detail"]
            assert response.headers["content-language"] == language
        assert told["vi"] != told["en"]

    def test_an_unknown_layer_is_404_and_suggests_one(self, service: Service) -> None:
        response = get(service, "shcools")
        assert response.status_code == 404
        assert "schools" in response.json()["detail"]

    def test_a_restricted_layer_does_not_exist(self, service: Service) -> None:
        hidden, absent = get(service, "security-cameras"), get(service, "no-such-layer")
        assert hidden.status_code == absent.status_code == 404
        text = hidden.json()["detail"].replace("security-cameras", "no-such-layer")
        assert text.split(".")[0] == absent.json()["detail"].split(".")[0]


class TestThePast:
    def test_a_revision_that_never_was_is_404(self, service: Service) -> None:
        assert get(service, "schools", revision=99).status_code == 404

    def test_the_first_revision_can_be_read(self, service: Service) -> None:
        now, then = page(service, "schools", limit=5), page(service, "schools", limit=5, revision=1)
        assert json.dumps(now["features"]) == json.dumps(then["features"])
