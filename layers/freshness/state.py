"""How fresh a unit's part of a layer is at a moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from layers.definition import Frequency, Label
from layers.freshness.periods import period_at, period_before


class Freshness(StrEnum):
    """Renewed in this period; in the one before, so this one's renewal is awaited; not even then; nothing promised."""

    FRESH = "fresh"
    DUE = "due"
    OVERDUE = "overdue"
    UNPROMISED = "unpromised"


TITLES: Final = {
    Freshness.FRESH: Label("Đúng hạn", "Fresh"),
    Freshness.DUE: Label("Đến kỳ", "Due"),
    Freshness.OVERDUE: Label("Quá hạn", "Overdue"),
    Freshness.UNPROMISED: Label("Không có kỳ hạn", "No period"),
}


@dataclass(frozen=True, slots=True)
class Judged:
    """How fresh a part is, and by when it is to be renewed.

    Attributes:
        due_at: End of the period in which it is to be renewed next: the present one, or, where the part is overdue,
            the one that was missed first. None where nothing is promised.
    """

    freshness: Freshness
    due_at: datetime | None


def judge(frequency: Frequency, renewed_at: datetime, at: datetime) -> Judged:
    """Judges a part by when it was last renewed or confirmed unchanged.

    Args:
        frequency: What the layer promises.
        renewed_at: Not after ``at``.
        at: The moment of judging.
    """
    now = period_at(frequency, at)
    renewed = period_at(frequency, renewed_at)
    if now is None or renewed is None:
        return Judged(Freshness.UNPROMISED, None)
    if renewed_at >= now.start:
        following = period_at(frequency, now.end)
        return Judged(Freshness.FRESH, following.end if following is not None else None)
    if renewed_at >= period_before(frequency, now).start:
        return Judged(Freshness.DUE, now.end)
    missed = period_at(frequency, renewed.end)
    return Judged(Freshness.OVERDUE, missed.end if missed is not None else None)
