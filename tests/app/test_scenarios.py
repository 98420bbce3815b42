"""Scenarios over HTTP and at the terminal."""

from __future__ import annotations

import json

import httpx
import pytest
from fastapi import FastAPI
from typer.testing import CliRunner

from app.api.scenarios import router
from app.cli import app as command
from app.problems import register_problems
from scenarios.loader import load_builtin
from scenarios.table import scenarios_table


async def _get(path: str) -> httpx.Response:
    service = FastAPI()
    register_problems(service)
    service.include_router(router)
    transport = httpx.ASGITransport(app=service)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        return await client.get(path, headers={"Accept-Language": "en"})


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.anyio
async def test_the_list_tells_which_thresholds_are_to_be_set():
    listed = {entry["code"]: entry for entry in (await _get("/api/scenarios")).json()["scenarios"]}
    assert len(listed) == 44
    assert listed["S37"]["thresholds_to_set"] == ["T33"]
    assert listed["S11"]["thresholds_to_set"] == []


@pytest.mark.anyio
async def test_one_scenario_comes_whole():
    document = (await _get("/api/scenarios/S11")).json()
    assert document["rules"][0]["threshold"] == {
        "stated": "Tỷ lệ văn bản xử lý quá hạn > 5%",
        "status": "provisional",
        "document": "BN",
        "operator": ">",
        "number": 5.0,
        "unit": "%",
    }
    assert document["steps"][2]["before"] == "16:00:00"


@pytest.mark.anyio
async def test_an_unknown_code_is_404_with_a_remedy():
    answer = await _get("/api/scenarios/S99")
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert "See /api/scenarios or" in answer.json()["detail"]


def test_the_terminal_lists_shows_and_writes_the_page():
    run = CliRunner().invoke
    assert "S44" in run(command, ["scenarios", "list"]).output
    assert json.loads(run(command, ["scenarios", "show", "S07"]).stdout)["code"] == "S07"
    assert run(command, ["scenarios", "docs"]).stdout == scenarios_table(load_builtin().values())
