"""A sample of the kill proof: evaluations struck at seeded statements (make prove NAME=evaluation_kill runs all)."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.cluster import Cluster
from tests.layers.store_world import store_database
from tests.prove.evaluation_kill import run_strikes

pytestmark = pytest.mark.db


def test_an_evaluation_that_is_struck_loses_and_doubles_nothing(cluster: Cluster, tmp_path: Path) -> None:
    with store_database(cluster, tmp_path) as database:
        done = list(run_strikes(database, seed=11, strikes=10))
    assert [item["kind"] for item in done].count("worker killed") == 5
    assert {item["wave"] for item in done} == {0, 1}
