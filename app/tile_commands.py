"""Commands on tiles: refresh the companions of low zooms."""

from __future__ import annotations

from typing import Annotated

import typer
from sqlalchemy import Engine

from app.console import progress_bar, say
from app.owner import owner_engine
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
