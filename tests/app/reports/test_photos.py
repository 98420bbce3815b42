"""Photos: made anew without place and camera; what is no picture is refused whatever it is called."""

from __future__ import annotations

import io
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psycopg
import pytest
from PIL import Image

from tests.app.reports.desk import Desk, jpeg
from tests.people import WHO

pytestmark = pytest.mark.db
HTML = b"<!DOCTYPE html><html><script>alert(1)</script></html>"
SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><path d="M0 0h9"/></svg>'


def _png_claiming(width: int, height: int) -> bytes:
    """A PNG whose head claims a size; little data unpacks to as much as that needs."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes(min((width // 8 + 1) * height, 16 * 2**20)), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def _encoded(form: str, mode: str = "RGB") -> bytes:
    file = io.BytesIO()
    Image.new(mode, (40, 30)).save(file, form)
    return file.getvalue()


def _kept(desk: Desk, number: str) -> list[Image.Image]:
    photos = desk.get("officer", f"/{number}").json()["photos"]
    return [Image.open(io.BytesIO(_fetch(desk, "officer", photo["id"]).content)) for photo in photos]


def _fetch(desk: Desk, who: str, photo: str) -> httpx.Response:
    return desk.service.client.get(f"/api/photos/{photo}", headers={WHO: who})


def _add(desk: Desk, who: str, number: str, *contents: bytes, about: str = "report") -> httpx.Response:
    files = [("photo", ("anh.jpg", content, "image/jpeg")) for content in contents]
    data = {"about": about, "id": number}
    return desk.service.client.post("/api/photos", data=data, files=files, headers={WHO: who})


class TestCleaning:
    def test_leaves_place_and_camera_behind_and_stands_upright(self, desk: Desk) -> None:
        sent = jpeg(gps=True, orientation=6)
        assert b"SecretCamera" in sent
        number = desk.send_form([("a.jpg", sent)], "officer").json()["number"]
        (photo,) = _kept(desk, number)
        assert (photo.format, photo.size) == ("JPEG", (48, 64))
        assert not dict(photo.getexif())
        assert "exif" not in photo.info
        # Turned by a quarter, red is on top.
        red, green, blue = photo.getpixel((24, 5))  # type: ignore[misc]
        assert (red > 150, green < 60, blue < 60) == (True, True, True)
        for path in (desk.service.state / "photos").rglob("*"):
            assert not path.is_file() or b"SecretCamera" not in path.read_bytes()

    def test_a_polyglot_keeps_only_its_pixels(self, desk: Desk) -> None:
        number = desk.send_form([("a.jpg", jpeg() + HTML + b"PK\x03\x04")], "officer").json()["number"]
        photo = desk.get("officer", f"/{number}").json()["photos"][0]
        answer = _fetch(desk, "officer", photo["id"])
        assert b"<script>" not in answer.content
        assert answer.headers["content-type"] == "image/jpeg"
        assert answer.headers["x-content-type-options"] == "nosniff"

    @pytest.mark.parametrize("form", ["PNG", "WEBP", "JPEG"])
    def test_takes_each_kind(self, desk: Desk, form: str) -> None:
        mode = "RGB" if form == "JPEG" else "RGBA"
        number = desk.send_form([("wrong.txt", _encoded(form, mode))], "officer").json()["number"]
        (photo,) = _kept(desk, number)
        assert (photo.format, photo.size) == ("JPEG", (40, 30))

    def test_a_large_one_becomes_smaller(self, desk: Desk) -> None:
        number = desk.send_form([("a.jpg", jpeg(4000, 3000))], "officer").json()["number"]
        (photo,) = _kept(desk, number)
        assert photo.size == (2048, 1536)


class TestRefusing:
    @pytest.mark.parametrize(
        "content",
        [
            HTML,
            SVG,
            b"GIF89a" + HTML,
            _encoded("GIF", "P"),
            _encoded("BMP"),
            _encoded("TIFF"),
            b"\xff\xd8\xff\xe0" + HTML,
            jpeg()[:200],
            b"\x89PNG\r\n\x1a\n" + b"\0" * 100,
            b"",
        ],
        ids=["html", "svg", "gif-html", "gif", "bmp", "tiff", "jpeg-head", "cut", "png-head", "empty"],
    )
    def test_what_is_no_such_picture_in_words(self, desk: Desk, content: bytes) -> None:
        answer = desk.send_form([("photo.jpg", content)], "officer")
        assert answer.status_code == 400, answer.text
        assert answer.json()["type"] == "/problems/no-photo"
        assert answer.json()["detail"].startswith("Tệp thứ 1 ")

    @pytest.mark.parametrize("size", [(60_000, 60_000), (2**31 - 1, 2**31 - 1), (8_000, 8_000)])
    def test_a_bomb_before_it_is_unpacked(self, desk: Desk, size: tuple[int, int]) -> None:
        answer = desk.send_form([("bomb.png", _png_claiming(*size))], "officer")
        assert answer.status_code in (400, 413)
        assert answer.json()["type"] in ("/problems/photo-too-large", "/problems/no-photo")

    def test_one_with_too_many_bytes(self, desk: Desk) -> None:
        answer = desk.send_form([("a.jpg", jpeg() + bytes(15 * 2**20))], "officer")
        assert answer.status_code == 413
        assert "15 MB" in answer.json()["detail"]

    def test_more_than_five(self, desk: Desk) -> None:
        answer = desk.send_form([("a.jpg", jpeg())] * 6, "officer")
        assert answer.json()["type"] == "/problems/too-many-photos"

    def test_leaves_no_report_and_nothing_of_what_came(self, desk: Desk) -> None:
        before = len(desk.get("officer", limit=1000).json()["reports"])
        desk.send_form([("a.jpg", jpeg()), ("b.jpg", HTML)], "officer")
        assert len(desk.get("officer", limit=1000).json()["reports"]) == before
        assert list((desk.service.state / "photos" / ".incoming").iterdir()) == []

    def test_a_broken_form_is_400(self, desk: Desk) -> None:
        headers = {WHO: "officer", "Content-Type": "multipart/form-data; boundary=x"}
        assert desk.service.client.post("/api/reports", content=b"--x\r\nbroken", headers=headers).status_code == 400

    def test_a_flood_of_photos_is_refused_before_they_are_read(self, desk: Desk) -> None:
        with ThreadPoolExecutor(4) as pool:
            answers = list(
                pool.map(lambda _: desk.send_form([("a.jpg", jpeg())], address="192.0.2.77").status_code, range(8))
            )
        assert sorted(answers) == [201] * 5 + [429] * 3


class TestKeeping:
    def test_the_same_picture_is_one_file_that_only_the_service_reads(self, desk: Desk) -> None:
        picture = jpeg(70, 33)
        for _ in range(2):
            desk.send_form([("a.jpg", picture)], "officer")
        with psycopg.connect(desk.service.database.superuser_dsn) as connection:
            rows = connection.execute("SELECT sha256 FROM reports.photos WHERE width = 70").fetchall()
        assert len(rows) == 2
        (digest,) = {row[0] for row in rows}
        path = desk.service.state / "photos" / str(digest)[:2] / f"{digest}.jpg"
        assert path.stat().st_mode & 0o777 == 0o600

    def test_is_seen_by_those_who_see_the_report(self, desk: Desk) -> None:
        number = desk.send_form([("a.jpg", jpeg())], "officer").json()["number"]
        photo = desk.get("officer", f"/{number}").json()["photos"][0]["id"]
        found = {who: _fetch(desk, who, photo).status_code for who in ("reader", "stranger", "citizen", "guest")}
        assert found == {"reader": 200, "stranger": 404, "citizen": 404, "guest": 404}
        assert desk.service.client.get(f"/api/photos/{photo}").status_code == 401
        assert _fetch(desk, "reader", "00000000-0000-0000-0000-000000000000").status_code == 404
        assert _fetch(desk, "reader", "x").status_code == 400

    def test_one_whose_file_is_gone_is_404(self, desk: Desk) -> None:
        number = desk.send_form([("a.jpg", jpeg(91, 17))], "officer").json()["number"]
        photo = desk.get("officer", f"/{number}").json()["photos"][0]["id"]
        with psycopg.connect(desk.service.database.superuser_dsn) as connection:
            row = connection.execute("SELECT sha256 FROM reports.photos WHERE id = %s", [photo]).fetchone()
        assert row is not None
        Path(desk.service.state / "photos" / row[0][:2] / f"{row[0]}.jpg").unlink()
        assert _fetch(desk, "reader", photo).status_code == 404


class TestResult:
    def test_is_added_by_those_who_work_on_the_report_and_seen_by_its_sender(self, desk: Desk) -> None:
        receipt = desk.answered()
        number = receipt["number"]
        assert _add(desk, "reader", number, jpeg()).status_code == 403
        assert _add(desk, "stranger", number, jpeg()).status_code == 404
        (added,) = _add(desk, "officer", number, jpeg()).json()["photos"]
        own = desk.service.client.get(f"/api/reports/{number}", params={"code": receipt["code"]}).json()
        assert [photo["id"] for photo in own["photos"]] == [added]
        address = f"/api/reports/{number}/photos/{added}"
        client = desk.service.client
        assert client.get(address, params={"code": receipt["code"]}).headers["content-type"] == "image/jpeg"
        assert client.get(address, params={"code": "0" * 12}).status_code == 404
        assert client.get(address).status_code == 404
        actor, action, detail = desk.events(number)[-1]
        assert (actor, action, added in detail) == ("officer", "photos_added", True)

    def test_what_was_sent_is_not_handed_out_by_the_code(self, desk: Desk) -> None:
        receipt = desk.send_form([("a.jpg", jpeg())], "officer").json()
        photo = desk.get("officer", f"/{receipt['number']}").json()["photos"][0]["id"]
        address = f"/api/reports/{receipt['number']}/photos/{photo}"
        assert desk.service.client.get(address, params={"code": receipt["code"]}).status_code == 404

    def test_of_something_that_is_not_there_is_404(self, desk: Desk) -> None:
        assert _add(desk, "officer", "PA260101-00000000", jpeg()).status_code == 404
        for about, given in (("alert", "1"), ("task", "x"), ("alert", "9" * 30), ("house", "1"), ("", "")):
            assert _add(desk, "officer", given, jpeg(), about=about).status_code == 404

    def test_without_a_photo_is_400(self, desk: Desk) -> None:
        assert _add(desk, "officer", "PA260101-00000000").status_code == 400

    def test_so_many_of_one_report_and_no_more(self, desk: Desk) -> None:
        number = desk.send("officer").json()["number"]
        answers = [_add(desk, "officer", number, *[jpeg()] * 5).status_code for _ in range(5)]
        assert answers == [201] * 4 + [400]
