"""The map of a report as pixels: units below, features above, both in the report's colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageChops, ImageDraw

from spatial.crs import CRS84
from web.report_maps.report import Extent, Geometry, Kind, Report
from web.svg_map import Frame, frame_of, parts_of, round_length

# Drawn so many times larger and made smaller again, which smooths edges.
FINER: Final = 2
_GROUND: Final = "#eef2f6"
_LAND: Final = "#ffffff"
_BORDER: Final = "#6f86a0"
_SEEN_THROUGH: Final = 150
Dots = list[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class MapDrawing:
    """A drawn map, with a bar of a round number of metres."""

    image: Image.Image
    bar_px: int
    bar_m: float


def draw_map(report: Report, width: int) -> MapDrawing:
    """Draws the report's extent so many pixels wide."""
    assert report.extent is not None  # noqa: S101 - a report without an extent has no map
    frame = _frame(report.extent, width * FINER)
    canvas = Image.new("RGB", (frame.width, frame.height), _GROUND)
    for outline in report.outlines:
        _draw_areas(canvas, frame, outline.geometry, outline.color or _LAND, _BORDER, seen=255)
    for shape in report.shapes:
        _draw_shape(canvas, frame, shape.geometry, report.legend[shape.kind])
    ImageDraw.Draw(canvas).rectangle((0, 0, frame.width - 1, frame.height - 1), outline="#c9d2db", width=FINER)
    bar_m = round_length(frame.width / 6 / frame.y_scale * frame.unit_m)
    bar_px = round(bar_m / frame.unit_m * frame.y_scale / FINER)
    small = canvas.resize((frame.width // FINER, frame.height // FINER), Image.Resampling.LANCZOS)
    return MapDrawing(small, bar_px, bar_m)


def _frame(extent: Extent, width: int) -> Frame:
    return frame_of(extent, width=width, margin=0.0)


def _draw_shape(canvas: Image.Image, frame: Frame, geometry: Geometry, kind: Kind) -> None:
    parts = parts_of(geometry, swap=CRS84.axis_inverted)
    if any(part == "ring" for part, _ in parts):
        _draw_areas(canvas, frame, geometry, kind.color, kind.edge, seen=_SEEN_THROUGH)
        return
    pen = ImageDraw.Draw(canvas)
    for part, positions in parts:
        dots = [frame.place(*position[:2]) for position in positions]
        if part == "line":
            pen.line(dots, fill=kind.color, width=4 * FINER, joint="curve")
            continue
        for x, y in dots:
            r = (kind.radius + 1) * FINER
            pen.ellipse((x - r, y - r, x + r, y + r), fill=kind.color, outline=kind.edge, width=round(1.5 * FINER))


def _draw_areas(canvas: Image.Image, frame: Frame, geometry: Geometry, color: str, edge: str, *, seen: int) -> None:
    """Fills rings by the even-odd rule, so that holes stay open, and draws their edges."""
    parts = parts_of(geometry, swap=CRS84.axis_inverted)
    rings = [[frame.place(*position[:2]) for position in positions] for _, positions in parts]
    rings = [dots for dots in rings if len(dots) >= 3]
    box = _box(rings, frame)
    if box is None:
        return
    mask = Image.new("1", (box[2] - box[0], box[3] - box[1]))
    for dots in rings:
        single = Image.new("1", mask.size)
        ImageDraw.Draw(single).polygon([(x - box[0], y - box[1]) for x, y in dots], fill=1)
        mask = ImageChops.logical_xor(mask, single)
    solid = mask.convert("L").point(lambda value: seen if value else 0)
    canvas.paste(color, box, solid)
    pen = ImageDraw.Draw(canvas)
    for dots in rings:
        pen.line([*dots, dots[0]], fill=edge, width=FINER, joint="curve")


def _box(rings: Sequence[Dots], frame: Frame) -> tuple[int, int, int, int] | None:
    xs = [x for dots in rings for x, _ in dots]
    ys = [y for dots in rings for _, y in dots]
    if not xs:
        return None
    west, north = max(0, min(xs)), max(0, min(ys))
    east, south = min(frame.width, max(xs) + 1), min(frame.height, max(ys) + 1)
    return (west, north, east, south) if west < east and north < south else None
