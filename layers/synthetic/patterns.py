"""Text that matches a simple regular expression, such as definitions use for codes."""

from __future__ import annotations

import re
import string

from numpy.random import Generator

_CLASSES = {"d": string.digits, "w": string.ascii_letters + string.digits, "s": " "}
_ANY = string.ascii_uppercase + string.digits


class UnsupportedPattern(ValueError):
    """The pattern uses a construct that this sampler does not know."""

    def __init__(self, pattern: str) -> None:
        super().__init__(f"no sample can be made for the pattern {pattern!r}")
        self.pattern = pattern


def sample(pattern: str, rng: Generator) -> str:
    """Return a text that `pattern` matches from end to end.

    Knows literals, classes, groups, alternatives and the quantifiers ? * + {n} {m,n}.

    Raises:
        UnsupportedPattern: the pattern needs more than that.
    """
    found, end = _alternatives(pattern, 0, rng)
    if end != len(pattern) or not re.fullmatch(pattern, found):
        raise UnsupportedPattern(pattern)
    return found


def _alternatives(pattern: str, at: int, rng: Generator) -> tuple[str, int]:
    """Return one of the branches from `at` to the closing bracket or the end."""
    branches = []
    while True:
        text, at = _sequence(pattern, at, rng)
        branches.append(text)
        if at >= len(pattern) or pattern[at] == ")":
            return branches[int(rng.integers(len(branches)))], at
        at += 1


def _sequence(pattern: str, at: int, rng: Generator) -> tuple[str, int]:
    parts = []
    while at < len(pattern) and pattern[at] not in "|)":
        if pattern[at] in "^$":
            at += 1
            continue
        start = at
        text, after = _atom(pattern, start, rng)
        fewest, most, at = _quantifier(pattern, after)
        count = int(rng.integers(fewest, most + 1))
        parts += [text] * min(count, 1) + [_atom(pattern, start, rng)[0] for _ in range(count - 1)]
    return "".join(parts), at


def _atom(pattern: str, at: int, rng: Generator) -> tuple[str, int]:
    letter = pattern[at]
    if letter == "(":
        inner = at + 3 if pattern.startswith("(?:", at) else at + 1
        text, end = _alternatives(pattern, inner, rng)
        return text, end + 1
    if letter == "[":
        end = pattern.index("]", at + 2)
        return _pick(_members(pattern[at + 1 : end], pattern), rng), end + 1
    if letter == "\\":
        escaped = pattern[at + 1]
        return _pick(_CLASSES.get(escaped, escaped), rng), at + 2
    return (_pick(_ANY, rng) if letter == "." else letter), at + 1


def _pick(letters: str, rng: Generator) -> str:
    return letters[int(rng.integers(len(letters)))]


def _members(body: str, pattern: str) -> str:
    """Return the letters of a class; negated classes are not known."""
    if body.startswith("^"):
        raise UnsupportedPattern(pattern)
    body = body.replace("\\d", string.digits).replace("\\w", string.ascii_letters).replace("\\", "")
    letters, at = "", 0
    while at < len(body):
        if body[at + 1 : at + 2] == "-" and at + 2 < len(body):
            letters += "".join(chr(code) for code in range(ord(body[at]), ord(body[at + 2]) + 1))
            at += 3
        else:
            letters += body[at]
            at += 1
    return letters


def _quantifier(pattern: str, at: int) -> tuple[int, int, int]:
    """Return fewest and most repeats and where the pattern goes on."""
    mark = pattern[at : at + 1]
    if mark == "?":
        return 0, 1, at + 1
    if mark in ("*", "+") and mark:
        return (1 if mark == "+" else 0), 4, at + 1
    if mark == "{":
        end = pattern.index("}", at)
        low, comma, high = pattern[at + 1 : end].partition(",")
        return int(low or 0), (int(high) if high else int(low or 0) + (3 if comma else 0)), end + 1
    return 1, 1, at
