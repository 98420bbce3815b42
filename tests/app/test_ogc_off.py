"""What pygeoapi could do and this service must not: admin, STAC, remote subscribers, providers that open files."""

from __future__ import annotations

import pytest

from app.ogc.config import FEATURES, PROCESS_MANAGER, TILES, is_collection, pygeoapi_config
from layers.catalogue import Layer
from layers.definition_reader import load_builtin
from tests.conftest import Service

pytestmark = [pytest.mark.db, pytest.mark.ogc]
OFF = (
    "/ogc/admin/config",
    "/ogc/admin/config/resources",
    "/ogc/stac",
    "/ogc/stac-api",
    "/ogc/stac/collections/..%2f..%2fetc",
)
GARBAGE = (
    "filter=%ED%A0%80",
    "name=%ff%fe",
    "%C3%28=1",
    "bbox=%80",
    "cursor=%F8%A1%A1%A1%A1",
    "name=%00",
    "limit=%D9%A3",
)


@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", OFF)
def test_is_not_there(service: Service, path: str, method: str) -> None:
    response = service.client.request(method, path)
    assert response.status_code in (404, 405)
    assert response.headers["content-type"] == "application/problem+json"


def test_the_configuration_opens_no_file_and_calls_nobody() -> None:
    layers = [Layer(definition, 1, True, False, 0, 0, None, None, None) for definition in load_builtin().values()]
    config = pygeoapi_config([*filter(is_collection, layers)], "http://127.0.0.1", default_items=1, max_items=1)
    assert config["server"]["admin"] is False
    assert config["server"]["manager"] == {"name": PROCESS_MANAGER}
    providers = {part["name"] for item in config["resources"].values() for part in item.get("providers", ())}
    assert providers == {FEATURES, TILES}
    assert {item["type"] for item in config["resources"].values()} <= {"collection", "process"}
    processors = {item["processor"]["name"] for item in config["resources"].values() if item["type"] == "process"}
    assert all(name.startswith("app.ogc.") for name in processors)


def test_a_subscriber_is_refused_before_anything_is_asked(service: Service) -> None:
    body = {"inputs": {}, "subscriber": {"successUri": "http://127.0.0.1:1/"}}
    response = service.client.post("/ogc/processes/ask_map/execution", json=body)
    assert response.status_code == 400
    assert response.json()["parameter"] == "subscriber"


@pytest.mark.parametrize("query", GARBAGE)
def test_bytes_that_are_no_text_are_a_problem_in_both_languages(service: Service, query: str) -> None:
    told = set()
    for language in ("vi", "en"):
        response = service.client.get(f"/ogc/collections/schools/items?{query}", headers={"Accept-Language": language})
        assert response.status_code == 400
        assert response.headers["content-type"] == "application/problem+json"
        told.add(response.json()["detail"])
    assert len(told) == 2
