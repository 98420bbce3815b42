"""Opens the desk that this process works at: the writer's login, the folder of uploads, the pipeline."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from sqlalchemy import Engine

from app.settings import Settings
from layers.intake.model import Intake, Wish, World
from layers.intake.run import run_intake
from layers.uploads.desk import Desk
from layers.uploads.files import Shelf


def open_desk(engine: Engine, settings: Settings) -> Desk:
    """The desk over an engine of the writer's login."""
    megabyte = 2**20
    shelf = Shelf(settings.uploads_dir, settings.max_upload_mb * megabyte, settings.disk_reserve_mb * megabyte)
    return Desk(engine, shelf, read_file, settings.deletion_limit)


def read_file(path: Path, name: str, wish: Wish, world: World) -> Intake:
    """Runs the pipeline on a file under the name that its sender gave it."""
    with tempfile.TemporaryDirectory(prefix=".reading-", dir=path.parent) as folder:
        named = Path(folder) / name
        os.link(path, named)
        return run_intake(named, wish, world, work=Path(folder))
