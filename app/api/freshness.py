"""How fresh each unit's part of each layer is, and the league of communes, over HTTP."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Annotated, Final, Literal, TypeVar

import anyio.to_thread
import orjson
from fastapi import APIRouter, Query
from sqlalchemy import Connection, Engine
from starlette.responses import Response

from app.moment import Moment
from app.resources import Resources, ResourcesOf, SignedIn
from layers.access import Scope
from layers.catalogue import Layer
from layers.freshness.league import Standing, read_league
from layers.freshness.periods import PROMISED, local_day
from layers.freshness.reading import Part, Promise, commune_names, count_by_unit, list_parts
from layers.freshness.state import TITLES, Freshness
from layers.freshness.tables import league_csv, parts_csv
from layers.rights import Action, Area, NotAllowed

router = APIRouter(prefix="/api", tags=["freshness"])
_HEADERS: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
At = Annotated[Moment | None, Query(description="Lúc xem, kèm múi giờ · the moment; now")]
Month = Annotated[
    str | None, Query(pattern=r"^(19|20|21)[0-9]{2}-(0[1-9]|1[0-2])$", description="2026-11; tháng này · this month")
]
_T = TypeVar("_T")


@router.get("/freshness", summary="Độ tươi của dữ liệu theo xã và lớp · Freshness by commune and layer")
async def get_freshness(
    resources: ResourcesOf,
    person: SignedIn,
    unit: Annotated[str | None, Query(pattern=r"^[0-9]{5}$", description="Mã xã · commune code")] = None,
    layer: Annotated[str | None, Query(max_length=100)] = None,
    state: Freshness | None = None,
    at: At = None,
    f: Literal["json", "csv"] = "json",
) -> Response:
    """Parts that the reader may read: fresh, due, overdue or without a promise; counted by commune, by code."""
    layers = _layers(resources, person.scope, layer)
    promises = [Promise(one.slug, one.definition.frequency, one.units) for one in layers.values()]
    moment = at or datetime.now(UTC)

    def read(connection: Connection) -> tuple[list[Part], dict[str, str]]:
        return list_parts(connection, promises, moment, unit_code=unit), commune_names(connection)

    parts, names = await _read(resources.editing, read)
    shown = [part for part in parts if state in (None, part.freshness)]
    if f == "csv":
        body = parts_csv(shown, {slug: one.definition.title for slug, one in layers.items()}, names)
        return _file(body, "do-tuoi")
    counted = Counter(part.layer for part in parts)
    document = {
        "at": moment,
        "states": {name.value: asdict(label) for name, label in TITLES.items()},
        "layers": [_layer(one, counted[slug]) for slug, one in layers.items() if counted[slug]],
        "units": [asdict(one) | {"on_time_percent": one.on_time_percent} for one in count_by_unit(parts, names)],
        "parts": [asdict(part) | {"unit_name": names.get(part.unit_code)} for part in shown],
    }
    return Response(orjson.dumps(document), media_type="application/json", headers=_HEADERS)


@router.get("/league", summary="Bảng xếp hạng các xã theo tháng · The league of communes for a month")
async def get_league(
    resources: ResourcesOf,
    person: SignedIn,
    month: Month = None,
    at: At = None,
    f: Literal["json", "csv"] = "json",
) -> Response:
    """Communes by points for timeliness and quality of what they sent; ranks are among all communes."""
    if not person.scope.may_somewhere(Action.READ, Area.INDICATORS):
        raise NotAllowed(Action.READ, Area.INDICATORS)
    moment = at or datetime.now(UTC)
    day = date.fromisoformat(f"{month}-01") if month else local_day(moment)
    promises = [Promise(slug, one.definition.frequency) for slug, one in resources.catalogue.layers.items()]

    def read(connection: Connection) -> list[Standing]:
        return read_league(connection, promises, day, moment, commune_names(connection))

    units = person.scope.units_of(Action.READ, Area.INDICATORS)
    found = await _read(resources.editing, read)
    shown = [one for one in found if units is None or one.unit_code in units]
    if f == "csv":
        return _file(league_csv(shown), f"xep-hang-{day:%Y-%m}")
    ranked = sum(one.rank is not None for one in found)
    document = {"month": f"{day:%Y-%m}", "at": moment, "ranked": ranked, "units": shown}
    return Response(orjson.dumps(document), media_type="application/json", headers=_HEADERS)


def _layers(resources: Resources, scope: Scope, slug: str | None) -> dict[str, Layer]:
    chosen: Sequence[Layer]
    chosen = resources.catalogue.visible(scope) if slug is None else [resources.catalogue.get(slug, scope)]
    return {one.slug: one for one in chosen}


def _layer(layer: Layer, parts: int) -> dict[str, object]:
    definition = layer.definition
    return {
        "slug": layer.slug,
        "title": asdict(definition.title),
        "steward": definition.steward,
        "frequency": definition.frequency,
        "is_promised": definition.frequency in PROMISED,
        "parts": parts,
    }


async def _read(engine: Engine, read: Callable[[Connection], _T]) -> _T:
    def run() -> _T:
        with engine.connect() as connection:
            return read(connection)

    return await anyio.to_thread.run_sync(run)


def _file(body: bytes, name: str) -> Response:
    headers = {**_HEADERS, "Content-Disposition": f'attachment; filename="{name}.csv"'}
    return Response(body, media_type="text/csv; charset=utf-8", headers=headers)
