"""The parts of back-ups that need no database."""

from __future__ import annotations

import configparser
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.backup.archiving import ArchiveHealth, archive_command
from app.backup.checking import missing_wal
from app.backup.errors import FileDamaged, KeyMissing, KeyUnfit, NoRepository, OptionsUnfit
from app.backup.files import files_below
from app.backup.health import notes_on
from app.backup.key import make_passphrase, read_passphrase
from app.backup.listing import Backup, Kind
from app.backup.place import Place, Server, conf_text, find_place, is_configured, read_options
from app.backup.schedule import due_kind
from app.backup.sealing import BLOCK, FORM, SALT_BYTES, TAG_BYTES, Sealer
from app.settings import Settings

SEALER = Sealer("a-passphrase-of-some-length")
NOW = datetime(2026, 12, 1, 3, 0, tzinfo=UTC)  # 10:00 in Việt Nam


def made(kind: Kind, ago: timedelta) -> Backup:
    return Backup(f"x{kind}", kind, NOW - ago, NOW - ago + timedelta(minutes=5), 1, 1, False, "0" * 24)


def sealed(content: bytes) -> bytes:
    return b"".join(SEALER.seal(io.BytesIO(content)))


def opened(content: bytes, sealer: Sealer = SEALER) -> bytes:
    return b"".join(sealer.open(io.BytesIO(content), "x"))


class TestSealing:
    @pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK])
    def test_opens_what_it_sealed(self, size: int) -> None:
        content = bytes(i % 251 for i in range(1000)) * (size // 1000 + 1)
        assert opened(sealed(content[:size])) == content[:size]

    def test_seals_the_same_content_differently_each_time_under_the_same_name(self) -> None:
        assert sealed(b"same") != sealed(b"same")
        assert SEALER.name_of("ab") == SEALER.name_of("ab") != Sealer("another-passphrase-here").name_of("ab")

    @pytest.mark.parametrize("place", [0, len(FORM), len(FORM) + SALT_BYTES, -1])
    def test_a_changed_byte_is_found(self, place: int) -> None:
        content = bytearray(sealed(b"content"))
        content[place] ^= 1
        with pytest.raises(FileDamaged):
            opened(bytes(content))

    def test_cut_swapped_and_appended_blocks_are_found(self) -> None:
        whole = sealed(bytes(BLOCK) + b"1" * BLOCK + b"2" * BLOCK)
        head, block = len(FORM) + SALT_BYTES, BLOCK + TAG_BYTES
        first, second, third = (whole[head + n * block : head + (n + 1) * block] for n in range(3))
        for wrong in (first + second, second + first + third, first + second + third + third, b"", first[:100]):
            with pytest.raises(FileDamaged):
                opened(whole[:head] + wrong)

    def test_another_passphrase_opens_nothing(self) -> None:
        with pytest.raises(FileDamaged):
            opened(sealed(b"content"), Sealer("another-passphrase-here"))

    def test_passphrase_is_not_shown(self) -> None:
        assert "a-passphrase" not in repr(SEALER)


class TestKey:
    def test_is_made_once_for_its_owner_alone(self, tmp_path: Path) -> None:
        path = tmp_path / "secrets" / "backup.key"
        assert make_passphrase(path) == make_passphrase(path) == read_passphrase(path)
        assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)

    def test_absent_and_unfit_ones_are_said(self, tmp_path: Path) -> None:
        with pytest.raises(KeyMissing, match="key file that is kept apart"):
            read_passphrase(tmp_path / "none")
        for text in ("", "short", "two words of some length here", "line one is long enough\nline-two-is-long-enough"):
            (tmp_path / "key").write_text(text)
            with pytest.raises(KeyUnfit):
                read_passphrase(tmp_path / "key")


class TestConfiguration:
    def test_ours_is_encrypted_and_what_the_officer_says_of_the_repository_counts(self, tmp_path: Path) -> None:
        file = tmp_path / "s3.conf"
        file.write_text(
            "[global]\nrepo1-type=s3\nrepo1-s3-key-secret=a%b=c\nrepo1-path=/x\nprocess-max=8\n"
            "repo1-cipher-type=none\nlock-path=/etc\n"
        )
        place = Place(Path("/h"), "postgres", Path("/k"), None, read_options(file))
        text = conf_text(place, "secret-passphrase", Path("/h/pg"), Server(Path("/s"), 20001))
        parser = configparser.ConfigParser(interpolation=None)
        parser.read_string(text)
        found = dict(parser["global"])
        assert found["repo1-type"] == "s3"
        assert found["repo1-s3-key-secret"] == "a%b=c"
        assert (found["repo1-cipher-type"], found["repo1-cipher-pass"]) == ("aes-256-cbc", "secret-passphrase")
        assert (found["process-max"], found["repo1-path"], found["lock-path"]) == ("8", "/x", "/h/backup/lock")
        assert dict(parser["diaban"])["pg1-socket-path"] == "/s"

    @pytest.mark.parametrize(
        "text", ["", "[other]\nrepo1-type=s3\n", "[global]\nprocess-max=2\n", "repo1-s3-key-secret=hunter2\n", "\xff"]
    )
    def test_unusable_file_is_named_without_its_content(self, tmp_path: Path, text: str) -> None:
        file = tmp_path / "x.conf"
        file.write_bytes(text.encode("latin-1"))
        with pytest.raises(OptionsUnfit, match=str(file)) as caught:
            read_options(file)
        assert "hunter2" not in caught.value.vi + caught.value.en

    def test_without_a_repository_nothing_is_backed_up(self) -> None:
        assert not is_configured(Settings(backup_repo=None))
        with pytest.raises(NoRepository, match="DIABAN_BACKUP_REPO"):
            find_place(Settings(backup_repo=None))

    def test_archive_command_survives_odd_folder_names(self) -> None:
        place = Place(Path("/a b/100%"), None, Path("/k"), None, {})
        assert archive_command(place).startswith("pgbackrest '--config=/a b/100%%/backup/pgbackrest.conf'")


class TestSchedule:
    @pytest.mark.parametrize(
        ("backups", "kind"),
        [
            ([], Kind.FULL),
            ([made(Kind.FULL, timedelta(hours=1))], None),
            # The day began at 01:00 in Việt Nam, nine hours ago.
            ([made(Kind.FULL, timedelta(hours=8, minutes=59))], None),
            ([made(Kind.FULL, timedelta(hours=9, minutes=1))], Kind.DIFF),
            ([made(Kind.FULL, timedelta(days=2)), made(Kind.DIFF, timedelta(hours=2))], None),
            ([made(Kind.FULL, timedelta(days=6, hours=8))], Kind.DIFF),
            ([made(Kind.FULL, timedelta(days=6, hours=10)), made(Kind.DIFF, timedelta(days=1))], Kind.FULL),
            ([made(Kind.FULL, timedelta(days=40)), made(Kind.INCR, timedelta(hours=1))], Kind.FULL),
        ],
    )
    def test_gives_the_kind_that_is_due(self, backups: list[Backup], kind: Kind | None) -> None:
        assert due_kind(NOW, backups, hour=1, full_days=7) is kind

    def test_before_the_hour_it_is_yesterdays(self) -> None:
        assert due_kind(NOW, [made(Kind.FULL, timedelta(hours=9))], hour=11, full_days=7) is None


class TestHealth:
    WELL = ArchiveHealth(3, NOW, NOW - timedelta(days=1), False)

    def test_fresh_back_up_and_running_archive_say_nothing(self) -> None:
        assert list(notes_on(made(Kind.DIFF, timedelta(hours=20)), self.WELL, NOW)) == []

    def test_none_old_and_failing_are_said(self) -> None:
        assert "no back-up yet" in next(notes_on(None, None, NOW)).en
        assert "39 hours old" in next(notes_on(made(Kind.DIFF, timedelta(hours=40)), self.WELL, NOW)).en
        failing = ArchiveHealth(3, NOW - timedelta(hours=1), NOW, True)
        (note,) = notes_on(made(Kind.DIFF, timedelta(hours=1)), failing, NOW)
        assert "2026-12-01 02:00 UTC" in note.en
        assert "WAL" in note.vi


class TestWalGaps:
    A, B, C = "0000000100000000000000FE", "0000000100000000000000FF", "000000010000000100000000"

    def test_a_run_over_the_end_of_a_part_is_whole(self) -> None:
        assert missing_wal([self.C, self.A, self.B], self.A) == []

    def test_the_first_of_each_gap_is_named(self) -> None:
        assert missing_wal([self.A, self.C], self.A) == [self.B]
        assert missing_wal([self.B, self.C], self.A) == [self.A]

    def test_what_is_older_than_the_oldest_back_up_does_not_matter(self) -> None:
        assert missing_wal(["000000010000000000000001", self.B, self.C], self.B) == []

    def test_a_new_timeline_begins_where_it_branched(self) -> None:
        assert missing_wal([self.A, self.B, "0000000200000000000000FF", "000000020000000100000000"], self.A) == []


def test_files_that_are_still_coming_are_in_no_back_up(tmp_path: Path) -> None:
    # A photo holds its place until it has been made anew.
    for name in ("ab/whole.jpg", ".incoming/1/0", "x/original.part", "intake-1/rows.parquet"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    assert [path.name for path in files_below(tmp_path)] == ["whole.jpg"]
