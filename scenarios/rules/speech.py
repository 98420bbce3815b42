"""When a rule speaks, once its figure has passed the threshold."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time
from typing import Final

from scenarios.outcomes import Level


@dataclass(frozen=True, slots=True)
class Quiet:
    """Hours of the day, Vietnamese time, half-open, in which nothing new is told; they may pass midnight."""

    start: time
    end: time


@dataclass(frozen=True, slots=True)
class Speech:
    """How grave a rule is, and how slow to speak.

    Args:
        clear: a condition that holds goes on holding until the figure has passed this (hysteresis).
        min_duration_h: the condition must have held so long before it is told.
        rate_limit_h: at most one new alert per place in these hours.
        quiet: hours in which nothing new is told; what holds afterwards is told then.
    """

    level: Level = Level.WARNING
    clear: float | None = None
    min_duration_h: float = 0.0
    rate_limit_h: float = 0.0
    quiet: Quiet | None = None


PLAIN: Final = Speech()
"""A warning that is told at once, whenever it comes."""
