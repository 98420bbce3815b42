"""A question as people give it to a command: a file, standard input, or the text itself."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NoReturn

import typer

from app.console import fail
from spatial.question_text import decode_question


def read_question_text(text: str) -> dict[str, object]:
    """The decoded question; a command ends with a sentence where there is none.

    Args:
        text: ``-`` for standard input, a text that begins with a brace, else the path of a file.

    Raises:
        InvalidQuestion: The text is not JSON.
    """
    if text == "-":
        text = sys.stdin.read()
    elif not text.lstrip().startswith(("{", "[")):
        text = _file_text(Path(text))
    document = decode_question(text)
    if not isinstance(document, dict):
        _stop("Câu hỏi phải là một đối tượng JSON.", "The question must be a JSON object.")
    return document


def _file_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        _stop(f"Không đọc được tệp {path} ({reason}).", f"Cannot read the file {path} ({reason}).")


def _stop(vi: str, en: str) -> NoReturn:
    fail(vi, en)
    raise typer.Exit(1)
