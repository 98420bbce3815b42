"""Rights given, shown and taken back by commands in a process of their own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

from app.settings import CHECKOUT
from tests.conftest import Service

pytestmark = pytest.mark.db
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def grants(own_service: Service, tmp_path: Path) -> Run:
    state = tmp_path / "state"
    state.mkdir()
    (state / "external-database-secret").write_text(own_service.database.secret.hex())
    dsn = own_service.database.superuser_dsn
    environment = os.environ | {"DATABASE_URL": dsn, "DIABAN_STATE_DIR": str(state), "COLUMNS": "240"}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "app.cli", "grants", *words]
        return subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, timeout=120)

    return run


def test_a_role_is_given_shown_and_taken_back(grants: Run) -> None:
    account = str(uuid4())
    given = grants("give", "account", account, "auditor", "--everywhere", "--reason", "QĐ 1")
    assert given.returncode == 0, given.stderr
    found = re.search(r"given as grant ([0-9a-f-]{36})", given.stdout)
    assert found, given.stdout
    shown = grants("show", account).stdout
    assert "roles: auditor" in shown
    assert re.search(r"@audit +read +mọi xã", shown)
    assert found[1] in grants("list", account).stdout
    assert grants("take", found[1]).returncode == 0
    assert "roles: none" in grants("show", account).stdout
    assert found[1] not in grants("list", account).stdout
    assert found[1] in grants("list", account, "--ended").stdout
    again = grants("take", found[1])
    assert again.returncode != 0
    assert "diaban grants list" in again.stderr


def test_nonsense_is_refused_with_a_sentence(grants: Run) -> None:
    account = str(uuid4())
    unknown = grants("give", "account", account, "emperor", "--everywhere")
    assert unknown.returncode != 0
    assert "commune-clerk" in unknown.stderr
    assert "Traceback" not in unknown.stderr
    nowhere = grants("give", "account", account, "auditor")
    assert nowhere.returncode != 0
    assert "Traceback" not in nowhere.stderr
