"""Raster layers over HTTP: pictures decoded, figures held against the plane they were made from."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
import rasterio
from rasterio.io import MemoryFile

from layers.definition import DataGroup, Label, Sensitivity
from tests.conftest import Service, run_service
from tests.tiles.raster.scenes import TO_5899, photo, plane
from tiles.raster.catalogue import put_raster
from tiles.raster.intake import Declared, take_scene
from tiles.raster.model import RasterKind, RasterLayer

pytestmark = [pytest.mark.db, pytest.mark.filterwarnings("ignore:Dataset has no geotransform")]
CORNER = (107.05, 11.0)


def make_layer(slug: str, kind: RasterKind, sensitivity: Sensitivity = Sensitivity.PUBLIC) -> RasterLayer:
    title = Label("Mô hình số độ cao", "Elevation model")
    values = ("m", "viridis") if kind.has_values else (None, "viridis")
    return RasterLayer(
        slug, title, kind, DataGroup.MAP, sensitivity, "Sở Nông nghiệp và Môi trường", "test", *values, None, None, 0
    )


@pytest.fixture(scope="module")
def rasters(make_clone, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with two elevations of different days, a picture, and a restricted layer."""
    database, state, files = make_clone(), tmp_path_factory.mktemp("state"), tmp_path_factory.mktemp("files")
    engine = database.engine("diaban_owner")
    plane(files / "may.tif")
    plane(files / "june.tif", hole=None)
    photo(files / "photo.tif")
    scenes: list[tuple[RasterLayer, Path, date]] = [
        (make_layer("ground", RasterKind.ELEVATION), files / "may.tif", date(2026, 5, 1)),
        (make_layer("ground", RasterKind.ELEVATION), files / "june.tif", date(2026, 6, 1)),
        (make_layer("picture", RasterKind.PHOTO), files / "photo.tif", date(2026, 5, 1)),
        (make_layer("hidden", RasterKind.PHOTO, Sensitivity.RESTRICTED), files / "photo.tif", date(2026, 5, 1)),
    ]
    for layer, file, day in scenes:
        with engine.begin() as connection:
            put_raster(connection, layer, author="tester")
        take_scene(engine, state / "rasters", layer, file, Declared(day), author="test")
    engine.dispose()
    yield from run_service(database, state)


def tile_path(slug: str, lon: float, lat: float, z: int, form: str = "png") -> str:
    import morecantile

    tile = morecantile.tms.get("WebMercatorQuad").tile(lon, lat, z)
    return f"/tiles/raster/{slug}/{z}/{tile.x}/{tile.y}.{form}"


class TestAList:
    def test_names_public_layers_only(self, rasters: Service) -> None:
        found = rasters.client.get("/api/rasters").json()["rasters"]
        assert [layer["slug"] for layer in found] == ["ground", "picture"]

    @pytest.mark.parametrize(
        "path", ["/api/rasters/hidden", "/tiles/raster/hidden.json", "/tiles/raster/hidden/1/0/0.png"]
    )
    def test_hidden_is_absent_at_every_door(self, rasters: Service, path: str) -> None:
        answer = rasters.client.get(path)
        nobody = rasters.client.get(path.replace("hidden", "nobody"))
        assert answer.status_code == nobody.status_code == 404
        assert answer.json()["detail"].replace("hidden", "nobody") == nobody.json()["detail"]

    def test_scenes_come_by_day_without_file_names(self, rasters: Service) -> None:
        scenes = rasters.client.get("/api/rasters/ground").json()["scenes"]
        assert [scene["dated_on"] for scene in scenes] == ["2026-05-01", "2026-06-01"]
        assert "file" not in scenes[0]


class TestATile:
    @pytest.mark.parametrize("form", ["png", "webp"])
    def test_shows_red_in_the_west_and_blue_in_the_east(self, rasters: Service, form: str) -> None:
        east, north = TO_5899.transform(*CORNER)
        for dx, colour in ((150, [255, 0, 0]), (450, [0, 0, 255])):
            lon, lat = TO_5899.transform(east + dx, north + 300, direction="INVERSE")
            answer = rasters.client.get(tile_path("picture", lon, lat, 19, form))
            assert answer.headers["content-type"] == f"image/{form}"
            with MemoryFile(answer.content) as memory, memory.open() as image:
                pixels = image.read()
            assert abs(pixels[:3, 128, 128].astype(int) - colour).max() <= 3

    def test_is_transparent_where_there_is_no_scene_and_absent_far_away(self, rasters: Service) -> None:
        near = rasters.client.get(tile_path("picture", *CORNER, 14))
        with MemoryFile(near.content) as memory, memory.open() as image:
            alpha = image.read(image.count)
        assert alpha.min() == 0
        assert alpha.max() == 255
        assert rasters.client.get(tile_path("picture", 105, 21, 14)).status_code == 204

    def test_has_a_tag(self, rasters: Service) -> None:
        path = tile_path("ground", *CORNER, 16)
        first = rasters.client.get(path)
        again = rasters.client.get(path, headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert rasters.client.get(f"{path}?date=2026-05-02").headers["etag"] != first.headers["etag"]

    def test_json_says_where(self, rasters: Service) -> None:
        document = rasters.client.get("/tiles/raster/ground.json").json()
        west, south, east, north = document["bounds"]
        assert (west, south) == pytest.approx(CORNER, abs=1e-4)
        assert west < east
        assert south < north


class TestFigures:
    def test_value_and_series_at_a_point_given_in_vn2000(self, rasters: Service) -> None:
        east, north = (round(value) for value in TO_5899.transform(*CORNER))
        at = {"at": f"{east + 30.1},{north + 40.1}", "crs": "EPSG:5899"}
        found = rasters.client.get("/api/rasters/ground/value", params=at).json()
        assert found["value"] == pytest.approx(70.2, abs=0.6)
        assert (found["date"], found["unit"]) == ("2026-06-01", "m")
        top = {"at": f"{east + 30},{north + 199.8}", "crs": "EPSG:5899"}
        series = rasters.client.get("/api/rasters/ground/series", params=top).json()["series"]
        assert series[0] == {"date": "2026-05-01", "value": None}
        assert series[1]["value"] == pytest.approx(229.8, abs=0.6)

    def test_of_a_unit_cover_the_scene(self, rasters: Service) -> None:
        unit = rasters.client.get("/api/units", params={"at": "107.0505,11.0005"}).json()["units"]
        code = next(item["code"] for item in unit if item["level"] == "commune")
        found = rasters.client.post("/api/rasters/ground/figures", json={"unit": code}).json()["figures"]
        assert 0 < found["pixel_count"] <= 400 * 400
        assert 0 < found["covered_share"] < 1

    def test_of_a_drawn_zone(self, rasters: Service) -> None:
        ring = [[107.0502, 11.0002], [107.0508, 11.0002], [107.0508, 11.0008], [107.0502, 11.0008], [107.0502, 11.0002]]
        body = {"zone": {"type": "Polygon", "coordinates": [ring]}, "date": "2026-05-15"}
        found = rasters.client.post("/api/rasters/ground/figures", json=body).json()
        assert found["date"] == "2026-05-01"
        assert found["figures"]["minimum"] < found["figures"]["mean"] < found["figures"]["maximum"]

    def test_legend_goes_from_least_to_greatest(self, rasters: Service) -> None:
        stops = rasters.client.get("/api/rasters/ground/legend").json()["stops"]
        values = [stop["value"] for stop in stops]
        assert values == sorted(values)
        picture = rasters.client.get("/api/rasters/ground/legend?f=svg")
        assert picture.headers["content-type"].startswith("image/svg+xml")
        assert "Mô hình số độ cao (m)" in picture.text


class TestBadRequests:
    @pytest.mark.parametrize(
        ("method", "path", "body", "parameter"),
        [
            ("GET", "/api/rasters/picture/value?at=107,11", None, "raster"),
            ("GET", "/api/rasters/ground/value?at=11,107", None, "at"),
            ("GET", "/api/rasters/ground/value?at=nan,1", None, "at"),
            ("GET", "/api/rasters/ground/value?at=107,11&date=2020-01-01", None, "date"),
            ("GET", "/tiles/raster/ground/30/0/0.png", None, "tile"),
            ("POST", "/api/rasters/ground/figures", {}, "zone"),
            ("POST", "/api/rasters/ground/figures", {"unit": "00000000"}, "code"),
            ("POST", "/api/rasters/ground/figures", {"zone": {"type": "Point", "coordinates": [107, 11]}}, "zone"),
            ("POST", "/api/rasters/ground/figures", {"unit": "1", "zones": 1}, "zones"),
        ],
    )
    def test_are_problems_that_name_the_parameter(
        self, rasters: Service, method: str, path: str, body: object, parameter: str
    ) -> None:
        answer = rasters.client.request(method, path, json=body)
        assert 400 <= answer.status_code < 500
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["parameter"] == parameter


def test_gdal_reads_the_original_kept(rasters: Service) -> None:
    originals = list(rasters.state.glob("rasters/original/*.tif"))
    assert len(originals) == 3
    with rasterio.open(originals[0]) as source:
        assert source.width in (300, 400)
