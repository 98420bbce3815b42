"""Channels at the terminal: added, tried, looked at and removed by commands in a process of their own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from app.database import Database
from app.settings import CHECKOUT
from tests.app.sending.servers import http_server, status
from tests.layers.conftest import store
from tests.scenarios.notifying.conftest import empty

__all__ = ["store"]
pytestmark = pytest.mark.db
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def channels(store: Database, tmp_path: Path) -> Run:
    empty(store)
    (tmp_path / "external-database-secret").write_text(store.secret.hex())
    environment = os.environ | {
        "DATABASE_URL": store.superuser_dsn,
        "DIABAN_STATE_DIR": str(tmp_path),
        "COLUMNS": "240",
    }

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "app.cli", "channels", *words]
        return subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, timeout=120)

    return run


def test_one_is_added_tried_looked_at_and_removed(channels: Run) -> None:
    with http_server(status(410)) as server:
        more = ("--unit", "16540", "--scenario", "S11", "--only", "task_late", "--quiet-from", "22:00")
        added = channels("add", "webhook", server.url, "--name", "Tổ điều hành", *more, "--quiet-until", "06:00")
        assert added.returncode == 0, added.stderr
        found = re.search(r"the channel ([0-9a-f-]{36}) was added", added.stdout)
        assert found, added.stdout
        assert re.search(r"\b[0-9a-f]{64}\b", added.stdout)
        listed = channels("list").stdout
        assert all(word in listed for word in (found[1], "16540 S11 ≥ notice (task_late)", "22:00–06:00"))
        assert not re.search(r"\b[0-9a-f]{64}\b", listed)
        gone = channels("test", found[1])
        assert (gone.returncode, "answered 410" in gone.stderr) == (1, True)
        server.answers = [status(200)]
        assert channels("test", found[1]).returncode == 0
        assert json.loads(server.received[-1].body)["items"][0]["kind"] == "test"
        assert "answered 410" in channels("log", "--state", "failed").stdout
        assert channels("remove", found[1]).returncode == 0
        assert found[1] not in channels("list").stdout


@pytest.mark.parametrize(
    "words",
    [
        ("add", "email", "nobody", "--name", "x"),
        ("add", "sms", "0912345678", "--name", "x", "--scenario", "S99"),
        ("remove", "00000000-0000-0000-0000-000000000001"),
        ("test", "00000000-0000-0000-0000-000000000001"),
    ],
)
def test_nonsense_is_refused_with_a_sentence(channels: Run, words: tuple[str, ...]) -> None:
    refused = channels(*words)
    assert refused.returncode == 1
    assert refused.stderr.strip()
    assert "Traceback" not in refused.stderr
