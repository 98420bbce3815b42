"""The command line: everything the Makefile does, and the operator's tools."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from pydantic import ValidationError
from rich.markup import escape
from rich.table import Table
from sqlalchemy.exc import OperationalError

from app.account_commands import accounts_app, announce_first_administrator
from app.alert_commands import alerts_app
from app.audit_commands import audit_app
from app.backup_commands import backup_app
from app.channel_commands import channels_app
from app.cluster import cluster_status, locate_cluster, stop_cluster
from app.console import console, fail, say
from app.demo import PARCELS, DemoPlan, OtherData, prepare
from app.doctor import examine
from app.external import UnfitDatabase
from app.grant_commands import grants_app
from app.intake_command import intake_file
from app.layer_commands import layers_app
from app.logs import configure_logs
from app.owner import open_database
from app.personal_commands import personal_app
from app.postgres import ClusterError
from app.query_command import ask_question
from app.question_text import read_question_text
from app.raster_commands import rasters_app
from app.report_map_commands import report_maps_app
from app.scenario_commands import scenarios_app
from app.serve import is_free, serve
from app.settings import CHECKOUT, Settings
from app.tile_commands import tiles_app
from app.worker import work_until_told
from layers.errors import LayerError
from migrations.run import migrate
from scenarios.errors import ScenarioError
from spatial.errors import SpatialError
from tiles.errors import TileError

app = typer.Typer(
    name="diaban",
    help="Địa Bàn: dịch vụ bản đồ số của IOC · the digital map service of an IOC",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(layers_app, name="layers")
app.add_typer(rasters_app, name="rasters")
app.add_typer(tiles_app, name="tiles")
app.add_typer(audit_app, name="audit")
app.add_typer(backup_app, name="backup")
app.add_typer(grants_app, name="grants")
app.add_typer(scenarios_app, name="scenarios")
app.add_typer(alerts_app, name="alerts")
app.add_typer(report_maps_app, name="report-map")
app.add_typer(channels_app, name="channels")
app.command("intake")(intake_file)
app.add_typer(accounts_app, name="accounts")
app.add_typer(personal_app, name="personal")


def _settings(host: str | None = None, port: int | None = None) -> Settings:
    given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    return Settings(**given)  # type: ignore[arg-type]


Host = Annotated[str | None, typer.Option(help="Địa chỉ lắng nghe · address to listen on")]
Port = Annotated[int | None, typer.Option(help="Cổng · port")]


@app.command("demo")
def demo_command(
    data: Annotated[Path | None, typer.Option(help="Thư mục dữ liệu thật · folder of real data")] = None,
    reset: Annotated[bool, typer.Option(help="Xóa và nạp lại · delete and load anew")] = False,
    parcels: Annotated[int, typer.Option(help="Số thửa đất mô phỏng · synthetic parcels", min=1000)] = PARCELS,
    host: Host = None,
    port: Port = None,
    only_prepare: Annotated[bool, typer.Option("--prepare", help="Chỉ chuẩn bị dữ liệu · prepare only")] = False,
) -> None:
    """Chuẩn bị dữ liệu rồi chạy dịch vụ · prepare the data, then run the service."""
    settings = _settings(host, port)
    folder = data or settings.data
    if folder is not None and not folder.is_dir():
        _stop(f"Không có thư mục {folder}; kiểm tra lại DATA.", f"There is no folder {folder}; check DATA.")
    if not only_prepare:
        _require_port(settings)
    plan = DemoPlan(folder, parcels)
    anew = reset or settings.reset
    _announce(settings, plan, anew=anew, serving=not only_prepare)
    with open_database(settings) as database:
        prepare(database, plan, reset=anew)
        announce_first_administrator(database)
        if not only_prepare:
            serve(settings, database)


def _announce(settings: Settings, plan: DemoPlan, *, anew: bool, serving: bool) -> None:
    """What is about to happen, before it does."""
    if settings.database_url is not None:
        steps = [("dùng PostGIS của DATABASE_URL", "use the PostGIS of DATABASE_URL")]
    else:
        home, _ = locate_cluster(CHECKOUT, "main", state_dir=settings.state_dir)
        steps = [(f"khởi động PostGIS riêng trong {home}", f"start the private PostGIS in {home}")]
    if anew:
        steps.append(("xóa toàn bộ dữ liệu đang có (RESET=1)", "delete all data in place (RESET=1)"))
    steps.append((f"nạp các lớp còn thiếu: {plan.vi}", f"load the layers that are missing: {plan.en}"))
    if serving:
        steps.append((f"chạy dịch vụ ở {settings.public_url}", f"run the service at {settings.public_url}"))
    for number, (vi, en) in enumerate(steps, start=1):
        say(f"{number}. {vi}", en)


@app.command("serve")
def serve_command(host: Host = None, port: Port = None) -> None:
    """Chạy dịch vụ trên dữ liệu đang có · run the service on the data in place."""
    settings = _settings(host, port)
    _require_port(settings)
    with open_database(settings) as database:
        migrate(database.superuser_engine(), database.passwords)
        serve(settings, database)


@app.command("worker")
def worker_command(
    parent: Annotated[int | None, typer.Option(hidden=True, help="dừng khi tiến trình này mất")] = None,
) -> None:
    """Làm các công việc nền: xuất tệp … · do background jobs: file exports …."""
    settings = _settings()
    with open_database(settings) as database:
        asyncio.run(work_until_told(database, settings, parent))


@app.command("migrate")
def migrate_command() -> None:
    """Nâng cấp lược đồ cơ sở dữ liệu · bring the database to the newest schema."""
    with open_database(_settings()) as database:
        version = migrate(database.superuser_engine(), database.passwords)
    say(f"Lược đồ ở phiên bản {version}", f"the schema is at version {version}")


@app.command("query")
def query_command(
    question: Annotated[str, typer.Argument(help="Câu hỏi JSON, tệp, hoặc - · a question as JSON, a file, or -")],
    form: Annotated[
        str | None, typer.Option("--format", help="geojson | csv | json; thay cho 'format' · in place of 'format'")
    ] = None,
) -> None:
    """Hỏi bản đồ theo điểm, vùng, bán kính, tuyến, địa giới · ask by point, zone, radius, route, boundary."""
    settings = _settings()
    document = read_question_text(question)
    document["format"] = form or document.get("format") or "json"
    # Standard output holds the answer alone.
    configure_logs(settings.log_format)
    with open_database(settings) as database:
        answer = asyncio.run(ask_question(database, settings, document))
        sys.stdout.buffer.write(answer if answer.endswith(b"\n") else answer + b"\n")


@app.command("doctor")
def doctor_command() -> None:
    """Kiểm tra máy và cơ sở dữ liệu · look at the machine and the database."""
    table = Table("", "Mục · item", "Thấy · found", "Cách sửa · remedy", box=None)
    ill = 0
    for finding in examine(_settings()):
        ill += not finding.is_well
        mark = "[green]✓[/green]" if finding.is_well else "[red]✗[/red]"
        table.add_row(mark, finding.name, escape(finding.found), "" if finding.is_well else escape(finding.remedy))
    console.print(table)
    raise typer.Exit(1 if ill else 0)


@app.command("stop")
def stop_command() -> None:
    """Dừng cơ sở dữ liệu riêng của thư mục này · stop this checkout's private database."""
    settings = _settings()
    status = cluster_status(CHECKOUT, state_dir=settings.state_dir)
    if stop_cluster(CHECKOUT, state_dir=settings.state_dir):
        users = f" ({len(status.users)} tiến trình đang dùng)" if status.users else ""
        say(f"Đã dừng cơ sở dữ liệu{users}", "the database has stopped")
    else:
        say("Không có gì đang chạy", "nothing was running")


def _require_port(settings: Settings) -> None:
    if not is_free(settings.host, settings.port):
        _stop(
            f"Cổng {settings.host}:{settings.port} đang được dùng. Dừng chương trình kia hoặc đặt PORT khác.",
            f"Port {settings.host}:{settings.port} is in use. Stop the other program or set another PORT.",
        )


def _stop(vi: str, en: str) -> NoReturn:
    fail(vi, en)
    raise typer.Exit(1)


def main() -> None:
    """Runs the command line; errors that a person can mend end in a sentence instead of a traceback."""
    # Being ended in an orderly way must leave no database behind: the blocks above stop it on their way out.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    try:
        app(prog_name="diaban")
    except (LayerError, SpatialError, TileError, ScenarioError, ClusterError, OtherData, UnfitDatabase) as error:
        fail(error.vi, error.en)
        raise SystemExit(1) from None
    except ValidationError as error:
        _explain_settings(error)
        raise SystemExit(1) from None
    except OperationalError as error:
        reason = str(error.orig).strip().splitlines()[0] if error.orig else ""
        fail(
            f"Không nối được cơ sở dữ liệu ({reason}). Chạy diaban doctor.",
            f"Cannot reach the database ({reason}). Run diaban doctor.",
        )
        raise SystemExit(1) from None


def _leave(number: int, _frame: object) -> NoReturn:
    raise SystemExit(128 + number)


def _explain_settings(error: ValidationError) -> None:
    """Names each setting that cannot be read, as the person typed it, and what it should be."""
    for fault in error.errors(include_url=False, include_input=False):
        name = str(fault["loc"][0]) if fault["loc"] else "?"
        known = Settings.model_fields.get(name)
        shown = name if known is None or known.validation_alias else f"DIABAN_{name.upper()}"
        fail(f"Cấu hình {shown} không hợp lệ: {fault['msg']}", f"The setting {shown} is not valid.")


if __name__ == "__main__":
    main()
