"""Commands on back-ups: make, list, verify, restore, end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.table import Table

from app.audit_keeper import signing_key_file
from app.backup.archiving import switch_off
from app.backup.checking import verify_repository
from app.backup.files import Stored
from app.backup.key import read_passphrase
from app.backup.listing import Kind, read_backups
from app.backup.making import back_up, file_store
from app.backup.place import Place, find_place, write_conf
from app.backup.replacing import replace_cluster
from app.backup.restoring import Restored, restore_to
from app.console import console, fail, say, working
from app.database import personal_key_file
from app.owner import open_database, record_act
from app.reports.receiving import reports_key_file
from app.settings import CHECKOUT, Settings
from layers.audit import Detail, Event

backup_app = typer.Typer(help="Sao lưu và phục hồi · back-ups and restoring", no_args_is_help=True)
ACTOR: Final = "local-admin"
MEGABYTE: Final = 1_000_000
_FORMATS: Final = ["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d %H:%M:%S%z", "%Y-%m-%dT%H:%M%z", "%Y-%m-%d %H:%M%z"]


@backup_app.command("now")
def now_command(
    kind: Annotated[
        Kind, typer.Option("--type", help="full: tất cả · all; diff, incr: phần đổi · changes")
    ] = Kind.INCR,
    by: Annotated[str, typer.Option(hidden=True, help="ai yêu cầu, cho nhật ký")] = ACTOR,
) -> None:
    """Sao lưu ngay cơ sở dữ liệu và tệp · back up database and files now."""
    settings = Settings()
    place = find_place(settings)
    is_first = not place.key_file.exists()
    with open_database(settings) as database, working("Đang sao lưu", "backing up"):
        made = back_up(settings, database, kind, actor=by)
    found = made.backup
    seconds = (found.stopped_at - found.started_at).total_seconds()
    say(
        f"Bản sao lưu {found.label}: {_megabytes(found.database_bytes)} dữ liệu, {_megabytes(found.stored_bytes)} trong"
        f" kho, {seconds:.0f} giây",
        f"{found.label}: {_megabytes(found.database_bytes)} of data, {_megabytes(found.stored_bytes)} stored",
    )
    _tell_files(made.files)
    if is_first:
        say(
            f"Khóa của kho nằm ở {place.key_file}. Hãy cất một bản ở nơi khác: mất khóa là mất mọi bản sao lưu.",
            "keep a copy of the key elsewhere: without it no back-up can be read",
        )


def _tell_files(stored: Stored) -> None:
    copied = f"{stored.copied} ({_megabytes(stored.copied_bytes)})"
    say(
        f"Tệp gửi lên, ảnh viễn thám, ảnh phản ánh: {len(stored.listing)}; chép mới {copied}",
        f"uploads, rasters, photos: {len(stored.listing)}; copied {copied}",
    )


@backup_app.command("list")
def list_command() -> None:
    """Xem các bản sao lưu, cũ nhất trước · list the back-ups, oldest first."""
    place = _readable_place(Settings())
    backups = read_backups(place)
    table = Table("bản · label", "xong · made (UTC)", "dữ liệu · data", "kho · stored", box=None)
    for found in backups:
        label = f"{found.label} ✗" if found.is_faulty else found.label
        sizes = (_megabytes(found.database_bytes), _megabytes(found.stored_bytes))
        table.add_row(label, f"{found.stopped_at:%Y-%m-%d %H:%M}", *sizes)
    console.print(table)
    if backups:
        say(
            f"Phục hồi được mọi lúc từ {backups[0].stopped_at:%Y-%m-%d %H:%M:%S} UTC đến WAL cuối đã lưu",
            "any instant from the first back-up's end to the last stored WAL can be restored",
        )


@backup_app.command("verify")
def verify_command() -> None:
    """Đọc lại toàn bộ kho: dữ liệu, WAL, tệp · read the whole repository: data, WAL, files."""
    settings = Settings()
    place = _readable_place(settings)
    with working("Đang đọc lại kho", "reading the repository"):
        report = verify_repository(place, file_store(place, read_passphrase(place.key_file), settings))
    say(
        f"{report.backups} bản sao lưu, {report.files} nội dung tệp đã đọc lại",
        f"{report.backups} back-ups and {report.files} contents of files read",
    )
    for vi, en in report.faults:
        fail(vi, en)
    _tell_keys(settings, place)
    raise typer.Exit(1 if report.faults else 0)


def _tell_keys(settings: Settings, place: Place) -> None:
    """Keys are not in the repository, whose thief would otherwise hold what they lock."""
    second_factor = settings.second_factor_key or settings.state_dir / "secrets" / "second-factor.key"
    personal = personal_key_file(settings)
    erased = personal.with_name(f"{personal.name}.erased")
    keys = (place.key_file, signing_key_file(settings), second_factor, reports_key_file(settings), personal, erased)
    names = ", ".join(str(path) for path in keys if path.exists())
    say(
        f"Khóa KHÔNG nằm trong kho; hãy cất riêng: {names}",
        "keys are NOT in the repository; keep copies of these apart",
    )


@backup_app.command("restore")
def restore_command(
    to: Annotated[Path | None, typer.Option(help="Thư mục mới, thành DIABAN_STATE_DIR · a new folder")] = None,
    at: Annotated[
        datetime | None, typer.Option(formats=_FORMATS, help="Thời điểm có múi giờ · instant with zone")
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Thay cơ sở dữ liệu đang dùng · in the place of the present one")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Không hỏi lại · do not ask")] = False,
) -> None:
    """Phục hồi đến WAL cuối hoặc một thời điểm, kiểm tra, và báo RPO, RTO · restore, check, tell RPO and RTO."""
    settings = Settings()
    if (to is None) is not replace:
        fail("Chọn một: --to THƯ-MỤC hoặc --replace.", "Choose one: --to FOLDER or --replace.")
        raise typer.Exit(2)
    begun = datetime.now(UTC)
    if to is not None:
        with working("Đang phục hồi", "restoring"):
            restored = restore_to(settings, (CHECKOUT / to).resolve(), at)
        _tell_restored(restored, at or begun)
        say(f"Dùng thử: DIABAN_STATE_DIR={to} PORT=8001 diaban serve", "look at it so")
        raise typer.Exit(0 if restored.is_well else 1)
    if not yes:
        typer.confirm("Dừng dịch vụ và thay cơ sở dữ liệu · stop the service and replace the database", abort=True)
    with working("Đang phục hồi", "restoring"):
        done = replace_cluster(settings, at)
    _tell_restored(done.restored, at or begun)
    until = at.astimezone(UTC).isoformat() if at else "latest"
    detail: Detail = {"until": until, "timeline": done.restored.timeline}
    record_act(Event(ACTOR, "database_restored", "database", "main", detail=detail))
    if done.kept:
        say(f"Dữ liệu trước đó giữ ở {done.kept}; xóa khi không cần nữa", "the data before are kept there")
    say("Khởi động lại dịch vụ, rồi sao lưu: diaban backup now --type full", "start the service and back up again")


def _tell_restored(restored: Restored, wanted: datetime) -> None:
    for check in restored.checks:
        tell: Callable[[str, str], None] = say if check.is_well else fail
        tell(f"{check.vi}: {check.found}. {check.remedy_vi}", f"{check.en}. {check.remedy_en}")
    last = restored.last_change_at
    if last is not None:
        lost = max(0.0, (wanted - last).total_seconds())
        say(
            f"RPO: thay đổi cuối lúc {last.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC, {lost:.0f} giây trước lúc cần",
            f"RPO: {lost:.0f} s from the last change restored to the instant wanted",
        )
    say(
        f"RTO: {restored.seconds:.0f} giây từ lệnh đến khi kiểm tra xong; {restored.file_count} tệp đã ghi",
        f"RTO: {restored.seconds:.0f} s; {restored.file_count} files written",
    )


@backup_app.command("off")
def off_command() -> None:
    """Thôi lưu WAL; các bản đã có còn nguyên · end WAL archiving; what is stored stays."""
    settings = Settings()
    with open_database(settings) as database:
        switch_off(database.superuser_dsn)
    record_act(Event(ACTOR, "backup_ended", "database", "main"))
    say("Đã tắt lưu WAL; bỏ DIABAN_BACKUP_REPO để thôi sao lưu hằng ngày", "WAL is no longer stored")


def _readable_place(settings: Settings) -> Place:
    """A place whose configuration is written, for commands that need no running database."""
    place = find_place(settings)
    passphrase = read_passphrase(place.key_file)
    if not place.conf.exists():
        write_conf(place, passphrase)
    return place


def _megabytes(count: int) -> str:
    return f"{count / MEGABYTE:,.1f} MB"
