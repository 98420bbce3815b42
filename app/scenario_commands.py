"""Commands on scenarios: list, show, docs."""

from __future__ import annotations

import sys

import orjson
import typer
from rich.table import Table

from app.console import console
from scenarios.loader import get_scenario, load_builtin
from scenarios.table import scenarios_table

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
