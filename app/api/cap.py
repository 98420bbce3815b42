"""Alerts as public warnings: CAP 1.2 over HTTP."""

from __future__ import annotations

from typing import Annotated

import anyio
from fastapi import APIRouter, Path
from sqlalchemy import Engine
from starlette.responses import Response

from app.resources import ResourcesOf, SignedIn
from layers.access import Scope
from scenarios.notifying.cap import MEDIA_TYPE, write_cap
from scenarios.notifying.warning import read_warning

router = APIRouter(prefix="/api/alerts", tags=["alerts"])


@router.get("/{alert_id}/cap", summary="Cảnh báo theo chuẩn CAP 1.2 · As a CAP 1.2 message")
async def get_cap(
    resources: ResourcesOf, principal: SignedIn, alert_id: Annotated[int, Path(ge=1, le=2**63 - 1)]
) -> Response:
    """The newest message about an alert, with references to those before it; for whoever hands warnings on."""
    body = await anyio.to_thread.run_sync(
        _write, resources.editing, principal.scope, alert_id, resources.settings.public_url
    )
    return Response(body, media_type=MEDIA_TYPE, headers={"Cache-Control": "no-store"})


def _write(engine: Engine, scope: Scope, alert_id: int, public_url: str) -> bytes:
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        return write_cap(read_warning(connection, scope, alert_id, public_url))
