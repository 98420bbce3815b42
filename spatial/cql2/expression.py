"""The syntax tree of a filter: what CQL2 text and CQL2 JSON both become."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from shapely.geometry.base import BaseGeometry

from spatial.errors import InvalidFilter

MAX_BYTES: Final = 32 * 1024
MAX_DEPTH: Final = 64
MAX_NODES: Final = 1_000

Position = int | str


@dataclass(frozen=True, slots=True)
class Literal:
    """A text, number, boolean, date or UTC timestamp."""

    value: str | int | float | bool | date | datetime
    position: Position


@dataclass(frozen=True, slots=True)
class GeometryLiteral:
    """A geometry in EPSG:4326."""

    geometry: BaseGeometry
    position: Position


@dataclass(frozen=True, slots=True)
class Property:
    """A name, as the sender wrote it."""

    name: str
    position: Position


@dataclass(frozen=True, slots=True)
class IntervalLiteral:
    """A closed interval; None is an open end."""

    start: "Literal | Property | None"
    end: "Literal | Property | None"
    position: Position


@dataclass(frozen=True, slots=True)
class ArrayLiteral:
    """A list of values."""

    items: tuple["Expr", ...]
    position: Position


@dataclass(frozen=True, slots=True)
class Operation:
    """An operator of CQL2 JSON in lower case, with its arguments."""

    op: str
    args: tuple["Expr", ...]
    position: Position


Expr = Literal | GeometryLiteral | Property | IntervalLiteral | ArrayLiteral | Operation

LOGICAL: Final = frozenset({"and", "or", "not"})
COMPARISONS: Final = frozenset({"=", "<>", "<", "<=", ">", ">="})
ARITHMETIC: Final = frozenset({"+", "-", "*", "/", "^", "%", "div"})
TEXT_FUNCTIONS: Final = frozenset({"casei", "accenti"})
SPATIAL: Final = frozenset(
    f"s_{name}"
    for name in (
        "intersects", "disjoint", "equals", "touches", "within", "contains", "crosses", "overlaps",
    )
)  # fmt: skip
TEMPORAL: Final = frozenset(
    f"t_{name}"
    for name in (
        "after", "before", "contains", "disjoint", "during", "equals", "finishedby", "finishes", "intersects",
        "meets", "metby", "overlappedby", "overlaps", "startedby", "starts",
    )
)  # fmt: skip
ARRAYS: Final = frozenset({"a_equals", "a_contains", "a_containedby", "a_overlaps"})
FUNCTIONS: Final = TEXT_FUNCTIONS | SPATIAL | TEMPORAL | ARRAYS

# How many arguments an operator takes: least and most.
_ARITY: Final = {
    "and": (1, MAX_NODES),
    "or": (1, MAX_NODES),
    "not": (1, 1),
    "isnull": (1, 1),
    "between": (3, 3),
    "casei": (1, 1),
    "accenti": (1, 1),
    # Minus may be a sign.
    "-": (1, 2),
}
OPERATORS: Final = LOGICAL | COMPARISONS | ARITHMETIC | FUNCTIONS | {"isnull", "between", "in", "like"}


def operation(op: str, args: tuple[Expr, ...], position: Position) -> Operation:
    """Return the operation, once its operator and the number of its arguments are known to be right.

    Raises:
        InvalidFilter: the operator is unknown or has too few or too many arguments.
    """
    if op not in OPERATORS:
        raise InvalidFilter(
            f"Bộ lọc không có phép '{op[:40]}'. Hãy dùng một trong: {', '.join(sorted(OPERATORS))}",
            f"There is no filter operator '{op[:40]}'. Use one of: {', '.join(sorted(OPERATORS))}",
            position=position,
        )
    least, most = _ARITY.get(op, (2, 2))
    if not least <= len(args) <= most:
        raise InvalidFilter(
            f"Phép '{op}' cần {least} đối số nhưng có {len(args)}. Hãy sửa số đối số",
            f"Operator '{op}' needs {least} arguments but has {len(args)}. Correct their number",
            position=position,
        )
    return Operation(op, args, position)


def children(expression: Expr) -> tuple[Expr, ...]:
    """Return the direct parts of an expression."""
    match expression:
        case Operation(args=args):
            return args
        case ArrayLiteral(items=items):
            return items
        case IntervalLiteral(start=start, end=end):
            return tuple(part for part in (start, end) if part is not None)
        case _:
            return ()


def walk(expression: Expr) -> Iterator[tuple[Expr, int]]:
    """Yield every node with its depth, the root at 1."""
    pending = [(expression, 1)]
    while pending:
        node, depth = pending.pop()
        yield node, depth
        pending.extend((child, depth + 1) for child in children(node))


def check_size(expression: Expr) -> None:
    """Refuse an expression of more than 1,000 nodes or 64 levels.

    Raises:
        InvalidFilter: the expression is too large.
    """
    for count, (node, depth) in enumerate(walk(expression), start=1):
        if depth > MAX_DEPTH:
            raise too_deep(node.position)
        if count > MAX_NODES:
            raise too_large(node.position)


def too_deep(position: Position) -> InvalidFilter:
    """Return the error for an expression nested beyond the limit."""
    return InvalidFilter(
        f"Bộ lọc lồng sâu hơn {MAX_DEPTH} cấp. Hãy viết phẳng hơn",
        f"The filter is nested deeper than {MAX_DEPTH} levels. Write it flatter",
        position=position,
    )


def too_large(position: Position) -> InvalidFilter:
    """Return the error for an expression of too many parts."""
    return InvalidFilter(
        f"Bộ lọc có hơn {MAX_NODES} phần tử. Hãy chia thành nhiều yêu cầu",
        f"The filter has more than {MAX_NODES} parts. Split it into several requests",
        position=position,
    )
