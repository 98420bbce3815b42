"""What the database knows of the place that a file speaks of, as values and calls for the pipeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import geopandas as gpd
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import ColumnElement, Connection, Engine, func, select, text

from layers.definition import Definition
from layers.intake.model import RememberedMapping, World
from layers.tables import feature_table
from layers.uploads.limits import of_unit
from layers.uploads.model import Upload

VIETNAM: Final = ZoneInfo("Asia/Ho_Chi_Minh")
MAX_NEARBY: Final = 50_000
MAX_REMEMBERED: Final = 5
_UNIT: Final = {
    5: "SELECT name, parent_code, ST_AsBinary(geom) AS geom FROM features.communes WHERE code = :code",
    2: "SELECT name, code AS parent_code, ST_AsBinary(geom) AS geom FROM features.provinces WHERE code = :code",
}
_NEIGHBOURS: Final = """
SELECT c.code, ST_AsBinary(c.geom) AS geom FROM features.communes c JOIN features.communes u
ON u.code = :code AND c.code <> u.code AND c.geom && ST_Expand(u.geom, 0.001) AND ST_DWithin(c.geom, u.geom, 0.001)
ORDER BY c.code
"""
_CODES: Final = """
SELECT code FROM features.communes UNION SELECT code FROM features.provinces
UNION SELECT old_code FROM catalogue.unit_successions WHERE old_level IN ('commune', 'province')
"""
_REMEMBERED: Final = """
SELECT mapping FROM uploads.mappings WHERE layer = :layer AND unit_code = :unit ORDER BY accepted_at DESC LIMIT :limit
"""
_PLACES: Final = """
SELECT code, ST_AsBinary(geom) AS geom FROM features.communes WHERE code = ANY(:codes)
UNION ALL SELECT code, ST_AsBinary(geom) FROM features.hamlets WHERE code = ANY(:codes)
"""


@dataclass(frozen=True, slots=True)
class _Asker:
    """Answers the pipeline's questions of the layer, each in a transaction of its own."""

    engine: Engine
    definition: Definition
    unit_code: str | None

    def current(self) -> pd.DataFrame:
        """Key fields and shapes of the unit's features, by fid."""
        table = feature_table(self.definition)
        columns: list[ColumnElement[Any]] = [table.c.fid, *(table.c[name] for name in self.definition.key)]
        if self.definition.geometry is not None:
            columns.append(func.ST_AsBinary(table.c.geom).label("geometry"))
        statement = select(*columns).order_by(table.c.fid)
        if self.unit_code is not None:
            statement = statement.where(of_unit(table, self.unit_code))
        with self.engine.connect() as connection:
            rows = connection.execute(statement).mappings().all()
        frame = pd.DataFrame([dict(row) for row in rows], columns=list(statement.selected_columns.keys())).set_index(
            "fid"
        )
        if self.definition.geometry is None:
            return frame
        shapes = gpd.GeoSeries(shapely.from_wkb(frame["geometry"].to_numpy(dtype=object)), index=frame.index)
        framed: pd.DataFrame = gpd.GeoDataFrame(frame.assign(geometry=shapes), geometry="geometry", crs="EPSG:4326")
        return framed

    def nearby(self, box: tuple[float, float, float, float]) -> Sequence[BaseGeometry]:
        """Shapes of the layer's features of other units in a box."""
        table = feature_table(self.definition)
        if self.definition.geometry is None or self.unit_code is None:
            return []
        inside = table.c.geom.bool_op("&&")(func.ST_MakeEnvelope(*box, 4326))
        statement = select(func.ST_AsBinary(table.c.geom)).where(inside, ~of_unit(table, self.unit_code))
        with self.engine.connect() as connection:
            found = connection.execute(statement.order_by(table.c.fid).limit(MAX_NEARBY)).scalars().all()
        return [shapely.from_wkb(wkb) for wkb in found]

    def place_codes(self, codes: Sequence[str]) -> Sequence[BaseGeometry | None]:
        """Territories by code of commune or hamlet."""
        wanted = sorted({code for code in codes if code})
        with self.engine.connect() as connection:
            rows = connection.execute(text(_PLACES), {"codes": wanted}).all()
        known = {row.code: shapely.from_wkb(row.geom) for row in rows}
        return [known.get(code) for code in codes]


def build_world(engine: Engine, definition: Definition, upload: Upload) -> World:
    """The world of one upload: its unit's territory, the neighbours, and what stands in the layer now."""
    return world_of(engine, definition, upload.unit_code)


def world_of(engine: Engine, definition: Definition, unit_code: str | None) -> World:
    """The world of a file that is meant for a layer and, where it is known, of one unit."""
    asker = _Asker(engine, definition, unit_code)
    with engine.connect() as connection:
        known = frozenset(connection.execute(text(_CODES)).scalars())
        unit = _unit(connection, unit_code)
        neighbours = _neighbours(connection, unit_code)
        remembered = _remembered(connection, definition.slug, unit_code)
    return World(
        definition=definition,
        today=datetime.now(UTC).astimezone(VIETNAM).date(),
        boundary=unit.get("geom"),
        neighbours=neighbours,
        unit_name=str(unit.get("name") or ""),
        known_units=known,
        province_code=unit.get("parent_code"),
        current=asker.current,
        nearby=asker.nearby,
        remembered=remembered,
        place_codes=asker.place_codes,
    )


def _unit(connection: Connection, code: str | None) -> Mapping[str, Any]:
    if code is None:
        return {}
    row = connection.execute(text(_UNIT[len(code)]), {"code": code}).mappings().one_or_none()
    if row is None:
        return {}
    return {**row, "geom": shapely.from_wkb(row["geom"]) if row["geom"] is not None else None}


def _neighbours(connection: Connection, code: str | None) -> dict[str, BaseGeometry]:
    if code is None or len(code) != 5:
        return {}
    rows = connection.execute(text(_NEIGHBOURS), {"code": code})
    return {row.code: shapely.from_wkb(row.geom) for row in rows}


def _remembered(connection: Connection, layer: str, unit_code: str | None) -> tuple[RememberedMapping, ...]:
    rows = connection.execute(
        text(_REMEMBERED), {"layer": layer, "unit": unit_code or "", "limit": MAX_REMEMBERED}
    ).scalars()
    return tuple(RememberedMapping(row["fields"], row.get("crs"), row.get("encoding")) for row in rows)
