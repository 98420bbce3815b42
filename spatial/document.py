"""A JSON document read strictly: every refusal names the place and what may stand there."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeVar

from spatial.errors import InvalidQuestion, shorten

MAX_TEXT = 200
_E = TypeVar("_E", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Node:
    """A value of a document with its place, such as ``where[0].radius.metres``."""

    path: str
    value: object

    def refuse(self, vi: str, en: str) -> InvalidQuestion:
        """Return the error for this place; both sentences name the remedy."""
        return InvalidQuestion(vi, en, parameter=self.path or "question")

    def at(self, key: str) -> Node:
        """Return the member of an object that was read by :meth:`members`, None where it is absent."""
        value = self.value.get(key) if isinstance(self.value, Mapping) else None
        return Node(f"{self.path}.{key}".lstrip("."), value)

    def has(self, key: str) -> bool:
        """Tell whether the object has this member and it is not null."""
        return isinstance(self.value, Mapping) and self.value.get(key) is not None

    def members(self, *allowed: str) -> Node:
        """Return the node itself, being an object with no other members than these.

        Raises:
            InvalidQuestion: not an object, or a member is unknown; the message says which one may be meant.
        """
        names = ", ".join(allowed)
        if not isinstance(self.value, Mapping):
            raise self.refuse(
                f"Ở đây cần một đối tượng JSON. Hãy gửi đối tượng có các mục: {names}.",
                f"A JSON object is expected here. Send one with the members: {names}.",
            )
        for key in self.value:
            if key not in allowed:
                vi, en = did_you_mean(str(key), allowed)
                raise Node(f"{self.path}.{shorten(str(key))}".lstrip("."), None).refuse(
                    f"Không có mục '{shorten(str(key))}'.{vi} Hãy dùng: {names}.",
                    f"There is no member '{shorten(str(key))}'.{en} Use: {names}.",
                )
        return self

    def items(self, *, at_least: int, at_most: int) -> tuple[Node, ...]:
        """Return the elements of a list of a bounded length."""
        if not isinstance(self.value, list | tuple) or not at_least <= len(self.value) <= at_most:
            raise self.refuse(
                f"Ở đây cần danh sách có từ {at_least} đến {at_most} phần tử.",
                f"A list of {at_least} to {at_most} elements is expected here.",
            )
        return tuple(Node(f"{self.path}[{index}]", item) for index, item in enumerate(self.value))

    def text(self, *, at_most: int = MAX_TEXT) -> str:
        """Return a text that is not empty, without control characters."""
        value = self.value
        if not isinstance(value, str) or not 0 < len(value) <= at_most or not value.isprintable():
            raise self.refuse(
                f"Ở đây cần một chuỗi in được, dài từ 1 đến {at_most} ký tự.",
                f"A printable text of 1 to {at_most} characters is expected here.",
            )
        return value

    def integer(self, low: int, high: int) -> int:
        """Return a whole number within bounds, both allowed."""
        value = self.value
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise self.refuse(
                f"Ở đây cần số nguyên từ {low} đến {high}.", f"A whole number from {low} to {high} is expected here."
            )
        return value

    def metres(self, low: float, high: float) -> float:
        """Return a finite number of metres, more than ``low`` and at most ``high``."""
        value = self.value
        if isinstance(value, int | float) and not isinstance(value, bool) and low < value <= high:
            metres = float(value)
            if math.isfinite(metres):
                return metres
        raise self.refuse(
            f"Ở đây cần số mét lớn hơn {low:g} và không quá {high:.0f}.",
            f"Metres are expected here: more than {low:g} and at most {high:.0f}.",
        )

    def boolean(self) -> bool:
        """Return true or false."""
        if not isinstance(self.value, bool):
            raise self.refuse("Ở đây cần true hoặc false.", "true or false is expected here.")
        return self.value

    def choice(self, kind: type[_E]) -> _E:
        """Return a word of a closed vocabulary."""
        words = [word.value for word in kind]
        if isinstance(self.value, str) and self.value in words:
            return kind(self.value)
        shown = shorten(str(self.value))
        vi, en = did_you_mean(shown, words)
        raise self.refuse(
            f"'{shown}' không dùng được ở đây.{vi} Hãy dùng một trong: {', '.join(words)}.",
            f"'{shown}' cannot be used here.{en} Use one of: {', '.join(words)}.",
        )

    def instant(self) -> datetime:
        """Return an RFC 3339 instant in UTC."""
        try:
            moment = datetime.fromisoformat(self.text(at_most=40))
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            raise self.refuse(
                "Thời điểm phải theo RFC 3339, có múi giờ, ví dụ 2025-07-01T00:00:00+07:00.",
                "An instant follows RFC 3339 with its offset, such as 2025-07-01T00:00:00+07:00.",
            )
        try:
            return moment.astimezone(UTC)
        except OverflowError:
            raise self.refuse("Thời điểm vượt phạm vi của lịch.", "The instant is beyond the calendar.") from None


def did_you_mean(word: str, known: Iterable[str]) -> tuple[str, str]:
    """Return " did you mean" sentences in Vietnamese and English; empty where nothing known is close."""
    close = difflib.get_close_matches(word, tuple(known), n=1, cutoff=0.6)
    return (f" Có phải là '{close[0]}'?", f" Did you mean '{close[0]}'?") if close else ("", "")
