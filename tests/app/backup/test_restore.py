"""Back-ups of a real cluster, and what comes back of it after its disk has died."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from app.backup.archiving import HEALTH
from app.backup.checking import verify_repository
from app.backup.errors import BackedUpElsewhere, IsCopy, KeyMissing, NoBackup, PlaceUnfit, TargetTaken
from app.backup.health import examine_backups
from app.backup.key import read_passphrase
from app.backup.listing import Kind, noted_backups, read_backups
from app.backup.making import Made, back_up, file_store
from app.backup.place import find_place
from app.backup.replacing import replace_cluster
from app.backup.restoring import Restored, restore_to
from app.backup.schedule import BackupRounds
from app.cluster import cluster_status
from app.postmaster import wait_until
from app.settings import CHECKOUT, Settings
from tests.app.backup.world import Installation, installation, written
from tests.conftest import run_service

pytestmark = [
    pytest.mark.db,
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("pgbackrest") is None, reason="needs pgBackRest (package pgbackrest)"),
]


@dataclass(frozen=True)
class Story:
    """What happened before the database was killed."""

    place: Installation
    made: Made
    before: list[str]
    first: list[str]
    between: datetime
    second: list[str]
    lost: list[str]
    latest: Restored


@pytest.fixture(scope="module")
def story() -> Iterator[Story]:
    """Write, back up, write more, archive, write what is never archived, kill, restore."""
    with installation() as place:
        before = place.acknowledge(0, 5)
        place.receive(b"m\xc3\xa3,t\xc3\xaan\n" * 200_000)
        place.receive(b"")
        place.checkpoint()
        made = back_up(place.settings, place.database, Kind.INCR, actor="test")
        while datetime.now(UTC) - made.backup.stopped_at < timedelta(seconds=1):
            time.sleep(0.1)
        first = place.acknowledge(100, 20)
        between = datetime.now(UTC)
        second = place.acknowledge(200, 20)
        place.receive(b"late")
        store = file_store(find_place(place.settings), read_passphrase(_key(place)), place.settings)
        assert store.copy_new(made.files.listing).copied == 1
        place.archive()
        lost = place.acknowledge(300, 3)
        place.checkpoint()
        place.kill()
        latest = restore_to(place.settings, place.state.with_name("state-latest"), None)
        yield Story(place, made, before, first, between, second, lost, latest)


def _key(place: Installation) -> Path:
    return find_place(place.settings).key_file


class TestBackup:
    def test_first_one_is_full_and_holds_the_files(self, story: Story) -> None:
        assert story.made.backup.kind is Kind.FULL
        assert not story.made.backup.is_faulty
        assert len(story.made.files.listing) == story.made.files.copied == 2

    def test_repository_and_logs_hold_nothing_readable_and_not_the_key(self, story: Story) -> None:
        key = read_passphrase(_key(story.place)).encode()
        place = find_place(story.place.settings)
        assert place.repository is not None
        stored = [path for path in place.repository.rglob("*") if path.is_file()]
        logs = [path for path in (place.folder / "log").iterdir() if path.is_file()]
        assert stored
        assert logs
        for path in [*stored, *logs, *(place.data_dir / "log").iterdir()]:
            content = path.read_bytes()
            assert key not in content
            assert "mã,tên".encode() not in content

    def test_key_and_configuration_are_closed(self, story: Story) -> None:
        place = find_place(story.place.settings)
        assert place.key_file.stat().st_mode & 0o777 == 0o600
        assert place.conf.stat().st_mode & 0o777 == 0o600
        assert place.folder.stat().st_mode & 0o777 == 0o700


class TestRestoreToTheEnd:
    def test_everything_acknowledged_before_the_last_archived_wal_is_there(self, story: Story) -> None:
        found = written(story.latest)
        assert found >= {*story.before, *story.first, *story.second}
        assert found <= {*story.before, *story.first, *story.second, *story.lost}

    def test_its_checks_are_well(self, story: Story) -> None:
        assert [(check.en, check.is_well) for check in story.latest.checks] == [
            ("Features of every layer", True),
            ("Files that the database names", True),
            ("A spatial question", True),
            ("Audit trail", True),
        ]
        assert [check.found for check in story.latest.checks][1] == "3/3"

    def test_audit_trail_tells_that_it_is_older_than_the_last_checkpoint(self, story: Story) -> None:
        assert "audit resume" in story.latest.checks[-1].remedy_en
        assert "ends before a signed checkpoint" in story.latest.checks[-1].found

    def test_files_are_those_that_were_there(self, story: Story) -> None:
        state = story.latest.place.home.parent
        originals = sorted(path.read_bytes() for path in (state / "uploads").glob("*/original"))
        assert originals == sorted(path.read_bytes() for path in story.place.settings.uploads_dir.glob("*/original"))
        assert {path.stat().st_mode & 0o077 for path in (state / "uploads").iterdir()} == {0}

    def test_copy_does_not_write_into_the_repository(self, story: Story) -> None:
        state = story.latest.place.home.parent
        known = story.place.settings
        place = Installation(Settings(state_dir=state, backup_repo=known.backup_repo, backup_key=_key(story.place)))
        with pytest.raises(IsCopy):
            back_up(place.settings, place.database, Kind.FULL, actor="test")


class TestRestoreToAnInstant:
    def test_gives_that_instant(self, story: Story) -> None:
        state = story.place.state.with_name("state-instant")
        restored = restore_to(story.place.settings, state, story.between)
        assert restored.is_well
        assert written(restored) == {*story.before, *story.first}

    def test_before_the_first_back_up_is_refused(self, story: Story) -> None:
        with pytest.raises(NoBackup):
            restore_to(story.place.settings, story.place.state.with_name("state-none"), story.made.backup.stopped_at)


class TestRefusals:
    def test_nothing_is_restored_over_data(self, story: Story) -> None:
        with pytest.raises(TargetTaken):
            restore_to(story.place.settings, story.place.state, None)

    def test_key_that_is_away_is_never_made_anew(self, story: Story) -> None:
        settings = story.place.settings.model_copy(update={"backup_key": story.place.state / "other.key"})
        with pytest.raises(KeyMissing):
            restore_to(settings, story.place.state.with_name("state-key"), None)
        with pytest.raises(KeyMissing):
            back_up(settings, story.place.database, Kind.FULL, actor="test")
        assert not (story.place.state / "other.key").exists()

    def test_database_of_somebody_else_is_theirs_to_back_up(self) -> None:
        with pytest.raises(BackedUpElsewhere, match="on that server"):
            find_place(Settings(database_url="postgresql://a:b@127.0.0.1/c", backup_repo=Path("/x")))  # type: ignore[arg-type]

    def test_repository_that_cannot_be_written_is_said(self, story: Story) -> None:
        settings = story.place.settings.model_copy(update={"backup_repo": Path("/proc/diaban")})
        with pytest.raises(PlaceUnfit, match="/proc/diaban"):
            back_up(settings, story.place.database, Kind.FULL, actor="test")


class TestTelling:
    def test_service_tells_the_age_of_the_back_up_and_wal_that_cannot_be_stored(self, story: Story) -> None:
        settings, database = story.place.settings, story.place.database
        place = find_place(settings)
        assert place.repository is not None
        archive, aside = place.repository / "archive", place.repository / "aside"
        with contextmanager(run_service)(database, settings.state_dir, backup_repo=settings.backup_repo) as service:
            wait_until(lambda: service.client.get("/readyz").json()["notes"] == [], timeout_s=30)
            assert service.client.get("/readyz").json() | {"checks": 0} == {"status": "ready", "checks": 0, "notes": []}
            found = service.client.get("/metrics").text
            assert "\ndiaban_backup_age_seconds " in found
            archive.rename(aside)
            with psycopg.connect(database.superuser_dsn, autocommit=True) as connection:
                story.place.acknowledge(350, 1)
                connection.execute("SELECT pg_switch_wal()")
            wait_until(lambda: bool(service.client.get("/readyz").json()["notes"]), timeout_s=60)
            answer = service.client.get("/readyz")
            assert answer.status_code == 200
            assert "WAL cannot be stored" in answer.json()["notes"][0]["en"]
            assert [finding.is_well for finding in examine_backups(database, settings)] == [False]
            shutil.rmtree(archive, ignore_errors=True)
            aside.rename(archive)
        story.place.archive()


class TestReplacing:
    """Last of all: the present database goes aside."""

    def test_repository_is_whole_until_a_file_in_it_is_damaged(self, story: Story) -> None:
        place = find_place(story.place.settings)
        store = file_store(place, read_passphrase(place.key_file), story.place.settings)
        assert verify_repository(place, store).faults == ()
        assert place.repository is not None
        largest = max((place.repository / "files" / "contents").rglob("*"), key=lambda path: path.stat().st_size)
        kept = largest.read_bytes()
        largest.write_bytes(kept[:-40] + bytes([kept[-40] ^ 1]) + kept[-39:])
        assert [en for _, en in verify_repository(place, store).faults if "damaged" in en]
        largest.write_bytes(kept)

    def test_damage_to_data_and_a_missing_wal_file_are_found(self, story: Story) -> None:
        place = find_place(story.place.settings)
        store = file_store(place, read_passphrase(place.key_file), story.place.settings)
        assert place.repository is not None
        stored = (place.repository / "backup" / "diaban" / story.made.backup.label / "bundle").iterdir()
        largest = max(stored, key=lambda path: path.stat().st_size)
        with largest.open("r+b") as file:
            file.seek(4000)
            kept = file.read(1)
            file.seek(4000)
            file.write(bytes([kept[0] ^ 1]))
        assert [en for _, en in verify_repository(place, store).faults if "checksum invalid: 1" in en]
        with largest.open("r+b") as file:
            file.seek(4000)
            file.write(kept)
        first = next((place.repository / "archive").rglob(f"{story.made.backup.first_wal}-*"))
        aside = first.rename(place.repository / "aside")
        assert [en for _, en in verify_repository(place, store).faults if story.made.backup.first_wal in en]
        aside.rename(first)
        assert verify_repository(place, store).faults == ()

    def test_restored_database_takes_the_place_and_is_backed_up_again(self, story: Story) -> None:
        place = story.place
        done = replace_cluster(place.settings, None)
        assert done.kept is not None
        assert (done.kept / "PG_VERSION").exists()
        assert done.restored.timeline > 1
        database = place.database
        place.acknowledge(400, 2)
        place.archive()
        with psycopg.connect(database.superuser_dsn) as connection:
            row = connection.execute(HEALTH.encode()).fetchone()
        assert row is not None
        assert row[3] is False
        made = back_up(place.settings, database, Kind.DIFF, actor="test")
        assert made.backup.kind is Kind.DIFF
        assert noted_backups(find_place(place.settings))[-1].label == made.backup.label
        again = restore_to(place.settings, place.state.with_name("state-again"), None)
        assert again.is_well
        assert written(again) >= {*story.before, *story.first, *story.second, "400", "401"}
        assert [finding.is_well for finding in examine_backups(database, place.settings)] == [True]
        assert len(read_backups(find_place(place.settings))) == 2
        assert cluster_status(CHECKOUT, state_dir=place.state).pid is not None

    def test_worker_makes_the_back_up_that_is_due_and_copies_new_files(
        self, story: Story, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings = story.place.settings
        place = find_place(settings)
        monkeypatch.setenv("DIABAN_STATE_DIR", str(settings.state_dir))
        monkeypatch.setenv("DIABAN_BACKUP_REPO", str(settings.backup_repo))
        (place.folder / "info.json").unlink()
        rounds = BackupRounds(settings)
        rounds.tick()
        assert wait_until(lambda: bool(noted_backups(place)), timeout_s=120)
        assert noted_backups(place)[-1].kind is Kind.FULL
        path = story.place.receive(b"came between two back-ups")
        rounds.tick()
        store = file_store(place, read_passphrase(place.key_file), settings)
        assert f"uploads/{path.parent.name}/original" in store.list_at(None)
        with psycopg.connect(story.place.database.superuser_dsn) as connection:
            found = connection.execute("SELECT actor FROM audit.events WHERE action = 'backup_made' ORDER BY id")
            assert [row[0] for row in found][-1] == "worker"
