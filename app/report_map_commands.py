"""Report maps from the command line, with the operator's scope."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from app.console import fail, say
from app.database import Database, open_gate
from app.logs import configure_logs
from app.owner import open_database, record_act
from app.question_text import read_question_text
from app.report_maps.making import ReportForm, make_report
from app.report_maps.reading import Reading, read_question, read_revision
from app.report_maps.scenario import Wanted, read_scenario
from app.settings import Settings
from app.watcher import CatalogueWatcher
from layers.access import LOCAL_ADMIN, Scope
from layers.audit import Event
from layers.reader import Statements
from scenarios.figures.classes import Measure
from spatial.question import parse_question
from web.report_maps.assets import ReportAssetsMissing
from web.report_maps.report import About, Report

report_maps_app = typer.Typer(help="Báo cáo bản đồ: một tệp HTML hoặc PNG · report maps", no_args_is_help=True)
Out = Annotated[Path, typer.Argument(help="Tệp .html hoặc .png sẽ ghi · the .html or .png file to write")]
Title = Annotated[str, typer.Option(help="Tiêu đề · title")]
English = Annotated[bool, typer.Option("--en", help="Tiếng Anh · in English")]
Read = Callable[[Reading, Database], Awaitable[Report]]
_MOMENTS: Final = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"]


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
    _write(out, form, f"question:{asked.layer}", lambda reading, _: read_question(reading, asked, about))


@report_maps_app.command("scenario")
def scenario_command(
    code: Annotated[str, typer.Argument(help="Mã kịch bản, ví dụ S04 · scenario")],
    out: Out,
    at: Annotated[
        datetime | None, typer.Option(help="Thời điểm, giờ máy · the moment, local time", formats=_MOMENTS)
    ] = None,
    indicator: Annotated[str | None, typer.Option(help="Chỉ tiêu tô màu · the indicator coloured")] = None,
    measure: Annotated[Measure | None, typer.Option(help="Đối chiếu với · against what")] = None,
    title: Title = "",
    english: English = False,
) -> None:
    """Báo cáo của một kịch bản tại một thời điểm · a scenario at a moment as a report map."""
    about = _about(title, english=english)
    wanted = Wanted(code, at.astimezone(UTC) if at is not None else about.made_at, indicator, measure)

    async def read(reading: Reading, database: Database) -> Report:
        engine = database.engine("diaban_writer")
        try:
            return await read_scenario(reading, engine, wanted, about)
        finally:
            engine.dispose()

    _write(out, _form_of(out), f"scenario:{code}", read)


@report_maps_app.command("revision")
def revision_command(
    layer: Annotated[str, typer.Argument(help="Tên lớp · slug of the layer")],
    revision: Annotated[int, typer.Argument(min=1, max=2**63 - 1, help="Bản số · revision")],
    out: Out,
    title: Title = "",
    english: English = False,
) -> None:
    """Báo cáo các thay đổi của một bản · a revision's changes as a report map."""
    about = _about(title, english=english)
    _write(
        out,
        _form_of(out),
        f"revision:{layer}/{revision}",
        lambda reading, _: read_revision(reading, layer, revision, about),
    )


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
        reading = Reading(gate, watcher.catalogue, Statements(), Scope.local_admin(), settings.small_count)
        return await read(reading, database)
