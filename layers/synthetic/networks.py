"""Roads, railways and waterways along the edges of lattice blocks, joined at shared nodes."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely
from pyproj import Geod

from layers.synthetic.landscape import Ground
from layers.synthetic.lattice import FloatArray, Lattice
from layers.synthetic.partition import IntArray
from layers.synthetic.province import Province

_GEOD = Geod(ellps="WGS84")


@dataclass(frozen=True, slots=True)
class Section:
    """One stretch of a route: `kind` is a road, railway or waterway class; lengths are geodesic metres."""

    route_code: str
    route_name: str
    kind: str
    from_m: float
    length_m: float
    line: shapely.LineString


@dataclass(frozen=True, slots=True)
class _Route:
    code: str
    name: str
    kind: str
    stops: tuple[int, ...]


class Graph:
    """Inner edges of a lattice with random costs; finds the cheapest path between nodes."""

    def __init__(self, lattice: Lattice, rng: np.random.Generator) -> None:
        self.lattice = lattice
        self.near: dict[int, list[tuple[int, float]]] = {}
        mask, wide = lattice.mask, lattice.width + 1
        for row, column in np.argwhere(mask[:-1] & mask[1:]):
            self._join((row + 1) * wide + column, (row + 1) * wide + column + 1, rng)
        for row, column in np.argwhere(mask[:, :-1] & mask[:, 1:]):
            self._join(row * wide + column + 1, (row + 1) * wide + column + 1, rng)

    def _join(self, start: int, end: int, rng: np.random.Generator) -> None:
        cost = float(rng.uniform(1.0, 1.6))
        self.near.setdefault(int(start), []).append((int(end), cost))
        self.near.setdefault(int(end), []).append((int(start), cost))

    def nearest(self, block: int) -> int:
        """Return the node at the south-west of a block, or the nearest one that has an inner edge."""
        row, column = divmod(block, self.lattice.width)
        wide = self.lattice.width + 1
        return min(self.near, key=lambda node: (node // wide - row) ** 2 + (node % wide - column) ** 2)

    def path(self, start: int, end: int, used: set[tuple[int, int]], reuse: float) -> list[int]:
        """Return the cheapest nodes from `start` to `end`; edges in `used` cost `reuse` times as much."""
        best, before = {start: 0.0}, {start: start}
        queue = [(0.0, start)]
        while queue:
            cost, node = heapq.heappop(queue)
            if node == end:
                break
            for other, step in self.near[node]:
                total = cost + step * (reuse if _edge(node, other) in used else 1.0)
                if total < best.get(other, np.inf):
                    best[other], before[other] = total, node
                    heapq.heappush(queue, (total, other))
        nodes = [end]
        while nodes[-1] != start:
            nodes.append(before[nodes[-1]])
        return nodes[::-1]


def _edge(a: int, b: int) -> tuple[int, int]:
    return (a, b) if a < b else (b, a)


def _fresh_runs(nodes: list[int], used: set[tuple[int, int]]) -> list[list[int]]:
    """Return the stretches of a path whose edges no earlier route took, and mark them as used."""
    runs: list[list[int]] = []
    open_run = False
    for a, b in pairwise(nodes):
        if _edge(a, b) in used:
            open_run = False
            continue
        used.add(_edge(a, b))
        if open_run:
            runs[-1].append(b)
        else:
            runs.append([a, b])
        open_run = True
    return runs


def _lay(
    graph: Graph, routes: Iterable[_Route], used: set[tuple[int, int]], *, reuse: float, edges: int = 6
) -> list[Section]:
    """Lay the routes one after the other, in sections of so many block edges; no edge is laid twice."""
    step = max(graph.lattice.cuts // 8, 1)
    sections = []
    for route in routes:
        at = 0.0
        for start, end in pairwise(route.stops):
            for run in _fresh_runs(graph.path(start, end, used, reuse), used):
                for first in range(0, len(run) - 1, edges):
                    line = graph.lattice.path(run[first : first + edges + 1], step)
                    length = float(_GEOD.line_length(line[:, 0], line[:, 1]))
                    shape = shapely.LineString(line)
                    sections.append(Section(route.code, route.name, route.kind, at, length, shape))
                    at += length
    return sections


def _ends(graph: Graph, angle: float) -> tuple[int, int]:
    """Return the nodes farthest apart in a direction (radians, in the lattice)."""
    nodes = np.array(sorted(graph.near))
    along = nodes % (graph.lattice.width + 1) * np.cos(angle)
    along = along + nodes // (graph.lattice.width + 1) * np.sin(angle)
    return int(nodes[along.argmin()]), int(nodes[along.argmax()])


def _main_roads(province: Province, graph: Graph) -> list[_Route]:
    seats = [graph.nearest(unit.seat) for unit in province.units.communes]
    places = np.array([divmod(unit.seat, province.lattice.width) for unit in province.units.communes])
    routes = []
    for number, angle in enumerate((0.2, 1.7)):
        first, last = _ends(graph, angle)
        code = f"QL.99{'ABC'[number]}"
        routes.append(_Route(code, f"Quốc lộ 99{'ABC'[number]} (mô phỏng)", "QL", (first, seats[number], last)))
    pairs = set()
    for number, place in enumerate(places):
        for other in np.argsort(((places - place) ** 2).sum(axis=1), kind="stable")[1:3].tolist():
            pairs.add(_edge(number, other))
    for number, (a, b) in enumerate(sorted(pairs)):
        name = f"Đường tỉnh {901 + number} (mô phỏng)"
        routes.append(_Route(f"ĐT.{901 + number}", name, "DT", (seats[a], seats[b])))
    return routes


def _local_roads(province: Province, graph: Graph) -> list[_Route]:
    routes = []
    seats = {unit.code: graph.nearest(unit.seat) for unit in province.units.communes}
    for number, hamlet in enumerate(province.units.hamlets, start=1):
        stops = (graph.nearest(hamlet.seat), seats[hamlet.parent_code or ""])
        routes.append(_Route(f"ĐX.{number:03d}", f"Đường xã {number} (mô phỏng)", "DX", stops))
    town = [int(b) for b in province.lattice.blocks if province.ground[b] == Ground.TOWN]
    wide = province.lattice.width + 1
    for number, block in enumerate(town, start=1):
        row, column = divmod(block, province.lattice.width)
        node = row * wide + column
        near = {other for other, _ in graph.near.get(node, [])} & {node + 1, node + wide}
        name = f"Đường Mẫu {number}"
        routes += [_Route(f"ĐĐT.{number:03d}", name, "DDT", (node, other)) for other in sorted(near)]
    return routes


def roads(province: Province) -> list[Section]:
    """Return national, provincial, commune and town roads as one connected network."""
    graph = Graph(province.lattice, np.random.default_rng([province.seed, 10]))
    used: set[tuple[int, int]] = set()
    main = _lay(graph, _main_roads(province, graph), used, reuse=0.4)
    return main + _lay(graph, _local_roads(province, graph), used, reuse=0.4)


def railways(province: Province) -> list[Section]:
    """Return one national line across the province and one branch from its middle to a seat."""
    graph = Graph(province.lattice, np.random.default_rng([province.seed, 11]))
    first, last = _ends(graph, -0.4)
    middle = graph.nearest(province.units.province.seat)
    branch = graph.nearest(province.units.communes[-1].seat)
    routes = [
        _Route("ĐS.99", "Tuyến đường sắt Mô Phỏng", "national", (first, middle, last)),
        _Route("ĐS.99N", "Đường sắt nhánh Mẫu", "special", (middle, branch)),
    ]
    return _lay(graph, routes, set(), reuse=0.4, edges=1)


def waterways(province: Province) -> list[Section]:
    """Return two rivers from side to side of the province and canals that join them."""
    rng = np.random.default_rng([province.seed, 12])
    graph = Graph(province.lattice, rng)
    routes = []
    for number, angle in enumerate((1.1, 2.4), start=1):
        first, last = _ends(graph, angle)
        through = graph.nearest(int(rng.choice(province.lattice.blocks)))
        routes.append(_Route(f"S.{number:02d}", f"Sông Giả {number}", "river", (first, through, last)))
    used: set[tuple[int, int]] = set()
    rivers = _lay(graph, routes, used, reuse=0.3)
    banks: IntArray = np.array(sorted({node for edge in used for node in edge}))
    rice = province.lattice.blocks[province.ground[province.lattice.blocks] == Ground.RICE]
    canals = []
    for number, block in enumerate(rng.choice(rice, 40, replace=False).tolist(), start=1):
        node, bank = graph.nearest(int(block)), int(rng.choice(banks))
        canals.append(_Route(f"K.{number:02d}", f"Kênh Mẫu {number}", "canal", (bank, node)))
    return rivers + _lay(graph, canals, used, reuse=0.05)


def points_along(sections: list[Section], count: int, rng: np.random.Generator) -> tuple[FloatArray, IntArray]:
    """Return `count` points evenly spread beside the sections and the section of each, in road order.

    Points lie about 10 m to the right of the line, alternately to its left.
    """
    ends = np.cumsum([section.length_m for section in sections])
    at = (np.arange(count) + rng.uniform(0.3, 0.7, count)) * ends[-1] / count
    number = np.minimum(np.searchsorted(ends, at), len(sections) - 1)
    lines = np.array([section.line for section in sections], dtype=object)[number]
    lengths = np.array([section.length_m for section in sections])[number]
    share = np.clip((at - (ends[number] - lengths)) / lengths, 0.02, 0.98)
    here = shapely.get_coordinates(shapely.line_interpolate_point(lines, share, normalized=True))
    ahead = shapely.get_coordinates(shapely.line_interpolate_point(lines, share + 0.01, normalized=True))
    way = ahead - here
    side = np.stack([way[:, 1], -way[:, 0]], axis=1) / np.hypot(way[:, 0], way[:, 1])[:, None]
    beside = here + side * np.where(np.arange(count) % 2, 9e-5, -9e-5)[:, None]
    return np.round(beside, 8), number
