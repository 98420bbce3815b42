"""A message as it goes out, and the one small interface of whatever sends it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that a message tells of, in the language of its channel; nothing personal.

    Attributes:
        kind: Stable name such as ``alert_opened``.
        text: One or a few sentences.
        link: Whole address of the page to look at; empty where there is none.
        facts: The same for programs: ids, words of closed lists, numbers, moments in ISO 8601.
    """

    kind: str
    text: str
    link: str
    facts: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Letter:
    """A message for one channel.

    Attributes:
        id: Stays the same however often the message is tried, so that the other side can tell a repeat.
        channel_id: The channel that it goes to.
        subject: One line.
        items: What it tells of, the gravest first; never empty.
        text: The items as one text for people, cut short where there are many.
        made_at: When the message was made.
    """

    id: UUID
    channel_id: UUID
    subject: str
    items: tuple[Item, ...]
    text: str
    made_at: datetime


class Sender(Protocol):
    """Sends messages by one means."""

    def send(self, message: Letter, address: str) -> None:
        """Hands a message over; returns once the other side has taken it.

        Raises:
            SendFailed: It did not go out; trying again may help.
            SendRefused: It did not go out and will not.
        """


def shortened(words: str, most: int) -> str:
    """A text cut to so many characters, at the end of a word where there is one, with an ellipsis."""
    if len(words) <= most:
        return words
    cut = words[: most - 1]
    is_whole = cut[-1:].isspace() or words[most - 1].isspace()
    whole = cut if is_whole else cut.rsplit(None, 1)[0]
    return f"{whole.rstrip()}…"
