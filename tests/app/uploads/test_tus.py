"""Resumable uploads over lines that break (tus 1.0)."""

from __future__ import annotations

import base64
import hashlib
import socket
import time
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.app.uploads.office import Counter, as_geojson, unit_rows

pytestmark = pytest.mark.db
TUS = {"Tus-Resumable": "1.0.0"}
STREAM = {**TUS, "Content-Type": "application/offset+octet-stream"}


def metadata(**said: str) -> str:
    return ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in said.items())


@pytest.fixture(scope="module")
def data(counter: Counter) -> bytes:
    return as_geojson(unit_rows(counter.service.database, "parcels", counter.staff.unit, limit=1500))


def create(counter: Counter, size: int, **headers: str) -> httpx.Response:
    said = metadata(filename="thửa đất.geojson", layer="parcels", unit_code=counter.staff.unit, mode="upsert")
    given = {**TUS, "Upload-Length": str(size), "Upload-Metadata": said, **headers}
    return counter.call("clerk", "POST", "/api/uploads/tus", headers=given)


def begun(counter: Counter, size: int) -> str:
    answer = create(counter, size)
    assert answer.status_code == 201, answer.text
    return urlsplit(answer.headers["Location"]).path


def patch(counter: Counter, path: str, offset: int, body: bytes, **more: Any) -> httpx.Response:
    headers = {**STREAM, "Upload-Offset": str(offset)}
    return counter.call(more.pop("who", "clerk"), "PATCH", path, headers=headers, content=body, **more)


def offset_of(counter: Counter, path: str) -> int:
    answer = counter.call("clerk", "HEAD", path, headers=TUS)
    assert answer.status_code == 200
    return int(answer.headers["Upload-Offset"])


def break_off(counter: Counter, path: str, body: bytes, *, announced: int) -> None:
    """Sends some bytes of more that are announced, and is gone."""
    place = urlsplit(counter.service.url)
    lines = [
        f"PATCH {path} HTTP/1.1",
        f"Host: {place.netloc}",
        "X-Person: clerk",
        "Tus-Resumable: 1.0.0",
        "Content-Type: application/offset+octet-stream",
        "Upload-Offset: 0",
        f"Content-Length: {announced}",
    ]
    with socket.create_connection((place.hostname, place.port)) as line:
        line.sendall("\r\n".join([*lines, "", ""]).encode() + body)


class TestALineThatBreaks:
    def test_loses_nothing_and_the_rest_goes_on_from_there(self, counter: Counter, data: bytes) -> None:
        path = begun(counter, len(data))
        half = len(data) // 2
        break_off(counter, path, data[:half], announced=len(data))
        deadline = time.monotonic() + 30
        while (offset := offset_of(counter, path)) < half and time.monotonic() < deadline:
            time.sleep(0.05)
        assert 0 < offset <= half
        assert patch(counter, path, offset, data[offset:]).status_code == 204
        upload = counter.wait(path.rpartition("/")[2], "checked", "refused")
        assert upload["file"]["sha256"] == hashlib.sha256(data).hexdigest()
        assert upload["state"]["id"] == "checked", upload["problem"]

    def test_may_send_piece_by_piece(self, counter: Counter, data: bytes) -> None:
        path = begun(counter, len(data))
        step = len(data) // 3 + 1
        for start in range(0, len(data), step):
            answer = patch(counter, path, start, data[start : start + step])
            assert answer.headers["Upload-Offset"] == str(min(start + step, len(data)))
        counter.wait(path.rpartition("/")[2], "checked")


class TestTheProtocol:
    def test_tells_what_it_can(self, counter: Counter) -> None:
        answer = counter.call("clerk", "OPTIONS", "/api/uploads/tus")
        assert (answer.status_code, answer.headers["Tus-Version"]) == (204, "1.0.0")
        assert "termination" in answer.headers["Tus-Extension"]
        assert int(answer.headers["Tus-Max-Size"]) > 2**20

    def test_refuses_other_versions(self, counter: Counter) -> None:
        assert create(counter, 10, **{"Tus-Resumable": "0.2.2"}).status_code == 412

    @pytest.mark.parametrize(
        ("offset", "body", "status"), [(5, b"abc", 409), (0, b"more than ten bytes", 413)], ids=["offset", "length"]
    )
    def test_refuses_what_does_not_fit(self, counter: Counter, offset: int, body: bytes, status: int) -> None:
        path = begun(counter, 10)
        assert patch(counter, path, offset, body).status_code == status
        assert offset_of(counter, path) == 0

    def test_refuses_other_bodies_and_other_people(self, counter: Counter) -> None:
        path = begun(counter, 10)
        wrong = counter.call("clerk", "PATCH", path, headers={**TUS, "Upload-Offset": "0"}, content=b"abc")
        assert wrong.status_code == 415
        assert patch(counter, path, 0, b"abc", who="neighbour").status_code == 404

    def test_gives_up_what_is_not_wanted_any_more(self, counter: Counter) -> None:
        path = begun(counter, 10)
        assert counter.call("clerk", "DELETE", path, headers=TUS).status_code == 204
        assert counter.call("clerk", "HEAD", path, headers=TUS).status_code == 404
        assert not (counter.service.state / "uploads" / path.rpartition("/")[2]).exists()

    @pytest.mark.parametrize("said", ["layer !!!", "filename", ""])
    def test_names_bad_metadata(self, counter: Counter, said: str) -> None:
        headers = {**TUS, "Upload-Length": "10", "Upload-Metadata": said}
        answer = counter.call("clerk", "POST", "/api/uploads/tus", headers=headers)
        assert (answer.status_code, answer.json()["parameter"]) == (400, "Upload-Metadata")

    def test_refuses_a_file_larger_than_the_disk_may_take(self, counter: Counter) -> None:
        assert create(counter, 2**50).status_code == 413
