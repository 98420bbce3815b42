"""Commands on alerts: what stands, and one alert with its evidence and steps."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Annotated

import orjson
import typer
from rich.markup import escape
from rich.table import Table

from app.console import console
from app.owner import owner_engine
from layers.access import Scope
from scenarios.alerts.lifecycle import State
from scenarios.alerts.reading import MOST, AlertFilter, ListedAlert, WholeAlert, list_alerts, read_alert
from scenarios.evaluation.replay import replay_alert
from scenarios.outcomes import Standing

alerts_app = typer.Typer(help="Cảnh báo · alerts of scenarios", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="JSON cho chương trình · JSON for programs")]


@alerts_app.command("list")
def list_command(
    scenario: Annotated[str | None, typer.Option(help="Mã kịch bản, ví dụ S04 · scenario")] = None,
    standing: Annotated[Standing | None, typer.Option(help="Điều kiện còn đúng? · does the condition hold?")] = None,
    state: Annotated[list[State] | None, typer.Option(help="Trạng thái, có thể lặp · state, may be repeated")] = None,
    unit: Annotated[str | None, typer.Option(help="Mã xã (5 số) hoặc tỉnh (2 số) · commune, province")] = None,
    before: Annotated[int | None, typer.Option(min=1, max=2**63 - 1, help="Cũ hơn số này · older than this id")] = None,
    limit: Annotated[int, typer.Option(min=1, max=MOST)] = 50,
    as_json: AsJson = False,
) -> None:
    """Xem các cảnh báo, mới nhất trước · list alerts, newest first."""
    wanted = AlertFilter(scenario, standing, tuple(state or ()), unit, before)
    with owner_engine() as engine, engine.connect() as connection:
        alerts = list_alerts(connection, Scope.local_admin(), wanted, limit=limit)
    if as_json:
        _write(alerts)
        return
    columns = ("số · id", "kịch bản · rule", "nơi · place", "xã · unit", "mức · level", "điều kiện", "trạng thái", "từ")
    table = Table(*columns, box=None)
    for alert in alerts:
        place = " ".join(part for part in (alert.place_kind, alert.place_layer, alert.place_key) if part)
        since = alert.since_at.isoformat(" ", "minutes")
        rule = f"{alert.scenario}/{alert.rule}"
        cells = (str(alert.id), rule, place, alert.unit_code, alert.level, alert.standing, alert.state, since)
        table.add_row(*(escape(cell) for cell in cells))
    console.print(table)


@alerts_app.command("show")
def show_command(
    alert_id: Annotated[int, typer.Argument(help="Số cảnh báo · id", min=1, max=2**63 - 1)], as_json: AsJson = False
) -> None:
    """Xem một cảnh báo, bằng chứng và các bước · show one alert, its evidence and steps."""
    with owner_engine() as engine:
        snapshot = engine.execution_options(isolation_level="REPEATABLE READ")
        with snapshot.connect() as connection:
            whole = read_alert(connection, Scope.local_admin(), alert_id)
    if as_json:
        _write({**asdict(whole.alert), "evidence": whole.evidence, "steps": whole.steps})
        return
    _show(whole)


@alerts_app.command("replay")
def replay_command(
    alert_id: Annotated[int, typer.Argument(help="Số cảnh báo · id", min=1, max=2**63 - 1)], as_json: AsJson = False
) -> None:
    """Tính lại cảnh báo từ bằng chứng đã giữ · evaluate an alert again from its frozen evidence."""
    with owner_engine() as engine, engine.connect() as connection:
        replayed = replay_alert(connection, Scope.local_admin(), alert_id)
    if as_json:
        _write([asdict(one) for one in replayed])
    else:
        columns = ("lúc · at", "đã giữ · frozen", "tính lại · again", "vượt ngưỡng · passed", "khớp · same")
        table = Table(*columns, box=None)
        for one in replayed:
            cells = (one.at.isoformat(" "), one.frozen, one.again, one.is_passed, one.is_same)
            table.add_row(*(str(cell) for cell in cells))
        console.print(table)
    if not all(one.is_same for one in replayed):
        raise typer.Exit(1)


def _show(whole: WholeAlert) -> None:
    facts = Table(box=None, show_header=False)
    for name, value in asdict(whole.alert).items():
        if value not in (None, ""):
            facts.add_row(name, escape(str(value)))
    console.print(facts)
    evidence = Table("lúc · at", "giá trị · value", "ngưỡng · threshold", "bằng chứng · evidence", box=None)
    for item in whole.evidence:
        told = orjson.dumps(item.evidence).decode()
        evidence.add_row(item.at.isoformat(" "), str(item.value), str(item.threshold), escape(told))
    console.print(evidence)
    steps = Table("", "lúc · at", "ai · actor", "việc · act", "trạng thái · state", "ý kiến · comment", box=None)
    for step in whole.steps:
        at = step.at.isoformat(" ", "minutes")
        steps.add_row(str(step.number), at, escape(step.actor), step.act, step.to_state, escape(step.comment))
    console.print(steps)


def _write(document: list[ListedAlert] | list[dict[str, object]] | dict[str, object]) -> None:
    sys.stdout.write(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode() + "\n")
