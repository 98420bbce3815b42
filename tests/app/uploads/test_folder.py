"""What the worker does by itself: the watched folder, what never came to its end; and notices to people."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from sqlalchemy import text

from app.uploads.opening import open_desk
from app.uploads.watching import watch_once
from app.uploads.working import STALE_S, UploadWorker
from layers.uploads.desk import Desk
from tests.app.uploads.office import Counter, as_geojson, settings_of, unit_rows
from tests.app.uploads.test_tus import begun

pytestmark = pytest.mark.db


@pytest.fixture
def desk(counter: Counter) -> Desk:
    return open_desk(counter.service.database.engine("diaban_writer"), settings_of(counter.service.state))


def lay(path: Path, data: bytes) -> Path:
    """A file that has been at rest for a minute."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    os.utime(path, (time.time() - 60, time.time() - 60))
    return path


def rounds(desk: Desk, root: Path, wanted: Path, counter: Counter) -> list[Path]:
    """Goes round until something lies in a folder."""
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        watch_once(desk, settings_of(counter.service.state, watch_dir=root))
        if found := [path for path in wanted.iterdir() if path.is_dir()]:
            return found
        time.sleep(0.2)
    raise AssertionError(list(root.rglob("*")))


class TestTheWatchedFolder:
    def test_takes_in_a_file_and_lays_the_report_beside_it(self, counter: Counter, desk: Desk, tmp_path: Path) -> None:
        data = as_geojson(unit_rows(counter.service.database, "schools", counter.staff.unit))
        path = lay(tmp_path / "schools" / counter.staff.unit / "trường.geojson", data)
        (found,) = rounds(desk, tmp_path, tmp_path / "done", counter)
        assert not path.exists()
        assert (found / "trường.geojson").read_bytes() == data
        assert (found / "bao-cao.csv").is_file()
        assert "Lớp" in (found / "bao-cao.txt").read_text("utf-8")
        assert counter.get(found.name)["state"]["id"] == "checked"

    def test_leaves_a_growing_file_alone(self, counter: Counter, desk: Desk, tmp_path: Path) -> None:
        path = tmp_path / "schools" / "đang chép.geojson"
        path.parent.mkdir()
        path.write_bytes(b"{")
        watch_once(desk, settings_of(counter.service.state, watch_dir=tmp_path))
        assert path.exists()

    @pytest.mark.parametrize(("layer", "data"), [("no-such-layer", b"{}"), ("schools", b"no map")])
    def test_refuses_with_a_reason(self, counter: Counter, desk: Desk, tmp_path: Path, layer: str, data: bytes) -> None:
        lay(tmp_path / layer / "x.geojson", data)
        (found,) = rounds(desk, tmp_path, tmp_path / "refused", counter)
        assert (found / "x.geojson").read_bytes() == data
        reasons = [path.read_text("utf-8") for path in found.glob("*.txt")]
        assert [reason for reason in reasons if len(reason) > 10]


class TestTidying:
    def test_gives_up_what_stopped_coming_and_sweeps_what_was_left(self, counter: Counter) -> None:
        upload_id = begun(counter, 10).rpartition("/")[2]
        with counter.service.database.engine("diaban_owner").begin() as connection:
            connection.execute(
                text("UPDATE uploads.uploads SET expires_at = now() - interval '1 day' WHERE id = :id"),
                {"id": upload_id},
            )
        left = counter.service.state / "uploads" / ".incoming" / "left"
        left.mkdir(parents=True)
        os.utime(left, (time.time() - 2 * STALE_S,) * 2)
        UploadWorker(counter.service.database, settings_of(counter.service.state)).tidy()
        assert counter.get(upload_id)["state"]["id"] == "withdrawn"
        assert not left.exists()


class TestNotices:
    def test_lead_from_step_to_step(self, counter: Counter) -> None:
        data = as_geojson(unit_rows(counter.service.database, "schools", counter.staff.unit).head(5))
        upload = counter.checked("schools", data, mode="upsert")
        mine = counter.call("clerk", "GET", "/api/notices").json()
        told = [one for one in mine["notices"] if one["href"] and one["href"].endswith(upload["id"])]
        assert [one["kind"] for one in told] == ["upload_checked"]
        assert mine["unread"] > 0
        counter.step("clerk", upload["id"], "submit")
        theirs = counter.call("steward", "GET", "/api/notices").json()["notices"]
        assert "upload_submitted" in {one["kind"] for one in theirs if one["href"].endswith(upload["id"])}
        assert not counter.call("neighbour", "GET", "/api/notices").json()["notices"]
        ids = [one["id"] for one in mine["notices"]]
        assert counter.call("clerk", "POST", "/api/notices/read", json={"ids": ids}).status_code == 204
        assert counter.call("clerk", "GET", "/api/notices").json()["unread"] == 0
