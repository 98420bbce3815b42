"""Layers made, filled and changed by commands in another process, under a service that runs on."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
import shapely
import yaml

from app.settings import CHECKOUT
from spatial.crs import CRS84, crs_by_code, transform_geometry
from tests.conftest import Service

pytestmark = pytest.mark.db
HERE = shapely.Point(107.15, 11.05)
# Two seconds are promised; a machine that is busy is given more before the promise counts as broken.
PATIENCE_S = 10
COLLECTION = "/ogc/collections/boat-houses"
DEFINITION: dict[str, Any] = {
    "slug": "boat-houses",
    "title": {"vi": "Nhà thuyền", "en": "Boat houses"},
    "description": {"vi": "Nơi neo đậu.", "en": "Places where boats lie."},
    "group": "sector",
    "geometry": "Point",
    "key": ["code"],
    "steward": "Sở Xây dựng",
    "frequency": "yearly",
    "sensitivity": "public",
    "source": "Kế hoạch 12/KH-UBND",
    "fields": [
        {"name": "code", "title": {"vi": "Mã", "en": "Code"}, "type": "text", "required": True, "max_length": 20},
        {"name": "berths", "title": {"vi": "Chỗ neo", "en": "Berths"}, "type": "integer", "maximum": 500},
    ],
    "tiles": {"min_zoom": 8, "max_zoom": 16, "max_features": 1000},
    "style": {"type": "circle", "color": "#1b9e77", "label_field": "code", "min_zoom": 8},
}
DEPTH = {"name": "depth_m", "title": {"vi": "Độ sâu", "en": "Depth"}, "type": "number", "unit": "m"}


@pytest.fixture
def diaban(own_service: Service, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs ``diaban layers …`` on the service's database, in a process of its own."""
    state = tmp_path / "state"
    state.mkdir()
    (state / "external-database-secret").write_text(own_service.database.secret.hex())
    environment = os.environ | {
        "DATABASE_URL": own_service.database.superuser_dsn,
        "DIABAN_STATE_DIR": str(state),
        "COLUMNS": "200",
    }

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "app.cli", "layers", *words]
        return subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, timeout=120)

    return run


def write(path: Path, **changes: object) -> str:
    path.write_text(yaml.safe_dump(DEFINITION | changes, allow_unicode=True), encoding="utf-8")
    return str(path)


def eventually(ask: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE_S
    while not ask():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


@pytest.mark.filterwarnings("ignore:'crs' was not provided")
def test_a_layer_lives_through_commands_without_a_restart(
    own_service: Service, diaban: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    client = own_service.client
    assert client.get(COLLECTION).status_code == 404

    done = diaban("add", write(tmp_path / "one.yaml"))
    assert done.returncode == 0, done.stderr
    assert eventually(lambda: client.get(COLLECTION).status_code == 200)
    assert client.get("/tiles/boat-houses.json").json()["vector_layers"][0]["id"] == "boat-houses"
    assert f"{COLLECTION.removeprefix('/ogc')}/items" in client.get("/ogc/openapi").json()["paths"]
    assert client.get("/api/layers/boat-houses").json()["definition"]["title"]["vi"] == "Nhà thuyền"

    # A file in VN-2000 goes in through EPSG:6960; the row that the definition refuses is told.
    moved = transform_geometry(HERE, CRS84, crs_by_code(9210))
    rows = gpd.GeoDataFrame({"code": ["A", "B"], "berths": [1, 999]}, geometry=[moved, moved], crs="EPSG:9210")
    rows.to_file(tmp_path / "places.gpkg", engine="pyogrio")
    done = diaban("load", "boat-houses", str(tmp_path / "places.gpkg"), "--rejects", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "999" in (tmp_path / "boat-houses.csv").read_text(encoding="utf-8-sig")
    assert eventually(lambda: client.get(f"{COLLECTION}/items").json()["numberMatched"] == 1)
    feature = client.get(f"{COLLECTION}/items").json()["features"][0]
    assert feature["geometry"]["coordinates"] == pytest.approx((HERE.x, HERE.y), abs=1e-8)
    assert feature["properties"]["code"] == "A"

    # A field more.
    done = diaban("add", write(tmp_path / "two.yaml", fields=[*DEFINITION["fields"], DEPTH]))
    assert done.returncode == 0, done.stderr
    assert eventually(lambda: "depth_m" in client.get(f"{COLLECTION}/queryables").json()["properties"])
    assert client.get(f"{COLLECTION}/items").json()["features"][0]["properties"]["depth_m"] is None
    assert client.get(f"{COLLECTION}/items", params={"filter": "depth_m > 1"}).json()["numberMatched"] == 0

    # A field less: it is hidden everywhere.
    done = diaban("add", write(tmp_path / "three.yaml", fields=[DEFINITION["fields"][0], DEPTH]))
    assert done.returncode == 0, done.stderr
    assert eventually(lambda: "berths" not in client.get(f"{COLLECTION}/queryables").json()["properties"])
    assert "berths" not in client.get(f"{COLLECTION}/items").json()["features"][0]["properties"]
    assert client.get(f"{COLLECTION}/items", params={"filter": "berths > 1"}).status_code == 400

    # What needs another table is refused with a sentence, and nothing changes.
    for changes in (
        {"geometry": "MultiPolygon", "style": DEFINITION["style"] | {"type": "fill"}},
        {"key": ["depth_m"]},
    ):
        refused = diaban("add", write(tmp_path / "wrong.yaml", **changes))
        assert refused.returncode == 1
        assert "Traceback" not in refused.stderr
    assert client.get(f"{COLLECTION}/items").json()["numberMatched"] == 1

    shown = diaban("show", "boat-houses")
    assert yaml.safe_load(shown.stdout)["slug"] == "boat-houses"
    assert "boat-houses" in diaban("list").stdout
    exported = diaban("export", "boat-houses", str(tmp_path / "out.geojson"))
    assert exported.returncode == 0, exported.stderr
    assert list(gpd.read_file(tmp_path / "out.geojson")["code"]) == ["A"]

    # Without a CRS nobody guesses.
    gpd.GeoDataFrame({"code": ["C"]}, geometry=[HERE]).to_file(tmp_path / "bare.shp", engine="pyogrio")
    refused = diaban("load", "boat-houses", str(tmp_path / "bare.shp"))
    assert refused.returncode == 1
    assert "--crs" in refused.stderr


def test_a_wrong_definition_is_refused_with_file_line_and_reason(
    diaban: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    refused = diaban("add", write(tmp_path / "wrong.yaml", group="sectr"))
    assert refused.returncode == 1
    assert "wrong.yaml:" in refused.stderr
    assert "sector" in refused.stderr
