"""The report as one HTML file that needs nothing but itself: folium's map with every asset inside."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

import folium
from branca.element import Figure
from folium.utilities import JsCode
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from web.environment import environment, format_count, format_moment
from web.report_maps.assets import Assets
from web.report_maps.report import Geometry, Grid, Outline, Report

# Of the list beside the map; the map itself shows every shape.
MAX_LISTED: Final = 500
LIGHT: Final = "#ffffff"
_UNIT_STYLE: Final = {"color": "#6f86a0", "weight": 1, "fillColor": "#ffffff", "fillOpacity": 0.75}


class UnsafeScript(Exception):
    """A script that would end its own element early; nothing that a user sends can cause it."""


def render_page(report: Report, assets: Assets) -> bytes:
    """The file, UTF-8; it opens without a network and asks for nothing."""
    map_html, map_script = _map(report) if report.extent is not None else ("", "")
    scripts = [assets.leaflet_js, f"const REPORT = {_words_of_script(report)};\n{assets.script}", map_script]
    scripts = [script for script in scripts if script] if map_html else []
    for script in scripts:
        if "</script" in script.lower() or "<!--" in script:
            raise UnsafeScript
    english = report.about.english
    page = environment().get_template("report_map.html").render(
        report=report,
        english=english,
        policy=_policy(scripts),
        leaflet_css=assets.leaflet_css,
        style=assets.style,
        map_html=map_html,
        scripts=scripts,
        listing=_listing(report),
        words=_words(report),
        made=format_moment(report.about.made_at, english=english),
        counts=[format_count(kind.count, english=english) for kind in report.legend],
        fill_counts=[format_count(kind.count, english=english) for kind in report.fills],
    )  # fmt: skip
    return page.encode("utf-8", "replace")


def _policy(scripts: Sequence[str]) -> str:
    """No network at all, and no script but those written here: what a value smuggled in would not run."""
    hashes = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}'" for s in scripts)
    allowed = hashes or "'none'"
    return f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:; font-src data:"


def _map(report: Report) -> tuple[str, str]:
    """The map's element and the script that fills it."""
    assert report.extent is not None  # noqa: S101 - the caller has looked
    west, south, east, north = report.extent
    drawn = folium.Map(
        location=((south + north) / 2, (west + east) / 2),
        tiles=None,
        prefer_canvas=True,
        attribution_control=False,
        zoom_snap=0.25,
        max_zoom=19,
    )
    drawn._id = "report"
    if report.outlines:
        _add(drawn, "units", [_unit(outline) for outline in report.outlines], "describeUnit")
    if report.shapes:
        features = [_feature(report, place) for place in range(len(report.shapes))]
        _add(drawn, "shapes", features, "describeShape")
    figure = drawn.get_root()
    assert isinstance(figure, Figure)  # noqa: S101 - a map stands in a figure
    # Fills the figure's parts. Its header links scripts and styles elsewhere and is left out.
    figure.render()
    html, script = figure.html.render(), figure.script.render()
    return Markup(html), f"{script}\nfinishMap({drawn.get_name()}, {list(report.extent)});"  # noqa: S704 - folium's own


def _add(drawn: folium.Map, name: str, features: list[tuple[dict[str, Any], dict[str, object]]], describe: str) -> None:
    styles = {feature["id"]: style for feature, style in features}
    layer = folium.GeoJson(
        {"type": "FeatureCollection", "features": [feature for feature, _ in features]},
        style_function=lambda feature: styles[feature["id"]],
        on_each_feature=JsCode(describe),
        marker=folium.CircleMarker(radius=6, fill=True),
        smooth_factor=0.5,
    )
    layer._id = name
    layer.add_to(drawn)


def _unit(outline: Outline) -> tuple[dict[str, Any], dict[str, object]]:
    style: dict[str, object] = dict(_UNIT_STYLE)
    if outline.color is not None:
        style |= {"fillColor": outline.color, "fillOpacity": 0.9}
    properties = {"name": outline.name, "facts": outline.facts}
    return _geojson(outline.code, outline.geometry, properties), style


def _feature(report: Report, place: int) -> tuple[dict[str, Any], dict[str, object]]:
    shape = report.shapes[place]
    kind = report.legend[shape.kind]
    is_line, is_point = (str(shape.geometry["type"]).endswith(end) for end in ("LineString", "Point"))
    style: dict[str, object] = {
        "color": kind.color if is_line else kind.edge,
        "weight": 4 if is_line else 2 if is_point and kind.edge == LIGHT else 1,
        "fillColor": kind.color,
        "fillOpacity": 0.9 if is_point else 0.55,
    }
    if is_point:
        style["radius"] = kind.radius
    properties = {"title": shape.title, "kind": shape.kind, "facts": shape.facts}
    return _geojson(str(place), shape.geometry, properties), style


def _geojson(key: str, geometry: Geometry, properties: Mapping[str, object]) -> dict[str, Any]:
    return {"type": "Feature", "id": key, "geometry": geometry, "properties": properties}


def _listing(report: Report) -> Grid:
    about = report.about
    rows = tuple((s.title, report.legend[s.kind].title, *s.facts) for s in report.shapes[:MAX_LISTED])
    count = format_count(len(rows), english=about.english)
    heads = (about.say("Tên", "Name"), about.say("Loại", "Kind"), *report.fact_titles)
    more = ""
    if len(report.shapes) > MAX_LISTED:
        more = about.say("Bảng chỉ ghi chừng này; bản đồ vẽ đủ.", "The table lists so many; the map draws all.")
    return Grid(
        about.say(f"Danh sách {count} đối tượng", f"List of {count} features"),
        heads,
        (False,) * len(heads),
        rows,
        more,
    )


def _words_of_script(report: Report) -> str:
    about = report.about
    words: Mapping[str, object] = {
        "factTitles": report.fact_titles,
        "kinds": [kind.title for kind in report.legend],
        "kindTitle": about.say("Loại", "Kind"),
        "mapTitle": about.say("Bản đồ, xem thêm danh sách bên dưới", "Map; see also the list below"),
        "north": about.say("B", "N"),
    }
    return str(htmlsafe_json_dumps(words))


def _words(report: Report) -> dict[str, str]:
    say = report.about.say
    return {
        "made": say("Lập lúc", "Made at"),
        "legend": say("Chú giải", "Legend"),
        "nothing": say("Không có đối tượng nào để vẽ.", "There is nothing to draw."),
        "base": say(
            "Nền: địa giới đơn vị hành chính, nét đã giản lược cho bản đồ này.",
            "Base: boundaries of administrative units, simplified for this map.",
        ),
    }
