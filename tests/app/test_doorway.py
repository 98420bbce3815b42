"""The edge of the service: other websites, final slashes, methods, forms and languages of the OGC documents."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from tests.conftest import Service

pytestmark = [pytest.mark.db, pytest.mark.ogc]
ORIGIN = "https://maps.example.vn"
COLLECTION = "/ogc/collections/schools"
DOCUMENTS = (
    "/ogc",
    "/ogc/openapi",
    "/ogc/conformance",
    "/ogc/collections",
    COLLECTION,
    f"{COLLECTION}/queryables",
    f"{COLLECTION}/schema",
    f"{COLLECTION}/tiles",
    f"{COLLECTION}/tiles/WebMercatorQuad",
    "/ogc/tileMatrixSets",
    "/ogc/tileMatrixSets/WebMercatorQuad",
)
PAGES = (*DOCUMENTS, f"{COLLECTION}/items")
FIRST_ITEM = f"{COLLECTION}/items?limit=1"


class Links(HTMLParser):
    """Collects the links of a page, and whatever it would load."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.loaded: list[str] = []
        self.lang = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "html":
            self.lang = values.get("lang", "")
        if tag == "a" and "href" in values:
            self.found.append(values["href"])
        if tag == "link" and values.get("rel") in ("stylesheet", "icon"):
            self.loaded.append(values["href"])
        if tag in ("script", "img") and "src" in values:
            self.loaded.append(values["src"])


class TestAnotherWebsite:
    @pytest.mark.parametrize("path", [FIRST_ITEM, "/ogc", "/tiles/schools.json", "/tiles/schools/10/816/480.pbf"])
    def test_reads_public_layers_and_the_headers_that_maps_need(self, service: Service, path: str) -> None:
        response = service.client.get(path, headers={"Origin": ORIGIN})
        assert response.status_code in (200, 204)
        assert response.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in response.headers
        assert "Content-Crs" in response.headers["access-control-expose-headers"]

    def test_reads_why_it_was_refused(self, service: Service) -> None:
        response = service.client.get("/ogc/collections/nothing", headers={"Origin": ORIGIN})
        assert response.status_code == 404
        assert response.headers["access-control-allow-origin"] == "*"

    def test_may_ask_questions_and_not_change_data(self, service: Service) -> None:
        def preflight(method: str) -> int:
            return service.client.options(
                "/api/query",
                headers={
                    "Origin": ORIGIN,
                    "Access-Control-Request-Method": method,
                    "Access-Control-Request-Headers": "content-type",
                },
            ).status_code

        assert [preflight(method) for method in ("GET", "POST")] == [200, 200]
        assert [preflight(method) for method in ("PUT", "PATCH", "DELETE")] == [400, 400, 400]


class TestADocument:
    @pytest.mark.parametrize("path", DOCUMENTS)
    def test_is_the_same_with_a_final_slash(self, service: Service, path: str) -> None:
        plain, slashed = service.client.get(path), service.client.get(f"{path}/")
        assert plain.status_code == slashed.status_code == 200
        assert plain.content == slashed.content

    @pytest.mark.parametrize("path", PAGES)
    def test_has_a_head_and_says_its_methods(self, service: Service, path: str) -> None:
        head = service.client.head(path)
        assert head.status_code == 200
        assert head.content == b""
        assert head.headers["content-type"] == service.client.get(path).headers["content-type"]
        options = service.client.options(path)
        assert options.status_code == 204
        assert {"GET", "HEAD", "OPTIONS"} <= set(options.headers["allow"].split(", "))

    @pytest.mark.parametrize("path", PAGES)
    def test_refuses_parameters_that_it_does_not_know(self, service: Service, path: str) -> None:
        for query in ("unknown=1", "f=xml", "f=json&f=json", "%ff=1", "lang=vi&x=%00"):
            response = service.client.get(f"{path}?{query}")
            assert response.status_code == 400, (query, response.text)
            assert response.headers["content-type"] == "application/problem+json"

    @pytest.mark.parametrize("path", PAGES)
    def test_is_negotiated_by_accept_and_by_f(self, service: Service, path: str) -> None:
        browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
        assert service.client.get(path, headers={"Accept": browser}).headers["content-type"].startswith("text/html")
        for accept in ("application/json", "*/*", "application/json, text/html;q=0.1"):
            assert "json" in service.client.get(path, headers={"Accept": accept}).headers["content-type"]
        both = service.client.get(path, params={"f": "json"}, headers={"Accept": browser})
        assert "json" in both.headers["content-type"]
        assert "Accept" in both.headers["vary"]


class TestAPage:
    @pytest.mark.parametrize("lang", ["vi", "en"])
    @pytest.mark.parametrize("path", PAGES)
    def test_speaks_the_language_says_synthetic_and_loads_nothing_from_elsewhere(
        self, service: Service, path: str, lang: str
    ) -> None:
        response = service.client.get(path, headers={"Accept": "text/html", "Accept-Language": lang})
        assert response.status_code == 200
        page = Links()
        page.feed(response.text)
        assert page.lang == lang
        assert page.found
        assert page.loaded
        assert not [address for address in page.loaded if re.match(r"(https?:)?//", address)]
        if path not in ("/ogc/conformance", "/ogc/openapi") and "tileMatrixSets" not in path:
            assert "mô phỏng" in response.text.lower() or "synthetic" in response.text.lower()

    def test_leads_only_to_addresses_that_are_there(self, service: Service) -> None:
        seen: set[str] = set()
        for path in PAGES:
            page = Links()
            page.feed(service.client.get(path, headers={"Accept": "text/html"}).text)
            seen |= {address.removeprefix(service.url).partition("#")[0] for address in page.found}
        inside = sorted(address for address in seen if address.startswith("/ogc") and "{" not in address)
        some = [address for address in inside if "/collections/" not in address or "/schools" in address]
        assert len(some) > 10
        for address in some:
            assert service.client.head(address).status_code in (200, 204), address
