"""Scalar expressions: text functions and arithmetic that cannot make the database fail."""

from typing import Final

from sqlalchemy import Double, Numeric, Text, cast, collate, func, literal_column

from spatial.cql2.expression import ARITHMETIC, TEXT_FUNCTIONS, Expr, GeometryLiteral, Literal, Operation, Property
from spatial.cql2.fields import NUMERIC, Scope, Sql, Typed, ValueType, geometry_literal, literal, mismatch
from spatial.errors import InvalidFilter

# The root locale of ICU folds every Vietnamese letter; a database made with locale C folds ASCII only.
_FOLDING_COLLATION: Final = "und-x-icu"
_COMBINING_MARKS: Final = r"'[\u0300-\u036f]'"


def scalar(node: Expr, scope: Scope) -> Typed | None:
    """Return a property, literal, text function or arithmetic as typed SQL; None for anything else.

    Raises:
        InvalidFilter: an operand has the wrong type.
        FieldUnknown: a name is not a field.
    """
    match node:
        case Property():
            return scope.property(node)
        case Literal():
            return literal(node)
        case GeometryLiteral():
            return geometry_literal(node)
        case Operation(op=op) if op in TEXT_FUNCTIONS:
            return _text_function(node, scope)
        case Operation(op=op) if op in ARITHMETIC:
            return _arithmetic(node, scope)
    return None


def wanted_scalar(node: Expr, scope: Scope) -> Typed:
    """Return a scalar expression.

    Raises:
        InvalidFilter: the node is a condition, an interval or a list.
    """
    found = scalar(node, scope)
    if found is not None:
        return found
    raise InvalidFilter(
        "Ở đây cần một trường hoặc một giá trị, không phải điều kiện hay danh sách. Hãy sửa lại",
        "A field or a value is expected here, not a condition or a list. Correct it",
        parameter=scope.parameter,
        position=node.position,
    )


def wanted_text(node: Expr, scope: Scope) -> Typed:
    """Return a text expression.

    Raises:
        InvalidFilter: the expression is no text.
    """
    found = wanted_scalar(node, scope)
    if found.type is ValueType.TEXT:
        return found
    raise mismatch(
        found,
        frozenset({ValueType.TEXT}),
        "Hãy dùng trường chuỗi hoặc đặt giá trị trong dấu nháy đơn",
        "Use a text field, or put the value in single quotes",
    )


def _text_function(node: Operation, scope: Scope) -> Typed:
    inner = wanted_text(node.args[0], scope)
    folded = fold_case(inner.sql) if node.op == "casei" else fold_accents(inner.sql)
    return Typed(folded, ValueType.TEXT, inner.position, inner.name)


def fold_case(text: Sql) -> Sql:
    """Return a text in lower case, by Unicode rules whatever the locale of the database."""
    return func.lower(collate(text, _FOLDING_COLLATION), type_=Text())


def fold_accents(text: Sql) -> Sql:
    """Return a text without its combining marks, and with đ as d."""
    decomposed = func.pg_catalog.normalize(text, literal_column("'NFD'"))
    bare = func.regexp_replace(
        decomposed, literal_column(_COMBINING_MARKS), literal_column("''"), literal_column("'g'")
    )
    return func.translate(bare, literal_column("'đĐ'"), literal_column("'dD'"), type_=Text())


def _arithmetic(node: Operation, scope: Scope) -> Typed:
    operands = [_number(arg, scope) for arg in node.args]
    integral = all(operand.type is ValueType.INTEGER for operand in operands)
    kind = ValueType.INTEGER if integral and node.op not in ("/", "^") else ValueType.NUMBER
    sql = _negated(operands[0]) if len(operands) == 1 else _binary(node.op, operands, integral=integral)
    return Typed(sql, kind, node.position, f"'{node.op}'")


def _negated(operand: Typed) -> Sql:
    return -cast(operand.sql, Numeric() if operand.type is ValueType.INTEGER else Double())


def _binary(op: str, operands: list[Typed], *, integral: bool) -> Sql:
    """Returns the operation in numeric for integers and in double precision else.

    bigint would overflow, and integer division would cut; division by zero yields NULL, so no row matches.
    """
    exact = op in ("%", "div") or (integral and op in ("+", "-", "*"))
    left, right = (cast(operand.sql, Numeric() if exact else Double()) for operand in operands)
    nonzero = func.nullif(right, literal_column("0"))
    match op:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case "/":
            return left.op("/", return_type=Double())(nonzero)
        case "%":
            return func.mod(left, nonzero, type_=Numeric())
        case "div":
            return func.div(left, nonzero, type_=Numeric())
    return func.power(left, right, type_=Double())


def _number(node: Expr, scope: Scope) -> Typed:
    found = wanted_scalar(node, scope)
    if found.type in NUMERIC:
        return found
    raise mismatch(
        found,
        NUMERIC,
        "Phép tính chỉ dùng cho trường số và số",
        "Arithmetic takes number fields and numbers only",
    )
