"""Commands on tiles: refresh the companions of low zooms."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Engine

from app.console import progress_bar, say
from app.database import Database, open_gate
from app.owner import open_database, owner_engine, record_act
from app.settings import Settings
from app.watcher import CatalogueWatcher
from layers.access import Scope
from layers.audit import Event
from layers.reader import Statements
from spatial.bbox import parse_bbox
from tiles.archive import Box, Packed, plan_packing, write_archive
from tiles.companions import Refreshed, refresh_companions, stale_layers

tiles_app = typer.Typer(help="Ô bản đồ · tiles", no_args_is_help=True)


@tiles_app.callback()
def tiles_group() -> None:
    """Ô bản đồ · tiles."""


@tiles_app.command("refresh")
def refresh_tiles(
    slugs: Annotated[list[str] | None, typer.Argument(help="Lớp · layers; mặc định: tất cả")] = None,
) -> None:
    """Làm mới số đếm và hình giản lược ở mức nhỏ · bring counts and simplified shapes of small scales up to date."""
    with owner_engine() as engine:
        done = refresh_stale(engine, slugs)
    for item in done:
        cells = ("toàn lớp", "whole layer") if item.cells is None else (f"{item.cells} ô", f"{item.cells} cells")
        say(f"{item.slug}: phiên bản {item.revision}, {cells[0]}", f"revision {item.revision}, {cells[1]}")
    say(f"Đã làm mới {len(done)} lớp", f"{len(done)} layers refreshed")


def refresh_stale(engine: Engine, slugs: list[str] | None = None) -> list[Refreshed]:
    """Refreshes the companions of these layers, or of all that are stale, each in its own transaction."""
    with engine.connect() as connection:
        wanted = slugs or stale_layers(connection)
    done = []
    with progress_bar() as progress:
        bar = progress.add_task("ô bản đồ · tiles", total=len(wanted))
        for slug in wanted:
            with engine.begin() as connection:
                refreshed = refresh_companions(connection, slug)
            done += [refreshed] if refreshed else []
            progress.advance(bar)
    return done


@tiles_app.command("pack")
def pack_tiles(
    file: Annotated[Path, typer.Argument(help="Tệp .pmtiles · the file to write", dir_okay=False)],
    layers: Annotated[list[str], typer.Option("--layer", help="Lớp, lặp lại được · a layer, repeatable")],
    min_zoom: Annotated[int | None, typer.Option(help="Mức nhỏ nhất · first zoom")] = None,
    max_zoom: Annotated[int | None, typer.Option(help="Mức lớn nhất · last zoom")] = None,
    bbox: Annotated[str | None, typer.Option(help="tây,nam,đông,bắc · west,south,east,north (WGS 84)")] = None,
    all_layers: Annotated[
        bool, typer.Option("--internal", help="Cho phép lớp không công khai · allow layers that are not public")
    ] = False,
) -> None:
    """Đóng gói ô bản đồ vectơ thành PMTiles · pack vector tiles into a PMTiles file for use without a network."""
    scope = Scope.local_admin() if all_layers else Scope.public()
    box = _box(bbox) if bbox else None
    settings = Settings()
    with open_database(settings) as database:
        record_act(Event("diaban tiles", "tiles_packed", "layer", ",".join(layers), detail={"internal": all_layers}))
        packed = asyncio.run(_pack(database, settings, scope, layers, file, zooms=(min_zoom, max_zoom), bbox=box))
    said = ", ".join(f"{slug} r{revision}" for slug, revision in packed.revisions.items())
    say(
        f"Đã ghi {packed.tiles} ô ({packed.bytes / 2**20:.1f} MB) vào {file}: {said}",
        f"{packed.tiles} tiles written to {file}",
    )


def _box(written: str) -> Box:
    box = parse_bbox(written)
    return box.minx, box.miny, box.maxx, box.maxy


async def _pack(
    database: Database,
    settings: Settings,
    scope: Scope,
    slugs: list[str],
    file: Path,
    *,
    zooms: tuple[int | None, int | None],
    bbox: Box | None,
) -> Packed:
    watcher = CatalogueWatcher(database.dsn("diaban_watcher"))
    async with open_gate(database, settings) as gate, watcher.running():
        found = [watcher.catalogue.get(slug, scope) for slug in dict.fromkeys(slugs)]
        packing = plan_packing(found, min_zoom=zooms[0], max_zoom=zooms[1], bbox=bbox)
        with progress_bar() as progress:
            bar = progress.add_task("ô bản đồ · tiles", total=None)
            return await write_archive(
                gate, Statements(), scope, packing, file, tell=lambda count: progress.update(bar, completed=count)
            )
