"""What attackers and broken programs send: a 4xx problem in both languages, and PostgreSQL never sees broken SQL."""

from __future__ import annotations

import httpx
import pytest

from app.cluster import Cluster
from tests.conftest import Service

pytestmark = [pytest.mark.db, pytest.mark.ogc]
ITEMS = "/ogc/collections/parcels/items"
_RING = ",".join(f"{105 + step / 1e6:.6f} 11" for step in range(1_000_000))

# As they stand in the address: some of these bytes no client library would send.
QUERIES = {
    "union": "filter=name%20%3D%20'x'%20UNION%20SELECT%20rolname%20FROM%20pg_authid",
    "comment": "filter=sheet%20%3D%20'1'%20--",
    "stacked": "filter=sheet%20%3D%20'1'%3B%20DROP%20TABLE%20features.parcels",
    "sleep": "filter=pg_sleep(10)%20IS%20NULL",
    "quoted-name": "filter=%22sheet%22%22%3B%22%20%3D%20'1'",
    "odd-quote": "filter=sheet%20%3D%20'''",
    "dollar-quote": "filter=sheet%20%3D%20%24%24x%24%24",
    "unicode-quotes": "filter=sheet%20%3D%20%E2%80%98x%E2%80%99",
    "fullwidth-quotes": "filter=sheet%20%3D%20%EF%BC%87x%EF%BC%87",
    "like-of-number": "filter=area_legal_m2%20LIKE%20'%25'",
    "like-without-text": "filter=sheet%20LIKE%20%25",
    "nan-number": "filter=area_legal_m2%20%3E%20NaN",
    "infinite-number": "filter=area_legal_m2%20%3E%20Infinity",
    "huge-number": "filter=area_legal_m2%20%3E%201e999",
    "json-nan": "filter-lang=cql2-json&filter=%7B%22op%22%3A%22%3D%22%2C%22args%22%3A%5BNaN%2C1%5D%7D",
    "json-lone-surrogate": "filter-lang=cql2-json&filter=%7B%22op%22%3A%22%3D%22%2C%22args%22%3A%5B%7B%22property%22"
    "%3A%22sheet%22%7D%2C%22%5Cud800%22%5D%7D",
    "json-nul": "filter-lang=cql2-json&filter=%7B%22op%22%3A%22%3D%22%2C%22args%22%3A%5B%7B%22property%22"
    "%3A%22sheet%22%7D%2C%22%5Cu0000%22%5D%7D",
    "json-array": "filter-lang=cql2-json&filter=%5B%5D",
    "json-operator": "filter-lang=cql2-json&filter=%7B%22op%22%3A%22pg_sleep%22%2C%22args%22%3A%5B10%5D%7D",
    "bbox-nan": "bbox=NaN,NaN,NaN,NaN",
    "bbox-infinite": "bbox=-Infinity,0,Infinity,1",
    "cursor-path": "cursor=../../etc/passwd",
    "cursor-base64": "cursor=////",
    "cursor-of-sort": "sortby=sheet&cursor=eyJhIjoxfQ",
    "repeated-limit": "limit=1&limit=2",
    "repeated-filter": "filter=sheet%3D'1'&filter=sheet%3D'2'",
    "percent-garbage": "filter=%ZZ%",
    "not-utf-8": "sheet=%ff%fe",
    "overlong": "sheet=%C0%AF",
    "nul": "sheet=%00",
    "lone-surrogate": "sheet=%ED%A0%80",
    "digits-of-another-script": "limit=%D9%A3",
    "sort-injection": "sortby=sheet%3B%20DROP",
    "properties-injection": "properties=sheet,geom)%20FROM",
}
BODIES = {
    "10000-ors": " OR ".join(["sheet = '1'"] * 10_000),
    "deep-brackets": "(" * 10_000 + "sheet = '1'" + ")" * 10_000,
    "deep-nots": "NOT " * 3_000 + "sheet = '1'",
    "million-vertices": f"S_INTERSECTS(geometry, LINESTRING({_RING}))",
}
TILES = (
    "2147483648/1/1",
    "5/2147483648/1",
    "5/1/2147483648",
    "-1/0/0",
    "NaN/0/0",
    "1e9/0/0",
    "99999999999999999999/1/1",
)


def errors_in_log(cluster: Cluster) -> list[str]:
    """Lines of the database's log that tell of a statement which PostgreSQL could not parse or plan."""
    lines = [
        line
        for path in (cluster.data_dir / "log").glob("*.log")
        for line in path.read_text("utf-8", "replace").splitlines()
    ]
    assert lines
    return [line for line in lines if "ERROR:" in line and ("syntax error" in line or "unterminated" in line)]


def told(response: httpx.Response, *allowed: int) -> str:
    assert response.status_code in allowed, response.text[:300]
    assert response.headers["content-type"] == "application/problem+json"
    return str(response.json()["detail"])


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
def test_a_query_is_refused_in_both_languages(service: Service, query: str) -> None:
    answers = [
        told(service.client.get(f"{ITEMS}?{query}", headers={"Accept-Language": language}), 400)
        for language in ("vi", "en")
    ]
    assert answers[0] != answers[1]


@pytest.mark.parametrize("text", BODIES.values(), ids=BODIES)
def test_a_huge_filter_is_refused_before_the_database_is_asked(service: Service, text: str) -> None:
    body = {"kind": "zone", "target": {"layer": "parcels", "filter": text}}
    told(service.client.post("/api/query", json=body), 400, 413)


@pytest.mark.parametrize("tile", TILES)
@pytest.mark.parametrize("address", ["/tiles/parcels/{}.pbf", "/ogc/collections/parcels/tiles/WebMercatorQuad/{}"])
def test_a_tile_that_cannot_be_is_not_there(service: Service, address: str, tile: str) -> None:
    told(service.client.get(address.format(tile)), 400, 404)


@pytest.mark.parametrize(
    "value", ["%", "_", "\\", "%%%%", "'", "''", "’", "' OR '1'='1", "$1", ":name", "%(a)s", "{0}"]
)
def test_a_value_that_looks_like_syntax_is_a_value(service: Service, value: str) -> None:
    response = service.client.get(ITEMS, params={"sheet": value})
    assert response.status_code == 200
    assert response.json()["features"] == []


def test_the_database_saw_no_broken_statement(service: Service, cluster: Cluster) -> None:
    before = errors_in_log(cluster)
    for query in QUERIES.values():
        service.client.get(f"{ITEMS}?{query}")
    assert errors_in_log(cluster) == before
