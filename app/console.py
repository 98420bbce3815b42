"""What commands say to a person at a terminal: sentences in Vietnamese and English, progress, tables."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)


def say(vi: str, en: str) -> None:
    """One step, in both languages."""
    console.print(f"[bold]•[/bold] {vi} [dim]· {en}[/dim]")


def fail(vi: str, en: str) -> None:
    """Why a command ends, and what to do."""
    errors.print(f"[bold red]✗[/bold red] {vi}\n  {en}", markup=True)


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """Bars for work of more than two seconds; plain lines where there is no terminal."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=False) as progress:
        yield progress
