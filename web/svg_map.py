"""Maps drawn as SVG: the features of a page, the communes of a territory, the place of a layer among them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Double, Select, bindparam, func, select

from spatial.crs import CRS
from spatial.target import Target

WIDTH, ITEM_WIDTH = 1600, 800
MIN_ASPECT, MAX_ASPECT = 0.3, 0.75
# Twice the size at which a page shows it.
OVERVIEW_WIDTH = 1000
METRES_PER_DEGREE = 111_320.0
# Vertices closer than this on the drawing, in its own units of half a pixel, look like one.
MIN_STEP = 2.0
MAX_DRAWN = 4000
MAX_VERTICES = 150_000

Extent = tuple[float, float, float, float]
Position = Sequence[float]


@dataclass(frozen=True, slots=True)
class Frame:
    """A drawing's piece of the map: where it begins, its scale, its size in units.

    Attributes:
        west: Smallest x of the CRS that the drawing shows.
        north: Largest y.
        x_scale: Drawing units per unit of x.
        y_scale: Drawing units per unit of y.
        unit_m: Metres per unit of y, for the scale bar.
    """

    west: float
    north: float
    x_scale: float
    y_scale: float
    width: int
    height: int
    unit_m: float

    def place(self, x: float, y: float) -> tuple[int, int]:
        """Where a position lies on the drawing."""
        return round((x - self.west) * self.x_scale), round((self.north - y) * self.y_scale)


def frame_of(extent: Extent, *, geographic: bool = True, width: int = WIDTH, margin: float = 0.05) -> Frame:
    """The frame that shows an extent whole, with a margin, never narrow nor taller than wide."""
    west, south, east, north = extent
    squeeze = math.cos(math.radians((south + north) / 2)) if geographic else 1.0
    least = 0.004 if geographic else 400.0
    wide, high = max((east - west) * squeeze, least), max(north - south, least)
    room = 1 - 2 * margin
    height = width * min(MAX_ASPECT, max(MIN_ASPECT, high / wide))
    y_scale = min(width * room / wide, height * room / high)
    x_scale = y_scale * squeeze
    return Frame(
        west=(west + east) / 2 - width / 2 / x_scale,
        north=(south + north) / 2 + height / 2 / y_scale,
        x_scale=x_scale,
        y_scale=y_scale,
        width=width,
        height=round(height),
        unit_m=METRES_PER_DEGREE if geographic else 1.0,
    )


def overview_frame(extent: Extent) -> Frame:
    """The frame of a territory's overview: tall territories are drawn tall."""
    west, south, east, north = extent
    squeeze = math.cos(math.radians((south + north) / 2))
    scale = OVERVIEW_WIDTH / max((east - west) * squeeze, north - south, 1e-6)
    return Frame(
        west=west,
        north=north,
        x_scale=scale * squeeze,
        y_scale=scale,
        width=max(1, round((east - west) * squeeze * scale)),
        height=max(1, round((north - south) * scale)),
        unit_m=METRES_PER_DEGREE,
    )


def outline_statement(target: Target, name: str) -> Select[tuple[object, ...]]:
    """Each feature's ``fid``, ``name`` and outline as SVG path data in whole drawing units.

    Corners are snapped to the drawing's grid, the same for both neighbours of an edge, so none gapes.
    Parameters: ``shift_x``, ``shift_y``, ``scale_x``, ``scale_y``, as :func:`outline_values` makes them.
    """
    shift_x, shift_y, scale_x, scale_y = (
        bindparam(key, type_=Double) for key in ("shift_x", "shift_y", "scale_x", "scale_y")
    )
    drawn = func.ST_SnapToGrid(func.ST_TransScale(target.geom, shift_x, shift_y, scale_x, scale_y), 1.0)
    path = func.ST_AsSVG(drawn, 1, 0)
    found = select(target.column("fid"), target.column(name).label("name"), path.label("path")).subquery("found")
    return select(found.c.fid, found.c.name, found.c.path).where(found.c.path != "").order_by(found.c.fid)


def outline_values(frame: Frame) -> dict[str, object]:
    """Values of :func:`outline_statement`; SVG counts y downwards and ST_AsSVG turns the sign."""
    return {"shift_x": -frame.west, "shift_y": -frame.north, "scale_x": frame.x_scale, "scale_y": frame.y_scale}


@dataclass(frozen=True, slots=True)
class Shape:
    """One feature on a drawing.

    Attributes:
        path: SVG path data of lines and areas, or empty.
        points: Where its points lie.
        is_area: Whether the path is filled.
    """

    fid: object
    title: str
    color: str
    path: str
    points: tuple[tuple[int, int], ...]
    is_area: bool


@dataclass(frozen=True, slots=True)
class Drawing:
    """Features on a frame, with a scale bar.

    Attributes:
        left_out: How many features are not drawn because the drawing would be too heavy.
    """

    frame: Frame
    shapes: tuple[Shape, ...]
    bar_units: int
    bar_m: float
    left_out: int


@dataclass(frozen=True, slots=True)
class Sketch:
    """A feature to be drawn: its GeoJSON geometry and how it is named and coloured."""

    fid: object
    title: str
    color: str
    geometry: Mapping[str, object] | None


def draw(sketches: Sequence[Sketch], *, crs: CRS, width: int = WIDTH) -> Drawing | None:
    """The drawing of some features, or None where none of them has a geometry.

    Args:
        sketches: Features with geometries in ``crs``, axes in the order of its authority.
        crs: Served CRS of the coordinates.
        width: Of the drawing, in units.
    """
    parts = [(sketch, parts_of(sketch.geometry, swap=crs.axis_inverted)) for sketch in sketches[:MAX_DRAWN]]
    extent = _extent(position for _, found in parts for part in found for position in part[1])
    if extent is None:
        return None
    frame = frame_of(extent, geographic=crs.is_geographic, width=width)
    shapes: list[Shape] = []
    budget = MAX_VERTICES
    for sketch, found in parts:
        shape, used = _shape(sketch, found, frame)
        budget -= used
        if budget < 0:
            break
        shapes.append(shape)
    bar_m = round_length(frame.width / 5 / frame.y_scale * frame.unit_m)
    return Drawing(
        frame=frame,
        shapes=tuple(shapes),
        bar_units=round(bar_m / frame.unit_m * frame.y_scale),
        bar_m=bar_m,
        left_out=len(sketches) - len(shapes),
    )


def round_length(metres: float) -> float:
    """The largest of 1, 2 or 5 times a power of ten that is no longer than this."""
    power = 10.0 ** math.floor(math.log10(metres))
    return max(step * power for step in (1, 2, 5) if step * power <= metres)


Part = tuple[str, list[Position]]
_NESTING = {"Point": 0, "MultiPoint": 1, "LineString": 1, "MultiLineString": 2, "Polygon": 2, "MultiPolygon": 3}


def parts_of(geometry: Mapping[str, object] | None, *, swap: bool) -> list[Part]:
    """The parts of a GeoJSON geometry, each named ``point``, ``line`` or ``ring``, positions as x, y."""
    if geometry is None:
        return []
    kind = str(geometry["type"])
    drawn = "point" if kind.endswith("Point") else "line" if kind.endswith("LineString") else "ring"
    coordinates = [geometry["coordinates"]] if kind == "Point" else geometry["coordinates"]
    return [
        (drawn, [(y, x) if swap else (x, y) for x, y, *_ in positions])
        for positions in _lists(coordinates, max(0, _NESTING[kind] - 1))
    ]


def _lists(value: object, depth: int) -> Iterator[list[Position]]:
    assert isinstance(value, list)  # noqa: S101 - GeoJSON of our own making
    if depth == 0:
        yield value
        return
    for item in value:
        yield from _lists(item, depth - 1)


def _extent(positions: Iterator[Position]) -> Extent | None:
    west = south = math.inf
    east = north = -math.inf
    for x, y, *_ in positions:
        west, east = min(west, x), max(east, x)
        south, north = min(south, y), max(north, y)
    return None if west > east else (west, south, east, north)


def _shape(sketch: Sketch, parts: Sequence[Part], frame: Frame) -> tuple[Shape, int]:
    path: list[str] = []
    points: list[tuple[int, int]] = []
    used = 0
    for kind, positions in parts:
        placed = [frame.place(*position[:2]) for position in positions]
        if kind == "point":
            points += placed
        else:
            thinned = _thinned(placed)
            used += len(thinned)
            path.append("M" + " ".join(f"{x},{y}" for x, y in thinned) + ("Z" if kind == "ring" else ""))
    is_area = any(kind == "ring" for kind, _ in parts)
    used += len(points)
    return Shape(sketch.fid, sketch.title, sketch.color, "".join(path), tuple(points), is_area), used


def _thinned(placed: list[tuple[int, int]]) -> list[tuple[int, int]]:
    kept = placed[:1]
    for x, y in placed[1:-1]:
        if abs(x - kept[-1][0]) >= MIN_STEP or abs(y - kept[-1][1]) >= MIN_STEP:
            kept.append((x, y))
    return kept + placed[-1:]
