"""What administrators do over HTTP: definitions checked, layers drawn anew, jobs looked after; and who may not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from app.database import Database
from app.resources import Principal
from layers.access import Grant, Scope
from layers.definition_reader import load_builtin
from layers.rights import Action, Area, Right
from tests.conftest import Service, run_service
from tests.people import WHO, with_people

pytestmark = pytest.mark.db
BUILTIN = "layers/builtin/schools.yaml"


def _person(subject: str, *actions: Action) -> Principal:
    areas = frozenset({Area.DEFINITIONS, Area.OPERATIONS})
    grants = (Grant(Right(frozenset(actions), areas=areas), None),) if actions else ()
    return Principal(subject, subject, Scope(subject, grants))


PEOPLE = {
    "keeper": _person("keeper", Action.READ, Action.EDIT),
    "reader": _person("reader", Action.READ),
    "guest": _person("guest"),
}


@pytest.fixture(scope="module")
def service(make_clone: Callable[[], Database], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    yield from run_service(make_clone(), tmp_path_factory.mktemp("state"), adapt=with_people(PEOPLE))


def as_(who: str, **more: str) -> dict[str, str]:
    return {WHO: who, **more}


def layer(service: Service, slug: str = "schools") -> dict[str, Any]:
    found: dict[str, Any] = service.client.get(f"/api/layers/{slug}").json()
    return found


def put(service: Service, style: dict[str, Any], version: int, who: str = "keeper") -> httpx.Response:
    headers = as_(who, **{"If-Match": f'"{version}"'})
    return service.client.put("/api/layers/schools/style", json=style, headers=headers)


class TestStyle:
    def test_a_change_is_in_force_at_once_and_only_the_style_changes(self, service: Service) -> None:
        before = layer(service)
        style = {**before["definition"]["style"], "color": "#0a0b0c"}
        answer = put(service, style, before["definition_version"])
        assert answer.status_code == 200
        assert answer.json()["definition_version"] == before["definition_version"] + 1
        rest = {**before["definition"], "style": style}
        assert answer.json()["definition"] == rest
        with psycopg.connect(service.database.superuser_dsn) as connection:
            kept = connection.execute("SELECT definition FROM catalogue.layers WHERE slug = 'schools'").fetchone()
        assert kept is not None
        assert kept[0] == rest

    def test_of_two_people_the_second_is_told(self, service: Service) -> None:
        before = layer(service)
        version, style = _version(service), before["definition"]["style"]
        assert put(service, {**style, "color": "#111111"}, version).status_code == 200
        late = put(service, {**style, "color": "#222222"}, version)
        assert (late.status_code, late.json()["type"]) == (409, "/problems/style-changed")

    @pytest.mark.parametrize(
        ("change", "place"),
        [
            ({"color": "red"}, "color"),
            ({"by": "no_such_field", "classes": []}, "style.by"),
            ({"type": "fill"}, "style.type"),
            ({"label_field": "principal_phone_x"}, "style.label_field"),
            ({"breaks": [{"at_least": 1, "color": "#000000", "label": {"vi": "", "en": "x"}}]}, "breaks"),
        ],
    )
    def test_what_does_not_suit_the_layer_is_refused_with_its_place(
        self, service: Service, change: dict[str, Any], place: str
    ) -> None:
        version = _version(service)
        answer = put(service, {**layer(service)["definition"]["style"], **change}, version)
        assert answer.status_code == 400, answer.text
        assert place.split(".")[-1] in answer.json()["parameter"]
        assert _version(service) == version

    def test_a_preview_draws_without_changing(self, service: Service) -> None:
        style = {**load_builtin_style(), "color": "#abcdef", "by": None, "classes": []}
        version = _version(service)
        answer = service.client.post("/api/layers/schools/style/preview", json=style, headers=as_("keeper"))
        assert answer.status_code == 200
        assert "#abcdef" in answer.text
        assert answer.json()["metadata"]["diaban:legend"]["schools"][0]["color"] == "#abcdef"
        assert _version(service) == version

    def test_reading_definitions_is_not_changing_them(self, service: Service) -> None:
        assert put(service, load_builtin_style(), 1, "reader").status_code == 403
        assert put(service, load_builtin_style(), 1, "guest").status_code == 403


class TestCheck:
    def check(self, service: Service, content: bytes, who: str = "reader") -> httpx.Response:
        return service.client.post("/api/layers/check", content=content, headers=as_(who))

    def test_a_good_one_is_told_back(self, service: Service) -> None:
        with open(BUILTIN, "rb") as file:
            found = self.check(service, file.read()).json()
        assert (found["is_valid"], found["definition"]["slug"]) == (True, "schools")

    def test_a_bad_one_is_refused_with_line_place_and_reason(self, service: Service) -> None:
        with open(BUILTIN, encoding="utf-8") as file:
            lines = file.read().splitlines()
        number = next(number for number, line in enumerate(lines, 1) if line.startswith("geometry:"))
        lines[number - 1] = "geometry: Circle"
        found = self.check(service, "\n".join(lines).encode()).json()
        (finding,) = found["findings"]
        assert (found["is_valid"], finding["line"], finding["path"]) == (False, number, "geometry")
        assert "Circle" in finding["vi"]

    @pytest.mark.parametrize(
        "content", [b"\xff\xfe\x00", b"a: &a [*a]", b"!!python/object/apply:os.system [id]", b"- " * 20_000, b"{"]
    )
    def test_hostile_files_are_findings(self, service: Service, content: bytes) -> None:
        answer = self.check(service, content)
        assert answer.status_code == 200
        assert answer.json()["is_valid"] is False

    def test_nothing_and_too_much_are_refused(self, service: Service) -> None:
        assert self.check(service, b"").status_code == 400
        assert self.check(service, b"#" * 300_000).status_code == 400
        assert self.check(service, b"a: b", "guest").status_code == 403


class TestJobs:
    def add(self, service: Service, status: str) -> str:
        job = str(uuid4())
        with psycopg.connect(service.database.superuser_dsn) as connection:
            connection.execute(
                "INSERT INTO jobs.jobs (id, kind, status, request, scope, attempts, error) VALUES"
                ' (%s, \'export\', %s, \'{"layer": "schools", "secret": 1}\', \'{"subject": "an"}\', 3, \'{}\')',
                [job, status],
            )
        return job

    def test_a_failed_one_is_queued_again_once(self, service: Service) -> None:
        job = self.add(service, "failed")
        listed = service.client.get("/api/jobs?status=failed", headers=as_("reader")).json()
        assert listed["counts"]["failed"] == len(listed["jobs"])
        (found,) = [item for item in listed["jobs"] if item["id"] == job]
        assert (found["layer"], found["subject"], found["attempts"]) == ("schools", "an", 3)
        assert "secret" not in str(listed)
        assert service.client.post(f"/api/jobs/{job}/retry", headers=as_("keeper")).status_code == 204
        assert service.client.post(f"/api/jobs/{job}/retry", headers=as_("keeper")).status_code == 409
        with psycopg.connect(service.database.superuser_dsn) as connection:
            queued = connection.execute("SELECT queue FROM jobs.outbox WHERE job_id = %s", [job]).fetchall()
            state = connection.execute("SELECT status, attempts FROM jobs.jobs WHERE id = %s", [job]).fetchone()
        assert (queued, state) == ([("export",)], ("queued", 0))

    def test_strangers_neither_see_nor_retry(self, service: Service) -> None:
        job = self.add(service, "failed")
        assert service.client.get("/api/jobs").status_code == 401
        assert service.client.get("/api/jobs", headers=as_("guest")).status_code == 403
        assert service.client.post(f"/api/jobs/{job}/retry", headers=as_("reader")).status_code == 403
        assert service.client.post(f"/api/jobs/{uuid4()}/retry", headers=as_("keeper")).status_code == 404


def _version(service: Service) -> int:
    with psycopg.connect(service.database.superuser_dsn) as connection:
        row = connection.execute("SELECT definition_version FROM catalogue.layers WHERE slug = 'schools'").fetchone()
    assert row is not None
    return int(row[0])


def load_builtin_style() -> dict[str, Any]:
    from layers.definition_json import style_json

    style = load_builtin()["schools"].style
    assert style is not None
    return style_json(style)
