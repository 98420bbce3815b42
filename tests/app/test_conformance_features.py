"""OGC API - Features Parts 1 and 2: the abstract tests of the standards, as we read them, against the service.

The names say which abstract test of 17-069r4 (Core) or 18-058r1 (CRS) a check stands for. They are stricter than
the official suite where that one throws its own comparison away (geometries after ``crs=``, completeness of boxes).
"""

from __future__ import annotations

import re
from datetime import datetime
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import psycopg
import pytest
import shapely
from shapely.geometry import shape

from tests.conftest import Service

pytestmark = [pytest.mark.db, pytest.mark.ogc]
SPEC = "http://www.opengis.net/spec"
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
GEOJSON = "application/geo+json"
OPENAPI = "application/vnd.oai.openapi+json;version=3.0"
# One of each geometry type, small and large.
COLLECTIONS = ("communes", "parcels", "schools", "plans", "street-lights")
# The boxes of the official suite: the North Sea, South America, across the antimeridian, both poles.
FAR_BOXES = ("-1.5,50,1.5,53", "-80,-5,-70,5", "177,65,-177,70", "-180,85,180,90", "-180,-90,180,-85")


def fetch(service: Service, path: str, accept: str = "application/json", **params: str) -> httpx.Response:
    return service.client.get(f"/ogc{path}", params=params, headers={"Accept": accept})


def document(service: Service, path: str, **params: str) -> dict:
    response = fetch(service, path, **params)
    assert response.status_code == 200, response.text
    return response.json()


def items(service: Service, slug: str, **params: str) -> dict:
    response = fetch(service, f"/collections/{slug}/items", GEOJSON, **params)
    assert response.status_code == 200, response.text
    return response.json()


def rels(links: list[dict], rel: str) -> list[dict]:
    return [link for link in links if link["rel"] == rel]


def collections(service: Service) -> list[dict]:
    return document(service, "/collections")["collections"]


class TestLandingPage:
    @pytest.mark.parametrize("path", ["", "/"])
    def test_a3_a4_is_there_with_and_without_a_slash_and_links_what_it_must(self, service: Service, path: str) -> None:
        response = fetch(service, path)
        assert response.status_code == 200
        links = response.json()["links"]
        assert rels(links, "conformance")
        assert rels(links, "data")
        description = rels(links, "service-desc")
        assert [link["type"] for link in description] == [OPENAPI]
        assert all(link["href"].startswith("http") for link in links)


class TestAPIDefinition:
    def test_a5_a6_is_an_openapi_3_0_document_under_its_media_type(self, service: Service) -> None:
        [link] = rels(document(service, "")["links"], "service-desc")
        response = service.client.get(link["href"], headers={"Accept": OPENAPI})
        assert response.status_code == 200
        assert response.headers["content-type"] == OPENAPI
        assert re.fullmatch(r"3\.0\.\d", response.json()["openapi"])

    @pytest.mark.parametrize("slug", COLLECTIONS)
    def test_a14_a16_a18_defines_bbox_limit_and_datetime(self, service: Service, slug: str) -> None:
        found = document(service, "/openapi")
        given = found["paths"][f"/collections/{slug}/items"]["get"]["parameters"]
        resolved = {
            part["name"]: part
            for part in (
                found["components"]["parameters"][p["$ref"].rpartition("/")[2]] if "$ref" in p else p for p in given
            )
        }
        for name in ("bbox", "limit", "datetime"):
            assert resolved[name]["in"] == "query"
            assert not resolved[name].get("required")
            assert (resolved[name]["style"], resolved[name]["explode"]) == ("form", False)
        box, limit = resolved["bbox"]["schema"], resolved["limit"]["schema"]
        assert (box["type"], box["minItems"], box["maxItems"], box["items"]["type"]) == ("array", 4, 6, "number")
        assert (limit["type"], limit["minimum"]) == ("integer", 1)
        assert 1 <= limit["default"] <= limit["maximum"]
        assert resolved["datetime"]["schema"]["type"] == "string"


class TestConformanceDeclaration:
    def test_a7_a8_names_core_and_crs(self, service: Service) -> None:
        declared = document(service, "/conformance")["conformsTo"]
        assert len(declared) == len(set(declared))
        for name in ("core", "oas30", "html", "geojson"):
            assert f"{SPEC}/ogcapi-features-1/1.0/conf/{name}" in declared
        assert f"{SPEC}/ogcapi-features-2/1.0/conf/crs" in declared


class TestCollections:
    def test_a9_a10_have_self_and_alternate_and_item_links(self, service: Service) -> None:
        found = document(service, "/collections")
        assert [link["type"] for link in rels(found["links"], "self")] == ["application/json"]
        assert "text/html" in [link["type"] for link in rels(found["links"], "alternate")]
        for entry in found["collections"]:
            assert GEOJSON in [link["type"] for link in rels(entry["links"], "items")], entry["id"]
            assert entry.get("itemType", "feature") == "feature"

    def test_a11_a12_an_entry_equals_the_document_of_its_collection(self, service: Service) -> None:
        for entry in collections(service)[:20]:
            alone = document(service, f"/collections/{entry['id']}")
            for name in ("id", "title", "description", "extent", "crs", "storageCrs"):
                assert alone.get(name) == entry.get(name), (entry["id"], name)

    def test_extents_have_four_numbers_and_hold_every_feature(self, service: Service, db: psycopg.Connection) -> None:
        for slug in COLLECTIONS:
            [box] = document(service, f"/collections/{slug}")["extent"]["spatial"]["bbox"]
            assert len(box) == 4
            outside = db.execute(
                f"SELECT count(*) FROM features.{slug.replace('-', '_')}"
                " WHERE NOT ST_CoveredBy(geom, ST_MakeEnvelope(%s, %s, %s, %s, 4326))",
                box,
            ).fetchone()[0]
            assert outside == 0

    def test_crs1_crs2_crs3_each_names_its_crs_by_uri_with_the_default_first(self, service: Service) -> None:
        for entry in collections(service):
            assert entry["crs"][0] == CRS84
            assert entry["storageCrs"] in entry["crs"]
            assert all(re.fullmatch(r"http://www\.opengis\.net/def/crs/\w+/[\d.]+/\w+", uri) for uri in entry["crs"])


@pytest.mark.parametrize("slug", COLLECTIONS)
class TestItems:
    def test_a13_a22_a26_have_every_member_of_a_page(self, service: Service, slug: str) -> None:
        found = items(service, slug, limit="10")
        assert found["type"] == "FeatureCollection"
        assert found["numberReturned"] == len(found["features"]) > 0
        assert datetime.fromisoformat(found["timeStamp"]).tzinfo is not None
        kinds = {(link["rel"], link["type"]) for link in found["links"]}
        assert {("self", GEOJSON), ("alternate", "text/html")} <= kinds
        assert all(link.get("href") and link.get("type") for link in found["links"])

    def test_a2_geometries_are_longitude_and_latitude(self, service: Service, slug: str) -> None:
        for feature in items(service, slug, limit="100")["features"]:
            west, south, east, north = shape(feature["geometry"]).bounds
            assert 102 < west <= east < 118
            assert 6 < south <= north < 24

    def test_a17_limit_is_never_exceeded(self, service: Service, slug: str) -> None:
        for limit in (1, 3, 10):
            assert len(items(service, slug, limit=str(limit))["features"]) <= limit

    def test_a22_number_matched_is_what_the_next_links_lead_to(self, service: Service, slug: str) -> None:
        found = items(service, slug, limit="10")
        total, matched = len(found["features"]), found["numberMatched"]
        while following := rels(found["links"], "next"):
            # As the official suite does: the link is taken apart and asked again with the largest page.
            address = urlsplit(following[0]["href"])
            asked = dict(parse_qsl(address.query, strict_parsing=True)) | {"limit": "10000"}
            found = service.client.get(f"{address.path}?{urlencode(asked)}", headers={"Accept": GEOJSON}).json()
            total += len(found["features"])
        assert total == matched

    def test_a20_a21_an_invalid_limit_and_an_unknown_parameter_are_400(self, service: Service, slug: str) -> None:
        for params in ({"limit": "unlimited"}, {"unknownQueryParameter71717": "1"}, {"bbox": "1,2"}, {"datetime": "x"}):
            assert fetch(service, f"/collections/{slug}/items", GEOJSON, **params).status_code == 400

    def test_a15_the_published_extent_finds_every_feature(self, service: Service, slug: str) -> None:
        entry = document(service, f"/collections/{slug}")
        box = ",".join(f"{number:.7f}" for number in entry["extent"]["spatial"]["bbox"][0])
        assert items(service, slug, bbox=box, limit="1")["numberMatched"] == entry["itemCount"]

    @pytest.mark.parametrize("box", FAR_BOXES)
    def test_a15_far_boxes_are_answered_and_return_only_what_intersects(
        self, service: Service, slug: str, box: str
    ) -> None:
        west, south, east, north = (float(part) for part in box.split(","))
        parts = [shapely.box(west, south, east, north)]
        if west > east:
            parts = [shapely.box(west, south, 180, north), shapely.box(-180, south, east, north)]
        asked = shapely.union_all(parts)
        for feature in items(service, slug, bbox=box)["features"]:
            assert shape(feature["geometry"]).intersects(asked)

    def test_a27_a29_one_feature_is_found_from_the_items_link(self, service: Service, slug: str) -> None:
        entry = document(service, f"/collections/{slug}")
        [link] = [link for link in rels(entry["links"], "items") if link["type"] == GEOJSON]
        wanted = items(service, slug, limit="1")["features"][0]
        response = service.client.get(f"{link['href'].partition('?')[0]}/{wanted['id']}", headers={"Accept": GEOJSON})
        assert response.status_code == 200
        found = response.json()
        assert (found["type"], found["id"]) == ("Feature", wanted["id"])
        kinds = {(link["rel"], link["type"]) for link in found["links"]}
        assert {("self", GEOJSON), ("alternate", "text/html")} <= kinds
        assert rels(found["links"], "collection")


class TestCRS:
    @pytest.mark.parametrize("path", ["/collections/schools/items", "/collections/schools/items/{id}"])
    def test_crs4_crs6_every_declared_crs_is_answered_and_named(self, service: Service, path: str) -> None:
        known = items(service, "schools", limit="1")["features"][0]["id"]
        address = path.format(id=known)
        assert fetch(service, address, GEOJSON).headers["content-crs"] == f"<{CRS84}>"
        for uri in document(service, "/collections/schools")["crs"]:
            response = fetch(service, address, GEOJSON, crs=uri)
            assert response.status_code == 200, uri
            assert response.headers["content-crs"] == f"<{uri}>"

    @pytest.mark.parametrize("name", ["crs", "bbox-crs", "filter-crs"])
    def test_crs5_crs9_an_unsupported_crs_is_400(self, service: Service, name: str) -> None:
        uri = "http://www.opengis.net/def/crs/0/unsupported"
        params = {name: uri, "bbox": "106,10,108,12"}
        assert fetch(service, "/collections/schools/items", GEOJSON, **params).status_code == 400
        if name == "crs":
            assert fetch(service, "/collections/schools/items/1", GEOJSON, crs=uri).status_code == 400

    def test_crs8_crs10_a_box_in_every_declared_crs_finds_what_it_finds_in_degrees(self, service: Service) -> None:
        ids = [feature["id"] for feature in items(service, "schools", limit="10000")["features"]]
        for uri in document(service, "/collections/schools")["crs"]:
            placed = items(service, "schools", limit="10000", crs=uri)["features"]
            points = [feature["geometry"]["coordinates"] for feature in placed]
            low = [min(point[axis] for point in points) for axis in (0, 1)]
            high = [max(point[axis] for point in points) for axis in (0, 1)]
            margin = 1e-4 * (high[0] - low[0])
            box = f"{low[0] - margin},{low[1] - margin},{high[0] + margin},{high[1] + margin}"
            found = items(service, "schools", limit="10000", bbox=box, **{"bbox-crs": uri})["features"]
            assert [feature["id"] for feature in found] == ids, uri

    def test_crs10_without_bbox_crs_is_crs84(self, service: Service) -> None:
        box = "107,10.9,107.2,11.1"
        plain = items(service, "schools", bbox=box, limit="10000")["features"]
        named = items(service, "schools", bbox=box, limit="10000", **{"bbox-crs": CRS84})["features"]
        assert plain == named
