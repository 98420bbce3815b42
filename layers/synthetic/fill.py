"""Rows for every layer of the catalogue, made from its definition and the synthetic province."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.random import Generator

from layers.definition import Definition, GeometryType
from layers.synthetic import mission, places
from layers.synthetic.admin_rows import ADMIN_LAYERS
from layers.synthetic.keys import feature_keys, table_keys
from layers.synthetic.landscape import Ground
from layers.synthetic.parcel_rows import parcel_rows
from layers.synthetic.parcels import CHUNK_ROWS
from layers.synthetic.places import Gazetteer, Places, make_gazetteer
from layers.synthetic.plausible import plausible
from layers.synthetic.province import Province
from layers.synthetic.values import Batch, Column, column

Progress = Callable[[int, int], None]

_COUNTS: Final = {
    "street-lights": 3_000, "houses": 2_000, "poor-households": 400, "social-protection-beneficiaries": 300,
    "business-households": 400, "enterprises": 300, "citizen-reports": 400, "trees": 400, "plate-passages": 400,
    "construction-permits": 250, "transport-assets-point": 300, "electricity-point": 400, "traffic-incidents": 250,
    "reservoirs-point": 25, "shelters": 60, "service-centres": 34, "rain-gauges": 24, "water-level-sensors": 24,
    "environment-sensors": 40, "industrial-zone-sensors": 30, "forest-fire-sensors": 30, "outbreaks": 40,
    "traffic-signals": 60, "hospitals": 20, "forest-land": 160, "agricultural-land": 220, "land-use-status": 200,
    "land-prices": 150, "industrial-zones": 30, "event-areas": 30, "event-routes": 50, "traffic-flow-line": 120,
    "public-works-line": 60,
}  # fmt: skip
_DEFAULT_COUNTS: Final = {GeometryType.POINT: 120, GeometryType.MULTILINESTRING: 250, GeometryType.MULTIPOLYGON: 60}

_BY_ROAD: Final = {
    "traffic-signals", "traffic-cameras", "traffic-flow-point", "traffic-incidents", "plate-passages", "trees",
    "transport-assets-point", "electricity-point", "drainage-point", "waste-points", "flood-points",
}  # fmt: skip
_BY_WATER: Final = {"water-level-sensors", "reservoirs-point"}
_LARGE: Final[dict[str, tuple[Ground, ...]]] = {
    "agricultural-land": (Ground.RICE, Ground.ORCHARD), "forest-land": (Ground.FOREST,),
    "industrial-zones": (Ground.INDUSTRY, Ground.TOWN), "reservoirs": (Ground.FOREST, Ground.ORCHARD),
    "flood-areas": (Ground.RICE, Ground.VILLAGE, Ground.TOWN), "extraction-sites": (Ground.FOREST, Ground.ORCHARD),
    "land-use-status": (), "land-prices": (), "incidents-area": (), "outbreak-areas": (),
    "site-clearance-projects": (), "zone-projects-area": (Ground.INDUSTRY, Ground.TOWN), "public-works-area": (),
}  # fmt: skip
_MISSION: Final[dict[str, Callable[[Gazetteer, Generator], Places]]] = {
    **ADMIN_LAYERS,
    "schools": mission.schools,
    "clinics": mission.clinics,
    "ocop-producers": mission.ocop_producers,
    "plans": mission.plans,
    "plan-progress": mission.plan_progress,
    "roads": lambda gazetteer, _: places.lines_of(gazetteer, gazetteer.roads),
    "railways": lambda gazetteer, _: places.lines_of(gazetteer, gazetteer.railways),
    "waterways": lambda gazetteer, _: places.lines_of(gazetteer, gazetteer.waterways),
}


@lru_cache(maxsize=2)
def _gazetteer(province: Province) -> Gazetteer:
    return make_gazetteer(province)


def layer_rows(
    province: Province, definition: Definition, *, progress: Progress | None = None
) -> Iterator[gpd.GeoDataFrame | pd.DataFrame]:
    """Yield the rows of a layer in chunks of at most 50,000, the same for one province and definition.

    Columns are the fields that are not hidden, personal ones included, as Python values with None for what
    is missing; geometry is EPSG:4326 of the definition's type, single parts as one-part collections. The
    index numbers the rows through all chunks from 0. `progress` is told rows made so far and in all.

    Raises:
        UnsupportedPattern: a field's pattern is beyond the sampler.
    """
    chunks = _parcels(province, definition) if definition.slug == "parcels" else _others(province, definition)
    done = 0
    for frame, total in chunks:
        done += len(frame)
        yield frame
        if progress is not None:
            progress(done, total)


def _parcels(province: Province, definition: Definition) -> Iterator[tuple[gpd.GeoDataFrame, int]]:
    wording = {unit.code: unit.name for unit in province.units.communes}
    first = 0
    for frame in province.parcels(CHUNK_ROWS):
        frame.index = pd.RangeIndex(first, first + len(frame))
        first += len(frame)
        yield parcel_rows(frame, definition, seed=province.seed, unit_names=wording), province.parcel_count


def _others(province: Province, definition: Definition) -> Iterator[tuple[pd.DataFrame, int]]:
    rng = np.random.default_rng([province.seed, 9, zlib.crc32(definition.slug.encode())])
    gazetteer = _gazetteer(province)
    located = _located(gazetteer, definition, rng) if definition.geometry is not None else None
    frame = _frame(gazetteer, definition, located, rng)
    for first in range(0, len(frame), CHUNK_ROWS):
        yield frame.iloc[first : first + CHUNK_ROWS], len(frame)


def _located(gazetteer: Gazetteer, definition: Definition, rng: Generator) -> Places:
    """Return where the features of a layer lie, by what the layer is about."""
    slug = definition.slug
    if slug in _MISSION:
        return _MISSION[slug](gazetteer, rng)
    count = _COUNTS.get(slug, _DEFAULT_COUNTS[definition.geometry or GeometryType.POINT])
    if definition.geometry is GeometryType.MULTILINESTRING:
        chosen = np.sort(rng.permutation(len(gazetteer.roads))[:count])
        return places.lines_of(gazetteer, [gazetteer.roads[n] for n in chosen.tolist()])
    if definition.geometry is GeometryType.MULTIPOLYGON:
        if slug in _LARGE:
            return places.large_areas(gazetteer, count, rng, grounds=_LARGE[slug])
        return places.small_areas(gazetteer, count, rng)
    if slug == "street-lights":
        lit = [section for section in gazetteer.roads if section.kind in ("DDT", "QL")]
        return places.points_on_roads(gazetteer, lit, count, rng)
    if slug in _BY_ROAD:
        return places.points_on_roads(gazetteer, gazetteer.roads, count, rng)
    if slug in _BY_WATER:
        return places.points_on_roads(gazetteer, gazetteer.waterways, count, rng)
    return places.points_anywhere(gazetteer, count, rng)


def _frame(
    gazetteer: Gazetteer, definition: Definition, located: Places | None, rng: Generator
) -> gpd.GeoDataFrame | pd.DataFrame:
    known = _keys(gazetteer.province, definition, located, rng)
    count = len(next(iter(known.values())))
    hamlets = _hamlets(gazetteer, known, located, count, rng)
    placed = {} if located is None else located.known
    known = _units(gazetteer, hamlets) | placed | known | _periods(known, count)
    known |= plausible(definition.slug, known, count, rng)
    units = gazetteer.province.units
    addresses = [
        f"{units.hamlets[h].name}, {units.communes[int(gazetteer.commune_of_hamlet[h])].name}" for h in hamlets
    ]
    batch = Batch(definition, count, rng, places=addresses, known=known)
    data = {of.name: pd.Series(column(of, batch), dtype=object) for of in definition.fields if not of.hidden}
    if located is None:
        return pd.DataFrame(data)
    return gpd.GeoDataFrame(data, geometry=located.geometry[:count], crs="EPSG:4326")


def _keys(province: Province, definition: Definition, located: Places | None, rng: Generator) -> dict[str, Column]:
    """Return key columns: those that come with the places, else numbered ones."""
    if located is None:
        return table_keys(definition, province, rng)
    if all(name in located.known for name in definition.key):
        return {name: located.known[name] for name in definition.key}
    return feature_keys(definition, province, len(located.geometry), rng)


def _hamlets(
    gazetteer: Gazetteer, known: dict[str, Column], located: Places | None, count: int, rng: Generator
) -> list[int]:
    """Return the hamlet of every row: by its place, by the unit in its key, else any."""
    if located is not None:
        return [int(h) for h in located.hamlet[:count]]
    units = gazetteer.province.units
    if "commune_code" not in known and "subject" not in known:
        return [int(h) for h in rng.integers(0, len(units.hamlets), count)]
    first = {code: n for n, code in reversed([*enumerate(unit.parent_code for unit in units.hamlets)])}
    exact = {unit.code: n for n, unit in enumerate(units.hamlets)}
    communes = known.get("commune_code") or known["subject"]
    hamlets = known.get("hamlet_code") or communes
    return [exact.get(str(h), first[str(c)]) for h, c in zip(hamlets, communes, strict=True)]


def _units(gazetteer: Gazetteer, hamlets: list[int]) -> dict[str, Column]:
    """Return unit codes and names of the rows under the names that definitions use."""
    units = gazetteer.province.units
    inside = [units.hamlets[h] for h in hamlets]
    communes = [units.communes[int(gazetteer.commune_of_hamlet[h])] for h in hamlets]
    return {
        "commune_code": [unit.code for unit in communes],
        "unit_code": [unit.code for unit in communes],
        "commune_name": [unit.name for unit in communes],
        "hamlet_code": [unit.code for unit in inside],
        "hamlet_name": [unit.name for unit in inside],
        "hamlet": [unit.name for unit in inside],
    }


def _periods(known: dict[str, Column], count: int) -> dict[str, Column]:
    """Return what follows from key values: kind of a monthly period, direction of a budget item."""
    found: dict[str, Column] = {}
    if "period" in known:
        found["period_kind"] = ["month"] * count
    if "item_code" in known:
        found["is_revenue"] = [code == "THU" for code in known["item_code"]]
        found["item_name"] = ["Tổng thu" if code == "THU" else "Tổng chi" for code in known["item_code"]]
    return found
