"""A commune's Shapefile in TCVN3 and VN-2000, from HTTP to the published layer and back, with nothing standing in."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest

from spatial.readings import parse_reading
from tests.app.uploads.office import Counter, nudged, unit_rows
from tests.layers.intake.factory import from_lonlat, write_shapefile

pytestmark = pytest.mark.db
READING = "EPSG:9210"
ADDRESS = "thôn Đông Hòa, đất của hợp tác xã"
COLUMNS = {
    "old_commune_code": "MAXA",
    "sheet": "SHBANDO",
    "parcel": "SHTHUA",
    "area_measured_m2": "DIENTICH",
    "land_use_text": "KHLOAIDAT",
    "address": "DIACHI",
}


def zipped(frame: gpd.GeoDataFrame, folder: Path) -> bytes:
    """The parcels as an office sends them: old text, no .cpg, national coordinates without .prj."""
    folder.mkdir()
    geometry = from_lonlat(np.asarray(frame.geometry, dtype=object), parse_reading(READING))
    columns = frame[list(COLUMNS)].rename(columns=COLUMNS).drop(columns="geometry", errors="ignore")
    path = write_shapefile(gpd.GeoDataFrame(columns, geometry=geometry), folder / "THUADAT.shp", encoding="TCVN3")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in sorted(path.parent.glob("THUADAT.*")):
            archive.write(part, f"Xã Đông Hòa/{part.name}")
    return packed.getvalue()


class TestAShapefile:
    def test_goes_from_http_to_the_layer_and_back(self, counter: Counter, tmp_path: Path) -> None:
        frame = unit_rows(counter.service.database, "parcels", counter.staff.unit, limit=20_000)
        frame["land_use_text"] = frame["land_use_text"].fillna("")
        before = counter.service.client.get("/api/layers/parcels").json()["revision"]
        frame.loc[frame.index[0], "address"] = ADDRESS
        frame.loc[frame.index[0], "geometry"] = nudged(frame.geometry.iloc[0], 0.5)
        upload = counter.send("parcels", zipped(frame, tmp_path / "a"), name="thửa đất.zip")
        upload = counter.wait(upload["id"], "checked", "refused")
        assert upload["state"]["id"] == "checked", upload["problem"]
        if not upload["report"]["is_ready"]:
            questions = {question["id"] for question in upload["report"]["questions"]}
            assert questions == {"crs"}, upload["report"]["questions"]
            places = counter.call("clerk", "GET", f"/api/uploads/{upload['id']}/places").json()["features"]
            assert READING in [place["properties"]["value"] for place in places]
            answer = counter.call("clerk", "PATCH", f"/api/uploads/{upload['id']}", json={"crs": READING})
            assert answer.status_code == 202, answer.text
            upload = counter.wait(upload["id"], "checked", "refused")
        report = upload["report"]
        assert (report["encoding"]["encoding"], report["crs"]["chosen"]) == ("TCVN3", READING), report
        assert upload["change"]["updated"] >= 1
        assert upload["change"]["deleted"] == upload["change"]["inserted"] == 0, upload["change"]
        done = counter.carried(upload["id"])
        assert done["state"]["id"] == "published", done
        assert self.addresses(counter) == [ADDRESS]

        body = {"layer": "parcels", "unit_code": counter.staff.unit, "revision": before, "reason": "gửi nhầm tháng"}
        revert = counter.call("clerk", "POST", "/api/uploads/reverts", json=body)
        assert revert.status_code == 202, revert.text
        counter.wait(revert.json()["id"], "checked")
        assert counter.carried(revert.json()["id"])["state"]["id"] == "published"
        assert self.addresses(counter) == []

    @staticmethod
    def addresses(counter: Counter) -> list[str]:
        query = {"filter": f"address = '{ADDRESS}'", "filter-lang": "cql2-text"}
        answer = counter.service.client.get("/ogc/collections/parcels/items", params=query)
        assert answer.status_code == 200, answer.text
        return [feature["properties"]["address"] for feature in answer.json()["features"]]
