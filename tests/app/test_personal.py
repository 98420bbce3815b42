"""Personal fields over HTTP: masked, in full for a reason, on record; and in no other answer of the service."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from app.database import Database
from app.resources import Principal
from layers.access import Grant, Scope, Units
from layers.definition import Sensitivity
from layers.edit import UpdateFeature, edit_features
from layers.personal.keys import make_key
from layers.publish import ChangeNote
from layers.rights import Action, Area, Attributes, Right
from tests.conftest import Service, run_service
from tests.layers.ask_world import INTERNAL, commune_code, definitions
from tests.people import WHO, with_people

pytestmark = pytest.mark.db
MARK = "Nguyễn Thị Dấu Riêng"
VALUES = {
    "owner_name": MARK,
    "owner_id_number": "079099001234",
    "owner_address": "12 Ngõ Kín, Xã 1-1, Tỉnh Thử",
    "certificate_number": "AB 123456",
}
MASKED = {
    "owner_name": "Nguyễn T. D. R.",
    "owner_id_number": "0790••••1234",
    "owner_address": "••••, Xã 1-1, Tỉnh Thử",
    "certificate_number": "••••",
}
SENSITIVITIES = {slug: definition.sensitivity for slug, definition in definitions().items()}
HERE, ELSEWHERE = frozenset({commune_code(1, 1)}), frozenset({commune_code(3, 0)})
WHY = {"purpose": "procedure", "reason": "Hồ sơ số 12/2026"}


def _person(name: str, attributes: Attributes, units: Units, **which: object) -> Principal:
    right = Right(frozenset({Action.READ}), attributes=attributes, **(which or {"layers": frozenset({INTERNAL})}))  # type: ignore[arg-type]
    return Principal(name, name, Scope(name, (Grant(right, units),), SENSITIVITIES))


def _operator() -> Scope:
    right = Right(frozenset({Action.READ}), areas=frozenset({Area.OPERATIONS}))
    return Scope("operator", (Grant(right, None),), SENSITIVITIES)


PEOPLE = {"operator": Principal("operator", "operator", _operator())} | {
    person.subject: person
    for person in (
        _person("plain", Attributes.PUBLIC, None),
        _person("clerk", Attributes.MASKED, HERE),
        _person("steward", Attributes.PERSONAL, HERE),
        _person("neighbour", Attributes.PERSONAL, ELSEWHERE),
        _person("province", Attributes.PERSONAL, None),
        _person("busy", Attributes.PERSONAL, None),
        _person("stranger", Attributes.PERSONAL, None, layers=frozenset({"clinics"})),
        _person("teacher", Attributes.MASKED, HERE, classes=frozenset({Sensitivity.PUBLIC})),
    )
}


@pytest.fixture(scope="module")
def database(copy_database: Callable[[str], Database], world_template: str) -> Database:
    return copy_database(world_template)


@pytest.fixture(scope="module")
def fid(database: Database) -> int:
    """A parcel of the commune "here" whose owner is known."""
    with psycopg.connect(database.superuser_dsn) as connection:
        found = connection.execute(
            "SELECT fid FROM features.parcels_internal WHERE unit_codes = %s ORDER BY fid LIMIT 1", [list(HERE)]
        ).fetchone()
    assert found is not None
    engine = database.engine("diaban_owner")
    with engine.begin() as connection:
        edit_features(connection, INTERNAL, [UpdateFeature(int(found[0]), VALUES)], note=ChangeNote("test"))
    engine.dispose()
    return int(found[0])


@pytest.fixture(scope="module")
def service(database: Database, fid: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("state")
    yield from run_service(database, folder, adapt=with_people(PEOPLE), personal_views_per_hour=3)


def _get(service: Service, who: str, fid: int, slug: str = INTERNAL):  # type: ignore[no-untyped-def]
    return service.client.get(f"/api/layers/{slug}/features/{fid}/personal", headers={WHO: who})


def _open(service: Service, who: str, fid: int, body: object = None):  # type: ignore[no-untyped-def]
    path = f"/api/layers/{INTERNAL}/features/{fid}/personal"
    return service.client.post(path, json=WHY if body is None else body, headers={WHO: who})


class TestMasked:
    @pytest.mark.parametrize("who", ["clerk", "steward", "province"])
    def test_for_those_with_the_right(self, service: Service, fid: int, who: str) -> None:
        answer = _get(service, who, fid)
        assert answer.status_code == 200
        assert answer.json()["values"] == MASKED
        assert answer.json()["masked"] is True
        assert answer.headers["cache-control"] == "no-store"
        assert "etag" not in answer.headers

    @pytest.mark.parametrize("who", ["plain", "neighbour", "stranger", "teacher"])
    def test_is_not_there_for_others(self, service: Service, fid: int, who: str) -> None:
        answer = _get(service, who, fid)
        assert answer.status_code == 404
        assert MARK not in answer.text

    def test_wants_an_identity(self, service: Service, fid: int) -> None:
        assert service.client.get(f"/api/layers/{INTERNAL}/features/{fid}/personal").status_code == 401

    @pytest.mark.parametrize(
        ("slug", "number"), [(INTERNAL, 999_999), ("no-such-layer", 1), ("provinces", 1), (INTERNAL, 2**63 - 1)]
    )
    def test_of_what_is_not_there(self, service: Service, slug: str, number: int) -> None:
        assert _get(service, "province", number, slug).status_code == 404

    @pytest.mark.parametrize("number", ["x", "-1", str(2**63), "1.5"])
    def test_of_a_number_that_is_none(self, service: Service, number: str) -> None:
        assert _get(service, "province", number).status_code == 400  # type: ignore[arg-type]

    def test_of_a_public_layer_holds_in_ones_communes_only(self, service: Service, database: Database) -> None:
        with psycopg.connect(database.superuser_dsn) as connection:
            rows = connection.execute(
                "SELECT min(fid) FROM (SELECT fid, unit_code = %s AS here FROM features.schools) s"
                " GROUP BY here ORDER BY here",
                [*HERE],
            ).fetchall()
        outside, inside = (int(row[0]) for row in rows)
        assert _get(service, "teacher", inside, "schools").json()["values"]["principal"] == "Nguyễn V. A."
        assert _get(service, "teacher", outside, "schools").status_code == 404


class TestInFull:
    def test_for_a_reason_and_on_record(self, service: Service, database: Database, fid: int) -> None:
        answer = _open(service, "steward", fid)
        assert answer.status_code == 200
        assert answer.json()["values"] == VALUES
        assert answer.headers["cache-control"] == "no-store"
        with psycopg.connect(database.superuser_dsn) as connection:
            event = connection.execute(
                "SELECT actor, object_id, outcome, unit_code, source, detail FROM audit.events"
                " WHERE action = 'personal_data_viewed' AND actor = 'steward'"
            ).fetchall()
            view = connection.execute(
                "SELECT account, layer, fid, purpose, reason FROM personal.views WHERE id = %s", [answer.json()["view"]]
            ).fetchone()
        assert [row[:4] for row in event] == [("steward", f"{INTERNAL}/{fid}", "done", next(iter(HERE)))]
        assert event[0][4].startswith("127.0.0.1:")
        assert event[0][5] == {"fields": sorted(VALUES), "purpose": "procedure", "view": answer.json()["view"]}
        assert view == ("steward", INTERNAL, fid, "procedure", "Hồ sơ số 12/2026")

    def test_not_for_those_who_may_see_them_masked(self, service: Service, fid: int) -> None:
        answer = _open(service, "clerk", fid)
        assert answer.status_code == 403
        assert MARK not in answer.text

    @pytest.mark.parametrize("who", ["plain", "neighbour", "stranger"])
    def test_is_not_there_for_others(self, service: Service, fid: int, who: str) -> None:
        assert _open(service, who, fid).status_code == 404

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"purpose": "procedure"},
            {"purpose": "procedure", "reason": "ngắn"},
            {"purpose": "procedure", "reason": " " * 30},
            {"purpose": "procedure", "reason": "x" * 501},
            {"purpose": "procedure", "reason": "Hồ sơ\x00 số 12/2026"},
            {"purpose": "curiosity", "reason": "Hồ sơ số 12/2026"},
            {**WHY, "scope": "all"},
            [],
        ],
    )
    def test_not_without_a_purpose_and_a_reason(self, service: Service, fid: int, body: object) -> None:
        assert _open(service, "province", fid, body).status_code == 400

    def test_so_many_times_an_hour_and_refusals_show_nothing(self, service: Service, fid: int) -> None:
        assert [_open(service, "busy", fid).status_code for _ in range(4)] == [200, 200, 200, 429]
        assert MARK not in _open(service, "busy", fid).text
        # Masked goes on.
        assert _get(service, "busy", fid).status_code == 200


class TestTheDatabase:
    @pytest.mark.parametrize("login", ["diaban_public", "diaban_reader", "diaban_auth", "diaban_watcher"])
    @pytest.mark.parametrize("table", ["private.parcels_internal", "opening.parcels_internal", "personal.keys"])
    def test_lets_no_other_reading_login_near(self, database: Database, login: str, table: str) -> None:
        with (
            psycopg.connect(database.dsn(login)) as connection,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            connection.execute(f"SELECT 1 FROM {table}")

    @pytest.mark.parametrize(
        "statement",
        [
            "SELECT 1 FROM private.parcels_internal",
            "SELECT 1 FROM personal.keys",
            "SELECT 1 FROM features.parcels_internal",
            "UPDATE personal.views SET reason = 'something else'",
            "DELETE FROM personal.views",
        ],
    )
    def test_lets_the_opening_login_do_no_more(self, database: Database, statement: str) -> None:
        with (
            psycopg.connect(database.dsn("diaban_personal")) as connection,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            connection.execute(statement)

    def test_shows_the_opening_login_its_scope_alone(self, database: Database, fid: int) -> None:
        with psycopg.connect(database.dsn("diaban_personal")) as connection:
            seen = []
            for who in ("steward", "neighbour"):
                connection.execute(
                    "SELECT set_config('diaban.subject', %s, true), set_config('diaban.read', %s, true)",
                    PEOPLE[who].scope.settings,
                )
                rows = connection.execute("SELECT DISTINCT fid FROM opening.parcels_internal").fetchall()
                seen.append({row[0] for row in rows})
        assert fid in seen[0]
        assert fid not in seen[1]
        assert seen[1]


class TestCounts:
    def test_are_for_who_runs_the_service(self, service: Service) -> None:
        assert service.client.get("/api/personal/counts").status_code == 401
        assert service.client.get("/api/personal/counts", headers={WHO: "province"}).status_code == 403
        answer = service.client.get("/api/personal/counts", headers={WHO: "operator"})
        found = answer.json()
        assert answer.headers["cache-control"] == "no-store"
        assert found["people"] >= found["by_layer"]["schools"] > 0
        assert found["near_limit"] == []
        assert found["requests"] == {"waiting": 0, "late": 0}
        # Layers that the operator may not know of are not named.
        assert INTERNAL not in found["by_layer"]


class TestAKeyOfAnotherDatabase:
    def test_is_said_in_a_sentence(self, database: Database, fid: int, tmp_path: Path) -> None:
        from dataclasses import replace

        from layers.personal.keys import KeyFile

        other = replace(database, personal_key=KeyFile(make_key(tmp_path / "personal.key")))
        for service in run_service(other, tmp_path / "state", adapt=with_people(PEOPLE)):
            answer = _get(service, "province", fid)
            assert answer.status_code == 503
            assert answer.json()["type"].endswith("wrong-personal-key")
            assert "personal.key" in answer.json()["detail"]
            assert service.client.get("/ogc/collections/schools/items").status_code == 200

    def test_tampered_values_are_said_in_a_sentence(self, service: Service, database: Database, fid: int) -> None:
        with psycopg.connect(database.superuser_dsn) as connection:
            connection.execute(
                "UPDATE private.parcels_internal SET sealed = set_bit(sealed, 300, 1 - get_bit(sealed, 300))"
                " WHERE fid = %s",
                [fid + 1],
            )
        answer = _get(service, "province", fid + 1)
        assert answer.status_code == 503
        assert answer.json()["type"].endswith("seal-broken")
