"""Reports from sending to rating: who may what, what is refused in words, and what stays secret."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import httpx
import psycopg
import pytest

from tests.app.reports.desk import ELSEWHERE, HERE, LAT, LON, NAME, OUTSIDE, PHONE, Desk
from tests.conftest import Service
from tests.layers.ask_world import SIZE, SOUTH, WEST
from tests.people import WHO

pytestmark = pytest.mark.db
_ADDRESSES = (f"203.0.113.{number}" for number in itertools.count(1))


@pytest.fixture
def address() -> str:
    """An address that nobody has reported from yet."""
    return next(_ADDRESSES)


class TestSending:
    def test_finds_commune_and_office_and_gives_number_and_code(self, desk: Desk, address: str) -> None:
        answer = desk.send(address=address)
        assert answer.status_code == 201, answer.text
        receipt = answer.json()
        assert (receipt["unit_code"], receipt["office"]) == (HERE, "Địa chính - Môi trường")
        assert receipt["number"].startswith("PA")
        assert len(receipt["code"]) == 12
        taken, due = (datetime.fromisoformat(text) for text in (_received(desk, receipt), receipt["due_at"]))
        # TN-2.1.2: at most 24 hours for ordinary cases, nights and days off included.
        assert due - taken == timedelta(hours=24)

    def test_takes_a_commune_where_no_point_is_known(self, desk: Desk, address: str) -> None:
        answer = desk.send(address=address, lon=None, lat=None, unit_code=ELSEWHERE, place_text="Sau chợ huyện")
        assert answer.json()["unit_code"] == ELSEWHERE
        shown = desk.get("stranger", f"/{answer.json()['number']}").json()
        assert (shown["lon"], shown["lat"], shown["place_text"]) == (None, None, "Sau chợ huyện")

    @pytest.mark.parametrize(
        ("fields", "parameter"),
        [
            ({"lon": OUTSIDE[0], "lat": OUTSIDE[1]}, "lon"),
            ({"lon": None, "lat": None}, "unit_code"),
            ({"lon": None, "lat": None, "unit_code": "00000"}, "unit_code"),
            ({"lon": 105.0, "lat": None}, "unit_code"),
            ({"lon": 1e9}, "lon"),
            ({"kind": "nonsense"}, "kind"),
            ({"text": "  \u200e\n".replace("\u200e", "")}, "text"),
            ({"text": "x" * 4001}, "text"),
            ({"phone": "gọi <tôi>"}, "phone"),
            ({"surprise": 1}, "surprise"),
        ],
    )
    def test_refuses_in_words(self, desk: Desk, fields: dict[str, object], parameter: str) -> None:
        answer = desk.send("officer", **fields)
        assert answer.status_code == 400, answer.text
        assert answer.json()["parameter"].removeprefix("body.") == parameter

    def test_errors_repeat_nothing_of_the_sender(self, desk: Desk, address: str) -> None:
        for fields in ({"phone": PHONE * 9, "name": NAME * 99}, {"phone": PHONE + "x", "name": NAME}):
            answer = desk.send(address=address, **fields)
            assert answer.status_code == 400
            assert NAME not in answer.text
            assert PHONE not in answer.text

    def test_keeps_hostile_text_as_text(self, desk: Desk, address: str) -> None:
        hostile = "<script>alert(1)</script>'; DROP TABLE reports.reports; --\u202etxt.exe\x07 ​👩‍👧"
        receipt = desk.send(address=address, text=hostile).json()
        shown = desk.get("officer", f"/{receipt['number']}").json()
        assert shown["content"] == "<script>alert(1)</script>'; DROP TABLE reports.reports; --txt.exe ​👩‍👧"

    @pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"kind": "waste"}', b"x" * 70_000, b'"\\ud800"'])
    def test_bad_json_is_400(self, desk: Desk, body: bytes) -> None:
        headers = {"Content-Type": "application/json", WHO: "officer"}
        assert desk.service.client.post("/api/reports", content=body, headers=headers).status_code == 400

    def test_another_media_type_is_400(self, desk: Desk) -> None:
        headers = {"Content-Type": "text/plain", WHO: "officer"}
        assert desk.service.client.post("/api/reports", content=b"hello", headers=headers).status_code == 400

    def test_only_those_who_work_on_reports_name_the_channel(self, desk: Desk, address: str) -> None:
        ours = desk.send("officer", channel="ThanhHoaS").json()["number"]
        anybodys = desk.send(address=address, channel="ThanhHoaS").json()["number"]
        found = {number: desk.get("officer", f"/{number}").json()["channel"] for number in (ours, anybodys)}
        assert found == {ours: "ThanhHoaS", anybodys: "web"}


class TestFlood:
    def test_ends_after_so_many_from_one_address_and_lets_others_in(self, desk: Desk) -> None:
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: desk.send(address="192.0.2.66"), range(16)))
        assert sorted(answer.status_code for answer in answers) == [201] * 5 + [429] * 11
        refused = next(answer for answer in answers if answer.status_code == 429)
        assert refused.json()["type"] == "/problems/too-many-reports"
        assert refused.headers["retry-after"] == "3600"
        assert desk.send(address="192.0.2.67").status_code == 201

    def test_counts_a_whole_ipv6_network_as_one(self, desk: Desk) -> None:
        answers = [desk.send(address=f"2001:db8::{number:x}").status_code for number in range(1, 8)]
        assert answers == [201] * 5 + [429] * 2

    def test_keeps_no_address(self, desk: Desk, address: str) -> None:
        desk.send(address=address)
        with psycopg.connect(desk.service.database.superuser_dsn) as connection:
            marks = connection.execute("SELECT encode(mark, 'escape') FROM reports.attempts").fetchall()
        assert marks
        assert not any(address in str(mark) for (mark,) in marks)


class TestOwnView:
    def test_shows_state_and_answer_for_number_and_code(self, desk: Desk) -> None:
        receipt = desk.answered(text="Đèn đường hỏng")
        own = _own(desk, receipt["number"], receipt["code"]).json()
        assert (own["state"], own["reply"], own["may_rate"]) == ("answered", "Đã dọn.", True)
        assert [step["act"] for step in own["steps"]] == ["receive", "route", "start", "answer"]
        assert not {"actor", "comment"} & set(own["steps"][0])
        spelled = f"{receipt['code'][:4]}-{receipt['code'][4:]}".lower()
        assert _own(desk, receipt["number"].lower(), spelled).status_code == 200

    def test_a_wrong_code_is_as_absent_as_a_number_that_never_was(self, desk: Desk, address: str) -> None:
        number = desk.send(address=address).json()["number"]
        wrong, missing = _own(desk, number, "0" * 12), _own(desk, "PA260101-00000000", "0" * 12)
        assert [wrong.status_code, missing.status_code] == [404, 404]
        assert {**wrong.json(), "instance": "", "request_id": ""} == {
            **missing.json(), "instance": "", "request_id": "",
        }  # fmt: skip
        assert _own(desk, number, "").status_code == 404

    def test_without_a_code_only_officers_look(self, desk: Desk, address: str) -> None:
        number = desk.send(address=address).json()["number"]
        assert desk.service.client.get(f"/api/reports/{number}").status_code == 401
        assert desk.get("stranger", f"/{number}").status_code == 404
        assert desk.get("citizen", f"/{number}").status_code == 404
        assert desk.get("reader", f"/{number}").status_code == 200

    def test_rates_an_answer_from_1_to_5_and_nothing_else(self, desk: Desk, address: str) -> None:
        unanswered = desk.send(address=address).json()
        assert _rate(desk, unanswered, 5).status_code == 409
        receipt = desk.answered()
        assert _rate(desk, {**receipt, "code": "1" * 12}, 5).status_code == 404
        for rating in (0, 6, 4.5, "x"):
            assert _rate(desk, receipt, rating).status_code == 400
        assert _rate(desk, receipt, 2).json()["rating"] == 2
        assert _rate(desk, receipt, 4).json()["rating"] == 4
        assert desk.get("reader", f"/{receipt['number']}").json()["rating"] == 4
        assert desk.events(receipt["number"])[-1][:2] == ("public", "report_rated")


class TestWorking:
    def test_goes_from_receipt_to_rating_each_act_an_event(self, desk: Desk) -> None:
        receipt = desk.answered()
        number = receipt["number"]
        assert desk.act("leader", number, "close", 4).json()["state"] == "closed"
        _rate(desk, receipt, 5)
        actions = [action for _, action, _ in desk.events(number)]
        assert actions == [
            "report_received", "report_route", "report_start", "report_answer", "report_close", "report_rated",
        ]  # fmt: skip
        steps = desk.get("reader", f"/{number}").json()["steps"]
        assert [step["act"] for step in steps] == ["receive", "route", "start", "answer", "close", "rate"]

    def test_only_a_leader_routes_and_only_in_own_unit(self, desk: Desk) -> None:
        number = desk.send("officer").json()["number"]
        assert desk.act("officer", number, "route", 1).status_code == 403
        assert desk.act("reader", number, "comment", 1, comment="x").status_code == 403
        assert desk.act("stranger", number, "route", 1).status_code == 404
        assert desk.act("guest", number, "route", 1).status_code == 404
        routed = desk.act("leader", number, "route", 1, office="Công an", assignee="officer").json()
        assert (routed["office"], routed["assignee"], routed["state"]) == ("Công an", "officer", "routed")

    def test_of_two_at_once_one_gets_a_conflict(self, desk: Desk) -> None:
        number = desk.send("officer").json()["number"]
        with ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(lambda _: desk.act("leader", number, "route", 1), range(2)))
        assert sorted(answer.status_code for answer in answers) == [200, 409]

    def test_acts_out_of_order_and_without_words_change_nothing(self, desk: Desk) -> None:
        number = desk.send("officer").json()["number"]
        assert desk.act("officer", number, "answer", 1, comment="xong").status_code == 409
        assert desk.act("leader", number, "decline", 1).status_code == 400
        assert desk.act("officer", number, "dance", 1).status_code == 400
        assert desk.act("officer", number, "comment", 0, comment="x").status_code == 400
        assert desk.get("reader", f"/{number}").json()["version"] == 1

    def test_a_case_that_is_not_ordinary_has_no_deadline(self, desk: Desk) -> None:
        number = desk.send("officer").json()["number"]
        routed = desk.act("leader", number, "route", 1, is_ordinary=False).json()
        assert (routed["due_at"], routed["is_late"]) == (None, False)
        again = desk.act("leader", number, "route", 2).json()
        assert again["due_at"] is not None

    def test_reopens_with_a_reason(self, desk: Desk) -> None:
        number = desk.answered()["number"]
        desk.act("leader", number, "close", 4)
        opened = desk.act("leader", number, "reopen", 5, comment="Rác lại đổ").json()
        assert (opened["state"], opened["ending"], opened["closed_at"]) == ("in_progress", None, None)

    def test_what_is_possible_is_told(self, desk: Desk) -> None:
        number = desk.send("officer").json()["number"]
        found = {who: desk.get(who, f"/{number}").json()["acts"] for who in ("reader", "officer", "leader")}
        assert found == {
            "reader": [],
            "officer": ["join", "comment"],
            "leader": ["route", "decline", "join", "comment"],
        }


class TestJoining:
    def test_the_sender_sees_the_other_ones_answer(self, desk: Desk) -> None:
        first = desk.answered(text="Ổ gà lớn")
        second = desk.send("officer", text="Ổ gà lớn ngã tư").json()
        joined = desk.act("officer", second["number"], "join", 1, other=first["number"].lower()).json()
        assert (joined["state"], joined["ending"], joined["duplicate_of"]) == ("closed", "duplicate", first["number"])
        own = _own(desk, second["number"], second["code"]).json()
        assert (own["is_joined"], own["reply"], own["state"]) == (True, "Đã dọn.", "answered")

    def test_to_itself_to_a_joined_one_or_elsewhere_is_refused(self, desk: Desk) -> None:
        first, second, third = (desk.send("officer").json()["number"] for _ in range(3))
        far = desk.send("stranger", lon=WEST + SIZE - 0.01, lat=SOUTH + SIZE - 0.01).json()["number"]
        assert desk.act("officer", first, "join", 1, other=first).status_code == 400
        assert desk.act("officer", first, "join", 1, other=far).status_code == 404
        assert desk.act("officer", first, "join", 1, other=second).status_code == 200
        assert desk.act("officer", third, "join", 1, other=first).status_code == 400
        # What others were joined to is not joined on.
        assert desk.act("officer", second, "join", 1, other=third).status_code == 400


class TestNear:
    def test_hints_at_the_same_kind_nearby_in_like_words(self, desk: Desk) -> None:
        base = (WEST + 0.05, SOUTH + 0.05)
        first = desk.send("officer", kind="flood", text="Ngập nước trước trường học", lon=base[0], lat=base[1]).json()
        like = desk.send("officer", kind="flood", text="ngap nuoc truoc TRUONG HOC", lon=base[0] + 0.0005, lat=base[1])
        far = desk.send("officer", kind="flood", text="Ngập nước trước trường học", lon=base[0] + 0.002, lat=base[1])
        other = desk.send("officer", kind="health", text="Ngập nước", lon=base[0], lat=base[1])
        near = desk.get("officer", f"/{first['number']}").json()["near"]
        assert [item["number"] for item in near] == [like.json()["number"]]
        assert {far.json()["number"], other.json()["number"]}.isdisjoint({item["number"] for item in near})
        assert near[0]["distance_m"] == pytest.approx(54.8, abs=0.2)
        assert near[0]["likeness"] == pytest.approx(1.0)


class TestListing:
    def test_shows_own_units_newest_first_by_filter(self, desk: Desk) -> None:
        mine = desk.send("officer", kind="tourism").json()["number"]
        far = desk.send("stranger", kind="tourism", lon=WEST + SIZE - 0.01, lat=SOUTH + SIZE - 0.01).json()["number"]
        assert _numbers(desk.get("reader", kind="tourism")) == [mine]
        assert _numbers(desk.get("stranger", kind="tourism")) == [far]
        assert _numbers(desk.get("reader", kind="tourism", state="routed")) == []
        assert _numbers(desk.get("reader", kind="tourism", unit=ELSEWHERE)) == []
        assert _numbers(desk.get("reader", late=True)) == []
        desk.act("leader", mine, "route", 1, assignee="officer")
        assert _numbers(desk.get("officer", mine=True, kind="tourism")) == [mine]
        assert _numbers(desk.get("reader", mine=True)) == []

    def test_late_ones_are_found(self, desk: Desk) -> None:
        number = desk.send("officer", kind="education").json()["number"]
        with psycopg.connect(desk.service.database.superuser_dsn) as connection:
            connection.execute("UPDATE reports.reports SET due_at = %s WHERE number = %s", [_ago(1), number])
        assert _numbers(desk.get("reader", late=True)) == [number]

    def test_needs_an_identity_and_the_right_to_read(self, desk: Desk) -> None:
        assert desk.service.client.get("/api/reports").status_code == 401
        assert desk.get("guest").status_code == 403
        # Whoever may only send reports reads none.
        assert desk.get("citizen").status_code == 403

    def test_the_map_tells_no_words_of_people(self, desk: Desk, address: str) -> None:
        number = desk.send(address=address, text="Chuyện riêng", place_text="Nhà tôi", name=NAME, phone=PHONE)
        answer = desk.get("reader", f="geojson")
        feature = next(f for f in answer.json()["features"] if f["properties"]["number"] == number.json()["number"])
        assert feature["geometry"] == {"type": "Point", "coordinates": [pytest.approx(LON), pytest.approx(LAT)]}
        assert not {"content", "place_text", "reply"} & set(feature["properties"])
        assert "Chuyện riêng" not in answer.text

    def test_pages_lead_to_every_report_once(self, desk: Desk) -> None:
        sent = [desk.send("officer", kind="welfare").json()["number"] for _ in range(5)]
        answer = desk.get("reader", kind="welfare", limit=2)
        seen = _numbers(answer)
        while following := answer.json()["next"]:
            answer = desk.get("reader", **dict(httpx.URL(following).params))
            seen += _numbers(answer)
        assert seen == sent[::-1]


class TestReporter:
    def test_is_opened_by_right_with_a_reason_that_is_kept(self, desk: Desk, address: str) -> None:
        number = desk.send(address=address, name=NAME, phone=PHONE).json()["number"]
        assert _open(desk, "officer", number).status_code == 403
        assert _open(desk, "stranger", number).status_code == 404
        assert _open(desk, "clerk", number, reason=" ").status_code == 400
        assert _open(desk, "clerk", number).json() == {"name": NAME, "phone": PHONE}
        opened = [event for event in desk.events(number) if event[1] == "reporter_opened"]
        assert opened == [("clerk", "reporter_opened", '{"reason": "Hỏi lại địa điểm"}')]
        assert desk.get("clerk", f"/{number}").json()["may_open_reporter"] is True

    def test_who_said_nothing_is_unknown(self, desk: Desk, address: str) -> None:
        number = desk.send(address=address).json()["number"]
        assert desk.get("clerk", f"/{number}").json()["has_reporter"] is False
        assert _open(desk, "clerk", number).status_code == 404

    def test_is_nowhere_in_the_open(self, desk: Desk, address: str, capfd: pytest.CaptureFixture[str]) -> None:
        receipt = desk.send(address=address, name=NAME, phone=PHONE).json()
        number = receipt["number"]
        texts = [
            desk.get("leader", f"/{number}").text,
            desk.get("leader").text,
            desk.get("leader", f="geojson").text,
            _own(desk, number, receipt["code"]).text,
        ]
        with psycopg.connect(desk.service.database.superuser_dsn) as connection:
            tables = connection.execute(
                "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables"
                " WHERE schemaname IN ('reports', 'audit', 'live', 'uploads', 'jobs', 'private')"
            ).fetchall()
            for (table,) in tables:
                texts += [str(row) for row in connection.execute(f"SELECT t::text FROM {table} t").fetchall()]
            sealed = connection.execute("SELECT sealed FROM reports.reporters").fetchall()
        assert sealed
        texts += [row[0].decode("utf-8", "replace") for row in sealed]
        captured = capfd.readouterr()
        texts += [captured.out, captured.err]
        for text in texts:
            assert NAME not in text
            assert "345 678" not in text


class TestClosedDoor:
    def test_without_the_setting_whoever_reports_signs_in_and_has_the_right(self, shut: Desk) -> None:
        assert shut.send().status_code == 401
        assert shut.send("citizen").status_code == 201
        assert shut.send("reader").status_code == 403
        assert shut.send("citizen", lon=WEST + SIZE - 0.01, lat=SOUTH + SIZE - 0.01).status_code == 403

    def test_what_is_refused_is_not_kept(self, shut: Desk) -> None:
        before = _count(shut.service)
        shut.send("reader")
        assert _count(shut.service) == before


def _count(service: Service) -> int:
    with psycopg.connect(service.database.superuser_dsn) as connection:
        row = connection.execute("SELECT count(*) FROM reports.reports").fetchone()
    assert row is not None
    return int(row[0])


def _received(desk: Desk, receipt: dict[str, str]) -> str:
    return str(_own(desk, receipt["number"], receipt["code"]).json()["received_at"])


def _own(desk: Desk, number: str, code: str) -> httpx.Response:
    return desk.service.client.get(f"/api/reports/{number}", params={"code": code})


def _rate(desk: Desk, receipt: dict[str, str], rating: object) -> httpx.Response:
    body = {"code": receipt["code"], "rating": rating}
    return desk.service.client.post(f"/api/reports/{receipt['number']}/rating", json=body)


def _open(desk: Desk, who: str, number: str, reason: str = "Hỏi lại địa điểm") -> httpx.Response:
    return desk.service.client.post(f"/api/reports/{number}/reporter", json={"reason": reason}, headers={WHO: who})


def _numbers(answer: httpx.Response) -> list[str]:
    return [report["number"] for report in answer.json()["reports"]]


def _ago(hours: float) -> datetime:
    return datetime.now(UTC) - timedelta(hours=hours)


class TestHotSpotsOverHTTP:
    def test_are_told_as_json_and_as_points(self, desk: Desk) -> None:
        place = {"lon": WEST + 0.08, "lat": SOUTH + 0.08, "kind": "construction"}
        for _ in range(3):
            desk.send("officer", **place)
        answer = desk.get("reader", "/hotspots", kind="construction").json()
        (spot,) = answer["spots"]
        assert (spot["count"], spot["before"], spot["unit_code"]) == (3, 0, HERE)
        assert answer["counts"] == [{"unit_code": HERE, "kind": "construction", "count": 3, "late": 0, "before": 0}]
        (feature,) = desk.get("reader", "/hotspots", kind="construction", f="geojson").json()["features"]
        assert feature["geometry"]["coordinates"] == [pytest.approx(place["lon"]), pytest.approx(place["lat"])]

    @pytest.mark.parametrize("query", ["days=0", "days=400", "radius=0", "radius=nan", "least=1", "until=x", "f=xml"])
    def test_bad_parameters_are_named(self, desk: Desk, query: str) -> None:
        answer = desk.service.client.get(f"/api/reports/hotspots?{query}", headers={WHO: "reader"})
        assert (answer.status_code, answer.json()["parameter"]) == (400, query.split("=")[0])

    def test_need_the_right_to_read(self, desk: Desk) -> None:
        assert desk.service.client.get("/api/reports/hotspots").status_code == 401
        assert desk.get("citizen", "/hotspots").status_code == 403
        assert desk.get("stranger", "/hotspots", kind="construction").json()["spots"] == []
