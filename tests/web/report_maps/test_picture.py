"""The PNG report as pixels."""

from __future__ import annotations

import io
import math

from PIL import Image

from tests.web.report_maps.samples import HOSTILE, hostile_report, report
from web.report_maps.drawing import draw_map
from web.report_maps.lettering import Letters
from web.report_maps.picture import MARGIN, MAX_ROWS, WIDTH, _widths, render_picture
from web.report_maps.report import Grid, Outline, Report, Shape

BLUE, LAND = (0, 114, 178), (255, 255, 255)


def picture(of: Report) -> Image.Image:
    return Image.open(io.BytesIO(render_picture(of))).convert("RGB")


def near(found: tuple[int, ...], wanted: tuple[int, int, int]) -> bool:
    return all(abs(a - b) <= 6 for a, b in zip(found, wanted, strict=True))


def at(drawn: Image.Image, lon: float, lat: float, extent: tuple[float, float, float, float]) -> tuple[int, ...]:
    """The colour at a place: the middle of the extent is the middle of the map, degrees of longitude are squeezed."""

    squeeze = math.cos(math.radians((extent[1] + extent[3]) / 2))
    scale = min(drawn.width / ((extent[2] - extent[0]) * squeeze), drawn.height / (extent[3] - extent[1]))
    x = drawn.width / 2 + (lon - (extent[0] + extent[2]) / 2) * squeeze * scale
    y = drawn.height / 2 - (lat - (extent[1] + extent[3]) / 2) * scale
    found = drawn.getpixel((round(x), round(y)))
    assert isinstance(found, tuple)
    return found


class TestMap:
    EXTENT = (106.0, 10.0, 106.3, 10.3)

    def test_points_lie_where_they_are(self) -> None:
        drawn = draw_map(report(outlines=()), 1000).image
        assert near(at(drawn, 106.05, 10.05, self.EXTENT), BLUE)
        assert not near(at(drawn, 106.25, 10.05, self.EXTENT), BLUE)

    def test_holes_stay_open(self) -> None:
        drawn = draw_map(report(), 1000).image
        inside, hole = at(drawn, 106.115, 10.115, self.EXTENT), at(drawn, 106.15, 10.15, self.EXTENT)
        assert inside != hole
        assert near(hole, LAND)

    def test_units_are_filled_with_their_colour(self) -> None:
        unit = report().outlines[0]
        filled = Outline(unit.code, unit.name, unit.geometry, "#0072b2")
        drawn = draw_map(report(outlines=(filled,), shapes=()), 1000).image
        assert near(at(drawn, 106.15, 10.15, self.EXTENT), BLUE)

    def test_bar_is_as_long_as_it_says(self) -> None:
        drawing = draw_map(report(), 1000)
        degrees = drawing.bar_px / drawing.image.height * 0.3
        assert drawing.bar_m in {1000, 2000, 5000, 10_000}
        assert abs(degrees * 111_320 / drawing.bar_m - 1) < 0.02

    def test_what_lies_outside_is_left_out(self) -> None:
        away = Shape("xa", 0, ("", ""), {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]})
        assert draw_map(report(shapes=(away,)), 400).image.tobytes() == draw_map(report(shapes=()), 400).image.tobytes()


class TestSheet:
    def test_is_as_wide_as_promised(self) -> None:
        assert picture(report()).width == WIDTH

    def test_says_when_rows_are_left_out(self) -> None:
        def with_rows(count: int) -> Report:
            rows = tuple((f"Xã {number}", "1") for number in range(count))
            return report(grids=(Grid("Số liệu", ("Xã", "Số lượng"), (False, True), rows),))

        whole, cut, more = (picture(with_rows(count)) for count in (MAX_ROWS, MAX_ROWS + 1, MAX_ROWS + 50))
        assert cut.height > whole.height
        assert more.height == cut.height

    def test_columns_are_as_wide_as_what_they_hold(self) -> None:
        long = "thu không đạt 90% kế hoạch theo kỳ đánh giá của Sở Tài chính và các sở, ngành"
        rows = (("1", long, "x" * 400, "9"),)
        narrow, medium, wide, last = _widths(Grid("", ("a", "b", "c", "d"), (True, False, False, True), rows), rows)
        assert max(narrow, last) < 60
        assert medium <= wide
        assert narrow + medium + wide + last <= WIDTH
        few = _widths(Grid("", ("a", "b"), (True, True), (("1", "2"),)), (("1", "2"),))
        assert sum(few) == WIDTH - 2 * MARGIN

    def test_takes_hostile_and_endless_texts(self) -> None:
        long = report(title="Ẫ" * 10_000, lines=(HOSTILE * 100,), sources=("x " * 20_000,))
        assert picture(hostile_report()).width == picture(long).width == WIDTH

    def test_of_nothing_is_a_sheet_without_a_map(self) -> None:
        empty = report(extent=None, shapes=(), outlines=(), legend=(), grids=())
        assert picture(empty).height < picture(report()).height


class TestLetters:
    def test_vietnamese_letters_are_drawn_and_not_replaced(self) -> None:
        letters = Letters(30)
        assert letters.width("ễộẨđ") > 0
        assert letters.width("\u1ec5") == letters.width("e\u0302\u0303")

    def test_lines_are_no_wider_than_the_room(self) -> None:
        letters = Letters(22)
        for line in letters.wrapped("Uỷ ban nhân dân " * 30 + "x" * 500, 300, 100):
            assert letters.width(line) <= 300

    def test_too_many_lines_end_in_a_mark(self) -> None:
        lines = Letters(22).wrapped("một hai ba " * 100, 300, 2)
        assert len(lines) == 2
        assert lines[-1].endswith("…")

    def test_marks_what_it_cannot_draw(self) -> None:
        assert Letters(22).width("漢") == Letters(22).width("?")
