"""What was said of an alert to the world so far: one message at its beginning and at each change that matters."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from scenarios.alerts.lifecycle import State
from scenarios.alerts.reading import FrozenEvidence, WholeAlert
from scenarios.outcomes import Level, Standing


class MessageType(StrEnum):
    """CAP 1.2, 3.2.1: the first, one that takes the place of those before, and the end."""

    ALERT = "Alert"
    UPDATE = "Update"
    CANCEL = "Cancel"


@dataclass(frozen=True, slots=True)
class Said:
    """One message about an alert.

    Attributes:
        number: From 1; with the alert's id it names the message.
        value: The figure then, in the rule's unit.
    """

    number: int
    type: MessageType
    at: datetime
    level: Level
    value: float | None
    threshold: float | None


def messages_of(whole: WholeAlert) -> tuple[Said, ...]:
    """The messages of an alert, oldest first; never empty.

    A figure that only moves says nothing new, nor does a sensor that falls silent. The condition's end is a
    cancellation, and so is closing by people while it still holds.

    Args:
        whole: The alert with its evidence, oldest first.
    """
    said: list[Said] = []
    for frozen in whole.evidence:
        kind = _kind(said, frozen)
        if kind is not None:
            level = frozen.level if frozen.standing is Standing.HOLDS or not said else said[-1].level
            said.append(Said(len(said) + 1, kind, frozen.at, level, frozen.value, frozen.threshold))
    alert = whole.alert
    last = said[-1]
    if alert.state is State.CLOSED and last.type is not MessageType.CANCEL:
        closed_at = max(alert.closed_at or last.at, last.at)
        said.append(Said(len(said) + 1, MessageType.CANCEL, closed_at, last.level, alert.value, alert.threshold))
    return tuple(said)


def _kind(said: list[Said], frozen: FrozenEvidence) -> MessageType | None:
    if not said:
        return MessageType.ALERT
    last = said[-1]
    if frozen.standing is Standing.CLEAR:
        return None if last.type is MessageType.CANCEL else MessageType.CANCEL
    if frozen.standing is Standing.HOLDS and (last.type is MessageType.CANCEL or frozen.level is not last.level):
        return MessageType.UPDATE
    return None
