"""Tiles against the table: nothing lost or doubled at edges, parts that fit together, counts that add up."""

from __future__ import annotations

import numpy as np
import psycopg
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import box, shape

from spatial.crs import CRS84, transformer
from tests.conftest import Service
from tests.tiles.world import addresses, around, extent, middle, read, to_crs
from tiles.address import TileAddress
from tiles.matrix import MATRIX_SETS, VN2000_UTM48, WEB_MERCATOR, WORLD_CRS84

pytestmark = [pytest.mark.db]


def fids_in(db: psycopg.Connection, table: str, tiles: list) -> set[int]:
    envelopes = [shapely.to_wkb(box(*tile.bounds)) for tile in tiles]
    return {
        row[0]
        for row in db.execute(
            f"SELECT fid FROM features.{table} f WHERE EXISTS (SELECT 1 FROM unnest(%s::bytea[]) e(wkb)"
            " WHERE ST_Intersects(f.tile_geom, ST_GeomFromWKB(e.wkb, 3857)))",
            [envelopes],
        ).fetchall()
    }


def features_in(service: Service, slug: str, tile: TileAddress) -> list[dict]:
    return read(service, slug, tile).get(slug, {"features": []})["features"]


class TestAnAreaOfTiles:
    @settings(max_examples=6, deadline=None)
    @given(share_x=st.floats(0.2, 0.8), share_y=st.floats(0.2, 0.8), z=st.integers(15, 17))
    def test_holds_exactly_the_parcels_of_the_table(
        self, service: Service, db: psycopg.Connection, share_x: float, share_y: float, z: int
    ) -> None:
        west, south, east, north = extent(db, "parcels")
        tiles = around((west + share_x * (east - west), south + share_y * (north - south)), z, 1)
        shown = {f["id"] for tile in tiles for f in features_in(service, "parcels", tile)}
        inside = fids_in(db, "parcels", tiles)
        assert inside <= shown
        for tile in tiles:
            ids = [f["id"] for f in features_in(service, "parcels", tile)]
            assert len(ids) == len(set(ids))

    @pytest.mark.parametrize("slug", ["parcels", "communes"])
    def test_joins_clipped_parts_to_the_polygon_within_a_grid_cell(
        self, service: Service, db: psycopg.Connection, slug: str
    ) -> None:
        z = 16 if slug == "parcels" else 12
        fid, bounds, wkb = db.execute(
            "SELECT fid, ARRAY[ST_XMin(geom), ST_YMin(geom), ST_XMax(geom), ST_YMax(geom)], ST_AsBinary(tile_geom)"
            f" FROM features.{slug} ORDER BY geom_area_m2 DESC, fid LIMIT 1"
        ).fetchone()
        tiles = list(addresses(tuple(bounds), z))
        assert len(tiles) > 1
        parts = []
        for tile in tiles:
            for feature in features_in(service, slug, tile):
                if feature["id"] == fid:
                    drawn = shapely.transform(
                        shape(feature["geometry"]),
                        lambda xy, tile=tile: np.column_stack(to_crs(tile, xy[:, 0], xy[:, 1])),
                    )
                    parts.append(shapely.intersection(shapely.make_valid(drawn), box(*tile.bounds)))
        whole = shapely.from_wkb(wkb)
        grid = (tiles[0].bounds[2] - tiles[0].bounds[0]) / 4096
        assert shapely.union_all(parts).symmetric_difference(whole).area <= whole.length * grid
        assert sum(part.area for part in parts) == pytest.approx(whole.area, abs=whole.length * grid)


class TestCountsByCell:
    @pytest.mark.parametrize(("slug", "z"), [("parcels", 6), ("parcels", 9), ("parcels", 11), ("street-lights", 8)])
    def test_add_up_to_the_table(self, service: Service, db: psycopg.Connection, slug: str, z: int) -> None:
        table = slug.replace("-", "_")
        shown = [
            (feature["id"], feature["properties"]["_count"])
            for tile in addresses(extent(db, table), z)
            for feature in read(service, slug, tile).get(slug, {"features": []})["features"]
        ]
        assert len({cell for cell, _ in shown}) == len(shown)
        assert sum(count for _, count in shown) == db.execute(f"SELECT count(*) FROM features.{table}").fetchone()[0]

    def test_name_the_class_with_the_largest_area(self, service: Service, db: psycopg.Connection) -> None:
        tile = next(addresses((*middle(db, "parcels"), *middle(db, "parcels")), 11))
        cells = read(service, "parcels", tile)["parcels"]["features"]
        for feature in cells[:: max(1, len(cells) // 10)]:
            x, y = feature["id"] % (1 << 17), feature["id"] >> 17
            main = db.execute(
                "SELECT land_use_main FROM features.parcels WHERE label_geom && ST_TileEnvelope(17, %s, %s)"
                " AND ST_Intersects(label_geom, ST_TileEnvelope(17, %s, %s))"
                " GROUP BY 1 ORDER BY sum(geom_area_m2) DESC, 1 LIMIT 1",
                [x, y, x, y],
            ).fetchone()[0]
            assert feature["properties"].get("land_use_main") == main


class TestLabels:
    def test_stand_once_inside_their_polygon(self, service: Service, db: psycopg.Connection) -> None:
        seen: dict[int, tuple[float, float]] = {}
        for tile in addresses(extent(db, "communes"), 10):
            for feature in read(service, "communes", tile).get("communes_labels", {"features": []})["features"]:
                assert feature["id"] not in seen
                assert feature["properties"]["name"]
                seen[feature["id"]] = to_crs(tile, *feature["geometry"]["coordinates"])
        rows = dict(db.execute("SELECT fid, ST_AsBinary(tile_geom) FROM features.communes").fetchall())
        assert set(seen) == set(rows)
        for fid, point in seen.items():
            assert shapely.from_wkb(rows[fid]).distance(shapely.Point(point)) < 20


class TestBoundariesAtSmallScales:
    @pytest.mark.parametrize("level", [5, 7, 9])
    def test_do_not_crack_between_neighbours(self, db: psycopg.Connection, level: int) -> None:
        shapes = shapely.from_wkb(
            [
                row[0]
                for row in db.execute(
                    "SELECT ST_AsBinary(geom) FROM tiles.shapes WHERE slug = 'communes' AND level = %s ORDER BY fid",
                    [level],
                ).fetchall()
            ]
        )
        full = shapely.from_wkb(
            [
                row[0]
                for row in db.execute("SELECT ST_AsBinary(tile_geom) FROM features.communes ORDER BY fid").fetchall()
            ]
        )
        assert len(shapes) == len(full)
        assert shapely.coverage_is_valid(shapes)
        assert shapely.get_num_coordinates(shapes).sum() < shapely.get_num_coordinates(full).sum()

    def test_show_every_commune(self, service: Service, db: psycopg.Connection) -> None:
        shown = {
            feature["id"]
            for tile in addresses(extent(db, "communes"), 8)
            for feature in read(service, "communes", tile)["communes"]["features"]
        }
        assert shown == {row[0] for row in db.execute("SELECT fid FROM features.communes").fetchall()}


class TestTileMatrixSets:
    @pytest.mark.parametrize("matrix", MATRIX_SETS.values(), ids=lambda matrix: matrix.id)
    def test_put_points_where_proj_does(self, service: Service, db: psycopg.Connection, matrix) -> None:
        z = 14 - matrix.offset
        point = middle(db, "street_lights")
        tile = next(addresses((*point, *point), z, matrix))
        places = {
            fid: (lon, lat)
            for fid, lon, lat in db.execute("SELECT fid, ST_X(geom), ST_Y(geom) FROM features.street_lights").fetchall()
        }
        features = read(service, "street-lights", tile)["street-lights"]["features"]
        assert features
        grid = (tile.bounds[2] - tile.bounds[0]) / 4096
        for feature in features:
            x, y = to_crs(tile, *feature["geometry"]["coordinates"])
            east, north = transformer(CRS84, matrix.crs).transform(*places[feature["id"]])
            assert (x, y) == (pytest.approx(east, abs=grid), pytest.approx(north, abs=grid))

    @pytest.mark.parametrize("matrix", [WORLD_CRS84, VN2000_UTM48], ids=lambda matrix: matrix.id)
    def test_hold_the_same_communes_as_web_mercator(self, service: Service, db: psycopg.Connection, matrix) -> None:
        def shown(chosen, z: int) -> set[int]:
            return {
                feature["id"]
                for tile in addresses(extent(db, "communes"), z, chosen)
                for feature in read(service, "communes", tile).get("communes", {"features": []})["features"]
            }

        assert shown(matrix, 9 - matrix.offset) == shown(WEB_MERCATOR, 9)

    def test_are_described_with_limits(self, service: Service) -> None:
        client = service.client
        sets = client.get("/ogc/tileMatrixSets?f=json").json()["tileMatrixSets"]
        assert [entry["id"] for entry in sets] == list(MATRIX_SETS)
        for entry in sets:
            document = client.get(f"/ogc/tileMatrixSets/{entry['id']}?f=json").json()
            assert document["uri"] == entry["uri"]
            tileset = client.get(f"/ogc/collections/communes/tiles/{entry['id']}?f=json").json()
            assert tileset["crs"] == document["crs"] == entry["crs"]
            known = {matrix["id"]: matrix for matrix in document["tileMatrices"]}
            for limit in tileset["tileMatrixSetLimits"]:
                assert 0 <= limit["minTileRow"] <= limit["maxTileRow"] < known[limit["tileMatrix"]]["matrixHeight"]
                assert 0 <= limit["minTileCol"] <= limit["maxTileCol"] < known[limit["tileMatrix"]]["matrixWidth"]
        utm = client.get("/ogc/tileMatrixSets/VN2000UTM48NQuad?f=json").json()
        assert utm["tileMatrices"][13]["cellSize"] == 1.0
        assert utm["tileMatrices"][0]["pointOfOrigin"] == [0.0, 2_621_440.0]

    def test_outside_the_limits_or_of_an_unknown_set_are_404(self, service: Service) -> None:
        for path in (
            "VN2000UTM48NQuad/10/1/1",
            "WorldCRS84Quad/22/0/0",
            "WebMercatorQuad/12/0/0",
            "LINZAntarctica/1/0/0",
        ):
            answer = service.client.get(f"/ogc/collections/communes/tiles/{path}")
            assert answer.status_code == 404, path
            assert answer.headers["content-type"] == "application/problem+json"
