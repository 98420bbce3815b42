"""What the service writes to its log when something goes wrong."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import asyncpg
import psycopg
import pytest
import structlog
from sqlalchemy.exc import IntegrityError

from app.logs import configure_logs

IDENTITY = "038199012345"


@pytest.fixture(params=["console", "json"])
def style(request: pytest.FixtureRequest) -> Iterator[str]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield request.param
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def fail(error: Exception) -> None:
    password = "hunter2-secret"  # noqa: S105 - what must not be seen
    raise error if password else ValueError


def logged(error: Exception, style: str, capsys: pytest.CaptureFixture[str]) -> str:
    configure_logs(style)
    try:
        fail(error)
    except Exception:
        logging.getLogger("asyncpg.pool").warning("lost", exc_info=True)
    return capsys.readouterr().err


class TestTraceback:
    def test_names_the_place_without_local_variables(self, style: str, capsys: pytest.CaptureFixture[str]) -> None:
        text = logged(OSError("no route to host"), style, capsys)
        assert "test_logs.py" in text
        assert "OSError: no route to host" in text
        assert "hunter2" not in text

    @pytest.mark.parametrize(
        "error",
        [
            asyncpg.UniqueViolationError(f"Key (identity)=({IDENTITY}) already exists."),
            psycopg.errors.UniqueViolation(f"Key (identity)=({IDENTITY}) already exists."),
            IntegrityError("INSERT", {"identity": IDENTITY}, psycopg.errors.UniqueViolation(f"({IDENTITY})")),
        ],
        ids=["asyncpg", "psycopg", "sqlalchemy"],
    )
    def test_withholds_what_the_database_said(
        self, error: Exception, style: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        text = logged(error, style, capsys)
        assert IDENTITY not in text
        assert "SQLSTATE 23505" in text

    def test_shows_the_cause_first(self, style: str, capsys: pytest.CaptureFixture[str]) -> None:
        error = RuntimeError("second")
        error.__cause__ = KeyError("first")
        text = logged(error, style, capsys)
        assert text.index("first") < text.index("second")
