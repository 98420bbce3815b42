"""The tokens of CQL2 text, read one ahead."""

import re
from typing import Final, NamedTuple

from spatial.errors import InvalidFilter, shorten

_REST: Final = (
    r"|(?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?)(?![\w.])"
    r"|(?P<word>[^\W\d][\w.:]*)"
    r'|"(?P<quoted>(?:[^"]|"")+)"'
    r"|(?P<mark><>|<=|>=|[=<>+\-*/%^(),])"
)
_SPACE: Final = re.compile(r"\s*")


class QuoteForm(NamedTuple):
    """How a quote is written inside a text."""

    token: re.Pattern[str]
    quote: re.Pattern[str]


DOUBLED: Final = QuoteForm(re.compile(r"'(?P<text>(?:[^']|'')*)'" + _REST), re.compile("''"))
BACKSLASHED: Final = QuoteForm(re.compile(r"'(?P<text>(?:\\'|''|[^'])*)'" + _REST), re.compile(r"\\'|''"))


class Token(NamedTuple):
    """A token and where it stands; ``value`` of a text or a quoted name is without its quotes."""

    kind: str
    value: str
    start: int
    end: int

    @property
    def position(self) -> int:
        """The 1-based character at which the token starts."""
        return self.start + 1


class Lexer:
    """Gives the tokens of one text, one ahead of the reader."""

    def __init__(self, text: str, form: QuoteForm) -> None:
        self.text = text
        self.form = form
        self.next = self._scan(0)

    def _scan(self, place: int) -> Token:
        space = _SPACE.match(self.text, place)
        start = space.end() if space else place
        if start == len(self.text):
            return Token("end", "", start, start)
        match = self.form.token.match(self.text, start)
        if match is None or match.lastgroup is None:
            return Token("unknown", self.text[start], start, start + 1)
        value = match[match.lastgroup]
        if match.lastgroup == "text":
            value = self.form.quote.sub("'", value)
        elif match.lastgroup == "quoted":
            value = value.replace('""', '"')
        return Token(match.lastgroup, value, start, match.end())

    def advance(self) -> Token:
        """Return the next token and step over it."""
        token = self.next
        self.next = self._scan(token.end)
        return token

    def skip_brackets(self, start: int) -> str:
        """Return the text from ``start`` to the bracket closing the first one, and step over it."""
        level = 0
        for place in range(start, len(self.text)):
            level += {"(": 1, ")": -1}.get(self.text[place], 0)
            if level == 0 and self.text[place] == ")":
                self.next = self._scan(place + 1)
                return self.text[start : place + 1]
        self.next = self._scan(len(self.text))
        return self.text[start:]

    def is_mark(self, *marks: str) -> bool:
        """Whether the next token is one of these marks."""
        return self.next.kind == "mark" and self.next.value in marks

    def is_word(self, *words: str) -> bool:
        """Whether the next token is one of these words, in any case."""
        return self.next.kind == "word" and self.next.value.lower() in words

    def accept_mark(self, mark: str) -> bool:
        """Step over the mark if it is next."""
        found = self.is_mark(mark)
        if found:
            self.advance()
        return found

    def accept_word(self, word: str) -> bool:
        """Step over the word if it is next."""
        found = self.is_word(word)
        if found:
            self.advance()
        return found

    def expect_mark(self, mark: str) -> Token:
        """Step over the mark, which has to be next."""
        if not self.is_mark(mark):
            raise self.error(f"hãy thêm '{mark}'", f"add '{mark}'")
        return self.advance()

    def expect_word(self, word: str) -> None:
        """Step over the word, which has to be next."""
        if not self.accept_word(word):
            raise self.error(f"hãy thêm {word.upper()}", f"add {word.upper()}")

    def error(self, vi: str, en: str, token: Token | None = None) -> InvalidFilter:
        """Return the error at a token, or at the next one."""
        found = token or self.next
        near = shorten(self.text[found.start : found.start + 20]) or "…"
        return InvalidFilter(
            f"Bộ lọc sai gần '{near}': {vi}", f"Filter error near '{near}': {en}", position=found.position
        )
