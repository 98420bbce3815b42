"""Tasks over HTTP: listed, counted by unit, looked at, worked on."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated

import anyio
import orjson
from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection, Engine
from starlette.responses import Response

from app.client_address import source_of
from app.reports.photo_routes import shown_photo
from app.resources import ResourcesOf, SignedIn
from app.work_calendar import work_calendar
from layers.access import Scope
from scenarios.photos.store import list_photos, list_photos_of
from scenarios.tasks.acting import TaskAct, TaskStep, act_on_task, possible_task_acts
from scenarios.tasks.reading import MOST, TaskCounts, TaskFilter, WholeTask, count_tasks, list_tasks, read_task
from scenarios.tasks.task import Task, TaskState
from scenarios.work.calendar import WorkCalendar

router = APIRouter(prefix="/api/tasks", tags=["tasks"])
_BIGGEST = 2**63 - 1
_FRESH = {"Cache-Control": "no-store"}
_SCENARIO = Query(pattern=r"^[A-Za-z0-9_.-]{1,60}$")
_DAYS_COUNTED = 30
TaskId = Annotated[int, Path(ge=1, le=_BIGGEST)]


class TaskStepBody(BaseModel):
    """One act on a task."""

    model_config = ConfigDict(extra="forbid")

    act: TaskAct
    version: Annotated[int, Field(ge=1, description="Bản đã xem · the version that was seen")]
    comment: Annotated[str, Field(max_length=4000, pattern=r"^[^\x00]*$")] = ""
    assignee: Annotated[str | None, Field(pattern=r"^[A-Za-z0-9_.:@-]{1,100}$")] = None


@router.get("", summary="Các việc phải làm · Tasks")
async def get_tasks(
    resources: ResourcesOf,
    principal: SignedIn,
    alert: Annotated[int | None, Query(ge=1, le=_BIGGEST)] = None,
    scenario: Annotated[str | None, _SCENARIO] = None,
    unit: Annotated[str | None, Query(pattern=r"^([0-9]{2}|[0-9]{5})$")] = None,
    state: Annotated[list[TaskState] | None, Query(description="Có thể lặp lại · may be repeated")] = None,
    mine: Annotated[bool, Query(description="Chỉ việc giao cho tôi · only those handed to me")] = False,
    late: Annotated[bool, Query(description="Chỉ việc quá hạn · only late ones")] = False,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 100,
    offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
) -> Response:
    """Tasks of the units in which the reader may read alerts, and those handed to the reader; the first due first."""
    assignee = principal.scope.subject if mine else None
    wanted = TaskFilter(alert, scenario, unit, tuple(state or ()), assignee, late)
    found = await anyio.to_thread.run_sync(_list, resources.editing, principal.scope, wanted, limit, offset)
    return _json(found)


@router.get("/counts", summary="Số việc theo đơn vị · Tasks by unit")
async def get_counts(
    resources: ResourcesOf, principal: SignedIn, scenario: Annotated[str | None, _SCENARIO] = None
) -> Response:
    """Tasks of each unit: open, late, reported upwards; done in the last thirty days, and how many of these late."""
    counts = await anyio.to_thread.run_sync(_count, resources.editing, principal.scope, scenario)
    return _json({"days": _DAYS_COUNTED, "units": counts})


@router.get("/{task_id}", summary="Một việc và diễn biến của nó · One task and its history")
async def get_task(resources: ResourcesOf, principal: SignedIn, task_id: TaskId) -> Response:
    """A task, what was done with it, and what the reader may do next."""
    return _json(await anyio.to_thread.run_sync(_read, resources.editing, principal.scope, task_id))


@router.post("/{task_id}/steps", summary="Làm một bước với việc · One act on a task")
async def post_task_step(
    request: Request, resources: ResourcesOf, principal: SignedIn, task_id: TaskId, body: TaskStepBody
) -> Response:
    """Does one act and gives the task afterwards; of two people at once the second gets a conflict."""
    step = TaskStep(body.act, body.version, body.comment, body.assignee)
    acting = _Acting(resources.editing, principal.scope, work_calendar(resources.settings), source_of(request))
    return _json(await anyio.to_thread.run_sync(acting.act, task_id, step))


class _Acting:
    def __init__(self, engine: Engine, scope: Scope, calendar: WorkCalendar, source: str | None) -> None:
        self._engine, self._scope, self._calendar, self._source = engine, scope, calendar, source

    def act(self, task_id: int, step: TaskStep) -> dict[str, object]:
        now = datetime.now(UTC)
        with self._engine.begin() as connection:
            act_on_task(connection, self._scope, task_id, step, now, self._calendar, source=self._source)
            return _whole(connection, read_task(connection, self._scope, task_id), now)


def _list(engine: Engine, scope: Scope, wanted: TaskFilter, limit: int, offset: int) -> dict[str, object]:
    now = datetime.now(UTC)
    with engine.connect() as connection:
        tasks, total = list_tasks(connection, scope, wanted, now, limit=limit, offset=offset)
        photos = list_photos_of(connection, "task", [task.id for task in tasks])
    shown = [
        {
            **_shown(task, now),
            "acts": possible_task_acts(scope, task),
            "photos": [shown_photo(photo) for photo in photos.get(task.id, ())],
        }
        for task in tasks
    ]
    return {"tasks": shown, "total": total}


def _count(engine: Engine, scope: Scope, scenario: str | None) -> list[TaskCounts]:
    now = datetime.now(UTC)
    with engine.connect() as connection:
        return count_tasks(connection, scope, now, now - timedelta(days=_DAYS_COUNTED), scenario=scenario)


def _read(engine: Engine, scope: Scope, task_id: int) -> dict[str, object]:
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        return _whole(connection, read_task(connection, scope, task_id), datetime.now(UTC))


def _whole(connection: Connection, whole: WholeTask, now: datetime) -> dict[str, object]:
    photos = [shown_photo(photo) for photo in list_photos(connection, "task", whole.task.id)]
    return {**_shown(whole.task, now), "steps": whole.steps, "acts": whole.acts, "photos": photos}


def _shown(task: Task, now: datetime) -> dict[str, object]:
    return {**asdict(task), "is_late": task.is_late(now)}


def _json(document: object) -> Response:
    return Response(orjson.dumps(document), media_type="application/json", headers=_FRESH)
