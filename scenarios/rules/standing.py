"""What follows from one figure after another at one place, in plain Python: the meaning of ``sql/standing.sql``."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from scenarios.outcomes import Standing
from scenarios.rules.figures import VIETNAM
from scenarios.rules.numbers import exact
from scenarios.rules.speech import Quiet, Speech


@dataclass(frozen=True, slots=True)
class Limit:
    """What figures are held against; without an operator every figure that is there passes."""

    operator: str | None = None
    number: float = 0.0
    clear: float | None = None

    def is_passed(self, figure: Decimal, *, engaged: bool) -> bool:
        """Whether a figure meets the condition; one that has begun goes on until ``clear`` is passed."""
        number = exact(self.clear if engaged and self.clear is not None else self.number)
        match self.operator:
            case "<":
                return figure < number
            case "<=":
                return figure <= number
            case ">":
                return figure > number
            case ">=":
                return figure >= number
        return True


@dataclass(frozen=True, slots=True)
class State:
    """What is kept of a rule at a place.

    Attributes:
        standing: What an alert follows.
        since_at: From when; of a condition that holds, from when it was met, however late it was told.
        condition_since_at: From when the condition has been met without a break; None where it is not.
        is_engaged: Whether it has been told, through times without a signal too.
        told_at: When it was last told anew.
    """

    standing: Standing
    since_at: datetime
    condition_since_at: datetime | None = None
    is_engaged: bool = False
    told_at: datetime | None = None


def is_quiet(quiet: Quiet | None, at: datetime) -> bool:
    """Whether nothing new is told at a moment."""
    if quiet is None:
        return False
    clock = at.astimezone(VIETNAM).time()
    if quiet.start <= quiet.end:
        return quiet.start <= clock < quiet.end
    return clock >= quiet.start or clock < quiet.end


def next_state(before: State | None, figure: Decimal | None, limit: Limit, speech: Speech, at: datetime) -> State:
    """The state after a figure; None is no signal, which neither begins nor ends anything that was told."""
    begun = before.condition_since_at if before else None
    engaged = bool(before and before.is_engaged)
    if figure is None:
        kept = (
            before if engaged and before else State(Standing.NO_SIGNAL, at, told_at=before.told_at if before else None)
        )
        return _since(before, replace(kept, standing=Standing.NO_SIGNAL), at)
    if not limit.is_passed(figure, engaged=begun is not None):
        return _since(before, State(Standing.CLEAR, at, told_at=before.told_at if before else None), at)
    since = begun or at
    told_at = before.told_at if before else None
    speaks = engaged or _may_speak(since, told_at, speech, at)
    told_at = at if speaks and not engaged else told_at
    if speaks:
        return State(Standing.HOLDS, since, since, True, told_at)
    return _since(before, State(Standing.CLEAR, at, since, False, told_at), at)


def _may_speak(since: datetime, told_at: datetime | None, speech: Speech, at: datetime) -> bool:
    if at - since < timedelta(hours=speech.min_duration_h) or is_quiet(speech.quiet, at):
        return False
    return told_at is None or at - told_at >= timedelta(hours=speech.rate_limit_h)


def _since(before: State | None, after: State, at: datetime) -> State:
    same = before is not None and before.standing is after.standing
    return replace(after, since_at=before.since_at if same and before else at)
