"""CQL2 text (OGC 21-065r2, annex B) by recursive descent, without backtracking over the grammar."""

from collections.abc import Callable
from typing import Final

from spatial.cql2.expression import (
    ARRAYS,
    COMPARISONS,
    FUNCTIONS,
    MAX_DEPTH,
    ArrayLiteral,
    Expr,
    GeometryLiteral,
    IntervalLiteral,
    Literal,
    Operation,
    Property,
    operation,
    too_deep,
)
from spatial.cql2.lexer import BACKSLASHED, DOUBLED, Lexer, QuoteForm, Token
from spatial.cql2.literals import (
    bbox_literal,
    date_literal,
    instant_literal,
    number_literal,
    number_of,
    text_literal,
    timestamp_literal,
)
from spatial.crs import CRS
from spatial.errors import InvalidFilter, shorten
from spatial.geometry import parse_wkt
from spatial.wkt import GEOMETRY_TYPES

_RESERVED: Final = frozenset({"and", "or", "not", "like", "between", "in", "is", "null", "div"})
_CONSTANTS: Final = {"true": True, "false": False}
_GEOMETRIES: Final = frozenset(name.lower() for name in GEOMETRY_TYPES)


def parse_text(text: str, filter_crs: CRS) -> Expr:
    """Return the tree of a CQL2 text; coordinates are in the axis order of ``filter_crs``.

    Raises:
        InvalidFilter: the syntax is wrong; ``position`` is the 1-based character.
        InvalidGeometry: a geometry in it cannot be used.
        InvalidBBox: a BBOX in it cannot be used.
    """
    # A quote inside a text is doubled. The standard also allows \', under which no text could end with a
    # backslash, so that form is read only where the text does not parse without it.
    try:
        return _Parser(text, filter_crs, DOUBLED).whole()
    except InvalidFilter:
        if "\\'" not in text:
            raise
        try:
            return _Parser(text, filter_crs, BACKSLASHED).whole()
        except InvalidFilter:
            pass
        raise


class _Parser:
    """Builds the tree of one text."""

    def __init__(self, text: str, filter_crs: CRS, form: QuoteForm) -> None:
        self.tokens = Lexer(text, form)
        self.filter_crs = filter_crs
        self.depth = 0

    def enter(self, position: int) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise too_deep(position)

    def whole(self) -> Expr:
        expression = self.disjunction()
        if self.tokens.next.kind != "end":
            raise self.tokens.error(
                "chữ thừa, hãy nối bằng AND hoặc OR, hoặc bỏ đi", "join it with AND or OR, or remove it"
            )
        return expression

    def disjunction(self) -> Expr:
        self.enter(self.tokens.next.position)
        expression = self.chain("or", self.conjunction)
        self.depth -= 1
        return expression

    def conjunction(self) -> Expr:
        return self.chain("and", self.negation)

    def chain(self, op: str, part: Callable[[], Expr]) -> Expr:
        position = self.tokens.next.position
        parts = [part()]
        while self.tokens.accept_word(op):
            parts.append(part())
        return parts[0] if len(parts) == 1 else Operation(op, tuple(parts), position)

    def negation(self) -> Expr:
        if not self.tokens.is_word("not"):
            return self.predicate()
        position = self.tokens.advance().position
        self.enter(position)
        inner = self.negation()
        self.depth -= 1
        return Operation("not", (inner,), position)

    def predicate(self) -> Expr:
        left = self.sum()
        token = self.tokens.next
        if token.kind == "mark" and token.value in COMPARISONS:
            self.tokens.advance()
            return Operation(token.value, (left, self.sum()), token.position)
        if self.tokens.accept_word("is"):
            negated = self.tokens.accept_word("not")
            self.tokens.expect_word("null")
            return self.maybe_not(Operation("isnull", (left,), token.position), negated=negated)
        negated = self.tokens.accept_word("not")
        if self.tokens.accept_word("like"):
            found = Operation("like", (left, self.sum()), token.position)
        elif self.tokens.accept_word("between"):
            found = Operation("between", (left, *self.bounds()), token.position)
        elif self.tokens.accept_word("in"):
            opening = self.tokens.expect_mark("(")
            found = Operation("in", (left, self.array(opening)), token.position)
        elif negated:
            raise self.tokens.error("sau NOT hãy ghi LIKE, BETWEEN hoặc IN", "write LIKE, BETWEEN or IN after NOT")
        else:
            return left
        return self.maybe_not(found, negated=negated)

    def maybe_not(self, found: Operation, *, negated: bool) -> Operation:
        return Operation("not", (found,), found.position) if negated else found

    def bounds(self) -> tuple[Expr, Expr]:
        low = self.sum()
        self.tokens.expect_word("and")
        return low, self.sum()

    def sum(self) -> Expr:
        left = self.product()
        while self.tokens.is_mark("+", "-"):
            token = self.tokens.advance()
            left = Operation(token.value, (left, self.product()), token.position)
        return left

    def product(self) -> Expr:
        left = self.power()
        while self.tokens.is_mark("*", "/", "%") or self.tokens.is_word("div"):
            token = self.tokens.advance()
            left = Operation(token.value.lower(), (left, self.power()), token.position)
        return left

    def power(self) -> Expr:
        base = self.factor()
        if not self.tokens.is_mark("^"):
            return base
        token = self.tokens.advance()
        return Operation("^", (base, self.factor()), token.position)

    def factor(self) -> Expr:
        if not self.tokens.is_mark("-", "+"):
            return self.primary()
        sign = self.tokens.advance()
        if self.tokens.is_mark("-", "+"):
            raise self.tokens.error("hai dấu liền nhau, hãy bỏ một", "two signs, remove one")
        operand = self.primary()
        if sign.value == "+":
            return operand
        if isinstance(operand, Literal) and type(operand.value) in (int, float):
            return number_literal(-operand.value, sign.position)  # type: ignore[operator]
        return Operation("-", (operand,), sign.position)

    def primary(self) -> Expr:
        token = self.tokens.next
        match token.kind:
            case "text":
                self.tokens.advance()
                return text_literal(token.value, token.position)
            case "number":
                self.tokens.advance()
                return number_literal(number_of(token.value), token.position)
            case "quoted":
                self.tokens.advance()
                return Property(token.value, token.position)
            case "word":
                return self.named()
            case "mark" if token.value == "(":
                self.tokens.advance()
                return self.bracketed(token)
        raise self.tokens.error(
            "hãy ghi tên trường, giá trị hoặc biểu thức", "write a field name, a value or an expression"
        )

    def bracketed(self, opening: Token) -> Expr:
        array = self.array(opening)
        return array.items[0] if len(array.items) == 1 else array

    def array(self, opening: Token) -> ArrayLiteral:
        items: list[Expr] = []
        if not self.tokens.is_mark(")"):
            items.append(self.disjunction())
            while self.tokens.accept_mark(","):
                items.append(self.disjunction())
        self.tokens.expect_mark(")")
        return ArrayLiteral(tuple(items), opening.position)

    def named(self) -> Expr:
        token = self.tokens.advance()
        word = token.value.lower()
        if word in _RESERVED:
            raise self.tokens.error(
                f"{word.upper()} không đứng ở đây được; tên trường trùng từ khóa hãy để trong dấu nháy kép",
                f"{word.upper()} cannot stand here; put a field name that is a keyword in double quotes",
                token,
            )
        if word in _GEOMETRIES and not self.ends_name():
            return self.geometry(token)
        if self.tokens.is_mark("("):
            return self.call(token, word)
        if word in _CONSTANTS:
            return Literal(_CONSTANTS[word], token.position)
        return Property(token.value, token.position)

    def ends_name(self) -> bool:
        """Whether what follows a geometry word shows it to be a field's name: ``point = 1``."""
        return not (self.tokens.is_mark("(") or self.tokens.is_word("z", "m", "zm", "empty"))

    def geometry(self, token: Token) -> GeometryLiteral:
        written = self.tokens.skip_brackets(token.start)
        shape = parse_wkt(written, parameter="filter", crs=self.filter_crs)
        return GeometryLiteral(shape, token.position)

    def call(self, token: Token, word: str) -> Expr:
        if word == "bbox":
            return self.bbox(token)
        if word == "interval":
            return self.interval(token)
        if word in ("date", "timestamp"):
            return self.instant(token, word)
        if word not in FUNCTIONS:
            raise self.tokens.error(
                f"không có hàm {shorten(token.value)}; hãy dùng {', '.join(sorted(FUNCTIONS)).upper()}",
                f"no function {shorten(token.value)}; use {', '.join(sorted(FUNCTIONS)).upper()}",
                token,
            )
        arguments = self.array(self.tokens.advance()).items
        if word in ARRAYS:
            arguments = tuple(
                ArrayLiteral((item,), item.position) if isinstance(item, Literal) else item for item in arguments
            )
        return operation(word, arguments, token.position)

    def bbox(self, token: Token) -> GeometryLiteral:
        items = self.array(self.tokens.advance()).items
        return bbox_literal(
            [item.value if isinstance(item, Literal) else None for item in items],
            self.filter_crs,
            token.position,
        )

    def instant(self, token: Token, word: str) -> Literal:
        self.tokens.expect_mark("(")
        inner = self.tokens.advance()
        if inner.kind != "text":
            raise self.tokens.error("hãy ghi thời gian trong dấu nháy đơn", "write the time in single quotes", inner)
        self.tokens.expect_mark(")")
        make = date_literal if word == "date" else timestamp_literal
        return make(inner.value, token.position)

    def interval(self, token: Token) -> IntervalLiteral:
        self.tokens.expect_mark("(")
        start = self.interval_end()
        self.tokens.expect_mark(",")
        end = self.interval_end()
        self.tokens.expect_mark(")")
        return IntervalLiteral(start, end, token.position)

    def interval_end(self) -> Literal | Property | None:
        token = self.tokens.advance()
        if token.kind == "text":
            return instant_literal(token.value, token.position)
        if token.kind == "quoted" or (token.kind == "word" and not self.tokens.is_mark("(")):
            return Property(token.value, token.position)
        if token.kind == "word" and token.value.lower() in ("date", "timestamp"):
            return self.instant(token, token.value.lower())
        raise self.tokens.error(
            "hãy ghi thời gian trong dấu nháy đơn, '..' hoặc tên trường",
            "write a time in single quotes, '..' or a field name",
            token,
        )
