"""OGC API - Tiles Part 1 (20-057): the abstract tests of its annex A, as we read them, against the service."""

from __future__ import annotations

import mapbox_vector_tile
import pytest

from tests.app.test_conformance_features import OPENAPI, SPEC, document, fetch, rels
from tests.conftest import Service

pytestmark = [pytest.mark.db, pytest.mark.ogc]
REL = "http://www.opengis.net/def/rel/ogc/1.0"
MVT = "application/vnd.mapbox-vector-tile"
MATRIX_SET = "http://www.opengis.net/def/tilematrixset/OGC/1.0/WebMercatorQuad"
TEMPLATE = "/collections/{}/tiles/WebMercatorQuad/{}/{}/{}"
SLUGS = ("communes", "schools", "street-lights")


def limits(service: Service, slug: str) -> list[dict]:
    found, *_ = document(service, f"/collections/{slug}/tiles")["tilesets"]
    return found["tileMatrixSetLimits"]


class TestTheAPIDefinition:
    def test_a23_a24_says_which_operations_give_tiles(self, service: Service) -> None:
        assert [link["type"] for link in rels(document(service, "")["links"], "service-desc")] == [OPENAPI]
        paths = document(service, "/openapi")["paths"].values()
        operations = [item["operationId"] for path in paths for item in path.values() if isinstance(item, dict)]
        assert any(name.endswith("collection.vector.getTile") for name in operations)
        assert len(operations) == len(set(operations))

    def test_a3_a5_defines_matrix_row_and_column(self, service: Service) -> None:
        given = document(service, "/openapi")["components"]["parameters"]
        for name in ("tileMatrix", "tileRow", "tileCol"):
            assert given[name]["in"] == "path"
            assert given[name]["required"] is True


class TestTheDeclaration:
    def test_a1_names_the_classes(self, service: Service) -> None:
        declared = document(service, "/conformance")["conformsTo"]
        for name in ("core", "mvt", "tileset", "tilesets-list", "geodata-tilesets", "oas30"):
            assert f"{SPEC}/ogcapi-tiles-1/1.0/conf/{name}" in declared


@pytest.mark.parametrize("slug", SLUGS)
class TestTileSets:
    def test_a12_a13_a_collection_links_its_tile_sets(self, service: Service, slug: str) -> None:
        [link] = [
            link
            for link in rels(document(service, f"/collections/{slug}")["links"], f"{REL}/tilesets-vector")
            if link["type"] == "application/json"
        ]
        assert link["href"].partition("?")[0].endswith("/tiles")
        assert service.client.get(link["href"]).status_code == 200

    def test_a9_a_tile_set_names_matrix_set_limits_and_templates(self, service: Service, slug: str) -> None:
        found, *_ = document(service, f"/collections/{slug}/tiles")["tilesets"]
        assert (found["tileMatrixSetId"], found["tileMatrixSetURI"]) == ("WebMercatorQuad", MATRIX_SET)
        [item] = rels(found["links"], "item")
        assert item["type"] == MVT
        assert all(part in item["href"] for part in ("{tileMatrix}", "{tileRow}", "{tileCol}"))
        assert "application/json" in [link["type"] for link in rels(found["links"], "self")]
        alone = document(service, f"/collections/{slug}/tiles/WebMercatorQuad")
        assert alone["tileMatrixSetLimits"] == found["tileMatrixSetLimits"]

    def test_a2_a6_every_tile_inside_the_limits_is_answered(self, service: Service, slug: str) -> None:
        full = 0
        for entry in limits(service, slug)[:2]:
            matrix = int(entry["tileMatrix"])
            rows = range(entry["minTileRow"], entry["maxTileRow"] + 1)
            columns = range(entry["minTileCol"], entry["maxTileCol"] + 1)
            for row, column in ((r, c) for r in rows for c in columns):
                response = fetch(service, TEMPLATE.format(slug, matrix, row, column), MVT)
                assert response.status_code in (200, 204)
                if response.status_code == 200:
                    full += 1
                    assert response.headers["content-type"] == MVT
                    assert set(mapbox_vector_tile.decode(response.content)) <= {slug, f"{slug}_labels"}
        assert full

    def test_a7_outside_the_limits_is_404_and_never_an_error_of_the_service(self, service: Service, slug: str) -> None:
        for entry in limits(service, slug):
            for row in (2**31 - 1, 2**31, 2**63, entry["maxTileRow"] + 1, entry["minTileRow"] - 1):
                address = TEMPLATE.format(slug, entry["tileMatrix"], row, entry["minTileCol"])
                assert fetch(service, address, MVT).status_code == 404, address
        for address in ("99/0/0", "-1/0/0", "a/b/c", "5/1.5/3", "5/0/" + "9" * 40):
            response = fetch(service, f"/collections/{slug}/tiles/WebMercatorQuad/{address}", MVT)
            assert response.status_code == 404, address
            assert response.headers["content-type"] == "application/problem+json"


class TestTheMatrixSets:
    def test_each_is_defined_here_to_the_deepest_zoom(self, service: Service) -> None:
        listed = document(service, "/tileMatrixSets")["tileMatrixSets"]
        assert "WebMercatorQuad" in [entry["id"] for entry in listed]
        found = document(service, "/tileMatrixSets/WebMercatorQuad")
        assert len(found["tileMatrices"]) == 23
        assert fetch(service, "/tileMatrixSets/NoSuchSet").status_code == 404
        assert fetch(service, "/collections/schools/tiles/NoSuchSet").status_code == 404
