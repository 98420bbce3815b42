"""Alerts over HTTP: listed, drawn on the map, looked at, worked on."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Literal
from urllib.parse import urlencode

import anyio
import orjson
from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Engine
from starlette.responses import Response

from app.client_address import source_of
from app.reports.photo_routes import shown_photo
from app.resources import ResourcesOf, SignedIn
from app.work_calendar import work_calendar
from layers.access import Scope
from scenarios.alerts.lifecycle import Act, State, Step, take_step
from scenarios.alerts.reading import MOST, AlertFilter, ListedAlert, WholeAlert, list_alerts, read_alert
from scenarios.outcomes import Standing
from scenarios.work.calendar import WorkCalendar

router = APIRouter(prefix="/api/alerts", tags=["alerts"])
_BIGGEST = 2**63 - 1
_FRESH = {"Cache-Control": "no-store"}
AlertId = Annotated[int, Path(ge=1, le=_BIGGEST)]


class StepBody(BaseModel):
    """One act on an alert."""

    model_config = ConfigDict(extra="forbid")

    act: Act
    version: Annotated[int, Field(ge=1, description="Bản đã xem · the version that was seen")]
    comment: Annotated[str, Field(max_length=4000, pattern=r"^[^\x00]*$")] = ""
    assignee: Annotated[str | None, Field(pattern=r"^[A-Za-z0-9_.:@-]{1,100}$")] = None
    rating: Annotated[int | None, Field(ge=1, le=5)] = None
    into: Annotated[int | None, Field(ge=1, le=_BIGGEST, description="Gộp vào · the alert to merge into")] = None


@router.get("", summary="Các cảnh báo · Alerts")
async def get_alerts(
    request: Request,
    resources: ResourcesOf,
    principal: SignedIn,
    scenario: Annotated[str | None, Query(pattern=r"^[A-Za-z0-9_.-]{1,60}$")] = None,
    standing: Standing | None = None,
    state: Annotated[list[State] | None, Query(description="Có thể lặp lại · may be repeated")] = None,
    unit: Annotated[str | None, Query(pattern=r"^([0-9]{2}|[0-9]{5})$")] = None,
    before: Annotated[int | None, Query(ge=1, le=_BIGGEST, description="id cuối trang trước · next page")] = None,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 100,
    f: Literal["json", "geojson"] = "json",
) -> Response:
    """Alerts of the units in which the reader may read them, newest first; ``next`` leads to the page after."""
    wanted = AlertFilter(scenario, standing, tuple(state or ()), unit, before)
    alerts = await anyio.to_thread.run_sync(_list, resources.editing, principal.scope, wanted, limit)
    following = _following(request, resources.settings.public_url, alerts, limit)
    headers = _FRESH | ({"Link": f'<{following}>; rel="next"'} if following else {})
    if f == "geojson":
        features = [_feature(alert) for alert in alerts]
        links = [{"rel": "next", "href": following, "type": "application/geo+json"}] if following else []
        collection = {"type": "FeatureCollection", "features": features, "links": links}
        return Response(orjson.dumps(collection), media_type="application/geo+json", headers=headers)
    document = {"alerts": alerts, "next": following}
    return Response(orjson.dumps(document), media_type="application/json", headers=headers)


@router.get("/{alert_id}", summary="Một cảnh báo, bằng chứng và các bước · One alert, its evidence and steps")
async def get_alert(resources: ResourcesOf, principal: SignedIn, alert_id: AlertId) -> Response:
    """An alert with the frozen evidence behind it, what was done with it, and what the reader may do next."""
    return _whole(await anyio.to_thread.run_sync(_read, resources.editing, principal.scope, alert_id))


@router.post("/{alert_id}/steps", summary="Làm một việc với cảnh báo · One act on an alert")
async def post_step(
    request: Request, resources: ResourcesOf, principal: SignedIn, alert_id: AlertId, body: StepBody
) -> Response:
    """Does one act and gives the alert afterwards; of two people at once the second gets a conflict."""
    step = Step(body.act, body.version, body.comment, body.assignee, body.rating, body.into)
    source = source_of(request)
    how = partial(_take, calendar=work_calendar(resources.settings), source=source)
    return _whole(await anyio.to_thread.run_sync(how, resources.editing, principal.scope, alert_id, step))


def _list(engine: Engine, scope: Scope, wanted: AlertFilter, limit: int) -> list[ListedAlert]:
    with engine.connect() as connection:
        return list_alerts(connection, scope, wanted, limit=limit)


def _read(engine: Engine, scope: Scope, alert_id: int) -> WholeAlert:
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        return read_alert(connection, scope, alert_id)


def _take(
    engine: Engine, scope: Scope, alert_id: int, step: Step, *, calendar: WorkCalendar, source: str | None
) -> WholeAlert:
    with engine.begin() as connection:
        take_step(connection, scope, alert_id, step, datetime.now(UTC), calendar=calendar, source=source)
        return read_alert(connection, scope, alert_id)


def _following(request: Request, base: str, alerts: list[ListedAlert], limit: int) -> str | None:
    if len(alerts) < limit:
        return None
    kept = [(name, value) for name, value in request.query_params.multi_items() if name != "before"]
    return f"{base}/api/alerts?{urlencode([*kept, ('before', str(alerts[-1].id))])}"


def _feature(alert: ListedAlert) -> dict[str, object]:
    properties = asdict(alert)
    point = [properties.pop("lon"), properties.pop("lat")]
    geometry = None if point[0] is None else {"type": "Point", "coordinates": point}
    return {"type": "Feature", "id": properties.pop("id"), "geometry": geometry, "properties": properties}


def _whole(whole: WholeAlert) -> Response:
    document = {
        **asdict(whole.alert),
        "evidence": whole.evidence,
        "steps": whole.steps,
        "acts": whole.acts,
        "photos": [shown_photo(photo) for photo in whole.photos],
        "merged": whole.merged,
    }
    return Response(orjson.dumps(document), media_type="application/json", headers=_FRESH)
