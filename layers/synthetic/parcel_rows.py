"""Parcels as rows of the parcel layer: national id, legal and surveyed attributes, made-up owners."""

from __future__ import annotations

from datetime import date
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.random import Generator

from layers.definition import Definition
from layers.synthetic import names
from layers.synthetic.lattice import FloatArray
from layers.synthetic.values import Batch, Column, column

_BASE32: Final = np.array(list("0123456789bcdefghjkmnpqrstuvwxyz"))
_MAP_SCALE: Final = np.array([500, 1_000, 2_000, 2_000, 10_000, 1_000])
_SURVEYED: Final = np.array([date(2019, 4, 15), date(2021, 8, 20), date(2023, 11, 10), date(2025, 3, 5)], dtype=object)
_FARM_TERM: Final = date(2063, 10, 15)
_DATA_ON: Final = date(2026, 10, 31)
_WITHOUT_TERM: Final = ("ONT", "ODT", "TSC", "DGD", "DGT", "DTL", "RPH", "RDD")
# Facts that synthetic parcels never have: there are no older maps of them.
_EMPTY: Final = ("sheet_former", "parcel_former", "parcel_temporary")


def geohash12(points: FloatArray) -> list[object]:
    """Return GeoHashes of 12 characters of lon, lat points (WGS 84), as `ST_GeoHash(geom, 12)` writes them."""
    scaled = (points + np.array([180.0, 90.0])) / np.array([360.0, 180.0]) * 2**30
    cells = scaled.astype(np.uint64)
    bits = np.empty((len(points), 60), dtype=np.uint8)
    shifts = np.arange(29, -1, -1, dtype=np.uint64)
    bits[:, 0::2] = (cells[:, :1] >> shifts) & np.uint64(1)
    bits[:, 1::2] = (cells[:, 1:] >> shifts) & np.uint64(1)
    values = bits.reshape(len(points), 12, 5) @ np.array([16, 8, 4, 2, 1], dtype=np.uint8)
    letters = np.ascontiguousarray(_BASE32[values])
    return letters.view("U12").ravel().astype(object).tolist()


def _middles(frame: gpd.GeoDataFrame) -> FloatArray:
    found: FloatArray = shapely.get_coordinates(shapely.centroid(frame.geometry.to_numpy()))
    return found


def _owners(first: int, count: int, matched: Column) -> dict[str, Column]:
    """Return made-up personal values; an id number of 999… was issued to nobody."""
    # Three parcels in ten belong to an owner met before.
    people = [n - n % 3 if n % 10 < 5 else n for n in range(first, first + count)]
    return {
        "owner_name": [names.person(n) for n in people],
        "owner_id_number": [f"999{n:09d}" if yes else None for n, yes in zip(people, matched, strict=True)],
        "certificate_number": [f"MP {n:08d}" for n in range(first, first + count)],
    }


def _land(frame: gpd.GeoDataFrame) -> dict[str, Column]:
    uses = frame["land_use"].astype(object).tolist()
    split = {use: use.split("+") for use in set(uses)}
    return {
        "land_use_text": uses,
        "land_use_codes": [split[use] for use in uses],
        "land_use_main": [split[use][0] for use in uses],
        "use_term_on": [None if split[use][0] in _WITHOUT_TERM else _FARM_TERM for use in uses],
        "area_legal_m2": frame["legal_area_m2"].tolist(),
        "area_measured_m2": frame["area_m2"].tolist(),
    }


def _known(frame: gpd.GeoDataFrame, first: int, source_crs: str, rng: Generator) -> dict[str, Column]:
    count = len(frame)
    commune, old = frame["commune_code"].astype(object).tolist(), frame["old_commune_code"].astype(object).tolist()
    sheet, parcel = frame["sheet_no"].astype(str).tolist(), frame["parcel_no"].astype(str).tolist()
    matched: Column = [*(rng.random(count) < 0.87).tolist()]
    known: dict[str, Column] = {
        "old_commune_code": old,
        "commune_code": commune,
        "sheet": [*sheet],
        "parcel": [*parcel],
        "parcel_id": geohash12(_middles(frame)),
        "source_id": [f"MP-{a}-{b}-{c}" for a, b, c in zip(old, sheet, parcel, strict=True)],
        "is_occupied_by_other": [*(rng.random(count) < 0.005).tolist()],
        "survey_document": ["Bản đồ địa chính mô phỏng"] * count,
        "survey_on": _SURVEYED[frame["sheet_no"].to_numpy() % 4].tolist(),
        "source_crs": [source_crs] * count,
        "map_scale": _MAP_SCALE[frame["ground"].to_numpy()].tolist(),
        "owner_matched": matched,
        "matched_on": [_DATA_ON if yes else None for yes in matched],
        "data_on": [_DATA_ON] * count,
        **_land(frame),
        **_owners(first, count, matched),
    }
    return known | {name: [None] * count for name in _EMPTY}


def parcel_rows(
    frame: gpd.GeoDataFrame,
    definition: Definition,
    *,
    seed: int = 2026,
    source_crs: str = "EPSG:9215",
    unit_names: dict[str, str] | None = None,
) -> gpd.GeoDataFrame:
    """Return parcels (as `parcel_frames` makes them) with the fields of the parcel layer.

    The rows keep the frame's index, which numbers the parcels and their made-up owners. `unit_names` names
    communes by code for addresses.
    """
    first = int(frame.index[0]) + 1 if len(frame) else 1
    rng = np.random.default_rng([seed, 7, first])
    wording = unit_names or {}
    places = [wording.get(code, f"Xã {code}") for code in frame["commune_code"].astype(object).tolist()]
    batch = Batch(definition, len(frame), rng, first, places, _known(frame, first, source_crs, rng))
    data = {
        of.name: pd.Series(column(of, batch), index=frame.index, dtype=object)
        for of in definition.fields
        if not of.hidden
    }
    return gpd.GeoDataFrame(data, geometry=frame.geometry.to_numpy(), crs="EPSG:4326", index=frame.index)
