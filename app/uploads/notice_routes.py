"""Notices inside the service: read, and marked as read."""

from __future__ import annotations

from typing import Annotated

import anyio.to_thread
from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import JSONResponse, Response

from app.resources import ResourcesOf, SignedIn
from app.uploads.bodies import Body
from layers.notices import Notice, list_notices, mark_read

router = APIRouter(prefix="/api/notices", tags=["notices"])


class ReadBody(Body):
    """Which notices have been read."""

    ids: list[int] = Field(min_length=1, max_length=1000, examples=[[12, 13]])


@router.get("", summary="Thông báo của tôi · My notices")
async def get_notices(
    resources: ResourcesOf,
    person: SignedIn,
    after: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Response:
    """Notices to the reader and to everybody who may do what they ask for, newest first."""

    def read() -> list[Notice]:
        with resources.editing.connect() as connection:
            return list_notices(connection, person.scope, after=after, limit=limit)

    found = await anyio.to_thread.run_sync(read)
    base = resources.settings.public_url
    listed = [
        {
            "id": notice.id,
            "kind": notice.message.kind,
            "vi": notice.message.vi,
            "en": notice.message.en,
            "href": base + notice.message.link if notice.message.link else None,
            "created_at": notice.created_at.isoformat(),
            "read_at": notice.read_at.isoformat() if notice.read_at else None,
        }
        for notice in found
    ]
    unread = sum(notice.read_at is None for notice in found)
    return JSONResponse({"unread": unread, "notices": listed}, headers={"Cache-Control": "no-store"})


@router.post("/read", status_code=204, summary="Đánh dấu đã đọc · Mark as read")
async def post_read(body: ReadBody, resources: ResourcesOf, person: SignedIn) -> Response:
    """Marks notices as read by this reader."""

    def act() -> None:
        with resources.editing.begin() as connection:
            mark_read(connection, person.scope, body.ids)

    await anyio.to_thread.run_sync(act)
    return Response(status_code=204)
