"""The bare statements: what somebody who knows PostGIS would write by hand for one question and no other."""

from __future__ import annotations

from collections.abc import Sequence

from layers.definition import Definition
from tests.bench.measure import BareMaker
from tests.bench.places import Place
from tiles.content import tile_fields

WORLD_M = 40_075_016.685578488
BUFFER, EXTENT = 64, 4096
MAX_TILE_FEATURES = 60_000


def items_sql(definition: Definition, *, boxed: bool) -> str:
    """A page of features as the text of one FeatureCollection; ``$1`` is its size, ``$2`` to ``$5`` its box."""
    names = [field.name for field in definition.public_fields]
    shown = ", ".join(f'page."{name}"' for name in (*names, "unit_code", "province_code", "geom_area_m2"))
    box = "ST_MakeEnvelope($2, $3, $4, $5, 4326)"
    where = f"WHERE geom && {box} AND ST_Intersects(geom, {box})" if boxed else ""
    return f"""
        SELECT convert_to('{{"type":"FeatureCollection","features":[' || coalesce(string_agg(
            '{{"type":"Feature","id":' || fid || ',"geometry":' || ST_AsGeoJSON(geom, 9, 0)
            || ',"properties":' || (SELECT row_to_json(shown)::text FROM (SELECT {shown}) AS shown) || '}}', ','), '')
            || ']}}', 'UTF8') AS body
        FROM (SELECT * FROM features.parcels {where} ORDER BY fid LIMIT $1) AS page
    """


def items(definition: Definition, limit: int) -> BareMaker:
    """The first page of so many features."""
    text = items_sql(definition, boxed=False)
    return lambda place: (text, (limit,))


def boxed_items(definition: Definition, limit: int, half_m: float) -> BareMaker:
    """The features of a box round the place."""
    text = items_sql(definition, boxed=True)
    return lambda place: (text, (limit, *place.box(half_m)))


def feature(definition: Definition) -> BareMaker:
    """One feature by its id."""
    text = items_sql(definition, boxed=False).replace("ORDER BY fid LIMIT $1", "WHERE fid = $1")
    return lambda place: (text, (place.fid,))


RADIUS_FIGURES = """
    SELECT land_use_main, count(*), sum(geom_area_m2) FROM features.parcels
    WHERE geom && ST_MakeEnvelope($4, $5, $6, $7, 4326)
      AND ST_DWithin(geom::geography, ST_MakePoint($1, $2)::geography, $3)
    GROUP BY land_use_main ORDER BY land_use_main
"""
BOUNDARY_FIGURES = """
    SELECT land_use_main, count(*), sum(geom_area_m2) FROM features.parcels
    WHERE unit_code = $1 GROUP BY land_use_main ORDER BY land_use_main
"""
NEAREST = """
    WITH near AS MATERIALIZED (
        SELECT fid, geom, geom <-> ST_SetSRID(ST_MakePoint($1, $2), 4326) FROM features.parcels
        ORDER BY geom <-> ST_SetSRID(ST_MakePoint($1, $2), 4326) LIMIT 4 * $3)
    SELECT fid, ST_AsGeoJSON(geom, 9, 0), ST_Distance(geom::geography, ST_MakePoint($1, $2)::geography) AS metres
    FROM near ORDER BY metres, fid LIMIT $3
"""


def radius_figures(metres: float) -> BareMaker:
    """Number and area of the parcels within a distance, by land use."""
    return lambda place: (RADIUS_FIGURES, (place.lon, place.lat, metres, *place.box(1.01 * metres)))


def boundary_figures() -> BareMaker:
    """Number and area of the parcels of a commune, by land use."""
    return lambda place: (BOUNDARY_FIGURES, (place.commune,))


def nearest(k: int) -> BareMaker:
    """The nearest parcels with their distances."""
    return lambda place: (NEAREST, (place.lon, place.lat, k))


def tile(definition: Definition, z: int) -> BareMaker:
    """A vector tile with the attributes that ours has at this zoom."""
    names = "".join(f', "{name}"' for name in tile_fields(definition, z))
    text = f"""
        SELECT ST_AsMVT(tile, 'parcels', {EXTENT}, 'geom', 'fid') AS body FROM (
            SELECT fid{names},
                   ST_AsMVTGeom(tile_geom, ST_TileEnvelope({z}, $1, $2), {EXTENT}, {BUFFER}, true) AS geom
            FROM features.parcels
            WHERE tile_geom && ST_Expand(ST_TileEnvelope({z}, $1, $2), {WORLD_M / (1 << z) * BUFFER / EXTENT})
            ORDER BY fid LIMIT {MAX_TILE_FEATURES}) AS tile
        WHERE geom IS NOT NULL
    """

    def make(place: Place) -> tuple[str, Sequence[object]]:
        return text, place.tile(z)[1:]

    return make
