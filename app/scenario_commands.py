"""Commands on scenarios: list, show, docs, sheet, backtest."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.markup import escape
from rich.table import Table

from app.api.backtests import backtest_document
from app.api.sheets import make_sheet
from app.console import console
from app.owner import open_database
from app.settings import Settings
from layers.access import Scope
from scenarios.evaluation.backtest import BackTest, Trial, back_test
from scenarios.loader import get_scenario, load_builtin
from scenarios.revisions.reading import scenario_in_force
from scenarios.sheets.sheet import MeetingWord
from scenarios.table import scenarios_table
from scenarios.work.calendar import VIETNAM_TIME

scenarios_app = typer.Typer(help="Kịch bản điều hành · operating scenarios", no_args_is_help=True)


@scenarios_app.command("list")
def list_scenarios() -> None:
    """Danh mục kịch bản · the catalogue of scenarios."""
    table = Table("mã", "tên · title", "căn cứ · clauses", "quy tắc", "bước", box=None)
    for scenario in load_builtin().values():
        counts = (str(len(scenario.rules)), str(len(scenario.steps)))
        table.add_row(scenario.code, scenario.title.vi, ", ".join(scenario.clauses), *counts)
    console.print(table)


@scenarios_app.command("show")
def show_scenario(code: str) -> None:
    """Một kịch bản dạng JSON · one scenario as JSON."""
    document = orjson.dumps(get_scenario(code), option=orjson.OPT_INDENT_2)
    sys.stdout.write(document.decode() + "\n")


@scenarios_app.command("docs")
def print_docs() -> None:
    """Bảng docs/scenarios.md từ các định nghĩa · the page docs/scenarios.md from the definitions."""
    sys.stdout.write(scenarios_table(load_builtin().values()))


@scenarios_app.command("sheet")
def sheet_command(
    code: str,
    out: Annotated[Path, typer.Option("--out", "-o", help="Tệp PDF · the PDF file")],
    level: Annotated[MeetingWord, typer.Option(help="Cấp họp · level of the meeting")] = MeetingWord.PERIODIC,
    unit: Annotated[str | None, typer.Option(help="Mã xã hoặc tỉnh · code of a commune or province")] = None,
    at: Annotated[datetime | None, typer.Option(help="Lúc xem, giờ Việt Nam · moment of looking; now")] = None,
) -> None:
    """Phiếu họp A4 của một kịch bản · the A4 sheet of a scenario for a meeting."""
    scenario = get_scenario(code)
    moment = at.replace(tzinfo=VIETNAM_TIME) if at else datetime.now(UTC)
    with open_database(Settings()) as database:
        engine = database.engine("diaban_writer")
        out.write_bytes(make_sheet(engine, Scope.local_admin(), scenario, level, moment, unit))
        engine.dispose()
    console.print(escape(str(out)))


@scenarios_app.command("backtest")
def backtest_command(
    code: str,
    rule: str,
    since: Annotated[datetime | None, typer.Option(help="Từ ngày, giờ Việt Nam · from; a year ago")] = None,
    until: Annotated[datetime | None, typer.Option(help="Đến trước · until, exclusive; now")] = None,
    threshold: Annotated[float | None, typer.Option(help="Ngưỡng muốn thử · the limit to try")] = None,
    min_duration_h: Annotated[float, typer.Option(min=0, help="Phải kéo dài bao nhiêu giờ · lasting, hours")] = 0.0,
    as_json: Annotated[bool, typer.Option("--json", help="JSON cho chương trình · JSON for programs")] = False,
) -> None:
    """Chạy thử quy tắc trên số liệu cũ · run a rule over history before it goes into force."""
    now = datetime.now(UTC)
    end = until.replace(tzinfo=VIETNAM_TIME) if until else now
    start = since.replace(tzinfo=VIETNAM_TIME) if since else end - timedelta(days=366)
    trial = Trial(start, end, now, threshold, min_duration_h=min_duration_h)
    with open_database(Settings()) as database:
        engine = database.engine("diaban_writer")
        with engine.connect() as connection:
            scenario = scenario_in_force(connection, code, now)
            found = back_test(connection, Scope.local_admin(), scenario, rule, trial)
        engine.dispose()
    if as_json:
        sys.stdout.write(orjson.dumps(backtest_document(found), option=orjson.OPT_INDENT_2).decode() + "\n")
        return
    _show_episodes(found)


def _show_episodes(found: BackTest) -> None:
    table = Table(
        "nơi · place", "từ · from", "đến · until", "giờ · hours", "đầu · first", "nặng nhất · worst", box=None
    )
    for one in found.episodes:
        ended = one.ended_at.isoformat(" ", "minutes") if one.ended_at else "…"
        figures = (f"{one.hours(found.trial.until):.1f}", f"{one.first:g}", f"{one.worst:g}")
        table.add_row(escape(one.place.key), one.began_at.isoformat(" ", "minutes"), ended, *figures)
    console.print(table)
    console.print(
        f"{found.scenario} {found.rule} {found.operator} {found.threshold:g}: {len(found.episodes)} lần · times,"
        f" {len({one.place for one in found.episodes})}/{found.places} nơi · places,"
        f" {found.moments} thời điểm · moments"
    )
