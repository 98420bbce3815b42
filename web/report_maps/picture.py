"""The report as one PNG picture, drawn without a browser: for a message, a slide, a printed page."""

from __future__ import annotations

import io
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from PIL import Image, ImageDraw

from web.environment import format_count, format_moment
from web.report_maps.drawing import MapDrawing, draw_map
from web.report_maps.lettering import Letters
from web.report_maps.report import Grid, Kind, Report

WIDTH: Final = 1600
MARGIN: Final = 48
INK: Final = "#18242f"
MUTED: Final = "#4c5a68"
LINE: Final = "#c9d2db"
WASH: Final = "#f3f6f9"
CAUTION: Final = "#5c3d00"
LIGHT: Final = "#ffffff"
# A picture is for one look: whole tables are in the HTML report.
MAX_ROWS: Final = 20
MAX_COLUMNS: Final = 8
MOST: Final = 120
MAX_KINDS: Final = 12
_TITLE, _HEAD, _TEXT, _BOLD, _SMALL = Letters(40, 600), Letters(26, 600), Letters(22), Letters(22, 600), Letters(19)
_HIGHEST: Final = 6_000


@dataclass
class _Sheet:
    """A page that grows downwards while it is written."""

    image: Image.Image = field(default_factory=lambda: Image.new("RGB", (WIDTH, _HIGHEST), "#ffffff"))
    y: int = MARGIN

    def __post_init__(self) -> None:
        self.pen = ImageDraw.Draw(self.image)

    def write(self, text: str, letters: Letters = _TEXT, color: str = INK, *, most: int = 3) -> None:
        """Writes a text over the whole width."""
        for line in letters.wrapped(text, WIDTH - 2 * MARGIN, most):
            letters.draw(self.pen, MARGIN, self.y, line, color)
            self.y += letters.line

    def finish(self) -> Image.Image:
        """What was written, without the empty rest."""
        return self.image.crop((0, 0, WIDTH, min(_HIGHEST, self.y + MARGIN)))


def render_picture(report: Report) -> bytes:
    """The picture as PNG, 1600 pixels wide."""
    sheet = _Sheet()
    _write_head(sheet, report)
    if report.extent is not None:
        drawing = draw_map(report, WIDTH - 2 * MARGIN)
        sheet.image.paste(drawing.image, (MARGIN, sheet.y))
        _write_scale(sheet, report, drawing)
        sheet.y += drawing.image.height + 16
    _write_kinds(sheet, report.about.say("Chú giải", "Legend"), report.legend, report)
    _write_kinds(sheet, report.fill_title, report.fills, report)
    for grid in report.grids:
        _write_grid(sheet, grid, report)
    _write_foot(sheet, report)
    out = io.BytesIO()
    sheet.finish().save(out, "PNG", optimize=True)
    return out.getvalue()


def _write_head(sheet: _Sheet, report: Report) -> None:
    about = report.about
    made = f"{about.say('Lập lúc', 'Made at')} {format_moment(about.made_at, english=about.english)}"
    _SMALL.draw(sheet.pen, WIDTH - MARGIN - _SMALL.width(made), sheet.y, made, MUTED)
    if about.office:
        office = _BOLD.cut(about.office, WIDTH - 3 * MARGIN - _SMALL.width(made))
        _BOLD.draw(sheet.pen, MARGIN, sheet.y, office, INK)
    sheet.y += _BOLD.line + 8
    sheet.write(report.title, _TITLE)
    for line in report.lines[:8]:
        sheet.write(line, color=MUTED, most=2)
    for warning in report.warnings:
        sheet.write(f"! {warning}", _BOLD, CAUTION)
    sheet.y += 16


def _write_scale(sheet: _Sheet, report: Report, drawing: MapDrawing) -> None:
    """A bar of a round length, and where north is, on the map's own corner."""
    bottom = sheet.y + drawing.image.height - 26
    left = MARGIN + 24
    text = f"{drawing.bar_m / 1000:g} km" if drawing.bar_m >= 1000 else f"{drawing.bar_m:g} m"
    if not report.about.english:
        text = text.replace(".", ",")
    room = drawing.bar_px + _SMALL.width(text) + 36
    sheet.pen.rectangle((left - 12, bottom - 22, left + room, bottom + 14), fill="#ffffff", outline=LINE)
    sheet.pen.line(
        [(left, bottom - 10), (left, bottom), (left + drawing.bar_px, bottom), (left + drawing.bar_px, bottom - 10)],
        fill=INK,
        width=3,
    )
    _SMALL.draw(sheet.pen, left + drawing.bar_px + 12, bottom - 20, text, INK)
    x, y = WIDTH - MARGIN - 40, sheet.y + 20
    sheet.pen.polygon([(x, y), (x - 12, y + 34), (x, y + 26), (x + 12, y + 34)], fill=INK)
    north = report.about.say("B", "N")
    _BOLD.draw(sheet.pen, x - _BOLD.width(north) / 2, y + 34, north, INK)


def _write_kinds(sheet: _Sheet, title: str, kinds: tuple[Kind, ...], report: Report) -> None:
    if not kinds:
        return
    sheet.write(title, _HEAD)
    columns = 3
    room = (WIDTH - 2 * MARGIN) // columns
    for place, kind in enumerate(kinds[:MAX_KINDS]):
        x, y = MARGIN + place % columns * room, sheet.y
        if kind.edge == LIGHT:
            r, middle = kind.radius, (x + 11, y + 16)
            box = (middle[0] - r, middle[1] - r, middle[0] + r, middle[1] + r)
            sheet.pen.ellipse(box, fill=kind.color)
        else:
            sheet.pen.rounded_rectangle((x, y + 5, x + 22, y + 27), 4, fill=kind.color, outline=kind.edge)
        text = f"{kind.title} ({format_count(kind.count, english=report.about.english)})"
        _TEXT.draw(sheet.pen, x + 34, y, _TEXT.cut(text, room - 50), INK)
        if place % columns == columns - 1 or place == len(kinds[:MAX_KINDS]) - 1:
            sheet.y += _TEXT.line + 4
    sheet.y += 12


def _write_grid(sheet: _Sheet, grid: Grid, report: Report) -> None:
    shown = grid.rows[:MAX_ROWS]
    if not shown or sheet.y > _HIGHEST - 1_200:
        return
    sheet.write(grid.title, _HEAD)
    widths = _widths(grid, shown)
    for number, row in enumerate((grid.heads, *shown)):
        letters, height = (_BOLD if number == 0 else _TEXT), _TEXT.line + 8
        if number == 0:
            sheet.pen.rectangle((MARGIN, sheet.y, WIDTH - MARGIN, sheet.y + height), fill=WASH)
        left = float(MARGIN)
        for place, width in enumerate(widths):
            text = letters.cut(row[place], width - 20)
            x = left + (width - 10 - letters.width(text) if grid.numeric[place] else 10)
            letters.draw(sheet.pen, x, sheet.y + 4, text, INK)
            left += width
        sheet.y += height
        sheet.pen.line([(MARGIN, sheet.y), (WIDTH - MARGIN, sheet.y)], fill=LINE)
    _write_rest(sheet, grid, len(grid.rows) - len(shown), report)
    sheet.y += 16


def _write_rest(sheet: _Sheet, grid: Grid, left: int, report: Report) -> None:
    if not left and not grid.more:
        return
    more = report.about.say(
        f"… còn {format_count(left, english=False)} dòng trong báo cáo HTML.",
        f"… {format_count(left, english=True)} more rows in the HTML report.",
    )
    sheet.write(more if left else grid.more, _SMALL, MUTED)


def _widths(grid: Grid, shown: Sequence[Sequence[str]]) -> list[float]:
    """As wide as the longest cell of each column; where that is too much, the widest give way first."""
    room = float(WIDTH - 2 * MARGIN)
    columns = min(len(grid.heads), MAX_COLUMNS)
    wanted = [
        max(_BOLD.width(grid.heads[place][:MOST]), *(_TEXT.width(row[place][:MOST]) for row in shown)) + 22
        for place in range(columns)
    ]
    if sum(wanted) <= room:
        return [width + (room - sum(wanted)) / columns for width in wanted]
    cap = bisect_right(range(int(room)), room, key=lambda most: sum(min(width, most) for width in wanted)) - 1
    return [min(width, cap) for width in wanted]


def _write_foot(sheet: _Sheet, report: Report) -> None:
    sheet.pen.line([(MARGIN, sheet.y), (WIDTH - MARGIN, sheet.y)], fill=LINE, width=2)
    sheet.y += 8
    for line in (*report.sources, *report.notes):
        if sheet.y < _HIGHEST - 200:
            sheet.write(line, _SMALL, MUTED, most=2)
