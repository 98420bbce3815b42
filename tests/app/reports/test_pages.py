"""The pages on which people report: as a browser without script sends them."""

from __future__ import annotations

import itertools
import re
from html import unescape
from typing import Any

import httpx
import pytest

from tests.app.reports.desk import HERE, LAT, LON, NAME, OUTSIDE, PHONE, Desk, jpeg
from tests.people import WHO

pytestmark = pytest.mark.db
HOSTILE = '"><script>alert(1)</script>'
_ADDRESSES = (f"198.51.100.{number}" for number in itertools.count(100))


def _send(desk: Desk, *, lang: str = "vi", photos: tuple[bytes, ...] = (), **fields: str) -> httpx.Response:
    empty = {"unit_code": "", "place_text": "", "lon": "", "lat": "", "name": "", "phone": ""}
    data = {"kind": "lighting", "text": "Đèn hỏng", **empty, **fields}
    # A browser sends an empty file where none is chosen.
    files = [("photo", ("anh.jpg", photo, "image/jpeg")) for photo in photos] or [("photo", ("", b"", ""))]
    headers = {"X-Forwarded-For": next(_ADDRESSES)}
    return desk.service.client.post("/report", params={"lang": lang}, data=data, files=files, headers=headers)


def _post(desk: Desk, path: str, **fields: Any) -> httpx.Response:
    return desk.service.client.post(path, data=fields)


def _told(answer: httpx.Response) -> str:
    found = re.search(r'<p class="notice" role="alert">(.*?)</p>', answer.text, re.DOTALL)
    assert found is not None, answer.text
    return unescape(found[1])


def _codes(answer: httpx.Response) -> tuple[str, str]:
    number, code = re.findall(r"<dd><code>([^<]+)</code></dd>", answer.text)
    return number, code


class TestForm:
    def test_offers_kinds_and_communes_in_both_languages(self, desk: Desk) -> None:
        page = desk.service.client.get("/report")
        assert '<option value="waste">Rác thải, vệ sinh môi trường</option>' in page.text
        assert f'<option value="{HERE}">Xã 0-0</option>' in page.text
        assert "Use my place" in desk.service.client.get("/report?lang=en").text
        assert "default-src 'self'" in page.headers["content-security-policy"]
        assert "<script>" not in page.text

    def test_a_report_leads_to_a_receipt_and_from_there_to_its_state(self, desk: Desk) -> None:
        answer = _send(desk, lon=f"{LON}".replace(".", ","), lat=f" {LAT} ", photos=(jpeg(),), name=NAME, phone=PHONE)
        assert answer.status_code == 201, answer.text
        number, code = _codes(answer)
        assert "Xã 0-0" in answer.text
        assert NAME not in answer.text
        assert answer.headers["cache-control"] == "no-store"
        state = _post(desk, "/report/state", number=number, code=code)
        assert "Đã tiếp nhận" in state.text
        assert len(desk.get("officer", f"/{number}").json()["photos"]) == 1

    def test_works_with_the_commune_alone(self, desk: Desk) -> None:
        answer = _send(desk, unit_code=HERE, place_text="Ngõ 12")
        assert answer.status_code == 201
        assert desk.get("officer", f"/{_codes(answer)[0]}").json()["place_text"] == "Ngõ 12"

    @pytest.mark.parametrize(
        ("fields", "words"),
        [
            ({"lon": str(OUTSIDE[0]), "lat": str(OUTSIDE[1])}, "không thuộc xã, phường nào"),
            ({}, "Chưa biết phản ánh ở đâu"),
            ({"lon": "đây", "lat": "19.8"}, "Kinh độ"),
            ({"unit_code": HERE, "kind": ""}, "Lĩnh vực"),
            ({"unit_code": HERE, "text": " "}, "Chưa có nội dung"),
            ({"unit_code": HERE, "phone": "abc"}, "Số điện thoại"),
        ],
    )
    def test_says_what_is_wrong_and_keeps_what_was_typed(self, desk: Desk, fields: dict[str, str], words: str) -> None:
        answer = _send(desk, **{"place_text": HOSTILE, **fields})
        assert answer.status_code == 400
        assert words in _told(answer)
        assert HOSTILE not in answer.text
        assert "&lt;script&gt;" in answer.text

    def test_says_what_is_wrong_with_a_photo(self, desk: Desk) -> None:
        answer = _send(desk, unit_code=HERE, photos=(jpeg(), b"<html>"), lang="en")
        assert answer.status_code == 400
        assert _told(answer).startswith("File 2 is no JPEG")
        assert "Đèn hỏng" in answer.text

    def test_a_form_that_is_none_is_told(self, desk: Desk) -> None:
        headers = {"X-Forwarded-For": next(_ADDRESSES), "Content-Type": "text/plain"}
        answer = desk.service.client.post("/report", content=b"x", headers=headers)
        assert answer.status_code == 400
        assert "multipart/form-data" in _told(answer)

    def test_too_many_are_told_in_words(self, desk: Desk) -> None:
        answers = [
            desk.service.client.post("/report", data={"kind": "waste"}, headers={"X-Forwarded-For": "192.0.2.99"})
            for _ in range(6)
        ]
        assert answers[-1].status_code == 429
        assert "113, 114, 115" in _told(answers[-1])

    def test_where_only_people_with_the_right_report_it_leads_to_signing_in(self, shut: Desk) -> None:
        client = shut.service.client
        for answer in (client.get("/report"), client.post("/report", data={"kind": "waste"})):
            assert (answer.status_code, answer.headers["location"]) == (303, "/signin?next=/report")
        assert client.get("/report", headers={WHO: "citizen"}).status_code == 200
        data = {"kind": "waste", "text": "Rác", "unit_code": HERE}
        files = [("photo", ("", b"", ""))]
        assert client.post("/report", data=data, files=files, headers={WHO: "citizen"}).status_code == 201
        assert client.post("/report", data=data, files=files, headers={WHO: "reader"}).status_code == 403


class TestState:
    def test_a_wrong_code_and_a_wrong_number_are_told_alike(self, desk: Desk) -> None:
        number = desk.send("officer").json()["number"]
        wrong, missing = (
            _post(desk, "/report/state", number=given, code="0" * 12) for given in (number, "PA260101-00000000")
        )
        assert [wrong.status_code, missing.status_code] == [404, 404]
        assert _told(wrong) == _told(missing)
        assert HOSTILE not in _post(desk, "/report/state", number=HOSTILE, code=HOSTILE).text

    def test_shows_the_answer_as_text_and_takes_a_rating(self, desk: Desk) -> None:
        receipt = desk.send("officer", text=HOSTILE).json()
        number, code = receipt["number"], receipt["code"]
        for version, (who, act, more) in enumerate(
            [("leader", "route", {}), ("officer", "start", {}), ("officer", "answer", {"comment": HOSTILE})], 1
        ):
            assert desk.act(who, number, act, version, **more).status_code == 200
        page = _post(desk, "/report/state", number=number.lower(), code=code.lower())
        assert HOSTILE not in page.text
        assert page.text.count("&lt;script&gt;") == 2
        rated = _post(desk, "/report/rating", number=number, code=code, rating=5, comment="Tốt")
        assert "Cảm ơn" in rated.text
        assert desk.get("officer", f"/{number}").json()["rating"] == 5
        assert desk.events(number)[-1][1] == "report_rated"

    def test_a_rating_too_early_or_out_of_range_is_told(self, desk: Desk) -> None:
        receipt = desk.send("officer").json()
        given = {"number": receipt["number"], "code": receipt["code"]}
        assert _post(desk, "/report/rating", **given, rating=5).status_code == 409
        assert _post(desk, "/report/rating", **given, rating=9).status_code == 400
        assert _post(desk, "/report/rating", **given, rating="x").status_code == 400
        assert _post(desk, "/report/rating", **{**given, "code": "1"}, rating=5).status_code == 404

    def test_asks_for_number_and_code(self, desk: Desk) -> None:
        page = desk.service.client.get("/report/state", params={"number": HOSTILE})
        assert page.status_code == 200
        assert HOSTILE not in page.text
