"""Report maps from the command line, with the operator's scope."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from app.console import fail, say
from app.database import Database, open_gate
from app.logs import configure_logs
from app.owner import open_database, record_act
from app.question_text import read_question_text
from app.report_maps.making import ReportForm, make_report
from app.report_maps.reading import Reading, read_question
from app.settings import Settings
from app.watcher import CatalogueWatcher
from layers.access import LOCAL_ADMIN, Scope
from layers.audit import Event
from layers.reader import Statements
from spatial.question import parse_question
from web.report_maps.assets import ReportAssetsMissing
from web.report_maps.report import About, Report

report_maps_app = typer.Typer(help="Báo cáo bản đồ: một tệp HTML hoặc PNG · report maps", no_args_is_help=True)
Out = Annotated[Path, typer.Argument(help="Tệp .html hoặc .png sẽ ghi · the .html or .png file to write")]
Title = Annotated[str, typer.Option(help="Tiêu đề · title")]
English = Annotated[bool, typer.Option("--en", help="Tiếng Anh · in English")]
Read = Callable[[Reading], Awaitable[Report]]


@report_maps_app.command("question")
def question_command(
    question: Annotated[str, typer.Argument(help="Câu hỏi JSON, tệp, hoặc - · a question as JSON, a file, or -")],
    out: Out,
    title: Title = "",
    english: English = False,
) -> None:
    """Báo cáo của một câu hỏi · a question as a report map."""
    form = _form_of(out)
    asked = parse_question(read_question_text(question))
    about = _about(title, english=english)
    _write(out, form, f"question:{asked.layer}", lambda reading: read_question(reading, asked, about))


def _about(title: str, *, english: bool) -> About:
    return About(title, Settings().office, datetime.now(UTC), english)


def _form_of(out: Path) -> ReportForm:
    try:
        return ReportForm(out.suffix.lower().lstrip("."))
    except ValueError:
        fail(
            f"Tên tệp {out.name} phải kết thúc bằng .html hoặc .png.",
            f"The file name {out.name} must end in .html or .png.",
        )
        raise typer.Exit(1) from None


def _write(out: Path, form: ReportForm, target: str, read: Read) -> None:
    settings = Settings()
    configure_logs(settings.log_format)
    with open_database(settings) as database:
        report = asyncio.run(_read(database, settings, read))
    try:
        body = make_report(report, form)
        out.write_bytes(body)
    except ReportAssetsMissing as error:
        fail(error.vi, error.en)
        raise typer.Exit(1) from None
    except OSError as error:
        fail(f"Không ghi được {out} ({error.strerror}).", f"Cannot write {out} ({error.strerror}).")
        raise typer.Exit(1) from None
    record_act(Event(LOCAL_ADMIN, "report_made", "report", target, detail={"form": form.value, "bytes": len(body)}))
    say(f"Đã ghi {out} ({len(body) // 1024} kB)", "the report is written")


async def _read(database: Database, settings: Settings, read: Read) -> Report:
    watcher = CatalogueWatcher(database.dsn("diaban_watcher"))
    async with open_gate(database, settings) as gate, watcher.running():
        return await read(Reading(gate, watcher.catalogue, Statements(), Scope.local_admin()))
