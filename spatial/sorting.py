"""The order of features by their properties, and where a page begins in that order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Date,
    DateTime,
    Double,
    FromClause,
    Text,
    and_,
    bindparam,
    collate,
    func,
    or_,
)
from sqlalchemy.types import TypeEngine

# The Vietnamese alphabet: đ after d, tones told apart last; the database's own collation may be that of bytes.
COLLATION: Final = "vi-x-icu"
MAX_SORT_KEYS: Final = 8
_TYPES: Final[dict[str, TypeEngine[Any]]] = {
    "text": Text(),
    "integer": BigInteger(),
    "number": Double(),
    "boolean": Boolean(),
    "date": Date(),
    "datetime": DateTime(timezone=True),
}
SORTABLE_TYPES: Final = frozenset(_TYPES)


@dataclass(frozen=True, slots=True)
class SortKey:
    """One property to sort by.

    Attributes:
        type: One of :data:`SORTABLE_TYPES`.
        descending: From the greatest; empty values then come first, else last.
    """

    name: str
    type: str
    descending: bool = False

    @property
    def text(self) -> str:
        """The key as a request writes it."""
        return f"-{self.name}" if self.descending else self.name


def sort_parameter(number: int) -> str:
    """Name of the parameter that holds the last page's value of the key at this place."""
    return f"sort{number}"


def order_by(rows: FromClause, keys: Sequence[SortKey]) -> list[ColumnElement[Any]]:
    """The ORDER BY of these keys; ``fid`` decides among equals, so that the order is total."""
    columns = [(_compared(rows, key), key) for key in keys]
    ordered = [column.desc().nulls_first() if key.descending else column.asc().nulls_last() for column, key in columns]
    return [*ordered, rows.c.fid]


def after_position(rows: FromClause, keys: Sequence[SortKey]) -> ColumnElement[bool]:
    """Whether a row comes after the place bound as ``sort0`` ... and ``after`` (fid) in the order of the keys."""
    clause: ColumnElement[bool] = rows.c.fid > bindparam("after", type_=BigInteger)
    for number, key in reversed(list(enumerate(keys))):
        column = _compared(rows, key)
        value: ColumnElement[Any] = bindparam(sort_parameter(number), type_=_TYPES[key.type])
        clause = or_(_beyond(column, value, key), and_(column.is_not_distinct_from(value), clause))
    return clause


def position_text(rows: FromClause, keys: Sequence[SortKey]) -> ColumnElement[str]:
    """JSON text of a row's place: the values of the keys, then its fid."""
    return func.json_build_array(*(rows.c[key.name] for key in keys), rows.c.fid).cast(Text)


def _compared(rows: FromClause, key: SortKey) -> ColumnElement[Any]:
    column: ColumnElement[Any] = rows.c[key.name]
    return collate(column, COLLATION) if key.type == "text" else column


def _beyond(column: ColumnElement[Any], value: ColumnElement[Any], key: SortKey) -> ColumnElement[bool]:
    """Empty values count as greater than all others."""
    if key.descending:
        return or_(and_(value.is_(None), column.is_not(None)), column < value)
    return and_(value.is_not(None), or_(column > value, column.is_(None)))
