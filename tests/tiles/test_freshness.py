"""Tiles after a change: on every process, with companions that are behind, and for many who ask at once."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine

from app.database import Database, open_gate
from app.settings import Settings
from layers.access import Gate, Scope
from layers.definition import Definition
from layers.definition_reader import load_builtin
from layers.publish import ChangeNote, Mode, publish_rows
from layers.registry import put_layer
from tests.conftest import Service, run_service
from tests.layers.test_publish import current_frame
from tests.tiles.world import addresses, extent, make_tile, middle, tile_service
from tiles.address import TileAddress
from tiles.cache import CachedTile, TileCache
from tiles.companions import refresh_companions, stale_layers
from tiles.service import TileService

pytestmark = [pytest.mark.db]
LIGHTS = "street-lights"
# A second is promised, and measured by the load proof; here only an end to the wait is needed.
FRESH_S = 10.0


@contextmanager
def superuser(database: Database) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database.superuser_dsn, autocommit=True) as connection:
        yield connection


def publish_without(owner: Engine, slug: str, point: tuple[float, float]) -> None:
    """Deletes the feature nearest to a point."""
    frame = current_frame(owner, load_builtin()[slug])
    gone = (frame.geometry.x - point[0]).abs() + (frame.geometry.y - point[1]).abs()
    with owner.begin() as connection:
        publish_rows(connection, slug, [frame.drop(gone.idxmin())], mode=Mode.REPLACE, note=ChangeNote("test"))


def counted(decoded: dict) -> int:
    return sum(feature["properties"]["_count"] for feature in decoded[LIGHTS]["features"])


class TestCompanionsThatAreBehind:
    def test_are_completed_from_the_features_of_the_changed_cells(self, database: Database, owner: Engine) -> None:
        with superuser(database) as db:
            point = middle(db, "street_lights")
        tile = next(addresses((*point, *point), 9))
        before, decoded = make_tile(database, LIGHTS, tile)
        publish_without(owner, LIGHTS, point)
        with owner.connect() as connection:
            assert LIGHTS in stale_layers(connection)
        live, changed = make_tile(database, LIGHTS, tile)
        assert live.behind == ()
        assert live.etag != before.etag
        assert counted(changed) == counted(decoded) - 1
        with owner.begin() as connection:
            done = refresh_companions(connection, LIGHTS)
        assert done is not None
        assert done.cells == 1
        refreshed, _ = make_tile(database, LIGHTS, tile)
        assert refreshed == live
        with owner.begin() as connection:
            assert refresh_companions(connection, LIGHTS) is None

    def test_after_a_partial_refresh_equal_those_made_anew(self, database: Database, owner: Engine) -> None:
        with superuser(database) as db:
            publish_without(owner, LIGHTS, middle(db, "street_lights"))
            with owner.begin() as connection:
                refresh_companions(connection, LIGHTS)
            everything = (
                "SELECT level, x, y, feature_count, main_class FROM tiles.cells WHERE slug = %s ORDER BY 1, 2, 3"
            )
            partial = db.execute(everything, [LIGHTS]).fetchall()
            db.execute("DELETE FROM tiles.companions WHERE slug = %s", [LIGHTS])
            with owner.begin() as connection:
                done = refresh_companions(connection, LIGHTS)
            assert done is not None
            assert done.cells is None
            assert db.execute(everything, [LIGHTS]).fetchall() == partial

    def test_say_so_where_too_much_has_changed_and_are_not_kept(self, own_service: Service, owner: Engine) -> None:
        with superuser(own_service.database) as db:
            point = middle(db, "street_lights")
            tile = next(addresses((*point, *point), 8))
            # A feature as large as a province marks every cell.
            db.execute(
                "INSERT INTO catalogue.changed_cells"
                " SELECT slug, -1, -1, revision FROM catalogue.layers WHERE slug = %s",
                [LIGHTS],
            )
            db.execute("UPDATE tiles.companions SET revision = 0 WHERE slug = %s", [LIGHTS])
        path = f"/tiles/{LIGHTS}/{tile.z}/{tile.x}/{tile.y}.pbf"
        behind = own_service.client.get(path)
        assert behind.headers["diaban-tile-behind"] == LIGHTS
        with owner.begin() as connection:
            refresh_companions(connection, LIGHTS)
        fresh = own_service.client.get(path)
        assert "diaban-tile-behind" not in fresh.headers
        assert fresh.headers["etag"] != behind.headers["etag"]

    def test_of_boundaries_give_way_to_the_features(self, database: Database, owner: Engine) -> None:
        with superuser(database) as db:
            tile = next(addresses(extent(db, "communes"), 8))
            _, simplified = make_tile(database, "communes", tile)
            db.execute("DELETE FROM tiles.companions WHERE slug = 'communes'")
            _, exact = make_tile(database, "communes", tile)
        assert {f["id"] for f in simplified["communes"]["features"]} <= {f["id"] for f in exact["communes"]["features"]}
        assert str(exact) != str(simplified)


class TestACrowdedTile:
    def test_shows_counts_instead_of_holes(self, database: Database, owner: Engine) -> None:
        definition = with_cap(load_builtin()["parcels"], 50)
        with owner.begin() as connection:
            put_layer(connection, definition, author="test", built_in=True)
        with superuser(database) as db:
            point = middle(db, "parcels")
            tile = next(addresses((*point, *point), 12))
            _, decoded = make_tile(database, "parcels", tile)
            inside = db.execute(
                "SELECT count(*) FROM features.parcels WHERE ST_Contains(ST_TileEnvelope(%s, %s, %s), label_geom)",
                [tile.z, tile.x, tile.y],
            ).fetchone()[0]
        assert inside > 50
        assert sum(f["properties"]["_count"] for f in decoded["parcels"]["features"]) == inside

    def test_keeps_the_most_important_lines(self, database: Database, owner: Engine) -> None:
        definition = with_cap(load_builtin()["roads"], 4)
        with owner.begin() as connection:
            put_layer(connection, definition, author="test", built_in=True)
        with superuser(database) as db:
            tile = next(addresses((*middle(db, "roads"), *middle(db, "roads")), 11))
            _, decoded = make_tile(database, "roads", tile)
            order = {entry.value: rank for rank, entry in enumerate(definition.style.classes)}
            rows = db.execute(
                "SELECT fid, road_class, geom_length_m FROM features.roads"
                " WHERE tile_geom && ST_TileEnvelope(%s, %s, %s, margin => 64.0 / 4096)",
                [tile.z, tile.x, tile.y],
            ).fetchall()
        wanted = sorted(rows, key=lambda row: (order.get(row[1], len(order)), -row[2], row[0]))[:4]
        assert len(rows) > 4
        shown = {feature["id"] for feature in decoded["roads"]["features"]}
        assert shown <= {row[0] for row in wanted}
        assert shown


def with_cap(definition: Definition, most: int) -> Definition:
    return dataclasses.replace(definition, tiles=dataclasses.replace(definition.tiles, max_features=most))


class TestTwoProcesses:
    def test_both_show_a_publish_within_a_second_and_the_same_bytes(
        self, database: Database, owner: Engine, tmp_path: Path
    ) -> None:
        with superuser(database) as db:
            point = middle(db, "street_lights")
        tile = next(addresses((*point, *point), 14))
        path = f"/tiles/{LIGHTS}/{tile.z}/{tile.x}/{tile.y}.pbf"
        with running(database, tmp_path / "a") as one, running(database, tmp_path / "b") as other:
            first = [service.client.get(path) for service in (one, other)]
            assert first[0].content == first[1].content != b""
            assert first[0].headers["etag"] == first[1].headers["etag"]
            publish_without(owner, LIGHTS, point)
            deadline = time.monotonic() + FRESH_S
            for service in (one, other):
                while service.client.get(path).headers["etag"] == first[0].headers["etag"]:
                    assert time.monotonic() < deadline
                    time.sleep(0.02)
            second = [service.client.get(path) for service in (one, other)]
        assert second[0].content == second[1].content != first[0].content


@contextmanager
def running(database: Database, folder: Path) -> Iterator[Service]:
    folder.mkdir()
    yield from run_service(database, folder)


class CountingGate:
    """Counts how often a statement is about to run."""

    def __init__(self, gate: Gate) -> None:
        self.gate, self.reads = gate, 0

    @asynccontextmanager
    async def read(self, scope: Scope) -> AsyncIterator[object]:
        self.reads += 1
        async with self.gate.read(scope) as connection:
            yield connection


class TestManyAtOnce:
    def test_share_one_statement(self, shared_database: Database, db: psycopg.Connection) -> None:
        tile = next(addresses((*middle(db, "parcels"), *middle(db, "parcels")), 13))

        async def ask() -> tuple[int, set[str]]:
            async with tile_service(shared_database) as (service, catalogue):
                gate = CountingGate(service.gate)
                counting = TileService(gate, service.statements, service.cache)
                layer = catalogue.layers["parcels"]
                answers = await asyncio.gather(
                    *(counting.tile([layer], tile, Scope.public(), gzipped=n % 2 == 0) for n in range(40))
                )
                return gate.reads, {answer.etag for answer in answers}

        reads, tags = asyncio.run(ask())
        assert reads == 1
        assert len(tags) == 2

    def test_that_all_leave_cancel_it_and_one_that_stays_keeps_it(self) -> None:
        key = ("public", "a", 1, "WebMercatorQuad", 1, 0, 0)

        async def ask() -> list[str]:
            cache, happened = TileCache(1000), []

            async def make() -> CachedTile:
                try:
                    await asyncio.sleep(0.05)
                except asyncio.CancelledError:
                    happened.append("cancelled")
                    raise
                happened.append("made")
                return CachedTile(b"x", 1, 1)

            async def recheck() -> tuple[int, int]:
                raise AssertionError("nothing is kept yet")

            def reader() -> asyncio.Task[CachedTile]:
                return asyncio.ensure_future(cache.get(key, 1, make=make, recheck=recheck))

            waiting = [reader(), reader()]
            await asyncio.sleep(0)
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
            await asyncio.sleep(0)
            going, staying = reader(), reader()
            await asyncio.sleep(0)
            going.cancel()
            assert (await staying).body == b"x"
            return happened

        assert asyncio.run(ask()) == ["cancelled", "made"]

    def test_who_know_of_a_newer_revision_do_not_get_the_tile_of_the_older(self) -> None:
        key = ("public", "a", 1, "WebMercatorQuad", 1, 0, 0)

        async def ask() -> list[int]:
            cache, made = TileCache(1000), 0

            async def make() -> CachedTile:
                nonlocal made
                made += 1
                revision = made
                await asyncio.sleep(0.01)
                return CachedTile(b"x", revision, revision)

            async def recheck() -> tuple[int, int]:
                return made, made

            old = asyncio.ensure_future(cache.get(key, 1, make=make, recheck=recheck))
            await asyncio.sleep(0)
            newer = [asyncio.ensure_future(cache.get(key, 2, make=make, recheck=recheck)) for _ in range(3)]
            await old
            return [(await tile).version for tile in newer]

        assert asyncio.run(ask()) == [2, 2, 2]


class TestThePoolOfTiles:
    def test_leaves_the_others_their_connections(self, shared_database: Database) -> None:
        async def use() -> tuple[str, str]:
            settings = Settings(pool_tiles=1, timeout_tiles=0.2)
            async with open_gate(shared_database, settings) as gate:
                assert gate.tiles is not None
                async with gate.tiles.read(Scope.public()) as held:
                    with pytest.raises(TimeoutError):
                        async with gate.tiles.read(Scope.public()):
                            pass
                    async with gate.read(Scope.public()) as other:
                        return await held.fetchval("SHOW statement_timeout"), await other.fetchval(
                            "SHOW statement_timeout"
                        )

        assert asyncio.run(use()) == ("200ms", "30s")

    def test_answers_a_tile_of_a_layer_named_twice_once(self, service: Service, db: psycopg.Connection) -> None:
        x, y = (lambda t: (t.x, t.y))(next(addresses((*middle(db, "parcels"), *middle(db, "parcels")), 14)))
        one = service.client.get(f"/tiles/parcels/14/{x}/{y}.pbf").content
        many = service.client.get(f"/tiles/{','.join(['parcels'] * 50)}/14/{x}/{y}.pbf").content
        assert one == many != b""


def test_zoom_zero_of_a_dense_layer_reads_nothing(service: Service) -> None:
    assert service.client.get("/tiles/parcels/0/0/0.pbf").status_code == 204
    assert TileAddress.parse(z=0, x=0, y=0).web_zoom == 0
