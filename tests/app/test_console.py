"""What commands say, and where they say it."""

from __future__ import annotations

from pathlib import Path

import pytest

from app import owner
from app.settings import Settings


def test_the_start_of_the_private_database_is_told_beside_the_answer(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with owner.open_database(Settings(_env_file=None, database_url=None, state_dir=tmp_path / "state")):
        pass
    said = capfd.readouterr()
    assert said.out == ""
    assert "cơ sở dữ liệu" in said.err
