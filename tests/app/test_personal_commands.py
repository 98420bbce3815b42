"""Requests of persons by command: values are asked for, never arguments, and not printed where nobody asked."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from click.testing import Result
from typer.testing import CliRunner

from app.database import Database
from app.personal_commands import personal_app
from layers.edit import UpdateFeature, edit_features
from layers.publish import ChangeNote
from tests.layers.ask_world import INTERNAL

pytestmark = pytest.mark.db
MARK = "Nguyễn Thị Dấu Riêng"
NUMBER = "079099001234"
Run = Callable[..., Result]


@pytest.fixture
def world(copy_database: Callable[[str], Database], world_template: str) -> Database:
    database = copy_database(world_template)
    engine = database.engine("diaban_owner")
    values = {"owner_name": MARK, "owner_id_number": NUMBER, "owner_address": "=1+1, Xã A"}
    with engine.begin() as connection:
        edit_features(connection, INTERNAL, [UpdateFeature(1, values)], note=ChangeNote("test"))
    engine.dispose()
    return database


@pytest.fixture
def personal(world: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    assert world.personal_key is not None
    state = tmp_path / "state"
    state.mkdir()
    (state / "external-database-secret").write_text(world.secret.hex())
    key = tmp_path / "personal.key"
    key.write_bytes(world.personal_key.path.read_bytes())
    monkeypatch.setenv("DATABASE_URL", world.superuser_dsn)
    monkeypatch.setenv("DIABAN_STATE_DIR", str(state))
    monkeypatch.setenv("DIABAN_PERSONAL_KEY", str(key))
    monkeypatch.setattr("app.personal_commands.console.width", 240)

    def run(*words: str, typed: str = "") -> Result:
        return CliRunner().invoke(personal_app, list(words), input=typed)

    return run


def _received(personal: Run, kind: str, mark: str) -> str:
    done = personal("receive", kind, mark)
    assert done.exit_code == 0, done.stderr
    found = re.search(r"request (\d+):", done.stdout)
    assert found, done.stdout
    return found[1]


def test_a_person_is_found_told_corrected_restricted_and_erased(personal: Run, world: Database, tmp_path: Path) -> None:
    found = personal("find", typed=f"{NUMBER}\n")
    assert found.exit_code == 0, found.stderr
    # The first line is what the test itself typed.
    assert NUMBER not in found.stdout.partition("\n")[2]
    match = re.search(r"([0-9a-f]{32}) +parcels-internal +1", found.stdout)
    assert match, found.stdout
    mark = match[1]

    told = personal("see", _received(personal, "see", mark))
    assert MARK in told.stdout

    request = _received(personal, "export", mark)
    target = tmp_path / "an.json"
    assert personal("export", request, "--to", str(target)).exit_code == 0
    assert json.loads(target.read_text())[INTERNAL]["1"]["owner_name"] == MARK
    again = personal("export", request, "--to", str(tmp_path / "again.json"))
    assert again.exit_code == 1
    assert "already" in again.stderr
    table = tmp_path / "an.csv"
    assert personal("export", _received(personal, "export", mark), "--to", str(table)).exit_code == 0
    assert f"{INTERNAL},1,owner_name,{MARK}" in table.read_text(encoding="utf-8-sig")
    assert "'=1+1" in table.read_text(encoding="utf-8-sig")
    assert table.stat().st_mode & 0o077 == 0

    words = ("--layer", INTERNAL, "--fid", "1", "--field", "owner_name")
    corrected = personal("correct", _received(personal, "correct", mark), *words, typed="Nguyễn Thị Đúng\n")
    assert corrected.exit_code == 0, corrected.stderr
    other = personal(
        "correct", _received(personal, "correct", mark), "--layer", INTERNAL, "--fid", "2", "--field", "phone"
    )
    assert other.exit_code == 1
    assert personal("restrict", _received(personal, "restrict", mark)).exit_code == 0

    request = _received(personal, "erase", mark)
    assert personal("erase", request).exit_code == 1
    erased = personal("erase", request, "--yes")
    assert erased.exit_code == 0, erased.stderr
    assert mark in (tmp_path / "personal.key.erased").read_text()
    with psycopg.connect(world.superuser_dsn) as connection:
        # Revision 1 named an owner without a number, who is somebody else as far as anybody can tell.
        held = connection.execute(
            "SELECT count(*) FROM private.parcels_internal WHERE fid = 1 AND sealed IS NOT NULL AND revision > 1"
        )
        assert held.fetchone() == (0,)
        trail = connection.execute("SELECT string_agg(e::text, ' ') FROM audit.events e").fetchone()
    assert trail is not None
    assert MARK not in str(trail[0])
    assert NUMBER not in str(trail[0])
    shown = personal("requests").stdout
    assert shown.count("done") == 6
    assert shown.count("received") >= 1


@pytest.mark.parametrize(
    "words",
    [
        ("receive", "erase", "00" * 16),
        ("receive", "erase", "không phải mã"),
        ("see", "999"),
        ("refuse", "1", "--reason", "ngắn"),
        ("keep", "provinces", "--days", "30", "--basis", "QĐ 1"),
        ("keep", INTERNAL, "--days", "-5", "--basis", "QĐ 1"),
        ("find",),
    ],
)
def test_what_makes_no_sense_is_said_in_a_sentence(personal: Run, words: tuple[str, ...]) -> None:
    done = personal(*words, typed="12\n")
    assert done.exit_code in (1, 2)
    assert "Traceback" not in done.stderr + done.stdout


def test_counts_and_keeping_are_told(personal: Run) -> None:
    assert "persons" in personal("counts").stdout
    kept = personal("keep", INTERNAL, "--days", "3650", "--basis", "QĐ 12/2026")
    assert "3650" in kept.stdout, kept.stderr
    assert "0 rows" in personal("expire").stdout
    assert "0 rows" in personal("seal").stdout
