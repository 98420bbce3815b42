"""Commands on the audit trail: verify, show, export, checkpoint, and what to do after a restore or a lost key."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from rich.table import Table
from sqlalchemy import Connection

from app.audit_keeper import checkpoint_file, log_snapshot, open_keeper, seal, signing_key_file
from app.console import console, fail, say
from app.database import Database
from app.owner import open_database
from app.settings import Settings
from layers.audit import Event, record_event
from layers.audit.bundle import event_line, write_bundle
from layers.audit.checkpoints import Checkpoint
from layers.audit.keeper import Keeper
from layers.audit.keys import key_id, load_key, public_bytes, write_key
from layers.audit.listing import EventFilter, list_events
from layers.audit.log import stream_events
from layers.audit.verify import Verdict, verify_log

audit_app = typer.Typer(help="Nhật ký kiểm toán · the audit trail", no_args_is_help=True)
ACTOR: Final = "local-admin"
GROUP: Final = 8


@audit_app.command("verify")
def verify_command() -> None:
    """Kiểm chứng toàn bộ nhật ký với các điểm kiểm đã ký · verify the whole log against its signed checkpoints."""
    settings = Settings()
    with open_database(settings) as database:
        key = load_key(signing_key_file(settings))
        with log_snapshot(database) as connection:
            verdict = verify_log(connection, checkpoint_file(settings), known_key=public_bytes(key) if key else None)
    _tell(verdict)
    raise typer.Exit(1 if verdict.faults else 0)


def _tell(verdict: Verdict) -> None:
    for vi, en in verdict.notices:
        say(f"Lưu ý: {vi}", f"note: {en}")
    for fault in verdict.faults:
        fail(fault.vi, fault.en)
    head = verdict.head
    beyond = head.seq - verdict.covered
    say(
        f"{head.seq} sự kiện, {verdict.checkpoints} điểm kiểm; {beyond} sự kiện sau điểm kiểm cuối, {verdict.waiting}"
        " chưa có số",
        f"{head.seq} events, {verdict.checkpoints} checkpoints; {beyond} events after the last, {verdict.waiting} not"
        " numbered yet",
    )
    if verdict.faults:
        fail(
            f"Nhật ký KHÔNG toàn vẹn: {len(verdict.faults)} lỗi", f"The log is NOT whole: {len(verdict.faults)} faults"
        )
    else:
        say("Nhật ký toàn vẹn", "the log is whole")


@audit_app.command("show")
def show_command(
    actor: Annotated[str | None, typer.Option(help="Ai làm · who acted")] = None,
    action: Annotated[str | None, typer.Option(help="Việc gì · what was done")] = None,
    object_kind: Annotated[str | None, typer.Option("--kind", help="Loại đối tượng · kind of object")] = None,
    object_id: Annotated[str | None, typer.Option("--id", help="Mã đối tượng · its id")] = None,
    since: Annotated[datetime | None, typer.Option(help="Từ lúc (UTC) · from")] = None,
    until: Annotated[datetime | None, typer.Option(help="Trước lúc (UTC) · before")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 50,
) -> None:
    """Xem các sự kiện, mới nhất trước · show events, newest first."""
    wanted = EventFilter(
        actor=actor,
        action=action,
        object_kind=object_kind,
        object_id=object_id,
        since=since and since.replace(tzinfo=UTC),
        until=until and until.replace(tzinfo=UTC),
    )
    with open_database(Settings()) as database, log_snapshot(database) as connection:
        events = list_events(connection, wanted, limit=limit)
    table = Table("số · seq", "lúc · at (UTC)", "ai · actor", "việc · action", "đối tượng · object", "", "từ", box=None)
    for event in events:
        mark = "" if event.outcome == "done" else "từ chối · refused"
        place = f"{event.object_kind} {event.object_id}"
        seq = "…" if event.seq is None else str(event.seq)
        table.add_row(seq, f"{event.at:%Y-%m-%d %H:%M:%S}", event.actor, event.action, place, mark, event.source or "")
    console.print(table)


@audit_app.command("export")
def export_command(
    file: Annotated[Path, typer.Argument(help="Tệp .zip, hoặc - cho JSON từng dòng · a .zip, or - for JSON lines")],
    first: Annotated[int, typer.Option("--from", min=1, help="Từ số thứ tự · from number")] = 1,
) -> None:
    """Xuất gói cho thanh tra mang đi kiểm chứng · export a bundle that an inspector takes away and verifies."""
    settings = Settings()
    with open_database(settings) as database:
        _record(database, Event(ACTOR, "audit_exported", "audit", str(first)))
        if str(file) == "-":
            with log_snapshot(database) as connection:
                for _, event in stream_events(connection, first=first):
                    sys.stdout.write(f"{event_line(event) if event else ''}\n")
            return
        with _keeping(database, settings) as (keeper, connection):
            keeper.keep(connection, datetime.now(UTC), at_once=True)
        with log_snapshot(database) as connection:
            count = write_bundle(connection, checkpoint_file(settings), file, first=first)
    say(f"Đã ghi {count} sự kiện vào {file}", f"{count} events written to {file}")


@audit_app.command("checkpoint")
def checkpoint_command() -> None:
    """Ghi một điểm kiểm ngay và in bản tóm tắt để lưu giấy · write a checkpoint now and print its digest."""
    settings = Settings()
    with open_database(settings) as database:
        seal(database.engine("diaban_writer"))
        with _keeping(database, settings) as (keeper, connection):
            line = keeper.keep(connection, datetime.now(UTC), at_once=True)
    if line is not None:
        print_digest(line, keeper)


def print_digest(line: Checkpoint, keeper: Keeper) -> None:
    """What is printed, signed by hand and kept in a drawer: enough to find any later change."""
    digest = line.head.hash.hex()
    console.print("[bold]Địa Bàn: tóm tắt nhật ký · digest of the audit trail[/bold]")
    for name, value in (
        ("lúc · at", f"{line.at:%Y-%m-%d %H:%M:%S} UTC"),
        ("nhật ký · log", line.head.log_id),
        ("số sự kiện · events", str(line.head.seq)),
        ("mã băm · hash", " ".join(digest[start : start + GROUP] for start in range(0, len(digest), GROUP))),
        ("khóa · key", key_id(public_bytes(keeper.key))),
    ):
        console.print(f"  {name:<22} {value}", soft_wrap=True)


@audit_app.command("resume")
def resume_command(
    reason: Annotated[str, typer.Option(prompt="Lý do (số biên bản) · reason (number of the record)")],
    yes: Annotated[bool, typer.Option("--yes", help="Không hỏi lại · do not ask")] = False,
) -> None:
    """Sau khi phục hồi bản sao lưu cũ: ký nhận nhật ký tiếp tục từ đây · after a restore: go on from here, signed."""
    settings = Settings()
    if not yes:
        typer.confirm(
            "Các sự kiện sau trạng thái này sẽ được ghi là đã mất · later events are noted as lost", abort=True
        )
    with open_database(settings) as database:
        _record(database, Event(ACTOR, "audit_resumed", "audit", "log", detail={"reason": reason}))
        with _keeping(database, settings) as (keeper, connection):
            line = keeper.resume(connection, datetime.now(UTC))
    say(f"Nhật ký tiếp tục từ số {line.head.seq}", f"the log goes on from number {line.head.seq}")


@audit_app.command("rotate-key")
def rotate_key_command(
    lost: Annotated[bool, typer.Option("--lost", help="Khóa cũ đã mất · the old key is gone")] = False,
) -> None:
    """Thay khóa ký; khóa cũ xác nhận khóa mới · change the signing key; the old one vouches for the new."""
    settings = Settings()
    path = signing_key_file(settings)
    with open_database(settings) as database:
        _record(database, Event(ACTOR, "audit_key_rotated", "audit", "key", detail={"lost": lost}))
        with _keeping(database, settings) as (keeper, connection):
            if lost:
                made = keeper.key
                keeper.replace_lost(connection, datetime.now(UTC))
            else:
                made = Ed25519PrivateKey.generate()
                draft = path.with_name(path.name + ".next")
                draft.unlink(missing_ok=True)
                write_key(draft, made)
                keeper.rotate(connection, made, datetime.now(UTC))
                path.replace(path.with_name(f"{path.name}.{key_id(public_bytes(keeper.key))}"))
                os.replace(draft, path)
    say(f"Khóa ký mới: {key_id(public_bytes(made))}", "tell it to those who verify the log")


@audit_app.command("key")
def key_command() -> None:
    """In dấu khóa ký để người kiểm tra ghi lại · print the signing key's fingerprint for those who verify."""
    keeper = open_keeper(Settings())
    public = public_bytes(keeper.key)
    sys.stdout.write(f"{key_id(public)} {public.hex()}\n")


def _record(database: Database, event: Event) -> None:
    engine = database.engine("diaban_writer")
    with engine.begin() as connection:
        record_event(connection, event)
    seal(engine)
    engine.dispose()


@contextmanager
def _keeping(database: Database, settings: Settings) -> Iterator[tuple[Keeper, Connection]]:
    engine = database.engine("diaban_writer")
    with engine.begin() as connection:
        yield open_keeper(settings), connection
    engine.dispose()
