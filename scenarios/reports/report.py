"""A field report as a value, and the words of its life."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final

from layers.definition import CodeList
from layers.definition_reader import load_code_lists
from scenarios.definition import Step
from scenarios.loader import get_scenario

SCENARIO: Final = "S12"
HANDLING: Final = "handle"
COLUMNS: Final = (
    "id, number, kind, content, place_text, public.ST_X(geom) AS lon, public.ST_Y(geom) AS lat, unit_code, channel,"
    " state, ending, version, office, assignee, is_ordinary, duplicate_of, reply, rating, received_at, due_at,"
    " answered_at, closed_at, rated_at"
)


class ReportState(StrEnum):
    """How far a report has come; rating is no state, but follows an answer."""

    RECEIVED = "received"
    ROUTED = "routed"
    IN_PROGRESS = "in_progress"
    ANSWERED = "answered"
    CLOSED = "closed"


class Ending(StrEnum):
    """How a report was closed."""

    ANSWERED = "answered"
    DECLINED = "declined"
    DUPLICATE = "duplicate"


@dataclass(frozen=True, slots=True)
class Report:
    """What was reported and how far it has come; who reported it is not part of it.

    Attributes:
        number: The receipt's number, fit for logs.
        lon: WGS 84 degrees, with ``lat``; None where only the commune is known.
        office: Who handles it, in the words of the source; a proposal until a leader has routed it.
        duplicate_of: Id of the report of the same thing that is worked on instead.
        due_at: From when it is late; None where the source states no deadline.
    """

    id: int
    number: str
    kind: str
    content: str
    place_text: str
    lon: float | None
    lat: float | None
    unit_code: str
    channel: str
    state: ReportState
    ending: Ending | None
    version: int
    office: str
    assignee: str | None
    is_ordinary: bool
    duplicate_of: int | None
    reply: str
    rating: int | None
    received_at: datetime
    due_at: datetime | None
    answered_at: datetime | None
    closed_at: datetime | None
    rated_at: datetime | None

    def is_late(self, at: datetime) -> bool:
        """Whether it was or is not answered in time."""
        if self.due_at is None:
            return False
        return (self.answered_at or self.closed_at or at) >= self.due_at


def report_from(row: Any) -> Report:
    """The report of a mapping of :data:`COLUMNS`."""
    ending = Ending(row["ending"]) if row["ending"] else None
    return Report(**{**row, "state": ReportState(row["state"]), "ending": ending})


@lru_cache(maxsize=1)
def report_kinds() -> CodeList:
    """The kinds of reports, with their titles."""
    return load_code_lists()["report-kind"]


def workflow_steps() -> tuple[Step, ...]:
    """The steps that the source states for a report, in their order; those that come every day stand beside it."""
    return tuple(step for step in get_scenario(SCENARIO).steps if step.deadline != "daily")


def handling_step() -> Step:
    """The step whose deadline holds for ordinary cases."""
    return next(step for step in workflow_steps() if step.key == HANDLING)
