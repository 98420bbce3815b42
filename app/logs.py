"""Structured logs: constant event names, data in keywords, the request id bound by the middleware."""

from __future__ import annotations

import logging
import sys
import traceback

import asyncpg
import psycopg
import structlog
from sqlalchemy.exc import DBAPIError
from structlog.typing import ExcInfo, Processor

# PostgreSQL puts values of rows and of parameters into its messages.
_DATABASE_ERRORS = (asyncpg.PostgresError, psycopg.Error, DBAPIError)


def configure_logs(style: str) -> None:
    """Sends the service's own and foreign records to standard error in one form.

    Args:
        style: ``console`` for people, ``json`` for a log store.
    """
    renderer: Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if style == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=True,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.ExceptionRenderer(format_without_values),
            renderer,
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    # The access log is ours, with a request id; uvicorn's would repeat it without.
    logging.getLogger("uvicorn.access").handlers[:] = []
    logging.getLogger("uvicorn.access").propagate = False


def format_without_values(exc_info: ExcInfo) -> str:
    """A traceback that holds no secret and nobody's data: no local variables, no messages of the database.

    Args:
        exc_info: Type, exception and traceback; only the exception is looked at.
    """
    parts: list[str] = []
    error: BaseException | None = exc_info[1]
    while error is not None:
        parts.append("".join(traceback.format_tb(error.__traceback__)) + _name(error))
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\n\n".join(reversed(parts))


def _name(error: BaseException) -> str:
    kind = f"{type(error).__module__}.{type(error).__qualname__}"
    if isinstance(error, _DATABASE_ERRORS):
        code = getattr(error, "sqlstate", None) or getattr(getattr(error, "orig", None), "sqlstate", None)
        return f"{kind} (SQLSTATE {code})"
    return f"{kind}: {error}"
