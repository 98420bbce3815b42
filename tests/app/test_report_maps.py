"""Report maps over HTTP and from the command line: pictures need nothing but the service."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from PIL import Image

from app.database import Database
from app.report_maps.making import ReportForm
from app.resources import Principal
from app.settings import CHECKOUT
from layers.access import Grant, Scope
from layers.rights import Action, Area, Right
from tests.conftest import Service, run_service
from tests.people import WHO, with_people
from web.report_maps import assets

pytestmark = [pytest.mark.db, pytest.mark.ogc]


def person(name: str, *areas: Area, unit: str | None = None) -> Principal:
    right = Right(frozenset({Action.READ}), areas=frozenset(areas))
    grants = (Grant(right, frozenset({unit}) if unit else None),) if areas else ()
    return Principal(name, name, Scope(name, grants), unit)


PEOPLE = {
    "leader": person("leader", Area.ALERTS, Area.INDICATORS),
    "clerk": person("clerk", Area.ALERTS, Area.INDICATORS, unit="99901"),
    "figures-only": person("figures-only", Area.INDICATORS),
    "guest": person("guest"),
}
QUESTION = {"layer": "schools", "where": [{"boundary": {"units": ["99901"]}}]}


@pytest.fixture(scope="module")
def asked(world: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service over the known world."""
    state = tmp_path_factory.mktemp("state")
    yield from run_service(world, state, adapt=with_people(PEOPLE), office="Trung tâm IOC")


def get(service: Service, question: object, **params: str) -> httpx.Response:
    text = question if isinstance(question, str) else json.dumps(question)
    return service.client.get("/api/report-maps/question", params={"question": text, "f": "png", **params})


def size(answer: httpx.Response) -> tuple[int, int]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "image/png"
    return Image.open(io.BytesIO(answer.content)).size


WHERES = [
    {"point": [106.1, 10.1]},
    {"nearest": {"to": [106.1, 10.1], "k": 5}},
    {"radius": {"of": [106.1, 10.1], "metres": 3000}},
    {"radius": {"of": {"layer": "clinics"}, "metres": 1500, "outside": True}},
    {"zone": {"geometry": {"layer": "flood-areas"}, "relation": "intersects"}},
    {"route": {"line": {"type": "LineString", "coordinates": [[106, 10], [106.2, 10.2]]}, "corridor_m": 500}},
    {"boundary": {"units": ["99901", "99902"]}},
]


class TestQuestion:
    @pytest.mark.parametrize("where", WHERES, ids=lambda where: next(iter(where)))
    def test_of_every_kind_becomes_a_picture(self, asked: Service, where: dict[str, object]) -> None:
        width, height = size(get(asked, {"layer": "schools", "where": [where]}))
        assert width == 1600
        assert height > 900

    @pytest.mark.parametrize("layer", ["roads", "parcels", "communes"])
    def test_of_lines_and_areas_becomes_one_too(self, asked: Service, layer: str) -> None:
        assert size(get(asked, {"layer": layer}))[0] == 1600

    def test_without_any_feature_is_a_sheet_without_a_map(self, asked: Service) -> None:
        empty = size(get(asked, {"layer": "schools", "filter": "name = 'không có'"}))
        assert empty[1] < size(get(asked, QUESTION))[1]

    def test_in_a_body_is_the_same_as_in_the_address(self, asked: Service) -> None:
        sent = asked.client.post("/api/report-maps/question", params={"f": "png"}, json=QUESTION)
        assert size(sent) == size(get(asked, QUESTION))

    def test_asked_in_another_crs_is_drawn_where_it_lies(self, asked: Service) -> None:
        assert size(get(asked, QUESTION | {"crs": "EPSG:5897"})) == size(get(asked, QUESTION))

    def test_answer_is_a_file_that_nobody_else_keeps(self, asked: Service) -> None:
        headers = get(asked, QUESTION).headers
        assert headers["cache-control"] == "private, no-store"
        assert headers["content-disposition"].startswith('attachment; filename="schools-')
        assert "sandbox" in headers["content-security-policy"]


class TestRefused:
    @pytest.mark.parametrize(
        ("question", "status"),
        [
            ("", 400),
            ("{", 400),
            ("[]", 400),
            ('{"layer": "schools", "where": [{}]}', 400),
            ({"layer": "schools-restricted"}, 404),
            ({"layer": "parcels-internal"}, 404),
            ({"layer": "no-such"}, 404),
            ({"layer": "schools", "revision": 99}, 404),
        ],
    )
    def test_in_words(self, asked: Service, question: object, status: int) -> None:
        answer = get(asked, question)
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"

    @pytest.mark.parametrize("params", [{"f": "pdf"}, {"title": "x" * 201}])
    def test_parameters_that_do_not_exist(self, asked: Service, params: dict[str, str]) -> None:
        assert get(asked, QUESTION, **params).status_code == 400

    def test_body_that_is_not_json(self, asked: Service) -> None:
        answer = asked.client.post("/api/report-maps/question", content=b"a", headers={"Content-Type": "text/plain"})
        assert answer.status_code == 415

    def test_html_without_a_built_viewer_says_so(
        self, asked: Service, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setattr(assets.read_assets, "__defaults__", (tmp_path,))
        answer = get(asked, QUESTION, f=ReportForm.HTML)
        assert answer.status_code == 503
        assert answer.json()["type"] == "/problems/report-assets-missing"


class TestRevision:
    def test_becomes_a_picture(self, asked: Service) -> None:
        answer = asked.client.get("/api/report-maps/revision/schools/1", params={"f": "png"})
        assert size(answer)[0] == 1600

    @pytest.mark.parametrize(
        ("path", "status"),
        [("schools/2", 404), ("schools/0", 400), ("schools/x", 400), ("no-such/1", 404), ("schools-restricted/1", 404),
         (f"schools/{2**63}", 400)],
    )  # fmt: skip
    def test_that_is_not_there_for_the_reader(self, asked: Service, path: str, status: int) -> None:
        assert asked.client.get(f"/api/report-maps/revision/{path}").status_code == status


class TestScenario:
    def test_needs_somebody_who_has_signed_in(self, asked: Service) -> None:
        assert asked.client.get("/api/report-maps/scenario/S04").status_code == 401

    def test_needs_a_right(self, asked: Service) -> None:
        answer = asked.client.get("/api/report-maps/scenario/S04", headers={WHO: "guest"})
        assert answer.status_code == 403

    @pytest.mark.parametrize("who", ["leader", "clerk", "figures-only"])
    @pytest.mark.parametrize("code", ["S04", "S20", "S44"])
    def test_becomes_a_picture(self, asked: Service, who: str, code: str) -> None:
        assert size(scenario(asked, code, who))[0] == 1600

    def test_of_a_moment_in_the_past_of_a_period_and_of_a_measure(self, asked: Service) -> None:
        more = {"at": "2026-01-01T00:00:00+07:00", "period": "2025-12", "against": "2024-12", "measure": "against"}
        assert size(scenario(asked, "S20", "leader", **more, indicator="budget-revenue"))[0] == 1600

    @pytest.mark.parametrize(
        ("code", "params", "status"),
        [
            ("S99", {}, 404),
            ("S04", {"at": "2026-01-01"}, 400),
            ("S04", {"at": "0001-01-01T00:00:00Z"}, 400),
            ("S04", {"measure": "no"}, 400),
            ("S20", {"indicator": "no"}, 404),
            ("S20", {"period": "x"}, 400),
        ],
    )
    def test_refused_in_words(self, asked: Service, code: str, params: dict[str, str], status: int) -> None:
        answer = scenario(asked, code, "leader", **params)
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"


def scenario(service: Service, code: str, who: str, **params: str) -> httpx.Response:
    path = f"/api/report-maps/scenario/{code}"
    return service.client.get(path, params={"f": "png", **params}, headers={WHO: who})


class TestCommand:
    def test_writes_a_picture(self, world: Database, tmp_path: Path) -> None:
        (tmp_path / "external-database-secret").write_text(world.secret.hex())
        out = tmp_path / "r.png"
        done = report(world, tmp_path, json.dumps(QUESTION), str(out))
        assert done.returncode == 0, done.stderr.decode()
        with Image.open(out) as made:
            assert made.width == 1600

    def test_refuses_another_kind_of_file(self, world: Database, tmp_path: Path) -> None:
        (tmp_path / "external-database-secret").write_text(world.secret.hex())
        done = report(world, tmp_path, json.dumps(QUESTION), str(tmp_path / "r.pdf"))
        assert done.returncode == 1
        assert ".html" in done.stderr.decode()


def report(database: Database, state: Path, *words: str) -> subprocess.CompletedProcess[bytes]:
    environment = os.environ | {
        "DATABASE_URL": database.superuser_dsn,
        "DIABAN_STATE_DIR": str(state),
        "PYTHONUTF8": "1",
    }
    command = [sys.executable, "-m", "app.cli", "report-map", "question", *words]
    return subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, timeout=120)
