"""Where the features of a layer lie: points, lines and areas with the units that hold them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import shapely
from numpy.random import Generator
from pyproj import Geod

from layers.synthetic import networks
from layers.synthetic.cutting import GeometryArray, Rings
from layers.synthetic.landscape import Ground
from layers.synthetic.lattice import DECIMALS, FloatArray
from layers.synthetic.networks import Section
from layers.synthetic.partition import IntArray, trace_ring
from layers.synthetic.province import Province

_GEOD = Geod(ellps="WGS84")
_MOST_BLOCKS = 6


def points_of(coordinates: FloatArray) -> GeometryArray:
    """Return one point per row of lon, lat."""
    return np.asarray(shapely.points(coordinates), dtype=object)


@dataclass(frozen=True, slots=True)
class Places:
    """Features without fields: geometry (EPSG:4326), index of hamlet and commune of each.

    `known` holds values that follow from the place, by the names that definitions give to such fields.
    """

    geometry: GeometryArray
    hamlet: IntArray
    commune: IntArray
    known: dict[str, list[object]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Gazetteer:
    """Look-ups over a province shared by its layers."""

    province: Province
    commune_of_hamlet: IntArray
    tree: shapely.STRtree
    roads: list[Section]
    railways: list[Section]
    waterways: list[Section]

    def hamlets_at(self, points: FloatArray) -> IntArray:
        """Return the index of the hamlet at, or nearest to, each point."""
        found: IntArray = np.asarray(self.tree.nearest(points_of(points)))
        return found


def make_gazetteer(province: Province) -> Gazetteer:
    """Return the look-ups of a province; costs about a second."""
    codes = {unit.code: number for number, unit in enumerate(province.units.communes)}
    owners = np.array([codes[unit.parent_code or ""] for unit in province.units.hamlets])
    return Gazetteer(
        province=province,
        commune_of_hamlet=owners,
        tree=shapely.STRtree(province.hamlets.geometry.to_numpy()),
        roads=networks.roads(province),
        railways=networks.railways(province),
        waterways=networks.waterways(province),
    )


def _points_in_blocks(province: Province, blocks: IntArray, rng: Generator) -> FloatArray:
    row, column = np.divmod(blocks, province.lattice.width)
    south, north = province.lattice.horizontal[row, column], province.lattice.horizontal[row + 1, column]
    u, v = rng.uniform(0.12, 0.88, (2, len(blocks), 1))
    low = (1 - u) * south[:, 0] + u * south[:, -1]
    high = (1 - u) * north[:, 0] + u * north[:, -1]
    points: FloatArray = np.round((1 - v) * low + v * high, DECIMALS)
    return points


def points_near_hamlets(gazetteer: Gazetteer, hamlets: IntArray, rng: Generator) -> Places:
    """Return one point per entry, in the middle block of that hamlet or, one time in four, elsewhere in it."""
    units = gazetteer.province.units.hamlets
    blocks = np.array([units[h].seat if rng.random() < 0.75 else rng.choice(units[h].blocks) for h in hamlets.tolist()])
    points = _points_in_blocks(gazetteer.province, blocks, rng)
    return Places(points_of(points), hamlets, gazetteer.commune_of_hamlet[hamlets])


def points_anywhere(gazetteer: Gazetteer, count: int, rng: Generator) -> Places:
    """Return points in random hamlets; every commune gets some where `count` allows."""
    hamlets = np.resize(rng.permutation(len(gazetteer.province.units.hamlets)), count)
    return points_near_hamlets(gazetteer, hamlets, rng)


def points_on_roads(gazetteer: Gazetteer, sections: list[Section], count: int, rng: Generator) -> Places:
    """Return points beside roads with the route and chainage of each."""
    points, number = networks.points_along(sections, count, rng)
    hamlets = gazetteer.hamlets_at(points)
    chosen = [sections[n] for n in number.tolist()]
    known: dict[str, list[object]] = {
        "route_code": [section.route_code for section in chosen],
        "route_name": [section.route_name for section in chosen],
        "street": [section.route_name for section in chosen],
        "chainage_km": [round(section.from_m / 1000, 3) for section in chosen],
        "chainage_text": [_chainage(section.from_m) for section in chosen],
    }
    return Places(points_of(points), hamlets, gazetteer.commune_of_hamlet[hamlets], known)


def _chainage(metres: float) -> str:
    """Return a chainage as it is written in Vietnam: Km12+345."""
    kilometres, rest = divmod(round(metres), 1000)
    return f"Km{kilometres}+{rest:03d}"


def lines_of(gazetteer: Gazetteer, sections: list[Section]) -> Places:
    """Return one MultiLineString per section with its route, length and chainage."""
    lines = np.array([section.line for section in sections], dtype=object)
    middles = shapely.get_coordinates(shapely.line_interpolate_point(lines, 0.5, normalized=True))
    hamlets = gazetteer.hamlets_at(middles)
    communes = gazetteer.commune_of_hamlet[hamlets]
    names = [gazetteer.province.units.communes[c].name for c in communes.tolist()]
    known: dict[str, list[object]] = {
        "route_code": [section.route_code for section in sections],
        "route_name": [section.route_name for section in sections],
        "name": [section.route_name for section in sections],
        "street": [section.route_name for section in sections],
        "length_m": [round(section.length_m, 1) for section in sections],
        "length_km": [round(section.length_m / 1000, 3) for section in sections],
        "chainage_from_km": [round(section.from_m / 1000, 3) for section in sections],
        "chainage_to_km": [round((section.from_m + section.length_m) / 1000, 3) for section in sections],
        "chainage_km": [round(section.from_m / 1000, 3) for section in sections],
        "chainage_text": [_chainage(section.from_m) for section in sections],
        "start_place": [f"{name}, {_chainage(s.from_m)}" for name, s in zip(names, sections, strict=True)],
        "end_place": [f"{name}, {_chainage(s.from_m + s.length_m)}" for name, s in zip(names, sections, strict=True)],
    }
    for field_name in ("road_class", "railway_class", "waterway_class", "class"):
        known[field_name] = [section.kind for section in sections]
    multi = np.array([shapely.MultiLineString([line]) for line in lines], dtype=object)
    return Places(multi, hamlets, communes, known)


def _grown(province: Province, start: int, size: int, allowed: set[int], rng: Generator) -> IntArray:
    """Return up to `size` blocks around `start` that make one simple area."""
    width = province.lattice.width
    chosen = [start]
    for _ in range(size * 6):
        if len(chosen) >= size:
            break
        block = int(rng.choice(chosen)) + int(rng.choice([1, -1, width, -width]))
        wider = np.array(sorted({*chosen, block}))
        if block in allowed and block not in chosen and trace_ring(wider, width) is not None:
            chosen.append(block)
    return np.array(sorted(chosen))


def large_areas(gazetteer: Gazetteer, count: int, rng: Generator, *, grounds: Sequence[int] = ()) -> Places:
    """Return up to `count` areas of 1–6 whole blocks, each inside one commune, no block in two of them.

    `grounds` limits them to blocks of such ground.
    """
    province = gazetteer.province
    suited = set(np.flatnonzero(np.isin(province.ground, list(grounds or Ground))).tolist())
    communes = [set(unit.blocks.tolist()) & suited for unit in province.units.communes]
    shapes: list[shapely.MultiPolygon] = []
    owners: list[int] = []
    for number in range(count * 3):
        if len(shapes) == count:
            break
        commune = number % len(communes)
        if not communes[commune]:
            continue
        start = int(rng.choice(sorted(communes[commune])))
        size = int(rng.integers(1, _MOST_BLOCKS + 1))
        blocks = _grown(province, start, size, communes[commune], rng)
        communes[commune] -= set(blocks.tolist())
        shapes.append(shapely.MultiPolygon([shapely.Polygon(province.lattice.ring(blocks))]))
        owners.append(commune)
    return areas(gazetteer, np.array(shapes, dtype=object))


def small_areas(gazetteer: Gazetteer, count: int, rng: Generator) -> Places:
    """Return four-sided plots inside blocks near hamlets, at most one in a block."""
    province = gazetteer.province
    weight = np.where(np.isin(province.lattice.blocks, [u.seat for u in province.units.hamlets]), 6.0, 1.0)
    blocks = rng.choice(province.lattice.blocks, count, replace=False, p=weight / weight.sum())
    cuts = province.lattice.cuts
    rings = []
    for block in blocks.tolist():
        grid = province.lattice.grid(block)
        side = max(cuts // int(rng.integers(6, 12)), 1)
        row, column = rng.integers(0, cuts - side + 1, 2)
        corners = [(row, column), (row, column + side), (row + side, column + side), (row + side, column)]
        ring = np.array([grid[corner] for corner in [*corners, corners[0]]])
        rings.append(np.round(ring, DECIMALS))
    shapes = Rings(np.concatenate(rings), np.full(count, 5)).multipolygons()
    return areas(gazetteer, shapes)


def areas(gazetteer: Gazetteer, shapes: GeometryArray) -> Places:
    """Return polygons with the units at a point inside each and their geodesic areas."""
    inside = shapely.get_coordinates(shapely.point_on_surface(shapes))
    hamlets = gazetteer.hamlets_at(inside)
    measured: FloatArray = np.array([abs(_GEOD.geometry_area_perimeter(shape)[0]) for shape in shapes])
    known: dict[str, list[object]] = {}
    for name in ("area_m2", "land_area_m2", "area_planned_m2", "surface_m2"):
        known[name] = np.round(measured, 1).tolist()
    known["area_ha"] = np.round(measured / 1e4, 3).tolist()
    known["area_km2"] = np.round(measured / 1e6, 5).tolist()
    return Places(shapes, hamlets, gazetteer.commune_of_hamlet[hamlets], known)
