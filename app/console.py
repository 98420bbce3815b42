"""What commands say to a person at a terminal: sentences in Vietnamese and English, progress, tables."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, Task, TextColumn, TimeElapsedColumn

# Without a terminal, in a log file or a pipe, a line says how far the work is, this often.
LINE_EVERY_S = 5.0

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)


def say(vi: str, en: str) -> None:
    """One step, in both languages."""
    console.print(f"[bold]•[/bold] {escape(vi)} [dim]· {escape(en)}[/dim]", soft_wrap=True)


def note(vi: str, en: str) -> None:
    """A step beside the matter, on standard error: standard output may be an answer that a program reads."""
    errors.print(f"[bold]•[/bold] {escape(vi)} [dim]· {escape(en)}[/dim]", soft_wrap=True)


def fail(vi: str, en: str) -> None:
    """Why a command ends, and what to do."""
    errors.print(f"[bold red]✗[/bold red] {escape(vi)}\n  {escape(en)}", soft_wrap=True)


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """Bars for work of more than two seconds; a plain line now and then where there is no terminal."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    if console.is_terminal:
        with Progress(*columns, console=console, transient=False) as progress:
            yield progress
        return
    # Never started: it only keeps the counts that the lines tell.
    progress = Progress(*columns, console=console, auto_refresh=False)
    with _spoken(lambda: _progress_line(progress.tasks)):
        yield progress
    console.print(_progress_line(progress.tasks), soft_wrap=True, markup=False)


@contextmanager
def working(vi: str, en: str) -> Iterator[None]:
    """A sentence, and a sign of life for as long as a step takes that cannot count what is left."""
    label = f"{vi} · {en}"
    if not console.is_terminal:
        say(vi, en)
        with _spoken(lambda: f"… {label}"):
            yield
        return
    with Progress(
        SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn(), console=console
    ) as bar:
        task = bar.add_task(label, total=1)
        yield
        bar.advance(task)


@contextmanager
def _spoken(line: Callable[[], str]) -> Iterator[None]:
    """Prints a line every few seconds until the block ends."""
    ended = threading.Event()

    def speak() -> None:
        while not ended.wait(LINE_EVERY_S):
            console.print(line(), soft_wrap=True, markup=False)

    speaker = threading.Thread(target=speak, daemon=True)
    speaker.start()
    try:
        yield
    finally:
        ended.set()
        speaker.join()


def _progress_line(tasks: list[Task]) -> str:
    return "  ".join(["…", *(_task_words(task) for task in tasks)])


def _task_words(task: Task) -> str:
    total = "" if task.total is None else f"/{task.total:,.0f}"
    return f"{task.description}: {task.completed:,.0f}{total} ({task.elapsed or 0:.0f} s)"
