"""The two API descriptions: valid by a validator that is not ours, and self-contained."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from openapi_spec_validator import OpenAPIV30SpecValidator, OpenAPIV31SpecValidator

from tests.conftest import Service

pytestmark = [pytest.mark.db, pytest.mark.ogc]


def references(part: object) -> Iterator[str]:
    """Every ``$ref`` at any depth."""
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for value in part.values():
            yield from references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)


def resolved(document: dict, reference: str) -> object:
    found: object = document
    for name in reference.removeprefix("#/").split("/"):
        assert isinstance(found, dict)
        found = found[name.replace("~1", "/").replace("~0", "~")]
    return found


@pytest.mark.parametrize(
    ("path", "version", "validator"),
    [("/ogc/openapi", "3.0.", OpenAPIV30SpecValidator), ("/openapi.json", "3.1.", OpenAPIV31SpecValidator)],
)
def test_is_valid_and_leads_nowhere_else(service: Service, path: str, version: str, validator: type) -> None:
    response = service.client.get(path, headers={"Accept": "application/json"})
    assert response.status_code == 200
    document = response.json()
    assert document["openapi"].startswith(version)
    found = set(references(document))
    assert found
    assert {reference for reference in found if not reference.startswith("#/")} == set()
    assert all(resolved(document, reference) for reference in found)
    assert [error.message for error in validator(document).iter_errors()] == []


def test_every_path_of_ogc_is_answered_by_the_service(service: Service) -> None:
    document = service.client.get("/ogc/openapi").json()
    plain = [path for path in document["paths"] if "{" not in path and path.count("/") <= 2]
    assert {"/", "/conformance", "/collections", "/tileMatrixSets", "/collections/schools"} <= set(plain)
    refused = {p: s for p in plain if (s := service.client.get(f"/ogc{p}", params={"f": "json"}).status_code) != 200}
    assert refused == {}
