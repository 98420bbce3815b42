"""A filter's tree into SQLAlchemy conditions: names become known columns, values are always bound."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    TIMESTAMP,
    BigInteger,
    Boolean,
    ColumnElement,
    Date,
    Double,
    Text,
    and_,
    any_,
    false,
    not_,
    or_,
    true,
)

from spatial.cql2.expression import (
    ARRAYS,
    COMPARISONS,
    SPATIAL,
    TEMPORAL,
    ArrayLiteral,
    Expr,
    Literal,
    Operation,
    Property,
)
from spatial.cql2.fields import (
    NUMERIC,
    TIMES,
    TYPE_NAMES_VI,
    FilterColumn,
    Scope,
    Sql,
    SqlType,
    Typed,
    ValueType,
    bound,
    mismatch,
)
from spatial.cql2.geometries import spatial
from spatial.cql2.scalars import scalar, wanted_scalar, wanted_text
from spatial.cql2.temporal import start_of_day, temporal
from spatial.errors import InvalidFilter

_Bool = ColumnElement[bool]

_COMPARE: Final[Mapping[str, Callable[[Sql, Sql], _Bool]]] = {
    "=": lambda a, b: a == b,
    "<>": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}
_ITEM_TYPES: Final[Mapping[ValueType, SqlType]] = {
    ValueType.TEXT: Text(),
    ValueType.INTEGER: BigInteger(),
    ValueType.NUMBER: Double(),
    ValueType.BOOLEAN: Boolean(),
    ValueType.DATE: Date(),
    ValueType.DATETIME: TIMESTAMP(timezone=True),
}


def compile_filter(
    expression: Expr,
    fields: Mapping[str, FilterColumn],
    geometry: Sql | None,
    *,
    parameter: str = "filter",
) -> ColumnElement[bool]:
    """Return the condition of a filter over these columns; ``geometry`` is EPSG:4326, or None without one.

    Raises:
        InvalidFilter: an operator meets a type that it does not take.
        FieldUnknown: a name is not among the fields.
        PersonalFieldUsed: a name is one of a personal field.
    """
    return _condition(expression, Scope(fields, geometry, parameter))


def _condition(node: Expr, scope: Scope) -> _Bool:
    if isinstance(node, Operation):
        for operators, build in _BUILDERS:
            if node.op in operators:
                return build(node, scope)
    if isinstance(node, Literal) and isinstance(node.value, bool):
        return true() if node.value else false()
    found = scope.property(node) if isinstance(node, Property) else None
    if found is not None and found.type is ValueType.BOOLEAN:
        return found.sql
    raise InvalidFilter(
        "Ở đây cần một điều kiện, ví dụ ten = 'Hà Nội'. Hãy thêm phép so sánh",
        "A condition is expected here, such as name = 'Hà Nội'. Add a comparison",
        parameter=scope.parameter,
        position=node.position,
    )


def _and(node: Operation, scope: Scope) -> _Bool:
    return and_(*(_condition(arg, scope) for arg in node.args))


def _or(node: Operation, scope: Scope) -> _Bool:
    return or_(*(_condition(arg, scope) for arg in node.args))


def _not(node: Operation, scope: Scope) -> _Bool:
    return not_(_condition(node.args[0], scope).self_group())


def _compare(node: Operation, scope: Scope) -> _Bool:
    left, right = (_operand(arg, scope) for arg in node.args)
    return _compared(node.op, left, right)


def _operand(node: Expr, scope: Scope) -> Typed:
    """Returns a scalar, or a condition as the boolean that it yields: ``(a = 1) = TRUE``."""
    if (found := scalar(node, scope)) is not None:
        return found
    if isinstance(node, Operation):
        return Typed(_condition(node, scope), ValueType.BOOLEAN, node.position, f"'{node.op}'")
    return wanted_scalar(node, scope)


def _compared(op: str, left: Typed, right: Typed) -> _Bool:
    _check_comparable(op, left, right)
    if left.type in TIMES and left.type is not right.type:
        return _COMPARE[op](start_of_day(left), start_of_day(right))
    return _COMPARE[op](left.sql, right.sql)


def _check_comparable(op: str, left: Typed, right: Typed) -> None:
    if _family(left.type) != _family(right.type):
        raise _incomparable(left, right)
    if left.type in (ValueType.GEOMETRY, ValueType.TEXT_ARRAY):
        raise mismatch(
            left,
            frozenset(_ITEM_TYPES),
            "Hãy dùng S_EQUALS cho hình học, A_EQUALS cho danh sách",
            "Use S_EQUALS for geometries and A_EQUALS for lists",
        )
    if left.type is ValueType.BOOLEAN and op not in ("=", "<>"):
        raise mismatch(
            left,
            frozenset(_ITEM_TYPES) - {ValueType.BOOLEAN},
            "Giá trị đúng/sai chỉ so được bằng = và <>",
            "Booleans compare with = and <> only",
        )


def _family(kind: ValueType) -> str:
    if kind in NUMERIC:
        return "number"
    return "time" if kind in TIMES else kind.value


def _incomparable(left: Typed, right: Typed) -> InvalidFilter:
    examples = {"number": "12.5", "text": "'Hà Nội'", "time": "DATE('2025-07-01')", "boolean": "TRUE"}
    example = examples.get(_family(left.type), "IS NULL")
    return InvalidFilter(
        f"{left.name} là {TYPE_NAMES_VI[left.type]} nên không so được với {right.name}"
        f" ({TYPE_NAMES_VI[right.type]}). Hãy so với {example}",
        f"{left.name} is {left.type} and does not compare with {right.name} ({right.type}). Compare it with {example}",
        position=right.position,
    )


def _between(node: Operation, scope: Scope) -> _Bool:
    value, low, high = (wanted_scalar(arg, scope) for arg in node.args)
    return and_(_compared(">=", value, low), _compared("<=", value, high))


def _in(node: Operation, scope: Scope) -> _Bool:
    value = wanted_scalar(node.args[0], scope)
    listed = node.args[1]
    if not isinstance(listed, ArrayLiteral) or not listed.items:
        raise InvalidFilter(
            "Sau IN phải có ít nhất một giá trị trong ngoặc. Hãy ghi như IN ('a','b')",
            "IN needs at least one value in brackets. Write it like IN ('a','b')",
            parameter=scope.parameter,
            position=listed.position,
        )
    items = [wanted_scalar(item, scope) for item in listed.items]
    for item in items:
        _check_comparable("=", value, item)
    kinds = {item.type for item in items}
    # One array parameter keeps the statement text the same for any number of values.
    if all(isinstance(item, Literal) for item in listed.items) and (kinds <= NUMERIC or kinds == {value.type}):
        kind = ValueType.NUMBER if ValueType.NUMBER in kinds else kinds.pop()
        return value.sql == any_(_array([item.value for item in listed.items if isinstance(item, Literal)], kind))
    return or_(*(_compared("=", value, item) for item in items))


def _array(values: Sequence[Any], kind: ValueType) -> Sql:
    plain = [float(value) for value in values] if kind is ValueType.NUMBER else values
    return bound(plain, ARRAY(_ITEM_TYPES[kind]))


def _like(node: Operation, scope: Scope) -> _Bool:
    text, pattern = wanted_text(node.args[0], scope), wanted_text(node.args[1], scope)
    written = node.args[1]
    while isinstance(written, Operation):
        written = written.args[0]
    if not isinstance(written, Literal) or not isinstance(written.value, str):
        raise InvalidFilter(
            "Mẫu LIKE phải là chuỗi. Hãy ghi như LIKE 'Hà%'",
            "The pattern of LIKE is a text. Write it like LIKE 'Hà%'",
            parameter=scope.parameter,
            position=written.position,
        )
    if (len(written.value) - len(written.value.rstrip("\\"))) % 2:
        raise InvalidFilter(
            "Mẫu LIKE kết thúc bằng một dấu \\. Hãy ghi \\\\ để tìm dấu \\",
            "The pattern of LIKE ends with a single \\. Write \\\\ to find a \\",
            parameter=scope.parameter,
            position=written.position,
        )
    return text.sql.like(pattern.sql)


def _is_null(node: Operation, scope: Scope) -> _Bool:
    return wanted_scalar(node.args[0], scope).sql.is_(None)


def _array_predicate(node: Operation, scope: Scope) -> _Bool:
    left, right = (_text_array(arg, scope) for arg in node.args)
    contains = left.op("@>", return_type=Boolean())(right)
    contained = left.op("<@", return_type=Boolean())(right)
    match node.op:
        case "a_contains":
            return contains
        case "a_containedby":
            return contained
        case "a_overlaps":
            return left.op("&&", return_type=Boolean())(right)
    return and_(contains, contained)


def _text_array(node: Expr, scope: Scope) -> Sql:
    if isinstance(node, ArrayLiteral):
        return _array([_text_item(item, scope) for item in node.items], ValueType.TEXT)
    found = wanted_scalar(node, scope)
    if found.type is ValueType.TEXT_ARRAY:
        return found.sql
    raise mismatch(
        found,
        frozenset({ValueType.TEXT_ARRAY}),
        "Hãy dùng trường danh sách hoặc ('a','b')",
        "Use a list field or ('a','b')",
    )


def _text_item(node: Expr, scope: Scope) -> str:
    if isinstance(node, Literal) and isinstance(node.value, str):
        return node.value
    raise InvalidFilter(
        "Danh sách chỉ gồm chuỗi. Hãy đặt từng giá trị trong dấu nháy đơn",
        "The list holds texts only. Put each value in single quotes",
        parameter=scope.parameter,
        position=node.position,
    )


_BUILDERS: Final[tuple[tuple[frozenset[str], Callable[[Operation, Scope], _Bool]], ...]] = (
    (frozenset({"and"}), _and),
    (frozenset({"or"}), _or),
    (frozenset({"not"}), _not),
    (COMPARISONS, _compare),
    (frozenset({"between"}), _between),
    (frozenset({"in"}), _in),
    (frozenset({"like"}), _like),
    (frozenset({"isnull"}), _is_null),
    (SPATIAL, spatial),
    (TEMPORAL, temporal),
    (ARRAYS, _array_predicate),
)
