"""OGC API - Processes: the questions of the service, described, asked at once and asked as jobs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import psycopg
import pytest
from fastapi import FastAPI
from openapi_spec_validator import validate

from app.database import Database
from app.jobs import expire_jobs
from app.questions import Answerer
from app.resources import get_scope
from app.settings import Settings
from layers.access import Scope
from spatial.question import parse_question
from tests.app.test_exports import WAIT_S, working
from tests.conftest import Service, run_service

pytestmark = [pytest.mark.db, pytest.mark.ogc]
EXECUTION = "/ogc/processes/ask_map/execution"
QUESTION = {
    "layer": "schools",
    "where": [{"radius": {"of": [107.15, 11.05], "metres": 5000}}],
    "figures": {"by": ["level"], "values": [{"op": "count"}]},
    "format": "json",
}


class TestDocuments:
    def test_the_landing_page_leads_to_the_description_and_to_execution(self, service: Service) -> None:
        rel = "http://www.opengis.net/def/rel/ogc/1.0/processes"
        landing = service.client.get("/ogc", headers={"Accept": "application/json"}).json()
        links = [link for link in landing["links"] if link["rel"] == rel]
        assert [link["type"] for link in links] == ["application/json"]
        listed = service.client.get(links[0]["href"]).json()
        assert [entry["id"] for entry in listed["processes"]] == ["ask_map"]
        assert listed["processes"][0]["jobControlOptions"] == ["sync-execute", "async-execute"]
        described = service.client.get("/ogc/processes/ask_map").json()
        execute = next(link for link in described["links"] if link["rel"].endswith("/execute"))
        assert execute["href"].endswith(EXECUTION)
        assert [link["type"] for link in described["links"] if "job-list" in link["rel"]] == ["application/json"]
        jobs = [link["href"] for link in landing["links"] if "job-list" in link["rel"]]
        assert [service.client.get(href).json()["jobs"] for href in jobs] == [[]]

    def test_the_inputs_are_those_that_a_question_takes(self, service: Service) -> None:
        described = service.client.get("/ogc/processes/ask_map?lang=en").json()
        assert described["title"] == "Ask the map"
        required = [name for name, item in described["inputs"].items() if item["minOccurs"]]
        assert required == ["layer"]
        refused = service.client.post(EXECUTION, json={"inputs": {"layer": "schools", "nosuch": 1}}).json()["detail"]
        assert all(f"{name}" in refused for name in described["inputs"])
        assert parse_question(QUESTION).layer == "schools"

    def test_conformance_and_openapi_say_so(self, service: Service) -> None:
        declared = service.client.get("/ogc/conformance", headers={"Accept": "application/json"}).json()["conformsTo"]
        base = "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/"
        names = {uri.removeprefix(base) for uri in declared if uri.startswith(base)}
        assert names == {"core", "json", "oas30", "ogc-process-description", "job-list", "dismiss"}
        openapi = service.client.get("/ogc/openapi", headers={"Accept": "application/json"}).json()
        validate(openapi)
        assert {EXECUTION.removeprefix("/ogc"), "/jobs", "/jobs/{jobId}", "/jobs/{jobId}/results"} <= set(
            openapi["paths"]
        )


class TestAtOnce:
    def test_answers_as_the_service_itself_does(self, service: Service) -> None:
        answer = service.client.post(EXECUTION, json={"inputs": QUESTION})
        own = service.client.post("/api/query", json=QUESTION)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == own.headers["content-type"]
        assert answer.json() == own.json()
        assert answer.json()["numberMatched"] > 0

    def test_answers_in_a_document(self, service: Service) -> None:
        body = {"inputs": QUESTION, "outputs": {"answer": {}}, "response": "document"}
        answer = service.client.post(EXECUTION, json=body).json()["answer"]
        assert answer["mediaType"] == "application/json"
        assert answer["value"] == service.client.post("/api/query", json=QUESTION).json()

    BAD = (
        ({}, "inputs"), ([], "inputs"), ({"inputs": []}, "inputs"), ({"inputs": {}}, "layer"),
        ({"inputs": {"layer": "nosuch"}}, "layer"), ({"inputs": QUESTION, "response": "xml"}, "response"),
        ({"inputs": QUESTION, "outputs": {"x": {}}}, "outputs"), ({"inputs": QUESTION, "subscriber": {}}, "subscriber"),
        ({"inputs": {**QUESTION, "where": [{"radius": {"of": [107, 11], "metres": -1}}]}}, "where[0].radius.metres"),
    )  # fmt: skip

    @pytest.mark.parametrize("prefer", ["respond-sync", "respond-async"])
    @pytest.mark.parametrize(("body", "parameter"), BAD)
    def test_a_wrong_question_is_a_problem_either_way(
        self, service: Service, body: object, parameter: str, prefer: str
    ) -> None:
        response = service.client.post(EXECUTION, json=body, headers={"Prefer": prefer})
        assert response.status_code in (400, 404), response.text
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json()["parameter"] == parameter

    def test_an_unknown_process_or_job_is_404(self, service: Service) -> None:
        assert service.client.post("/ogc/processes/x/execution", json={"inputs": {}}).status_code == 404
        assert service.client.get("/ogc/processes/x").status_code == 404
        for job in ("x", "00000000-0000-0000-0000-000000000000"):
            assert service.client.get(f"/ogc/jobs/{job}").status_code == 404
            assert service.client.get(f"/ogc/jobs/{job}/results").status_code == 404


class TestAsJob:
    def test_outlives_a_restart_of_the_service(self, database: Database, tmp_path: Path) -> None:
        for service in run_service(database, tmp_path):
            expected = service.client.post("/api/query", json=QUESTION).json()
            asked = service.client.post(EXECUTION, json={"inputs": QUESTION}, headers={"Prefer": "respond-async"})
            assert asked.status_code == 201
            assert asked.headers["preference-applied"] == "respond-async"
            status = asked.json()
            assert status["status"] == "accepted"
            assert asked.headers["location"].endswith(f"/ogc/jobs/{status['jobID']}")
            assert service.client.get(f"/ogc/jobs/{status['jobID']}/results").status_code == 409
            assert service.client.get(f"/api/exports/{status['jobID']}").status_code == 404
        for service in run_service(database, tmp_path):
            with working(database, tmp_path):
                deadline = time.monotonic() + WAIT_S
                while status["status"] in ("accepted", "running"):
                    assert time.monotonic() < deadline
                    time.sleep(0.1)
                    status = service.client.get(f"/ogc/jobs/{status['jobID']}").json()
            assert (status["status"], status["progress"]) == ("successful", 100)
            results = next(link for link in status["links"] if link["rel"].endswith("/results"))
            assert service.client.get(f"/ogc/jobs/{status['jobID']}/results").json() == expected
            assert results["type"] == "application/json"
            with psycopg.connect(database.superuser_dsn) as db:
                assert db.execute("SELECT count(*) FROM jobs.outbox").fetchone() == (0,)
                assert db.execute("SELECT count(*) FROM jobs.procrastinate_jobs").fetchone() == (0,)


def ask_as_job(service: Service) -> dict[str, Any]:
    asked = service.client.post(EXECUTION, json={"inputs": QUESTION}, headers={"Prefer": "respond-async"})
    assert asked.status_code == 201
    return cast("dict[str, Any]", asked.json())


@pytest.fixture
def reader() -> dict[str, str]:
    """Who asks; a test may change it between requests."""
    return {"subject": "reader-1"}


@pytest.fixture
def peopled(database: Database, tmp_path: Path, reader: dict[str, str]) -> Iterator[Service]:
    """A service whose every request comes from ``reader``."""

    def adapt(app: FastAPI) -> None:
        app.dependency_overrides[get_scope] = lambda: replace(Scope.public(), subject=reader["subject"])

    yield from run_service(database, tmp_path, adapt=adapt)


class TestJobs:
    def test_lists_the_readers_own_newest_first(self, peopled: Service, reader: dict[str, str]) -> None:
        first, second = ask_as_job(peopled), ask_as_job(peopled)
        reader["subject"] = "reader-2"
        other = ask_as_job(peopled)
        assert [job["jobID"] for job in peopled.client.get("/ogc/jobs").json()["jobs"]] == [other["jobID"]]
        for method in ("GET", "DELETE"):
            assert peopled.client.request(method, f"/ogc/jobs/{first['jobID']}").status_code == 404
        reader["subject"] = "reader-1"
        listed = peopled.client.get("/ogc/jobs").json()["jobs"]
        assert [job["jobID"] for job in listed] == [second["jobID"], first["jobID"]]
        assert len(peopled.client.get("/ogc/jobs?limit=1").json()["jobs"]) == 1
        assert peopled.client.get("/ogc/jobs?status=successful,failed").json()["jobs"] == []
        assert peopled.client.get("/ogc/jobs?processID=other").json()["jobs"] == []

    @pytest.mark.parametrize("query", ["limit=0", "limit=-1", "limit=x", "limit=1001", "status=done", "nosuch=1"])
    def test_a_wrong_parameter_is_named(self, service: Service, query: str) -> None:
        answer = service.client.get(f"/ogc/jobs?{query}")
        assert answer.status_code == 400
        assert answer.json()["parameter"] == query.partition("=")[0]

    def test_one_that_waits_never_begins_once_dismissed(
        self, peopled: Service, database: Database, tmp_path: Path
    ) -> None:
        unwanted, wanted = ask_as_job(peopled), ask_as_job(peopled)
        for _ in range(2):
            dismissed = peopled.client.delete(f"/ogc/jobs/{unwanted['jobID']}")
            assert (dismissed.status_code, dismissed.json()["status"]) == (200, "dismissed")
        with working(database, tmp_path):
            deadline = time.monotonic() + WAIT_S
            while peopled.client.get(f"/ogc/jobs/{wanted['jobID']}").json()["status"] != "successful":
                assert time.monotonic() < deadline
                time.sleep(0.1)
        after = peopled.client.get(f"/ogc/jobs/{unwanted['jobID']}").json()
        assert after["status"] == "dismissed"
        assert "started" not in after
        assert peopled.client.get(f"/ogc/jobs/{unwanted['jobID']}/results").status_code == 410
        listed = peopled.client.get("/ogc/jobs?status=dismissed").json()["jobs"]
        assert [job["jobID"] for job in listed] == [unwanted["jobID"]]

    def test_what_one_made_is_deleted_once_dismissed(
        self, peopled: Service, database: Database, tmp_path: Path
    ) -> None:
        job = ask_as_job(peopled)["jobID"]
        settings = Settings(state_dir=peopled.state)
        Answerer(database, settings).run(job)
        assert peopled.client.get(f"/ogc/jobs/{job}/results").status_code == 200
        assert peopled.client.delete(f"/ogc/jobs/{job}").json()["status"] == "dismissed"
        assert peopled.client.get(f"/ogc/jobs/{job}/results").status_code == 410
        expire_jobs(database, settings.exports_dir)
        assert not (settings.exports_dir / job).exists()
        with psycopg.connect(database.superuser_dsn) as db:
            events = db.execute("SELECT actor, action FROM audit.events WHERE object_id = %s ORDER BY id", [job])
            assert ("reader-1", "job_dismissed") in events.fetchall()
