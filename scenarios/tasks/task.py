"""A task as a value: what, about which alert, who, by when, how far."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from layers.definition import Label
from scenarios.definition import DeadlineKind


class TaskState(StrEnum):
    """Whether a task waits for the step before it, is to be done, is done, or is not needed any more."""

    WAITING = "waiting"
    OPEN = "open"
    DONE = "done"
    DROPPED = "dropped"


class Rung(StrEnum):
    """Up to whom a late task has been reported, from below."""

    OFFICER = "officer"
    OFFICE = "office"
    LEADER = "leader"
    PROVINCE = "province"


@dataclass(frozen=True, slots=True)
class Task:
    """One step of a workflow for one alert.

    Attributes:
        number: Its place among the steps, from 1.
        actor: Who does it, in the words of the source.
        unit_code: The commune or province that answers; rights follow it.
        assignee: Subject of whoever has taken it or was handed it; None while it is everybody's of the unit.
        given_at: When the step before it was done, or the alert opened; None while it waits.
        due_at: From when it is late; None where the source gives no deadline.
    """

    id: int
    alert_id: int
    scenario: str
    step: str
    number: int
    title: Label
    actor: str
    channel: str
    unit_code: str
    deadline: DeadlineKind
    state: TaskState
    version: int
    assignee: str | None
    given_at: datetime | None
    due_at: datetime | None
    ended_at: datetime | None
    rung: Rung

    def is_late(self, at: datetime) -> bool:
        """Whether it was or is not done in time: open after its moment, or ended after it."""
        if self.due_at is None or self.state is TaskState.WAITING:
            return False
        return (self.ended_at or at) >= self.due_at


COLUMNS = (
    "id, alert_id, scenario, step, number, title_vi, title_en, actor, channel, unit_code, deadline, state, version,"
    " assignee, given_at, due_at, ended_at, rung"
)


def task_from(row: Any) -> Task:
    """The task of a mapping of :data:`COLUMNS`."""
    values = dict(row)
    title = Label(vi=values.pop("title_vi"), en=values.pop("title_en"))
    words = {
        "deadline": DeadlineKind(values["deadline"]),
        "state": TaskState(values["state"]),
        "rung": Rung(values["rung"]),
    }
    return Task(title=title, **{**values, **words})
