"""One observation in the shape of OGC SensorThings (Part 1, 8.2.6), for sensors that speak nothing else."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import anyio
import orjson
from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Engine
from starlette.responses import Response

from app.client_address import source_of
from app.moment import Moment
from app.problems import BadParameter
from app.resources import ResourcesOf, SignedIn
from layers.access import Scope
from scenarios.observations.observation import Observation
from scenarios.observations.recording import record_observations

router = APIRouter(prefix="/api/sensorthings/v1.1", tags=["indicators"])


class DatastreamLink(BaseModel):
    """The series that a value belongs to: ``<indicator>/<place>``."""

    model_config = ConfigDict(extra="ignore")

    id: Annotated[str, Field(alias="@iot.id", max_length=161, pattern=r"^[a-z0-9-]{1,60}/[^/\x00]{1,100}$")]


class ObservationEntity(BaseModel):
    """An Observation; its further members (``resultTime``, ``parameters`` …) are taken and not kept."""

    model_config = ConfigDict(extra="ignore")

    result: Annotated[float, Field(allow_inf_nan=False)]
    phenomenon_time: Annotated[Moment | None, Field(alias="phenomenonTime")] = None
    datastream: Annotated[DatastreamLink, Field(alias="Datastream")]


@router.post("/Observations", status_code=201, summary="Số liệu cảm biến (SensorThings) · A sensor's observation")
async def post_observation(
    request: Request, body: ObservationEntity, resources: ResourcesOf, principal: SignedIn
) -> Response:
    """Takes one value in; without ``phenomenonTime`` it is of the moment of its arrival (Part 1, 10.2.1)."""
    indicator, _, place = body.datastream.id.partition("/")
    row = Observation(indicator, place, body.phenomenon_time or datetime.now(UTC), body.result)
    told = await anyio.to_thread.run_sync(_keep, resources.editing, principal.scope, row, source_of(request))
    return Response(orjson.dumps(told), 201, media_type="application/json", headers={"Cache-Control": "no-store"})


def _keep(engine: Engine, scope: Scope, row: Observation, address: str | None) -> dict[str, Any]:
    with engine.begin() as connection:
        source = f"sensorthings:{scope.subject}"
        done = record_observations(connection, scope, [row], source=source, address=address)
    if done.refused:
        refused = done.refused[0]
        raise BadParameter(refused.field, refused.vi, refused.en)
    return {"result": row.value, "phenomenonTime": row.at, "Datastream": {"@iot.id": f"{row.indicator}/{row.place}"}}
