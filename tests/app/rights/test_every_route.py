"""Every route that reads is thought of: it is open to everybody and named here, or it wants an identity."""

from __future__ import annotations

import re

import pytest

from app.main import create_app
from app.settings import Settings
from tests.app.test_audit_coverage import api_routes
from tests.conftest import Service

pytestmark = pytest.mark.db
# What features, counts and names of layers leave by: the matrix holds each of these for every role.
LAYERS = {
    "/api/exports/{job_id}",
    "/api/exports/{job_id}/file",
    "/api/layers",
    "/api/layers/{slug}",
    "/api/layers/{slug}/features/{fid}/history",
    "/api/layers/{slug}/revisions",
    "/tiles/{layers}.json",
    "/tiles/{layers}/{z}/{x}/{y}.pbf",
}
# Rasters are layers of sensitivity too: tests/app/test_rasters.py. Places and admin units are public layers.
OTHER_DATA = {
    # Asked as POST /api/query is, through the same gate: tests/app/test_report_maps.py.
    "/api/report-maps/question",
    "/api/report-maps/revision/{slug}/{revision}",
    # Its changes are read through the gate: tests/layers/test_changes.py.
    "/api/rasters",
    "/api/rasters/{slug}",
    "/api/rasters/{slug}/legend",
    "/api/rasters/{slug}/series",
    "/api/rasters/{slug}/value",
    "/api/search",
    "/api/units",
    "/api/units/{code}",
    "/tiles/raster/{slug}.json",
    "/tiles/raster/{slug}/{z}/{x}/{y}.{form}",
}
# Definitions that ship with the product, one's own session, public layers' live events, and what says how it goes.
NO_DATA = {
    "/api/events",
    "/api/indicators",
    "/api/indicators/{code}",
    "/api/reports/kinds",
    "/api/scenarios",
    "/api/scenarios/{code}",
    "/api/session",
    "/healthz",
    "/metrics",
    "/readyz",
}
# Whoever sent a report reads it with its code, officers by right: tests/app/reports.
BY_CODE = {"/api/reports/{number}", "/api/reports/{number}/photos/{photo_id}", "/report/state"}
# Pages whose data come by the routes above, under the reader's own session.
PAGES = re.compile(r"/|/(account|admin|board|desk|map|signin|static)(/.*)?|/report|/docs|/favicon\.ico|/overview\.svg")
OGC = re.compile(r"/ogc(/.*)?")
FILLED = {"fid": "1", "alert_id": "1", "task_id": "1", "form": "png", "z": "1", "x": "1", "y": "1"}


def _reading_routes() -> set[str]:
    return {route.path for route in api_routes(create_app(Settings()).routes) if "GET" in (route.methods or ())}


def _open_routes() -> set[str]:
    return {
        path
        for path in _reading_routes()
        if path in LAYERS | OTHER_DATA | NO_DATA | BY_CODE or PAGES.fullmatch(path) or OGC.fullmatch(path)
    }


def test_the_table_names_only_routes_that_exist() -> None:
    assert (LAYERS | OTHER_DATA | NO_DATA | BY_CODE) - _reading_routes() == set()


@pytest.mark.parametrize("path", sorted(_reading_routes() - _open_routes()))
def test_what_is_not_open_wants_an_identity(service: Service, path: str) -> None:
    def fill(found: re.Match[str]) -> str:
        return FILLED.get(found[1], "00000000-0000-0000-0000-000000000001")

    answer = service.client.get(re.sub(r"\{(\w+)(?::\w+)?\}", fill, path))
    assert answer.status_code == 401, (answer.status_code, answer.text[:200])
    assert answer.headers["content-type"].startswith("application/problem+json")
