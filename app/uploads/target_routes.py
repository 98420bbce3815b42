"""What a reader may send: layers, each with the communes where it may be changed."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from app.resources import ResourcesOf, SignedIn
from layers.rights import Action

router = APIRouter(prefix="/api/uploads", tags=["uploads"])


@router.get("/targets", summary="Được gửi cho lớp và đơn vị nào · What may be sent, and for where")
async def get_targets(resources: ResourcesOf, person: SignedIn) -> Response:
    """Layers that the reader may send files for; ``units`` lists the communes and provinces, null stands for all."""
    found = []
    for layer in resources.catalogue.visible(person.scope):
        units = person.scope.acts_in(Action.EDIT, layer.slug, layer.definition.sensitivity)
        if units is None or units:
            title = {"vi": layer.definition.title.vi, "en": layer.definition.title.en}
            listed = None if units is None else sorted(units)
            found.append({"slug": layer.slug, "title": title, "group": layer.definition.group, "units": listed})
    return JSONResponse({"layers": found}, headers={"Cache-Control": "no-store"})
