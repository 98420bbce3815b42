"""A clerk's file from HTTP to the published layer, and everything that may stand in its way."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile

import pandas as pd
import pytest

from tests.app.uploads.office import MISSION, Counter, as_geojson, nudged, unit_rows

pytestmark = pytest.mark.db


class TestAFile:
    @pytest.mark.parametrize("slug", ["schools"])
    def test_goes_all_the_way(self, counter: Counter, slug: str) -> None:
        frame = unit_rows(counter.service.database, slug, counter.staff.unit)
        same = counter.checked(slug, as_geojson(frame))
        assert same["change"]["changed"] == 0, same["change"]
        assert slug in MISSION
        frame.loc[frame.index[0], "geometry"] = nudged(frame.geometry.iloc[0])
        checked = counter.checked(slug, as_geojson(frame))
        assert checked["change"]["updated"] == 1, checked
        assert "submit" in counter.get(checked["id"], "clerk")["may"]
        done = counter.carried(checked["id"])
        assert done["state"]["id"] == "published", [(s["from"], s["to"], s["comment"]) for s in done["steps"]]
        revisions = counter.service.client.get(f"/api/layers/{slug}/revisions").json()
        assert json.dumps(revisions).find(checked["id"]) > 0
        assert [step["to"] for step in done["steps"]][-1] == "published"

    def test_is_kept_and_given_back_as_it_came(self, counter: Counter) -> None:
        data = as_geojson(unit_rows(counter.service.database, "schools", counter.staff.unit))
        upload = counter.send("schools", data)
        answer = counter.call("clerk", "GET", f"/api/uploads/{upload['id']}/original")
        assert answer.content == data
        assert answer.headers["etag"] == f'"{hashlib.sha256(data).hexdigest()}"'
        assert answer.headers["x-content-type-options"] == "nosniff"

    def test_sent_twice_with_one_key_is_one_upload(self, counter: Counter) -> None:
        form = {"layer": "schools", "unit_code": counter.staff.unit}
        sent = [
            counter.call("clerk", "POST", "/api/uploads", data=form, files={"file": ("a.geojson", b"{}")},
                         headers={"Idempotency-Key": "twice"}).json()["id"]
            for _ in range(2)
        ]  # fmt: skip
        assert sent[0] == sent[1]

    def test_in_loose_parts_becomes_one_archive(self, counter: Counter) -> None:
        form = {"layer": "schools", "unit_code": counter.staff.unit}
        files = [("file", ("TRUONG.SHP", b"a" * 10)), ("file", ("TRUONG.dbf", b"b" * 10))]
        upload = counter.call("clerk", "POST", "/api/uploads", data=form, files=files).json()
        assert upload["file"]["name"] == "TRUONG.zip"
        data = counter.call("clerk", "GET", f"/api/uploads/{upload['id']}/original").content
        assert zipfile.ZipFile(io.BytesIO(data)).namelist() == ["TRUONG.SHP", "TRUONG.dbf"]

    def test_that_is_no_map_is_refused_with_a_sentence(self, counter: Counter) -> None:
        upload = counter.wait(counter.send("schools", b"\x00\x01 not a map", name="x.shp")["id"], "refused")
        assert upload["problem"]["vi"]


class TestWhoMayWhat:
    def test_nobody_signed_in_is_asked_to(self, counter: Counter) -> None:
        assert counter.service.client.get("/api/uploads").status_code == 401

    def test_another_commune_is_not_written_to(self, counter: Counter) -> None:
        form = {"layer": "schools", "unit_code": counter.staff.other}
        answer = counter.call("clerk", "POST", "/api/uploads", data=form, files={"file": ("a.geojson", b"{}")})
        assert (answer.status_code, answer.json()["type"]) == (403, "/problems/not-allowed")

    def test_an_upload_of_another_commune_is_absent(self, counter: Counter) -> None:
        upload = counter.send("schools", b"{}")
        for path in ("", "/original", "/findings", "/changes", "/report.json", "/report.csv"):
            answer = counter.call("neighbour", "GET", f"/api/uploads/{upload['id']}{path}")
            assert answer.status_code == 404, path
        listed = counter.call("neighbour", "GET", "/api/uploads").json()["uploads"]
        assert upload["id"] not in [one["id"] for one in listed]
        assert counter.call("neighbour", "POST", f"/api/uploads/{upload['id']}/withdraw", json={}).status_code == 404

    def test_the_sender_does_not_approve(self, counter: Counter) -> None:
        frame = unit_rows(counter.service.database, "schools", counter.staff.unit)
        upload = counter.checked("schools", as_geojson(frame), who="province")
        counter.step("province", upload["id"], "submit")
        body = {"digest": counter.get(upload["id"])["digest"]}
        answer = counter.call("province", "POST", f"/api/uploads/{upload['id']}/approve", json=body)
        assert (answer.status_code, answer.json()["type"]) == (403, "/problems/same-eyes")

    def test_a_step_out_of_turn_is_409(self, counter: Counter) -> None:
        upload = counter.send("schools", b"{}")
        answer = counter.call("steward", "POST", f"/api/uploads/{upload['id']}/publish", json={})
        assert (answer.status_code, answer.json()["type"]) == (409, "/problems/wrong-state")


@pytest.fixture(scope="module")
def upload(counter: Counter) -> dict:
    """A checked file with values that a spreadsheet or a browser might run."""
    frame = unit_rows(counter.service.database, "schools", counter.staff.unit).head(20)
    frame["name"] = ["=cmd|' /C calc'!A0", *frame["name"].iloc[1:]]
    frame["level"] = ["=1+1", "<script>alert(1)</script>", *frame["level"].iloc[2:]]
    return counter.checked("schools", as_geojson(frame))


class TestTheReport:
    def test_says_what_was_found_and_scores_it(self, counter: Counter, upload: dict) -> None:
        report = counter.call("clerk", "GET", f"/api/uploads/{upload['id']}/report.json").json()
        assert report["report"]["totals"] == {**report["report"]["totals"], "refused": 2}
        assert len(report["report"]["score"]["criteria"]) == 6
        assert all(criterion["formula_vi"] for criterion in report["report"]["score"]["criteria"])
        assert report["findings"]

    def test_runs_nothing_in_a_spreadsheet(self, counter: Counter, upload: dict) -> None:
        base = f"/api/uploads/{upload['id']}/report"
        table = pd.read_csv(io.BytesIO(counter.call("clerk", "GET", f"{base}.csv").content), dtype=str)
        cells = [cell for cell in table.to_numpy().ravel() if isinstance(cell, str)]
        assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
        sheets = pd.read_excel(
            io.BytesIO(counter.call("clerk", "GET", f"{base}.xlsx").content),
            sheet_name=None,
            engine="calamine",
            dtype=str,
        )
        assert {"Tổng hợp", "Phát hiện", "Dòng bị từ chối"} == set(sheets)
        every = [cell for sheet in sheets.values() for cell in sheet.to_numpy().ravel() if isinstance(cell, str)]
        assert not [cell for cell in every if cell.startswith("=")]

    def test_is_a_pdf_and_a_map_too(self, counter: Counter, upload: dict) -> None:
        base = f"/api/uploads/{upload['id']}/report"
        assert counter.call("clerk", "GET", f"{base}.pdf").content.startswith(b"%PDF-")
        assert counter.call("clerk", "GET", f"{base}.geojson").json()["type"] == "FeatureCollection"

    def test_shows_the_change_feature_by_feature(self, counter: Counter) -> None:
        frame = unit_rows(counter.service.database, "schools", counter.staff.unit)
        frame.loc[frame.index[1], "geometry"] = nudged(frame.geometry.iloc[1])
        upload = counter.checked("schools", as_geojson(frame.iloc[1:]))
        changes = counter.call("clerk", "GET", f"/api/uploads/{upload['id']}/changes").json()
        kinds = {feature["properties"]["kind"]: feature for feature in changes["features"]}
        assert set(kinds) == {"gone", "geometry"}
        assert kinds["geometry"]["properties"]["before"]["type"] == "Point"


class TestBadInput:
    @pytest.mark.parametrize(
        ("form", "parameter"),
        [({"layer": ""}, "layer"), ({"unit_code": "x"}, "unit_code"), ({"mode": "x"}, "mode"), ({"wish": "{"}, "wish"),
         ({"wish": '{"x": 1}'}, "wish"), ({"unit_code": "12345678"}, "unit_code")],
    )  # fmt: skip
    def test_is_named(self, counter: Counter, form: dict, parameter: str) -> None:
        given = {"layer": "schools", "unit_code": counter.staff.unit, **form}
        answer = counter.call("clerk", "POST", "/api/uploads", data=given, files={"file": ("a", b"{}")})
        assert (answer.status_code, answer.json()["parameter"]) == (400, parameter)

    def test_a_form_broken_off_leaves_nothing(self, counter: Counter) -> None:
        body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.zip"\r\n\r\nabc'
        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        before = len(counter.call("clerk", "GET", "/api/uploads?limit=500").json()["uploads"])
        answer = counter.call("clerk", "POST", "/api/uploads", content=body, headers=headers)
        assert answer.status_code == 400, answer.text
        assert len(counter.call("clerk", "GET", "/api/uploads?limit=500").json()["uploads"]) == before
        assert not list((counter.service.state / "uploads" / ".incoming").iterdir())

    def test_an_empty_file_is_refused(self, counter: Counter) -> None:
        form = {"layer": "schools", "unit_code": counter.staff.unit}
        answer = counter.call("clerk", "POST", "/api/uploads", data=form, files={"file": ("a.zip", b"")})
        assert answer.status_code == 422

    @pytest.mark.parametrize("upload_id", ["x", "00000000-0000-0000-0000-000000000000"])
    def test_an_unknown_upload_is_404(self, counter: Counter, upload_id: str) -> None:
        assert counter.call("clerk", "GET", f"/api/uploads/{upload_id}").status_code == 404
