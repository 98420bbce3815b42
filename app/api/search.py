"""One box for everything: units, features by name or code, parcels by number, coordinates."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from app.resources import Resources, ResourcesOf, ScopeOf
from layers.access import Scope
from layers.definition import Label
from layers.search import Found, search, search_parcels
from layers.search_text import MAX_LENGTH, Position, parse_parcel, parse_positions
from spatial.geometry import parse_point

router = APIRouter(prefix="/api", tags=["search"])
MAX_POSITIONS = 6
# Half the side of the box shown around a position, in degrees: about 200 m.
AROUND = 0.002


@router.get("/search", summary="Tìm địa danh, thửa đất, tọa độ · Find places, parcels, coordinates")
async def get_search(
    resources: ResourcesOf,
    scope: ScopeOf,
    q: Annotated[str, Query(min_length=1, max_length=MAX_LENGTH, description="Chữ cần tìm · what to find")],
    near: Annotated[str | None, Query(description="lon,lat đang xem · lon,lat looked at")] = None,
) -> dict[str, object]:
    """Up to 20 places that the text may mean, the likeliest first.

    Texts are read as coordinates (WGS 84 decimal or DMS, VN-2000 in either order), as a parcel ("tờ 12 thửa 34"),
    else as words of names without regard to case and Vietnamese marks, and as whole codes.
    """
    if positions := parse_positions(q):
        return {"results": [_position(position) for position in _inside(resources, scope, positions)]}
    point = parse_point(near, parameter="near") if near else None
    seen = (point.x, point.y) if point is not None else None
    layers = resources.catalogue.visible(scope)
    parcel = parse_parcel(q)
    async with resources.gate.read(scope) as connection:
        found = await (
            search_parcels(connection, layers, parcel, seen) if parcel else search(connection, layers, q, seen)
        )
    titles = {layer.slug: layer.definition.title for layer in layers}
    return {"results": [_feature(item, titles[item.slug]) for item in found]}


def _inside(resources: Resources, scope: Scope, positions: list[Position]) -> list[Position]:
    """Of the readings in metres those that fall into the territory; degrees stand for themselves."""
    if len(positions) == 1:
        return positions
    extents = [layer.extent for layer in resources.catalogue.visible(scope) if layer.extent is not None]
    if not extents:
        return []
    west, south = min(box[0] for box in extents), min(box[1] for box in extents)
    east, north = max(box[2] for box in extents), max(box[3] for box in extents)
    fitting = [item for item in positions if west <= item.lon <= east and south <= item.lat <= north]
    middle = (west + east) / 2
    # A province uses the zone whose meridian is nearest to it.
    return sorted(fitting, key=lambda item: (abs((item.crs.central_meridian or 0) - middle), item.crs.code))[
        :MAX_POSITIONS
    ]


def _position(position: Position) -> dict[str, Any]:
    name = position.crs
    return {
        "kind": "position",
        "title": f"{position.lat:.6f}, {position.lon:.6f}",
        "subtitle": {"vi": name.name_vi, "en": name.name_en},
        "layer": None,
        "fid": None,
        "bbox": (position.lon - AROUND, position.lat - AROUND, position.lon + AROUND, position.lat + AROUND),
    }


def _feature(found: Found, title: Label) -> dict[str, Any]:
    place = f" · {found.commune}" if found.commune else ""
    return {
        "kind": "feature",
        "title": found.title,
        "subtitle": {"vi": f"{title.vi}{place}", "en": f"{title.en}{place}"},
        "layer": found.slug,
        "fid": found.fid,
        "bbox": found.bbox,
    }
