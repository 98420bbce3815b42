"""Turns SQLAlchemy Core statements into text with ``$n`` parameters for asyncpg."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.sql import ClauseElement

Rows = Select[*tuple[Any, ...]]
"""A SELECT of whatever columns."""

_DIALECT = PGDialect_asyncpg(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]


@dataclass(frozen=True, slots=True)
class Statement:
    """One SQL text, the names of its parameters in ``$n`` order, and the values already bound."""

    text: str
    names: tuple[str, ...]
    bound: Mapping[str, object]

    def args(self, values: Mapping[str, object] | None = None) -> list[object]:
        """Orders parameter values as the text numbers them.

        Args:
            values: Values by parameter name; they win over those bound when the statement was built.

        Raises:
            KeyError: A parameter has neither a value nor a default.
        """
        given = values or {}
        return [given[name] if name in given else self.bound[name] for name in self.names]


def compile_statement(clause: ClauseElement) -> Statement:
    """Compiles a Core statement once, so that hot paths only bind values to its text.

    Args:
        clause: A statement whose variable parts are ``bindparam`` objects.

    Raises:
        ValueError: The statement holds an ``IN`` list, whose text depends on its values.
    """
    compiled = clause.compile(dialect=_DIALECT)
    if "__[POSTCOMPILE_" in str(compiled):
        raise ValueError("lists are written as = ANY(array): an IN list has no fixed text")
    names = tuple(compiled.positiontup or ())  # type: ignore[attr-defined]
    required = {name for name, param in compiled.binds.items() if param.required}  # type: ignore[attr-defined]
    bound = {name: value for name, value in compiled.params.items() if name not in required}
    return Statement(str(compiled), names, bound)
