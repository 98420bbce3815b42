"""What all work on uploads needs: the database, the shelf of files, and the pipeline that reads them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from layers.intake.model import Intake, Wish, World
from layers.uploads.files import Shelf

Pipeline = Callable[[Path, str, Wish, World], Intake]
"""Reads a file as rows of a layer, given its path, the name its sender gave it, the wish, and the world."""

Progress = Callable[[int, int | None], None]
"""Is told how far a job is: steps done, of how many."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Where uploads are worked on.

    Attributes:
        engine: The writer's login.
        shelf: Files of uploads.
        read: The pipeline.
        deletion_limit: Share of a unit's features that may be deleted without an explicit yes.
    """

    engine: Engine
    shelf: Shelf
    read: Pipeline
    deletion_limit: float = 0.2
