"""Photos of reports, alerts and tasks: added by those who work on them, shown to those who may see them."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Any, Final
from uuid import UUID

import anyio.to_thread
import orjson
from fastapi import APIRouter, Request
from starlette.responses import FileResponse, Response

from app.client_address import source_of
from app.problems import BadParameter
from app.reports.receiving import clean_photos, photo_shelf
from app.resources import Resources, ResourcesOf, SignedIn
from app.uploads.forms import incoming_folder, receive_form
from layers.access import Scope
from scenarios.photos.errors import PhotoNotFound
from scenarios.photos.giving import add_photos, show_photo
from scenarios.photos.store import CleanPhoto, Photo, photo_path

router = APIRouter(prefix="/api/photos", tags=["photos"])
_SAFE: Final = {
    "Cache-Control": "private, max-age=86400, no-transform",
    "Content-Security-Policy": "default-src 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_FORM: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["about", "id", "photo"],
                    "properties": {
                        "about": {"type": "string", "enum": ["report", "alert", "task"]},
                        "id": {"type": "string", "description": "Số · number of the report, id of the others"},
                        "photo": {"type": "array", "items": {"type": "string", "format": "binary"}},
                    },
                }
            }
        },
    }
}


@router.post("", status_code=201, summary="Thêm ảnh kết quả · Add photos of the result", openapi_extra=_FORM)
async def post_photos(request: Request, resources: ResourcesOf, principal: SignedIn) -> Response:
    """Photos that show what was done about a report, an alert or a task; made anew, without their position and time."""
    shelf = photo_shelf(resources)
    with incoming_folder(shelf) as folder:
        form = await receive_form(request, shelf, folder)
        about, given = form.texts.get("about", ""), form.texts.get("id", "")
        if not form.files:
            raise BadParameter("photo", "Chưa có ảnh nào. Hãy chọn ảnh.", "There is no photo. Choose one.")
        photos = await clean_photos(form)
        keep = partial(_keep, resources, principal.scope, about, given, photos, source_of(request))
        found = await anyio.to_thread.run_sync(keep)
    return Response(orjson.dumps({"photos": found}), 201, media_type="application/json")


@router.get("/{photo_id}", summary="Một ảnh · One photo")
async def get_photo(resources: ResourcesOf, principal: SignedIn, photo_id: UUID) -> Response:
    """The photo as JPEG, for those who may see what it is about."""

    def look() -> Photo:
        with resources.editing.connect() as connection:
            return show_photo(connection, principal.scope, photo_id)

    return photo_file(resources, await anyio.to_thread.run_sync(look))


def shown_photo(photo: Photo) -> dict[str, object]:
    """What is told of a photo beside what it is of; its file is at ``/api/photos/{id}``."""
    return {
        "id": photo.id,
        "purpose": photo.purpose,
        "width": photo.width,
        "height": photo.height,
        "added_by": photo.added_by,
        "added_at": photo.added_at,
    }


def photo_file(resources: Resources, photo: Photo) -> Response:
    """The file of a photo.

    Raises:
        PhotoNotFound: Its file is gone from the state folder.
    """
    path = photo_path(resources.settings.photos_dir, photo.sha256)
    if not path.is_file():
        raise PhotoNotFound
    return FileResponse(path, media_type="image/jpeg", headers={**_SAFE, "ETag": f'"{photo.sha256}"'})


def _keep(
    resources: Resources, scope: Scope, about: str, given: str, photos: list[CleanPhoto], source: str | None
) -> list[UUID]:
    root, at = resources.settings.photos_dir, datetime.now(UTC)
    with resources.editing.begin() as connection:
        return add_photos(connection, scope, root, about, given, photos, at, source=source)
