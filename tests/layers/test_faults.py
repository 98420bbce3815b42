"""A sample of the fault proof: publications killed at seeded moments (make prove NAME=faults runs the full count)."""

from __future__ import annotations

import pytest

from app.database import Database
from tests.layers.conftest import MakeLayer
from tests.layers.store_world import PLACES
from tests.prove.faults import run_kills

pytestmark = pytest.mark.db


def test_a_killed_publication_leaves_one_whole_revision(store: Database, make_layer: MakeLayer) -> None:
    layer = make_layer(PLACES)
    done = list(run_kills(store, layer.slug, seed=7, kills=20))
    assert [item["kind"] for item in done].count("process killed") == 10
    assert any(not item["committed"] for item in done)
