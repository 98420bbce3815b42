"""Reports made of values, for tests of the page and the picture."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from web.report_maps.assets import Assets
from web.report_maps.report import About, Grid, Kind, Outline, Report, Shape

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\u2028\u2029{{7*7}}<!--'\"&"
ABOUT = About("", "Xã Tân Lập", datetime(2026, 12, 1, 3, 0, tzinfo=UTC))
ASSETS = Assets("/* map */", ".leaflet{}", "/* report */", "body{}")
SQUARE = [[106.1, 10.1], [106.2, 10.1], [106.2, 10.2], [106.1, 10.2], [106.1, 10.1]]
HOLE = [[106.13, 10.13], [106.17, 10.13], [106.17, 10.17], [106.13, 10.17], [106.13, 10.13]]


def point(x: float, y: float) -> dict[str, object]:
    return {"type": "Point", "coordinates": [x, y]}


def report(**changes: object) -> Report:
    whole = Report(
        about=ABOUT,
        title="Trường học",
        lines=("Trong bán kính 3 km quanh điểm 10,1; 106,1",),
        legend=(Kind("Mầm non", "#0072b2", 1), Kind("Tiểu học", "#e69f00", 1)),
        fact_titles=("Số học sinh", "Ghi chú"),
        shapes=(
            Shape("Trường 1", 0, ("12", ""), point(106.05, 10.05)),
            Shape("Khu 2", 1, ("", "b"), {"type": "Polygon", "coordinates": [SQUARE, HOLE]}),
        ),
        outlines=(Outline("99901", "Xã 0-0", {"type": "Polygon", "coordinates": [SQUARE]}),),
        extent=(106.0, 10.0, 106.3, 10.3),
        grids=(Grid("Số liệu", ("Xã", "Số lượng"), (False, True), (("Xã 0-0", "1.234"),)),),
        sources=("Trường học: số liệu đến ngày 01/07/2025, nguồn Sở Giáo dục, bản số 1.",),
    )
    return replace(whole, **changes)  # type: ignore[arg-type]


def hostile_report() -> Report:
    """The same with a script wherever somebody else's text can stand."""
    outline = Outline("99901", HOSTILE, {"type": "Polygon", "coordinates": [SQUARE]}, None, ((HOSTILE, HOSTILE),))
    return report(
        about=replace(ABOUT, office=HOSTILE),
        title=HOSTILE,
        lines=(HOSTILE,),
        legend=(Kind(HOSTILE, "#0072b2", 1), Kind("b", "#e69f00", 0)),
        fact_titles=(HOSTILE, "b"),
        shapes=(Shape(HOSTILE, 0, (HOSTILE, HOSTILE), point(106.05, 10.05)),),
        outlines=(outline,),
        grids=(Grid(HOSTILE, (HOSTILE, "b"), (False, True), ((HOSTILE, HOSTILE),), HOSTILE),),
        sources=(HOSTILE,),
        notes=(HOSTILE,),
        warnings=(HOSTILE,),
        fills=(Kind(HOSTILE, "#41b6c4", 1),),
        fill_title=HOSTILE,
    )
