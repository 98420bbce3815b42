"""The office as a fixture."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.layers.uploads.office import Office, open_office


@pytest.fixture
def office(store_writer: Engine, store_owner: Engine, tmp_path: Path) -> Office:
    return open_office(store_writer, store_owner, tmp_path)
