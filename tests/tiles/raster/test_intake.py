"""Raster files taken in, held against PROJ and numpy; bad ones refused with their reason."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.enums import ColorInterp
from rasterio.transform import from_origin
from rio_cogeo.cogeo import cog_validate
from shapely import box, transform
from sqlalchemy import Engine, text

from app.database import Database
from layers.definition import DataGroup, Label, Sensitivity
from tests.conftest import SHARED_DATA
from tests.tiles.raster.scenes import TO_5899, photo, plane
from tiles.address import TileAddress
from tiles.raster.catalogue import put_raster, withdraw_scene
from tiles.raster.errors import RasterRefused
from tiles.raster.figures import value_at, zone_figures
from tiles.raster.intake import Declared, parse_nodata, take_scene
from tiles.raster.model import RasterKind, RasterLayer, Scene
from tiles.raster.render import read_tile

pytestmark = pytest.mark.db
DAY = date(2026, 5, 1)


@pytest.fixture(scope="module")
def engine(make_clone: Callable[[], Database]) -> Iterator[Engine]:
    """An owner's engine on a database of this module's own."""
    made = make_clone().engine("diaban_owner")
    yield made
    made.dispose()


@pytest.fixture
def owner(engine: Engine) -> Engine:
    """The same, without any raster layer."""
    with engine.begin() as connection:
        connection.execute(text("TRUNCATE catalogue.rasters, catalogue.raster_scenes"))
    return engine


def layer_of(kind: RasterKind, slug: str = "ground") -> RasterLayer:
    return RasterLayer(
        slug, Label("Mặt đất", "Ground"), kind, DataGroup.MAP, Sensitivity.PUBLIC, "Sở", "test", "m", "viridis",
        None, None, 0,
    )  # fmt: skip


def take(owner: Engine, store: Path, file: Path, kind: RasterKind = RasterKind.ELEVATION, **declared: object) -> Scene:
    layer = layer_of(kind)
    with owner.begin() as connection:
        put_raster(connection, layer, author="tester")
    wish = Declared(**{"dated_on": DAY, **declared})  # type: ignore[arg-type]
    return take_scene(owner, store, layer, file, wish, author="test")[1]


class TestAnElevation:
    @pytest.mark.parametrize("lon", [107.05, 107.2])
    def test_lies_where_proj_says_to_half_a_pixel_on_both_sides_of_the_trap(
        self, owner: Engine, tmp_path: Path, lon: float
    ) -> None:
        east, north = plane(tmp_path / "dem.tif", lon=lon)
        scene = take(owner, tmp_path / "store", tmp_path / "dem.tif")
        assert cog_validate(scene.path(tmp_path / "store"))[0]
        assert scene.crs == "EPSG:5899"
        rng = np.random.default_rng(1)
        for dx, dy in rng.uniform(5, 190, (20, 2)):
            back = TO_5899.transform(east + dx, north + dy, direction="INVERSE")
            value = value_at([scene], tmp_path / "store", *back)
            # Half a pixel in each direction; a datum shift by the wrong operation would be 0.8 m.
            assert value == pytest.approx(dx + dy, abs=0.5 + 0.02)

    def test_has_no_value_in_the_hole_and_beside_it(self, owner: Engine, tmp_path: Path) -> None:
        east, north = plane(tmp_path / "dem.tif")
        scene = take(owner, tmp_path / "store", tmp_path / "dem.tif")
        for dx, dy in ((100, 199.8), (100, 300), (-10, 10)):
            back = TO_5899.transform(east + dx, north + dy, direction="INVERSE")
            assert value_at([scene], tmp_path / "store", *back) is None

    def test_is_drawn_in_tiles_where_it_lies(self, owner: Engine, tmp_path: Path) -> None:
        import morecantile

        east, north = plane(tmp_path / "dem.tif")
        scene = take(owner, tmp_path / "store", tmp_path / "dem.tif")
        centre = TO_5899.transform(east + 100, north + 100, direction="INVERSE")
        tms = morecantile.tms.get("WebMercatorQuad")
        tile = tms.tile(*centre, 19)
        image = read_tile(layer_of(RasterKind.ELEVATION), [scene], tmp_path / "store", TileAddress(19, tile.x, tile.y))
        assert image is not None
        bounds = tms.bounds(tile)
        for row, column in ((30, 40), (128, 128), (200, 90)):
            lon = bounds.left + (column + 0.5) / 256 * (bounds.right - bounds.left)
            lat = bounds.top + (row + 0.5) / 256 * (bounds.bottom - bounds.top)
            x, y = TO_5899.transform(lon, lat)
            if not image.mask[row, column]:
                continue
            assert image.data[0, row, column] == pytest.approx(x - east + y - north, abs=0.5)

    def test_zone_figures_are_those_of_its_pixels(self, owner: Engine, tmp_path: Path) -> None:
        east, north = plane(tmp_path / "dem.tif")
        scene = take(owner, tmp_path / "store", tmp_path / "dem.tif")
        metres = box(east + 20, north + 30, east + 120, north + 90)

        def back(points: np.ndarray) -> np.ndarray:
            return np.column_stack(TO_5899.transform(points[:, 0], points[:, 1], direction="INVERSE"))

        figures = zone_figures([scene], tmp_path / "store", transform(metres, back))
        xs, ys = np.arange(20.25, 120, 0.5), np.arange(30.25, 90, 0.5)
        expected = xs[None, :] + ys[:, None]
        assert figures.is_exact
        assert figures.pixel_count == pytest.approx(expected.size, rel=0.01)
        assert figures.mean == pytest.approx(expected.mean(), abs=0.3)
        assert figures.median == pytest.approx(np.median(expected), abs=0.6)
        assert figures.deviation == pytest.approx(expected.std(), rel=0.01)
        assert figures.minimum == pytest.approx(expected.min(), abs=1)
        assert figures.maximum == pytest.approx(expected.max(), abs=1)
        assert figures.covered_share == pytest.approx(1, abs=0.01)
        # The plane's scale factor at this distance from the meridian is near 1.
        assert figures.area_m2 == pytest.approx(6000, rel=0.02)

    def test_same_day_and_ground_twice_is_refused_until_withdrawn(self, owner: Engine, tmp_path: Path) -> None:
        plane(tmp_path / "dem.tif")
        scene = take(owner, tmp_path / "store", tmp_path / "dem.tif")
        with pytest.raises(RasterRefused) as error:
            take(owner, tmp_path / "store", tmp_path / "dem.tif")
        assert error.value.reason == "overlap"
        assert scene.path(tmp_path / "store").exists()
        with owner.begin() as connection:
            scene_id = connection.execute(text("SELECT scene_id FROM catalogue.raster_scenes")).scalar_one()
            withdraw_scene(connection, "ground", scene_id, author="tester")
        take(owner, tmp_path / "store", tmp_path / "dem.tif")
        with owner.connect() as connection:
            assert connection.execute(text("SELECT revision FROM catalogue.rasters")).scalar_one() == 3


class TestAPicture:
    def test_with_a_palette_becomes_colours(self, owner: Engine, tmp_path: Path) -> None:
        photo(tmp_path / "rgb.tif")
        with rasterio.open(tmp_path / "rgb.tif") as source:
            profile = source.profile | {"count": 1, "photometric": "palette"}
        with rasterio.open(tmp_path / "plan.tif", "w", **profile) as out:
            out.write(np.ones((1, 300, 300), dtype=np.uint8))
            out.write_colormap(1, {1: (10, 200, 30, 255)})
        scene = take(owner, tmp_path / "store", tmp_path / "plan.tif", RasterKind.DRAWING)
        with rasterio.open(scene.path(tmp_path / "store")) as cog:
            assert cog.colorinterp[-1] is ColorInterp.alpha
            assert cog.read()[:, 5, 5].tolist() == [10, 200, 30, 255]

    @pytest.mark.filterwarnings("ignore:Dataset has no geotransform")
    def test_with_a_world_file_and_a_declared_crs_is_placed(self, owner: Engine, tmp_path: Path) -> None:
        photo(tmp_path / "rgb.tif")
        with rasterio.open(tmp_path / "rgb.tif") as source:
            affine, pixels = source.transform, source.read()
        with rasterio.open(
            tmp_path / "Bản vẽ.png", "w", driver="PNG", width=300, height=300, count=3, dtype="uint8"
        ) as out:
            out.write(pixels)
        numbers = (affine.a, 0, 0, affine.e, affine.c + affine.a / 2, affine.f + affine.e / 2)
        (tmp_path / "Bản vẽ.PGW").write_text("\n".join(str(number) for number in numbers))
        scene = take(owner, tmp_path / "store", tmp_path / "Bản vẽ.png", RasterKind.DRAWING, epsg=5899)
        expected = TO_5899.transform(affine.c, affine.f, direction="INVERSE")
        assert (scene.bounds[0], scene.bounds[3]) == pytest.approx(expected, abs=1e-4)
        assert scene.source_name == "Bản vẽ.png"


class TestRefused:
    def refuse(self, owner: Engine, tmp_path: Path, file: Path, **options: object) -> RasterRefused:
        with pytest.raises(RasterRefused) as error:
            take(owner, tmp_path / "store", file, **options)  # type: ignore[arg-type]
        with owner.connect() as connection:
            assert connection.execute(text("SELECT count(*) FROM catalogue.raster_scenes")).scalar_one() == 0
        assert not list((tmp_path / "store" / "cog").glob("*")) if (tmp_path / "store").exists() else True
        return error.value

    @pytest.mark.parametrize(
        ("made", "declared", "reason"),
        [
            ({"epsg": None}, {}, "no-crs"),
            ({"epsg": 2193}, {}, "crs-not-served"),
            ({}, {"epsg": 5897}, None),
            ({"epsg": 3857}, {}, "outside-vietnam"),
            ({}, {"epsg": 4326}, "outside-vietnam"),
            ({"nodata": None}, {}, "undeclared-nodata"),
            ({"nodata": -32768.0}, {}, "undeclared-nodata"),
            ({"hole": 1e30, "nodata": None}, {}, "undeclared-nodata"),
            ({"hole": None, "nodata": None}, {"nodata": 1e300}, "nodata-outside-type"),
        ],
    )
    def test_for_what_it_says_of_itself(
        self, owner: Engine, tmp_path: Path, made: dict, declared: dict, reason: str | None
    ) -> None:
        plane(tmp_path / "dem.tif", **made)
        if reason is None:
            # A neighbouring zone's meridian lies inside Vietnam too: it cannot be told from the truth.
            assert take(owner, tmp_path / "store", tmp_path / "dem.tif", **declared).crs == "EPSG:5897"
            return
        error = self.refuse(owner, tmp_path, tmp_path / "dem.tif", **declared)
        assert error.reason == reason
        assert error.vi != error.en

    def test_exchanged_axes_are_told(self, owner: Engine, tmp_path: Path) -> None:
        with rasterio.open(
            tmp_path / "x.tif", "w", driver="GTiff", width=10, height=10, count=1, dtype="float32", crs="EPSG:4326",
            transform=from_origin(11.0, 107.0, 0.01, 0.01),
        ) as out:  # fmt: skip
            out.write(np.ones((1, 10, 10), dtype=np.float32))
        error = self.refuse(owner, tmp_path, tmp_path / "x.tif")
        assert error.reason == "outside-vietnam"
        assert "exchanged" in error.en

    def test_a_nodata_value_among_the_measurements_is_doubted_until_declared(
        self, owner: Engine, tmp_path: Path
    ) -> None:
        plane(tmp_path / "dem.tif", nodata=None, hole=None)
        with rasterio.open(tmp_path / "dem.tif", "r+") as source:
            values = source.read(1)
            values[150:180, 150:180] = 200.25
            source.write(values, 1)
            source.nodata = 200.25
        error = self.refuse(owner, tmp_path, tmp_path / "dem.tif")
        assert error.reason == "nodata-inside-values"
        assert take(owner, tmp_path / "store", tmp_path / "dem.tif", no_nodata=True).nodata is None

    def test_a_bomb_of_pixels_is_not_opened(self, owner: Engine, tmp_path: Path) -> None:
        with rasterio.open(
            tmp_path / "bomb.tif", "w", driver="GTiff", width=120_000, height=120_000, count=1, dtype="uint8",
            crs="EPSG:5899", transform=from_origin(400_000, 1_200_000, 1, 1), sparse_ok=True, tiled=True,
            bigtiff="YES",
        ):  # fmt: skip
            pass
        assert self.refuse(owner, tmp_path, tmp_path / "bomb.tif", kind=RasterKind.PHOTO).reason == "pixel-bomb"

    @pytest.mark.parametrize(
        "content",
        [
            b"<VRTDataset rasterXSize='1' rasterYSize='1'><SRS>/vsicurl/http://127.0.0.1/x</SRS></VRTDataset>",
            b"",
            b"GIF89a",
        ],
    )
    def test_what_is_no_image(self, owner: Engine, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "plan.tif").write_bytes(content)
        assert self.refuse(owner, tmp_path, tmp_path / "plan.tif").reason == "not-an-image"

    @pytest.mark.parametrize("kept", [8, 300, 90_000])
    def test_a_file_cut_short(self, owner: Engine, tmp_path: Path, kept: int) -> None:
        plane(tmp_path / "dem.tif")
        (tmp_path / "cut.tif").write_bytes((tmp_path / "dem.tif").read_bytes()[:kept])
        assert self.refuse(owner, tmp_path, tmp_path / "cut.tif").reason in ("unreadable-crash", "empty", "no-crs")

    def test_colours_where_values_are_asked(self, owner: Engine, tmp_path: Path) -> None:
        photo(tmp_path / "rgb.tif")
        assert self.refuse(owner, tmp_path, tmp_path / "rgb.tif").reason == "not-values"

    @pytest.mark.skipif(not SHARED_DATA.exists(), reason="the real data are not here")
    def test_a_real_raster_of_another_country(self, owner: Engine, tmp_path: Path) -> None:
        shutil.copy(SHARED_DATA / "raster_nz_linz" / "EL.tif", tmp_path / "EL.tif")
        error = self.refuse(owner, tmp_path, tmp_path / "EL.tif")
        assert error.reason == "crs-not-served"
        assert "2193" in error.vi


class TestDeclaredNodata:
    @pytest.mark.parametrize(
        ("written", "read"), [(None, (None, False)), ("none", (None, True)), ("-1", (-1.0, False))]
    )
    def test_is_read(self, written: str | None, read: tuple[float | None, bool]) -> None:
        assert parse_nodata(written) == read

    @pytest.mark.parametrize("written", ["x", "inf", "", "1e999"])
    def test_is_refused(self, written: str) -> None:
        with pytest.raises(RasterRefused):
            parse_nodata(written)
