"""Late tasks are reported upwards: to the office, then the commune's leader, then the province."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, text

from layers.audit import Event, record_event
from layers.notices import Audience, Message, add_notice
from layers.rights import Action, Area
from scenarios.tasks.acting import task_link
from scenarios.tasks.due import rung_above
from scenarios.tasks.giving import RULES, tell_step
from scenarios.tasks.task import COLUMNS, Rung, Task, task_from
from scenarios.work.calendar import VIETNAM_TIME

MOST_AT_ONCE: Final = 500
_LATE: Final = text(
    f"SELECT {COLUMNS}, escalates_at FROM tasks.tasks WHERE escalates_at <= :at"  # noqa: S608 - constants
    " ORDER BY escalates_at, id LIMIT :most FOR UPDATE SKIP LOCKED"
)
_RAISE: Final = text("UPDATE tasks.tasks SET rung = :rung, escalates_at = :next, version = version + 1 WHERE id = :id")
_PROVINCE: Final = text(
    "SELECT parent_code FROM features.communes WHERE code = :code ORDER BY valid_from DESC NULLS LAST, fid LIMIT 1"
)
_WHO: Final = {
    Rung.OFFICE: ("Bộ phận phụ trách", "the office", Action.EDIT),
    Rung.LEADER: ("Lãnh đạo xã, phường", "the commune's leader", Action.APPROVE),
    Rung.PROVINCE: ("Cấp tỉnh", "the province", Action.APPROVE),
}


def escalate_tasks(connection: Connection, at: datetime, every: timedelta) -> int:
    """Reports every task that is late to the next rung, once for each rung; returns how many were reported.

    A task goes up when it becomes late and again after every such span while it is not done. After a time in which
    nothing ran it goes up one rung at once and the next ones a span apart, so that nobody is flooded.

    Args:
        connection: Owner or writer, in a transaction.
        at: Now, aware UTC.
        every: How long each rung has before the one above is told.
    """
    late = connection.execute(_LATE, {"at": at, "most": MOST_AT_ONCE}).mappings().all()
    for row in late:
        task = task_from({name: value for name, value in row.items() if name != "escalates_at"})
        rung = rung_above(task.rung)
        if rung is None:
            connection.execute(_RAISE, {"id": task.id, "rung": task.rung.value, "next": None})
            continue
        upcoming = at + every if rung_above(rung) is not None else None
        connection.execute(_RAISE, {"id": task.id, "rung": rung.value, "next": upcoming})
        tell_step(connection, [task.id], RULES, f"told_{rung}", at)
        add_notice(connection, _audience(connection, task, rung), _message(task, rung))
        event = Event(RULES, "task_escalated", "task", str(task.id), unit_code=task.unit_code, detail={"rung": rung})
        record_event(connection, event)
    return len(late)


def _audience(connection: Connection, task: Task, rung: Rung) -> Audience:
    unit = task.unit_code
    if rung is Rung.PROVINCE and len(unit) == 5:
        unit = connection.execute(_PROVINCE, {"code": unit}).scalar() or unit
    return Audience(_WHO[rung][2], Area.ALERTS, unit)


def _message(task: Task, rung: Rung) -> Message:
    vi, en, _ = _WHO[rung]
    due = f"{task.due_at.astimezone(VIETNAM_TIME):%d/%m/%Y %H:%M}" if task.due_at else ""
    return Message(
        "task_late",
        f"Quá hạn từ {due}: “{task.title.vi}” (kịch bản {task.scenario}, đơn vị {task.unit_code}). Báo tới: {vi}.",
        f'Late since {due}: "{task.title.en}" (scenario {task.scenario}, unit {task.unit_code}). Told: {en}.',
        task_link(task),
    )
