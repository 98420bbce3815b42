"""Admin units as rows of their layers: provinces, communes, hamlets, former units."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import geopandas as gpd
import numpy as np
from numpy.random import Generator

from layers.synthetic.places import Gazetteer, Places, areas
from layers.synthetic.province import Province, former_units, successions
from layers.synthetic.units import Unit
from layers.synthetic.values import Column

_HOUSEHOLD = 3.6


def _populations(units: Sequence[Unit], seed: int) -> dict[str, int]:
    """Return a population for each hamlet: more of them in quarters than in hamlets."""
    rng = np.random.default_rng([seed, 8])
    spans = {"khu phố": (2_200, 6_000)}
    return {unit.code: int(rng.integers(*spans.get(unit.unit_type, (600, 2_400)))) for unit in units}


def _inhabitants(province: Province) -> dict[str, int]:
    """Return inhabitants by code of hamlet, commune and province; sums agree."""
    found = _populations(province.units.hamlets, province.seed)
    for hamlet in province.units.hamlets:
        for parent in (hamlet.parent_code or "", province.units.province.code):
            found[parent] = found.get(parent, 0) + found[hamlet.code]
    return found


def _rows(gazetteer: Gazetteer, frame: gpd.GeoDataFrame) -> Places:
    places = areas(gazetteer, frame.geometry.to_numpy())
    known: dict[str, Column] = {
        name: frame[name].astype(object).tolist() for name in frame.columns if name != "geometry"
    }
    return Places(places.geometry, places.hamlet, places.commune, places.known | known)


def _with_people(gazetteer: Gazetteer, frame: gpd.GeoDataFrame) -> Places:
    rows = _rows(gazetteer, frame)
    people = _inhabitants(gazetteer.province)
    counts = [people[code] for code in frame["code"]]
    rows.known["population"] = [*counts]
    rows.known["households"] = [round(count / _HOUSEHOLD) for count in counts]
    return rows


def _provinces(gazetteer: Gazetteer, _: Generator) -> Places:
    return _with_people(gazetteer, gazetteer.province.province)


def _hamlets(gazetteer: Gazetteer, _: Generator) -> Places:
    return _with_people(gazetteer, gazetteer.province.hamlets)


def _communes(gazetteer: Gazetteer, _: Generator) -> Places:
    province = gazetteer.province
    rows = _with_people(gazetteer, province.communes)
    old = {unit.code: unit for unit in province.units.former_communes}
    districts = {unit.code: unit.name for unit in province.units.former_districts}
    merged: dict[str, list[Unit]] = {}
    for _level, code, _new_level, new_code, _day in successions(province):
        merged.setdefault(new_code, []).append(old[code])
    formers = [merged[unit.code] for unit in province.units.communes]
    rows.known["merged_from"] = ["; ".join(unit.name for unit in units) for units in formers]
    rows.known["district_former_code"] = [units[0].parent_code for units in formers]
    rows.known["district_former_name"] = [districts[units[0].parent_code or ""] for units in formers]
    return rows


def _former_units(gazetteer: Gazetteer, _: Generator) -> Places:
    rows = _rows(gazetteer, former_units(gazetteer.province))
    rows.known["legal_basis"] = ["Nghị quyết mô phỏng về sắp xếp đơn vị hành chính"] * len(rows.geometry)
    return rows


ADMIN_LAYERS: Final[dict[str, Callable[[Gazetteer, Generator], Places]]] = {
    "provinces": _provinces,
    "communes": _communes,
    "hamlets": _hamlets,
    "former-units": _former_units,
}
