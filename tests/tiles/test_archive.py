"""PMTiles files: read by PMTiles' own reader and held against the tiles of the service."""

from __future__ import annotations

import asyncio
import gzip
from pathlib import Path

import mapbox_vector_tile
import psycopg
import pytest
from pmtiles.reader import MmapSource, Reader, all_tiles
from sqlalchemy import Engine

from app.database import Database, open_gate
from app.settings import Settings
from app.watcher import CatalogueWatcher
from layers.access import Scope
from layers.errors import LayerNotFound
from layers.reader import Statements
from tests.conftest import Service
from tiles.archive import Box, ChangedMeanwhile, NothingToPack, Packed, plan_packing, write_archive

pytestmark = pytest.mark.db


def pack(
    database: Database, file: Path, slugs: list[str], *, zooms: tuple[int, int], bbox: Box | None = None
) -> Packed:
    async def work() -> Packed:
        watcher = CatalogueWatcher(database.dsn("diaban_watcher"))
        async with open_gate(database, Settings()) as gate, watcher.running():
            scope = Scope.public()
            layers = [watcher.catalogue.get(slug, scope) for slug in slugs]
            packing = plan_packing(layers, min_zoom=zooms[0], max_zoom=zooms[1], bbox=bbox)
            return await write_archive(gate, Statements(), scope, packing, file, tell=lambda _: None)

    return asyncio.run(work())


class TestAnArchive:
    def test_holds_every_tile_of_the_service_and_no_other(self, service: Service, tmp_path: Path) -> None:
        file = tmp_path / "map.pmtiles"
        packed = pack(service.database, file, ["communes", "schools"], zooms=(6, 12))
        with file.open("rb") as stream:
            source = MmapSource(stream)
            found = dict(all_tiles(source))
            metadata, header = Reader(source).metadata(), Reader(source).header()
        assert len(found) == packed.tiles > 20
        assert (header["min_zoom"], header["max_zoom"], header["clustered"]) == (6, 12, True)
        assert metadata["diaban:revisions"] == packed.revisions == {"communes": 1, "schools": 1}
        assert metadata["synthetic"] is True
        assert {"communes", "schools"} <= {layer["id"] for layer in metadata["vector_layers"]}
        for (z, x, y), data in found.items():
            answer = service.client.get(f"/tiles/communes,schools/{z}/{x}/{y}.pbf")
            assert gzip.decompress(data) == answer.content
        # The neighbours that were left out are empty.
        for z, x, y in [next(address for address in found if address[0] == zoom) for zoom in (8, 10, 12)]:
            for dx in range(-3, 4):
                if (z, x + dx, y) not in found:
                    assert service.client.get(f"/tiles/communes,schools/{z}/{x + dx}/{y}.pbf").status_code == 204

    def test_of_an_area_holds_its_tiles_only(self, service: Service, tmp_path: Path) -> None:
        box = (107.05, 11.0, 107.1, 11.05)
        pack(service.database, tmp_path / "area.pmtiles", ["parcels"], zooms=(13, 14), bbox=box)
        with (tmp_path / "area.pmtiles").open("rb") as stream:
            tiles = dict(all_tiles(MmapSource(stream)))
        assert tiles
        assert {address[0] for address in tiles} == {13, 14}
        first = mapbox_vector_tile.decode(gzip.decompress(next(iter(tiles.values()))))
        assert first["parcels"]["features"]
        assert len(tiles) <= (3 * 3 + 5 * 5)

    @pytest.mark.parametrize(("zooms", "bbox"), [((8, 6), None), ((3, 4), None), ((12, 12), (100, 5, 101, 6))])
    def test_of_nothing_is_refused_and_leaves_no_file(
        self, service: Service, tmp_path: Path, zooms: tuple[int, int], bbox: Box | None
    ) -> None:
        with pytest.raises(NothingToPack):
            pack(service.database, tmp_path / "none.pmtiles", ["schools"], zooms=zooms, bbox=bbox)
        assert list(tmp_path.iterdir()) == []

    def test_of_a_hidden_layer_is_refused(self, service: Service, tmp_path: Path, db: psycopg.Connection) -> None:
        hidden = db.execute("SELECT slug FROM catalogue.layers WHERE sensitivity = 'restricted' LIMIT 1").fetchone()
        assert hidden is not None
        with pytest.raises(LayerNotFound):
            pack(service.database, tmp_path / "none.pmtiles", [hidden[0]], zooms=(6, 8))

    def test_is_not_made_from_counts_of_an_older_revision(
        self, database: Database, owner: Engine, tmp_path: Path
    ) -> None:
        with psycopg.connect(database.superuser_dsn, autocommit=True) as connection:
            # As after many edits that no refresh has followed: the counts of low zooms are of no revision that is.
            connection.execute("UPDATE catalogue.layers SET revision = revision + 1 WHERE slug = 'parcels'")
            connection.execute(
                "INSERT INTO catalogue.changed_cells (slug, x, y, revision)"
                " SELECT 'parcels', x, y, 2 FROM catalogue.changed_cells WHERE slug = 'parcels'"
                " ON CONFLICT (slug, x, y) DO UPDATE SET revision = 2"
            )
        with pytest.raises(ChangedMeanwhile):
            pack(database, tmp_path / "late.pmtiles", ["parcels"], zooms=(6, 9))
        assert list(tmp_path.iterdir()) == []
