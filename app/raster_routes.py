"""Raster layers over HTTP: list, tiles, legend, value at a point, series, figures in a zone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, date, datetime
from functools import partial
from typing import Annotated, Literal, TypeVar

import anyio
import anyio.to_thread
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from shapely import MultiPolygon, Polygon
from starlette.responses import Response

from app.problems import BadParameter
from app.resources import Resources, ResourcesOf, ScopeOf
from layers.access import Scope
from layers.units import unit_geometry
from spatial.crs import parse_crs
from spatial.geometry import parse_geojson, parse_point
from tiles.address import TileAddress
from tiles.raster.catalogue import get_raster, list_rasters, list_scenes, scenes_on
from tiles.raster.errors import NoValuesHere
from tiles.raster.figures import value_at, values_through_time, zone_figures
from tiles.raster.model import RasterLayer, Scene
from tiles.raster.ramps import legend_stops, legend_svg
from tiles.raster.render import FORMATS, TILE_SIZE, value_range

router = APIRouter(tags=["rasters"])
REVALIDATE = "no-cache"
MAX_ZOOM = 22
# Files are read in threads; more than this at once would only wait for the same processors.
_THREADS = anyio.CapacityLimiter(4)
_Answer = TypeVar("_Answer")
Day = Annotated[date | None, Query(alias="date", description="Ngày của ảnh (mặc định: hôm nay) · day of the scenes")]
At = Annotated[str, Query(description="lon,lat (hoặc theo crs · or as crs says)")]
Crs = Annotated[str | None, Query(description="Hệ tọa độ của điểm · CRS of the point")]


async def _in_thread(call: Callable[[], _Answer]) -> _Answer:
    return await anyio.to_thread.run_sync(call, limiter=_THREADS)


async def _find(resources: Resources, scope: Scope, slug: str) -> tuple[RasterLayer, list[Scene]]:
    async with resources.gate.read(scope) as connection:
        layer = await get_raster(connection, slug)
        return layer, await list_scenes(connection, layer)


def _on(day: date | None) -> date:
    return day or datetime.now(UTC).date()


@router.get("/api/rasters", summary="Các lớp ảnh · Raster layers")
async def get_rasters(resources: ResourcesOf, scope: ScopeOf) -> dict[str, object]:
    """The raster layers that the reader may see."""
    async with resources.gate.read(scope) as connection:
        layers = await list_rasters(connection)
    base = resources.settings.public_url
    return {"rasters": [_summary(layer, base) for layer in layers]}


@router.get("/api/rasters/{slug}", summary="Một lớp ảnh và các ngày của nó · A raster layer and its scenes")
async def get_one(resources: ResourcesOf, scope: ScopeOf, slug: str) -> dict[str, object]:
    """A raster layer with its scenes in force, by day."""
    layer, scenes = await _find(resources, scope, slug)
    shown = [{name: value for name, value in asdict(scene).items() if name not in ("slug", "file")} for scene in scenes]
    return _summary(layer, resources.settings.public_url) | {"scenes": shown}


def _summary(layer: RasterLayer, base: str) -> dict[str, object]:
    described = asdict(layer)
    return described | {
        "tilejson": f"{base}/tiles/raster/{layer.slug}.json",
        "tiles": f"{base}/tiles/raster/{layer.slug}/{{z}}/{{x}}/{{y}}.png",
    }


@router.get("/tiles/raster/{slug}/{z}/{x}/{y}.{form}", summary="Ô ảnh · Raster tile")
async def get_tile(
    request: Request,
    resources: ResourcesOf,
    scope: ScopeOf,
    slug: str,
    z: int,
    x: int,
    y: int,
    form: Literal["png", "webp"],
    day: Day = None,
) -> Response:
    """One WebMercatorQuad tile of 256 pixels, of the newest day that is not after ``date``; 204 where empty."""
    address = TileAddress.parse(z=z, x=x, y=y)
    layer, scenes = await _find(resources, scope, slug)
    shown = scenes_on(layer, scenes, _on(day))
    etag = f'"{layer.slug}-{layer.revision}-{shown[0].dated_on:%Y%m%d}-{layer.ramp}-{layer.low}-{layer.high}-{form}"'
    headers = {"ETag": etag, "Cache-Control": REVALIDATE}
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    body = await _in_thread(partial(resources.raster_tiles.tile, layer, shown, address, form))
    if not body:
        return Response(status_code=204, headers=headers)
    return Response(body, media_type=FORMATS[form][1], headers=headers)


@router.get("/tiles/raster/{slug}.json", summary="TileJSON của lớp ảnh · TileJSON of a raster layer")
async def get_tilejson(resources: ResourcesOf, scope: ScopeOf, slug: str, day: Day = None) -> dict[str, object]:
    """TileJSON 3.0 of a raster layer on a day."""
    layer, scenes = await _find(resources, scope, slug)
    shown = scenes_on(layer, scenes, _on(day))
    query = f"?date={day.isoformat()}" if day else ""
    url = f"{resources.settings.public_url}/tiles/raster/{layer.slug}/{{z}}/{{x}}/{{y}}.png{query}"
    boxes = list(zip(*(scene.bounds for scene in shown), strict=True))
    return {
        "tilejson": "3.0.0",
        "name": layer.title.vi,
        "description": layer.title.en,
        "attribution": layer.source,
        "tiles": [url],
        "tileSize": TILE_SIZE,
        "minzoom": 0,
        "maxzoom": MAX_ZOOM,
        "bounds": [min(boxes[0]), min(boxes[1]), max(boxes[2]), max(boxes[3])],
    }


@router.get("/api/rasters/{slug}/legend", summary="Chú giải · Legend")
async def get_legend(
    resources: ResourcesOf,
    scope: ScopeOf,
    slug: str,
    form: Annotated[Literal["json", "svg"], Query(alias="f")] = "json",
) -> Response:
    """The values and colours of a layer that has values, as JSON or as a picture."""
    layer, scenes = await _find(resources, scope, slug)
    _require_values(layer)
    stops = legend_stops(layer.ramp, *value_range(layer, scenes))
    if form == "svg":
        return Response(legend_svg(layer.title.vi, layer.unit, stops), media_type="image/svg+xml")
    document = Legend(title=layer.title.vi, unit=layer.unit, stops=[LegendStop(**asdict(stop)) for stop in stops])
    return Response(document.model_dump_json(), media_type="application/json")


class LegendStop(BaseModel):
    """A value and its colour."""

    value: float
    color: str


class Legend(BaseModel):
    """What the colours of a layer mean."""

    title: str
    unit: str | None
    stops: list[LegendStop]


@router.get("/api/rasters/{slug}/value", summary="Giá trị tại một điểm · Value at a point")
async def get_value(
    resources: ResourcesOf, scope: ScopeOf, slug: str, at: At, crs: Crs = None, day: Day = None
) -> dict[str, object]:
    """The value of the newest day that is not after ``date`` at a point; null where there is none."""
    layer, scenes = await _find(resources, scope, slug)
    _require_values(layer)
    point = parse_point(at, parameter="at", crs=parse_crs(crs))
    shown = scenes_on(layer, scenes, _on(day))
    value = await _in_thread(partial(value_at, shown, resources.raster_tiles.store, point.x, point.y))
    return {"raster": slug, "date": shown[0].dated_on, "value": value, "unit": layer.unit, "revision": layer.revision}


@router.get("/api/rasters/{slug}/series", summary="Giá trị tại một điểm qua các ngày · Values through time")
async def get_series(resources: ResourcesOf, scope: ScopeOf, slug: str, at: At, crs: Crs = None) -> dict[str, object]:
    """The value at a point on every day that has scenes, oldest first."""
    layer, scenes = await _find(resources, scope, slug)
    _require_values(layer)
    point = parse_point(at, parameter="at", crs=parse_crs(crs))
    found = await _in_thread(partial(values_through_time, scenes, resources.raster_tiles.store, point.x, point.y))
    series = [{"date": item.dated_on, "value": item.value} for item in found]
    return {"raster": slug, "unit": layer.unit, "revision": layer.revision, "series": series}


class ZoneQuestion(BaseModel, extra="forbid"):
    """A zone, drawn or an administrative unit, and the day asked about."""

    zone: dict[str, object] | None = Field(None, description="GeoJSON Polygon hoặc MultiPolygon, WGS 84")
    unit: str | None = Field(None, description="Mã đơn vị hành chính · code of an administrative unit", max_length=20)
    on: date | None = Field(None, alias="date", description="Mặc định: hôm nay · default: today")


@router.post("/api/rasters/{slug}/figures", summary="Số liệu trong một vùng · Figures in a zone")
async def post_figures(resources: ResourcesOf, scope: ScopeOf, slug: str, asked: ZoneQuestion) -> dict[str, object]:
    """Count, least, greatest, mean, median and deviation of the values in a zone, weighted by area."""
    layer, scenes = await _find(resources, scope, slug)
    _require_values(layer)
    shown = scenes_on(layer, scenes, _on(asked.on))
    zone = await _zone(resources, scope, asked)
    figures = await asyncio.wait_for(
        _in_thread(partial(zone_figures, shown, resources.raster_tiles.store, zone)),
        resources.settings.timeout_query.total_seconds(),
    )
    answer = {"raster": slug, "date": shown[0].dated_on, "unit": layer.unit, "revision": layer.revision}
    return answer | {"figures": asdict(figures)}


async def _zone(resources: Resources, scope: Scope, asked: ZoneQuestion) -> Polygon | MultiPolygon:
    if (asked.zone is None) == (asked.unit is None):
        raise BadParameter("zone", "Hãy gửi một trong hai: zone hoặc unit.", "Send one of the two: zone or unit.")
    if asked.unit is not None:
        async with resources.gate.read(scope) as connection:
            return await unit_geometry(connection, asked.unit, on=_on(asked.on))
    zone = parse_geojson(asked.zone, parameter="zone")
    if not isinstance(zone, Polygon | MultiPolygon):
        raise BadParameter(
            "zone", "Vùng phải là Polygon hoặc MultiPolygon.", "The zone must be a Polygon or a MultiPolygon."
        )
    return zone


def _require_values(layer: RasterLayer) -> None:
    if not layer.kind.has_values:
        raise NoValuesHere(layer.slug)
