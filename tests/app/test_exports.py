"""Downloads made by the worker, read back by geopandas, and held against SQL and PROJ."""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import geopandas as gpd
import httpx
import numpy as np
import pandas as pd
import psycopg
import pyogrio
import pyproj
import pytest
import shapely

from app.database import Database
from app.jobs import expire_jobs
from app.settings import CHECKOUT, Settings
from app.worker import run_worker
from tests.app.test_items import ORACLE
from tests.conftest import Service, run_service

pytestmark = [pytest.mark.db]
WAIT_S = 240


@contextmanager
def working(database: Database, folder: Path) -> Iterator[None]:
    """A worker in a thread of this process."""
    loop, stop = asyncio.new_event_loop(), asyncio.Event()
    settings = Settings(state_dir=folder)
    thread = threading.Thread(target=lambda: loop.run_until_complete(run_worker(database, settings, stop)))
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(30)
        loop.close()


@pytest.fixture(scope="module")
def exporting(
    make_clone: Callable[[], Database], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Service, Path]]:
    """A service and its worker over one database."""
    database, folder = make_clone(), tmp_path_factory.mktemp("exports")
    services = run_service(database, folder)
    service = next(services)
    with working(database, folder):
        yield service, folder
    next(services, None)


def wait_for(service: Service, job_id: str, *statuses: str) -> dict:
    deadline = time.monotonic() + WAIT_S
    while True:
        job = service.client.get(f"/api/exports/{job_id}").json()
        if job["status"] in statuses:
            return job
        assert time.monotonic() < deadline, job
        time.sleep(0.1)


def export(service: Service, **body: object) -> tuple[dict, httpx.Response]:
    asked = service.client.post("/api/exports", json=body)
    assert asked.status_code == 202, asked.text
    job = wait_for(service, asked.json()["id"], "succeeded", "failed")
    assert job["status"] == "succeeded", job
    assert asked.headers["location"].endswith(job["id"])
    return job, service.client.get(f"/api/exports/{job['id']}/file")


def read_frame(name: str, content: bytes, folder: Path) -> gpd.GeoDataFrame:
    path = folder / name
    path.write_bytes(content)
    if name.endswith(".parquet"):
        return gpd.read_parquet(path)
    if name.endswith(".csv"):
        frame = pd.read_csv(path, encoding="utf-8-sig", dtype={"unit_code": str})
        return gpd.GeoDataFrame(frame, geometry=gpd.GeoSeries.from_wkt(frame["WKT"]))
    if name.endswith(".gpkg"):
        return gpd.read_file(path, engine="pyogrio", fid_as_index=True).reset_index(names="fid")
    return gpd.read_file(path, engine="pyogrio")


class TestFiles:
    @pytest.mark.parametrize("form", ["gpkg", "parquet", "fgb", "shp", "csv", "geojson"])
    def test_hold_every_feature_of_the_table(self, exporting: tuple[Service, Path], tmp_path: Path, form: str) -> None:
        service, _ = exporting
        job, file = export(service, layer="schools", format=form)
        frame = read_frame(job["file"]["name"], file.content, tmp_path)
        with psycopg.connect(service.database.superuser_dsn) as db:
            rows = db.execute(
                "SELECT fid, name, pupils, unit_code, ST_AsBinary(geom) FROM features.schools ORDER BY fid"
            ).fetchall()
        if form == "geojson":
            frame["fid"] = frame["id"].astype(int) if "id" in frame else range(len(rows))
        frame = frame.sort_values("fid").reset_index(drop=True)
        if form != "geojson":
            assert list(frame["fid"]) == [row[0] for row in rows]
        assert list(frame["name"]) == [row[1] for row in rows]
        assert [None if pd.isna(v) else int(v) for v in frame["pupils"]] == [row[2] for row in rows]
        assert list(frame["unit_code"]) == [row[3] for row in rows]
        shapes = shapely.from_wkb([row[4] for row in rows])
        assert shapely.equals_exact(frame.geometry.values, shapes, 1e-8).all()
        assert job["progress"] == 1.0
        assert job["file"]["features"] == len(rows) == job["done"]

    def test_are_what_the_job_says(self, exporting: tuple[Service, Path]) -> None:
        service, _ = exporting
        job, file = export(service, layer="schools", format="gpkg")
        told = job["file"]
        assert hashlib.sha256(file.content).hexdigest() == told["sha256"]
        assert len(file.content) == told["bytes"]
        assert file.headers["etag"] == f'"{told["sha256"]}"'
        assert "content-encoding" not in file.headers
        url = f"/api/exports/{job['id']}/file"
        part = service.client.get(url, headers={"Range": "bytes=10-19"})
        assert (part.status_code, part.content) == (206, file.content[10:20])
        assert service.client.get(url, headers={"If-None-Match": file.headers["etag"]}).status_code == 304
        stale = service.client.get(url, headers={"Range": "bytes=0-9", "If-Range": '"old"'})
        assert (stale.status_code, len(stale.content)) == (200, told["bytes"])

    def test_keep_filter_box_and_revision(self, exporting: tuple[Service, Path], tmp_path: Path) -> None:
        service, _ = exporting
        box = "107.1,11.0,107.2,11.1"
        job, file = export(
            service, layer="parcels", format="parquet", bbox=box, filter="geom_area_m2 > 500", revision=1
        )
        frame = read_frame(job["file"]["name"], file.content, tmp_path)
        with psycopg.connect(service.database.superuser_dsn) as db:
            expected = db.execute(
                "SELECT fid FROM features.parcels WHERE geom_area_m2 > 500"
                f" AND ST_Intersects(geom, ST_MakeEnvelope({box}, 4326)) ORDER BY fid"
            ).fetchall()
        assert list(frame["fid"]) == [row[0] for row in expected] != []

    def test_hold_no_personal_field(self, exporting: tuple[Service, Path], tmp_path: Path) -> None:
        service, _ = exporting
        fields = service.client.get("/api/layers/parcels").json()["definition"]["fields"]
        personal = {field["name"] for field in fields if field.get("personal")}
        job, file = export(service, layer="parcels", format="gpkg", filter="fid < 50")
        assert personal
        assert not personal & set(read_frame(job["file"]["name"], file.content, tmp_path).columns)

    def test_of_nothing_are_whole(self, exporting: tuple[Service, Path], tmp_path: Path) -> None:
        service, _ = exporting
        for form in ("gpkg", "parquet", "fgb", "shp", "csv", "geojson"):
            job, file = export(service, layer="schools", format=form, bbox="0,0,1,1")
            if form != "geojson":
                assert len(read_frame(job["file"]["name"], file.content, tmp_path)) == 0
            assert job["file"]["features"] == 0


class TestShapefile:
    # 5897, 5899 and a zone that PostGIS 3.3 does not know; both UTM zones.
    CASES = ((5897, 105.0, 0.9999), (5899, 107.75, 0.9999), (9215, 107.25, 0.9999), (3405, 105.0, 0.9996))

    @pytest.mark.parametrize(("code", "meridian", "scale"), CASES)
    def test_in_vn2000_is_the_true_crs_and_exact_to_a_millimetre(
        self, exporting: tuple[Service, Path], tmp_path: Path, code: int, meridian: float, scale: float
    ) -> None:
        service, _ = exporting
        job, file = export(service, layer="schools", format="shp", crs=f"EPSG:{code}")
        folder = tmp_path / "shp"
        zipfile.ZipFile(io.BytesIO(file.content)).extractall(folder)
        assert {path.name for path in folder.iterdir()} == {
            "schools.shp", "schools.shx", "schools.dbf", "schools.prj", "schools.cpg", "fields.csv",
        }  # fmt: skip
        assert (folder / "schools.cpg").read_text() == "UTF-8"
        wkt = (folder / "schools.prj").read_text()
        assert wkt.startswith('PROJCS["')
        assert "AUTHORITY" not in wkt
        assert pyproj.CRS.from_wkt(wkt).to_epsg(min_confidence=60) == code
        frame = gpd.read_file(folder / "schools.shp", engine="pyogrio").sort_values("fid")
        assert frame.crs.to_epsg(min_confidence=60) == code
        told = subprocess.run(
            ["gdalsrsinfo", "-o", "epsg", str(folder / "schools.prj")], capture_output=True, text=True, check=True
        )
        assert told.stdout.strip() == f"EPSG:{code}"
        with psycopg.connect(service.database.superuser_dsn) as db:
            places = np.array(db.execute("SELECT ST_X(geom), ST_Y(geom) FROM features.schools ORDER BY fid").fetchall())
        expected = pyproj.Transformer.from_pipeline(ORACLE.format(lon=meridian, k=scale)).transform(*places.T)
        assert np.abs(np.array(expected) - [frame.geometry.x, frame.geometry.y]).max() < 0.001
        assert job["file"]["crs"].endswith(f"/{code}")

    def test_has_short_names_with_a_legend(self, exporting: tuple[Service, Path], tmp_path: Path) -> None:
        service, _ = exporting
        _, file = export(service, layer="parcels", format="shp", filter="fid < 100")
        archive = zipfile.ZipFile(io.BytesIO(file.content))
        archive.extractall(tmp_path)
        legend = pd.read_csv(tmp_path / "fields.csv", encoding="utf-8-sig")
        columns = list(pyogrio.read_info(tmp_path / "parcels.shp", encoding="UTF-8")["fields"])
        assert ["fid", *legend["dbf_name"]] == columns
        assert legend["dbf_name"].str.len().max() <= 10
        assert legend["dbf_name"].is_unique
        assert (legend.set_index("name").loc["land_use_main", "title_vi"]) != ""


class TestJobs:
    def test_resume_after_the_worker_was_killed(self, database: Database, tmp_path: Path) -> None:
        for service in run_service(database, tmp_path):
            (tmp_path / "external-database-secret").write_text(database.secret.hex())
            environment = {**os.environ, "DATABASE_URL": database.superuser_dsn, "DIABAN_STATE_DIR": str(tmp_path)}
            command = [sys.executable, "-m", "app.cli", "worker"]
            with psycopg.connect(database.superuser_dsn) as holder:
                # The job hangs in the middle of its reading for as long as the lock is held.
                holder.execute("LOCK features.schools IN ACCESS EXCLUSIVE MODE")
                job_id = service.client.post("/api/exports", json={"layer": "schools", "format": "gpkg"}).json()["id"]
                with subprocess.Popen(command, env=environment, cwd=CHECKOUT) as worker:
                    wait_for(service, job_id, "running")
                    worker.send_signal(signal.SIGKILL)
                assert worker.returncode == -signal.SIGKILL
                assert service.client.get(f"/api/exports/{job_id}/file").status_code == 409
            with working(database, tmp_path):
                job = wait_for(service, job_id, "succeeded", "failed")
            assert (job["status"], job["attempts"]) == ("succeeded", 2)
            assert service.client.get(f"/api/exports/{job_id}/file").status_code == 200
            assert sorted(path.name for path in (tmp_path / "exports").iterdir()) == [job_id]

    def test_files_expire(self, exporting: tuple[Service, Path]) -> None:
        service, folder = exporting
        job, _ = export(service, layer="schools", format="csv")
        with psycopg.connect(service.database.superuser_dsn, autocommit=True) as db:
            db.execute("UPDATE jobs.jobs SET expires_at = now() - interval '1 s' WHERE id = %s", [job["id"]])
        expire_jobs(service.database, folder / "exports")
        assert service.client.get(f"/api/exports/{job['id']}").json()["status"] == "expired"
        assert service.client.get(f"/api/exports/{job['id']}/file").status_code == 410
        assert not (folder / "exports" / job["id"]).exists()

    def test_a_file_asked_for_twice_is_made_once_for_each(self, exporting: tuple[Service, Path]) -> None:
        service, _ = exporting
        first, _ = export(service, layer="schools", format="csv")
        second, _ = export(service, layer="schools", format="csv")
        assert first["id"] != second["id"]
        assert first["file"]["sha256"] == second["file"]["sha256"]


class TestBadInput:
    CASES = (
        ({}, None), ({"layer": "nosuch"}, "layer"), ({"layer": "security-cameras"}, "layer"),
        ({"layer": "schools", "format": "exe"}, None), ({"layer": "schools", "crs": "EPSG:1"}, "crs"),
        ({"layer": "schools", "format": "geojson", "crs": "EPSG:5899"}, "crs"),
        ({"layer": "schools", "filter": "nosuch = 1"}, "filter"),
        ({"layer": "parcels", "filter": "owner_name = 'x'"}, "filter"),
        ({"layer": "schools", "bbox": "1,2"}, "bbox"), ({"layer": "schools", "revision": 99}, None),
        ({"layer": "schools", "extra": 1}, None),
    )  # fmt: skip

    @pytest.mark.parametrize(("body", "parameter"), CASES)
    def test_is_refused_before_it_becomes_a_job(
        self, service: Service, body: dict[str, object], parameter: str | None
    ) -> None:
        response = service.client.post("/api/exports", json=body)
        assert response.status_code in (400, 404, 422), response.text
        assert response.headers["content-type"] == "application/problem+json"
        if parameter:
            assert response.json()["parameter"] == parameter

    @pytest.mark.parametrize("job", ["x", "00000000-0000-0000-0000-000000000000"])
    def test_an_unknown_job_is_404(self, service: Service, job: str) -> None:
        assert service.client.get(f"/api/exports/{job}").status_code == 404
        assert service.client.get(f"/api/exports/{job}/file").status_code == 404
