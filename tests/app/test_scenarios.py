"""Scenarios over HTTP and at the terminal."""

from __future__ import annotations

import json

import httpx
import pytest
from typer.testing import CliRunner

from app.cli import app as command
from scenarios.loader import load_builtin
from scenarios.table import scenarios_table
from tests.conftest import Service

pytestmark = pytest.mark.db


def _get(service: Service, path: str) -> httpx.Response:
    return service.client.get(path, headers={"Accept-Language": "en"})


def test_the_list_tells_which_thresholds_are_to_be_set(service: Service) -> None:
    listed = {entry["code"]: entry for entry in (_get(service, "/api/scenarios")).json()["scenarios"]}
    assert len(listed) == 44
    assert listed["S37"]["thresholds_to_set"] == ["T33"]
    assert listed["S11"]["thresholds_to_set"] == []


def test_one_scenario_comes_whole(service: Service) -> None:
    document = (_get(service, "/api/scenarios/S11")).json()
    assert document["rules"][0]["threshold"] == {
        "stated": "Tỷ lệ văn bản xử lý quá hạn > 5%",
        "status": "provisional",
        "document": "BN",
        "operator": ">",
        "number": 5.0,
        "unit": "%",
    }
    assert document["steps"][2]["before"] == "16:00:00"


def test_an_unknown_code_is_404_with_a_remedy(service: Service) -> None:
    answer = _get(service, "/api/scenarios/S99")
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert "See /api/scenarios or" in answer.json()["detail"]


def test_the_terminal_lists_shows_and_writes_the_page():
    run = CliRunner().invoke
    assert "S44" in run(command, ["scenarios", "list"]).output
    assert json.loads(run(command, ["scenarios", "show", "S07"]).stdout)["code"] == "S07"
    assert run(command, ["scenarios", "docs"]).stdout == scenarios_table(load_builtin().values())
