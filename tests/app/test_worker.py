"""The worker's rounds: what publications leave undone is done within moments."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from app.database import Database
from app.settings import Settings
from app.worker import run_worker
from layers.edit import DeleteFeature, edit_features
from layers.publish import ChangeNote
from tiles.companions import stale_layers

pytestmark = pytest.mark.db
PATIENCE_S = 60


def work_until(database: Database, folder: Path, done: Callable[[], bool]) -> None:
    """Runs a worker until ``done``, or gives up after :data:`PATIENCE_S`."""

    async def work() -> None:
        stop = asyncio.Event()
        worker = asyncio.create_task(run_worker(database, Settings(state_dir=folder), stop))
        async with asyncio.timeout(PATIENCE_S):
            while not done():  # noqa: ASYNC110 - no event tells of the database
                await asyncio.sleep(0.2)
        stop.set()
        await worker

    asyncio.run(work())


class TestCompanionsOfTiles:
    def test_follow_an_edit_that_did_not_bring_them_along(
        self, database: Database, owner: Engine, tmp_path: Path
    ) -> None:
        with owner.begin() as connection:
            fid = connection.execute(text("SELECT min(fid) FROM features.street_lights")).scalar_one()
            edit_features(connection, "street-lights", [DeleteFeature(fid)], note=ChangeNote("test"))

        def stale() -> list[str]:
            with owner.connect() as connection:
                return stale_layers(connection)

        assert stale() == ["street-lights"]
        work_until(database, tmp_path, lambda: not stale())


class TestSteps:
    def test_one_that_fails_stops_no_other_and_does_not_end_the_worker(
        self, database: Database, owner: Engine, tmp_path: Path
    ) -> None:
        with owner.begin() as connection:
            # Pruning live events fails from now on, at its first round already.
            connection.execute(text("REVOKE DELETE ON live.events FROM diaban_writer"))
            fid = connection.execute(text("SELECT min(fid) FROM features.street_lights")).scalar_one()
            edit_features(connection, "street-lights", [DeleteFeature(fid)], note=ChangeNote("test"))
        began = time.monotonic()

        def done() -> bool:
            with owner.connect() as connection:
                return not stale_layers(connection) and time.monotonic() > began + 3

        work_until(database, tmp_path, done)
